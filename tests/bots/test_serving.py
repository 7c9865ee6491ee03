"""A service that is stopped ends what it has begun."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from aiohttp import web

from bots.serving import Parts, serving
from bots.simulator.surroundings import simulated_configuration
from bots.turning import Voice
from core.channel import Channel, Sending, Sent
from core.messages import Incoming, Text
from core.privacy import Ceiling
from storage.database import Pool
from storage.payments import PaymentSettings
from tests.bots.making_sending import FAST, ROOMY
from tests.conftest import NOW
from tests.storage.making_residents import KEYS

UPDATES = tuple(Incoming("telegram", str(n), str(n), str(n), n, NOW, Text("меню")) for n in range(3))


@dataclass
class Polled:
    """A platform with three updates, and then no more."""

    polled: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "telegram"
    pace = FAST

    async def unsubscribe(self) -> None:
        return

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        if position:
            await asyncio.Event().wait()
        self.polled.set()
        return UPDATES, "3"

    async def send(self, sending: Sending) -> Sent:
        return Sent(str(sending.token))

    async def close(self) -> None:
        return


def parts_of(pool: Pool, platform: Polled) -> Parts:
    def now() -> datetime:
        return NOW

    return Parts(
        configuration=simulated_configuration(1),
        pool=pool,
        keys=KEYS,
        channels={"telegram": cast("Channel", platform)},
        voices={"telegram": Voice(ROOMY, Ceiling.of("open"))},
        polled=frozenset({"telegram"}),
        acquirers={},
        payments=PaymentSettings("http://127.0.0.1:1", b"k" * 32),
        webhooks={},
        clock=now,
    )


async def test_updates_that_were_fetched_before_the_stop_are_taken_and_their_place_is_kept(
    pool: Pool,
) -> None:
    platform = Polled()

    async with pool.acquire() as db:
        holding = db.transaction()
        await holding.start()
        await db.execute("lock table inbox")
        async with serving(parts_of(pool, platform), web.Application()):
            await platform.polled.wait()
            letting_go = asyncio.create_task(holding.rollback())
        await letting_go

        assert await db.fetchval("select position from position where channel = 'telegram'") == "3"
        assert await db.fetchval("select count(*) from outbox where state = 'sent'") == len(UPDATES)
