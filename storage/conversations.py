"""Chats and where their talks stand: found by their address's keyed hash, locked, loaded, saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from storage.database import Connection
from storage.keys import Keys


class Address(msgspec.Struct, frozen=True):
    """A platform's chat address, as an update names it."""

    channel: str
    chat: str
    private: bool
    language: str


class Conversation(msgspec.Struct, frozen=True):
    """A chat and where its talk stands; *stage* and *offered* as they were saved.

    *reachable*: it did not block us and was not erased. *muted*: it asked not to be written to unasked.
    """

    chat: int
    channel: str
    address_hash: bytes
    private: bool
    language: str
    stage: str | None
    offered: str | None
    last_order: int
    reachable: bool
    muted: bool


COLUMNS: Final = """
chat.id, chat.channel, chat.address_hash, chat.private, chat.language, chat.stage, chat.offered,
chat.last_order, chat.unreachable_at is null and chat.erased_at is null as reachable,
chat.muted_at is not null as muted
"""

# The chats behind these addresses and numbers, locked in the order of their numbers, so that two engines
# that take the same chats wait for each other and never in a ring.
LOCK: Final = f"""
select {COLUMNS} from chat
where id in (
  select found.id from chat as found
  join unnest($1::text[], $2::bytea[]) as asked (channel, address_hash) using (channel, address_hash)
  union all select unnest($3::bigint[])
)
order by id
for no key update
"""  # noqa: S608  # the columns are ours

# Makes the chats that are not there yet; another engine may be first.
CREATE: Final = """
insert into chat (channel, address_hash, address, private, language, created_at, last_seen_at)
select channel, address_hash, address, private, language, $6, $6
from unnest($1::text[], $2::bytea[], $3::bytea[], $4::bool[], $5::text[])
  as asked (channel, address_hash, address, private, language)
order by channel, address_hash
on conflict do nothing
"""


async def lock(
    db: Connection, addresses: Sequence[Address], chats: Sequence[int], *, now: datetime, keys: Keys
) -> tuple[dict[tuple[str, str], Conversation], dict[int, Conversation]]:
    """Lock and load the conversations of *addresses* (made where new) and of *chats*.

    Returns them by (channel, chat address) and by number.
    """
    hashes = {(each.channel, each.chat): keys.address_hash(each.channel, each.chat) for each in addresses}
    rows = await _locked(db, hashes, chats)
    known = {(row["channel"], row["address_hash"]) for row in rows}
    missing = [each for each in addresses if (each.channel, hashes[each.channel, each.chat]) not in known]
    if missing:
        await db.execute(
            CREATE,
            [each.channel for each in missing],
            [hashes[each.channel, each.chat] for each in missing],
            [keys.sealed(each.channel, each.chat) for each in missing],
            [each.private for each in missing],
            [each.language for each in missing],
            now,
        )
        rows = await _locked(db, hashes, chats)
    loaded = [conversation_from(row) for row in rows]
    by_hash = {(each.channel, each.address_hash): each for each in loaded}
    by_address = {(channel, chat): by_hash[channel, digest] for (channel, chat), digest in hashes.items()}
    return by_address, {each.chat: each for each in loaded}


async def _locked(
    db: Connection, hashes: dict[tuple[str, str], bytes], chats: Sequence[int]
) -> list[asyncpg.Record]:
    return await db.fetch(LOCK, [channel for channel, _ in hashes], list(hashes.values()), chats)


# The chats of these numbers, not locked: for notices, which never change where a talk stands.
BY_NUMBER: Final = f"select {COLUMNS} from chat where id = any($1::bigint[])"  # noqa: S608  # as above


async def conversations_of(db: Connection, chats: Iterable[int]) -> dict[int, Conversation]:
    """The conversations of *chats*, by number."""
    rows = await db.fetch(BY_NUMBER, list(chats))
    return {row["id"]: conversation_from(row) for row in rows}


def conversation_from(row: asyncpg.Record) -> Conversation:
    """A row of LOCK or BY_NUMBER as a conversation."""
    return Conversation(*row.values())


class Standing(msgspec.Struct, frozen=True):
    """Where a talk stands after a turn; *stage* None leaves it, *offered* None leaves what was offered.

    *heard*: the resident said something, so the chat is alive and can be reached.
    """

    chat: int
    stage: str | None
    offered: str | None
    order: int
    heard: bool


# Saves where talks stand.
SAVE: Final = """
update chat set
  stage = coalesce(stands.stage, chat.stage),
  offered = coalesce(stands.offered, chat.offered),
  last_order = greatest(chat.last_order, stands.turn_order),
  last_seen_at = case when heard then $6 else last_seen_at end,
  unreachable_at = case when heard then null else unreachable_at end
from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bool[])
  as stands (id, stage, offered, turn_order, heard)
where chat.id = stands.id
"""


async def save(db: Connection, standings: Sequence[Standing], *, now: datetime) -> None:
    """Save where the talks of locked chats stand now."""
    await db.execute(
        SAVE,
        [each.chat for each in standings],
        [each.stage for each in standings],
        [each.offered for each in standings],
        [each.order for each in standings],
        [each.heard for each in standings],
        now,
    )


async def forget_order(db: Connection) -> None:
    """Take what any chat says next for its newest message: the simulator's clock was moved back."""
    await db.execute("update chat set last_order = -1")


# Chats in which nobody consented and nobody wrote for a day are technical: their lanes, messages, rows go.
PURGE: Final = """
with gone as (
  select id from chat
  where resident_id is null and last_seen_at < $1::timestamptz - interval '24 hours'
    and not exists (select from staff_case where chat_id = chat.id)
    and not exists (select from link_try where chat_id = chat.id and at > $1::timestamptz - interval '24 hours')
    and not exists (select from consent where chat_id = chat.id)
    and not exists (select from account_link where chat_id = chat.id)
    and not exists (select from pay_link where chat_id = chat.id)
  order by id limit 1000 for update skip locked
), tries as (delete from link_try using gone where chat_id = gone.id),
messages as (delete from outbox using gone where chat_id = gone.id),
events as (delete from event using gone where chat_id = gone.id),
lanes as (delete from lane using gone where chat_id = gone.id)
delete from chat using gone where chat.id = gone.id
"""


async def purge(db: Connection, *, now: datetime) -> None:
    """Forget chats that never consented and have been silent for 24 hours."""
    await db.execute(PURGE, now)


# Ends talks that were broken off a week ago; what a later message of ours offers may still be chosen. Whoever is
# writing at this moment is left alone.
END_TALKS: Final = """
with silent as (
  select id, exists (
    select from outbox where chat_id = chat.id and queued_at > $1::timestamptz - interval '7 days'
  ) as asked
  from chat
  where last_seen_at < $1::timestamptz - interval '7 days' and (stage is not null or offered is not null)
  order by id limit 5000 for update skip locked
)
update chat set stage = null, offered = case when asked then offered end
from silent where chat.id = silent.id and (stage is not null or not asked)
"""


async def end_talks(db: Connection, *, now: datetime) -> None:
    """Forget where talks stood, and what was last offered in them, after 7 days of silence."""
    await db.execute(END_TALKS, now)
