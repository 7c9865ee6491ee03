"""Delivery: whatever becomes of a message is written down, however many are on their way."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from bots.delivery import Delivery
from core.channel import Channel, Outcome, Pace, RenderedFile, Sending, Sent
from core.messages import Document, Message, Span
from core.privacy import Ceiling
from storage import outbox
from storage.database import Connection, Pool
from storage.outbox import Outgoing
from tests.making_people import CENTRE
from tests.storage.making_residents import KEYS, NOW, make_chat

FAST = Pace(rate=10_000, burst=10_000, chat_rate=10_000, chat_burst=10_000)
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


async def _no_documents(document: Document, _language: str) -> RenderedFile:
    raise NotImplementedError(document)


async def test_a_slow_message_is_settled_as_well_as_a_quick_one_sent_beside_it(
    pool: Pool, db: Connection
) -> None:
    platform = Platform()
    await outbox.set_pace(db, "telegram", FAST)
    said = {await make_chat(db, name): name for name in ("quick", "slow")}
    messages = [Outgoing(chat, "telegram", Message((Span(words),))) for chat, words in said.items()]
    async with db.transaction():
        await outbox.add(db, messages)
    delivery = Delivery(
        pool,
        cast("Channel", platform),
        keys=KEYS,
        ceiling=Ceiling.of("open"),
        zone=CENTRE.zone,
        render=_no_documents,
        now=lambda: NOW,
    )
    delivery.wake(set(said))
    running = asyncio.create_task(delivery.run())
    while await db.fetchval(SENT) < 1:  # noqa: ASYNC110  # a row of the database sets no event
        await asyncio.sleep(0)
    platform.answering.set()
    await platform.answered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert await db.fetchval(SENT) == 2
