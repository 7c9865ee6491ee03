"""Meters with their readings, and the keeping of submitted readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import asyncpg

from core.messages import Month
from core.meter_history import READINGS_MAX, History, Stored, average_monthly, zero_months
from core.meter_questions import Kept, MetersOf, Overtaken, SubmitReadings
from core.meters import Meter
from core.reading_windows import MovedWindow, ReadingWindow, moved_days
from storage.database import Connection

# --- Reading ---------------------------------------------------------------------------------------

# The meters of these accounts as of these days, a row a register: with its unit, the price of a unit, and its
# newest live readings; and with the last bill, which closes its period. The price of hot water is
# what a cubic metre came to on the last bill, water and heat together; of the rest, the tariff of the day.
METERS: Final = """
select
  asked.account_id, asked.on_day, m.id, m.service_code, m.serial, m.place, s.unit, m.integer_digits,
  m.fraction_digits, m.accepts_fraction, m.ratio, m.commissioned_on, m.verification_due_on, m.smart, m.closed_on,
  m.window_open, m.window_close, issued.billed, register_no, coalesce(m.register_labels[register_no], '') as label,
  price.rate, stored.values, stored.periods, stored.taken_on, stored.received_at, stored.locked
from unnest($1::bigint[], $2::date[]) as asked (account_id, on_day)
join meter m on m.account_id = asked.account_id
join service s on s.code = m.service_code
cross join generate_series(1, m.registers) as register_no
left join lateral (
  select array_agg(r.value) as values, array_agg(r.counted_period) as periods, array_agg(r.taken_on) as taken_on,
    array_agg(r.received_at) as received_at,
    array_agg(r.status = 'locked') as locked
  from (
    select * from reading r
    where r.meter_id = m.id and r.register_no = register_no.register_no
      and r.status in ('received', 'accepted', 'locked')
    order by r.counted_period desc, r.id desc
    limit $3
  ) r
) stored on true
left join lateral (
  select max(b.period) as billed from bill b where b.account_id = m.account_id
) issued on true
left join lateral (
  select c.provider_id, c.period,
    sum(c.charged_individual) over of_period / 100
      / nullif(sum(c.volume_individual) filter (where c.service_code = m.service_code) over of_period, 0) as rate
  from charge c
  where c.account_id = m.account_id and c.period > asked.on_day - 100
    and (c.service_code = m.service_code
      or m.service_code = 'hot_water_water' and c.service_code = 'hot_water_heat')
  window of_period as (partition by c.period)
  order by c.period desc, c.service_code = m.service_code desc
  limit 1
) billed on true
left join lateral (
  select case when m.service_code = 'hot_water_water' then billed.rate else (
    select t.rate from tariff t
    where t.service_code = m.service_code
      and (t.register_no = 0 or m.registers > 1 and t.register_no = register_no.register_no)
      and t.valid_from <= asked.on_day and (t.valid_to is null or t.valid_to >= asked.on_day)
    order by t.provider_id = billed.provider_id desc nulls last, t.register_no desc, t.valid_from desc
    limit 1
  ) end as rate
) price on true
where m.closed_on is null or m.closed_on > asked.on_day - 365
order by asked.account_id, asked.on_day, m.closed_on is not null, s.sort, m.place, m.id, register_no
"""


async def meters_of(db: Connection, asked: Sequence[MetersOf]) -> list[tuple[Meter, ...]]:
    """The meters of each account asked about, open ones first, as of its day."""
    pairs = sorted({(question.account, question.on) for question in asked})
    rows = await db.fetch(METERS, [account for account, _ in pairs], [on for _, on in pairs], READINGS_MAX)
    found = {
        pair: list(of_account) for pair, of_account in groupby(rows, key=itemgetter("account_id", "on_day"))
    }
    return [
        tuple(_meters_from(found.get((question.account, question.on), ()), question.moved))
        for question in asked
    ]


def _meters_from(rows: Iterable[asyncpg.Record], moved: Sequence[MovedWindow]) -> Iterator[Meter]:
    for _, of_meter in groupby(rows, key=itemgetter("id")):
        yield _meter_from(list(of_meter), moved)


def _meter_from(rows: Sequence[asyncpg.Record], moved: Sequence[MovedWindow]) -> Meter:
    row = rows[0]
    window = ReadingWindow(
        row["window_open"],
        row["window_close"],
        moved=moved_days(moved, row["service_code"]),
        billed=Month.of(row["billed"]) if row["billed"] else None,
    )
    period = window.period_on(row["on_day"])
    histories = [_history_from(of_register) for of_register in rows]
    return Meter(
        id=row["id"],
        account=row["account_id"],
        service=row["service_code"],
        serial=row["serial"],
        registers=tuple(history.register(period) for history in histories),
        place=row["place"],
        unit=row["unit"],
        integer_digits=row["integer_digits"],
        fraction_digits=row["fraction_digits"],
        accepts_fraction=row["accepts_fraction"],
        ratio=row["ratio"],
        commissioned_on=row["commissioned_on"],
        verification_due_on=row["verification_due_on"],
        closed_on=row["closed_on"],
        smart=row["smart"],
        window=window,
        average_monthly=average_monthly(histories, period, ratio=row["ratio"]),
        zero_months=zero_months(histories, period),
    )


def _history_from(row: asyncpg.Record) -> History:
    columns = (row["values"], row["periods"], row["taken_on"], row["received_at"], row["locked"])
    stored = tuple(
        Stored(_trimmed(value), Month.of(period), taken_on, received_at, locked)
        for value, period, taken_on, received_at, locked in zip(
            *(column or () for column in columns), strict=True
        )
    )
    return History(row["register_no"], row["label"], row["rate"], stored)


def _trimmed(value: Decimal) -> Decimal:
    """*value* without the zeros that the column's scale adds."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


