"""Keys of updates that were handled: what comes again is known and changes nothing.

Keys live in daily partitions. A key that is handled today may have come first on an earlier day, so the
earlier days are looked at as well, after the chat is locked: whoever handled it then has committed by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from storage.database import Connection

UpdateKey: TypeAlias = tuple[str, str]

# Notes the keys of today's updates, in key order; gives those that were not known.
RECORD: Final = """
insert into inbox (day, channel, key)
select current_date, channel, key from unnest($1::text[], $2::text[]) as asked (channel, key)
order by channel, key
on conflict do nothing
returning channel, key
"""


async def record(db: Connection, keys: Sequence[UpdateKey]) -> set[UpdateKey]:
    """Note *keys*; returns those that are new today."""
    rows = await db.fetch(RECORD, [channel for channel, _ in keys], [key for _, key in keys])
    return {(row["channel"], row["key"]) for row in rows}


# Which of these keys were handled on an earlier day.
SEEN_EARLIER: Final = """
select inbox.channel, inbox.key
from unnest($1::text[], $2::text[]) as asked (channel, key)
join inbox on inbox.channel = asked.channel and inbox.key = asked.key
where inbox.day = any (array[
  current_date - 1, current_date - 2, current_date - 3, current_date - 4, current_date - 5, current_date - 6
])
"""


async def seen_earlier(db: Connection, keys: Sequence[UpdateKey]) -> set[UpdateKey]:
    """The *keys* that were handled on an earlier day; to be asked once their chats are locked."""
    rows = await db.fetch(SEEN_EARLIER, [channel for channel, _ in keys], [key for _, key in keys])
    return {(row["channel"], row["key"]) for row in rows}


async def roll(db: Connection) -> None:
    """Make the partitions of the days to come and drop those that nobody asks for any more."""
    await db.execute("select inbox_roll()")
