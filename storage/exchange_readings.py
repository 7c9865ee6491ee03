"""Merging readings that billing has, and what it says of those that we sent."""

from datetime import datetime
from typing import Final

from core.turns import Event, ReadingRejected
from storage import events
from storage.database import Connection
from storage.exchange_protocol import Loaded

# Readings that billing has and we have not: a value that is known for its month is not kept twice.
ADD_READINGS: Final = """
with billed as (select account_id, max(period) as period from bill group by account_id),
added as (
    insert into reading (
        meter_id, register_no, value, previous_value, taken_on, received_at, kind, source, source_ref, status,
        counted_period, flags
    )
    select s.meter_id, s.register, s.value, s.previous_value, s.taken_on,
        coalesce(s.received_at, s.taken_on + time '12:00' at time zone 'Europe/Moscow'),
        s.kind, s.source, 'billing:' || s.reading_id,
        case when b.period >= s.counted_period then 'locked' else 'accepted' end, s.counted_period, s.flags
    from staged_readings s
    join meter m on m.id = s.meter_id
    left join billed b on b.account_id = m.account_id
    where not exists (
        select from reading r
        where r.meter_id = s.meter_id and r.register_no = s.register and r.counted_period = s.counted_period
            and r.value = s.value and r.status not in ('rejected', 'superseded')
    )
    order by s.counted_period, s.line
    on conflict (source_ref) do nothing
    returning 1
)
select count(*) from added
"""


async def merge_readings(db: Connection, rows: int) -> Loaded:
    """Merge a staged file of readings."""
    return Loaded(rows, await db.fetchval(ADD_READINGS))


# The last values that a file of meters names, as readings of the month that they were taken in.
ADD_LAST_VALUES: Final = """
with billed as (select account_id, max(period) as period from bill group by account_id)
insert into reading (
    meter_id, register_no, value, taken_on, received_at, source, source_ref, status, counted_period
)
select s.meter_id, last.register_no, last.value, s.last_value_on,
    (s.last_value_on + time '12:00') at time zone 'Europe/Moscow', 'import',
    format('meters:%s:%s:%s:%s', s.meter_id, last.register_no, s.last_value_on, last.value),
    case when b.period >= date_trunc('month', s.last_value_on)::date then 'locked' else 'accepted' end,
    date_trunc('month', s.last_value_on)::date
from staged_meters s
join meter m on m.id = s.meter_id
cross join lateral (values (1, last_value_t1), (2, last_value_t2), (3, last_value_t3)) as last (register_no, value)
left join billed b on b.account_id = m.account_id
where last.value is not null and last.register_no <= m.registers
    and not exists (
        select from reading r
        where r.meter_id = s.meter_id and r.register_no = last.register_no
            and r.counted_period = date_trunc('month', s.last_value_on)::date
            and r.value = last.value and r.status not in ('rejected', 'superseded')
    )
order by s.meter_id, last.register_no
on conflict (source_ref) do nothing
"""


async def merge_last_values(db: Connection) -> None:
    """Keep the last values that a staged file of meters names."""
    await db.execute(ADD_LAST_VALUES)


# What billing says of our readings; those that change, each with the live chat that it came from.
ANSWER_READINGS: Final = """
update reading r set
    status = case
        when s.result = 'rejected' then 'rejected'
        when s.result = 'locked' or r.status = 'locked' then 'locked'
        else 'accepted'
    end,
    reject_reason = nullif(s.reason, ''),
    billing_ref = nullif(s.billing_ref, '')
from staged_reading_acks s, meter m
where r.id = s.reading_id and m.id = r.meter_id and r.status not in ('superseded', 'rejected')
    and (
        r.status <> case when s.result = 'accepted' and r.status = 'locked' then 'locked' else s.result end
        or r.billing_ref is distinct from nullif(s.billing_ref, '')
    )
returning r.id, coalesce(r.submission_no, r.id) as number, r.status, m.account_id, s.reason,
    r.meter_id, r.register_no, (
    select l.chat_id from account_link l
    where l.resident_id = r.resident_id and l.account_id = m.account_id and l.unlinked_at is null
        and l.frozen_at is null and r.chat_id is not null
    limit 1
) as linked_chat, r.chat_id
"""


async def merge_acks(db: Connection, rows: int, *, now: datetime) -> Loaded:
    """Note what billing says of our readings; whoever sent a rejected one is told why, once.

    Nobody is told who is no longer linked to the account.
    """
    answered = sorted(await db.fetch(ANSWER_READINGS), key=lambda row: int(row["id"]))
    told: list[tuple[int, Event]] = [
        (
            row["chat_id"],
            ReadingRejected(
                row["number"], row["account_id"], row["reason"], row["meter_id"], row["register_no"]
            ),
        )
        for row in answered
        if row["status"] == "rejected" and row["linked_chat"] is not None
    ]
    if told:
        await events.add(db, told, now=now)
    return Loaded(rows, 0, changed=len(answered), rejected=len(told))
