"""What is due and what it is made of: the balance card and the bill of a month, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from core.conversation import Idle
from core.dialogues.terms import unit_named
from core.driving import Handler
from core.due_dates import due_rules
from core.messages import (
    DataClass,
    Keyboard,
    Month,
    Paragraph,
    Phrase,
    Press,
    PressButton,
    Reply,
    Table,
    Value,
    press,
    say,
    text,
)
from core.money import NOTHING, Money, total
from core.penalties import forecast
from core.privacy import masked_number
from core.questions import BillOf, StatementOf
from core.statements import Bill, BillLine, Statement
from core.turns import AccountLink, Centre, Told, Turn, told

# Services that a page of details shows; the first page of a bill has the sums of all.
LINES_A_PAGE: Final = 7

MENU_ROW: Final = (press("menu-button", "menu"),)


async def show_balance(turn: Turn, args: Sequence[str]) -> Told:
    """What is due now, by when, and of what kind. *args*: the account, if not the current one."""
    link = account_meant(turn, args[0] if args else "")
    statement = await statement_of(turn, link)
    card = balance_card(link, statement, turn.centre, today=turn.today, replaces=isinstance(turn.said, Press))
    return told(Idle(), card)


async def statement_of(turn: Turn, link: AccountLink) -> Statement:
    """What is due on *link*'s account today."""
    return await StatementOf(link.account, turn.today, due_rules(turn.centre))


def account_meant(turn: Turn, number: str) -> AccountLink:
    """The account that a button was made for, if this resident still has it; else the current one."""
    if (
        turn.resident
        and number.isascii()
        and number.isdigit()
        and (link := turn.resident.link_of(int(number)))
    ):
        return link
    return turn.linked


def account_line(link: AccountLink) -> Phrase:
    """Which account it is about: its masked number and the resident's own name for it."""
    number = masked_number(link.number)
    if not link.name:
        return text("balance-account", number=number)
    return text("balance-account-named", number=number, name=link.name)


# --- The balance card -----------------------------------------------------------------------------


def balance_card(
    link: AccountLink,
    statement: Statement,
    centre: Centre,
    *,
    today: date,
    first: Phrase | None = None,
    replaces: bool = False,
) -> Reply:
    """The statement in words with what to do about it; *first* goes before it."""
    return say(
        *((first,) if first else ()),
        account_line(link),
        *balance_words(statement),
        *forecast_words(statement, centre, today),
        keyboard=_balance_keyboard(link, statement, centre),
        data_class=DataClass.PERSONAL,
        replaces=replaces,
    )


def balance_words(statement: Statement) -> list[Paragraph]:
    """What is due, in words: debt, advance, nothing, or that there is no bill yet."""
    if statement.period is None and not statement.due:
        return [text("balance-no-bill")]
    return [*_due_words(statement), *_doubt_words(statement)]


def forecast_words(statement: Statement, centre: Centre, today: date) -> list[Paragraph]:
    """For a debtor: until when no penalty is due, or how much more it will be; by our own reckoning."""
    expected = forecast(statement.late, today, centre.penalties)
    if expected is None or statement.due <= NOTHING:
        return []
    if not expected.more:
        return [text("balance-free-until", day=expected.day)]
    return [text("balance-penalty-grows", day=expected.day, amount=expected.more)]


def _due_words(statement: Statement) -> list[Paragraph]:
    due = statement.due
    if due < NOTHING:
        return [text("balance-advance", amount=-due)]
    if not due:
        return [text("balance-clear")]
    words: list[Paragraph] = [text("balance-due", amount=due)]
    if statement.penalty:
        words.append(text("balance-penalty", amount=statement.penalty))
    if statement.overdue and statement.overdue != due:
        words.append(text("balance-overdue", amount=statement.overdue))
    if statement.due_on:
        all_late = statement.overdue == due
        words.append(text("balance-all-late" if all_late else "balance-due-on", day=statement.due_on))
    return words


def _doubt_words(statement: Statement) -> list[Paragraph]:
    """Where billing's balance and ours differ: what the sum was reckoned from."""
    if not statement.differs or statement.period is None or statement.counted_until is None:
        return []
    key = "balance-differs" if statement.billed >= NOTHING else "balance-differs-advance"
    words = text(
        key,
        billed=_size(statement.billed),
        period=statement.period,
        counted_until=statement.counted_until,
        paid=statement.paid_since,
    )
    return [words]


def _balance_keyboard(link: AccountLink, statement: Statement, centre: Centre) -> Keyboard:
    rows: list[tuple[PressButton, ...]] = []
    version = f"{statement.period or ''}:{link.account}"
    if statement.due >= centre.limits.payment_min:
        rows.append((pay_button(statement.due, version),))
    else:
        rows.append((press("pay-ahead-button", f"payother:{version}"),))
    history = press("history-button", f"hist:1:{link.account}")
    if statement.period:
        rows.append((press("bill-button", f"bill:{statement.period}:1:{link.account}"), history))
        charts = press("document-charts-button", f"charts:{link.account}")
        rows.append((bill_file_button(statement.period, link), charts))
    else:
        rows.append((history,))
    return (*rows, MENU_ROW)


def bill_file_button(period: Month, link: AccountLink) -> PressButton:
    """«Квитанция»: the bill of *period* as a file."""
    return press("document-bill-button", f"pdf:{period}:{link.account}")