# --- Keeping ---------------------------------------------------------------------------------------

# Locks these accounts in the order of their ids, against other submissions and imports for them. A statement of
# its own: what is read after it was committed before we got the locks.
LOCK_ACCOUNTS: Final = "select id from account where id = any($1::bigint[]) order by id for no key update"

# Keeps the submissions whose every value was judged on what is stored now, each whole or not at all; a value for
# a period that has one supersedes it. Gives what became of each: kept, repeated or overtaken.
SUBMIT: Final = """
with entry as (
  select * from unnest(
    $1::int[], $2::bigint[], $3::text[], $4::int[], $5::numeric[], $6::numeric[], $7::date[], $8::text[],
    $9::timestamptz[], $10::date[], $11::text[], $12::bigint[], $13::bigint[], $14::text[]
  ) as e (place, account_id, meter_id, register_no, value, judged_on, period, flags,
    received_at, taken_on, source, chat_id, resident_id, source_ref)
),
compared as (
  select e.*, latest.id as latest_id, latest.period as latest_period, earlier.value as previous_value,
    exists (select from reading r where r.source_ref = e.source_ref) as repeated,
    m.id is not null
      and latest.value is not distinct from e.judged_on
      and not (coalesce(latest.period = e.period, false) and latest.locked)
      and not exists (select from bill b where b.account_id = e.account_id and b.period >= e.period) as holds
  from entry e
  left join meter m on m.id = e.meter_id and m.account_id = e.account_id and not m.smart
    and (m.closed_on is null or m.closed_on > e.taken_on)
  left join lateral (
    select r.id, r.value, r.counted_period as period, r.status = 'locked' as locked
    from reading r
    where r.meter_id = e.meter_id and r.register_no = e.register_no and r.counted_period <= e.period
      and r.status in ('received', 'accepted', 'locked')
    order by r.counted_period desc, r.id desc
    limit 1
  ) latest on true
  left join lateral (
    select r.value from reading r
    where r.meter_id = e.meter_id and r.register_no = e.register_no and r.counted_period < e.period
      and r.status in ('received', 'accepted', 'locked')
    order by r.counted_period desc, r.id desc
    limit 1
  ) earlier on true
),
outcome as (
  select place, case when bool_or(repeated) then 'repeated' when bool_and(holds) then 'kept' else 'overtaken' end
    as state
  from compared group by place
),
superseded as (
  update reading set status = 'superseded'
  where id in (
    select c.latest_id from compared c join outcome o using (place)
    where o.state = 'kept' and c.latest_period = c.period
  )
),
inserted as (
  insert into reading (meter_id, register_no, value, previous_value, taken_on, received_at, source, source_ref,
    chat_id, resident_id, status, counted_period, supersedes_id, flags)
  select c.meter_id, c.register_no, c.value, c.previous_value, c.taken_on, c.received_at, c.source, c.source_ref,
    c.chat_id, c.resident_id, 'received', c.period, case when c.latest_period = c.period then c.latest_id end,
    string_to_array(c.flags, ',')
  from compared c join outcome o using (place)
  where o.state = 'kept'
  order by c.meter_id, c.register_no
)
select place, state from outcome
"""

