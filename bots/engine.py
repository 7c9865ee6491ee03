"""The engine: turns in batches, each batch one transaction.

It takes whatever turns have arrived while the batches before were committing, at most one a chat, and runs
them together: note the update keys, lock and load the chats, drive the dialogues (all questions of one type
are one statement), save stages and replies, commit. Only then is an update acknowledged. Locks are taken in
one order for everyone: inbox keys, chats, accounts, ledger balances, lanes, buckets.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from hashlib import sha256
from time import perf_counter
from typing import Final

import msgspec
import structlog

from bots import metrics
from bots.arrivals import Arrival, Arrivals
from bots.finishing import finished
from bots.senders import Senders
from bots.taking import Taken
from bots.turning import Outcome, Turned, Turning
from core.channel import Channel
from core.messages import Incoming
from core.turns import TOLD_ONCE, Event, Incident
from storage import conversations, events, inbox, outbox, positions
from storage.answers import Answers
from storage.database import Connection, Pool
from storage.failures import AWAY, PASSING, TOO_SLOW
from storage.keys import Keys
from storage.lanes import Leased

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

BATCH_MAX: Final = 128
# One batch runs its dialogues while the other waits for the database.
BATCHES_AT_ONCE: Final = 2
TRIES_MAX: Final = 4
PAUSE_S: Final = 0.02
ID_LENGTH_MAX: Final = 256
# Presses of a channel that are being acknowledged: a platform that is slow to answer holds up no more of them.
ACKNOWLEDGING_MAX: Final = 64


class BatchBrokenError(Exception):
    """A turn failed after it may have written: the batch is rolled back and its turns run alone."""


class Engine:
    """Takes updates and events, and runs them as turns."""

    def __init__(
        self,
        pool: Pool,
        *,
        answers: Answers,
        channels: Mapping[str, Channel],
        keys: Keys,
        turning: Turning,
        now: Callable[[], datetime],
        senders: Senders,
    ) -> None:
        """*now* is the business clock; *senders* are given what turns say."""
        self._pool = pool
        self._answers = answers
        self._channels = channels
        self._keys = keys
        self._turning = turning
        self._now = now
        self._senders = senders
        self._arrivals = Arrivals(address_hash=keys.address_hash)
        self._acknowledging: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._events: set[int] = set()

    # --- Ways in ---------------------------------------------------------------------------------

    async def take(self, update: Incoming, *, position: tuple[str, str] | None = None) -> Taken:
        """Run *update* as a turn; returns when it is committed, or known, or cannot be taken."""
        arrival = Arrival(
            channel=update.channel,
            key=_storable(update.key),
            chat=_storable(update.chat),
            order=update.order,
            sent_at=update.sent_at,
            said=update.said,
            taken=asyncio.get_running_loop().create_future(),
            private=update.private,
            update=update,
            position=position,
        )
        self._arrivals.add(arrival)
        taken = _left(arrival, await arrival.taken)
        # A repeat was acknowledged when it came first. A flood is told of once, and spends no calls that others need.
        if update.acknowledge is not None and taken is Taken.DONE:
            self._acknowledge(update)
        return taken

    async def take_polled(self, updates: Sequence[Incoming], *, channel: str, position: str) -> bool:
        """Run *updates*; *position* is saved with the last of them, once all others are committed."""
        if not updates:
            async with self._pool.acquire() as db:
                await positions.save(db, {channel: position})
            return True
        *earlier, last = updates
        taken = await asyncio.gather(*(self.take(update) for update in earlier))
        if Taken.BUSY in taken:
            return False
        return await self.take(last, position=(channel, position)) is not Taken.BUSY

    async def take_event(self, number: int, chat: int, event: Event, created_at: datetime) -> Taken:
        """Run the kept *event* as a turn of *chat*, once."""
        if number in self._events:
            return Taken.REPEATED
        self._events.add(number)
        arrival = Arrival(
            channel="event",
            key=str(number),
            chat=chat,
            order=-1,
            sent_at=created_at,
            said=event,
            taken=asyncio.get_running_loop().create_future(),
            event=number,
        )
        self._arrivals.add(arrival)
        try:
            return _left(arrival, await arrival.taken)
        finally:
            self._events.discard(number)

    def _acknowledge(self, update: Incoming) -> None:
        """Tell the platform that a press was heard, at best: what the press asked for is sent in any case."""
        acknowledging = self._acknowledging[update.channel]
        if len(acknowledging) >= ACKNOWLEDGING_MAX:
            return
        task = asyncio.create_task(self._channels[update.channel].acknowledge(update))
        acknowledging.add(task)
        task.add_done_callback(acknowledging.discard)

    # --- Batches ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run batches until cancelled; what waits then is left to the platforms, which will come again."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(BATCHES_AT_ONCE):
                    group.create_task(self._run_batches())
        finally:
            _tell_all(self._arrivals.rest(), Taken.BUSY)

    async def _run_batches(self) -> None:
        """Run one batch after another, of chats of which no other batch has a turn."""
        while True:
            await self._arrivals.some.wait()
            # Whatever else is ready in this pass of the loop joins the batch; no timer is involved.
            await asyncio.sleep(0)
            batch = self._arrivals.next_batch(BATCH_MAX)
            if not batch:  # the other runner was first
                continue
            try:
                # Its turns are acknowledged and its replies sent, also when we are to stop.
                await finished(self._run_batch(batch))
            finally:
                self._arrivals.over(batch)

    async def _run_batch(self, batch: Sequence[Arrival]) -> None:
        """Run the updates of *batch*, then its events: one chat may have both, and each turn is to see the other's."""
        for part in (
            [arrival for arrival in batch if arrival.event is None],
            [arrival for arrival in batch if arrival.event is not None],
        ):
            if not part or await self._try(part):
                continue
            for arrival in part:
                if not await self._try([arrival]):
                    await self._close(arrival)

    async def _try(self, batch: Sequence[Arrival]) -> bool:
        """Run *batch* in one transaction; False if it must be run otherwise."""
        for attempt in range(1, TRIES_MAX + 1):
            try:
                await self._commit(batch)
            except PASSING as passing:
                log.info("batch.again", turns=len(batch), attempt=attempt, why=type(passing).__name__)
                await asyncio.sleep(PAUSE_S * attempt)
            except TOO_SLOW:
                log.warning("batch.too_slow", turns=len(batch))
                return False
            except AWAY as away:
                log.warning("database.away", turns=len(batch), why=type(away).__name__)
                _tell_all(batch, Taken.BUSY)
                return True
            except Exception as broken:  # whatever one turn does must not end the engine
                log.warning("batch.broken", turns=len(batch), exc_info=_shown(broken))
                return False
            else:
                return True
            if len(batch) > 1:
                return False
        log.warning("batch.gave_up", turns=len(batch))
        _tell_all(batch, Taken.BUSY)
        return True

    async def _commit(self, batch: Sequence[Arrival]) -> None:
        started = perf_counter()
        with ExitStack() as promises:
            async with self._pool.acquire() as db, db.transaction():
                turned = await self._turn(db, batch)
                due, leased = await self._save(db, batch, list(turned.values()), promises)
        self._senders.committed(due, leased)
        for arrival in batch:
            came_to = turned.get(arrival)
            if came_to is not None:
                self._arrivals.ran(arrival)
            _tell(arrival, Taken.REPEATED if came_to is None else Taken.DONE)
            _note(arrival, came_to)
        metrics.batch_done(len(turned), perf_counter() - started)

    async def _turn(self, db: Connection, batch: Sequence[Arrival]) -> dict[Arrival, Turned]:
        """Run the turns of *batch* whose keys are new; what each came to."""
        now = self._now()
        new, young = await inbox.record(db, sorted((each.channel, each.key) for each in batch))
        arrivals = [each for each in batch if (each.channel, each.key) in new]
        if not arrivals:
            return {}
        addresses = [
            conversations.Address(each.channel, each.chat, each.private, "ru")
            for each in arrivals
            if isinstance(each.chat, str)
        ]
        numbers = [each.chat for each in arrivals if isinstance(each.chat, int)]
        by_address, by_number = await conversations.lock(db, addresses, numbers, now=now, keys=self._keys)
        earlier = await inbox.seen_earlier(db, list(new)) if young else set()
        chosen: list[tuple[Arrival, conversations.Conversation]] = []
        silent: list[int] = []
        for each in arrivals:
            known = (
                by_number.get(each.chat)
                if isinstance(each.chat, int)
                else by_address[each.channel, each.chat]
            )
            if known is None or (each.channel, each.key) in earlier:
                continue
            if known.channel in self._turning.voices:
                chosen.append((each, known))
            else:
                log.warning("event.channel_is_off", channel=known.channel, event_id=each.event)
                if each.event is not None and isinstance(each.said, TOLD_ONCE):
                    silent.append(each.event)
        await self._move(db, silent)
        turned = await self._turning.run(db, chosen, answers=self._answers, now=now)
        if any(each.outcome is Outcome.BROKEN for each in turned):
            raise BatchBrokenError
        return {arrival: came_to for (arrival, _), came_to in zip(chosen, turned, strict=True)}

    async def _save(
        self, db: Connection, batch: Sequence[Arrival], turned: Sequence[Turned], promises: ExitStack
    ) -> tuple[dict[str, set[int]], list[Leased]]:
        """Save what *turned* came to; returns the chats that have messages due, by channel, and what is ours to send.

        The senders' room for that is kept in *promises*, to be let go once they are given it.
        """
        now = self._now()
        messages = [message for each in turned for message in each.messages]
        if turned:
            await conversations.save(db, [each.standing for each in turned], now=now)
            await self._move(db, [each.unheard for each in turned if each.unheard is not None])
        if run := [each.event for each in batch if each.event is not None]:
            await events.done(db, run, now=now)
        if stood := dict(each.position for each in batch if each.position is not None):
            await positions.save(db, stood)
        due: dict[str, set[int]] = {}
        for message in messages:
            due.setdefault(message.channel, set()).add(message.chat)
        rooms = promises.enter_context(self._senders.promising(due))
        # Last, for until the commit other senders wait for the channels' buckets.
        return due, await outbox.add(db, messages, senders=rooms)

    async def _move(self, db: Connection, numbers: Sequence[int]) -> None:
        """Leave events to other chats of their residents, of channels that are on: none comes back so."""
        await events.move(db, numbers, channels=self._turning.voices)

    async def _close(self, arrival: Arrival) -> None:
        """End a turn that fails for a reason of its own, so that it is not repeated and blocks no chat."""
        closing = msgspec.structs.replace(arrival, said=self._turning.incident(arrival))
        if not await self._try([closing]):
            _tell(arrival, Taken.BUSY)


