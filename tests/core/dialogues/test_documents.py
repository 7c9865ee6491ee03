from typing import Any

import msgspec
import pytest

from core.dialogues.documents import send_bill, send_charts, send_qr
from core.dialogues.payments import choose_amount
from core.driving import replay
from core.due_dates import due_rules
from core.messages import BillDocument, DataClass, Month, PaymentQr, Reply, Text, UsageChart
from core.money import Money
from core.questions import BillOf, OpenPayment, PaymentLink, StatementOf
from core.turns import Turn
from tests.making_documents import some_requisites
from tests.making_money import CENTRE, IN_JUNE, MAY, a_bill, a_statement, a_turn, payloads, spoken

WITH_ACCOUNT = msgspec.structs.replace(CENTRE, requisites=some_requisites())


def a_turn_at_a_bank(**rest: Any) -> Turn:
    return a_turn(centre=WITH_ACCOUNT, **rest)


def qr(*args: str, due: int = 432_105, turn: Turn | None = None) -> Reply:
    [reply] = replay(send_qr(turn or a_turn_at_a_bank(), args), {StatementOf: a_statement(due)}).replies
    return reply


# --- The bill --------------------------------------------------------------------------------------


def test_the_bill_comes_as_a_file_with_the_way_to_its_sums() -> None:
    [reply] = replay(send_bill(a_turn(), ()), {BillOf: a_bill()}).replies

    assert reply.documents == (BillDocument(7, MAY),)
    assert reply.data_class is DataClass.PAYMENT
    assert payloads(reply) == ["bill:2026-05:1:7", "hist:1:7", "menu"]
    assert "Квитанция за май 2026 — в файле." in spoken(reply)


def test_who_means_a_receipt_is_shown_the_way_to_payments() -> None:
    [reply] = replay(send_bill(a_turn(), ()), {BillOf: a_bill()}).replies

    assert "Ищете подтверждение оплаты? Платежи видны в «Истории»." in spoken(reply)


@pytest.mark.parametrize(
    ("typed", "month"),
    [
        ("квитанция за март", Month(2026, 3)),
        ("Квитанцию за Декабрь", Month(2025, 12)),
        ("платёжка за май 2025", Month(2025, 5)),
        ("квитанция", None),
    ],
)
def test_the_month_that_is_named_is_asked_for(typed: str, month: Month | None) -> None:
    question = BillOf(7, due_rules(CENTRE), month)

    [reply] = replay(send_bill(a_turn(Text(typed)), ()), {question: a_bill()}).replies

    assert reply.documents == (BillDocument(7, MAY),)


def test_a_month_without_a_bill_is_said_to_have_none() -> None:
    [reply] = replay(send_bill(a_turn(), ("2024-01", "7")), {BillOf: None}).replies

    assert "Квитанции за январь 2024 у нас нет." in spoken(reply)
    assert reply.documents == ()


# --- QR --------------------------------------------------------------------------------------------


def test_a_qr_asks_for_all_that_is_due_now() -> None:
    reply = qr("2026-05", "7")

    assert reply.documents == (PaymentQr(7, Money(432_105)),)
    assert reply.data_class is DataClass.PAYMENT


def test_a_qr_for_another_sum_asks_for_that_sum() -> None:
    assert qr("", "7", "150000").documents == (PaymentQr(7, Money(150_000)),)


@pytest.mark.parametrize("forged", ["-5", "999999999999999", "1", "x", "²", "99999999999"])
def test_a_sum_that_no_button_has_is_not_drawn(forged: str) -> None:
    assert qr("", "7", forged).documents == (PaymentQr(7, Money(432_105)),)


def test_nothing_due_is_no_qr() -> None:
    assert qr("2026-05", "7", due=0).documents == ()


def test_a_qr_button_of_an_earlier_bill_shows_what_is_due_now() -> None:
    reply = qr("2026-04", "7")

    assert reply.documents == ()
    assert "Эта кнопка от прошлой квитанции." in spoken(reply)


def test_a_centre_without_an_account_offers_no_qr() -> None:
    link = PaymentLink("https://pay.example/x", IN_JUNE)
    [reply] = replay(
        choose_amount(a_turn(), ()), {StatementOf: a_statement(432_105), OpenPayment: link}
    ).replies

    assert payloads(reply) == ["payother:2026-05:7", "menu"]
    assert qr(turn=a_turn()).documents == ()


def test_the_pay_card_offers_a_qr() -> None:
    link = PaymentLink("https://pay.example/x", IN_JUNE)
    answers = {StatementOf: a_statement(432_105), OpenPayment: link}
    [reply] = replay(choose_amount(a_turn_at_a_bank(), ()), answers).replies

    assert payloads(reply) == ["payother:2026-05:7", "qr:2026-05:7", "menu"]


# --- Charts ----------------------------------------------------------------------------------------


def test_charts_end_with_the_last_bill() -> None:
    [reply] = replay(send_charts(a_turn(), ()), {BillOf: a_bill()}).replies

    assert reply.documents == (UsageChart(7, MAY),)
    assert reply.data_class is DataClass.PERSONAL


def test_before_the_first_bill_there_are_no_charts() -> None:
    [reply] = replay(send_charts(a_turn(), ()), {BillOf: None}).replies

    assert (reply.documents, "Графиков пока нет" in spoken(reply)) == ((), True)