def pay_button(due: Money, version: str) -> PressButton:
    """«Оплатить» with the sum where the channel may carry it; *version* is the period and the account."""
    return press(
        "pay-sum-button",
        f"pay:{version}",
        data_class=DataClass.PERSONAL,
        neutral=text("pay-button"),
        amount=due,
    )


# --- A bill ---------------------------------------------------------------------------------------


async def show_bill(turn: Turn, args: Sequence[str]) -> Told:
    """The bill of a month, the latest by default. *args*: period, page (1: all sums), account."""
    period, page = _asked_page(args)
    link = account_meant(turn, args[2] if len(args) > 2 else "")
    bill = await BillOf(link.account, due_rules(turn.centre), period)
    if bill is None:
        return told(Idle(), _no_bill(link, period))
    pages = 1 + -(-len(bill.lines) // LINES_A_PAGE)
    page = min(max(page, 1), pages)
    body = _overview(bill) if page == 1 else _details(bill, page - 1, pages - 1)
    reply = say(
        account_line(link),
        *body,
        keyboard=_bill_keyboard(bill, link, page, pages),
        data_class=DataClass.PERSONAL,
        replaces=isinstance(turn.said, Press),
    )
    return told(Idle(), reply)


def _asked_page(args: Sequence[str]) -> tuple[Month | None, int]:
    """The period and the page in *args*; whatever cannot be read is as if it were not there."""
    try:
        period = Month.parse(args[0]) if args and args[0] else None
        return period, int(args[1]) if len(args) > 1 else 1
    except ValueError:
        return None, 1


def _no_bill(link: AccountLink, period: Month | None) -> Reply:
    words = text("bill-none-yet") if period is None else text("bill-none", period=period)
    keyboard = ((press("history-button", f"hist:1:{link.account}"),), MENU_ROW)
    return say(account_line(link), words, keyboard=keyboard, data_class=DataClass.PERSONAL)


def _overview(bill: Bill) -> list[Paragraph]:
    totals: list[tuple[Phrase | str, Value]] = []
    if bill.opening:
        key = "bill-debt" if bill.opening > NOTHING else "bill-advance"
        totals.append((text(key, day=bill.period.first_day), _size(bill.opening)))
    if bill.payments_counted:
        totals.append((text("bill-paid", day=bill.counted_until), _signed(bill.payments_counted)))
    totals.append(
        (text("bill-charged", period=bill.period), _signed(total(line.payable for line in bill.lines)))
    )
    if bill.penalty:
        totals.append((text("bill-penalty"), _signed(bill.penalty)))
    key = "bill-total" if bill.total_due >= NOTHING else "bill-total-advance"
    totals.append((text(key), _size(bill.total_due)))
    return [
        text("bill-title", period=bill.period),
        Table(tuple((line.name, _signed(line.payable)) for line in bill.lines)),
        text("bill-and"),
        Table(tuple(totals)),
        text("bill-due-on", day=bill.due_on),
    ]


def _details(bill: Bill, page: int, pages: int) -> list[Paragraph]:
    first = (page - 1) * LINES_A_PAGE
    lines = bill.lines[first : first + LINES_A_PAGE]
    title = text("bill-details-title", period=bill.period, page=page, pages=pages)
    return [title, *(phrase for line in lines for phrase in _line_words(line))]


def _line_words(line: BillLine) -> list[Paragraph]:
    words: list[Paragraph] = [
        text("blank"),
        text("bill-line", name=line.name, payable=_signed(line.payable)),
        text(
            "bill-line-how",
            volume=line.volume,
            unit=unit_named(line.unit),
            how=text("bill-method", method=line.method),
            tariff=_price(line),
        ),
        text("bill-line-provider", provider=line.provider),
    ]
    if line.recalculation:
        words.append(_recalculated(line))
    if line.benefit:
        words.append(text("bill-line-benefit", amount=_size(line.benefit)))
    if line.penalty > NOTHING:
        words.append(text("bill-line-penalty", amount=line.penalty))
    return words


def _recalculated(line: BillLine) -> Phrase:
    more, amount = line.recalculation > NOTHING, _size(line.recalculation)
    if line.reason:
        why = "bill-line-more-why" if more else "bill-line-less-why"
        return text(why, amount=amount, reason=line.reason)
    return text("bill-line-more" if more else "bill-line-less", amount=amount)


def _price(line: BillLine) -> Value:
    """The tariff as a sum, or with all its decimals where it has parts of a kopeck."""
    try:
        return Money.exact(line.tariff)
    except ValueError:
        return text("bill-fine-tariff", tariff=line.tariff)


def _signed(amount: Money) -> Value:
    """*amount*, or in words that it is given back."""
    return amount if amount >= NOTHING else text("bill-back", amount=-amount)


def _size(amount: Money) -> Money:
    return amount if amount >= NOTHING else -amount


def _bill_keyboard(bill: Bill, link: AccountLink, page: int, pages: int) -> Keyboard:
    def to(key: str, number: int) -> PressButton:
        return press(key, f"bill:{bill.period}:{number}:{link.account}")

    if page == 1:
        turns = [to("bill-details-button", 2)] if pages > 1 else []
    else:
        turns = [to("page-back-button", page - 1)]
        if page < pages:
            turns.append(to("page-on-button", page + 1))
    rows = [tuple(turns)] if turns else []
    balance = press("menu-balance-button", f"bal:{link.account}")
    history = press("history-button", f"hist:1:{link.account}")
    return (*rows, (bill_file_button(bill.period, link),), (balance, history), MENU_ROW)


OF_ACCOUNT: Final[dict[str, Handler]] = {"bal": show_balance, "bill": show_bill}
