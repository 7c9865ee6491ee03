"""What a settled day is told with: a register for each provider (CSV, XLSX), and orders for the bank's client.

The same settlement gives the same bytes, whenever it is written: all dates inside are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, tzinfo
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from core.money import Money
from core.settlement import RegisterLine, Settlement

HEADER: Final = (
    "register_no",
    "business_day",
    "provider_id",
    "inn",
    "bank_account",
    "bik",
    "gross",
    "fee",
    "corrections",
    "net",
    "rows",
    "since",
    "carried",
    "payout",
    "seal",
)
COLUMNS: Final = (
    "row",
    "account",
    "service_code",
    "period",
    "payment_id",
    "paid_at",
    "channel",
    "gross",
    "fee",
    "net",
    "penalty",
    "address",
)
RUSSIAN: Final = {
    "register_no": "Реестр №",
    "business_day": "День",
    "provider_id": "Поставщик",
    "inn": "ИНН",
    "bank_account": "Расчётный счёт",
    "bik": "БИК",
    "gross": "Собрано",
    "fee": "Вознаграждение",
    "corrections": "Возвраты",
    "net": "Итого",
    "rows": "Строк",
    "since": "С дня",
    "carried": "Долг с прошлых реестров",
    "payout": "К перечислению",
    "seal": "Печать дня",
    "row": "№",
    "account": "Лицевой счёт",
    "service_code": "Услуга",
    "period": "Месяц",
    "payment_id": "Платёж",
    "paid_at": "Оплачено",
    "channel": "Способ",
    "penalty": "Пени",
    "address": "Адрес",
}
MONEY: Final = frozenset({"gross", "fee", "corrections", "net", "carried", "payout"})
MONEY_FORMAT: Final = "#,##0.00"
PURPOSE_CHARS_MAX: Final = 210
_MODIFIED: Final = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")

Cell: TypeAlias = "str | int | Money"


def write_settlements(
    folder: Path, settled: Iterable[tuple[Settlement, Sequence[RegisterLine]]], *, zone: tzinfo
) -> list[Path]:
    """Write the registers of a day and one file of payment orders into *folder*; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    settlements = []
    for settlement, lines in settled:
        settlements.append(settlement)
        stem = f"settlement_{settlement.payee.id}_{settlement.day}_{settlement.number}"
        table = csv_register(settlement, lines, zone=zone)
        paths.append(_written(folder / f"{stem}.csv", table))
        paths.append(_written(folder / f"{stem}.csv.ctl", _control(settlement, table, zone)))
        paths.append(_written(folder / f"{stem}.xlsx", xlsx_register(settlement, lines, zone=zone)))
    if any(settlement.payout for settlement in settlements):
        name = f"1c_to_kl_{settlements[0].day}.txt"
        paths.append(_written(folder / name, payment_orders(settlements)))
    return paths


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# --- Registers -------------------------------------------------------------------------------------


def csv_register(settlement: Settlement, lines: Sequence[RegisterLine], *, zone: tzinfo) -> bytes:
    """A provider's register: its header, a row a service of an account and payment, the header once more."""
    totals = _totals(settlement)
    rows = [HEADER, _texts(totals.values()), COLUMNS]
    rows += [_texts(row) for row in _rows(lines, zone)]
    rows.append(_texts(totals.values()))
    return "".join(";".join(row) + "\n" for row in rows).encode()


def _control(settlement: Settlement, table: bytes, zone: tzinfo) -> bytes:
    made = datetime.combine(settlement.pay_on, time(), zone)
    sum_ = (settlement.gross + settlement.corrections).roubles
    row = f"{settlement.rows};{sum_};{sha256(table).hexdigest()};{made.isoformat()}"
    return f"rows;sum;sha256;generated_at\n{row}\n".encode()


