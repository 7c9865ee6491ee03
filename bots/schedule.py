"""What is done from time to time: events brought to the engine, open payments asked about, old rows dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from time import perf_counter
from typing import Final

import msgspec
import structlog

from bots.engine import Engine
from bots.paying import PayDesk
from bots.taking import Taken, Taker
from core.channel import CatchingUp, Kept
from core.errors import ChannelFailedError
from core.questions import OpenCase
from storage import (
    cases,
    conversations,
    erasing,
    events,
    files,
    inbox,
    observing,
    outbox,
    positions,
    proofs,
    residents,
    shown_pages,
)
from storage.database import Pool
from storage.seals import last_sealed, seal_days

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

EVENTS_S: Final = 1.0
EVENTS_AT_ONCE: Final = 200
PAYMENTS_S: Final = 60.0
KEEP_S: Final = 300.0
# What is owed is noted in one, and given in the next.
ROUNDS: Final = 2
TIDY_S: Final = 600.0
# How often it is looked whether the day's proof of the books is due.
PROOF_S: Final = 1800.0
SEAL_S: Final = 3600.0
SEALED_AT_ONCE_MAX: Final = 7
RECONCILE_S: Final = 3600.0


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
        self._unreadable: set[int] = set()

    def news(self) -> None:
        """Some event was just kept."""
        self._news.set()

    async def run(self) -> None:
        """Feed until cancelled."""
        await every(0.0, self._feed, name="events")

    async def _feed(self) -> None:
        # Not wait_for: in Python 3.11 it loses a cancellation that comes with the news.
        with suppress(TimeoutError):
            async with asyncio.timeout(EVENTS_S):
                await self._news.wait()
        self._news.clear()
        after = 0
        while True:
            async with self._pool.acquire() as db:
                waiting = await events.waiting(db, after=after, most=EVENTS_AT_ONCE)
            await asyncio.gather(*map(self._bring, waiting))
            if len(waiting) < EVENTS_AT_ONCE:
                return
            after = waiting[-1].id

    async def _bring(self, waiting: events.Waiting) -> None:
        """Bring an event; one of another release waits on for that, and is told of once."""
        try:
            event = waiting.event
        except msgspec.DecodeError:
            if waiting.id not in self._unreadable:
                self._unreadable.add(waiting.id)
                log.warning("event.unreadable", event_id=waiting.id)
            return
        await self._engine.take_event(waiting.id, waiting.chat, event, waiting.created_at)


async def ask_about_payments(desk: PayDesk) -> None:
    """Ask the acquirers about payments that stay open."""
    if settled := await desk.settle_open():
        log.info("payments.settled_late", payments=settled)


async def keep(channel: Kept, url: str) -> None:
    """Have *channel* look after its subscription to *url*."""
    try:
        await channel.keep(url)
    except ChannelFailedError as failed:
        log.warning("channel.not_kept", channel=failed.channel, reason=failed.reason)


async def catch_up(channel: CatchingUp, taker: Taker, pool: Pool, url: str) -> None:
    """Have *channel* look after its subscription to *url*, and run what was missed without it as turns.

    What is owed is saved before it is asked for, and is owed until all of it was taken, whoever stops meanwhile.
    """
    key = f"{channel.name}:missed"
    async with pool.acquire() as db:
        position = await positions.position_of(db, key)
    for _ in range(ROUNDS):
        try:
            missed, reached = await channel.catch_up(url, position)
        except ChannelFailedError as failed:
            log.warning("channel.not_kept", channel=failed.channel, reason=failed.reason)
            return
        for update in missed:
            # One at a time: all at once they would pass for a flood.
            if await taker.take(update) is Taken.BUSY:
                log.warning("catching_up.postponed", channel=channel.name)
                return
        if reached == position:
            return
        async with pool.acquire() as db:
            await positions.save(db, {key: reached})
        position = reached


async def tidy(pool: Pool, now: Callable[[], datetime]) -> None:
    """Drop what is kept no longer: update keys, chats without consent, talks, texts, photos, pages that are over.

    The books, readings and the record of staff's deeds are not the app's to remove.
    """
    async with pool.acquire() as db:
        await inbox.roll(db)
        await conversations.purge(db, now=now())
        await conversations.end_talks(db, now=now())
        await outbox.empty_ended(db)
        await events.drop_done(db, now=now())
        await cases.forget(db, now=now())
        await erasing.forget_unlinked(db, now=now())
        await erasing.erase_due(db, now=now())
        await residents.forget_consents(db, now=now())
        await proofs.forget_tries(db, now=now())
        await files.forget(db, now=now())
        await shown_pages.forget(db, now=now())


async def seal(pool: Pool, now: Callable[[], datetime], zone: tzinfo) -> None:
    """Seal the days that are over, whether or not the centre settles with providers from these books.

    Where more are over than a service that runs leaves open, staff are asked to look at the clock first: a day
    that was sealed too early takes no money any more, and no seal is taken back.
    """
    yesterday = now().astimezone(zone).date() - timedelta(days=1)
    async with pool.acquire() as db, db.transaction():
        last = await last_sealed(db)
        if last is not None and (yesterday - last).days > SEALED_AT_ONCE_MAX:
            log.error("days.unsealed", last=str(last), until=str(yesterday))
            if not await cases.is_open(db, "days_unsealed"):
                facts = (("last", str(last)), ("until", str(yesterday)), ("see", "kvitok ledger seal --date"))
                await cases.open_case(db, [OpenCase("days_unsealed", None, None, facts, now())])
            return
        if seals := await seal_days(db, until=yesterday, now=now()):
            log.info("days.sealed", days=len(seals), until=str(yesterday))


async def prove(pool: Pool, now: Callable[[], datetime]) -> None:
    """Prove the books, once a day however many processes there are; staff hear of it if they are not whole."""
    began = perf_counter()
    async with pool.acquire() as db, db.transaction():
        faults = await observing.prove_daily(db, now=now())
        if faults:
            facts = (("faults", str(len(faults))), ("see", "kvitok ledger verify"))
            await cases.open_case(db, [OpenCase("books_not_whole", None, None, facts, now())])
    if faults:
        log.error("ledger.not_whole", faults=len(faults))
    elif faults is not None:
        log.info("ledger.proven", took_s=round(perf_counter() - began, 1))
