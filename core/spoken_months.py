"""The month that a resident names: «квитанция за май», «bill for May 2026»."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from core.messages import Month

# How the names of the months begin, whatever their case, in the languages that are spoken here.
_NAMES: Final = (
    r"январ|january", r"феврал|february", r"март|march", r"апрел|april", r"ма[йяе]\b|may\b", r"июн|june",
    r"июл|july", r"август|august", r"сентябр|september", r"октябр|october", r"ноябр|november", r"декабр|december",
)  # fmt: skip
_NAMED: Final = [re.compile(rf"\b(?:{names})", re.IGNORECASE) for names in _NAMES]
_YEAR: Final = re.compile(r"\b20\d\d\b")


def month_in(typed: str, *, today: date) -> Month | None:
    """The month that *typed* names: of the year that it says, else the last one of that name; None if it names none."""
    number = next((at for at, name in enumerate(_NAMED, start=1) if name.search(typed)), None)
    if number is None:
        return None
    if (year := _YEAR.search(typed)) is not None:
        return Month(int(year.group()), number)
    return Month(today.year if number <= today.month else today.year - 1, number)
