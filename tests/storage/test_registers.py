"""Registers of payments in the books: matched, posted once a line, put aside where nobody is known."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.messages import Month
from core.money import Money
from core.postings import LedgerAccount
from core.reading_windows import Days, MovedWindow
from core.registers import profile_named
from storage.database import Connection
from storage.exchange import import_files
from storage.exchange_protocol import AlreadyLoaded, Loaded, Outcome, Refused
from storage.proof import verify
from storage.receiving import Matched, match_payments
from storage.seals import held_by
from tests.storage.making_books import ZONE, Balance, balances_of

BODIES: Final = Path(__file__).parents[1] / "bodies" / "registers"
CLASSIC: Final = "9800123456_40702810048000012345_004.y05"
WITH_READINGS: Final = "EPS100000001_1884712217_9800123456_40702810048000012345_033.y05"
NOW: Final = datetime(2026, 10, 6, 9, tzinfo=UTC)

METER: Final = """
insert into meter (
    id, account_id, service_code, serial, registers, integer_digits, fraction_digits, accepts_fraction, commissioned_on
)
values ($1, $2, $3, $4, $5, 5, 3, true, '2020-01-01')
"""


async def make_flats(db: Connection) -> tuple[int, int]:
    """The two accounts that the samples are about, with the meters of the first."""
    await db.execute("insert into house (id, city, street, house) values ('H1', 'Заречный', 'Мира', '1')")
    await db.execute("insert into premises (id, house_id) values ('F1', 'H1')")
    for sort, service in enumerate(("cold_water", "hot_water_water", "electricity")):
        await db.execute(
            "insert into service (code, name, unit, kind, sort) values ($1, $1, 'm3', 'utility', $2)",
            service,
            sort,
        )
    rows = await db.fetch(
        "insert into account (number, payment_code, premises_id) values ('0581234567', '0000581234567', 'F1'),"
        " ('0581234575', '0000581234575', 'F1') returning id"
    )
    first, second = (row["id"] for row in rows)
    await db.execute(METER, "M1", first, "cold_water", "20000001", 1)
    await db.execute(METER, "M2", first, "hot_water_water", "20000002", 1)
    await db.execute(METER, "M3", first, "electricity", "020000003", 2)
    return first, second


async def load(db: Connection, path: Path, profile: str | None = None) -> Outcome:
    form = None if profile is None else profile_named(profile)
    [report] = await import_files(db, [path], now=NOW, zone=ZONE, profile=form)
    return report.outcome


async def advances(db: Connection, *accounts: int) -> list[int]:
    return [balance.advance.kopecks for balance in (await balances_of(db, accounts)).values()]


async def test_a_register_is_posted_to_accounts_whose_leading_zeros_were_lost(db: Connection) -> None:
    first, second = await make_flats(db)

    outcome = await load(db, BODIES / CLASSIC)

    assert outcome == Loaded(rows=2, added=2)
    assert await advances(db, first, second) == [15_000, 12_000]
    way = LedgerAccount.in_transit("bank:sber")
    assert await held_by(db, [way]) == {way: Money(27_000)}
    assert await verify(db) == []


@pytest.mark.parametrize(
    ("file", "profile", "kopecks"),
    [
        ("sber_agent.dbf", "sber-dbf", [235_040, 120_000]),
        ("post_columns.csv", "post", [85_040, 120_000]),
        ("detail_20261005.txt", None, [235_040, 120_000]),
        ("sber_v2_named_tokens.txt", "sber-named", [150_000, 20_000]),
        ("agent_subsidy_2026.txt", None, [87_450, 0]),
    ],
)
async def test_registers_of_every_layout_are_posted(
    db: Connection, file: str, profile: str | None, kopecks: list[int]
) -> None:
    accounts = await make_flats(db)

    await load(db, BODIES / file, profile)

    assert await advances(db, *accounts) == kopecks
    assert await verify(db) == []


async def test_a_payment_code_of_13_digits_is_its_account(db: Connection, tmp_path: Path) -> None:
    first, _ = await make_flats(db)
    path = tmp_path / "code13_20261005.txt"
    path.write_text("0000581234567;100.00;T1;487;05.10.2026;M1;12;НЕТ;НЕТ;;;;;;;;;\r\n", encoding="cp1251")
    path.with_suffix(".ctl").write_text("06.10.2026;code13_20261005.txt;1;1;100.00\r\n", encoding="cp1251")

    outcome = await load(db, path)

    assert outcome == Loaded(rows=1, added=1, readings=1)
    assert await advances(db, first) == [10_000]


async def test_the_same_register_again_changes_nothing(db: Connection) -> None:
    first, second = await make_flats(db)
    await load(db, BODIES / CLASSIC)

    assert await load(db, BODIES / CLASSIC) == AlreadyLoaded(CLASSIC)
    assert await advances(db, first, second) == [15_000, 12_000]


async def test_an_operation_in_two_registers_is_posted_once(db: Connection, tmp_path: Path) -> None:
    first, _ = await make_flats(db)
    await load(db, BODIES / WITH_READINGS)
    renamed = tmp_path / "EPS1_1_1_1_034.y06"
    renamed.write_bytes((BODIES / WITH_READINGS).read_bytes().splitlines(keepends=True)[0])

    outcome = await load(db, renamed)

    assert outcome == Loaded(rows=1, added=0)
    assert await advances(db, first) == [235_041]


async def test_another_sum_for_an_operation_of_the_books_refuses_the_register(
    db: Connection, tmp_path: Path
) -> None:
    first, _ = await make_flats(db)
    await load(db, BODIES / WITH_READINGS)
    changed = tmp_path / "EPS1_1_1_1_034.y06"
    line = (BODIES / WITH_READINGS).read_bytes().splitlines(keepends=True)[0]
    changed.write_bytes(line.replace(b"2350,40", b"2350,41"))

    outcome = await load(db, changed)

    assert isinstance(outcome, Refused)
    assert await advances(db, first) == [235_041]


@pytest.mark.parametrize("file", ["sber_broken_total.y07", "sber_broken_count.y08"])
async def test_a_register_that_does_not_add_up_is_refused_whole(db: Connection, file: str) -> None:
    accounts = await make_flats(db)

    assert isinstance(await load(db, BODIES / file, "sber"), Refused)
    assert await advances(db, *accounts) == [0, 0]


async def test_a_line_of_nobody_is_put_aside_with_a_case_and_found_later(db: Connection) -> None:
    _, second = await make_flats(db)

    outcome = await load(db, BODIES / WITH_READINGS)

    assert isinstance(outcome, Loaded)
    assert outcome.aside == 1
    aside = LedgerAccount.suspense()
    assert await held_by(db, [aside]) == {aside: Money(-50_000)}
    [case] = await db.fetch("select kind, facts from staff_case")
    assert (case["kind"], case["facts"]["account"], case["facts"]["line"]) == (
        "payment_aside",
        "0589999999",
        "3",
    )
    number = int(case["facts"]["payment"])
    assert "put aside as payment" in next(note.reason for note in outcome.notes if note.line == 3)
    async with db.transaction():
        matched = await match_payments(db, {number: second}, now=NOW, zone=ZONE)
    assert matched == {number: Matched((), Money(50_000))}
    assert await balances_of(db, [second]) == {second: Balance(advance=Money(170_000))}
    assert await verify(db) == []


async def test_a_number_that_two_accounts_could_have_is_nobodys(db: Connection, tmp_path: Path) -> None:
    first, _ = await make_flats(db)
    await db.execute("insert into account (number, premises_id) values ('581234567', 'F1')")
    path = tmp_path / "cash_1.csv"
    path.write_text("account;amount;day;time;service;desk;receipt\n00581234567;10;2026-10-05;10:00:00;;1;7\n")

    outcome = await load(db, path)

    assert isinstance(outcome, Loaded)
    assert outcome.aside == 1
    assert await advances(db, first) == [0]


async def test_a_folder_gives_its_registers_without_their_control_files(
    db: Connection, tmp_path: Path
) -> None:
    await make_flats(db)
    for name in (CLASSIC, "detail_20261005.txt", "pack_20261005.txt"):
        shutil.copy(BODIES / name, tmp_path)

    reports = await import_files(db, [tmp_path], now=NOW, zone=ZONE)

    assert [(report.file, type(report.outcome)) for report in reports] == [
        (CLASSIC, Loaded),
        ("detail_20261005.txt", Loaded),
    ]


# --- Readings --------------------------------------------------------------------------------------


async def test_readings_that_ride_in_a_register_are_kept_on_the_day_of_the_payment(db: Connection) -> None:
    await make_flats(db)

    outcome = await load(db, BODIES / WITH_READINGS)

    assert isinstance(outcome, Loaded)
    assert outcome.readings == 7
    rows = await db.fetch(
        "select meter_id, register_no, value, source, taken_on from reading where status = 'received' order by 1, 2"
    )
    assert [(row["meter_id"], row["register_no"], str(row["value"].normalize())) for row in rows] == [
        ("M1", 1, "7.25"),
        ("M2", 1, "3"),
        ("M3", 1, "2E+2"),
        ("M3", 2, "11"),
    ]
    assert {(row["source"], str(row["taken_on"])) for row in rows} == {("bank_register", "2026-10-05")}


async def test_readings_that_ride_in_a_register_go_into_the_bill_whose_window_was_moved(
    db: Connection,
) -> None:
    await make_flats(db)
    days = Days(date(2026, 9, 15), date(2026, 10, 7))

    await import_files(
        db, [BODIES / WITH_READINGS], now=NOW, zone=ZONE, moved=(MovedWindow(Month(2026, 9), days),)
    )

    periods = await db.fetch("select distinct counted_period from reading where status = 'received'")
    assert [str(row["counted_period"]) for row in periods] == ["2026-09-01"]


async def test_a_reading_below_the_last_one_is_left_out_and_told_and_its_payment_is_posted(
    db: Connection,
) -> None:
    first, _ = await make_flats(db)
    await db.execute(
        "insert into reading (meter_id, register_no, value, taken_on, received_at, source, source_ref, status,"
        " counted_period) values ('M1', 1, 50, '2026-09-20', '2026-09-20T12:00Z', 'cashier', 'x', 'accepted',"
        " '2026-09-01')"
    )

    outcome = await load(db, BODIES / WITH_READINGS)

    assert isinstance(outcome, Loaded)
    assert "meter 20000001: 6 is below the last value 50" in [note.reason for note in outcome.notes]
    assert await advances(db, first) == [235_041]


async def test_a_reading_sent_after_the_payment_is_not_replaced_by_the_registers(db: Connection) -> None:
    await make_flats(db)
    await db.execute(
        "insert into reading (meter_id, register_no, value, taken_on, received_at, source, source_ref, status,"
        " counted_period) values ('M1', 1, 9, '2026-10-05', '2026-10-05T15:00Z', 'bot.vk', 'x', 'received',"
        " '2026-10-01')"
    )

    await load(db, BODIES / WITH_READINGS)

    assert await db.fetchval("select value from reading where meter_id = 'M1' and status = 'received'") == 9


async def test_an_impossible_reading_opens_a_case(db: Connection, tmp_path: Path) -> None:
    await make_flats(db)
    await db.execute(
        "insert into reading (meter_id, register_no, value, taken_on, received_at, source, source_ref, status,"
        " counted_period) values ('M1', 1, 5, '2026-09-20', '2026-09-20T12:00Z', 'cashier', 'x', 'accepted',"
        " '2026-09-01')"
    )
    path = tmp_path / "EPS1_1_1_1_034.y06"
    line = (BODIES / WITH_READINGS).read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(line.replace("ХВС;1;6;".encode("cp1251"), "ХВС;1;9999;".encode("cp1251")))

    await load(db, path)

    assert await db.fetchval("select kind from staff_case") == "reading_impossible"


# --- Properties ------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)))
async def test_any_order_of_rows_gives_the_same_books(
    db: Connection, tmp_path: Path, order: list[int]
) -> None:
    lines = (BODIES / WITH_READINGS).read_bytes().splitlines(keepends=True)
    path = tmp_path / "EPS1_1_1_1_034.y06"
    path.write_bytes(b"".join(lines[place].rstrip() + b"\r\n" for place in order))
    example = db.transaction()
    await example.start()
    try:
        accounts = await make_flats(db)
        await load(db, path)

        assert await advances(db, *accounts) == [235_041, 120_000]
        assert await verify(db) == []
    finally:
        await example.rollback()
