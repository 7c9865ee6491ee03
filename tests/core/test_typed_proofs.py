"""Numbers and proofs are read as people type them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money
from core.questions import ByCode, ByMeter, ByTotal, Proof
from core.typed_proofs import (
    CODE,
    METER,
    TOTAL,
    normal_code,
    normal_phone,
    read_kind,
    read_number,
    read_proof,
)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0012345678", "0012345678"),
        (" 0012 345 678 ", "0012345678"),
        ("00-1234-5678", "0012345678"),
        ("л/с 0012345678", "0012345678"),
        ("Лицевой счёт № 0012345678.", "0012345678"),
        ("мой лс: 12345", "12345"),
        ("１２３４５６", "123456"),
        ("1234", None),
        ("123456789012345678901", None),
        ("12345678 и 87654321", None),
        ("не помню", None),
        ("", None),
        ("12345" + " " * 200, None),
    ],
)
def test_a_number_is_its_digits(typed: str, number: str | None) -> None:
    assert read_number(typed) == number


@pytest.mark.parametrize(
    ("kind", "typed", "proof"),
    [
        (TOTAL, "4321,09", ByTotal(Money(432_109))),
        (TOTAL, "4 321.09 руб", ByTotal(Money(432_109))),
        (TOTAL, "Итого к оплате: 4321 руб 09 коп", ByTotal(Money(432_109))),
        (TOTAL, "4321", ByTotal(Money(432_100))),
        (TOTAL, "0", None),
        (TOTAL, "-5", None),
        (TOTAL, "много", None),
        (CODE, "7k42-qx", ByCode("7K42QX")),
        (CODE, "код 7K42 QX", ByCode("7K42QX")),
        (CODE, "7К42QХ", ByCode("7K42QX")),
        (CODE, "123", None),
        (CODE, "", None),
        (METER, "56342 123,4", ByMeter("56342", Decimal("123.4"))),
        (METER, "№56342, показание 00123", ByMeter("56342", Decimal(123))),
        (METER, "6342 123", None),  # as much as a card of meters shows
        (METER, "56342", None),
        (METER, "56342 123 45", None),
        (METER, "56342.5 123", None),
    ],
)
def test_a_proof_is_read_as_people_type_it(kind: str, typed: str, proof: Proof | None) -> None:
    assert read_proof(kind, typed) == proof


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("сумма", TOTAL),
        ("Итого", TOTAL),
        ("код с квитанции", CODE),
        ("счётчик", METER),
        ("показание счетчика", METER),
        ("сумма или код", None),
        ("не знаю", None),
    ],
)
def test_a_proof_is_chosen_in_words(typed: str, kind: str | None) -> None:
    assert read_kind(typed) == kind


@given(typed=st.text(max_size=300), kind=st.sampled_from([TOTAL, CODE, METER]))
def test_whatever_is_typed_is_read_or_not_but_never_breaks(typed: str, kind: str) -> None:
    number = read_number(typed)

    assert number is None or (number.isascii() and number.isdigit())
    read_proof(kind, typed)
    read_kind(typed)


@given(code=st.text(max_size=40))
def test_a_normal_code_stays_as_it_is(code: str) -> None:
    assert normal_code(normal_code(code)) == normal_code(code)


@pytest.mark.parametrize(
    ("phone", "normal"),
    [
        ("+79035550102", "79035550102"),
        ("8 (903) 555-01-02", "79035550102"),
        ("9035550102", "79035550102"),
        ("+375 29 555-01-02", "375295550102"),
        ("👤 +79035550102", "79035550102"),
        ("нет", ""),
    ],
)
def test_a_phone_is_the_same_however_it_is_written(phone: str, normal: str) -> None:
    assert normal_phone(phone) == normal
