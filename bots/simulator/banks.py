"""The stand-ins of real acquirers beside the simulated one, so that the demo's pay page offers a choice."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from bots.acquirers import SBER_CALLBACK_KEY, SBER_LOGIN, SBER_PASSWORD, YOOKASSA_KEY
from bots.configuration import Secrets
from bots.simulator.sberbank import SberbankStandIn
from bots.simulator.yookassa import YookassaStandIn

SHOP: Final = "100500"
YOOKASSA: Final = "/yookassa"
SBERBANK: Final = "/sberbank"


def bank_secrets() -> dict[str, str]:
    """What the banks know the centre by; none of it opens anything elsewhere."""
    return {
        YOOKASSA_KEY: "key-of-the-stand-in-for-yookassa",
        SBER_LOGIN: "stand-in-api",
        SBER_PASSWORD: "password-of-the-stand-in-for-sberbank",
        SBER_CALLBACK_KEY: secrets.token_urlsafe(32),
    }


def bank_sections(base: str) -> dict[str, dict[str, Any]]:
    """The acquirers' part of a configuration whose banks stand at *base*."""
    return {
        "yookassa": {
            "shop_id": SHOP,
            "title": "учебная ЮKassa",
            "base": f"{base}{YOOKASSA}/v3",
            "notices_from": ["127.0.0.1/32"],
        },
        "sberbank": {"title": "учебный Сбербанк", "base": f"{base}{SBERBANK}", "callback": "hmac"},
    }


def bank_stand_ins(
    environment: Secrets, clock: Callable[[], datetime], public_url: str
) -> dict[str, web.Application]:
    """The banks as applications, by the path at which each is served."""

    def known(name: str) -> str:
        return environment.need(name, "a stand-in")

    yookassa = YookassaStandIn(
        SHOP, known(YOOKASSA_KEY), clock, notice_url=f"{public_url}/acquirers/yookassa/notice"
    )
    sberbank = SberbankStandIn(
        known(SBER_LOGIN),
        known(SBER_PASSWORD),
        clock,
        notice_url=f"{public_url}/acquirers/sberbank/notice",
        notice_key=known(SBER_CALLBACK_KEY).encode(),
    )
    return {YOOKASSA: yookassa.app(), SBERBANK: sberbank.app()}
