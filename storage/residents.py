"""Residents: who consented in which chat, what they may see, what is kept about them, and erasing it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from core.privacy import masked_address
from core.questions import (
    ConsentGiven,
    GiveConsent,
    MyData,
    MyDataOf,
    ResumeMessages,
    SetLanguage,
    StopMessages,
)
from core.turns import AccountLink, Resident
from storage.database import Connection

# What is shown of a link: the whole address never leaves this file.
LINK_COLUMNS: Final = """
account_link.id, account_link.account_id, account.number, account_link.name, account_link.current,
account_link.frozen_at is not null as frozen, house.street, house.house, house.block, premises.flat,
premises.room
"""

# The live links of residents with their accounts' places.
LINKS: Final = """
account_link
join account on account.id = account_link.account_id
join premises on premises.id = account.premises_id
join house on house.id = premises.house_id
"""


def link_from(row: asyncpg.Record) -> AccountLink:
    """A row of LINK_COLUMNS as a link, its address masked."""
    address = masked_address(
        street=row["street"], house=row["house"], block=row["block"], flat=row["flat"], room=row["room"]
    )
    return AccountLink(
        id=row["id"],
        account=row["account_id"],
        number=row["number"],
        name=row["name"],
        address=address,
        current=row["current"],
        frozen=row["frozen"],
    )


# Who consented in these chats, a row a live link, or one row without a link.
RESIDENTS_OF: Final = f"""
select chat.id as chat, chat.resident_id as resident, {LINK_COLUMNS}
from chat
left join ({LINKS}) on account_link.resident_id = chat.resident_id and account_link.unlinked_at is null
where chat.id = any($1::bigint[]) and chat.resident_id is not null
order by chat.id, account_link.id
"""  # noqa: S608  # the columns and tables are ours


async def residents_of(db: Connection, chats: Iterable[int]) -> dict[int, Resident | None]:
    """Who consented in each of *chats*, with their links; None before consent."""
    found: dict[int, Resident | None] = dict.fromkeys(chats)
    links: dict[int, list[AccountLink]] = defaultdict(list)
    rows = await db.fetch(RESIDENTS_OF, list(found))
    for row in rows:
        if row["id"] is not None:
            links[row["chat"]].append(link_from(row))
    for row in rows:
        found[row["chat"]] = Resident(row["resident"], tuple(links[row["chat"]]))
    return found


# Against whoever else changes these residents' links or chats; foreign keys to them are not held up.
LOCK_RESIDENTS: Final = "select from resident where id = any($1::bigint[]) order by id for no key update"

# Their chats, which the engine may not have locked: one whose turn is running is not waited for.
LOCK_CHATS: Final = """
select from chat where resident_id = any($1::bigint[]) order by id for no key update nowait
"""


async def lock_residents(db: Connection, residents: Iterable[int], *, chats_of: Sequence[int] = ()) -> None:
    """Have *residents* to ourselves until the transaction ends, and all chats of those in *chats_of*."""
    await db.fetch(LOCK_RESIDENTS, sorted(set(residents)))
    if chats_of:
        await db.fetch(LOCK_CHATS, chats_of)


# --- Consent -----------------------------------------------------------------------------------------

# Makes a resident for each of these chats that has none, and gives it to the chat.
MAKE_RESIDENTS: Final = """
with newcomer as (
  select chat.id, asked.at, row_number() over (order by chat.id) as place
  from unnest($1::bigint[], $2::timestamptz[]) as asked (chat_id, at)
  join chat on chat.id = asked.chat_id
  where chat.resident_id is null
), made as (
  insert into resident (created_at) select at from newcomer order by place returning id
), numbered as (
  select id, row_number() over (order by id) as place from made
)
update chat set resident_id = numbered.id from newcomer join numbered using (place)
where chat.id = newcomer.id
"""

# Records each consent, unless this resident's consent to this version stands already.
RECORD_CONSENTS: Final = """
insert into consent (resident_id, chat_id, channel, version, text_hash, given_at)
select chat.resident_id, chat.id, asked.channel, asked.version, asked.text_hash, asked.at
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
  as asked (chat_id, channel, version, text_hash, at)
join chat on chat.id = asked.chat_id
where not exists (
  select from consent
  where consent.resident_id = chat.resident_id and consent.version = asked.version
    and consent.withdrawn_at is null
)
"""


async def give_consent(db: Connection, asked: Sequence[GiveConsent]) -> list[Resident]:
    """Record consents; a chat's first makes its resident."""
    chats = [question.chat for question in asked]
    times = [question.at for question in asked]
    await db.execute(MAKE_RESIDENTS, chats, times)
    await db.execute(
        RECORD_CONSENTS,
        chats,
        [question.channel for question in asked],
        [question.version for question in asked],
        [question.text_hash for question in asked],
        times,
    )
    residents = await residents_of(db, chats)
    return [resident for chat in chats if (resident := residents[chat]) is not None]


