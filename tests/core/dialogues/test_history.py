from datetime import UTC, datetime

from core.dialogues.history import show_history
from core.driving import replay
from core.messages import Month, Reply
from core.money import Money
from core.questions import HistoryOf
from core.statements import BillSummary, History, PaymentSummary
from tests.making_money import ACCOUNT, MAY, a_turn, payloads, spoken


def page(history: History, *args: str) -> Reply:
    [reply] = replay(show_history(a_turn(), args), {HistoryOf: history}).replies
    return reply


def a_bill(period: Month, kopecks: int = 400_000) -> BillSummary:
    return BillSummary(period, Money(kopecks), Money(kopecks))


def a_payment(month: int, day: int, kopecks: int = 150_000, way: str = "bank") -> PaymentSummary:
    return PaymentSummary(datetime(2026, month, day, 9, 0, tzinfo=UTC), Money(kopecks), way)


def a_year() -> History:
    bills = tuple(a_bill(MAY.plus(-back)) for back in range(12))
    return History(ACCOUNT, bills, (a_payment(6, 2), a_payment(5, 12)))


def test_charges_and_payments_are_told_newest_first() -> None:
    said = spoken(page(a_year()))

    assert said.splitlines()[2:5] == [
        "2 июня 2026: оплачено 1 500,00 ₽ через банк",
        "май 2026: начислено 4 000,00 ₽",
        "12 мая 2026: оплачено 1 500,00 ₽ через банк",
    ]


def test_a_month_opens_its_bill() -> None:
    assert payloads(page(a_year()))[:2] == ["bill:2026-05:1:7", "bill:2026-04:1:7"]


def test_pages_lead_both_ways() -> None:
    assert payloads(page(a_year()))[-3:] == ["hist:2:7", "charts:7", "menu"]
    assert payloads(page(a_year(), "2"))[-4:] == ["hist:1:7", "hist:3:7", "charts:7", "menu"]
    assert payloads(page(a_year(), "99"))[-3:] == ["hist:2:7", "charts:7", "menu"]


def test_an_empty_history_is_told() -> None:
    assert "начислений и платежей нет" in spoken(page(History(ACCOUNT, (), ())))


def test_what_was_given_back_is_told_in_words() -> None:
    history = History(ACCOUNT, (a_bill(MAY, -1_000),), (a_payment(6, 2, -500, "acquirer"),))

    said = spoken(page(history))

    assert "возврат платежа 5,00 ₽" in said
    assert "возвращено перерасчётом 10,00 ₽" in said


def test_a_page_that_cannot_be_read_is_the_first() -> None:
    assert page(a_year(), "x") == page(a_year())
