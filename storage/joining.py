"""Chats of one resident: invitations by one-time codes, joining by them, and undoing it.

Whoever changes how many links a resident has, or which chats are theirs, locks the resident first: chats come
before residents in the order of locks, residents before accounts. Chats that the engine has not locked are
asked `nowait`, so that a chat whose turn is running is left to it and the join is tried again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from core.deep_links import JOIN_PREFIX
from core.joining import (
    INVITATION_LASTS,
    Invitation,
    Inviter,
    InviterOf,
    JoinByCode,
    Joined,
    JoinedAlready,
    Joining,
    NoSuchCode,
    OpenInvitation,
    Unjoin,
)
from core.questions import TooManyLinks
from core.turns import ChatJoined
from storage import events
from storage.database import Connection
from storage.residents import lock_residents

# Small letters alone are quickest typed on a phone; l and o look like digits. 28 of them hold 128 bits.
CODE_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz"
CODE_CHARS: Final = 28


def _new_code() -> str:
    return JOIN_PREFIX + "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_CHARS))


def _code_hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


# --- The invitation ----------------------------------------------------------------------------------

# Keeps each chat's new code, by its hash, in place of the one before.
KEEP: Final = """
insert into invitation (chat_id, code_hash, expires_at)
select * from unnest($1::bigint[], $2::bytea[], $3::timestamptz[])
on conflict (chat_id) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at
"""

# The channels of the chats that share their resident with these ones.
JOINED_CHANNELS: Final = """
select mine.id as chat, array_agg(other.channel order by other.channel, other.id) as channels
from chat as mine join chat as other on other.resident_id = mine.resident_id and other.id <> mine.id
where mine.id = any($1::bigint[]) and other.private
group by mine.id
"""


async def open_invitation(db: Connection, asked: Sequence[OpenInvitation]) -> list[Invitation]:
    """A new code for each chat."""
    given = {each.chat: (_new_code(), each.at + INVITATION_LASTS) for each in asked}
    chats = sorted(given)
    hashes = [_code_hash(given[chat][0]) for chat in chats]
    await db.execute(KEEP, chats, hashes, [given[chat][1] for chat in chats])
    joined = {row["chat"]: tuple(row["channels"]) for row in await db.fetch(JOINED_CHANNELS, chats)}
    return [Invitation(*given[each.chat], joined.get(each.chat, ())) for each in asked]


# Whose code this is, and whose resident the chat is that brought it.
FIND: Final = """
select chat.id as chat, chat.channel, chat.language, chat.resident_id as resident,
  (select resident_id from chat where id = $1) as asker
from invitation join chat on chat.id = invitation.chat_id
where code_hash = $2 and expires_at > $3 and chat.resident_id is not null
"""


async def inviter_of(
    db: Connection, asked: Sequence[InviterOf]
) -> list[Inviter | JoinedAlready | NoSuchCode]:
    """Whose codes they are."""
    return [_inviter(each.chat, await _found(db, each)) for each in asked]


def _inviter(chat: int, found: asyncpg.Record | None) -> Inviter | JoinedAlready | NoSuchCode:
    if found is None:
        return NoSuchCode()
    return _joined_already(chat, found) or Inviter(found["channel"])


def _joined_already(chat: int, found: asyncpg.Record) -> JoinedAlready | None:
    together = found["resident"] == found["asker"]
    return JoinedAlready(own=found["chat"] == chat) if together else None


async def _found(db: Connection, asked: InviterOf | JoinByCode) -> asyncpg.Record | None:
    row: asyncpg.Record | None = await db.fetchrow(FIND, asked.chat, _code_hash(asked.code), asked.at)
    return row


# --- Joining -----------------------------------------------------------------------------------------

# Uses a code up, if it is still there and its chat still that resident's.
SPEND: Final = """
delete from invitation using chat
where code_hash = $1 and expires_at > $2 and chat.id = invitation.chat_id and chat.resident_id = $3
returning invitation.chat_id
"""

# How many accounts two residents have together.
UNITED: Final = """
select count(distinct account_id) from account_link
where resident_id in ($1, $2) and unlinked_at is null
"""

# Of links that both have, the inviting resident's ($1) takes what the other's adds: a name where it has
# none, and a freeze, which only the centre lifts.
MERGE_LINKS: Final = """
update account_link as kept set
  name = case when kept.name = '' then gone.name else kept.name end,
  frozen_at = coalesce(kept.frozen_at, gone.frozen_at),
  current = kept.current and gone.frozen_at is null
from account_link as gone
where kept.resident_id = $1 and gone.resident_id = $2 and gone.account_id = kept.account_id
  and kept.unlinked_at is null and gone.unlinked_at is null
returning gone.id
"""

END_LINKS: Final = """
update account_link set unlinked_at = $2, current = false, name = '' where id = any($1::bigint[])
"""

# Gives the other resident's links, also those that ended, to the inviting one; which account is current
# stays where there is one.
MOVE_LINKS: Final = """
update account_link set
  resident_id = $1,
  current = current and not exists (
    select from account_link as mine where mine.resident_id = $1 and mine.current and mine.unlinked_at is null
  )
