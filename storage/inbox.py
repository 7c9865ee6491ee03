"""Keys of updates that were handled: what comes again is known and changes nothing.

Keys live in daily partitions. A key that is handled today may have come first on an earlier day, so the earlier days
are looked at as well; and while a day is young, once more after the chat is locked: whoever handled it on the day
before may not have committed at the first look, and has by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from storage.database import Connection

UpdateKey: TypeAlias = tuple[str, str]

# Tomorrow is earlier where the server's clock was put back over midnight.
EARLIER: Final = """
day = any (array[
  current_date + 1, current_date - 1, current_date - 2, current_date - 3, current_date - 4, current_date - 5, current_date - 6
])
"""


class Recorded(NamedTuple):
    """The keys that are new; *young*: the day is so young that turns of the day before may still be running."""

    new: set[UpdateKey]
    young: bool


# Notes the keys of today's updates that were not known, in key order; gives these. No turn lasts for ten minutes.
# The limit has each key looked up by itself: without it a plan that was made on an empty day reads whole days.
RECORD: Final = f"""
insert into inbox (day, channel, key)
select current_date, channel, key from unnest($1::text[], $2::text[]) as asked (channel, key)
left join lateral (
  select true as known from inbox
  where inbox.channel = asked.channel and inbox.key = asked.key and {EARLIER}
  limit 1
) as earlier on true
where known is null
order by channel, key
on conflict do nothing
returning channel, key, clock_timestamp() < day + interval '10 minutes' as young
"""  # noqa: S608  # the days are ours


async def record(db: Connection, keys: Sequence[UpdateKey]) -> Recorded:
    """Note those of *keys* that are new."""
    rows = await db.fetch(RECORD, [channel for channel, _ in keys], [key for _, key in keys])
    return Recorded({(row["channel"], row["key"]) for row in rows}, any(row["young"] for row in rows))


# Which of these keys were handled on an earlier day.
SEEN_EARLIER: Final = f"""
select channel, key from unnest($1::text[], $2::text[]) as asked (channel, key)
cross join lateral (
  select from inbox where inbox.channel = asked.channel and inbox.key = asked.key and {EARLIER} limit 1
) as earlier
"""  # noqa: S608  # the days are ours


async def seen_earlier(db: Connection, keys: Sequence[UpdateKey]) -> set[UpdateKey]:
    """The *keys* that were handled on an earlier day; to be asked once their chats are locked."""
    rows = await db.fetch(SEEN_EARLIER, [channel for channel, _ in keys], [key for _, key in keys])
    return {(row["channel"], row["key"]) for row in rows}


async def roll(db: Connection) -> None:
    """Make the partitions of the days to come and drop those that nobody asks for any more."""
    await db.execute("select inbox_roll()")
