"""Each way in which a row of a file can be wrong is named by line, column and reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import Connection
from storage.exchange_protocol import Refused
from tests.storage.making_files import load, make_file, make_town

# Kind, the rows of the file, and what is said: line, column, reason.
WRONG = [
    ("services", [{}, {}], (3, "service_code", "is there twice (by service_code)")),
    ("services", [{"kind": "free"}], (2, "kind", "«free» is none of housing, utility, additional")),
    (
        "premises",
        [{"premises_id": "H9-1", "building_id": "H9"}],
        (2, "building_id", "«H9» is in no file `houses`, so city, street and house are needed"),
    ),
    ("accounts", [{"premises_id": "H9-9"}], (2, "premises_id", "«H9-9» is unknown")),
    (
        "accounts",
        [{"link_secret_hash": "123456"}],
        (2, "link_secret_hash", "is not a hash of 64 hexadecimal digits"),
    ),
    ("tariffs", [{"service_code": "air"}], (2, "service_code", "«air» is unknown")),
    ("tariffs", [{"provider_id": "P99"}], (2, "provider_id", "«P99» is unknown")),
    (
        "tariffs",
        [{"valid_to": "2025-12-31"}],
        (2, "valid_to", "«2025-12-31» is before valid_from"),
    ),
    ("meters", [{"meter_id": "M2", "account": "7"}], (2, "account", "«7» is unknown")),
    ("meters", [{"meter_id": "M2", "service_code": "air"}], (2, "service_code", "«air» is unknown")),
    (
        "meters",
        [{"account": "0589999999"}],
        (2, "account", "«0589999999» is not the account that this meter belongs to"),
    ),
    ("meters", [{"registers": "4"}], (2, "registers", "is not 1, 2 or 3")),
    ("meters", [{"last_value_t1": "5"}], (2, "last_value_on", "must be there with a last value")),
    ("readings", [{"meter_id": "M9"}], (2, "meter_id", "«M9» is unknown")),
    (
        "readings",
        [{"account": "0589999999"}],
        (2, "account", "«0589999999» is not the account that this meter belongs to"),
    ),
    ("readings", [{"register": "2"}], (2, "register", "«2» is no register of this meter")),
    ("readings", [{"value": "123456"}], (2, "value", "«123456» has more digits than this meter")),
    ("readings", [{"value": "-1"}], (2, "value", "must not be negative")),
    ("payments", [{"amount": "0.00"}], (2, "amount", "must not be 0.00")),
    ("payments", [{"amount": "1.005"}], (2, "amount", "«1.005» has part of a kopeck")),
    (
        "payments",
        [{"amount": "-14.00"}],
        (2, "reverses_payment_id", "is named exactly where the amount is negative"),
    ),
    (
        "payments",
        [{"amount": "-14.00", "reverses_payment_id": "E9"}],
        (2, "reverses_payment_id", "«E9» was not received from this source"),
    ),
    (
        "payments",
        [{}, {"amount": "-15.00", "external_id": "E2", "reverses_payment_id": "E1"}],
        (3, "amount", "is more than is left of the payment that it reverses"),
    ),
    (
        "payments",
        [{"payer_named_lines": "gas"}],
        (2, "payer_named_lines", 'is not JSON like [{"service_code": "gas", "amount": "75.00"}]'),
    ),
    ("charges", [{"account": "7"}], (2, "account", "«7» is unknown")),
    ("charges", [{"service_code": "air"}], (2, "service_code", "«air» is unknown")),
    ("charges", [{"provider_id": "P99"}], (2, "provider_id", "«P99» is unknown")),
    ("charges", [{"period": "2026-13"}], (2, "period", "«2026-13» is no month of the calendar")),
    (
        "charges",
        [{"payable": "114.01"}],
        (2, "payable", "is not charged + multiplier_sum + recalculation - benefit"),
    ),
    ("bill_totals", [{"account": "7"}], (2, "account", "«7» is unknown")),
    ("bill_totals", [{"period": "2026-03"}], (2, "period", "«2026-03» has no lines in charges")),
    (
        "bill_totals",
        [{"charged": "114.01", "total_due": "114.01"}],
        (2, "charged", "«114.01» is not the sum of the lines in charges"),
    ),
    (
        "bill_totals",
        [{"penalty": "0.01", "total_due": "114.01"}],
        (2, "penalty", "«0.01» is not the sum of the lines in charges"),
    ),
    (
        "bill_totals",
        [{"total_due": "114.01"}],
        (2, "total_due", "is not opening - payments_counted + charged + recalculation - benefit + penalty"),
    ),
    (
        "bill_totals",
        [{"opening": "50.00", "charged": "0.00", "total_due": "50.00", "period": "2026-05"}],
        (2, "opening", "«50.00» is on no line in charges"),
    ),
    ("reading_acks", [{"reading_id": "77"}], (2, "reading_id", "«77» is unknown")),
    ("reading_acks", [{"result": "rejected"}], (2, "reason", "must say why the reading is rejected")),
]


@pytest.mark.parametrize(("kind", "rows", "said"), WRONG)
async def test_a_wrong_row_is_named_by_line_column_and_reason(
    db: Connection, tmp_path: Path, kind: str, rows: list[dict[str, str]], said: tuple[int, str, str]
) -> None:
    await make_town(db, tmp_path, "charges")
    await load(db, make_file(tmp_path, "accounts", {"account": "0589999999"}, seq=98))
    nothing = {"period": "2026-05", "charged_individual": "0.00", "payable": "0.00"}
    await load(db, make_file(tmp_path, "charges", nothing, seq=98))
    counted = f"select count(*) from {TABLES[kind]}"
    before = await db.fetchval(counted)

    outcome = await load(db, make_file(tmp_path, kind, *rows))

    assert isinstance(outcome, Refused)
    assert said in [(bad.line, bad.column, bad.reason) for bad in outcome.bad]
    assert await db.fetchval(counted) == before


TABLES = {
    "services": "service",
    "premises": "premises",
    "accounts": "account",
    "tariffs": "tariff",
    "meters": "meter",
    "readings": "reading",
    "payments": "payment",
    "charges": "charge",
    "bill_totals": "bill",
    "reading_acks": "reading",
}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda _: "", (1, "", "the header is missing")),
        (lambda text: text.replace("sort", "order", 1), (1, "order", "is no column of services")),
        (lambda text: text.replace("sort", "order", 1), (1, "sort", "is missing in the header")),
        (lambda text: text.replace("unit", "name", 1), (1, "name", "is there twice")),
        (lambda text: text + "gas;Газ\n", (3, "", "has 2 cells instead of 6")),
    ],
)
async def test_a_file_of_another_shape_is_refused(
    db: Connection,
    tmp_path: Path,
    spoil: Callable[[str], str],
    said: tuple[int, str, str],
) -> None:
    path = make_file(tmp_path, "services")
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")

    outcome = await load(db, path)

    assert isinstance(outcome, Refused)
    assert said in [(bad.line, bad.column, bad.reason) for bad in outcome.bad]


async def test_columns_may_stand_in_any_order_and_empty_lines_do_not_matter(
    db: Connection, tmp_path: Path
) -> None:
    path = make_file(tmp_path, "services")
    lines = path.read_text(encoding="utf-8").splitlines()
    turned = [";".join(reversed(line.split(";"))) for line in lines]
    path.write_text("\n\n".join(turned) + "\n\n", encoding="utf-8")

    await load(db, path)

    assert await db.fetchval("select code from service") == "cold_water"