# Numbers what was kept together by its first reading.
NUMBER: Final = """
update reading set submission_no = first.id
from (
  select place, min(r.id) as id from unnest($1::int[], $2::text[]) as kept (place, source_ref)
  join reading r using (source_ref)
  where r.submission_no is null
  group by place
) first
join unnest($1::int[], $2::text[]) as kept (place, source_ref) using (place)
where reading.source_ref = kept.source_ref and reading.submission_no is null
"""

# What is stored now for the registers of these submissions: the newest live reading of the same period.
READ_BACK: Final = """
select kept.place, r.submission_no, r.received_at, r.meter_id, r.register_no, now_stored.value
from unnest($1::int[], $2::text[]) as kept (place, source_ref)
join reading r using (source_ref)
join lateral (
  select s.value from reading s
  where s.meter_id = r.meter_id and s.register_no = r.register_no and s.counted_period = r.counted_period
    and s.status in ('received', 'accepted', 'locked')
  order by s.id desc
  limit 1
) now_stored on true
order by kept.place, r.id
"""


async def submit_readings(db: Connection, asked: Sequence[SubmitReadings]) -> list[Kept | Overtaken]:
    """Keep submissions in the order given, each whole or not at all, each judged on what is stored by then."""
    await db.fetch(LOCK_ACCOUNTS, sorted({question.account for question in asked}))
    answers: dict[int, Kept | Overtaken] = {}
    for wave in _waves(asked):
        answers.update(await _submit_wave(db, wave))
    return [answers[place] for place in range(len(asked))]


def _waves(asked: Sequence[SubmitReadings]) -> list[dict[int, SubmitReadings]]:
    """Submissions that one statement may hold: of two for one account, the second must see what the first stored."""
    waves: list[dict[int, SubmitReadings]] = []
    turn_of: dict[int, int] = {}
    for place, question in enumerate(asked):
        wave = turn_of.get(question.account, 0)
        turn_of[question.account] = wave + 1
        if wave == len(waves):
            waves.append({})
        waves[wave][place] = question
    return waves


async def _submit_wave(db: Connection, wave: Mapping[int, SubmitReadings]) -> dict[int, Kept | Overtaken]:
    columns = list(zip(*_entry_rows(wave), strict=True))
    if not columns:
        return {place: Overtaken() for place in wave}
    states = {row["place"]: row["state"] for row in await db.fetch(SUBMIT, *columns)}
    stored = [
        (place, ref)
        for place, ref in zip(columns[0], columns[-1], strict=True)
        if states[place] != "overtaken"
    ]
    places, refs = [place for place, _ in stored], [ref for _, ref in stored]
    await db.execute(NUMBER, places, refs)
    read_back = await db.fetch(READ_BACK, places, refs)
    answers: dict[int, Kept | Overtaken] = {
        place: _kept(list(rows)) for place, rows in groupby(read_back, key=itemgetter("place"))
    }
    return {place: answers.get(place, Overtaken()) for place in wave}


def _entry_rows(wave: Mapping[int, SubmitReadings]) -> Iterator[tuple[Any, ...]]:
    for place, question in wave.items():
        for entry in question.entries:
            yield (
                place,
                question.account,
                entry.meter,
                entry.register,
                entry.value,
                entry.judged_on,
                entry.counted_period.first_day,
                ",".join(entry.flags),
                question.received_at,
                question.received_at.date(),
                question.source,
                question.chat,
                question.resident,
                f"{question.source_ref}:{entry.meter}:{entry.register}",
            )


def _kept(rows: Sequence[asyncpg.Record]) -> Kept:
    values = tuple((row["meter_id"], row["register_no"], _trimmed(row["value"])) for row in rows)
    return Kept(rows[0]["submission_no"], rows[0]["received_at"], values)
