"""What billing is to take over is written so that it can be read back, and computed by no spreadsheet."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storage.database import Connection
from storage.exchange import import_files
from storage.exchange_export import export_payments, export_readings
from storage.exchange_protocol import Loaded
from storage.exchange_writing import guarded, plain_number
from tests.storage.making_files import ACCOUNT, NOW, a_sent_reading, load, make_file, make_town

SINCE = date(2026, 4, 1)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


async def test_readings_that_residents_sent_are_written(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    reading = await a_sent_reading(db)

    files = await export_readings(db, folder=tmp_path / "out", since=SINCE, now=NOW)

    [(path, count)] = files.items()
    assert (path.name, count) == ("readings_kvitok_2026-05-03_1.csv", 1)
    [row] = rows_of(path)
    assert row["reading_id"] == str(reading)
    assert (row["meter_id"], row["account"], row["value"]) == ("M1", ACCOUNT, "120")
    assert (row["received_at"], row["counted_period"]) == ("2026-04-20T10:00:00+03:00", "2026-04")


async def test_readings_that_billing_sent_are_not_sent_back(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "readings")

    files = await export_readings(db, folder=tmp_path / "out", since=SINCE, now=NOW)

    assert list(files.values()) == [0]


async def test_what_was_replaced_or_rejected_is_not_sent(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    await a_sent_reading(db, value=1, status="superseded")
    await a_sent_reading(db, value=2, status="rejected")

    files = await export_readings(db, folder=tmp_path / "out", since=SINCE, now=NOW)

    assert list(files.values()) == [0]


async def test_the_day_that_an_export_begins_with_is_the_centres(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    await a_sent_reading(db)

    files = await export_readings(db, folder=tmp_path / "out", since=date(2026, 4, 21), now=NOW)

    assert list(files.values()) == [0]


async def test_payments_are_written_with_how_they_were_spread(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges", "bill_totals", "payments")

    files = await export_payments(db, folder=tmp_path / "out", since=SINCE, now=NOW)

    payments, allocations = files
    [payment] = rows_of(payments)
    [allocation] = rows_of(allocations)
    assert (payment["account"], payment["amount"], payment["channel"]) == (ACCOUNT, "14.00", "post")
    assert allocation == {
        "payment_id": payment["payment_id"],
        "account": ACCOUNT,
        "service_code": "cold_water",
        "provider_id": "P03",
        "period": "2026-04",
        "amount": "14.00",
        "algorithm_version": "1",
        "penalty": "0",
    }


async def test_exported_payments_are_known_when_they_come_back(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "payments")
    [path, _] = await export_payments(db, folder=tmp_path / "out", since=SINCE, now=NOW)

    [report] = await import_files(db, [path], now=NOW)

    assert report.outcome == Loaded(rows=1, added=0)


async def test_what_looks_like_a_formula_is_quoted(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    await load(db, make_file(tmp_path, "payments", {"purpose": '=HYPERLINK("x")'.replace('"', "")}))

    [path, _] = await export_payments(db, folder=tmp_path / "out", since=SINCE, now=NOW)

    assert rows_of(path)[0]["purpose"] == "'=HYPERLINK(x)"


async def test_an_export_has_its_control_file_and_overwrites_none(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "payments")
    now = datetime(2026, 5, 3, 9, tzinfo=UTC)

    [first, _] = await export_payments(db, folder=tmp_path, since=SINCE, now=now)
    [second, _] = await export_payments(db, folder=tmp_path, since=SINCE, now=now)

    assert first != second
    control = first.with_name(f"{first.name}.ctl").read_text(encoding="utf-8").splitlines()[1]
    digest = sha256(first.read_bytes()).hexdigest()
    assert control == f"1;14.00;{digest};2026-05-03T12:00:00+03:00"


@given(st.text())
def test_no_text_begins_like_a_formula_once_it_is_guarded(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert guarded(text).removeprefix("'") == text.removeprefix("'")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=7, min_value=0, max_value=10**14))
def test_numbers_are_written_plainly(number: Decimal) -> None:
    written = plain_number(number)

    assert Decimal(written) == number
    assert "E" not in written
    assert not (written.endswith("0") and "." in written)
