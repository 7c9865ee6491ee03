"""Messages that a platform had taken and refused later, when a phone could not show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from core.channel import Refused
from core.questions import OpenCase
from storage import cases, refusing
from storage.database import Pool
from storage.keys import Keys

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()


class Refusals:
    """Has staff see what a resident never saw, as with what a platform refuses at once."""

    def __init__(self, pool: Pool, *, keys: Keys, now: Callable[[], datetime]) -> None:
        """*now* is the business clock, which dates what staff are to see."""
        self._pool = pool
        self._keys = keys
        self._now = now

    async def note(self, channel: str, refused: Sequence[Refused]) -> None:
        """Write down what *channel* says of messages that it had taken; said again, it changes nothing."""
        for each in refused:
            found = await self._note(channel, each)
            log.warning(
                "message.failed", channel=channel, outbox_id=found, message=each.message, why=each.why
            )

    async def _note(self, channel: str, refused: Refused) -> int | None:
        """The number of the message; None if it is not known, or was written down before."""
        address = self._keys.address_hash(channel, refused.chat)
        async with self._pool.acquire() as db, db.transaction():
            found = await refusing.refuse(db, channel, address, message=refused.message, why=refused.why)
            if found is None:
                return None
            facts = (("message", str(found.id)), ("why", refused.why))
            await cases.open_case(db, [OpenCase("dead_message", found.chat, None, facts, self._now())])
        return found.id
