"""What is done from time to time: events brought to the engine, open payments asked about, old rows dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from bots.engine import Engine
from bots.paying import PayDesk
from bots.taking import Taker
from core.channel import Kept
from core.errors import ChannelFailedError
from storage import conversations, erasing, events, files, inbox, outbox, proofs, shown_pages
from storage.database import Pool

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

EVENTS_S: Final = 1.0
EVENTS_AT_ONCE: Final = 200
PAYMENTS_S: Final = 60.0
KEEP_S: Final = 300.0
TIDY_S: Final = 600.0


async def every(
    seconds: float, job: Callable[[], Awaitable[object]], *, name: str, first_s: float = 0.0
) -> None:
    """Do *job* after *first_s* and again *seconds* after it ended, whatever it raised."""
    await asyncio.sleep(first_s)
    while True:
        try:
            await job()
        except Exception:
            log.exception("job.failed", job=name)
        await asyncio.sleep(seconds)


class EventFeeder:
    """Brings kept events to the engine: at once when there is news here, else within a second."""

    def __init__(self, pool: Pool, engine: Engine) -> None:
        self._pool = pool
        self._engine = engine
        self._news = asyncio.Event()

    def news(self) -> None:
        """Some event was just kept."""
        self._news.set()

    async def run(self) -> None:
        """Feed until cancelled."""
        await every(0.0, self._feed, name="events")

    async def _feed(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), EVENTS_S)
        self._news.clear()
        after = 0
        while True:
            async with self._pool.acquire() as db:
                waiting = await events.waiting(db, after=after, most=EVENTS_AT_ONCE)
            await asyncio.gather(
                *(
                    self._engine.take_event(each.id, each.chat, each.event, each.created_at)
                    for each in waiting
                )
            )
            if len(waiting) < EVENTS_AT_ONCE:
                return
            after = waiting[-1].id


async def ask_about_payments(desk: PayDesk) -> None:
    """Ask the acquirers about payments that stay open."""
    if settled := await desk.settle_open():
        log.info("payments.settled_late", payments=settled)


async def keep(channel: Kept, taker: Taker, url: str) -> None:
    """Have *channel* look after its subscription to *url*, and run what was missed without it as turns."""
    try:
        missed = await channel.keep(url)
    except ChannelFailedError as failed:
        log.warning("channel.not_kept", channel=failed.channel, reason=failed.reason)
        return
    for update in missed:
        await taker.take(update)


async def tidy(pool: Pool, now: Callable[[], datetime]) -> None:
    """Drop what is kept no longer: old update keys, chats without consent, texts sent long ago, pages that are over."""
    async with pool.acquire() as db:
        await inbox.roll(db)
        await conversations.purge(db, now=now())
        await outbox.empty_sent(db)
        await erasing.erase_due(db, now=now())
        await proofs.forget_tries(db, now=now())
        await files.forget(db, now=now())
        await shown_pages.forget(db, now=now())
