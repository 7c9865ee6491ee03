from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.dialogues.balance import show_balance, show_bill
from core.driving import replay
from core.due_dates import due_rules
from core.messages import DataClass, Month, PressButton, Reply, text
from core.money import Money
from core.penalties import Debt
from core.questions import BillOf, StatementOf
from core.statements import Bill, Statement
from core.turns import Resident
from core.wording import Words
from tests.making_money import (
    CENTRE,
    IN_JUNE,
    a_bill,
    a_bill_line,
    a_link,
    a_statement,
    a_turn,
    payloads,
    spoken,
)


def card(statement: Statement, **turn: Any) -> Reply:
    [reply] = replay(show_balance(a_turn(**turn), ()), {StatementOf: statement}).replies
    return reply


def bill_page(bill: Bill | None, *args: str) -> Reply:
    [reply] = replay(show_bill(a_turn(), args), {BillOf: bill}).replies
    return reply


def test_a_debt_is_told_with_its_day_and_a_button_to_pay_it() -> None:
    reply = card(a_statement(432_105))

    assert spoken(reply) == (
        "Лицевой счёт •••• 4567\n"
        "К оплате 4 321,05 ₽\n"
        "Оплатите до 15 июня 2026 включительно.\n"
        "[Оплатить 4 321,05 ₽]\n[Подробнее]\n[История]\n[📄 Квитанция]\n[📊 Графики]\n[Меню]"
    )
    assert payloads(reply) == [
        "pay:2026-05:7",
        "bill:2026-05:1:7",
        "hist:1:7",
        "pdf:2026-05:7",
        "charts:7",
        "menu",
    ]


def test_overdue_and_penalties_are_told_as_parts() -> None:
    said = spoken(card(a_statement(432_105, overdue=Money(120_000), penalty=Money(1_230))))

    assert "из них просрочено: 1 200,00 ₽" in said
    assert "из них пени: 12,30 ₽" in said


def test_what_is_all_overdue_has_no_day_to_pay_by() -> None:
    said = spoken(card(a_statement(1_000, overdue=Money(1_000))))

    assert "Оплатите до" not in said
    assert "Срок оплаты прошёл: платить нужно было до 15 июня 2026." in said


def test_an_advance_is_told_in_words() -> None:
    said = spoken(card(a_statement(-12_000)))

    assert "Переплата 120,00 ₽." in said
    assert "−" not in said
    assert "[Оплатить" not in said


def test_nothing_due_is_told() -> None:
    assert "Всё оплачено. Долга нет." in spoken(card(a_statement(0)))


def test_before_the_first_bill_there_is_something_to_say() -> None:
    said = spoken(card(a_statement(0, period=None, due_on=None)))

    assert "Квитанций по этому счёту пока нет." in said
    assert "[Подробнее]" not in said


def test_where_the_books_differ_the_reckoning_is_shown() -> None:
    statement = a_statement(400_000, billed=Money(500_000), paid_since=Money(100_000), differs=True)

    said = spoken(card(statement))

    assert "в квитанции за май 2026 было 5 000,00 ₽" in said
    assert "учтены до 1 июня 2026, после этого получено 1 000,00 ₽" in said


def test_less_than_an_acquirer_takes_is_not_offered_for_payment() -> None:
    assert payloads(card(a_statement(99)))[0] == "payother:2026-05:7"


def test_a_balance_is_personal_and_its_sum_stays_off_the_button_elsewhere() -> None:
    reply = card(a_statement(432_105))

    assert reply.data_class is DataClass.PERSONAL
    assert isinstance(button := reply.keyboard[0][0], PressButton)
    assert button.neutral == text("pay-button")


def test_a_button_of_another_account_shows_that_account() -> None:
    links = (a_link(7), a_link(8, current=False))
    asked = StatementOf(8, date(2026, 6, 3), due_rules(CENTRE))

    [reply] = replay(show_balance(a_turn(links=links), ("8",)), {asked: a_statement(0, account=8)}).replies

    assert payloads(reply)[-4:-1] == ["hist:1:8", "pdf:2026-05:8", "charts:8"]


def test_a_button_of_an_account_that_was_unlinked_shows_the_current_one() -> None:
    asked = StatementOf(7, date(2026, 6, 3), due_rules(CENTRE))

    told = replay(show_balance(a_turn(), ("8",)), {asked: a_statement()})

    assert len(told.replies) == 1


# --- The bill -------------------------------------------------------------------------------------


