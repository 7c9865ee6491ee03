"""Links of residents to accounts: made, chosen, named, ended, frozen; and numbers behind a bill's link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import asyncpg

from core.questions import (
    AccountsByPhone,
    AlreadyLinked,
    ChooseLink,
    FreezeLink,
    Frozen,
    LinkAccount,
    Linked,
    LinkFrozen,
    NumberBehind,
    RenameLink,
    TooManyLinks,
    TooManyResidents,
    Unlink,
)
from core.turns import AccountLink, LinkAdded
from core.typed_proofs import normal_phone
from storage import events
from storage.database import Connection
from storage.keys import Keys
from storage.paper_links import read_paper_token
from storage.residents import LINK_COLUMNS, LINKS, link_from, lock_residents

LinkAnswer: TypeAlias = Linked | AlreadyLinked | TooManyLinks | TooManyResidents | LinkFrozen

# --- The paper bill's link ---------------------------------------------------------------------------

# The numbers behind these links that hold: at most one bill came after the one they were printed on.
LIVE_NUMBERS: Final = """
select account.number, asked.period
from unnest($1::text[], $2::date[]) as asked (number, period)
join account on account.number = asked.number and account.closed_on is null
where 2 > (
  select count(*) from bill where bill.account_id = account.id and bill.period > asked.period
)
"""


async def number_behind(db: Connection, asked: Sequence[NumberBehind], *, keys: Keys) -> list[str | None]:
    """The numbers behind tokens of paper bills; None for a forged or outlived one."""
    links = [read_paper_token(keys, question.token) for question in asked]
    read = [link for link in links if link is not None]
    rows = await db.fetch(
        LIVE_NUMBERS, [link.number for link in read], [link.period.first_day for link in read]
    )
    live = {(row["number"], row["period"]) for row in rows}
    return [
        link.number if link is not None and (link.number, link.period.first_day) in live else None
        for link in links
    ]


# --- A phone on file ---------------------------------------------------------------------------------

# The open accounts that each of these phones is on file for.
BY_PHONE: Final = """
select asked.place, account.id
from unnest($1::int[], $2::bytea[]) as asked (place, phone_hash)
join account on account.phone_hashes @> array[asked.phone_hash] and account.closed_on is null
order by asked.place, account.id
"""


async def accounts_by_phone(
    db: Connection, asked: Sequence[AccountsByPhone], *, keys: Keys
) -> list[tuple[int, ...]]:
    """The open accounts that billing has each phone on file for."""
    hashes = [keys.phone_hash(normal_phone(question.phone)) for question in asked]
    rows = await db.fetch(BY_PHONE, list(range(len(asked))), hashes)
    return [tuple(row["id"] for row in rows if row["place"] == place) for place in range(len(asked))]


# --- Making a link -----------------------------------------------------------------------------------

# Against another chat that links the same account at once: the number of residents is counted below.
LOCK_ACCOUNTS: Final = """
select id from account where id = any($1::bigint[]) order by id for no key update
"""

# Whose these chats are by now: an earlier turn of the batch may have joined or parted chats.
RESIDENTS_BY_CHAT: Final = "select id, resident_id from chat where id = any($1::bigint[])"

# How a resident and an account stand: their live link, whether one was ever frozen for them or for a chat that
# is theirs now, and how many there are.
STANDING: Final = """
select
  (
    select id from account_link
    where resident_id = $1 and account_id = $2 and unlinked_at is null
  ) as link,
  exists (
    select from account_link
    where account_id = $2 and frozen_at is not null and (
      resident_id = $1
      or frozen_hashes && array(select address_hash from chat where resident_id = $1 and address_hash is not null)
    )
  ) as frozen,
  (select count(*) from account_link where resident_id = $1 and unlinked_at is null) as accounts,
  (
    select count(*) from account_link
    where account_id = $2 and unlinked_at is null and frozen_at is null
  ) as residents
"""

ADD_LINK: Final = """
insert into account_link (resident_id, account_id, chat_id, proof, current, linked_at)
values ($1, $2, $3, $4, true, $5)
returning id
"""

# Makes one of a resident's usable links the current one and the others not.
CHOOSE: Final = """
update account_link set current = (id = $2)
where resident_id = $1 and unlinked_at is null
  and exists (
    select from account_link as chosen
    where chosen.id = $2 and chosen.resident_id = $1 and chosen.unlinked_at is null and chosen.frozen_at is null
  )
returning id = $2 as chosen
"""

LINK: Final = f"select {LINK_COLUMNS} from {LINKS} where account_link.id = $1"  # noqa: S608  # ours

# The chats of everybody else who has this account.
OTHER_CHATS: Final = """
select chat.id from chat
join account_link on account_link.resident_id = chat.resident_id
where account_link.account_id = $1 and account_link.unlinked_at is null and account_link.frozen_at is null
  and account_link.resident_id <> $2 and chat.private and chat.erased_at is null
