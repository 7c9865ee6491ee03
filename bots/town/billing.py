"""A household's bills and payments, month after month, adding up to the kopeck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from bots.town.lines import Line, owed_line
from bots.town.places import Habit, Household
from core.messages import Month
from core.money import Money

MONTHS_BILLED: Final = 12
# The first month is lived through but not written: its total is what the first bill opens with.
MONTHS_LIVED: Final = MONTHS_BILLED + 1
# The bill of February 2026 is the first that is due by the 15th (law 177-FZ).
FIFTEENTH_SINCE: Final = Month(2026, 2)
RATE: Final = Decimal("0.095")
FREE_DAYS: Final = 30
LOW_DAYS: Final = 90
ADVANCE_EVERY: Final = 4
PAYMENT_MIN: Final = 100


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment, in kopecks."""

    on: date
    kopecks: int


@dataclass(frozen=True, slots=True)
class MonthlyBill:
    """A bill: *openings* and *penalties* by service; *lines* has every service that is owed or charged."""

    period: Month
    lines: tuple[Line, ...]
    openings: Mapping[str, int]
    penalties: Mapping[str, int]
    opening: int
    payments: tuple[Paid, ...]
    total: int


@dataclass(slots=True)
class Ledger:
    """What a household owes by service as months go by; a negative sum is an advance."""

    home: Household
    owed: dict[str, int] = field(default_factory=dict)
    overdue: list[tuple[date, dict[str, int]]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """What is owed in all."""
        return sum(self.owed.values())

    def bill(self, period: Month, lines: Sequence[Line], payments: tuple[Paid, ...]) -> MonthlyBill:
        """Close a month: count what was paid, charge *lines* and penalties, carry the rest over."""
        openings = {service: kopecks for service, kopecks in self.owed.items() if kopecks}
        opening = sum(openings.values())
        penalties = self._penalties(period)
        self._pay(sum(paid.kopecks for paid in payments))
        for line in lines:
            self.owed[line.service] = self.owed.get(line.service, 0) + line.payable
        for service, kopecks in penalties.items():
            self.owed[service] = self.owed.get(service, 0) + kopecks
        self._level()
        return MonthlyBill(
            period,
            _with_owed(lines, openings, self.home, period),
            openings,
            penalties,
            opening,
            payments,
            self.total,
        )

    def _pay(self, kopecks: int) -> None:
        if kopecks < self.total:
            self.owed = _less(self.owed, kopecks)
        else:
            self.owed = {next(iter(self.owed), "cold_water"): self.total - kopecks}

    def _level(self) -> None:
        """Use an advance up: what one service was paid too much pays for the others."""
        advance = -sum(kopecks for kopecks in self.owed.values() if kopecks < 0)
        if advance:
            first = next(service for service, kopecks in self.owed.items() if kopecks < 0)
            total = self.total
            positive = {service: max(0, kopecks) for service, kopecks in self.owed.items()}
            self.owed = _less(positive, advance) if total > 0 else {first: total}

    def leave_unpaid(self, period: Month, lines: Sequence[Line]) -> None:
        """Count a bill among those that penalties grow on."""
        day = 15 if period >= FIFTEENTH_SINCE else 10
        due = period.plus(1).first_day.replace(day=day)
        self.overdue.append((due, {line.service: line.payable for line in lines if line.payable > 0}))

    def _penalties(self, period: Month) -> dict[str, int]:
        until = period.plus(1).first_day - timedelta(days=1)
        since = period.first_day - timedelta(days=1)
        grown: dict[str, int] = {}
        for due, layer in self.overdue:
            for service, debt in layer.items():
                more = _penalty(service, debt, due, until) - _penalty(service, debt, due, since)
                if more:
                    grown[service] = grown.get(service, 0) + more
        return grown


def _penalty(service: str, debt: int, due: date, on: date) -> int:
    """What *debt*, due on *due*, has grown in penalties by *on* (Housing Code art. 155, p. 14 and 14.1)."""
    late = (on - due).days
    if late <= FREE_DAYS:
        return 0
    low = late if service == "overhaul" else min(late, LOW_DAYS)
    share = Decimal(low - FREE_DAYS) / 300 + Decimal(late - low) / 130
    return Money.rounded(Money(debt).roubles * RATE * share).kopecks


def _less(owed: Mapping[str, int], kopecks: int) -> dict[str, int]:
    """What is owed after a part payment, shared in proportion, the odd kopecks to the first services."""
    whole = sum(owed.values())
    shares = {service: kopecks * debt // whole for service, debt in owed.items()}
    odd = kopecks - sum(shares.values())
    left: dict[str, int] = {}
    for service, debt in owed.items():
        extra = min(odd, debt - shares[service])
        odd -= extra
        left[service] = debt - shares[service] - extra
    return left


def _with_owed(
    lines: Sequence[Line], openings: Mapping[str, int], home: Household, period: Month
) -> tuple[Line, ...]:
    """The lines, and one more for each service that is owed but not charged this month."""
    charged = {line.service for line in lines}
    rest = (owed_line(service, home, period) for service in openings if service not in charged)
    return (*lines, *rest)


def payments_of(rng: Random, home: Household, period: Month, kopecks: int) -> tuple[Paid, ...]:
    """The payment of *kopecks*, on a day when this household pays; none below a rouble."""
    days = range(17, 29) if home.habit is Habit.LATE else range(5, 16)
    on = period.first_day.replace(day=rng.choice(days))
    return (Paid(on, kopecks),) if kopecks >= PAYMENT_MIN else ()


def paid(rng: Random, home: Household, *, index: int, owed: int, charged: int) -> int:
    """The kopecks that a household pays in the *index*th month, owing *owed* before *charged* is added."""
    match home.habit:
        case Habit.PROMPT | Habit.LATE:
            return owed
        case Habit.DEBTOR:
            return 0 if stopped_paying(home, index) else owed
        case Habit.PART:
            return owed if index % 3 == 0 else owed * rng.randrange(5, 9) // 10 // 10_000 * 10_000
        case Habit.ADVANCE:
            ahead = index % ADVANCE_EVERY == (0 if home.showcase else home.index % ADVANCE_EVERY)
            return (max(0, owed) + 3 * charged) // 100_000 * 100_000 if ahead else owed
        case Habit.ZERO:
            return owed + charged if index == MONTHS_BILLED else owed


def stopped_paying(home: Household, index: int) -> bool:
    """Whether a debtor no longer pays in the *index*th month."""
    return home.habit is Habit.DEBTOR and index > MONTHS_BILLED - home.unpaid_months
