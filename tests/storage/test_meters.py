"""Meters and readings, on a real database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest

from core.messages import Month
from core.meter_questions import Entry, Kept, MetersOf, Overtaken, SubmitReadings
from core.meters import Meter
from core.reading_windows import Days, MovedWindow
from storage import meters as storing
from storage.database import Connection, Pool, connect
from storage.meters import meters_of, submit_readings
from tests.conftest import Database

MAY = Month(2026, 5)
DAY = date(2026, 5, 24)
AT = datetime(2026, 5, 24, 7, 12, tzinfo=UTC)

TOWN = """
insert into house (id, city, street, house) values ('h', 'Лугов', 'Лунная', '1');
insert into premises (id, house_id, flat) values ('p', 'h', '1');
insert into account (number, premises_id) values ('0581234567', 'p'), ('0581234568', 'p');
insert into service (code, name, unit, kind, sort) values
  ('cold_water', 'Холодная вода', 'м³', 'utility', 1),
  ('hot_water_water', 'Горячая вода', 'м³', 'utility', 2),
  ('hot_water_heat', 'Горячая вода', 'Гкал', 'utility', 3),
  ('electricity', 'Электричество', 'кВт·ч', 'utility', 4);
insert into provider (id, inn, name, kind, bank_account, bik, corr_account, contract_no, fee_percent)
values ('W', '1', 'Водоканал', 'resource_supplier', '1', '1', '1', '1', 1);
insert into tariff (service_code, provider_id, register_no, valid_from, valid_to, rate) values
  ('cold_water', 'W', 0, '2020-01-01', '2026-04-30', 38), ('cold_water', 'W', 0, '2026-05-01', null, 40),
  ('electricity', 'W', 1, '2020-01-01', null, 6), ('electricity', 'W', 2, '2020-01-01', null, 3);
"""

METER = """
insert into meter (id, account_id, service_code, serial, place, registers, register_labels, integer_digits,
  fraction_digits, commissioned_on, closed_on)