def _storable(name: str) -> str:
    """A platform's id as PostgreSQL can keep it in an index: whole, or told by its digest.

    No platform gives one that is no text or that long, but a body that was broken on its way may.
    """
    if len(name) <= ID_LENGTH_MAX and name.isprintable():
        return name
    return sha256(name.encode(errors="surrogatepass")).hexdigest()


def _shown(broken: Exception) -> Exception | None:
    """What the log is to show of *broken*: a turn that broke the batch is in the log already."""
    return None if isinstance(broken, BatchBrokenError) else broken


def _tell_all(batch: Sequence[Arrival], taken: Taken) -> None:
    for arrival in batch:
        _tell(arrival, taken)


def _tell(arrival: Arrival, taken: Taken) -> None:
    # Whoever waited may have gone: the turn is committed all the same.
    with suppress(asyncio.InvalidStateError):
        arrival.taken.set_result(taken)


def _note(arrival: Arrival, turned: Turned | None) -> None:
    """The one canonical line of a turn that was committed, or was before (*turned* None), and its measures."""
    took_s = perf_counter() - arrival.arrived_s
    outcome, incident = _outcome(arrival, turned)
    metrics.turn_done(arrival.channel, outcome, took_s)
    facts = {"incident": incident} if incident else {}
    log.info(
        "turn.done",
        channel=arrival.channel,
        said=type(arrival.said).__name__,
        outcome=outcome,
        took_ms=round(took_s * 1000, 1),
        **facts,
    )


def _outcome(arrival: Arrival, turned: Turned | None) -> tuple[str, str | None]:
    """In a word what became of a turn, and the number of the incident if it was one."""
    if turned is None:
        return "repeated", None
    if isinstance(arrival.said, Incident):
        return "closed", arrival.said.number
    return turned.outcome.name.lower(), turned.incident


def _left(arrival: Arrival, taken: Taken) -> Taken:
    """Count a turn that was not run: a flood of them is counted, not written down."""
    if taken in {Taken.DROPPED, Taken.BUSY}:
        metrics.turn_left(arrival.channel, taken.value)
    return taken
