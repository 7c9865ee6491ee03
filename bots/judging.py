"""Judging: what a messenger's answer means for the message, for its chat and for the whole channel."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Final, TypeVar, assert_never

import msgspec
import structlog

from core.channel import (
    ChannelStopped,
    Outcome,
    Rejected,
    RetryLater,
    SendAnew,
    Sent,
    Unknown,
    Unreachable,
)
from core.messages import MessageClass
from core.questions import OpenCase
from storage import cases, events, lanes, outbox, paces, uploads
from storage.database import Pool
from storage.failures import AWAY, PASSING
from storage.lanes import Leased, Settled

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

WRITE_AGAIN_S: Final = 0.2
# After so many tries a message is at fault itself, if its channel carries others.
UNCERTAIN_TRIES_MAX: Final = 8
BACKOFF_S_MAX: Final = 300.0
# How long others have to show that a channel is open which one message was refused as.
DOUBT_S: Final = 30.0

T = TypeVar("T")


class Judging:
    """What one channel answers, and what it answered before."""

    def __init__(self, pool: Pool, channel: str, *, now: Callable[[], datetime]) -> None:
        """*now* is the business clock, which dates what staff are to see."""
        self._pool = pool
        self._channel = channel
        self._now = now
        # When the channel last took a message; never, since it was stopped.
        self._carried_s = -math.inf
        self._doubted: set[int] = set()

    async def judged(self, head: Leased, outcome: Outcome) -> Settled | None:
        """What *outcome* means for the row; None if the lease ended meanwhile."""
        try:
            return await persistently(self._channel, partial(self._judge, head, _storable(outcome)))
        except Exception as failure:
            # What could not be noted beside it must not have it sent again.
            log.exception("send.unjudged", channel=self._channel, outbox_id=head.id)
            state = "sent" if isinstance(outcome, Sent) else "dead"
            return Settled(head.id, head.chat, head.epoch, state, reason=type(failure).__name__)

    async def _judge(self, head: Leased, outcome: Outcome) -> Settled:
        """What *outcome* means for the row, and what else it has us do."""
        settled = Settled(head.id, head.chat, head.epoch, "sent")
        match outcome:
            case Sent(message=number, files=files):
                self._carried_s = asyncio.get_running_loop().time()
                if files:
                    async with self._pool.acquire() as db:
                        await uploads.keep_uploads(db, self._channel, dict(files))
                return msgspec.structs.replace(settled, platform_message=number)
            case RetryLater(after_s=after_s, scope=scope):
                if scope == "channel":
                    await self._hold(after_s)
                return msgspec.structs.replace(settled, state="queued", after_s=after_s, counts=False)
            case Unknown(why=why):
                log.warning("send.unknown", channel=self._channel, outbox_id=head.id, why=why)
                return await self._uncertain(head, settled, why)
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
        if head.stopped and self._carried_s > -math.inf:
            await self._report(head, why)
            return msgspec.structs.replace(settled, state="dead", reason=why)
        queued = msgspec.structs.replace(settled, state="queued", reason=why, counts=False)
        if head.stopped and head.id not in self._doubted:
            self._doubted.add(head.id)
            log.warning("channel.doubted", channel=self._channel, outbox_id=head.id, why=why)
            return msgspec.structs.replace(queued, after_s=DOUBT_S)
        log.error("channel.stopped", channel=self._channel, why=why)
        # What was sent before says nothing of how it is once the stop is lifted.
        self._carried_s = -math.inf
        async with self._pool.acquire() as db:
            await paces.stop(db, self._channel, why)
        return queued

    async def _uncertain(self, head: Leased, settled: Settled, why: str) -> Settled:
        """What is perhaps delivered: a broadcast is left at that, all else is sent again for as long as the channel is down.

        Where the channel carries others, some tries must do: the chat's next messages wait behind this one.
        """
        # No power of a try that days of an outage have made the thousandth: a float has no room for it.
        after_s = min(2.0 ** min(head.attempts, UNCERTAIN_TRIES_MAX + 1), BACKOFF_S_MAX)
        unknown = msgspec.structs.replace(settled, state="unknown", reason=why, after_s=after_s)
        if head.message_class is MessageClass.BROADCAST:
            return msgspec.structs.replace(unknown, state="dead")
        carries = asyncio.get_running_loop().time() - self._carried_s < BACKOFF_S_MAX
        if head.attempts < UNCERTAIN_TRIES_MAX or not carries:
            return unknown
        await self._report(head, why)
        return msgspec.structs.replace(unknown, state="dead")

    async def _let_go(self, chat: int) -> None:
        """Write to *chat* no more; what was to be confirmed there is told in another chat of the resident."""
        async with self._pool.acquire() as db, db.transaction():
            moved = await events.move(db, await outbox.mark_unreachable(db, [chat]))
        if moved:
            log.info("confirmation.moved", channel=self._channel, chat=chat, events=moved)

    async def _hold(self, after_s: float) -> None:
        async with self._pool.acquire() as db:
            await paces.hold(db, self._channel, after_s)

    async def _report(self, head: Leased, why: str) -> None:
        """Have staff see a message that the platform will never take."""
        log.error("send.dead", channel=self._channel, outbox_id=head.id, why=why)
        async with self._pool.acquire() as db:
            facts = (("message", str(head.id)), ("why", why))
            await cases.open_case(db, [OpenCase("dead_message", head.chat, None, facts, self._now())])


async def persistently(channel: str, write: Callable[[], Awaitable[T]]) -> T | None:
    """Do *write*, of messages of *channel*; tried again for as long as leases last, for then nobody else settles them.

    None where they ended: messages are uncertain then, which their class answers.
    """
    ends = asyncio.get_running_loop().time() + lanes.LEASE_S
    while True:
        try:
            return await write()
        except (*AWAY, *PASSING) as away:
            log.warning("delivery.unsettled", channel=channel, why=type(away).__name__)
        if asyncio.get_running_loop().time() > ends:
            return None
        await asyncio.sleep(WRITE_AGAIN_S)


def _storable(outcome: Outcome) -> Outcome:
    """*outcome* in words that can be kept: a platform's may hold what PostgreSQL takes for no text."""
    amended = {
        name: value.encode(errors="replace").decode().replace("\0", "")
        for name in outcome.__struct_fields__
        if isinstance(value := getattr(outcome, name), str) and not value.isprintable()
    }
    return msgspec.structs.replace(outcome, **amended) if amended else outcome
