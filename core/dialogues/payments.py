"""Paying: all that is due or another sum, answered at once by the centre's own link; and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.amounts import NoSum, NotPositive, PartKopecks, Sum, TooLittle, TooMuch, judge_sum, read_sum
from core.conversation import ChoosingAmount, Idle
from core.dialogues.balance import (
    MENU_ROW,
    account_line,
    account_meant,
    balance_card,
    balance_words,
    statement_of,
)
from core.dialogues.documents import qr_button
from core.dialogues.menu import WAYS_OUT_ROW
from core.driving import Handler
from core.messages import (
    DataClass,
    Keyboard,
    LinkButton,
    MessageClass,
    Paragraph,
    Phrase,
    PressButton,
    Reply,
    Text,
    press,
    say,
    text,
)
from core.money import NOTHING, Money
from core.questions import OpenPayment, PaymentLink, PaymentOf
from core.statements import Statement
from core.turns import AccountLink, PaymentRefunded, PaymentSettled, Told, Turn, told


async def choose_amount(turn: Turn, args: Sequence[str]) -> Told:
    """A link for all that is due, or the question for another sum. *args*: period and account of the button."""
    link = account_meant(turn, args[1] if len(args) > 1 else "")
    statement = await statement_of(turn, link)
    if _is_old(args, link, statement):
        return told(
            Idle(), balance_card(link, statement, turn.centre, today=turn.today, first=text("pay-old-button"))
        )
    if statement.due <= NOTHING:
        return told(ChoosingAmount(link.account), _ask(turn, link, text("pay-nothing-due")))
    limits = turn.centre.limits
    match judge_sum(statement.due, least=limits.payment_min, most=limits.payment_all_max):
        case Sum(amount):
            opened = await _open(turn, link, amount, whole=True)
            version = f"{statement.period or ''}:{link.account}"
            other = press("pay-other-button", f"payother:{version}")
            row = (other, *qr_button(turn.centre, version))
            return told(Idle(), _link_reply(link, opened, text("pay-all", amount=amount), row))
        case TooLittle(least):
            return told(
                ChoosingAmount(link.account), _ask(turn, link, text("pay-due-too-little", least=least))
            )
        case TooMuch(most):
            return told(ChoosingAmount(link.account), _ask(turn, link, text("pay-due-too-much", most=most)))


async def ask_amount(turn: Turn, args: Sequence[str]) -> Told:
    """«Другая сумма»: the sum is asked for. *args*: period and account of the button."""
    link = account_meant(turn, args[1] if len(args) > 1 else "")
    return told(ChoosingAmount(link.account), _ask(turn, link, text("pay-ask")))


async def take_amount(turn: Turn, stage: ChoosingAmount, said: Text) -> Told:
    """A link for the sum that was typed, or what is wrong with it."""
    link = turn.resident.link_of(stage.account) if turn.resident else None
    if link is None or turn.stale:
        return told(Idle(), say(text("pay-lost"), keyboard=(MENU_ROW,)))
    limits = turn.centre.limits
    match read_sum(said.text, least=limits.payment_other_min, most=limits.payment_max):
        case Sum(amount):
            opened = await _open(turn, link, amount, whole=False)
            row = qr_button(turn.centre, f":{link.account}", amount)
            return told(Idle(), _link_reply(link, opened, text("pay-other", amount=amount), row))
        case TooLittle(least):
            return told(stage, _ask(turn, link, text("pay-too-little", least=least)))
        case TooMuch(most):
            return told(stage, _ask(turn, link, text("pay-too-much", most=most)))
        case NoSum():
            return told(stage, _ask(turn, link, text("pay-no-sum")))
        case PartKopecks():
            return told(stage, _ask(turn, link, text("pay-part-kopecks")))
        case NotPositive():
            return told(stage, _ask(turn, link, text("pay-not-positive")))


def _is_old(args: Sequence[str], link: AccountLink, statement: Statement) -> bool:
    """Whether the pressed button was made for another month, or for an account that is not linked any more."""
    if not args:
        return False
    period, account = args[0], args[1] if len(args) > 1 else ""
    return (period != "" and period != str(statement.period)) or account not in {"", str(link.account)}


def _ask(turn: Turn, link: AccountLink, why: Phrase) -> Reply:
    """*why* a sum is awaited, with its limits and the ways back."""
    limits = turn.centre.limits
    most = text("pay-limits", least=limits.payment_other_min, most=limits.payment_max)
    # Why a sum is awaited may tell what is due; how to write one tells nothing.
    plainly = text("pay-ask") if why.key in _TELLS_WHAT_IS_DUE else why
    return say(
        account_line(link),
        why,
        most,
        keyboard=(WAYS_OUT_ROW,),
        data_class=DataClass.PERSONAL,
        lesser=say(plainly, most, keyboard=(WAYS_OUT_ROW,), numeric=True),
        numeric=True,
    )


_TELLS_WHAT_IS_DUE: Final = frozenset({"pay-nothing-due", "pay-due-too-little", "pay-due-too-much"})


async def _open(turn: Turn, link: AccountLink, amount: Money, *, whole: bool) -> PaymentLink:
    # The ref has all that the link is made of, so that a repeated turn gets the same link and no other does.
    ref = f"pay:{turn.channel}:{turn.chat}:{turn.key}:{link.account}:{amount.kopecks}"
    return await OpenPayment(
        account=link.account, chat=turn.chat, amount=amount, whole=whole, at=turn.now, source_ref=ref
    )


def _link_reply(link: AccountLink, opened: PaymentLink, words: Phrase, row: tuple[PressButton, ...]) -> Reply:
    to_page = LinkButton(
        text("pay-link-button"), opened.url, DataClass.PAYMENT, neutral=text("pay-link-button")
    )
    return say(
        account_line(link),
        words,
        text("pay-expires", at=opened.expires_at),
        keyboard=((to_page,), row, MENU_ROW) if row else ((to_page,), MENU_ROW),
        data_class=DataClass.PAYMENT,
    )


async def payment_settled(turn: Turn, event: PaymentSettled) -> Told:
    """«Оплата получена»: the receipt's number and, if the account is still linked here, what is due now."""
    settled = await PaymentOf(event.payment)
    words = [
        text("payment-received", amount=settled.amount),
        text("payment-number", number=settled.number, at=settled.paid_at),
    ]
    return await _news(turn, event.account, words, plainly=text("payment-received-plainly"))


