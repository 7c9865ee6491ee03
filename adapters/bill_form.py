"""The bill of a month as its form has it: which columns and rows there are, every value put into words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple

from adapters.qr import payment_string, svg
from core.documents import BankOrder, BillSheet, HouseVolume, PaperLink, Recipient, SheetLine, SheetMeter
from core.money import NOTHING, Money, total
from core.wording import money, month_name, number

KINDS: Final[Mapping[str, str]] = {
    "housing": "Содержание и ремонт жилья",
    "utility": "Коммунальные услуги",
    "additional": "Прочие услуги",
}
METHODS: Final[Mapping[str, str]] = {"M": "сч", "N": "н", "A": "ср", "O": ""}
LEGEND: Final = (
    "Объём: сч — по счётчику, н — по нормативу (× повышающий коэффициент), ср — по среднему расходу, "
    "СОИ — на содержание общего имущества дома."
)
NOT_READ: Final = "нет"
RECIPIENT_SUMS: Final = ("На начало", "Начислено", "Пени", "За месяц, ₽")
# How wide a digit of a cell and a letter of a title are, and what stands around them.
DIGIT_MM: Final = 1.42
TITLE_LETTER_MM: Final = 1.34
PADDING_MM: Final = 2.0


def bill_form(sheet: BillSheet) -> dict[str, Any]:
    """What the template of the bill shows of *sheet*."""
    month = month_name(sheet.period, "ru")
    return {
        "title": f"Квитанция за {month}",
        "month": month,
        "number": sheet.number,
        "office": {"name": sheet.office.name, "lines": list(_office_lines(sheet))},
        "facts": list(_facts(sheet)),
        "due": _due(sheet),
        "qr": _qr(sheet),
        "sum": _sum(sheet),
        "services": _services(sheet),
        "reasons": [
            f"{line.name}: {line.reason}" for line in sheet.lines if line.recalculation and line.reason
        ],
        "recipients": _recipients(sheet),
        "meters": {
            "titles": ["Прибор", "Номер", "Было", "Стало", "Расход", "Поверка до"],
            "rows": [_meter_row(meter) for meter in sheet.meters],
        },
        "house": "; ".join(map(_house_volume, sheet.house)),
        "requisites": _requisites(sheet),
        "paper": _paper(sheet.paper, sheet.meters) if sheet.paper else None,
    }


# --- Head ------------------------------------------------------------------------------------------


def _office_lines(sheet: BillSheet) -> Iterator[str]:
    office = sheet.office
    if office.address:
        yield office.address
    reached = [word for word in (office.phone and f"тел. {office.phone}", office.hours, office.site) if word]
    if reached:
        yield " · ".join(reached)


def _facts(sheet: BillSheet) -> Iterator[tuple[str, str]]:
    premises = sheet.premises
    yield "Лицевой счёт", sheet.number
    if sheet.gis_account:
        yield "ЕЛС (ГИС ЖКХ)", sheet.gis_account
    if sheet.gis_document:
        yield "Документ ГИС ЖКХ", sheet.gis_document
    if sheet.payer:
        yield "Плательщик", sheet.payer
    yield "Адрес", premises.address
    areas = [
        (premises.area_total, "общая"),
        (premises.area_living, "жилая"),
        (premises.area_heated, "отапливаемая"),
    ]
    if told := [f"{number(area)} м² {kind}" for area, kind in areas if area is not None]:
        yield "Площадь", ", ".join(told)
    people = [(premises.registered, "зарегистрировано"), (premises.residents, "проживает")]
    if told := [f"{kind} {count}" for count, kind in people if count is not None]:
        yield "Человек", ", ".join(told)
    house = [(premises.house_area_total, "помещений"), (premises.house_area_common, "общего имущества")]
    if told := [f"{number(area)} м² {kind}" for area, kind in house if area is not None]:
        yield "Площадь дома", ", ".join(told)


def _due(sheet: BillSheet) -> dict[str, str]:
    if sheet.total_due > NOTHING:
        until = f"до {_day(sheet.due_on)} включительно"
        return {"label": "К оплате", "amount": money(sheet.total_due), "until": until}
    if sheet.total_due < NOTHING:
        return {"label": "Переплата", "amount": money(-sheet.total_due), "until": "платить не нужно"}
    return {"label": "К оплате", "amount": money(NOTHING), "until": "платить не нужно"}


def _qr(sheet: BillSheet) -> dict[str, str] | None:
    if sheet.payee is None or sheet.qr_due <= NOTHING:
        return None
    order = BankOrder(sheet.payee, sheet.number, sheet.qr_due, sheet.period)
    asked = "" if sheet.qr_due == sheet.total_due else f" {money(sheet.qr_due)}"
    return {"code": svg(payment_string(order)), "caption": f"Оплата{asked} в приложении любого банка"}


def _sum(sheet: BillSheet) -> list[tuple[str, str]]:
    first = _day(sheet.period.first_day)
    opening = (
        (f"Переплата на {first}", -sheet.opening)
        if sheet.opening < NOTHING
        else (f"Долг на {first}", sheet.opening)
    )
    charged = total(line.payable for line in sheet.lines)
    parts = [
        opening,
        (f"Оплачено до {_day(sheet.counted_until)}", sheet.payments_counted),
        (f"Начислено за {month_name(sheet.period, 'ru')}", charged),
        ("Пени", sheet.penalty),
    ]
    due = (
        ("Переплата", -sheet.total_due) if sheet.total_due < NOTHING else ("Итого к оплате", sheet.total_due)
    )
    return [(label, money(amount)) for label, amount in (*parts, due)]


# --- Services --------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column of the form. *needed*: for which lines it must be there; where none is such, it is left out."""

    title: str
    cell: Callable[[SheetLine], str]
    amount: Callable[[SheetLine], Money] | None = None
    needed: Callable[[SheetLine], object] = bool


