"""Builders of documents: a usual flat of the centre, whose requisites are invented with right check digits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from core.documents import (
    BankOrder,
    Bars,
    BillSheet,
    ChartSheet,
    HouseVolume,
    Office,
    PaperLink,
    Premises,
    QrSheet,
    Recipient,
    SheetLine,
    SheetMeter,
)
from core.messages import Month
from core.money import NOTHING, Money
from core.requisites import Requisites

OCTOBER = Month(2026, 10)


def some_requisites(**rest: Any) -> Requisites:
    usual: dict[str, Any] = {
        "name": "МУП ЕРКЦ Среднереченска",
        "inn": "9800123456",
        "kpp": "980101001",
        "bank_account": "40702810048000012345",
        "bank_name": "ПАО СБЕРБАНК",
        "bik": "044525225",
        "corr_account": "30101810400000000225",
    }
    return Requisites(**{**usual, **rest})


def an_order(kopecks: int = 235_040, **rest: Any) -> BankOrder:
    usual: dict[str, Any] = {"payee": some_requisites(), "number": "0581234567", "period": Month(2026, 9)}
    return BankOrder(due=Money(kopecks), **{**usual, **rest})


def a_qr_sheet(order: BankOrder | None = None) -> QrSheet:
    return QrSheet(order or an_order(), "•••• 4567", date(2026, 11, 20))


def a_sheet_line(name: str = "Отопление", **rest: Any) -> SheetLine:
    """A line of heating by its norm: 0,928 Гкал at 2 747,50 ₽."""
    usual: dict[str, Any] = {
        "kind": "utility",
        "unit": "Гкал",
        "provider": "P02",
        "tariff": Decimal("2747.50"),
        "volume": Decimal("0.928000"),
        "volume_common": Decimal(0),
        "method": "O",
        "charged": Money(254_968),
        "charged_common": NOTHING,
        "multiplier": Decimal(1),
        "multiplier_sum": NOTHING,
        "recalculation": NOTHING,
        "reason": "",
        "benefit": NOTHING,
        "payable": Money(254_968),
        "opening": NOTHING,
        "penalty": NOTHING,
    }
    return SheetLine(name=name, **{**usual, **rest})


def a_sheet_meter(service: str = "Холодная вода", **rest: Any) -> SheetMeter:
    usual: dict[str, Any] = {
        "place": "кухня",
        "serial": "250006342",
        "label": "",
        "unit": "м³",
        "before": Decimal("120.0000000"),
        "now": Decimal("124.5000000"),
        "now_on": date(2026, 10, 20),
        "used": Decimal("4.5000000"),
        "verification_due_on": date(2031, 5, 14),
    }
    return SheetMeter(service=service, **{**usual, **rest})


def a_bill_sheet(*lines: SheetLine, **rest: Any) -> BillSheet:
    """The bill of October 2026 of a flat that owes what is on its *lines*."""
    lines = lines or (a_sheet_line(),)
    owed = Money(sum(line.payable.kopecks for line in lines))
    usual: dict[str, Any] = {
        "office": Office("ЕРКЦ Среднереченска", "г. Среднереченск, ул. Светлая, 1", "8 (800) 000-00-00", "пн–пт 8–20"),
        "payee": some_requisites(),
        "number": "0581234567",
        "gis_account": "75AA000001",
        "gis_document": "75AA00000120261001",
        "payer": "П*** А***",
        "premises": Premises(
            "Среднереченск, ул. Садовая, д. 4а, кв. 12",
            Decimal("48.30"), Decimal("31.20"), Decimal("48.30"), 2, 3, Decimal("3240.00"), Decimal("420.00"),
        ),
        "period": OCTOBER,
        "opening": NOTHING,
        "payments_counted": NOTHING,
        "counted_until": date(2026, 10, 31),
        "penalty": NOTHING,
        "total_due": owed,
        "due_on": date(2026, 11, 16),
        "lines": lines,
        "recipients": (Recipient("P02", "ООО «Тепловые сети»", "5800000002", "40702810000000000002", "045600002"),),
        "meters": (a_sheet_meter(),),
        "house": (HouseVolume("Холодная вода", "м³", Decimal("412.500"), Decimal("18.2")),),
        "qr_due": max(owed, NOTHING),
    }  # fmt: skip
    return BillSheet(**{**usual, **rest})


def a_full_bill_sheet(**rest: Any) -> BillSheet:
    """All twenty services with everything that a line can have, six meters, ten recipients: the longest bill."""
    kinds = ("housing",) * 6 + ("utility",) * 9 + ("additional",) * 5
    lines = [
        a_sheet_line(
            f"Обслуживание газового оборудования {at}"
            if at % 4 == 0
            else f"Горячая вода на общие нужды {at}",
            kind=kind,
            provider=f"P{at % 10:02d}",
            volume_common=Decimal("48.3") if at < 5 else Decimal(0),
            charged_common=Money(12_345) if at < 5 else NOTHING,
            multiplier=Decimal("1.5"),
            multiplier_sum=Money(127_484) if at == 7 else NOTHING,
            recalculation=Money(-25_496) if at in {8, 9} else NOTHING,
            reason="Нет горячей воды 3 дня" if at in {8, 9} else "",
            benefit=Money(10_000) if at == 3 else NOTHING,
            opening=Money(100_000),
            penalty=Money(317) if at % 3 == 0 else NOTHING,
            method="MNAO"[at % 4],
        )
        for at, kind in enumerate(kinds)
    ]
    recipients = tuple(
        Recipient(f"P{at:02d}", f"АО «Сурская энергосбытовая компания № {at}»", f"58{at:08d}",
                  f"40702810{at:012d}", f"0456{at:05d}")
        for at in range(10)
    )  # fmt: skip
    meters = tuple(a_sheet_meter(place=place) for place in ("кухня", "санузел", "прихожая") * 2)
    house = tuple(HouseVolume(f"Холодная вода {at}", "м³", Decimal("412.5"), Decimal(at)) for at in range(6))
    return a_bill_sheet(
        *lines, recipients=recipients, meters=meters, house=house, opening=Money(2_000_000),
        payments_counted=Money(1_500_000), penalty=Money(2_219), **rest,
    )  # fmt: skip


def a_chart_sheet(*charts: Bars, **rest: Any) -> ChartSheet:
    months = tuple(OCTOBER.plus(shift) for shift in range(-12, 1))
    values = tuple(Decimal(base) for base in (6, 7, 5, 8, 9, 7, 6, 5, 6, 7, 6, 5, 4))
    usual: dict[str, Any] = {"language": "ru", "months": months}
    return ChartSheet(
        charts=charts or (Bars("Холодная вода", "кухня, …6342", "м³", values),), **{**usual, **rest}
    )


def a_paper_link(code: str = "482913") -> PaperLink:
    return PaperLink(f"https://t.me/kvitok_demo_bot?start=bill-{'A' * 55}", code)
