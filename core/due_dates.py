"""When a bill is due: the centre's effective-dated day of the following month, moved off days of rest."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from core.messages import Month
from core.turns import Centre, DueDay

# Days of rest that come every year (ТК РФ art. 112), as (month, day).
HOLIDAYS: Final = frozenset(
    {*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)}
)

SATURDAY: Final = 5


class DueRules(msgspec.Struct, frozen=True):
    """The due days of the centre; *days_off* and *days_worked* are what the government moves each year."""

    days: tuple[DueDay, ...]
    days_off: tuple[date, ...] = ()
    days_worked: tuple[date, ...] = ()


def due_rules(centre: Centre) -> DueRules:
    """The due days that *centre* goes by."""
    return DueRules(centre.due_days, centre.days_off, centre.days_worked)


@lru_cache(maxsize=1024)
def due_on(period: Month, rules: DueRules) -> date:
    """The last day on which the bill of *period* is paid in time (ЖК РФ art. 155 p. 1, ГК РФ art. 193).

    Raises ValueError if no rule covers the period.
    """
    covering = [rule for rule in rules.days if rule.since <= period]
    if not covering:
        raise ValueError(f"no due day is set for bills of {period}")
    rule = max(covering, key=lambda candidate: candidate.since)
    return _worked(period.plus(1).first_day.replace(day=rule.day), rules)


def next_working_day(day: date, rules: DueRules) -> date:
    """The first working day after *day*."""
    return _worked(day + timedelta(days=1), rules)


def _worked(day: date, rules: DueRules) -> date:
    """*day*, or the first working day after it."""
    while not _is_worked(day, rules):
        day += timedelta(days=1)
    return day


def _is_worked(day: date, rules: DueRules) -> bool:
    if day in rules.days_worked:
        return True
    rests = day.weekday() >= SATURDAY or (day.month, day.day) in HOLIDAYS
    return not rests and day not in rules.days_off
