"""What the cells of one row must agree on, each kind of file its own way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, eq
from typing import Final

from storage.exchange_cells import Value

# A complaint about a row whose cells are readable each by itself: the column, and the reason.
Complaint = tuple[str, str]
RowCheck = Callable[[Mapping[str, Value]], "Complaint | None"]


@dataclass(frozen=True, slots=True)
class Sum:
    """A column of money is the sum of those in *plus* less those in *minus*, or the *reason* is said."""

    column: str
    plus: tuple[str, ...]
    minus: tuple[str, ...]
    reason: str

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (self.column, *self.plus, *self.minus)

    def __call__(self, row: Mapping[str, Value]) -> Complaint | None:
        added = _sums(row, *self.plus)
        return None if row[self.column] == added - _sums(row, *self.minus) else (self.column, self.reason)

    def holds(self, columns: Mapping[str, Sequence[int]]) -> bool:
        """Whether it is so in every row of these columns."""
        added = _added([columns[name] for name in self.plus])
        taken = _added([columns[name] for name in (self.column, *self.minus)])
        return all(map(eq, added, taken))


def _added(columns: Sequence[Iterable[int]]) -> Iterable[int]:
    return reduce(lambda so_far, column: map(add, so_far, column), columns)


def _sums(row: Mapping[str, Value], *columns: str) -> int:
    return sum(int(str(row[column])) for column in columns)


PAYABLE: Final = Sum(
    "payable",
    plus=("charged_individual", "charged_common", "multiplier_sum", "recalculation"),
    minus=("benefit",),
    reason="is not charged + multiplier_sum + recalculation - benefit",
)
TOTAL_DUE: Final = Sum(
    "total_due",
    plus=("opening", "charged", "recalculation", "penalty"),
    minus=("payments_counted", "benefit"),
    reason="is not opening - payments_counted + charged + recalculation - benefit + penalty",
)


def moves_money(row: Mapping[str, Value]) -> Complaint | None:
    """A payment moves something; it is below zero where it gives one back, and there alone."""
    if row["amount"] == 0:
        return "amount", "must not be 0.00"
    if (_sums(row, "amount") < 0) != (row["reverses_payment_id"] is not None):
        return "reverses_payment_id", "is named exactly where the amount is negative"
    return None


def has_registers(row: Mapping[str, Value]) -> Complaint | None:
    """A meter has registers, and a last value its day."""
    if row["registers"] not in {1, 2, 3}:
        return "registers", "is not 1, 2 or 3"
    values = [row[f"last_value_t{register}"] for register in (1, 2, 3)]
    if any(value is not None for value in values) and row["last_value_on"] is None:
        return "last_value_on", "must be there with a last value"
    return None


def is_a_reading(row: Mapping[str, Value]) -> Complaint | None:
    """A reading is not negative, of a register that a meter may have."""
    if str(row["value"]).startswith("-"):
        return "value", "must not be negative"
    return None if row["register"] in {1, 2, 3} else ("register", "is not 1, 2 or 3")


def is_answered(row: Mapping[str, Value]) -> Complaint | None:
    """A reading that is rejected is told why."""
    if row["result"] == "rejected" and not row["reason"]:
        return "reason", "must say why the reading is rejected"
    return None
