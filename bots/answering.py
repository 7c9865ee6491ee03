"""Answers in the response: what waits for a chat of a synchronous channel goes into the answer to its request.

Nobody else takes the lanes of such a channel, so a request leases its chat's right after its commit. Written
into the response, a message is sent; what came too late waits for the next request of its chat.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bots.loading import loaded, marked
from bots.withholding import Withholding
from core.channel import Rejected, Synchronous
from core.messages import Message
from core.privacy import Ceiling
from storage import lanes
from storage.answering import lease_chat
from storage.database import Pool
from storage.failures import AWAY, PASSING
from storage.keys import Keys
from storage.lanes import Leased, Settled

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

# How many messages one answer may hold.
AT_ONCE: Final = 10
# A request is over by then, whatever became of it.
LEASE_S: Final = 15.0


class Answering:
    """What one synchronous channel has to say."""

    def __init__(
        self,
        pool: Pool,
        channel: Synchronous,
        *,
        keys: Keys,
        ceiling: Ceiling,
        withholding: Withholding,
        zone: ZoneInfo,
    ) -> None:
        self.channel = channel
        self.ceiling = ceiling
        self._pool = pool
        self._keys = keys
        self._withholding = withholding
        self._zone = zone

    @asynccontextmanager
    async def waiting_for(self, chat: str) -> AsyncIterator[Sequence[Message]]:
        """What waits for *chat*, in order: sent if the context ends well, else perhaps heard, and said again."""
        waiting = await self._waiting(chat)
        said = False
        try:
            yield [message for _, message in waiting if isinstance(message, Message)]
            said = True
        finally:
            await self._settle([_settled(head, message, said=said) for head, message in waiting])

    async def _waiting(self, chat: str) -> list[tuple[Leased, Message | Rejected]]:
        """What waits for *chat*, leased, each as it is said; nothing where the database is away."""
        digest = self._keys.address_hash(self.channel.name, chat)
        try:
            async with self._pool.acquire() as db:
                heads = await lease_chat(db, self.channel.name, digest, most=AT_ONCE, for_s=LEASE_S)
            return [(head, await self._as_said(head)) for head in heads]
        except (*AWAY, *PASSING) as away:
            log.warning("answering.database", channel=self.channel.name, why=type(away).__name__)
            return []

    async def _as_said(self, head: Leased) -> Message | Rejected:
        message = loaded(head)
        if isinstance(message, Rejected):
            log.error("send.dead", channel=self.channel.name, outbox_id=head.id, why=message.why)
            return message
        return marked(await self._withholding.permitted(head, message, self.ceiling), head, zone=self._zone)

    async def _settle(self, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        try:
            async with self._pool.acquire() as db:
                await lanes.settle(db, settled, pace=self.channel.pace)
        except (*AWAY, *PASSING) as away:
            # The lease runs out, and the messages are uncertain then.
            log.warning("answering.unsettled", channel=self.channel.name, why=type(away).__name__)


def _settled(head: Leased, message: Message | Rejected, *, said: bool) -> Settled:
    if isinstance(message, Rejected):
        return Settled(head.id, head.chat, head.epoch, "dead", reason=message.why)
    return Settled(head.id, head.chat, head.epoch, "sent" if said else "unknown")
