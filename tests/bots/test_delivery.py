"""Delivery: whatever becomes of a message is written down, however many are on their way."""

import asyncio
from dataclasses import dataclass, field

from core.channel import Outcome, Pace, Sending, Sent
from core.messages import Message, Span
from storage import outbox
from storage.database import Connection, Pool
from storage.outbox import Outgoing
from tests.bots.making_sending import FAST, a_delivery
from tests.storage.making_residents import make_chat

SENT = "select count(*) from outbox where state = 'sent'"


@dataclass
class Platform:
    """A messenger that answers one message at once and the other when it is told to."""

    answering: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "telegram"
    pace: Pace = FAST

    async def send(self, sending: Sending) -> Outcome:
        if sending.message.plain == "slow":
            await self.answering.wait()
            self.answered.set()
        return Sent("1")


async def test_a_slow_message_is_settled_as_well_as_a_quick_one_sent_beside_it(
    pool: Pool, db: Connection
) -> None:
    platform = Platform()
    await outbox.set_pace(db, "telegram", FAST)
    said = {await make_chat(db, name): name for name in ("quick", "slow")}
    messages = [Outgoing(chat, "telegram", Message((Span(words),))) for chat, words in said.items()]
    async with db.transaction():
        await outbox.add(db, messages)
    delivery = a_delivery(pool, platform)
    delivery.wake(set(said))
    running = asyncio.create_task(delivery.run())
    while await db.fetchval(SENT) < 1:  # noqa: ASYNC110  # a row of the database sets no event
        await asyncio.sleep(0)
    platform.answering.set()
    await platform.answered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert await db.fetchval(SENT) == 2
