"""How fast channels are sent to: their buckets, held for a while or stopped; nothing of a queue is lost meanwhile."""

from __future__ import annotations

from typing import Final

from core.channel import Pace
from storage.database import Connection

# Makes or renews a channel's bucket; lifts a stop, for a restart is one way of staff to lift it.
SET_PACE: Final = """
insert into bucket (channel, rate, burst, tokens) values ($1, $2, $3, $3)
on conflict (channel) do update set rate = $2, burst = $3, held_until = null, stopped_why = null
"""


async def set_pace(db: Connection, channel: str, pace: Pace) -> None:
    """State how fast *channel* may be sent to, and lift a hold."""
    await db.execute(SET_PACE, channel, float(pace.rate), float(pace.burst))


# Holds a channel's whole queue for a while.
HOLD: Final = """
update bucket set held_until = greatest(held_until, clock_timestamp() + make_interval(secs => $2))
where channel = $1
"""


async def hold(db: Connection, channel: str, after_s: float) -> None:
    """Send nothing to *channel* for *after_s* seconds."""
    await db.execute(HOLD, channel, after_s)


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
