"""The stand-ins of all messengers: their made-up secrets, their sections of the configuration, and they themselves."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from time import time
from typing import Any, Final

from bots.configuration import Secrets
from bots.messengers import (
    MAX_SECRET,
    MAX_TOKEN,
    OK_SECRET,
    OK_TOKEN,
    TELEGRAM_SECRET,
    TELEGRAM_TOKEN,
    VIBER_TOKEN,
    VK_CONFIRMATION,
    VK_SECRET,
    VK_TOKEN,
)
from bots.simulator.max import MaxStandIn
from bots.simulator.odnoklassniki import OdnoklassnikiStandIn
from bots.simulator.residents import Residents
from bots.simulator.telegram import TelegramStandIn
from bots.simulator.viber import ViberStandIn
from bots.simulator.vk import VkStandIn

VK_GROUP: Final = 229_000_111
VK_CONFIRMED_BY: Final = "d8v2ve07"
WITHOUT_PACE: Final = 100_000


def made_up_secrets() -> dict[str, str]:
    """What the stand-ins know the centre by; none of it opens anything elsewhere."""
    return {
        TELEGRAM_TOKEN: "7012345678:token-of-the-stand-in-for-telegram",
        TELEGRAM_SECRET: secrets.token_urlsafe(32),
        VK_TOKEN: "vk1.a.token-of-the-stand-in-for-vk",
        VK_SECRET: secrets.token_hex(20),
        VK_CONFIRMATION: VK_CONFIRMED_BY,
        OK_TOKEN: "tknStandInForOdnoklassniki:CSTANDIN",
        OK_SECRET: secrets.token_urlsafe(32),
        VIBER_TOKEN: "4ffd3a5e1b8c-token-of-the-stand-in-for-viber",
        MAX_TOKEN: "token-of-the-stand-in-for-max",
        MAX_SECRET: secrets.token_hex(20),
    }


def sections(base: str, *, mode: str) -> dict[str, dict[str, object]]:
    """The channels' part of a configuration whose messengers all stand at *base*."""
    return {
        "telegram": {"mode": mode, "api_base": base},
        "vk": {"mode": mode, "api_base": base, "group_id": VK_GROUP},
        "ok": {"mode": mode, "api_base": f"{base}/graph"},
        "viber": {"mode": mode, "api_base": base},
        "max": {"mode": mode, "api_base": f"{base}/max"},
    }


def stand_ins(
    environment: Secrets, clock: Callable[[], datetime], *, paced: bool = True
) -> dict[str, Residents]:
    """A stand-in of each messenger, in the order of the page.

    They number on from where they left off before a restart, by the seconds that passed. *paced* False lifts
    their limits on how fast they are called.
    """
    started = int(time())

    def of(token: str) -> dict[str, Any]:
        return {"token": environment.need(token, "a stand-in"), "clock": clock, "seed": started}

    def unless_paced(**limits: int) -> dict[str, Any]:
        return {} if paced else limits

    return {
        "telegram": TelegramStandIn(
            **of(TELEGRAM_TOKEN),
            first_update=started,
            **unless_paced(chat_burst=WITHOUT_PACE, bot_per_s=WITHOUT_PACE),
        ),
        "vk": VkStandIn(
            **of(VK_TOKEN),
            group=VK_GROUP,
            confirmation=VK_CONFIRMED_BY,
            first_place=started,
            **unless_paced(calls_per_s=WITHOUT_PACE),
        ),
        "ok": OdnoklassnikiStandIn(
            **of(OK_TOKEN), **unless_paced(chat_burst=WITHOUT_PACE, group_per_s=WITHOUT_PACE, settle_s=0)
        ),
        "viber": ViberStandIn(**of(VIBER_TOKEN), **unless_paced(unanswered_max=WITHOUT_PACE)),
        "max": MaxStandIn(**of(MAX_TOKEN), **unless_paced(calls_per_s=WITHOUT_PACE, chat_per_s=WITHOUT_PACE)),
    }
