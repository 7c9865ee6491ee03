"""What residents type is understood, small typos forgiven; what is no wish is not taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.intents import WORDS, Intent, intent_of


@pytest.mark.parametrize(
    ("typed", "intent"),
    [
        ("баланс", Intent.BALANCE),
        ("Долг?", Intent.BALANCE),
        ("долк", Intent.BALANCE),
        ("длог", Intent.BALANCE),
        ("мнею", Intent.MENU),
        ("сколько я должен за квартиру", Intent.BALANCE),
        ("задолжность", Intent.BALANCE),
        ("какой у меня долг?", Intent.BALANCE),
        ("подключить", Intent.LINK),
        ("балланс", Intent.BALANCE),
        ("показанея", Intent.READINGS),
        ("хочу передать показания", Intent.READINGS),
        ("счётчики", Intent.READINGS),
        ("оплатитть", Intent.PAY),
        ("мне бы оплатить", Intent.PAY),
        ("квитанцию за май", Intent.BILL_FILE),
        ("история", Intent.HISTORY),
        ("позовите человека, пожалуйста", Intent.STAFF),
        ("Помощ", Intent.HELP),
        ("/start", Intent.MENU),
        ("/privacy", Intent.PRIVACY),
        ("ОТМЕНА", Intent.CANCEL),
        ("какие данные обо мне", Intent.MY_DATA),
        ("удалить мои данные", Intent.ERASE),
        ("стоп", Intent.STOP),
        ("Спасибо!", Intent.THANKS),
        ("спасибо, а как оплатить", Intent.PAY),
    ],
)
def test_a_wish_is_understood(typed: str, intent: Intent) -> None:
    assert intent_of(typed) is intent


@pytest.mark.parametrize("typed", ["", "да", "фыв", "стол", "кухня", "12345", "…", "а" * 10_000])
def test_what_is_no_wish_is_not_taken_for_one(typed: str) -> None:
    assert intent_of(typed) is None


@pytest.mark.parametrize("words", [words for all_words in WORDS.values() for words in all_words])
def test_each_wish_is_understood_in_its_own_words(words: str) -> None:
    assert words in WORDS[intent_of(words) or Intent.MENU]


@given(st.text())
def test_any_text_is_taken_without_a_failure(typed: str) -> None:
    intent_of(typed)


@pytest.mark.parametrize("typed", ["pay 1000", "оплатить 1 500,50", "pay -5"])
def test_a_sum_beside_the_wish_to_pay_is_no_hindrance(typed: str) -> None:
    assert intent_of(typed) is Intent.PAY
