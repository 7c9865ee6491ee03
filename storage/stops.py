"""Channels that are stopped: nothing of their queue is sent, and nothing of it is lost."""

from __future__ import annotations

from typing import Final

from storage.database import Connection


async def stop(db: Connection, channel: str, why: str) -> None:
    """Hold *channel*'s queue until staff lift it, by `kvitok doctor` or a restart."""
    await db.execute("update bucket set stopped_why = $2 where channel = $1", channel, why)


# Lifts a stop, and gives what it was for.
LIFT: Final = """
with stopped as (
  select channel, stopped_why from bucket where channel = $1 and stopped_why is not null for update
)
update bucket set stopped_why = null, held_until = null
from stopped where bucket.channel = stopped.channel
returning stopped.stopped_why
"""


async def lift(db: Connection, channel: str) -> str | None:
    """Have *channel*'s queue go on; returns why it was stopped, None if it was not."""
    why: str | None = await db.fetchval(LIFT, channel)
    return why
