"""What an account owes, by service and period: the values that dialogues show, and how they come about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

import msgspec

from core.due_dates import DueRules, due_on
from core.messages import Month
from core.money import NOTHING, Money
from core.penalties import Debt


class Statement(msgspec.Struct, frozen=True):
    """What is due on an account now.

    *due* is negative for an advance. *overdue* and *penalty* are parts of it. *billed* is the total of the
    last bill, *paid_since* what arrived after that bill counted payments (*counted_until*). *differs*:
    billing's balance and ours disagree, so *due* is the bill's total less *paid_since*. *late* are the debts
    behind *overdue* on which penalties grow, where they are known.
    """

    account: int
    period: Month | None
    due: Money
    due_on: date | None
    overdue: Money
    penalty: Money
    billed: Money
    counted_until: date | None
    paid_since: Money
    differs: bool
    late: tuple[Debt, ...] = ()


class BillLine(msgspec.Struct, frozen=True):
    """A line of a bill. *method*: M by meter, N by norm, A by average, O other."""

    service: str
    name: str
    unit: str
    provider: str
    tariff: Decimal
    volume: Decimal
    method: str
    charged: Money
    recalculation: Money
    reason: str
    benefit: Money
    payable: Money
    penalty: Money


class Bill(msgspec.Struct, frozen=True):
    """One month's bill with its lines in the order of the form."""

    account: int
    period: Month
    opening: Money
    payments_counted: Money
    counted_until: date
    lines: tuple[BillLine, ...]
    penalty: Money
    total_due: Money
    due_on: date


class BillSummary(msgspec.Struct, frozen=True):
    """A month's bill in the history: what was charged, and what was due in all."""

    period: Month
    charged: Money
    total_due: Money


class PaymentSummary(msgspec.Struct, frozen=True):
    """A payment in the history; *way* is the channel only (acquirer, bank, post, cash, payroll)."""

    paid_at: datetime
    amount: Money
    way: str


class History(msgspec.Struct, frozen=True):
    """The bills and payments of an account's last 12 months, newest first."""

    account: int
    bills: tuple[BillSummary, ...]
    payments: tuple[PaymentSummary, ...]


# --- From what the ledger and the last bill say to a statement ------------------------------------


class LastBill(msgspec.Struct, frozen=True):
    """What the newest bill says in all. *penalty* is part of *total_due*."""

    period: Month
    opening: Money
    payments_counted: Money
    counted_until: date
    penalty: Money
    total_due: Money


class OpenLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is open in the books for one service of a month; negative: more was credited than charged."""

    service: str
    kopecks: int
    penalty: bool = False
    optional: bool = False


class OpenMonth(msgspec.Struct, frozen=True):
    """A month of which something is open."""

    period: Month
    lines: tuple[OpenLine, ...]


class Facts(msgspec.Struct, frozen=True):
    """What is known of an account: what is open by months, the advance not yet spread, the last bill.

    *paid_since* is what was received after the last bill's `counted_until`; *differs*: billing's balance
    and ours disagree.
    """

    account: int
    months: tuple[OpenMonth, ...]
    advance: Money
    bill: LastBill | None
    paid_since: Money
    differs: bool


def state(facts: Facts, on: date, dues: DueRules) -> Statement:
    """What is due on *on*: by our books, or, where billing disagrees with them, by its last bill."""
    bill = facts.bill
    if facts.differs and bill is not None:
        return _by_bill(facts, bill, on, dues)
    open_now = _open(facts.months, on, dues)
    due = Money(open_now.kopecks) - facts.advance
    return Statement(
        account=facts.account,
        period=bill.period if bill else None,
        due=due,
        due_on=due_on(bill.period, dues) if bill else None,
        overdue=_part(Money(open_now.overdue), of=due),
        penalty=_part(Money(open_now.penalty), of=due),
        billed=bill.total_due if bill else NOTHING,
        counted_until=bill.counted_until if bill else None,
        paid_since=facts.paid_since,
        differs=False,
        late=open_now.late,
    )


def _by_bill(facts: Facts, bill: LastBill, on: date, dues: DueRules) -> Statement:
    due = bill.total_due - facts.paid_since
    day = due_on(bill.period, dues)
    carried = bill.opening - bill.payments_counted - facts.paid_since
    return Statement(
        account=facts.account,
        period=bill.period,
        due=due,
        due_on=day,
        overdue=_part(due if on > day else carried, of=due),
        penalty=_part(bill.penalty, of=due),
        billed=bill.total_due,
        counted_until=bill.counted_until,
        paid_since=facts.paid_since,
        differs=True,
    )


class _Open(msgspec.Struct, frozen=True):
    """What is open, in kopecks; what of it is overdue, and what are penalties; what penalties grow on."""

    kopecks: int
    overdue: int
    penalty: int
    late: tuple[Debt, ...]


def _open(months: Iterable[OpenMonth], on: date, dues: DueRules) -> _Open:
    """Sum *months* up as of *on*. In one pass: every look at a balance comes here, with some twenty lines a month."""
    kopecks = overdue = penalty = 0
    late: list[Debt] = []
    for month in months:
        day = due_on(month.period, dues)
        is_late = day < on
        for line in month.lines:
            kopecks += line.kopecks
            if line.penalty:
                penalty += line.kopecks
            if is_late and not line.optional:
                overdue += line.kopecks
                if line.kopecks > 0 and not line.penalty:
                    late.append(Debt(line.service, Money(line.kopecks), day))
    return _Open(kopecks, overdue, penalty, tuple(late))


def _part(amount: Money, *, of: Money) -> Money:
    """*amount* as a part of what is due: never below zero, never above the whole."""
    return max(NOTHING, min(amount, of))