def _columns() -> tuple[_Column, ...]:
    """All columns. Every cell takes time to set, and most bills need but four."""
    return (
        _Column("Услуга", lambda line: line.name),
        _Column("Объём", _volume),
        _Column("Тариф, ₽", lambda line: _tariff(line.tariff)),
        _sum_column("Начислено", _charged, needed=lambda line: _charged(line) != line.payable),
        _sum_column(
            "в т. ч. СОИ",
            lambda line: line.charged_common,
            needed=lambda line: line.charged and line.charged_common,
        ),
        _sum_column("Повыш. коэф.", lambda line: line.multiplier_sum),
        _sum_column("Перерасчёт", lambda line: line.recalculation),
        _sum_column("Льготы", lambda line: -line.benefit),
        _Column("Итого, ₽", lambda line: _plain(line.payable), lambda line: line.payable),
        _sum_column("Пени", lambda line: line.penalty),
    )


def _sum_column(
    title: str,
    amount: Callable[[SheetLine], Money],
    *,
    needed: Callable[[SheetLine], object] | None = None,
) -> _Column:
    """A column of sums, in which nothing is left blank."""
    return _Column(title, lambda line: _filled(amount(line)), amount, needed or amount)


def _services(sheet: BillSheet) -> dict[str, Any]:
    lines = sheet.lines
    shown = [column for column in _columns() if any(map(column.needed, lines))]
    totals = [_plain(total(map(column.amount, lines))) if column.amount else None for column in shown]
    return {
        "columns": [
            {"title": column.title, "width": None if at == 0 else _width_mm(column, lines)}
            for at, column in enumerate(shown)
        ],
        "groups": [
            {
                "title": KINDS.get(kind, KINDS["additional"]),
                "rows": [[column.cell(line) or None for column in shown] for line in of_kind],
            }
            for kind, of_kind in groupby(_by_kind(lines), key=lambda line: line.kind)
        ],
        "total": ["Всего", *totals[1:]],
        "legend": LEGEND,
    }


def _by_kind(lines: Sequence[SheetLine]) -> list[SheetLine]:
    """*lines* kind by kind, within a kind in their order."""
    order = list(KINDS)
    return sorted(lines, key=lambda line: order.index(line.kind) if line.kind in order else len(order))


def _width_mm(column: _Column, lines: Sequence[SheetLine]) -> float:
    """How wide *column* must be. Told in advance, for Typst to measure every cell takes half as long again."""
    sums = [_plain(total(map(column.amount, lines)))] if column.amount else []
    digits = max(len(each) for each in ("0", *sums, *map(column.cell, lines)))
    title = max(map(len, column.title.split()))
    return max(digits * DIGIT_MM, title * TITLE_LETTER_MM) + PADDING_MM


