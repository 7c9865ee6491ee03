"""Whose money a bank's document is, and which payments an agent's transfer has brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bank_statements import (
    Agent,
    Bank,
    BankDocument,
    Batch,
    Charge,
    Outgoing,
    Own,
    Remittance,
    Transfer,
    brought_by,
    sort,
)
from core.money import Money

SBER: Final = Agent(way="bank:sber", inn="7707083893", purpose=("реестр",))
CARDS: Final = Agent(
    way="acquirer:sberbank",
    inn="7707083893",
    purpose=("эквайринг",),
    fee_percent=Decimal("2.5"),
    charges=("комиссия за эквайринг",),
)
BANK: Final = Bank("40702810048000012345", "9800123456", (SBER, CARDS))


def a_document(purpose: str, *, inn: str = "", incoming: bool = True) -> BankDocument:
    return BankDocument(
        line=1,
        number="1",
        day=date(2026, 10, 5),
        amount=Money(100),
        incoming=incoming,
        inn=inn,
        account="40817810048000000001",
        purpose=purpose,
    )


@pytest.mark.parametrize(
    ("document", "about"),
    [
        (a_document("По договору 1, реестр 5", inn="7707083893"), Remittance(SBER)),
        (a_document("Возмещение, ЭКВАЙРИНГ, терминал 7", inn="7707083893"), Remittance(CARDS)),
        (a_document("Комиссия за эквайринг за май", inn="7707083893", incoming=False), Charge(CARDS)),
        (a_document("За расчётное обслуживание", inn="7707083893", incoming=False), Outgoing()),
        (a_document("Пополнение", inn="9800123456"), Own()),
        (a_document("Проценты на остаток", inn="7707083893"), Transfer("")),
    ],
)
def test_a_document_is_told_by_who_sent_it_and_by_words_of_its_purpose(
    document: BankDocument, about: object
) -> None:
    assert sort(document, BANK) == about


@pytest.mark.parametrize(
    "purpose",
    [
        "Оплата ЖКУ;ЛСИ 0581234567;ПРД 09.2026",
        "Оплата ЖКУ, л/с 0581234567",
        "квартплата л/с:0581234567 за май",
        "Лицевой счёт № 0581234567 Иванова",
        "за кв. лиц.сч. 0581234567",
        "ЖКХ ЛС 0581234567",
    ],
)
def test_the_account_that_a_purpose_names_is_found(purpose: str) -> None:
    assert sort(a_document(purpose), BANK) == Transfer("0581234567")


@pytest.mark.parametrize(
    "purpose", ["за услуги 0581234567", "ПУЛСИ 0581234567", "л/с 12", "оплата по счёту 17"]
)
def test_digits_that_nothing_calls_an_account_are_none(purpose: str) -> None:
    assert sort(a_document(purpose), BANK) == Transfer("")


# --- Which payments a transfer brought -------------------------------------------------------------


def a_batch(day: int, gross: int, sent: int | None = None, *, name: str = "") -> Batch:
    on = date(2026, 10, day)
    return Batch(
        "any", name or on.isoformat(), on, Money(gross), None if sent is None else Money(sent), (day,)
    )


def brought(
    amount: int, batches: Sequence[Batch], *, number: str = "1", purpose: str = "", percent: str = "3"
) -> list[str]:
    agent = Agent(way="bank:any", inn="7707083893", fee_percent=Decimal(percent))
    found = brought_by(
        number=number,
        day=date(2026, 10, 20),
        amount=Money(amount),
        purpose=purpose,
        agent=agent,
        batches=batches,
    )
    return [batch.name[-2:] for batch in found]


def test_the_sum_that_a_register_says_will_arrive_is_known_to_the_kopeck() -> None:
    batches = [a_batch(5, 405_041, 403_841), a_batch(6, 405_000, 403_800)]

    assert brought(403_841, batches) == ["05"]
    assert brought(403_842, batches) == []


def test_a_day_of_cards_comes_less_no_more_than_the_fee() -> None:
    batches = [a_batch(4, 235_040)]

    assert brought(228_000, batches) == ["04"]
    assert brought(227_000, batches) == []
    assert brought(235_041, batches) == []


def test_the_whole_sum_that_the_purpose_names_is_believed_before_the_fee_is_guessed() -> None:
    batches = [a_batch(4, 235_040), a_batch(5, 232_000)]
    purpose = "Перевод за 04.10.2026 по договору НЭК.000000.01. Сумма 2350.40, удержано 82.25"

    assert brought(226_815, batches, percent="4") == []
    assert brought(226_815, batches, percent="4", purpose=purpose) == ["04"]


def test_an_orders_number_is_believed_first() -> None:
    batches = [a_batch(4, 10_000, name="000162"), a_batch(4, 10_000, name="000163")]

    assert brought(10_000, batches, number="163") == ["63"]
    assert brought(10_000, batches, number="99") == []


def test_a_holidays_days_come_in_one_transfer() -> None:
    batches = [a_batch(2, 50_000), a_batch(3, 20_000), a_batch(4, 30_000), a_batch(5, 40_000)]

    assert brought(98_000, batches) == ["02", "03", "04"]


def test_two_days_that_may_both_be_meant_are_left_to_a_person() -> None:
    assert brought(9_900, [a_batch(4, 10_000), a_batch(5, 10_000)]) == []


def test_what_is_paid_after_a_transfer_is_not_in_it() -> None:
    assert brought(10_000, [a_batch(21, 10_000)]) == []


def test_a_day_from_which_more_was_given_back_comes_with_its_neighbours() -> None:
    assert brought(9_000, [a_batch(4, 10_000), a_batch(5, -1_000)], percent="0") == ["04", "05"]


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 10_000), st.booleans()), max_size=6), st.data())
def test_what_is_found_is_at_least_what_came_and_less_at_most_by_the_fee(
    days: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    batches = [
        a_batch(day, gross, gross - 1 if said else None, name=f"{place:02}")
        for place, (day, gross, said) in enumerate(days)
    ]
    amount = data.draw(st.integers(1, 20_000))

    names = brought(amount, batches)

    gross = sum(batch.gross.kopecks for batch in batches if batch.name in names)
    assert not names or amount <= gross <= amount / 0.97 + len(names) + 1
