"""Penalties for paying late: our own reckoning, for forecasts and comparisons. The books hold billing's alone.

ЖК РФ art. 155: p. 14 (30 days free, then 1/300 of the rate a day, from the 91st day 1/130) and p. 14.1
(overhaul: 1/300 from the 31st day, with no further step). The rate is the Bank of Russia's key rate of the day
of payment, capped while decrees 474/2022, 2382/2023 and 329/2025 say so. Interest is simple, on each debt by
itself, and a sum is rounded once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

import msgspec

from core.money import NOTHING, Money

OVERHAUL: Final = "overhaul"
FREE_DAYS: Final = 30
FIRST_STEP_DAYS: Final = 90
FORECAST_DAYS: Final = 30


class KeyRate(msgspec.Struct, frozen=True):
    """The Bank of Russia's key rate in percent a year, from a day on."""

    since: date
    percent: Decimal


class Cap(msgspec.Struct, frozen=True):
    """The most that is reckoned with, in percent a year, from a day to a day (both included)."""

    since: date
    until: date
    percent: Decimal


class PenaltyRules(msgspec.Struct, frozen=True):
    """The key rates in the order of their days, and the caps."""

    rates: tuple[KeyRate, ...]
    caps: tuple[Cap, ...] = ()

    def rate_on(self, day: date) -> Decimal:
        """Percent a year on *day*; before the first known rate that one, after the last one the last."""
        known = [rate for rate in self.rates if rate.since <= day] or [min(self.rates, key=_since)]
        percent = max(known, key=_since).percent
        return min([percent, *(cap.percent for cap in self.caps if cap.since <= day <= cap.until)])


def _since(rate: KeyRate) -> date:
    return rate.since


# Far above the cap as long as it holds: what comes after is for the centre's configuration to say.
RULES: Final = PenaltyRules(
    rates=(KeyRate(date(2024, 10, 28), Decimal(21)), KeyRate(date(2025, 10, 27), Decimal("16.5"))),
    caps=(Cap(date(2022, 2, 28), date(2026, 12, 31), Decimal("9.5")),),
)


class Debt(msgspec.Struct, frozen=True, gc=False):
    """What is owed for one service of one month, and the last day on which it would have been in time."""

    service: str
    amount: Money
    due_on: date


def penalty(debt: Debt, paid_on: date, rules: PenaltyRules = RULES) -> Money:
    """The penalty on *debt* if it is paid on *paid_on*, that day included."""
    share = _a_kopeck(debt.service == OVERHAUL, debt.due_on, paid_on, rules)
    return Money(_nearest(debt.amount.kopecks * share.numerator, share.denominator))


def accrued(debt: Debt, paid_on: date, rules: PenaltyRules = RULES) -> Fraction:
    """The same in kopecks before rounding: parts of one debt that were paid on several days are added first."""
    return debt.amount.kopecks * _a_kopeck(debt.service == OVERHAUL, debt.due_on, paid_on, rules)


# The debts of a town share their few due days, and fractions are dear.
@lru_cache(maxsize=1024)
def _a_kopeck(overhaul: bool, due_on: date, paid_on: date, rules: PenaltyRules) -> Fraction:
    """The penalty on a kopeck that was due on *due_on*."""
    late = (paid_on - due_on).days
    if late <= FREE_DAYS:
        return Fraction(0)
    if overhaul:
        share = Fraction(late - FREE_DAYS, 300)
    else:
        first = min(late, FIRST_STEP_DAYS) - FREE_DAYS
        share = Fraction(first, 300) + Fraction(max(0, late - FIRST_STEP_DAYS), 130)
    return Fraction(rules.rate_on(paid_on)) / 100 * share


def rounded(kopecks: Fraction) -> Money:
    """The nearest kopeck, halves away from zero."""
    return Money(_nearest(kopecks.numerator, kopecks.denominator))


def _nearest(numerator: int, denominator: int) -> int:
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return nearest if numerator >= 0 else -nearest


def penalties(debts: Iterable[Debt], paid_on: date, rules: PenaltyRules = RULES) -> Money:
    """The penalties on all of *debts* if they are paid on *paid_on*."""
    alike: dict[tuple[bool, date], list[int]] = defaultdict(list)
    for debt in debts:
        alike[debt.service == OVERHAUL, debt.due_on].append(debt.amount.kopecks)
    kopecks = 0
    for (overhaul, due), amounts in alike.items():
        share = _a_kopeck(overhaul, due, paid_on, rules)
        numerator, denominator = share.numerator, share.denominator
        kopecks += sum([_nearest(amount * numerator, denominator) for amount in amounts])
    return Money(kopecks)


class Forecast(msgspec.Struct, frozen=True):
    """Paying by *day* costs so much *more* in penalties than paying today; nothing: no penalty at all."""

    day: date
    more: Money


def forecast(debts: Sequence[Debt], today: date, rules: PenaltyRules = RULES) -> Forecast | None:
    """What becomes of debts that are late: until when they are free of penalties, or how these grow.

    None where nothing is late, or too little for a kopeck.
    """
    late = [debt for debt in debts if debt.due_on < today and debt.amount > NOTHING]
    if not late:
        return None
    free_until = min(debt.due_on for debt in late) + timedelta(days=FREE_DAYS)
    if today <= free_until:
        return Forecast(free_until, NOTHING)
    day = today + timedelta(days=FORECAST_DAYS)
    more = penalties(late, day, rules) - penalties(late, today, rules)
    return Forecast(day, more) if more > NOTHING else None
