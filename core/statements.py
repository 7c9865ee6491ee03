"""What an account owes, by service and period: the values that dialogues show."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

from core.messages import Month
from core.money import Money


class Statement(msgspec.Struct, frozen=True):
    """What is due on an account now.

    *due* is negative for an advance. *overdue* and *penalty* are parts of it. *billed* is the total of the
    last bill, *paid_since* what arrived after that bill counted payments (*counted_until*). *differs*:
    billing's balance and ours disagree, so *due* is the bill's total less *paid_since*.
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
