"""When readings are taken in, and into which bill a reading goes (decree 354, p. 33-34)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from core.messages import Month

# The last second of a closing day; a reading of that second is still in time.
_CLOSING_TIME: Final = time(23, 59, 59)


class Days(msgspec.Struct, frozen=True):
    """The days, both included, on which readings for one bill are taken in."""

    opens_on: date
    closes_on: date


class MovedWindow(msgspec.Struct, frozen=True):
    """Readings of *service* (of all: '') for the bill of *month* are taken in on *days* instead of the usual ones."""

    month: Month
    days: Days
    service: str = ""


def moved_days(moved: Sequence[MovedWindow], service: str) -> Mapping[str, Days]:
    """The days of months that *moved* gives to *service*; what names a service goes before what is for all."""
    named = sorted((one for one in moved if one.service in {"", service}), key=lambda one: one.service)
    return {str(one.month): one.days for one in named}


class ReadingWindow(msgspec.Struct, frozen=True):
    """The days of a month on which one provider takes in readings of one service.

    *opens_day* and *closes_day* are days of the month, both included; the 31st of a shorter month is its
    last day. *moved* holds the months that the centre moved (holidays); such a window may end in another month.
    *billed* is the last month that a bill was issued for: a bill closes its period, whatever the day.
    """

    opens_day: int = 15
    closes_day: int = 25
    timezone: str = "Europe/Moscow"
    moved: Mapping[str, Days] = {}
    billed: Month | None = None

    def days(self, period: Month) -> Days:
        """The days on which readings for the bill of *period* are taken in."""
        if moved := self.moved.get(str(period)):
            return moved
        last = monthrange(period.year, period.month)[1]
        return Days(
            date(period.year, period.month, min(self.opens_day, last)),
            date(period.year, period.month, min(self.closes_day, last)),
        )

    def closes_at(self, period: Month) -> datetime:
        """The last second at which a reading for *period* is in time and can be corrected."""
        return datetime.combine(self.days(period).closes_on, _CLOSING_TIME, ZoneInfo(self.timezone))

    def local_day(self, moment: datetime) -> date:
        """The date at the centre when it is *moment*."""
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def counted_period(self, sent_at: datetime) -> Month:
        """The bill that a reading sent at *sent_at* goes into: the first whose window has not closed.

        An early reading goes into the bill of its month, a late one into the next bill.
        """
        return self.period_on(self.local_day(sent_at))

    def period_on(self, day: date) -> Month:
        """The same for a reading sent on *day* at the centre."""
        first = Month.of(day).plus(-1)
        if self.billed is not None:
            first = max(first, self.billed.plus(1))
        return next(period for period in map(first.plus, count()) if day <= self.days(period).closes_on)

    def missed_period(self, sent_at: datetime) -> Month | None:
        """The bill of the month of *sent_at* if it is too late for it."""
        month = Month.of(self.local_day(sent_at))
        return month if month < self.counted_period(sent_at) else None
