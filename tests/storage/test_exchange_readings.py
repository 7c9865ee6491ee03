"""Readings that billing has are kept once; what it rejects is told to whoever sent it."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from core.turns import ReadingRejected
from storage import events
from storage.database import Connection
from storage.exchange_protocol import Loaded
from tests.storage.making_files import ACCOUNT, a_sent_reading, load, make_file, make_town


async def test_a_reading_of_billing_is_kept(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)

    outcome = await load(db, make_file(tmp_path, "readings"))

    assert outcome == Loaded(rows=1, added=1)
    [row] = await db.fetch("select value, status, source, counted_period from reading")
    assert tuple(row) == (120, "accepted", "cashier", date(2026, 4, 1))


async def test_a_value_that_a_resident_sent_is_not_kept_twice(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    await a_sent_reading(db)

    assert await load(db, make_file(tmp_path, "readings")) == Loaded(rows=1, added=0)


async def test_a_reading_for_a_month_that_has_its_bill_is_locked(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals")

    await load(db, make_file(tmp_path, "readings"))

    assert await db.fetchval("select status from reading") == "locked"


async def test_the_last_values_of_a_meter_become_readings_once(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    last = {"registers": "2", "last_value_t1": "120", "last_value_t2": "44,5", "last_value_on": "2026-04-20"}

    await load(db, make_file(tmp_path, "meters", last, seq=1))
    await load(db, make_file(tmp_path, "meters", last | {"place": "кухня"}, seq=2))

    kept = await db.fetch("select register_no, value, counted_period from reading order by register_no")
    assert [tuple(row) for row in kept] == [
        (1, 120, date(2026, 4, 1)),
        (2, Decimal("44.5"), date(2026, 4, 1)),
    ]


async def test_what_billing_accepts_is_noted(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    reading = await a_sent_reading(db, status="received")

    outcome = await load(db, make_file(tmp_path, "reading_acks", {"reading_id": str(reading)}))

    assert outcome == Loaded(rows=1, added=0, changed=1)
    [row] = await db.fetch("select status, billing_ref from reading")
    assert tuple(row) == ("accepted", "B1")


async def test_what_billing_rejects_is_told_to_whoever_sent_it(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    reading = await a_sent_reading(db)
    rejected = {"reading_id": str(reading), "result": "rejected", "reason": "счётчик снят"}

    outcome = await load(db, make_file(tmp_path, "reading_acks", rejected))

    assert outcome == Loaded(rows=1, added=0, changed=1, rejected=1)
    account = await db.fetchval("select id from account where number = $1", ACCOUNT)
    meter = await db.fetchval("select meter_id from reading where id = $1", reading)
    [waiting] = await events.waiting(db, after=0, most=10)
    assert waiting.event == ReadingRejected(reading, account, "счётчик снят", meter, 1)
    [row] = await db.fetch("select status, reject_reason from reading")
    assert tuple(row) == ("rejected", "счётчик снят")


async def test_a_rejection_is_told_once(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    rejected = {"reading_id": str(await a_sent_reading(db)), "result": "rejected", "reason": "снят"}
    await load(db, make_file(tmp_path, "reading_acks", rejected))

    outcome = await load(db, make_file(tmp_path, "reading_acks", rejected | {"reason": "снят давно"}))

    assert outcome == Loaded(rows=1, added=0)
    assert len(await events.waiting(db, after=0, most=10)) == 1


async def test_who_is_no_longer_linked_is_not_told(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    reading = await a_sent_reading(db, linked=False)
    rejected = {"reading_id": str(reading), "result": "rejected", "reason": "снят"}

    outcome = await load(db, make_file(tmp_path, "reading_acks", rejected))

    assert outcome == Loaded(rows=1, added=0, changed=1)
    assert await events.waiting(db, after=0, most=10) == []


async def test_a_reading_that_was_replaced_is_not_answered(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    reading = await a_sent_reading(db, status="superseded")
    rejected = {"reading_id": str(reading), "result": "rejected", "reason": "снят"}

    await load(db, make_file(tmp_path, "reading_acks", rejected))

    assert await db.fetchval("select status from reading") == "superseded"


async def test_a_locked_reading_stays_locked_when_billing_accepts_it(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    reading = await a_sent_reading(db, status="locked")

    await load(db, make_file(tmp_path, "reading_acks", {"reading_id": str(reading)}))

    assert await db.fetchval("select status from reading") == "locked"