def _texts(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(
        str(cell.roubles) if isinstance(cell, Money) else str(cell).replace(";", ",") for cell in cells
    )


def _totals(settlement: Settlement) -> Mapping[str, Cell]:
    payee = settlement.payee
    cells: tuple[Cell, ...] = (
        settlement.number,
        settlement.day.isoformat(),
        payee.id,
        payee.inn,
        payee.bank_account,
        payee.bik,
        settlement.gross,
        settlement.fee,
        settlement.corrections,
        settlement.net,
        settlement.rows,
        settlement.since.isoformat(),
        settlement.carried,
        settlement.payout,
        settlement.head.hex(),
    )
    return dict(zip(HEADER, cells, strict=True))


def _rows(lines: Iterable[RegisterLine], zone: tzinfo) -> Iterator[tuple[Cell, ...]]:
    for number, line in enumerate(lines, 1):
        of = line.collected
        yield (
            number,
            of.account,
            of.service,
            str(of.period),
            "" if of.payment is None else of.payment,
            "" if of.paid_at is None else of.paid_at.astimezone(zone).isoformat(timespec="seconds"),
            of.channel,
            of.gross,
            line.fee,
            line.net,
            int(of.penalty),
            of.address,
        )


def xlsx_register(settlement: Settlement, lines: Sequence[RegisterLine], *, zone: tzinfo) -> bytes:
    """The same as a sheet with Russian headings, for people."""
    book = Workbook(write_only=True)
    moment = datetime.combine(settlement.pay_on, time())
    book.properties.creator = "Kvitok"
    book.properties.created = moment
    sheet = book.create_sheet(f"Реестр {settlement.number}")
    for letter, width in zip("ABCDEFGHIJKL", (24, 18, 22, 10, 12, 26, 12, 14, 16, 14, 8, 40), strict=True):
        sheet.column_dimensions[letter].width = width

    totals = _totals(settlement)
    for name, value in totals.items():
        sheet.append(_cells(sheet, (RUSSIAN[name], value)))
    sheet.append([])
    sheet.append(_cells(sheet, (RUSSIAN[name] for name in COLUMNS), bold=True))
    for row in _rows(lines, zone):
        sheet.append(_cells(sheet, row))
    gross = settlement.gross + settlement.corrections
    total: tuple[Cell, ...] = ("Итого", *[""] * 6, gross, settlement.fee, gross - settlement.fee)
    sheet.append(_cells(sheet, total, bold=True))
    whole = BytesIO()
    book.save(whole)
    return _undated(whole, moment)


def _cells(sheet: WriteOnlyWorksheet, values: Iterable[Cell], *, bold: bool = False) -> list[SheetCell]:
    made = []
    for value in values:
        cell = WriteOnlyCell(sheet)
        cell.value = value.roubles if isinstance(value, Money) else value
        if isinstance(value, Money):
            cell.number_format = MONEY_FORMAT
        if bold:
            cell.font = Font(bold=True)
        made.append(cell)
    return made


def _undated(book: BytesIO, moment: datetime) -> bytes:
    """*book* with *moment* in every place where its library put the present."""
    made = BytesIO()
    with ZipFile(book) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            content = _MODIFIED.sub(rf"\g<1>{moment:%Y-%m-%dT%H:%M:%S}Z".encode(), old.read(name))
            entry = ZipInfo(name, (moment.year, moment.month, moment.day, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            new.writestr(entry, content)
    return made.getvalue()


# --- Payment orders --------------------------------------------------------------------------------


def payment_orders(settlements: Sequence[Settlement]) -> bytes:
    """The orders of a day for the bank's client, in 1C's exchange format 1.03, windows-1251.

    Their letters are held to be of it when a day is settled. Nothing is sent anywhere: an accountant takes the file and signs it.
    """
    paid = [settlement for settlement in settlements if settlement.payout]
    payer, made = paid[0].payer, f"{paid[0].pay_on:%d.%m.%Y}"
    lines = [
        "1CClientBankExchange",
        "ВерсияФормата=1.03",
        "Кодировка=Windows",
        "Отправитель=Kvitok",
        "Получатель=",
        f"ДатаСоздания={made}",
        "ВремяСоздания=00:00:00",
        f"ДатаНачала={made}",
        f"ДатаКонца={made}",
        f"РасчСчет={payer.bank_account}",
        "Документ=Платежное поручение",
        *(line for settlement in paid for line in _order(settlement)),
        "КонецФайла",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("cp1251")


def _order(settlement: Settlement) -> Iterator[str]:
    payer, payee = settlement.payer, settlement.payee
    yield "СекцияДокумент=Платежное поручение"
    yield f"Номер={settlement.number}"
    yield f"Дата={settlement.pay_on:%d.%m.%Y}"
    yield f"Сумма={settlement.payout.roubles}"
    yield from _side("Плательщик", payer.name, payer.inn, payer.bank_account)
    yield from _bank("Плательщик", payer.bank_name, payer.bik, payer.corr_account)
    yield from _side("Получатель", payee.name, payee.inn, payee.bank_account)
    yield from _bank("Получатель", settlement.receiving_bank, payee.bik, payee.corr_account)
    yield from ("ВидПлатежа=", "ВидОплаты=01", "Код=0", "СтатусСоставителя=")
    yield f"ПлательщикКПП={payer.kpp}"
    yield f"ПолучательКПП={payee.kpp}"
    yield from ("ПоказательКБК=", "ОКАТО=", "ПоказательОснования=", "ПоказательПериода=")
    yield from ("ПоказательНомера=", "ПоказательДаты=", "ПоказательТипа=", "Очередность=5")
    yield f"НазначениеПлатежа={purpose(settlement)}"
    yield "КонецДокумента"


def _side(who: str, name: str, inn: str, account: str) -> Iterator[str]:
    yield f"{who}Счет={account}"
    yield f"{who}=ИНН {inn} {name}"
    yield f"{who}ИНН={inn}"
    yield f"{who}1={name}"
    yield f"{who}РасчСчет={account}"


def _bank(who: str, name: str, bik: str, corr_account: str) -> Iterator[str]:
    yield f"{who}Банк1={name}"
    yield f"{who}Банк2="
    yield f"{who}БИК={bik}"
    yield f"{who}Корсчет={corr_account}"


def purpose(settlement: Settlement) -> str:
    """What the payment is for, as the provider's bank will show it."""
    day, since = f"{settlement.day:%d.%m.%Y}", f"{settlement.since:%d.%m.%Y}"
    days = day if settlement.since == settlement.day else f"{since}-{day}"
    contract = f" по договору {settlement.payee.contract_no}" if settlement.payee.contract_no else ""
    words = (
        f"Перечисление платежей населения за {days}{contract}, реестр {settlement.number}. НДС не облагается"
    )
    return words[:PURPOSE_CHARS_MAX]
