"""The sections of config.yaml about money in the books: how it is spread, what penalties are reckoned with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from core.allocation import Rule
from core.penalties import RULES, Cap, KeyRate, PenaltyRules


class AllocationSection(msgspec.Struct, frozen=True):
    """How a payment is spread: services of *priority* first, in its order; else the oldest month in proportion."""

    priority: tuple[str, ...] = ()

    @property
    def as_rule(self) -> Rule:
        """The same for whoever spreads."""
        return Rule(self.priority)


class KeyRateSection(msgspec.Struct, frozen=True):
    """The Bank of Russia's key rate from a day on, in percent a year."""

    since: date
    percent: Decimal


class CapSection(msgspec.Struct, frozen=True):
    """The most that penalties are reckoned with, from a day to a day (both included)."""

    since: date
    until: date
    percent: Decimal


class PenaltiesSection(msgspec.Struct, frozen=True):
    """What forecasts of penalties go by: *rates* beside those that ship, *caps* instead of them."""

    rates: tuple[KeyRateSection, ...] = ()
    caps: tuple[CapSection, ...] = ()

    @property
    def as_rules(self) -> PenaltyRules:
        """The shipped ones with these."""
        rates = {rate.since: rate for rate in RULES.rates}
        rates |= {rate.since: KeyRate(rate.since, rate.percent) for rate in self.rates}
        caps = tuple(Cap(cap.since, cap.until, cap.percent) for cap in self.caps)
        return PenaltyRules(tuple(rates[since] for since in sorted(rates)), caps or RULES.caps)
