"""Links as staff see them: who has an account, and giving back what was taken from them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from core.turns import LinkUnfrozen
from storage import events
from storage.database import Connection
from storage.keys import Keys
from storage.residents import lock_residents


class SeenLink(msgspec.Struct, frozen=True):
    """A link of an account: by which messenger and *proof* it was made, when its chat was last heard."""

    number: int
    channel: str
    proof: str
    linked_at: datetime
    last_seen_at: datetime
    frozen_at: datetime | None
    unlinked_at: datetime | None


# The links of an account that live, or that are frozen and so keep their resident from linking it anew.
LINKS: Final = """
select account_link.id, chat.channel, proof, linked_at, chat.last_seen_at, frozen_at, unlinked_at
from account_link join chat on chat.id = account_link.chat_id
where account_id = $1 and (unlinked_at is null or frozen_at is not null)
order by account_link.id
"""


async def links_of_account(db: Connection, account: int) -> list[SeenLink]:
    """The links of *account*, oldest first."""
    return [SeenLink(*row.values()) for row in await db.fetch(LINKS, account)]


# Until when nobody may try to link this number.
HELD_UNTIL: Final = "select until from link_hold where scope = 'number' and key = $1 and until > $2"


async def held_until(db: Connection, number: str, *, keys: Keys, now: datetime) -> datetime | None:
    """When the number's hold ends by itself; None where it is under none."""
    until: datetime | None = await db.fetchval(HELD_UNTIL, keys.number_hash(number), now)
    return until


RESIDENT: Final = """
select resident_id from account_link where id = $1 and account_id = $2 and frozen_at is not null
"""

# Gives an account back; it is the current one again where its resident has no other.
UNFREEZE: Final = """
update account_link as link set frozen_at = null, frozen_hashes = '{}', current = unlinked_at is null and not exists (
  select from account_link as other
  where other.resident_id = link.resident_id and other.current and other.unlinked_at is null
)
where id = $1 and frozen_at is not null
returning unlinked_at is null as live
"""

# Where its resident is told.
CHATS: Final = """
select id from chat where resident_id = $1 and private and erased_at is null order by id
"""

# The cases that its freezing opened and that nobody has closed.
CASES: Final = """
select id from staff_case where kind = 'foreign_link' and facts ->> 'link' = $1 and state <> 'closed' order by id
"""


class Unfrozen(msgspec.Struct, frozen=True):
    """The link is usable again: so many *chats* are told; *cases* about it are still open."""

    chats: int
    cases: tuple[int, ...]


async def unfreeze(db: Connection, link: int, *, account: int, now: datetime) -> Unfrozen | None:
    """Undo «Это не я» for a link of *account*; None where it has no such frozen link.

    To be called in a transaction.
    """
    resident = await db.fetchval(RESIDENT, link, account)
    if resident is None:
        return None
    await lock_residents(db, [resident])
    live = await db.fetchval(UNFREEZE, link)
    if live is None:
        return None
    chats = [row["id"] for row in await db.fetch(CHATS, resident)] if live else []
    await events.add(db, [(chat, LinkUnfrozen(account)) for chat in chats], now=now)
    return Unfrozen(len(chats), tuple(row["id"] for row in await db.fetch(CASES, str(link))))