def test_the_first_page_of_a_bill_has_the_sums_of_all_twenty_services() -> None:
    reply = bill_page(a_bill(*(a_bill_line(number) for number in range(1, 21))))

    said = spoken(reply)
    assert said.count("| 100,00 ₽") == 20
    assert "К оплате | 2 000,00 ₽" in said
    assert "Срок оплаты: до 15 июня 2026 включительно." in said
    assert "bill:2026-05:2:7" in payloads(reply)


def test_each_service_is_told_with_volume_tariff_and_provider() -> None:
    line = a_bill_line(1, 19_000, recalculation=Money(-500), reason="отсутствие", benefit=Money(100))

    said = spoken(bill_page(a_bill(line), "2026-05", "2"))

    assert "Услуга 1 — 190,00 ₽\n5 м³ по счётчику, тариф 38,00 ₽\nПоставщик: ООО «Водоканал»" in said
    assert "Перерасчёт: вычтено 5,00 ₽ (отсутствие)" in said
    assert "Льгота: вычтено 1,00 ₽" in said


def test_a_tariff_keeps_parts_of_a_kopeck() -> None:
    line = a_bill_line(tariff=Decimal("5.281234"), method="A")

    said = spoken(bill_page(a_bill(line), "2026-05", "2"))

    assert "по среднему расходу, тариф 5,281234 ₽" in said


def test_pages_of_details_lead_both_ways() -> None:
    bill = a_bill(*(a_bill_line(number) for number in range(1, 21)))

    middle, last = bill_page(bill, "2026-05", "3"), bill_page(bill, "2026-05", "99")

    assert payloads(middle)[:2] == ["bill:2026-05:2:7", "bill:2026-05:4:7"]
    assert payloads(last)[0] == "bill:2026-05:3:7"
    assert "Как посчитано за май 2026 (3 из 3)" in spoken(last)
    assert "Услуга 20" in spoken(last)


def test_what_a_bill_gives_back_is_told_in_words() -> None:
    bill = a_bill(a_bill_line(1, -5_000), opening=Money(-2_000), total_due=Money(-7_000))

    said = spoken(bill_page(bill))

    assert "Услуга 1 | возврат 50,00 ₽" in said
    assert "Переплата на 1 мая 2026 | 20,00 ₽" in said
    assert "Переплата | 70,00 ₽" in said


def test_debts_payments_and_penalties_are_in_the_totals() -> None:
    bill = a_bill(a_bill_line(), opening=Money(9_000), payments_counted=Money(4_000), penalty=Money(50))

    said = spoken(bill_page(bill))

    assert "Долг на 1 мая 2026 | 90,00 ₽" in said
    assert "Оплачено до 1 июня 2026 | 40,00 ₽" in said
    assert "Пени | 0,50 ₽" in said


@pytest.mark.parametrize(("args", "words"), [((), "пока нет"), (("2026-01",), "за январь 2026 у нас нет")])
def test_a_month_without_a_bill_is_told(args: tuple[str, ...], words: str) -> None:
    assert words in spoken(bill_page(None, *args))


@pytest.mark.parametrize("args", [("nonsense",), ("2026-05", "x"), ("2026-13", "1"), ("", "")])
def test_a_button_that_cannot_be_read_shows_the_latest_bill(args: tuple[str, ...]) -> None:
    assert "Квитанция за май 2026" in spoken(bill_page(a_bill(a_bill_line()), *args))


def test_english_is_spoken_too() -> None:
    assert "$" not in spoken(card(a_statement(432_105)), Words("en", CENTRE.zone))


def test_no_payload_is_longer_than_a_button_carries() -> None:
    link = a_link(9_999_999_999_999)
    turn = a_turn(resident=Resident(5, (link,)), now=IN_JUNE)

    [reply] = replay(show_bill(turn, ()), {BillOf: a_bill(a_bill_line(), period=Month(2026, 12))}).replies

    assert max(len(payload.encode()) for payload in payloads(reply)) <= 64


# --- Penalties to come -----------------------------------------------------------------------------


def test_a_debtor_is_told_until_when_the_debt_is_free_of_penalties() -> None:
    late = (Debt("heating", Money(100_000), date(2026, 5, 15)),)

    said = spoken(card(a_statement(150_000, overdue=Money(100_000), late=late)))

    assert "Если оплатить долг до 14 июня 2026, пеней не будет." in said


def test_a_debtor_is_told_how_penalties_grow() -> None:
    late = (Debt("heating", Money(1_000_000), date(2026, 4, 15)),)

    said = spoken(card(a_statement(1_000_000, overdue=Money(1_000_000), late=late)))

    # 49 days late today, 79 on 3 July: 30 days of 1/300 of 9.5 % of 10 000 roubles.
    assert "пени растут: к 3 июля 2026 прибавится примерно 95,00 ₽" in said
