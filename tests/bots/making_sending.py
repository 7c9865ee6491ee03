"""What sends to a platform of a test's own: nothing but the platform is made up."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from bots.delivery import Delivery
from bots.withholding import Withholding
from core.channel import Capabilities, Channel, Pace, RenderedFile
from core.messages import Document, Message, MessageClass, Span
from core.privacy import Ceiling
from storage import outbox, paces
from storage.database import Connection, Pool
from storage.outbox import Outgoing
from tests.making_people import CENTRE
from tests.storage.making_residents import KEYS, NOW, make_chat

FAST: Final = Pace(rate=10_000, burst=10_000, chat_rate=10_000, chat_burst=10_000)
ROOMY: Final = Capabilities(
    text_chars_max=4096,
    caption_chars_max=1024,
    rows_max=100,
    columns_max=8,
    buttons_max=100,
    label_chars_max=64,
)


def a_withholding(pool: Pool, within: Capabilities = ROOMY) -> Withholding:
    """What holds queued messages to a ceiling, with pages at https://centre.example."""
    return Withholding(
        pool, within=within, zone=CENTRE.zone, public_url="https://centre.example", now=lambda: NOW
    )


def a_delivery(pool: Pool, platform: object) -> Delivery:
    """The sender of *platform*, which may carry anything but takes no documents."""
    return Delivery(
        pool,
        cast("Channel", platform),
        keys=KEYS,
        ceiling=Ceiling.of("open"),
        withholding=a_withholding(pool),
        zone=CENTRE.zone,
        render=_no_documents,
        now=lambda: NOW,
    )


async def _no_documents(document: Document, _language: str) -> RenderedFile:
    raise NotImplementedError(document)


async def queue(db: Connection, *names: str, message_class: MessageClass = MessageClass.REPLY) -> None:
    """A message of each name, to a chat of its own."""
    messages = [
        Outgoing(await make_chat(db, name), "telegram", Message((Span(name),), message_class=message_class))
        for name in names
    ]
    async with db.transaction():
        await outbox.add(db, messages)


async def send_until(pool: Pool, db: Connection, platform: object, true: str) -> None:
    """Have a new process send to *platform* until this is *true* in the database, waiting for nothing."""
    await paces.set_pace(db, "telegram", FAST)
    delivery = a_delivery(pool, platform)
    running = asyncio.create_task(delivery.run())
    await hurried_until(db, delivery, true)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def hurried_until(db: Connection, delivery: Delivery, true: str) -> None:
    """Have all that waits be due at once until this is *true*."""
    while not await db.fetchval(true):
        await db.execute("update lane set due_at = clock_timestamp() where due_at is not null")
        delivery.wake(set())
        await asyncio.sleep(0)
