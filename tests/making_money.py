"""Builders of money matters: a test states what matters, the rest is a usual flat in May 2026."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core.acquiring import Attempt, AttemptState, Found, PayLink
from core.allocation import Line
from core.messages import Month, Press
from core.money import NOTHING, Money
from core.statements import Bill, BillLine, Facts, LastBill, OpenLine, OpenMonth, Statement
from core.turns import AccountLink, Centre, Resident, Turn
from core.wording import Words

ACCOUNT = 7
MAY = Month(2026, 5)
# 3 June 2026, noon in Moscow: the bill for May is out and due on the 15th.
IN_JUNE = datetime(2026, 6, 3, 9, 0, tzinfo=UTC)
CENTRE = Centre(name="ЕРКЦ", zone=ZoneInfo("Europe/Moscow"))


def a_link(account: int = ACCOUNT, *, current: bool = True, name: str = "") -> AccountLink:
    return AccountLink(1, account, "0000004567", name, "ул. М…ра, д. 1, кв. •2", current)


def a_turn(said: Any = None, *, links: Sequence[AccountLink] = (a_link(),), **rest: Any) -> Turn:
    """A turn of a resident in chat 3 on 3 June 2026, who has pressed a button."""
    usual: dict[str, Any] = {
        "chat": 3,
        "channel": "telegram",
        "sent_at": IN_JUNE,
        "now": IN_JUNE,
        "said": said or Press("x"),
        "centre": CENTRE,
        "resident": Resident(5, tuple(links)),
        "key": "u1",
    }
    return Turn(**{**usual, **rest})


def a_statement(due: int = 0, **rest: Any) -> Statement:
    """What is due after the bill for May; *due* in kopecks."""
    usual: dict[str, Any] = {
        "account": ACCOUNT,
        "period": MAY,
        "due": Money(due),
        "due_on": date(2026, 6, 15),
        "overdue": NOTHING,
        "penalty": NOTHING,
        "billed": Money(due),
        "counted_until": date(2026, 6, 1),
        "paid_since": NOTHING,
        "differs": False,
    }
    return Statement(**{**usual, **rest})


def a_line(kopecks: int, period: Month = MAY, **rest: Any) -> Line:
    return Line(period=period, due=Money(kopecks), **{"service": "heating", "provider": "P01", **rest})


def a_month(kopecks: int, period: Month = MAY, **rest: Any) -> OpenMonth:
    """A month of which one service is open."""
    return OpenMonth(period, (OpenLine(kopecks=kopecks, **{"service": "heating", **rest}),))


def some_facts(*months: OpenMonth, **rest: Any) -> Facts:
    """What the ledger and the bill for May say of an account."""
    usual: dict[str, Any] = {
        "account": ACCOUNT,
        "advance": NOTHING,
        "bill": a_last_bill(),
        "paid_since": NOTHING,
        "differs": False,
    }
    return Facts(months=months, **{**usual, **rest})


def a_last_bill(total_due: int = 100_000, **rest: Any) -> LastBill:
    usual: dict[str, Any] = {
        "period": MAY,
        "opening": NOTHING,
        "payments_counted": NOTHING,
        "counted_until": date(2026, 6, 1),
        "penalty": NOTHING,
    }
    return LastBill(total_due=Money(total_due), **{**usual, **rest})


def a_bill_line(number: int = 1, payable: int = 10_000, **rest: Any) -> BillLine:
    usual: dict[str, Any] = {
        "service": f"service_{number:02}",
        "name": f"Услуга {number}",
        "unit": "м³",
        "provider": "ООО «Водоканал»",
        "tariff": Decimal("38.000000"),
        "volume": Decimal("5.000000"),
        "method": "M",
        "charged": Money(payable),
        "recalculation": NOTHING,
        "reason": "",
        "benefit": NOTHING,
        "payable": Money(payable),
        "penalty": NOTHING,
    }
    return BillLine(**{**usual, **rest})


def a_bill(*lines: BillLine, **rest: Any) -> Bill:
    usual: dict[str, Any] = {
        "account": ACCOUNT,
        "period": MAY,
        "opening": NOTHING,
        "payments_counted": NOTHING,
        "counted_until": date(2026, 6, 1),
        "penalty": NOTHING,
        "total_due": Money(sum(line.payable.kopecks for line in lines)),
        "due_on": date(2026, 6, 15),
    }
    return Bill(lines=lines, **{**usual, **rest})


# --- Acquiring ------------------------------------------------------------------------------------


def an_attempt(state: str = "pending", **rest: Any) -> Attempt:
    """A go at paying 1 000.00 at the simulator's acquirer, which has it as operation op1."""
    usual: dict[str, Any] = {
        "id": 1,
        "acquirer": "simulated",
        "key": "k1",
        "amount": Money(100_000),
        "description": "ЖКУ",
        "created_at": IN_JUNE,
        "operation": "op1",
        "url": "http://127.0.0.1/pay/op1",
    }
    return Attempt(state=AttemptState(state), **{**usual, **rest})


def found(state: str = "paid", **rest: Any) -> Found:
    """What the acquirer says of that."""
    usual: dict[str, Any] = {"operation": "op1", "key": "k1", "amount": Money(100_000)}
    return Found(state=AttemptState(state), **{**usual, **rest})


def a_pay_link(*attempts: Attempt, **rest: Any) -> PayLink:
    """A link for all that was due, 1 000.00, made on 3 June."""
    usual: dict[str, Any] = {
        "id": 1,
        "account": ACCOUNT,
        "number": "0000004567",
        "language": "ru",
        "source_ref": "ref",
        "amount": Money(100_000),
        "whole": True,
        "expires_at": datetime(2026, 6, 4, 9, 0, tzinfo=UTC),
    }
    return PayLink(attempts=attempts, **{**usual, **rest})


# --- What was said --------------------------------------------------------------------------------

RUSSIAN = Words("ru", CENTRE.zone)


def spoken(reply: Any, words: Words = RUSSIAN) -> str:
    """A reply as the resident reads it, no-break spaces made plain: paragraphs, then labels."""
    lines = []
    for paragraph in reply.body:
        if hasattr(paragraph, "rows"):
            lines += [f"{words.plain(label)} | {words.cell(value)}" for label, value in paragraph.rows]
        else:
            lines.append(words.plain(paragraph))
    lines += [f"[{words.plain(button.label)}]" for row in reply.keyboard for button in row]
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def payloads(reply: Any) -> list[str]:
    """What the reply's press buttons come back with."""
    return [button.payload for row in reply.keyboard for button in row if hasattr(button, "payload")]
