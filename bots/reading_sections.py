"""The section of config.yaml about months whose readings are taken in on other days than usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec

from core.messages import Month
from core.reading_windows import Days, MovedWindow

MonthText = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
MeteredService = Literal["", "cold_water", "hot_water_water", "electricity", "gas", "heating"]


class MovedWindowSection(msgspec.Struct, frozen=True):
    """Readings for the bill of *month* are taken in from *opens* to *closes*, both included; of *service* or of all."""

    month: MonthText
    opens: date
    closes: date
    service: MeteredService = ""

    @property
    def as_window(self) -> MovedWindow:
        """The same for whoever judges readings."""
        return MovedWindow(Month.parse(self.month), Days(self.opens, self.closes), self.service)


def moved_mistakes(sections: Sequence[MovedWindowSection], path: str) -> Iterator[str]:
    """What cannot be meant: days of another month, a window that closes before it opens, a month moved twice."""
    seen = set[tuple[str, str]]()
    for at, section in enumerate(sections):
        month = Month.parse(section.month)
        last = month.plus(2).first_day - timedelta(days=1)
        if Month.of(section.opens) != month:
            yield f"{path}[{at}].opens: {section.opens} is no day of {month}; accepted: a day of {month}"
        elif not section.opens <= section.closes <= last:
            yield (
                f"{path}[{at}].closes: {section.closes} cannot be right; "
                f"accepted: a day from {section.opens} to {last}"
            )
        if (section.month, section.service) in seen:
            yield f"{path}[{at}].month: {month} is moved twice; accepted: once for a service, and once for all"
        seen.add((section.month, section.service))
