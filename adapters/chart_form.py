"""Charts of a year as their template has them: bars by their share of the highest, values short enough to stand on them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from babel.dates import format_date

from core.documents import Bars, ChartSheet
from core.wording import number

WHOLE_FROM: Final = 100


def chart_form(sheet: ChartSheet) -> dict[str, Any]:
    """What the template of charts shows of *sheet*."""
    return {
        "language": sheet.language,
        "months": [_month(sheet, at) for at in range(len(sheet.months))],
        "charts": [_chart(bars) for bars in sheet.charts],
        "note": sheet.note,
    }


def _month(sheet: ChartSheet, at: int) -> str:
    """`янв`; with the year under it where a year begins."""
    month = sheet.months[at]
    name = str(format_date(month.first_day, "LLL", locale=sheet.language)).rstrip(".")[:3]
    return f"{name}\n{month.year}" if at == 0 or month.month == 1 else name


def _chart(bars: Bars) -> dict[str, Any]:
    highest = max((value for value in bars.values if value is not None), default=Decimal(0))
    return {
        "title": bars.title,
        "detail": bars.detail,
        "unit": bars.unit,
        "bars": [
            {
                "height": float(max(value, Decimal(0)) / highest) if highest > 0 else 0.0,
                "shown": _short(value),
            }
            if value is not None
            else {"height": 0.0, "shown": None}
            for value in bars.values
        ],
    }


def _short(value: Decimal) -> str:
    """*value* as it fits on a bar: whole from a hundred on, else with one decimal."""
    step = Decimal(1) if abs(value) >= WHOLE_FROM else Decimal("0.1")
    return number(value.quantize(step, ROUND_HALF_UP))