def _volume(line: SheetLine) -> str:
    multiplier = f"×{number(line.multiplier)}" if line.multiplier_sum else ""
    parts = (number(line.volume), line.unit, METHODS.get(line.method, ""), multiplier)
    individual = " ".join(part for part in parts if part)
    if not line.volume_common:
        return individual
    common = f"{number(line.volume_common)} {line.unit} СОИ"
    return f"{individual} + {common}" if line.volume else common


def _charged(line: SheetLine) -> Money:
    return line.charged + line.charged_common


def _tariff(tariff: Decimal) -> str:
    kopecks = tariff * 100
    return number(tariff) if kopecks != kopecks.to_integral_value() else _plain(Money.exact(tariff))


# --- Recipients, meters, paper ---------------------------------------------------------------------


def _recipients(sheet: BillSheet) -> dict[str, Any]:
    rows = [_recipient_row(recipient, sheet.lines) for recipient in sheet.recipients]
    sums = [total(row[column] for _, row in rows) for column in range(len(RECIPIENT_SUMS))]
    # The first and the last are told in any case, what stands between them where it is anything.
    shown = [at for at, amount in enumerate(sums) if at in {0, len(sums) - 1} or sums[2]]
    return {
        "titles": ["Получатель", "ИНН, счёт, БИК", *(RECIPIENT_SUMS[at] for at in shown)],
        "rows": [[*names, *(_plain(row[at]) for at in shown)] for names, row in rows],
        "total": ["Всего", None, *(_plain(sums[at]) for at in shown)],
        "note": f"На начало: долг или переплата на {_day(sheet.period.first_day)}, "
        "до платежей этого месяца. Деньги между получателями делит расчётный центр.",
    }


def _recipient_row(recipient: Recipient, lines: Sequence[SheetLine]) -> tuple[list[str], list[Money]]:
    own = [line for line in lines if line.provider == recipient.id]
    opening, charged = total(line.opening for line in own), total(line.payable for line in own)
    penalty = total(line.penalty for line in own)
    requisites = f"{recipient.inn}, {recipient.bank_account}, {recipient.bik}"
    return [recipient.name, requisites], [opening, charged, penalty, charged + penalty]


def _house_volume(volume: HouseVolume) -> str:
    common = f" и {number(volume.common)} на общие нужды" if volume.common else ""
    return f"{volume.service} {number(volume.individual)}{common} {volume.unit}"


def _meter_row(meter: SheetMeter) -> list[str]:
    return [
        _meter_name(meter),
        meter.serial,
        NOT_READ if meter.before is None else number(meter.before),
        NOT_READ if meter.now is None else number(meter.now),
        "–" if meter.used is None else f"{number(meter.used)} {meter.unit}",
        _day(meter.verification_due_on) if meter.verification_due_on else "–",
    ]


def _meter_name(meter: SheetMeter) -> str:
    return ", ".join(part for part in (meter.service, meter.place, meter.label) if part)


def _requisites(sheet: BillSheet) -> str | None:
    if (payee := sheet.payee) is None:
        return None
    kpp = f", КПП {payee.kpp}" if payee.kpp else ""
    correspondent = f"; корр. счёт {payee.corr_account}" if payee.corr_account else ""
    return (
        f"{payee.name}, ИНН {payee.inn}{kpp}, р/с {payee.bank_account} в {payee.bank_name}, "
        f"БИК {payee.bik}{correspondent}. В назначении укажите лицевой счёт {sheet.number}."
    )


def _paper(paper: PaperLink, meters: Sequence[SheetMeter]) -> dict[str, Any]:
    return {
        "code": svg(paper.url.encode()),
        "secret": paper.code,
        "slip": [f"{_meter_name(meter)} {meter.serial}" for meter in meters],
    }


# --- Values ----------------------------------------------------------------------------------------


def _plain(amount: Money) -> str:
    """A sum without its currency, which stands in the column's title."""
    return money(amount)[:-2]


def _filled(amount: Money) -> str:
    return _plain(amount) if amount else ""


def _day(day: date) -> str:
    return day.strftime("%d.%m.%Y")
