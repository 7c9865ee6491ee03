"""Delivery: one sender a channel leases due lanes, sends their heads and settles what became of them.

Each channel has a sender, a pace and timeouts of its own, so that one that is slow or down delays no other.
No transaction is open while a platform is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, assert_never
from zoneinfo import ZoneInfo

import msgspec
import structlog

from bots import metrics
from bots.finishing import finished
from bots.loading import loaded, marked
from bots.withholding import Withholding
from core.channel import (
    Channel,
    ChannelStopped,
    Outcome,
    Rejected,
    RenderedFile,
    RetryLater,
    SendAnew,
    Sending,
    Sent,
    Unknown,
    Unreachable,
)
from core.messages import Document, MessageClass
from core.privacy import Ceiling
from core.questions import OpenCase
from storage import cases, events, lanes, outbox, paces, uploads
from storage.database import Pool
from storage.failures import AWAY, PASSING
from storage.keys import Keys, UnreadableAddressError
from storage.lanes import Leased, Settled

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

AT_ONCE: Final = 48
POLL_S: Final = 1.0
AGAIN_S: Final = 0.05
SEND_TIMEOUT_S: Final = 60.0
SETTLE_AGAIN_S: Final = 0.2
UNCERTAIN_TRIES_MAX: Final = 8
BACKOFF_S_MAX: Final = 300.0
# How long others have to show that a channel is open which one message was refused as.
DOUBT_S: Final = 30.0

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
        self._now = now
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
        self._settled: list[Settled] = []
        self._carried = False
        self._doubted: set[int] = set()
        self._settling: asyncio.Task[None] | None = None

    def wake(self, chats: set[int]) -> None:
        """Send what is due to *chats* now, not at the next poll."""
        self._woken |= chats
        self._signal.set()

    @property
    def room(self) -> int:
        """How many more messages may be on their way at once."""
        return max(0, AT_ONCE - len(self._sending))

    @property
    def room_at_once(self) -> int:
        """How many newcomers may be sent right away, as things stand: none while others wait."""
        return 0 if self._crowded or self._behind else self.room

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
        room = self.room
        if not room:
            self._crowded = True
            return
        asked_s = asyncio.get_running_loop().time()
        woken, self._woken = self._woken, set()
        look_at_all = self._look_at_all or asked_s - self._looked_s >= POLL_S
        if look_at_all:
            self._look_at_all, self._looked_s = False, asked_s
        elif not woken:
            return
        try:
            async with self._pool.acquire() as db:
                heads = await lanes.lease(
                    db, self._channel.name, most=room, chats=None if look_at_all else woken
                )
        except (*AWAY, *PASSING) as away:
            log.warning("delivery.database", channel=self._channel.name, why=type(away).__name__)
            self._look_again(AGAIN_S if isinstance(away, PASSING) else POLL_S)
            return
        self.send(heads, asked_s)
        # Lanes for which there is no room, that others hold or for which there was no token yet.
        self._behind = len(heads) == room or len(heads) < len(woken) or (look_at_all and bool(heads))
        if self._behind:
            self._look_again(0.0 if len(heads) == room else AGAIN_S)

    def _look_again(self, after_s: float) -> None:
        """Look at all lanes so much later."""
        asyncio.get_running_loop().call_later(after_s, self._look)

    def _look(self) -> None:
        self._look_at_all = True
        self._signal.set()

    # --- Sending one -----------------------------------------------------------------------------

    async def _send(self, head: Leased, asked_s: float) -> None:
        """Send *head*, which was asked for at the loop's time *asked_s*."""
        try:
            outcome = await self._outcome(head, asked_s)
            self._measure(head, outcome, asked_s)
            # Judged first: while this waits, `_settle` may put another list in the place of the one it took.
            settled = await self._judge(head, outcome)
            self._settled.append(settled)
        except (*AWAY, *PASSING) as away:
            # The lease runs out, and the message is uncertain then.
            log.warning("delivery.database", channel=self._channel.name, why=type(away).__name__)
            return
        except Exception as failure:
            log.exception("send.failed", channel=self._channel.name, outbox_id=head.id)
            why = f"could not be sent: {type(failure).__name__}"
            self._settled.append(Settled(head.id, head.chat, head.epoch, "dead", reason=why))
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle())

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

    async def _judge(self, head: Leased, outcome: Outcome) -> Settled:
        """What *outcome* means for the row, and what else it has us do."""
        settled = Settled(head.id, head.chat, head.epoch, "sent")
        name = self._channel.name
        match outcome:
            case Sent(message=number, files=files):
                self._carried = True
                if files:
                    async with self._pool.acquire() as db:
                        await uploads.keep_uploads(db, name, dict(files))
                return msgspec.structs.replace(settled, platform_message=number)
            case RetryLater(after_s=after_s, scope=scope):
                if scope == "channel":
                    await self._hold(after_s)
                return msgspec.structs.replace(settled, state="queued", after_s=after_s, counts=False)
            case Unknown(why=why):
                log.warning("send.unknown", channel=name, outbox_id=head.id, why=why)
                return self._uncertain(head, settled, why)
            case SendAnew(without=without):
                return msgspec.structs.replace(settled, state="queued", without=without, counts=False)
            case Unreachable(why=why):
                await self._let_go(head.chat)
                return msgspec.structs.replace(settled, state="dead", reason=why)
            case Rejected(why=why):
                await self._report(head, why)
                return msgspec.structs.replace(settled, state="dead", reason=why)
            case ChannelStopped(why=why):
                return await self._stopped(head, settled, why)
            case _:
                assert_never(outcome)

    async def _stopped(self, head: Leased, settled: Settled, why: str) -> Settled:
        """Stop the channel until it is lifted; but not again for a message that alone is refused so.

        One that stopped it before waits a little for others to be sent. If any was, the message is at fault.
        """
        if head.stopped and self._carried:
            await self._report(head, why)
            return msgspec.structs.replace(settled, state="dead", reason=why)
        queued = msgspec.structs.replace(settled, state="queued", reason=why, counts=False)
        if head.stopped and head.id not in self._doubted:
            self._doubted.add(head.id)
            log.warning("channel.doubted", channel=self._channel.name, outbox_id=head.id, why=why)
            return msgspec.structs.replace(queued, after_s=DOUBT_S)
        log.error("channel.stopped", channel=self._channel.name, why=why)
        # What was sent before says nothing of how it is once the stop is lifted.
        self._carried = False
        async with self._pool.acquire() as db:
            await paces.stop(db, self._channel.name, why)
        return queued

    def _uncertain(self, head: Leased, settled: Settled, why: str) -> Settled:
        """What is perhaps delivered: a broadcast is left at that, all else is sent again, not for ever."""
        final = head.message_class is MessageClass.BROADCAST or head.attempts >= UNCERTAIN_TRIES_MAX
        return msgspec.structs.replace(
            settled,
            state="dead" if final else "unknown",
            reason=why,
            after_s=min(2.0**head.attempts, BACKOFF_S_MAX),
        )

    async def _let_go(self, chat: int) -> None:
        """Write to *chat* no more; what was to be confirmed there is told in another chat of the resident."""
        async with self._pool.acquire() as db, db.transaction():
            moved = await events.move(db, await outbox.mark_unreachable(db, [chat]))
        if moved:
            log.info("confirmation.moved", channel=self._channel.name, chat=chat, events=moved)

    async def _hold(self, after_s: float) -> None:
        async with self._pool.acquire() as db:
            await paces.hold(db, self._channel.name, after_s)

    async def _report(self, head: Leased, why: str) -> None:
        """Have staff see a message that the platform will never take."""
        log.error("send.dead", channel=self._channel.name, outbox_id=head.id, why=why)
        async with self._pool.acquire() as db:
            facts = (("message", str(head.id)), ("why", why))
            await cases.open_case(db, [OpenCase("dead_message", head.chat, None, facts, self._now())])

    async def _settle(self) -> None:
        """Write down what became of heads; those that end meanwhile are the next batch."""
        try:
            while batch := self._settled:
                self._settled = []
                due_in_s = await self._written_down(batch)
                if self._crowded:
                    self._crowded = False
                    self._look()
                if due_in_s is not None:
                    self._look_again(max(due_in_s, 0.0))
        finally:
            self._settling = None

    async def _written_down(self, batch: Sequence[Settled]) -> float | None:
        """Settle *batch*; tried again for as long as its leases last, for then nobody else settles it."""
        ends = asyncio.get_running_loop().time() + lanes.LEASE_S
        while True:
            try:
                async with self._pool.acquire() as db:
                    return await lanes.settle(db, batch, pace=self._channel.pace)
            except (*AWAY, *PASSING) as away:
                log.warning("delivery.unsettled", channel=self._channel.name, why=type(away).__name__)
            if asyncio.get_running_loop().time() > ends:
                # The messages are uncertain now, which their class answers.
                return None
            await asyncio.sleep(SETTLE_AGAIN_S)


def _by_now(tried_s_ago: float, asked_s: float) -> float:
    """*tried_s_ago* with what has passed since: a platform's history is searched from the first try on, no later."""
    return tried_s_ago + asyncio.get_running_loop().time() - asked_s if tried_s_ago else 0.0