where resident_id = $2
"""

# Readings go with whoever handed them in, for what billing says of them is told to who still has the account.
MOVE_READINGS: Final = """
update reading set resident_id = $1
from meter join account_link on account_link.account_id = meter.account_id
where reading.meter_id = meter.id and reading.resident_id = $2 and account_link.resident_id = $1
"""

MOVE_CONSENTS: Final = "update consent set resident_id = $1 where resident_id = $2"

# Where the other resident's receipts went: the inviting one is asked for their own.
FORGET_CONTACT: Final = "delete from receipt_contact where resident_id = $1"

# Gives the other resident's chats to the inviting one.
MOVE_CHATS: Final = """
update chat set resident_id = $1 where resident_id = $2 returning id, channel
"""

# The chat that brought the code is spoken to as the inviting one is.
SET_LANGUAGE: Final = "update chat set language = $2 where id = $1"

# A resident whose everything is another's now is nobody.
LEAVE_EMPTY: Final = "update resident set erased_at = $2 where id = $1"

# The private chats of a resident.
CHATS_OF: Final = "select id, channel from chat where resident_id = $1 and private order by id"


async def join_by_code(db: Connection, asked: Sequence[JoinByCode]) -> list[Joining]:
    """Join chats, one after the other: each may change what the next one finds."""
    return [await _join(db, question) for question in asked]


async def _join(db: Connection, asked: JoinByCode) -> Joining:
    found = await _found(db, asked)
    if found is None:
        return NoSuchCode()
    if (already := _joined_already(asked.chat, found)) is not None:
        return already
    mine, other = found["resident"], found["asker"]
    await lock_residents(db, [mine, other], chats_of=[other])
    accounts = await db.fetchval(UNITED, mine, other)
    if accounts > asked.accounts_max:
        return TooManyLinks(asked.accounts_max)
    if await db.fetchval(SPEND, _code_hash(asked.code), asked.at, mine) is None:
        return NoSuchCode()
    before = await db.fetch(CHATS_OF, mine)
    came = await _unite(db, asked, mine=mine, other=other)
    await db.execute(SET_LANGUAGE, asked.chat, found["language"])
    await _tell(db, asked, inviting=found, before=before, came=came)
    return Joined(found["channel"], accounts, found["language"])


async def _unite(db: Connection, asked: JoinByCode, *, mine: int, other: int) -> Sequence[asyncpg.Record]:
    """Give all that is resident *other*'s to resident *mine*; returns the chats that came."""
    doubled = [row["id"] for row in await db.fetch(MERGE_LINKS, mine, other)]
    await db.execute(END_LINKS, doubled, asked.at)
    await db.execute(MOVE_LINKS, mine, other)
    await db.execute(MOVE_READINGS, mine, other)
    await db.execute(MOVE_CONSENTS, mine, other)
    await db.execute(FORGET_CONTACT, other)
    await db.execute(LEAVE_EMPTY, other, asked.at)
    return await db.fetch(MOVE_CHATS, mine, other)


async def _tell(
    db: Connection,
    asked: JoinByCode,
    *,
    inviting: asyncpg.Record,
    before: Iterable[asyncpg.Record],
    came: Sequence[asyncpg.Record],
) -> None:
    """Each chat that was there hears of each that came; those that came along hear of the inviting one."""
    told = [(chat["id"], ChatJoined(new["id"], new["channel"])) for chat in before for new in came]
    along = [chat["id"] for chat in came if chat["id"] != asked.chat]
    told += [(chat, ChatJoined(inviting["chat"], inviting["channel"])) for chat in along]
    await events.add(db, told, now=asked.at)


# --- Undoing it --------------------------------------------------------------------------------------

# Whose chat this is.
RESIDENT_OF: Final = "select resident_id from chat where id = $1"

# Whether this is one of several chats of this resident.
ONE_OF_SEVERAL: Final = """
select exists (select from chat where id = $2 and resident_id = $1)
  and exists (select from chat where id <> $2 and resident_id = $1 and private)
"""

MAKE_RESIDENT: Final = "insert into resident (created_at) values ($1) returning id"

# What a chat takes along to its new resident ($1): itself, its consent, and its links, which end.
TAKE_CHAT: Final = "update chat set resident_id = $1 where id = $2"
TAKE_CONSENT: Final = "update consent set resident_id = $1 where chat_id = $2 and resident_id = $3"
TAKE_LINKS: Final = """
update account_link set
  resident_id = $1, unlinked_at = coalesce(unlinked_at, $4), current = false, name = ''
where chat_id = $2 and resident_id = $3
"""
TAKE_READINGS: Final = """
update reading set resident_id = $1
from meter join account_link on account_link.account_id = meter.account_id
where reading.meter_id = meter.id and reading.chat_id = $2 and reading.resident_id = $3
  and account_link.resident_id in ($1, $3)
"""

VOID: Final = "delete from invitation where chat_id = $1"


async def unjoin(db: Connection, asked: Sequence[Unjoin]) -> list[bool]:
    """Give chats to residents of their own, one after the other."""
    return [await _unjoin(db, question) for question in asked]


async def _unjoin(db: Connection, asked: Unjoin) -> bool:
    shared = await db.fetchval(RESIDENT_OF, asked.asker)
    await lock_residents(db, [shared], chats_of=[shared])
    if not await db.fetchval(ONE_OF_SEVERAL, shared, asked.chat):
        return False
    resident = await db.fetchval(MAKE_RESIDENT, asked.at)
    await db.execute(TAKE_CHAT, resident, asked.chat)
    await db.execute(TAKE_CONSENT, resident, asked.chat, shared)
    await db.execute(TAKE_LINKS, resident, asked.chat, shared, asked.at)
    await db.execute(TAKE_READINGS, resident, asked.chat, shared)
    await db.execute(VOID, asked.chat)
    return True