# That a consent was given is to be shown for as long as a claim may be brought.
FORGET_CONSENTS: Final = "delete from consent where withdrawn_at < $1::timestamptz - interval '3 years'"


async def forget_consents(db: Connection, *, now: datetime) -> None:
    """Forget consents that were withdrawn three years ago."""
    await db.execute(FORGET_CONSENTS, now)


# --- What a chat is like -----------------------------------------------------------------------------

SET_LANGUAGES: Final = """
update chat set language = asked.language from unnest($1::bigint[], $2::text[]) as asked (id, language)
where chat.id = asked.id
"""


async def set_language(db: Connection, asked: Sequence[SetLanguage]) -> list[None]:
    """Note in which language each chat is spoken to."""
    await db.execute(SET_LANGUAGES, [each.chat for each in asked], [each.language for each in asked])
    return [None] * len(asked)


# Notes chats that asked to be left in peace, and those that cannot be reached.
STOP: Final = """
update chat set
  unreachable_at = case when asked.gone then asked.at else unreachable_at end,
  muted_at = case when asked.gone then muted_at else asked.at end
from unnest($1::bigint[], $2::timestamptz[], $3::bool[]) as asked (id, at, gone)
where chat.id = asked.id
"""


async def stop_messages(db: Connection, asked: Sequence[StopMessages]) -> list[None]:
    """Write to these chats unasked no more."""
    await db.execute(
        STOP, [each.chat for each in asked], [each.at for each in asked], [each.gone for each in asked]
    )
    return [None] * len(asked)


RESUME: Final = """
update chat set unreachable_at = null, muted_at = null
where id = any($1::bigint[]) and (unreachable_at is not null or muted_at is not null)
"""


async def resume_messages(db: Connection, asked: Sequence[ResumeMessages]) -> list[None]:
    """Write to these chats again."""
    await db.execute(RESUME, [each.chat for each in asked])
    return [None] * len(asked)


# --- What is kept about a resident -------------------------------------------------------------------

LINKS_OF: Final = f"""
select account_link.resident_id as resident, {LINK_COLUMNS} from {LINKS}
where account_link.resident_id = any($1::bigint[]) and account_link.unlinked_at is null
order by account_link.id
"""  # noqa: S608  # as above

CONSENTS_OF: Final = """
select resident_id as resident, version, channel, given_at, withdrawn_at from consent
where resident_id = any($1::bigint[]) order by id
"""

# Each resident's messengers, and how many readings and cases came from them. Readings are reached over
# the accounts that were ever linked.
COUNTS_OF: Final = """
select asked.resident,
  array(select distinct channel from chat where resident_id = asked.resident order by channel) as channels,
  (
    select count(distinct reading.id) from account_link
    join meter on meter.account_id = account_link.account_id
    join reading on reading.meter_id = meter.id and reading.resident_id = asked.resident
    where account_link.resident_id = asked.resident
  ) as readings,
  (
    select count(*) from staff_case
    where chat_id in (select id from chat where resident_id = asked.resident)
  ) as cases,
  exists (select from receipt_contact where resident_id = asked.resident) as receipts
from unnest($1::bigint[]) as asked (resident)
"""


async def my_data_of(db: Connection, asked: Sequence[MyDataOf]) -> list[MyData]:
    """All that is kept about residents."""
    residents = [question.resident for question in asked]
    links: dict[int, list[AccountLink]] = defaultdict(list)
    for row in await db.fetch(LINKS_OF, residents):
        links[row["resident"]].append(link_from(row))
    consents: dict[int, list[ConsentGiven]] = defaultdict(list)
    for row in await db.fetch(CONSENTS_OF, residents):
        consents[row["resident"]].append(
            ConsentGiven(row["version"], row["channel"], row["given_at"], row["withdrawn_at"])
        )
    counts = {row["resident"]: row for row in await db.fetch(COUNTS_OF, residents)}
    return [
        MyData(
            links=tuple(links[resident]),
            consents=tuple(consents[resident]),
            channels=tuple(counts[resident]["channels"]),
            readings=counts[resident]["readings"],
            cases=counts[resident]["cases"],
            receipts=counts[resident]["receipts"],
        )
        for resident in residents
    ]
