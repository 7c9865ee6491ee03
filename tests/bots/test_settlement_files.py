"""What a settled day is told with: adds up, names nobody, and is the same whenever it is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import openpyxl
import pytest

from bots.settlement_files import (
    COLUMNS,
    HEADER,
    csv_register,
    payment_orders,
    purpose,
    write_settlements,
    xlsx_register,
)
from core.money import NOTHING, Money
from core.requisites import Requisites
from core.settlement import Collected, Payee, RegisterLine, Settlement, fee_on, register_lines
from tests.making_money import MAY

ZONE = ZoneInfo("Europe/Moscow")
SAMPLE = Path(__file__).parents[1] / "bodies" / "registers" / "1c_to_kl.txt"
PAID_AT = datetime(2026, 10, 5, 9, tzinfo=UTC)
PAYER = Requisites(
    name="МУП ЕРКЦ Среднереченска",
    inn="9800123456",
    kpp="980101001",
    bank_account="40702810048000012345",
    bank_name="ПАО СБЕРБАНК",
    bik="044525225",
    corr_account="30101810400000000225",
)
PAYEE = Payee(
    id="P01",
    name="ООО «Водоканал»",
    inn="9800555551",
    kpp="980101001",
    bank_account="40702810700000067890",
    bik="044525225",
    corr_account="30101810400000000225",
    contract_no="7 от 01.01.2026",
)


def some_lines(*kopecks: int) -> list[RegisterLine]:
    collected = [
        Collected("0581234567", "Мира; д. 1", "heating", MAY, 7, PAID_AT, "cash", Money(one), penalty=False)
        for one in kopecks
    ]
    return list(register_lines(collected, Decimal("1.5")))


def a_settlement(*kopecks: int, carried: int = 0) -> Settlement:
    whole = Money(sum(kopecks))
    gross = Money(sum(one for one in kopecks if one > 0))
    return Settlement(
        number=278,
        day=date(2026, 10, 5),
        since=date(2026, 10, 5),
        payee=PAYEE,
        payer=PAYER,
        contract_percent=Decimal("1.5"),
        gross=gross,
        corrections=whole - gross,
        fee=fee_on(whole, Decimal("1.5")),
        carried=Money(carried),
        rows=len(kopecks),
        head=b"\x01" * 32,
        pay_on=date(2026, 10, 6),
    )


def test_a_register_has_its_header_its_rows_and_its_header_once_more() -> None:
    table = csv_register(a_settlement(10_001, -1), some_lines(10_001, -1), zone=ZONE).decode()

    names, totals, columns, *rows, footer = (line.split(";") for line in table.splitlines())

    assert (tuple(names), tuple(columns), footer) == (HEADER, COLUMNS, totals)
    assert dict(zip(names, totals, strict=True)) | {"net": "98.50", "payout": "98.50", "rows": "2"} == dict(
        zip(names, totals, strict=True)
    )
    assert sum(Decimal(row[9]) for row in rows) == Decimal("98.50")
    assert rows[0][:9] == [
        "1",
        "0581234567",
        "heating",
        "2026-05",
        "7",
        "2026-10-05T12:00:00+03:00",
        "cash",
        "100.01",
        "1.50",
    ]


def test_the_seal_of_the_day_is_printed() -> None:
    assert "01" * 32 in csv_register(a_settlement(1), some_lines(1), zone=ZONE).decode()


def test_a_register_is_a_sheet_that_says_the_same() -> None:
    content = xlsx_register(a_settlement(10_001, -1), some_lines(10_001, -1), zone=ZONE)

    sheet = openpyxl.load_workbook(BytesIO(content)).active

    assert sheet is not None
    rows = [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]
    assert ["К перечислению", 98.5] in rows
    assert rows[-1] == ["Итого", 100, 1.5, 98.5]


def test_files_written_again_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled = [(a_settlement(10_001, -1), some_lines(10_001, -1))]

    first = write_settlements(tmp_path / "first", settled, zone=ZONE)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    again = write_settlements(tmp_path / "again", settled, zone=ZONE)

    assert [path.name for path in first] == [
        "settlement_P01_2026-10-05_278.csv",
        "settlement_P01_2026-10-05_278.csv.ctl",
        "settlement_P01_2026-10-05_278.xlsx",
        "1c_to_kl_2026-10-05.txt",
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_nothing_of_the_present_is_in_a_sheet() -> None:
    content = xlsx_register(a_settlement(1), some_lines(1), zone=ZONE)

    book = openpyxl.load_workbook(BytesIO(content))

    assert book.properties.modified == book.properties.created == datetime(2026, 10, 6)  # noqa: DTZ001  # as openpyxl gives it


# --- Payment orders --------------------------------------------------------------------------------


def test_an_order_has_the_keys_of_the_banks_form_in_its_order() -> None:
    def keys(content: bytes) -> list[str]:
        return [line.partition("=")[0] for line in content.decode("cp1251").split("\r\n")]

    assert keys(payment_orders([a_settlement(10_000)])) == keys(SAMPLE.read_bytes())


def test_an_order_says_who_pays_whom_how_much_and_for_what() -> None:
    order = payment_orders([a_settlement(86_335)]).decode("cp1251").split("\r\n")

    assert "Сумма=850.40" in order
    assert "Дата=06.10.2026" in order
    assert "ПолучательСчет=40702810700000067890" in order
    assert (
        "НазначениеПлатежа=Перечисление платежей населения за 05.10.2026 по договору 7 от 01.01.2026,"
        " реестр 278. НДС не облагается"
    ) in order


@pytest.mark.parametrize(
    ("told", "bik", "bank"),
    [("АО Банк", "045655999", "АО Банк"), ("", PAYER.bik, PAYER.bank_name), ("", "045655999", "")],
)
def test_an_order_names_the_bank_of_its_receiver(told: str, bik: str, bank: str) -> None:
    payee = msgspec.structs.replace(PAYEE, bank_name=told, bik=bik)

    orders = payment_orders([msgspec.structs.replace(a_settlement(1_000), payee=payee)]).decode("cp1251")

    assert f"ПолучательБанк1={bank}" in orders.split("\r\n")


def test_what_is_not_owed_is_not_ordered() -> None:
    orders = payment_orders([a_settlement(10_000), a_settlement(10_000, carried=-20_000)]).decode("cp1251")

    assert orders.count("СекцияДокумент") == 1


def test_a_day_without_payouts_has_no_orders(tmp_path: Path) -> None:
    settled = [(a_settlement(10_000, carried=-20_000), some_lines(10_000))]

    assert not [path for path in write_settlements(tmp_path, settled, zone=ZONE) if path.suffix == ".txt"]


def test_a_purpose_is_never_longer_than_a_bank_takes() -> None:
    payee = msgspec.structs.replace(PAYEE, contract_no="9" * 300)

    assert len(purpose(msgspec.structs.replace(a_settlement(1), payee=payee))) == 210


def test_nothing_is_made_of_nothing() -> None:
    assert a_settlement().payout == NOTHING
