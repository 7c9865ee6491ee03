"""What happened that a chat is to hear of: kept until the engine has run it as a turn, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from core.questions import EventOf
from core.turns import Event
from storage.database import Connection

_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


class Waiting(msgspec.Struct, frozen=True):
    """An event that waits for its turn; *body* as it was kept."""

    id: int
    chat: int
    body: str
    created_at: datetime

    @property
    def event(self) -> Event:
        """What happened. Raises msgspec.DecodeError for an event that this release does not know."""
        return _DECODER.decode(self.body)


ADD: Final = """
insert into event (chat_id, body, created_at)
select chat_id, body, $3 from unnest($1::bigint[], $2::text[]) as added (chat_id, body)
"""


async def add(db: Connection, events: Sequence[tuple[int, Event]], *, now: datetime) -> None:
    """Keep *events*, each for its chat."""
    bodies = [msgspec.json.encode(event).decode() for _, event in events]
    await db.execute(ADD, [chat for chat, _ in events], bodies, now)


WAITING: Final = """
select id, chat_id, body, created_at from event where done_at is null and id > $1 order by id limit $2
"""


async def waiting(db: Connection, *, after: int, most: int) -> list[Waiting]:
    """Up to *most* events that wait, from the first after number *after*."""
    return [Waiting(*row.values()) for row in await db.fetch(WAITING, after, most)]


async def done(db: Connection, numbers: Sequence[int], *, now: datetime) -> None:
    """Mark events as run, in the transaction of their turns."""
    await db.execute("update event set done_at = $2 where id = any($1::bigint[])", numbers, now)


# Raises events anew, each for the chat of the same resident that spoke last of those that can be reached; in these
# channels alone, if any are given.
MOVE: Final = """
insert into event (chat_id, body, created_at)
select other.id, event.body, event.created_at
from event
join chat on chat.id = event.chat_id
cross join lateral (
  select id from chat as other
  where other.resident_id = chat.resident_id and other.id <> chat.id and other.private
    and other.unreachable_at is null and other.erased_at is null
    and ($2::text[] is null or other.channel = any($2))
  order by other.last_seen_at desc, other.id limit 1
) as other
where event.id = any($1::bigint[])
order by event.id
returning chat_id
"""


async def move(db: Connection, numbers: Sequence[int], *, channels: Iterable[str] | None = None) -> int:
    """Have another chat of the same resident hear of events whose own chat cannot; returns how many are moved.

    *channels* are those that are on; None: any, for the engine moves on what cannot be told where it came to.
    """
    if not numbers:
        return 0
    return len(await db.fetch(MOVE, numbers, None if channels is None else list(channels)))


# Each event of these numbers that is for the chat which asks, or for another chat of its resident.
OF_CHAT: Final = """
select asked.place, event.body
from unnest($1::bigint[], $2::bigint[]) with ordinality as asked (chat_id, number, place)
join event on event.id = asked.number
join chat as mine on mine.id = asked.chat_id
join chat as its on its.id = event.chat_id
where its.erased_at is null and (its.id = mine.id or its.resident_id = mine.resident_id)
"""


async def event_of(db: Connection, asked: Sequence[EventOf]) -> list[Event | None]:
    """What happened, for whom it concerns; None for what is nobody's or another's, or another release's."""
    rows = await db.fetch(OF_CHAT, [each.chat for each in asked], [each.number for each in asked])
    found: dict[int, Event] = {}
    for row in rows:
        with suppress(msgspec.DecodeError):
            found[row["place"]] = _DECODER.decode(row["body"])
    return [found.get(place) for place in range(1, len(asked) + 1)]


# Drops the oldest events that were run 30 days ago: some tell a word of staff's.
DROP_DONE: Final = """
delete from event
where id in (select id from event order by id limit 5000) and done_at < $1::timestamptz - interval '30 days'
"""


async def drop_done(db: Connection, *, now: datetime) -> None:
    """Drop events that were run more than 30 days ago."""
    await db.execute(DROP_DONE, now)
