from datetime import timedelta
from typing import Any

import pytest

from core.conversation import ChoosingAmount, Idle
from core.dialogues.payments import ask_amount, choose_amount, payment_refunded, payment_settled, take_amount
from core.driving import replay
from core.messages import DataClass, LinkButton, MessageClass, Text
from core.money import NOTHING, Money
from core.questions import OpenPayment, PaymentLink, PaymentOf, Settled, StatementOf
from core.turns import PaymentRefunded, PaymentSettled, Told
from tests.making_money import ACCOUNT, IN_JUNE, a_link, a_statement, a_turn, payloads, spoken

LINK = PaymentLink("https://pay.example/p/abc", IN_JUNE + timedelta(hours=24))
AWAITED = ChoosingAmount(ACCOUNT)
SETTLED = PaymentSettled(payment=12, account=ACCOUNT, amount=Money(150_000))


def chosen(due: int, *args: str, **statement: Any) -> Told:
    answers = {StatementOf: a_statement(due, **statement), OpenPayment: LINK}
    return replay(choose_amount(a_turn(), args), answers)


def typed(words: str, **turn: Any) -> Told:
    return replay(take_amount(a_turn(**turn), AWAITED, Text(words)), {OpenPayment: LINK})


def test_paying_answers_with_a_link_for_all_that_is_due() -> None:
    told = chosen(432_105)

    [reply] = told.replies
    assert told.stage == Idle()
    assert "К оплате 4 321,05 ₽." in spoken(reply)
    assert isinstance(button := reply.keyboard[0][0], LinkButton)
    assert (button.url, button.data_class, reply.data_class) == (
        LINK.url,
        DataClass.PAYMENT,
        DataClass.PAYMENT,
    )
    assert payloads(reply) == ["payother:2026-05:7", "menu"]


def test_a_link_asks_for_just_what_is_due_once_a_turn() -> None:
    asked = OpenPayment(
        account=7, chat=3, amount=Money(100), whole=True, at=IN_JUNE, source_ref="pay:telegram:3:u1:7:100"
    )

    told = replay(choose_amount(a_turn(), ()), {StatementOf: a_statement(100), asked: LINK})

    assert told.stage == Idle()


@pytest.mark.parametrize("args", [("2026-04", "7"), ("2026-05", "8"), ("x",)])
def test_an_old_button_gets_a_fresh_card_and_opens_nothing(args: tuple[str, ...]) -> None:
    told = replay(choose_amount(a_turn(), args), {StatementOf: a_statement(432_105)})

    assert spoken(told.replies[0]).startswith("Эта кнопка от прошлой квитанции.")


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (0, "Сейчас платить не нужно."),
        (-5_000, "Сейчас платить не нужно."),
        (99, "К оплате меньше 1,00 ₽"),
        (35_000_001, "не больше 350 000,00 ₽"),
    ],
)
def test_what_no_acquirer_takes_asks_for_another_sum(due: int, words: str) -> None:
    told = chosen(due)

    assert told.stage == AWAITED
    assert words in spoken(told.replies[0])


def test_another_sum_is_asked_for_with_a_way_back() -> None:
    told = replay(ask_amount(a_turn(), ()), {})

    [reply] = told.replies
    assert (told.stage, reply.numeric) == (AWAITED, True)
    assert "Можно от 10,00 ₽ до 100 000,00 ₽." in spoken(reply)
    assert payloads(reply) == ["cancel", "menu"]


def test_a_typed_sum_answers_with_a_link() -> None:
    told = typed("1 500,50")

    assert told.stage == Idle()
    assert "Вы платите 1 500,50 ₽." in spoken(told.replies[0])


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("9,99", "Это слишком мало"),
        ("100000,01", "Это слишком много"),
        ("1,234", "Копейки пишут двумя цифрами"),
        ("-5", "больше нуля"),
        ("0", "больше нуля"),
        ("сколько-нибудь", "Не нашли здесь суммы"),
    ],
)
def test_a_sum_that_cannot_be_paid_is_asked_for_again(words: str, answer: str) -> None:
    told = typed(words)

    assert told.stage == AWAITED
    assert answer in spoken(told.replies[0])


def test_a_sum_for_an_account_that_was_unlinked_opens_nothing() -> None:
    told = replay(take_amount(a_turn(links=(a_link(8),)), AWAITED, Text("1500")), {})

    assert told.stage == Idle()


def test_a_stale_sum_opens_nothing() -> None:
    told = replay(take_amount(a_turn(stale=True), AWAITED, Text("1500")), {})

    assert told.stage == Idle()


# --- Afterwards -----------------------------------------------------------------------------------


def settled(**turn: Any) -> Told:
    settled = Settled(amount=Money(150_000), paid_at=IN_JUNE, number="000012", advance=NOTHING)
    answers = {PaymentOf: settled, StatementOf: a_statement(282_105)}
    return replay(payment_settled(a_turn(SETTLED, **turn), SETTLED), answers)


def test_a_payment_is_confirmed_with_its_number_and_the_new_balance() -> None:
    told = settled(stage=AWAITED)

    said = spoken(told.replies[0])
    assert "Оплата получена: 1 500,00 ₽. Спасибо!" in said
    assert "Номер платежа 000012, 03.06.2026 12:00." in said
    assert "К оплате 2 821,05 ₽" in said
    assert (told.stage, told.message_class) == (AWAITED, MessageClass.CONFIRMATION)


def test_whoever_unlinked_meanwhile_hears_of_the_payment_and_not_of_the_balance() -> None:
    said = spoken(settled(links=()).replies[0])

    assert "Оплата получена" in said
    assert "К оплате" not in said


REFUND = PaymentRefunded(payment=12, refund=13, account=ACCOUNT, amount=Money(50_000))


def refunded(**turn: Any) -> Told:
    settled = Settled(amount=Money(150_000), paid_at=IN_JUNE, number="000012", advance=NOTHING)
    answers = {PaymentOf: settled, StatementOf: a_statement(332_105)}
    return replay(payment_refunded(a_turn(REFUND, **turn), REFUND), answers)


def test_a_refund_is_told_with_its_payment_and_what_is_due_again() -> None:
    told = refunded(stage=AWAITED)

    said = spoken(told.replies[0])
    assert "Возвращаем 500,00 ₽." in said
    assert "Это возврат по платежу 000012, 03.06.2026 12:00." in said
    assert "К оплате 3 321,05 ₽" in said
    assert (told.stage, told.message_class) == (AWAITED, MessageClass.CONFIRMATION)


def test_where_payments_may_not_be_told_a_refund_is_told_without_sums() -> None:
    lesser = refunded().replies[0].lesser

    assert lesser is not None
    assert "Платёж возвращён." in spoken(lesser)
    assert "₽" not in spoken(lesser)