values ($1, $2, $3, 'S' || $1, 'кухня', $4, $5, 5, 3, '2020-01-01', $6)
"""

READING = """
insert into reading (meter_id, register_no, value, taken_on, received_at, source, source_ref, status, counted_period)
values ($1, $2, $3, $4, $5, 'import', $6, $7, $8)
"""


async def account(db: Connection) -> int:
    """A town with one account; gives the account."""
    await db.execute(TOWN)
    return int(await db.fetchval("select id from account where number = '0581234567'"))


async def a_meter(
    db: Connection,
    account: int,
    id: str = "cold",  # noqa: A002  # the name of the column
    *,
    service: str = "cold_water",
    registers: int = 1,
    labels: Sequence[str] = (),
    closed_on: date | None = None,
) -> None:
    await db.execute(METER, id, account, service, registers, list(labels), closed_on)


async def a_reading(
    db: Connection,
    value: str,
    month: int,
    *,
    meter: str = "cold",
    register: int = 1,
    status: str = "accepted",
) -> None:
    taken_on = date(2026, month, 20)
    at = datetime(2026, month, 20, 9, 0, tzinfo=UTC)
    ref = f"{meter}:{register}:{month}:{value}:{status}"
    period = date(2026, month, 1)
    await db.execute(READING, meter, register, Decimal(value), taken_on, at, ref, status, period)


async def the_meter(db: Connection, account: int, on: date = DAY) -> Meter:
    [[meter]] = await meters_of(db, [MetersOf(account, on)])
    return meter


def submission(
    account: int, value: str, *, judged_on: str | None = "120", ref: str = "telegram:1", meter: str = "cold"
) -> SubmitReadings:
    judged = None if judged_on is None else Decimal(judged_on)
    entry = Entry(meter=meter, register=1, value=Decimal(value), judged_on=judged, counted_period=MAY)
    return SubmitReadings(
        account=account,
        entries=(entry,),
        received_at=AT,
        channel="telegram",
        chat=5,
        resident=6,
        source_ref=ref,
    )


async def kept(db: Connection, question: SubmitReadings) -> Kept:
    [answer] = await submit_readings(db, [question])
    assert isinstance(answer, Kept)
    return answer


# --- Reading ---------------------------------------------------------------------------------------


async def test_a_meter_comes_with_its_last_value_unit_and_price_of_the_day(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "114", 3)
    await a_reading(db, "120", 4)

    meter = await the_meter(db, flat)

    register = meter.registers[0]
    assert (register.last, register.last_on, register.sent) == (Decimal(120), date(2026, 4, 20), None)
    assert (meter.unit, register.rate) == ("м³", Decimal(40))


async def test_what_is_sent_for_the_period_being_collected_stands_apart(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    await a_reading(db, "125", 5)

    register = (await the_meter(db, flat)).registers[0]

    assert register.last == 120
    assert register.sent is not None
    assert (register.sent.value, register.sent.locked) == (Decimal(125), False)


async def test_after_the_window_closed_the_sent_value_is_the_last_one(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "125", 5)

    register = (await the_meter(db, flat, date(2026, 5, 26))).registers[0]

    assert (register.last, register.sent) == (Decimal(125), None)


async def a_bill(db: Connection, account: int) -> None:
    """May is billed."""
    await db.execute(
        "insert into bill (account_id, period, opening, payments_counted, counted_until, charged, recalculation,"
        " benefit, penalty, total_due) values ($1, '2026-05-01', 0, 0, '2026-05-24', 0, 0, 0, 0, 0)",
        account,
    )


async def test_a_bill_closes_its_period_while_the_window_is_still_open(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "125", 5)
    await a_bill(db, flat)

    meter = await the_meter(db, flat)

    assert meter.window.counted_period(AT) == Month(2026, 6)
    assert (meter.registers[0].last, meter.registers[0].sent) == (Decimal(125), None)


async def test_what_billing_locked_is_told_to_be_locked(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "125", 5, status="locked")

    sent = (await the_meter(db, flat)).registers[0].sent

    assert sent is not None
    assert sent.locked


async def test_a_submission_for_a_period_that_was_billed_meanwhile_is_overtaken(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    await a_bill(db, flat)

    [answer] = await submit_readings(db, [submission(flat, "125")])

    assert isinstance(answer, Overtaken)


@pytest.mark.parametrize("status", ["superseded", "rejected", "needs_confirmation", "disputed"])
async def test_readings_that_do_not_count_are_not_the_last_ones(db: Connection, status: str) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 3)
    await a_reading(db, "999", 4, status=status)

    assert (await the_meter(db, flat)).registers[0].last == 120


async def test_each_zone_has_its_label_value_and_price(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat, "light", service="electricity", registers=2, labels=["день", "ночь"])
    await a_reading(db, "100", 4, meter="light", register=1)
    await a_reading(db, "50", 4, meter="light", register=2)

    day, night = (await the_meter(db, flat)).registers

    assert (day.label, day.last, day.rate) == ("день", Decimal(100), Decimal(6))
    assert (night.label, night.last, night.rate) == ("ночь", Decimal(50), Decimal(3))


async def test_hot_water_costs_its_water_and_its_heat_as_the_last_bill_had_them(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat, "hot", service="hot_water_water")
    charge = (
        "insert into charge (account_id, period, service_code, provider_id, tariff, volume_individual,"
        " volume_common, method, charged_individual, charged_common, recalculation, benefit, payable, opening,"
        " penalty) values ($1, '2026-04-01', $2, 'W', 1, $3, 0, 'M', $4, 0, 0, 0, 0, 0, 0)"
    )
    await db.execute(charge, flat, "hot_water_water", Decimal(4), 16_000)
    await db.execute(charge, flat, "hot_water_heat", Decimal("0.2"), 50_000)

    assert (await the_meter(db, flat)).registers[0].rate == 165


async def test_the_own_average_and_months_without_use_come_from_what_is_stored(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    for month, value in ((1, "100"), (2, "112"), (3, "112"), (4, "112")):
        await a_reading(db, value, month)

    meter = await the_meter(db, flat)

    assert (meter.average_monthly, meter.zero_months) == (Decimal(4), 2)


async def test_open_meters_come_first_and_long_closed_ones_not_at_all(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat, "old", closed_on=date(2026, 2, 1))
    await a_meter(db, flat, "ancient", closed_on=date(2024, 2, 1))
    await a_meter(db, flat, "new")

    [meters] = await meters_of(db, [MetersOf(flat, DAY)])

    assert [meter.id for meter in meters] == ["new", "old"]


async def test_many_accounts_are_answered_in_the_order_asked(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)

    answers = await meters_of(db, [MetersOf(-1, DAY), MetersOf(flat, DAY), MetersOf(flat, date(2026, 6, 1))])

    assert [len(meters) for meters in answers] == [0, 1, 1]


async def test_a_month_that_was_moved_is_collected_until_its_own_closing_day(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    await a_reading(db, "125", 5, status="received")
    on, longer = date(2026, 5, 30), MovedWindow(MAY, Days(date(2026, 5, 15), date(2026, 6, 2)))

    [[usual], [moved]] = await meters_of(db, [MetersOf(flat, on), MetersOf(flat, on, (longer,))])

    assert usual.window.period_on(on) == MAY.plus(1)
    assert usual.registers[0].sent is None
    assert moved.window.period_on(on) == MAY
    assert moved.registers[0].sent is not None
    assert moved.registers[0].last == 120


# --- Keeping ---------------------------------------------------------------------------------------


async def test_a_kept_reading_is_what_a_fresh_read_returns(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)

    answer = await kept(db, submission(flat, "125.5"))

    sent = (await the_meter(db, flat)).registers[0].sent
    assert sent is not None
    assert answer.values == (("cold", 1, sent.value),) == (("cold", 1, Decimal("125.5")),)
    assert answer.received_at == sent.received_at == AT


async def test_a_kept_reading_says_where_it_came_from(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)

    answer = await kept(db, submission(flat, "125"))

    row = await db.fetchrow("select * from reading where submission_no = $1", answer.number)
    assert row is not None
    assert (row["source"], row["chat_id"], row["resident_id"]) == ("bot.telegram", 5, 6)
    assert (row["previous_value"], row["status"], row["counted_period"]) == (
        120,
        "received",
        date(2026, 5, 1),
    )


async def test_a_correction_replaces_and_the_earlier_row_stays(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    await kept(db, submission(flat, "132"))

    await kept(db, submission(flat, "123", judged_on="132", ref="telegram:2"))

    rows = await db.fetch(
        "select id, value, status, supersedes_id from reading where counted_period = $1 order by id",
        MAY.first_day,
    )
    (first, second) = rows
    assert (first["value"], first["status"]) == (132, "superseded")
    assert (second["value"], second["status"], second["supersedes_id"]) == (123, "received", first["id"])


async def test_a_repeat_changes_nothing_and_is_answered_as_the_first_time(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    first = await kept(db, submission(flat, "125"))

    again = await kept(db, submission(flat, "125"))

    assert again == first
    assert await db.fetchval("select count(*) from reading") == 2


@pytest.mark.parametrize(
    "question",
    [
        submission(0, "125", judged_on="119"),
        submission(0, "125", judged_on=None),
        submission(0, "125", meter="stranger"),
    ],
    ids=["another last value", "no last value", "another account's meter"],
)
async def test_what_was_judged_on_something_else_is_overtaken(
    db: Connection, question: SubmitReadings
) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    stranger = await db.fetchval("select id from account where id <> $1", flat)
    await a_meter(db, stranger, "stranger")
    await a_reading(db, "120", 4, meter="stranger")
    asked = SubmitReadings(flat, question.entries, AT, "telegram", 5, 6, "telegram:1")

    [answer] = await submit_readings(db, [asked])

    assert isinstance(answer, Overtaken)
    assert await db.fetchval("select count(*) from reading where source = 'bot.telegram'") == 0


async def test_a_submission_is_kept_whole_or_not_at_all(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_meter(db, flat, "hot", service="hot_water_water")
    await a_reading(db, "120", 4)
    good, bad = (Entry(m, 1, Decimal(125), Decimal(120), MAY) for m in ("cold", "hot"))

    [answer] = await submit_readings(
        db, [SubmitReadings(flat, (good, bad), AT, "telegram", 5, 6, "telegram:1")]
    )

    assert isinstance(answer, Overtaken)
    assert await db.fetchval("select count(*) from reading where source = 'bot.telegram'") == 0


async def test_readings_sent_together_share_one_number(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_meter(db, flat, "hot", service="hot_water_water")
    entries = tuple(
        Entry(m, 1, Decimal(5), None, MAY, ("confirmed_high", "rollover")) for m in ("cold", "hot")
    )

    answer = await kept(db, SubmitReadings(flat, entries, AT, "telegram", 5, 6, "telegram:1"))

    rows = await db.fetch("select submission_no, flags from reading")
    assert {row["submission_no"] for row in rows} == {answer.number}
    assert {tuple(row["flags"]) for row in rows} == {("confirmed_high", "rollover")}
    assert len(answer.values) == 2


async def test_of_two_in_one_batch_the_second_sees_what_the_first_stored(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)
    first, second = submission(flat, "125"), submission(flat, "126", ref="telegram:2")

    answers = await submit_readings(db, [first, second])

    assert [type(answer) for answer in answers] == [Kept, Overtaken]


async def test_a_locked_reading_is_not_replaced(db: Connection) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "125", 5, status="locked")

    [answer] = await submit_readings(db, [submission(flat, "126", judged_on="125")])

    assert isinstance(answer, Overtaken)


async def test_of_two_engines_at_once_one_is_kept_and_the_other_overtaken(db: Connection, pool: Pool) -> None:
    flat = await account(db)
    await a_meter(db, flat)
    await a_reading(db, "120", 4)

    async def submit(number: int) -> Kept | Overtaken:
        async with pool.acquire() as connection, connection.transaction():
            [answer] = await submit_readings(
                connection, [submission(flat, f"12{number}", ref=f"telegram:{number}")]
            )
            return answer

    answers = await asyncio.gather(*(submit(number) for number in range(1, 6)))

    assert sorted(type(answer).__name__ for answer in answers) == ["Kept", *["Overtaken"] * 4]
    assert await db.fetchval("select count(*) from reading where counted_period = $1", MAY.first_day) == 1


async def test_every_statement_can_be_prepared(db: Connection) -> None:
    statements = [value for name, value in vars(storing).items() if name.isupper() and isinstance(value, str)]
    assert len(statements) == 5
    for statement in statements:
        try:
            await db.prepare(statement)
        except asyncpg.PostgresError as error:
            pytest.fail(f"{error}: {statement}")


# Two thousand flats with a meter each and a year of readings.
BIG_TOWN = """
insert into account (number, premises_id) select 'big' || n, 'p' from generate_series(1, 2000) as n;
insert into meter (id, account_id, service_code, serial, integer_digits, fraction_digits, commissioned_on)
  select 'm' || id, id, 'cold_water', 's' || id, 5, 3, '2020-01-01' from account where number like 'big%';
insert into reading (meter_id, register_no, value, taken_on, received_at, source, source_ref, status, counted_period)
  select m.id, 1, 100 + n, date '2025-05-20' + n * 30, now(), 'import', m.id || ':' || n, 'accepted',
    date_trunc('month', date '2025-05-01' + n * 30)
  from meter m, generate_series(1, 12) as n;
"""


async def test_meters_are_found_by_index_however_large_the_town_is(
    db: Connection, database: Database
) -> None:
    await account(db)
    await db.execute(BIG_TOWN)
    async with connect(database.owner) as owner:
        await owner.execute("analyze account; analyze meter; analyze reading")
    flat = await db.fetchval("select id from account where number = 'big777'")

    plan = await db.fetch(f"explain (analyze, costs off) {storing.METERS}", [flat], [DAY], 14)

    text = "\n".join(row[0] for row in plan)
    assert not re.search(r"Seq Scan on (reading|meter|account)\b", text), text
    assert "reading_meter_idx" in text
