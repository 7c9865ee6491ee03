"""Documents in the chat: the bill as PDF, a bank QR for all that is due or another sum, charts of a year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.amounts import Sum, judge_sum
from core.conversation import Idle
from core.dialogues.balance import MENU_ROW, account_line, account_meant, balance_card, statement_of
from core.driving import Handler
from core.due_dates import due_rules
from core.messages import (
    BillDocument,
    DataClass,
    Month,
    PaymentQr,
    PressButton,
    Reply,
    Text,
    UsageChart,
    press,
    say,
    text,
)
from core.money import NOTHING, Money
from core.questions import BillOf
from core.spoken_months import month_in
from core.turns import AccountLink, Centre, Told, Turn, told

KOPECKS_DIGITS_MAX: Final = 12


async def send_bill(turn: Turn, args: Sequence[str]) -> Told:
    """«Квитанция»: the bill of a month as PDF, the latest if none is named. *args*: period, account."""
    link = account_meant(turn, args[1] if len(args) > 1 else "")
    period = _period(turn, args)
    bill = await BillOf(link.account, due_rules(turn.centre), period)
    history = press("history-button", f"hist:1:{link.account}")
    if bill is None:
        none = text("bill-none-yet") if period is None else text("bill-none", period=period)
        keyboard = ((history,), MENU_ROW)
        return told(Idle(), say(account_line(link), none, keyboard=keyboard, data_class=DataClass.PERSONAL))
    reply = say(
        account_line(link),
        text("document-bill", period=bill.period),
        text("document-bill-receipt"),
        keyboard=(
            (press("bill-button", f"bill:{bill.period}:1:{link.account}"), history),
            MENU_ROW,
        ),
        documents=(BillDocument(link.account, bill.period),),
        data_class=DataClass.PAYMENT,
    )
    return told(Idle(), reply)


def _period(turn: Turn, args: Sequence[str]) -> Month | None:
    """The month of the pressed button, or the one that was typed."""
    if not args and isinstance(turn.said, Text):
        return month_in(turn.said.text, today=turn.today)
    try:
        return Month.parse(args[0]) if args and args[0] else None
    except ValueError:
        return None


# --- Paying by QR ----------------------------------------------------------------------------------


async def send_qr(turn: Turn, args: Sequence[str]) -> Told:
    """«QR для оплаты»: for all that is due now, or for the sum of the button. *args*: period, account, kopecks."""
    link = account_meant(turn, args[1] if len(args) > 1 else "")
    if turn.centre.requisites is None:
        return told(Idle(), say(text("document-no-qr"), keyboard=(MENU_ROW,)))
    statement = await statement_of(turn, link)
    if _is_of_another_bill(args, link, statement.period):
        return told(
            Idle(), balance_card(link, statement, turn.centre, today=turn.today, first=text("pay-old-button"))
        )
    due = _asked_sum(args, turn.centre) or statement.due
    if due <= NOTHING:
        return told(Idle(), balance_card(link, statement, turn.centre, today=turn.today))
    return told(Idle(), _qr_reply(link, due))


def _is_of_another_bill(args: Sequence[str], link: AccountLink, period: Month | None) -> bool:
    """Whether the button was made for another month's bill, or for an account that is linked no more."""
    made_for, account = (*args, "", "")[:2]
    return (made_for != "" and made_for != str(period)) or account not in {"", str(link.account)}


def _asked_sum(args: Sequence[str], centre: Centre) -> Money | None:
    """The sum in a button, within the limits that the chat holds for a typed one."""
    typed = args[2] if len(args) > 2 else ""
    if not (typed.isascii() and typed.isdigit() and len(typed) <= KOPECKS_DIGITS_MAX):
        return None
    limits = centre.limits
    judged = judge_sum(Money(int(typed)), least=limits.payment_other_min, most=limits.payment_max)
    return judged.amount if isinstance(judged, Sum) else None


def _qr_reply(link: AccountLink, due: Money) -> Reply:
    return say(
        account_line(link),
        text("document-qr", amount=due),
        text("document-qr-how"),
        keyboard=((press("menu-balance-button", f"bal:{link.account}"),), MENU_ROW),
        documents=(PaymentQr(link.account, due),),
        data_class=DataClass.PAYMENT,
    )


def qr_button(centre: Centre, version: str, amount: Money | None = None) -> tuple[PressButton, ...]:
    """«QR для оплаты» where the centre has an account to pay to; *version* is the period and the account."""
    if centre.requisites is None:
        return ()
    of_sum = f":{amount.kopecks}" if amount else ""
    return (press("document-qr-button", f"qr:{version}{of_sum}"),)


# --- Charts ----------------------------------------------------------------------------------------


async def send_charts(turn: Turn, args: Sequence[str]) -> Told:
    """«Графики»: 13 months of charges and of each meter's use. *args*: account."""
    link = account_meant(turn, args[0] if args else "")
    # The chart ends with the last month that was billed: this month's bars are still growing.
    bill = await BillOf(link.account, due_rules(turn.centre), None)
    if bill is None:
        return told(Idle(), say(account_line(link), text("document-no-charts"), keyboard=(MENU_ROW,)))
    reply = say(
        account_line(link),
        text("document-charts", period=bill.period),
        keyboard=((press("menu-readings-button", "read"), press("history-button", f"hist:1:{link.account}")), MENU_ROW),
        documents=(UsageChart(link.account, bill.period),),
        data_class=DataClass.PERSONAL,
    )  # fmt: skip
    return told(Idle(), reply)


OF_ACCOUNT: Final[dict[str, Handler]] = {"pdf": send_bill, "qr": send_qr, "charts": send_charts}
