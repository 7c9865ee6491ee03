"""Charges and payments of the last 12 months, newest first; a month opens its bill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from core.conversation import Idle
from core.dialogues.balance import MENU_ROW, account_line, account_meant
from core.driving import Handler
from core.messages import (
    DataClass,
    Keyboard,
    Month,
    Paragraph,
    Phrase,
    Press,
    PressButton,
    press,
    say,
    text,
)
from core.money import NOTHING
from core.questions import HistoryOf
from core.statements import BillSummary, History, PaymentSummary
from core.turns import AccountLink, Told, Turn, told

# With a button for each bill a page still fits into ten buttons, the fewest that a channel has.
ENTRIES_A_PAGE: Final = 6

Entry: TypeAlias = BillSummary | PaymentSummary


async def show_history(turn: Turn, args: Sequence[str]) -> Told:
    """A page of what was charged and paid. *args*: page, account."""
    link = account_meant(turn, args[1] if len(args) > 1 else "")
    history = await HistoryOf(link.account, Month.of(turn.today))
    entries = newest_first(history, turn.centre.zone)
    pages = max(1, -(-len(entries) // ENTRIES_A_PAGE))
    page = min(max(int(args[0]) if args and args[0].isdecimal() else 1, 1), pages)
    shown = entries[(page - 1) * ENTRIES_A_PAGE :][:ENTRIES_A_PAGE]
    reply = say(
        account_line(link),
        *_words(shown, turn.centre.zone),
        keyboard=_keyboard(link, shown, page, pages),
        data_class=DataClass.PERSONAL,
        replaces=isinstance(turn.said, Press),
    )
    return told(Idle(), reply)


def newest_first(history: History, zone: ZoneInfo) -> list[Entry]:
    """Bills and payments in one row; a bill comes about when its month is over."""

    def day_of(entry: Entry) -> date:
        match entry:
            case BillSummary(period=period):
                return period.plus(1).first_day
            case PaymentSummary(paid_at=paid_at):
                return paid_at.astimezone(zone).date()

    return sorted([*history.payments, *history.bills], key=day_of, reverse=True)


def _words(entries: Sequence[Entry], zone: ZoneInfo) -> list[Paragraph]:
    if not entries:
        return [text("history-none")]
    return [text("history-title"), *(_line(entry, zone) for entry in entries)]


def _line(entry: Entry, zone: ZoneInfo) -> Phrase:
    match entry:
        case BillSummary(period=period, charged=charged):
            if charged < NOTHING:
                return text("history-credit", period=period, amount=-charged)
            return text("history-bill", period=period, amount=charged)
        case PaymentSummary(paid_at=paid_at, amount=amount, way=way):
            day = paid_at.astimezone(zone).date()
            if amount < NOTHING:
                return text("history-refund", day=day, amount=-amount)
            return text("history-payment", day=day, amount=amount, way=text("history-way", way=way))


def _keyboard(link: AccountLink, entries: Sequence[Entry], page: int, pages: int) -> Keyboard:
    bills = [
        press("history-month-button", f"bill:{entry.period}:1:{link.account}", period=entry.period)
        for entry in entries
        if isinstance(entry, BillSummary)
    ]
    rows = [tuple(bills[at : at + 2]) for at in range(0, len(bills), 2)]
    turns: list[PressButton] = []
    if page > 1:
        turns.append(press("page-newer-button", f"hist:{page - 1}:{link.account}"))
    if page < pages:
        turns.append(press("page-older-button", f"hist:{page + 1}:{link.account}"))
    if turns:
        rows.append(tuple(turns))
    charts = (press("document-charts-button", f"charts:{link.account}"),) if bills else ()
    return (*rows, (*charts, *MENU_ROW))


OF_ACCOUNT: Final[dict[str, Handler]] = {"hist": show_history}
