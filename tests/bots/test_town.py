"""The invented town adds up, is the same every time, and shows what a demo needs."""

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from bots.town import CODES_FILE, write_town
from storage.exchange_files import ImportPath
from storage.exchange_formats import KINDS
from storage.keys import code_hash

TODAY = date(2026, 10, 17)
KEY = b"k" * 32
FLAT, DEBTOR, COTTAGE, ZERO = "0581234567", "0581234578", "0581234589", "0581234600"

Row = dict[str, str]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    write_town(folder, accounts=60, seed=1, today=TODAY, key=KEY)
    return folder


def rows_of(town: Path, kind: str, month: str = "*") -> list[Row]:
    found: list[Row] = []
    for path in sorted(town.glob(f"{kind}_*_{month}_1.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += csv.DictReader(file, delimiter=";")
    return found


def of(account: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["account"] == account]


def total(rows: list[Row], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def test_the_same_seed_gives_the_same_files(town: Path, tmp_path: Path) -> None:
    write_town(tmp_path, accounts=60, seed=1, today=TODAY, key=KEY)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in town.iterdir()
    }


def test_another_seed_gives_another_town(town: Path, tmp_path: Path) -> None:
    write_town(tmp_path, accounts=60, seed=2, today=TODAY, key=KEY)

    assert rows_of(tmp_path, "premises") != rows_of(town, "premises")


def test_every_file_but_the_codes_is_one_for_import(town: Path) -> None:
    strangers = [path.name for path in town.glob("*.csv") if ImportPath.of(path) is None]

    assert strangers == [CODES_FILE]


def test_each_file_has_the_header_of_its_kind_and_a_true_control_file(town: Path) -> None:
    for file in filter(None, map(ImportPath.of, town.glob("*.csv"))):
        content = file.path.read_bytes()
        lines = content.decode().splitlines()
        control = file.path.with_name(f"{file.path.name}.ctl").read_text().splitlines()[1].split(";")

        assert tuple(lines[0].split(";")) == KINDS[file.kind.name].header
        assert control[0] == str(len(lines) - 1)
        assert control[2] == sha256(content).hexdigest()


def test_every_bill_is_the_sum_of_its_lines(town: Path) -> None:
    lines: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows_of(town, "charges"):
        lines[row["account"], row["period"]].append(row)

    for bill in rows_of(town, "bill_totals"):
        own = lines[bill["account"], bill["period"]]
        due = total(own, "opening") + total(own, "payable") + total(own, "penalty")
        assert total(own, "opening") == Decimal(bill["opening"])
        assert due - Decimal(bill["payments_counted"]) == Decimal(bill["total_due"])


def test_every_bill_opens_with_the_total_of_the_one_before(town: Path) -> None:
    before: dict[str, str] = {}
    for bill in rows_of(town, "bill_totals"):
        assert bill["opening"] == before.get(bill["account"], bill["opening"])
        before[bill["account"]] = bill["total_due"]


def test_a_bill_counts_the_payments_of_its_month(town: Path) -> None:
    paid: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for payment in rows_of(town, "payments"):
        paid[payment["account"], payment["paid_at"][:7]] += Decimal(payment["amount"])

    for bill in rows_of(town, "bill_totals"):
        assert paid[bill["account"], bill["period"]] == Decimal(bill["payments_counted"])


def test_a_metered_line_is_what_its_meters_turned(town: Path) -> None:
    turned: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for reading in rows_of(town, "readings"):
        if reading["service_code"] == "cold_water":
            use = Decimal(reading["value"]) - Decimal(reading["previous_value"])
            turned[reading["account"], reading["counted_period"]] += use

    for line in rows_of(town, "charges"):
        if line["service_code"] == "cold_water" and line["method"] == "M":
            assert Decimal(line["volume_individual"]) == turned[line["account"], line["period"]]


def test_the_usual_flat_has_five_meters_and_owes_this_month(town: Path) -> None:
    meters = of(FLAT, rows_of(town, "meters"))
    [bill] = of(FLAT, rows_of(town, "bill_totals", "2026-09"))

    assert sorted(meter["service_code"] for meter in meters) == [
        "cold_water",
        "cold_water",
        "electricity",
        "hot_water_water",
        "hot_water_water",
    ]
    assert bill["opening"] == bill["payments_counted"]
    assert Decimal(bill["total_due"]) > 0
    assert of(FLAT, rows_of(town, "payments", "2026-10")) == []


def test_the_debtor_has_penalties_and_a_two_zone_meter(town: Path) -> None:
    [bill] = of(DEBTOR, rows_of(town, "bill_totals", "2026-09"))
    zones = [meter["registers"] for meter in of(DEBTOR, rows_of(town, "meters"))]

    assert Decimal(bill["penalty"]) > 0
    assert Decimal(bill["opening"]) > 5 * Decimal(bill["charged"])
    assert sorted(zones) == ["1", "1", "2"]


def test_the_private_house_is_paid_ahead(town: Path) -> None:
    [bill] = of(COTTAGE, rows_of(town, "bill_totals", "2026-09"))
    [account] = of(COTTAGE, rows_of(town, "accounts"))
    [home] = [row for row in rows_of(town, "premises") if row["premises_id"] == account["premises_id"]]

    assert Decimal(bill["total_due"]) < 0
    assert home["kind"] == "private_house"


def test_one_bill_comes_to_nothing(town: Path) -> None:
    [bill] = of(ZERO, rows_of(town, "bill_totals", "2026-09"))

    assert bill["total_due"] == "0.00"


def test_both_changes_of_prices_show_in_the_bills(tmp_path: Path) -> None:
    write_town(tmp_path, accounts=3, seed=1, today=date(2026, 11, 17), key=KEY)

    prices = {
        line["period"]: line["tariff"]
        for line in of(FLAT, rows_of(tmp_path, "charges"))
        if line["service_code"] == "cold_water"
    }

    assert (prices["2025-12"], prices["2026-01"]) == ("37.36", "38.00")
    assert (prices["2026-09"], prices["2026-10"]) == ("38.00", "42.10")


def test_the_twenty_services_have_prices_and_providers(town: Path) -> None:
    services = {row["service_code"] for row in rows_of(town, "services")}
    providers = {row["provider_id"] for row in rows_of(town, "providers")}
    tariffs = rows_of(town, "tariffs")

    assert len(services) == 20
    assert {row["service_code"] for row in tariffs} == services
    assert {row["provider_id"] for row in tariffs} == providers


def test_a_code_is_printed_on_paper_and_hashed_in_the_files(town: Path) -> None:
    with (town / CODES_FILE).open(encoding="utf-8", newline="") as file:
        codes = {row["account"]: row["code"] for row in csv.DictReader(file, delimiter=";")}
    accounts = rows_of(town, "accounts")

    assert list(codes)[:3] == [FLAT, DEBTOR, COTTAGE]
    assert all(row["link_secret_hash"] == code_hash(KEY, codes[row["account"]]).hex() for row in accounts)


@pytest.mark.parametrize(
    "today", [date(2026, 1, 1), date(2026, 2, 28), date(2028, 2, 29), date(2026, 12, 31)]
)
def test_a_town_can_be_of_any_day(tmp_path: Path, today: date) -> None:
    write_town(tmp_path, accounts=4, seed=3, today=today, key=KEY)

    assert max(row["taken_on"] for row in rows_of(tmp_path, "readings")) <= today.isoformat()
    assert max(row["paid_at"][:10] for row in rows_of(tmp_path, "payments")) <= today.isoformat()
    assert len({row["period"] for row in rows_of(tmp_path, "bill_totals")}) == 12
