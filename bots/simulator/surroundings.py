"""The service with stand-ins of everything around it, on one address: for the demo and for tests.

Everything between a resident and the database is the real path; only what is outside of it is stood in for.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp

from bots import wiring
from bots.acquirers import SIMULATED_SECRET
from bots.clock import BusinessClock
from bots.configuration import Configuration, Secrets, checked
from bots.listening import listening
from bots.serving import Serving, serving
from bots.simulator.acquirer import AcquirerStandIn
from bots.simulator.app import simulator_app
from bots.simulator.banks import bank_secrets, bank_sections, bank_stand_ins
from bots.simulator.mode_api import ModeApi
from bots.simulator.residents import Residents
from bots.simulator.stand_ins import made_up_secrets, sections, stand_ins
from core.channel import Channel, Pace
from storage.conversations import forget_order
from storage.database import Pool
from storage.showcase import accounts_to_try

HOST: Final = "127.0.0.1"
ACQUIRER: Final = "/acquirer"
UNPACED: Final = Pace(rate=10_000, burst=10_000, chat_rate=10_000, chat_burst=10_000)


def simulated_secrets(*, master: str, billing: str) -> dict[str, str]:
    """The secrets of a simulated centre: its keys, and what its stand-ins know it by."""
    return {
        wiring.MASTER_KEY: master,
        wiring.BILLING_KEY: billing,
        **made_up_secrets(),
        **bank_secrets(),
        SIMULATED_SECRET: secrets.token_urlsafe(32),
    }


def simulated_configuration(port: int, *, mode: str = "open", banks: bool = False) -> Configuration:
    """The configuration of a simulated centre: all channels on, all addresses on this machine's *port*.

    *banks*: the stand-ins of real acquirers are there too, and the pay page offers the choice.
    """
    base = f"http://{HOST}:{port}"
    content = {
        "centre": {
            "name": "ЕРКЦ Зареченска",
            "address": "г. Зареченск, ул. Светлая, 1",
            "phone": "8 (800) 000-00-00",
            "hours": "пн–пт 8:00–20:00, сб 9:00–15:00",
            # No such organisation or bank exists; the check digits are right.
            "requisites": {
                "name": "МУП «ЕРКЦ Зареченска»",
                "inn": "5812345671",
                "kpp": "581201001",
                "bank_account": "40702810600000012345",
                "bank_name": "Банк «Присурье»",
                "bik": "045655999",
                "corr_account": "30101810500000000999",
            },
        },
        "server": {"public_url": base, "host": HOST, "port": port},
        "channels": sections(base, mode=mode),
        "payments": {
            "simulated": {"base": f"{base}{ACQUIRER}"},
            **(bank_sections(base) if banks else {}),
        },
    }
    return checked(content, source="simulator")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A service that runs among its stand-ins."""

    address: str
    accounts: Sequence[Mapping[str, Any]]
    clock: BusinessClock
    channels: Mapping[str, Residents]
    acquirer: AcquirerStandIn
    service: Serving


@asynccontextmanager
async def surrounded(
    configuration: Configuration,
    environment: Secrets,
    *,
    pool: Pool,
    clock: BusinessClock,
    codes: Mapping[str, str],
    paced: bool = True,
) -> AsyncIterator[Surroundings]:
    """Run the service of *configuration* among stand-ins; *codes* of accounts are for the page to show.

    *paced* False lifts the limits on how fast a chat is written to, theirs and ours, for whoever cannot wait.
    """
    zone = configuration.as_centre.zone

    def town_time() -> datetime:
        return clock().astimezone(zone)

    channels = stand_ins(environment, town_time, paced=paced)
    acquirer = AcquirerStandIn(
        environment.need(SIMULATED_SECRET, "the stand-in for an acquirer"),
        clock,
        notice_url=f"{configuration.server.public_url}/acquirers/simulated/notice",
    )

    async def to_try() -> Sequence[Mapping[str, Any]]:
        async with pool.acquire() as db:
            return await accounts_to_try(db, codes)

    async def set_clock(now: datetime) -> None:
        if now < clock():
            # What is said from now on is dated before what was said: no chat may take it for late.
            async with pool.acquire() as db:
                await forget_order(db)
        clock.set(now)

    app = simulator_app(
        list(channels.values()),
        accounts=to_try,
        clock=town_time,
        set_clock=set_clock,
    )
    app.add_subapp(ACQUIRER, acquirer.app())
    if configuration.payments.yookassa is not None:
        for path, bank in bank_stand_ins(environment, clock, configuration.server.public_url).items():
            app.add_subapp(path, bank)
    async with aiohttp.ClientSession() as http:
        parts = wiring.parts_of(configuration, environment, pool=pool, http=http, clock=clock)
        if not paced:
            for channel in parts.channels.values():
                channel.pace = UNPACED
        async with serving(parts, app) as service:
            app.add_routes(ModeApi(service).routes())
            async with listening(app, host=HOST, port=configuration.server.port):
                await _subscribe(configuration, parts.channels)
                yield Surroundings(
                    configuration.server.public_url, await to_try(), clock, channels, acquirer, service
                )


async def _subscribe(configuration: Configuration, channels: Mapping[str, Channel]) -> None:
    await asyncio.gather(
        *(channel.subscribe(wiring.webhook_url(configuration, name)) for name, channel in channels.items())
    )
