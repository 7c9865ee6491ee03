"""Charges wait for their bill, a bill is posted once, and payments find their account or staff."""

from pathlib import Path

from core.money import Money
from storage.database import Connection
from storage.exchange_protocol import BadRow, Loaded, Refused
from tests.storage.making_books import balances_of
from tests.storage.making_files import ACCOUNT, load, make_file, make_town


async def due(db: Connection) -> Money:
    account = await db.fetchval("select id from account where number = $1", ACCOUNT)
    return (await balances_of(db, [account]))[account].due


async def test_charges_alone_owe_nothing(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges")

    assert await due(db) == Money(0)


async def test_a_bill_posts_its_charges(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals")

    assert await due(db) == Money(114_00)


async def test_charges_may_be_replaced_until_their_bill_is_out(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges")

    corrected = {"charged_individual": "38.00", "payable": "38.00", "volume_individual": "1"}
    await load(db, make_file(tmp_path, "charges", corrected))

    assert [tuple(row) for row in await db.fetch("select payable, volume_individual from charge")] == [
        (3800, 1)
    ]


async def test_charges_of_a_bill_that_is_out_are_not_replaced(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals")
    path = make_file(tmp_path, "charges", {"charged_individual": "38.00", "payable": "38.00"})

    outcome = await load(db, path)

    reason = "«2026-04» has its bill already; what changes is a recalculation of a later one"
    assert outcome == Refused((BadRow(path.name, 2, "period", reason),), 1)
    assert await db.fetchval("select payable from charge") == 114_00


async def test_a_bill_that_is_out_is_not_replaced(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals")
    path = make_file(tmp_path, "bill_totals", {"opening": "1.00", "total_due": "115.00"})

    outcome = await load(db, path)

    assert outcome == Refused((BadRow(path.name, 2, "period", "«2026-04» has another bill already"),), 1)


async def test_a_file_with_bills_that_are_out_and_new_ones_adds_the_new_ones(
    db: Connection, tmp_path: Path
) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals")
    may = {"period": "2026-05"}
    await load(db, make_file(tmp_path, "charges", {}, may))

    opened = {"opening": "114.00", "counted_until": "2026-05-31", "total_due": "228.00"}
    outcome = await load(db, make_file(tmp_path, "bill_totals", {}, may | opened))

    assert outcome == Loaded(rows=2, added=1)
    assert await due(db) == Money(228_00)


async def test_a_bill_locks_the_readings_of_its_month(db: Connection, tmp_path: Path) -> None:
    later = {"reading_id": "R2", "counted_period": "2026-05", "value": "125"}
    await make_town(db, tmp_path)
    await load(db, make_file(tmp_path, "readings", {}, later))

    await load(db, make_file(tmp_path, "charges"), make_file(tmp_path, "bill_totals"))

    states = await db.fetch("select status from reading order by counted_period")
    assert [row["status"] for row in states] == ["locked", "accepted"]


async def test_a_payment_is_posted_to_its_account(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals")

    outcome = await load(db, make_file(tmp_path, "payments"))

    assert outcome == Loaded(rows=1, added=1)
    assert await due(db) == Money(100_00)


async def test_a_payment_of_an_unknown_account_is_put_aside_with_a_case(
    db: Connection, tmp_path: Path
) -> None:
    await make_town(db, tmp_path)

    outcome = await load(db, make_file(tmp_path, "payments", {"account": "404"}))

    assert outcome == Loaded(rows=1, added=1, aside=1)
    [case] = await db.fetch("select kind, facts from staff_case")
    assert case["kind"] == "payment_aside"
    assert case["facts"]["account"] == "404"


async def test_the_same_payment_in_a_longer_file_is_posted_once(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "payments")

    outcome = await load(db, make_file(tmp_path, "payments", {}, {"external_id": "E2"}))

    assert outcome == Loaded(rows=2, added=1)
    assert await due(db) == Money(-28_00)


async def test_the_same_payment_with_another_sum_is_refused(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "payments")
    path = make_file(tmp_path, "payments", {"amount": "15.00"})

    outcome = await load(db, path)

    reason = "«E1» is recorded with another sum or time"
    assert outcome == Refused((BadRow(path.name, 2, "external_id", reason),), 1)


async def test_a_payment_may_be_given_back_in_the_file_that_brings_it(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    back = {"amount": "-14.00", "external_id": "E2", "reverses_payment_id": "E1"}

    await load(db, make_file(tmp_path, "payments", back, {}))

    assert await due(db) == Money(0)
    assert await db.fetchval("select sum(amount) from payment") == 0


async def test_services_that_the_payer_named_are_paid_first(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    gas = {"service_code": "gas", "charged_individual": "86.00", "payable": "86.00"}
    await load(db, make_file(tmp_path, "services", {"service_code": "gas"}))
    await load(db, make_file(tmp_path, "charges", {}, gas))
    await load(db, make_file(tmp_path, "bill_totals", {"charged": "200.00", "total_due": "200.00"}))

    named = '"[{""service_code"": ""gas"", ""amount"": ""14.00""}]"'
    await load(db, make_file(tmp_path, "payments", {"payer_named_lines": named}))

    assert [tuple(row) for row in await db.fetch("select service_code, kopecks from allocation")] == [
        ("gas", 14_00)
    ]