async def payment_refunded(turn: Turn, event: PaymentRefunded) -> Told:
    """«Платёж возвращён»: how much of which payment and, if the account is still linked here, what is due now."""
    settled = await PaymentOf(event.payment)
    words = [
        text("payment-refunded", amount=event.amount),
        text("payment-refunded-of", number=settled.number, at=settled.paid_at),
    ]
    return await _news(turn, event.account, words, plainly=text("payment-refunded-plainly"))


async def _news(turn: Turn, account: int, words: Sequence[Phrase], *, plainly: Phrase) -> Told:
    link = turn.resident.link_of(account) if turn.resident else None
    if link is None:
        keyboard: Keyboard = (MENU_ROW,)
        body: tuple[Paragraph, ...] = tuple(words)
    else:
        statement = await statement_of(turn, link)
        keyboard = ((press("menu-balance-button", f"bal:{link.account}"),), MENU_ROW)
        body = (*words, account_line(link), *balance_words(statement))
    lesser = say(plainly, keyboard=keyboard)
    reply = say(*body, keyboard=keyboard, data_class=DataClass.PAYMENT, lesser=lesser)
    return Told(turn.stage, (reply,), message_class=MessageClass.CONFIRMATION)


OF_ACCOUNT: Final[dict[str, Handler]] = {"pay": choose_amount, "payother": ask_amount}