order by chat.id
"""


async def link_account(db: Connection, asked: Sequence[LinkAccount]) -> list[LinkAnswer]:
    """Link proven accounts, one after the other: each may change what the next one finds."""
    rows = await db.fetch(RESIDENTS_BY_CHAT, [question.chat for question in asked])
    whose = {row["id"]: row["resident_id"] for row in rows}
    await lock_residents(db, whose.values())
    await db.execute(LOCK_ACCOUNTS, sorted({question.account for question in asked}))
    return [await _link(db, replace(question, resident=whose[question.chat])) for question in asked]


async def _link(db: Connection, asked: LinkAccount) -> LinkAnswer:
    [standing] = await db.fetch(STANDING, asked.resident, asked.account)
    if standing["frozen"]:
        return LinkFrozen()
    if standing["link"] is not None:
        return AlreadyLinked(await _chosen(db, asked.resident, standing["link"]))
    if standing["accounts"] >= asked.accounts_max:
        return TooManyLinks(asked.accounts_max)
    if standing["residents"] >= asked.residents_max:
        return TooManyResidents(asked.residents_max)
    number = await db.fetchval(ADD_LINK, asked.resident, asked.account, asked.chat, asked.proof, asked.at)
    link = await _chosen(db, asked.resident, number)
    others = [row["id"] for row in await db.fetch(OTHER_CHATS, asked.account, asked.resident)]
    added = LinkAdded(link=number, account=asked.account, channel=asked.channel)
    await events.add(db, [(chat, added) for chat in others], now=asked.at)
    return Linked(link, len(others))


async def _chosen(db: Connection, resident: int, link: int) -> AccountLink:
    await db.execute(CHOOSE, resident, link)
    [row] = await db.fetch(LINK, link)
    return link_from(row)


# --- What becomes of it ------------------------------------------------------------------------------


async def choose_link(db: Connection, asked: Sequence[ChooseLink]) -> list[bool]:
    """Make links current, in the order of turns: two chats of one resident may differ."""
    rows = [await db.fetch(CHOOSE, question.resident, question.link) for question in asked]
    return [any(row["chosen"] for row in found) for found in rows]


RENAME: Final = """
update account_link set name = $3
where id = $2 and resident_id = $1 and unlinked_at is null
returning id
"""


async def rename_link(db: Connection, asked: Sequence[RenameLink]) -> list[bool]:
    """Give links their residents' own names, in the order of turns."""
    named = [await db.fetchval(RENAME, each.resident, each.link, each.name) for each in asked]
    return [link is not None for link in named]


# Ends links; their names were the residents' own and go.
UNLINK: Final = """
update account_link set unlinked_at = asked.at, current = false, name = ''
from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as asked (resident_id, id, at)
where account_link.id = asked.id and account_link.resident_id = asked.resident_id and unlinked_at is null
returning account_link.id
"""


async def unlink(db: Connection, asked: Sequence[Unlink]) -> list[bool]:
    """End links; False for one that was no link of that resident any more."""
    rows = await db.fetch(
        UNLINK, [each.resident for each in asked], [each.link for each in asked], [each.at for each in asked]
    )
    ended = {row["id"] for row in rows}
    return [question.link in ended for question in asked]


# Freezes links of others to accounts that the askers had before, and gives the chats that they served.
FREEZE: Final = """
update account_link as later set frozen_at = asked.at, current = false, frozen_hashes = array(
  select address_hash from chat where resident_id = later.resident_id and address_hash is not null order by id
)
from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as asked (resident_id, id, at)
join account_link as earlier on earlier.resident_id = asked.resident_id
where later.id = asked.id and later.account_id = earlier.account_id and later.resident_id <> asked.resident_id
  and later.unlinked_at is null and later.frozen_at is null
  and earlier.unlinked_at is null and earlier.frozen_at is null and earlier.id < later.id
returning later.id, later.account_id,
  array(
    select id from chat where resident_id = later.resident_id and erased_at is null order by id
  ) as chats
"""


async def freeze_link(db: Connection, asked: Sequence[FreezeLink]) -> list[Frozen | None]:
    """Freeze links that somebody who had the account before does not know."""
    rows: Sequence[asyncpg.Record] = await db.fetch(
        FREEZE, [each.resident for each in asked], [each.link for each in asked], [each.at for each in asked]
    )
    frozen = {row["id"]: Frozen(row["account_id"], tuple(row["chats"])) for row in rows}
    return [frozen.get(question.link) for question in asked]
