"""Delivery: one sender a channel leases due lanes, sends their heads and settles what became of them.

Each channel has a sender, a pace and timeouts of its own, so that one that is slow or down delays no other.
No transaction is open while a platform is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from bots import metrics
from bots.finishing import finished
from bots.judging import Judging, persistently
from bots.loading import loaded, marked
from bots.withholding import Withholding
from core.channel import (
    Channel,
    Outcome,
    Rejected,
    RenderedFile,
    RetryLater,
    Sending,
    Sent,
    Unknown,
    Unreachable,
)
from core.messages import Document
from core.privacy import Ceiling
from storage import lanes, uploads
from storage.database import Connection, Pool
from storage.failures import AWAY, PASSING
from storage.keys import Keys, UnreadableAddressError
from storage.lanes import Leased, Settled

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

AT_ONCE: Final = 48
POLL_S: Final = 1.0
AGAIN_S: Final = 0.05
SEND_TIMEOUT_S: Final = 60.0

# Makes a document's file, worded in a language where it has words of its own.
Render = Callable[[Document, str], Awaitable[RenderedFile]]
# Puts files of a chat where a platform can fetch them; addresses by sha256.
Publish = Callable[[int, Sequence[RenderedFile]], Awaitable[Mapping[str, str]]]


class Delivery:
    """The sender of one channel."""

    def __init__(
        self,
        pool: Pool,
        channel: Channel,
        *,
        keys: Keys,
        ceiling: Ceiling,
        withholding: Withholding,
        zone: ZoneInfo,
        render: Render,
        now: Callable[[], datetime],
        publish: Publish | None = None,
    ) -> None:
        """*now* is the business clock, which dates what staff are to see.

        *publish* is wanted for a channel that takes files by their address alone.
        """
        self._pool = pool
        self._channel = channel
        self._keys = keys
        self.ceiling = ceiling
        self._withholding = withholding
        self._zone = zone
        self._render = render
        self._publish = publish
        self._woken: set[int] = set()
        self._signal = asyncio.Event()
        # When all lanes were looked at, and whether they are to be now: of some that are due nobody tells us.
        self._looked_s = 0.0
        self._look_at_all = True
        # Whether some wait for room, or for tokens and others' leases: newcomers must not overtake them.
        self._crowded = False
        self._behind = False
        self._sending: set[asyncio.Task[None]] = set()
        # Room for what is just being leased.
        self._promised = 0
        self._settled: list[Settled] = []
        self._judging = Judging(pool, channel.name, now=now)
        self._settling: asyncio.Task[None] | None = None

    def wake(self, chats: set[int]) -> None:
        """Send what is due to *chats* now, not at the next poll."""
        self._woken |= chats
        self._signal.set()

    @property
    def room(self) -> int:
        """How many more messages may be on their way at once."""
        return max(0, AT_ONCE - len(self._sending) - self._promised)

    @contextmanager
    def promised(self, most: int) -> Iterator[int]:
        """Room for up to *most* messages, which nobody else is given while they are leased."""
        room = min(most, self.room)
        self._promised += room
        try:
            yield room
        finally:
            self._promised -= room

    def promised_at_once(self, most: int) -> AbstractContextManager[int]:
        """As `promised`, for newcomers that may be sent right away: none while others wait."""
        return self.promised(0 if self._crowded or self._behind else most)

    def send(self, heads: Iterable[Leased], asked_s: float | None = None) -> None:
        """Begin to send *heads*, which are ours, as asked for at the loop's time *asked_s*, now if not given."""
        asked_s = asyncio.get_running_loop().time() if asked_s is None else asked_s
        for head in heads:
            task = asyncio.create_task(self._send(head, asked_s))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def run(self) -> None:
        """Send until cancelled; what is on its way then is given time to be settled."""
        try:
            while True:
                # Not wait_for: in Python 3.11 it loses a cancellation that comes with the signal.
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._signal.wait()
                self._signal.clear()
                try:
                    # What was leased is ours to send, also when we are to stop.
                    await finished(self._lease())
                except Exception:
                    # Whatever one look fails by must not end the sender, and the whole service with it.
                    log.exception("delivery.failed", channel=self._channel.name)
                    self._look_again(POLL_S)
        finally:
            await self._finish()

    async def _finish(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending, timeout=SEND_TIMEOUT_S)
        if self._settling is not None:
            await self._settling

    # --- Taking lanes ----------------------------------------------------------------------------

    async def _lease(self) -> None:
        """Lease what is due, as much as may be sent at once, and begin to send it."""
        if not self.room:
            self._crowded = True
            return
        asked_s = asyncio.get_running_loop().time()
        woken, self._woken = self._woken, set()
        # Who waits is due before newcomers are: these are not to be leased by themselves then.
        look_at_all = self._look_at_all or self._behind or asked_s - self._looked_s >= POLL_S
        if look_at_all:
            self._look_at_all, self._looked_s = False, asked_s
        elif not woken:
            return
        chats = None if look_at_all else woken
        try:
            with self.promised(AT_ONCE if chats is None else len(chats)) as room:
                async with self._pool.acquire() as db:
                    heads = await lanes.lease(db, self._channel.name, most=room, chats=chats)
                    # At once: whatever fails from here on, they are ours.
                    self.send(heads, asked_s)
                    full = len(heads) == room and (chats is None or room < len(chats))
                    self._behind = full or await self._some_wait(db, heads, chats)
        except (*AWAY, *PASSING) as away:
            log.warning("delivery.database", channel=self._channel.name, why=type(away).__name__)
            self._look_again(AGAIN_S if isinstance(away, PASSING) else POLL_S)
            return
        if self._behind:
            self._look_again(0.0 if full else AGAIN_S)

    async def _some_wait(self, db: Connection, heads: Sequence[Leased], chats: set[int] | None) -> bool:
        """Whether lanes wait, of *chats* or of all, that others hold or for which there was no token yet."""
        if chats is None:
            return await lanes.some_wait(db, self._channel.name)
        return len(heads) < len(chats)

    def _look_again(self, after_s: float) -> None:
        """Look at all lanes so much later."""
        asyncio.get_running_loop().call_later(after_s, self._look)

    def _look(self) -> None:
        self._look_at_all = True
        self._signal.set()

    # --- Sending one -----------------------------------------------------------------------------

    async def _send(self, head: Leased, asked_s: float) -> None:
        """Send *head*, which was asked for at the loop's time *asked_s*."""
        outcome = await self._tried(head, asked_s)
        self._measure(head, outcome, asked_s)
        # Judged first: while this waits, `_settle` may put another list in the place of the one it took.
        settled = await self._judging.judged(head, outcome)
        if settled is None:
            return
        self._settled.append(settled)
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle())

    async def _tried(self, head: Leased, asked_s: float) -> Outcome:
        """What came of sending *head*; what fails on our side is an outcome too."""
        try:
            return await self._outcome(head, asked_s)
        except (*AWAY, *PASSING) as away:
            # Nothing has left us: the platform is asked last, and it is no database.
            log.warning("delivery.database", channel=self._channel.name, why=type(away).__name__)
            return RetryLater(POLL_S)
        except Exception as failure:
            log.exception("send.failed", channel=self._channel.name, outbox_id=head.id)
            return Rejected(f"could not be sent: {type(failure).__name__}")

    def _measure(self, head: Leased, outcome: Outcome, asked_s: float) -> None:
        metrics.tried(self._channel.name, head.message_class, type(outcome).__name__)
        if isinstance(outcome, Sent):
            took_s = asyncio.get_running_loop().time() - asked_s
            metrics.sent(self._channel.name, head.message_class, head.queued_s_ago + took_s)

    async def _outcome(self, head: Leased, asked_s: float) -> Outcome:
        message = loaded(head)
        if isinstance(message, Rejected):
            return message
        if head.address is None:
            return Unreachable("the chat was erased")
        try:
            address = self._keys.opened(self._channel.name, head.address)
        except UnreadableAddressError as unreadable:
            return Rejected(str(unreadable))
        first = await self._withholding.permitted(head, message, self.ceiling)
        message = marked(first, head, zone=self._zone)
        if head.without == "edit":
            message = msgspec.structs.replace(message, replaces=None)
        files = [await self._render(document, message.language) for document in message.documents]
        sending = Sending(
            chat=address,
            token=head.id,
            tried_s_ago=_by_now(head.tried_s_ago, asked_s),
            message=message,
            first=first,
            files=files,
            known_files=await self._known(files),
            plain=head.without == "markup",
            address_of=await self._addresses(head, files),
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._channel.send(sending)
        except TimeoutError:
            return Unknown("no answer in time")

    async def _known(self, files: Sequence[RenderedFile]) -> dict[str, str]:
        if not files:
            return {}
        async with self._pool.acquire() as db:
            return await uploads.uploads_of(db, self._channel.name, [file.sha256 for file in files])

    async def _addresses(self, head: Leased, files: Sequence[RenderedFile]) -> Mapping[str, str]:
        if not files or self._publish is None or not self._channel.capabilities.files_by_address:
            return {}
        return await self._publish(head.chat, files)

    # --- What became of it -----------------------------------------------------------------------

    async def _settle(self) -> None:
        """Write down what became of heads; those that end meanwhile are the next batch."""
        try:
            while batch := self._settled:
                self._settled = []
                due_in_s = await persistently(self._channel.name, partial(self._written_down, batch))
                if self._crowded:
                    self._crowded = False
                    self._look()
                if due_in_s is not None:
                    self._look_again(max(due_in_s, 0.0))
        except Exception:
            # Unsettled, they are sent again once their leases end: at least the log is to say why.
            log.exception("delivery.unsettled", channel=self._channel.name)
        finally:
            self._settling = None

    async def _written_down(self, batch: Sequence[Settled]) -> float | None:
        async with self._pool.acquire() as db:
            return await lanes.settle(db, batch, pace=self._channel.pace)


def _by_now(tried_s_ago: float, asked_s: float) -> float:
    """*tried_s_ago* with what has passed since: a platform's history is searched from the first try on, no later."""
    return tried_s_ago + asyncio.get_running_loop().time() - asked_s if tried_s_ago else 0.0
