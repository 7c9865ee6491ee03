"""What the stored readings of a meter come to: its last values, what is sent already, its usual use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import takewhile
from typing import Final

import msgspec

from core.messages import Month
from core.meters import Register, Sent

# The own average is of the last six metered months (decree 354, p. 59), and of three at least.
AVERAGE_MONTHS_MAX: Final = 6
AVERAGE_MONTHS_MIN: Final = 3
# So many readings of a register tell all that is asked here, two bills a month included.
READINGS_MAX: Final = 14


class Stored(msgspec.Struct, frozen=True):
    """A live reading of a register. *locked*: a bill was made of it."""

    value: Decimal
    period: Month
    taken_on: date
    received_at: datetime
    locked: bool = False


class History(msgspec.Struct, frozen=True):
    """The live readings of one register, newest first."""

    number: int
    label: str
    rate: Decimal | None
    stored: tuple[Stored, ...] = ()

    def before(self, period: Month) -> tuple[Stored, ...]:
        """The readings that count for earlier bills than that of *period*, the newest of each bill."""
        first: dict[Month, Stored] = {}
        for one in self.stored:
            if one.period < period:
                first.setdefault(one.period, one)
        return tuple(first.values())

    def register(self, period: Month) -> Register:
        """The register as it stands while readings for *period* are being collected."""
        earlier = self.before(period)
        current = next((one for one in self.stored if one.period == period), None)
        return Register(
            number=self.number,
            label=self.label,
            last=earlier[0].value if earlier else None,
            last_on=earlier[0].taken_on if earlier else None,
            sent=Sent(current.value, current.received_at, current.locked) if current else None,
            rate=self.rate,
        )


def average_monthly(histories: Sequence[History], period: Month, *, ratio: Decimal) -> Decimal | None:
    """Use a month over the last six metered months before *period*; None where less is known than three."""
    parts = [_average(history.before(period)) for history in histories]
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) * ratio if known and len(known) == len(parts) else None


def _average(earlier: Sequence[Stored]) -> Decimal | None:
    if not earlier:
        return None
    newest = earlier[0]
    oldest = [one for one in earlier if _months(one.period, newest.period) <= AVERAGE_MONTHS_MAX][-1]
    months = _months(oldest.period, newest.period)
    used = newest.value - oldest.value
    # A dial that passed through zero, or a value that staff lowered, says nothing about usual use.
    return used / months if months >= AVERAGE_MONTHS_MIN and used >= 0 else None


def zero_months(histories: Sequence[History], period: Month) -> int:
    """How many months in a row before *period* nothing was used on any register."""
    return min((_zero_months(history.before(period)) for history in histories), default=0)


def _zero_months(earlier: Sequence[Stored]) -> int:
    unchanged = list(takewhile(lambda one: one.value == earlier[0].value, earlier))
    return _months(unchanged[-1].period, unchanged[0].period) if unchanged else 0


def _months(start: Month, end: Month) -> int:
    return (end.year - start.year) * 12 + end.month - start.month
