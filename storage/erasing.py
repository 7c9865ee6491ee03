"""Erasing a resident: consent withdrawn and links ended at once, the chat emptied after the farewell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from core.questions import EraseResident
from storage.cases import PHOTOS, WORDS, facts_without
from storage.database import Connection
from storage.residents import lock_residents

# Withdraws the consents of these residents.
WITHDRAW: Final = """
update consent set withdrawn_at = asked.at
from unnest($1::bigint[], $2::timestamptz[]) as asked (resident_id, at)
where consent.resident_id = asked.resident_id and withdrawn_at is null
"""

# Ends their links and takes their own names for accounts away.
END_LINKS: Final = """
update account_link set unlinked_at = coalesce(unlinked_at, asked.at), name = '', current = false
from unnest($1::bigint[], $2::timestamptz[]) as asked (resident_id, at)
where account_link.resident_id = asked.resident_id
"""

# What they wrote and showed to staff, and what staff answered, goes from all their cases. A mere talk with staff is
# over; of other cases the centre keeps what is no word of theirs (a meter's reading, say) without their chat, and
# those that wait for staff still do.
EMPTY_CASES: Final = f"""
update staff_case set
  facts = case when kind in ('question', 'meter_photo') then '{{}}' else {facts_without(WORDS, PHOTOS)} end,
  answer = null,
  chat_id = null,
  state = case when kind in ('question', 'meter_photo') or state <> 'open' then 'closed' else 'open' end,
  closed_at = case
    when kind in ('question', 'meter_photo') or state <> 'open' then coalesce(closed_at, asked.at)
  end
from unnest($1::bigint[], $2::timestamptz[]) as asked (resident_id, at)
join chat on chat.resident_id = asked.resident_id
where staff_case.chat_id = chat.id
"""  # noqa: S608  # the names of facts are ours

# Where their receipts were to go.
FORGET_CONTACTS: Final = "delete from receipt_contact where resident_id = any($1::bigint[])"

# The same where a payment of theirs is being begun: its receipt goes nowhere.
FORGET_CONTACTS_OF_ATTEMPTS: Final = """
update payment_attempt set contact = null
from pay_link, chat
where payment_attempt.pay_link_id = pay_link.id and pay_link.chat_id = chat.id
  and chat.resident_id = any($1::bigint[]) and payment_attempt.contact is not null
"""

# Wrong tries are counted by the chat's hash for a day; which chat it was is not kept.
LET_TRIES_GO: Final = """
update link_try set chat_id = null from chat
where link_try.chat_id = chat.id and chat.resident_id = any($1::bigint[])
"""

# Lets their chats be found no more: who writes again is a newcomer in a chat of its own. The address
# itself stays until the farewell is sent.
LET_CHATS_GO: Final = """
update chat set erased_at = asked.at, address_hash = null, resident_id = null, stage = null, offered = null
from unnest($1::bigint[], $2::timestamptz[]) as asked (resident_id, at)
where chat.resident_id = asked.resident_id
"""

MARK_RESIDENTS: Final = """
update resident set erased_at = asked.at
from unnest($1::bigint[], $2::timestamptz[]) as asked (id, at)
where resident.id = asked.id
"""

# The requests themselves, each a case that is closed once its chats are empty.
OPEN_REQUESTS: Final = """
insert into staff_case (kind, chat_id, facts, opened_at)
select 'erasure', asked.chat_id, '{}', asked.at
from unnest($1::bigint[], $2::timestamptz[]) with ordinality as asked (chat_id, at, place)
order by asked.place
returning id
"""


async def erase_resident(db: Connection, asked: Sequence[EraseResident]) -> list[int]:
    """Forget residents; returns the numbers of their requests."""
    residents = [question.resident for question in asked]
    times = [question.at for question in asked]
    await _forget(db, residents, times)
    rows = await db.fetch(OPEN_REQUESTS, [question.chat for question in asked], times)
    return [row["id"] for row in rows]


async def _forget(db: Connection, residents: Sequence[int], times: Sequence[datetime]) -> None:
    # Against a chat that is joined, or an account that is linked, while all of them go.
    await lock_residents(db, residents, chats_of=residents)
    await db.execute(WITHDRAW, residents, times)
    await db.execute(END_LINKS, residents, times)
    await db.execute(EMPTY_CASES, residents, times)
    await db.execute(FORGET_CONTACTS, residents)
    await db.execute(FORGET_CONTACTS_OF_ATTEMPTS, residents)
    await db.execute(LET_TRIES_GO, residents)
    await db.execute(LET_CHATS_GO, residents, times)
    await db.execute(MARK_RESIDENTS, residents, times)


# Residents whose last account was unlinked 30 days ago and from whom nothing was heard since, on any channel.
UNLINKED: Final = """
select resident.id from resident
where resident.erased_at is null
  and resident.id in (select resident_id from account_link where unlinked_at < $1::timestamptz - interval '30 days')
  and not exists (
    select from account_link where resident_id = resident.id
      and (unlinked_at is null or unlinked_at >= $1::timestamptz - interval '30 days')
  )
  and not exists (
    select from chat where resident_id = resident.id and last_seen_at >= $1::timestamptz - interval '30 days'
  )
order by resident.id limit 200
"""


async def forget_unlinked(db: Connection, *, now: datetime) -> int:
    """Forget residents who unlinked all they had 30 days ago, as if they had asked for it; returns how many."""
    async with db.transaction():
        residents = [row["id"] for row in await db.fetch(UNLINKED, now)]
        if residents:
            await _forget(db, residents, [now] * len(residents))
    return len(residents)


# --- After the farewell ------------------------------------------------------------------------------

# Empties erased chats that nothing waits to be sent to: what is left of their address and their talk, what was
# said in them, what they were still to hear of; and closes their requests. Gives how many chats.
EMPTY: Final = """
with due as (
  select id from chat
  where erased_at is not null and address is not null
    and not exists (
      select from outbox where outbox.chat_id = chat.id and state in ('queued', 'sending', 'unknown')
    )
  order by id limit 1000 for update skip locked
), chats as (
  update chat set address = null, stage = null, offered = null from due where chat.id = due.id
), messages as (
  update outbox set body = null, platform_message = null, reason = null from due where chat_id = due.id
), events as (
  delete from event using due where chat_id = due.id
), requests as (
  update staff_case set state = 'closed', closed_at = $1 from due
  where chat_id = due.id and kind = 'erasure' and state <> 'closed'
)
select count(*) from due
"""


async def erase_due(db: Connection, *, now: datetime) -> int:
    """Empty erased chats whose farewell is sent, with all that was said in them; returns how many."""
    emptied: int = await db.fetchval(EMPTY, now)
    return emptied
