import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.amounts import Judgement, NoSum, NotPositive, PartKopecks, Sum, TooLittle, TooMuch, read_sum
from core.money import Money

LEAST, MOST = Money(1_000), Money(10_000_000)


def read(typed: str) -> Judgement:
    return read_sum(typed, least=LEAST, most=MOST)


@pytest.mark.parametrize(
    ("typed", "kopecks"),
    [
        ("1500", 150_000),
        ("1 500,50", 150_050),
        ("1500.5", 150_050),
        ("1500 р", 150_000),
        ("1500р.", 150_000),
        ("1 500 рублей", 150_000),
        ("1500 ₽", 150_000),
        ("10 руб 50 коп", 1_050),
        ("1\N{NO-BREAK SPACE}500", 150_000),
        ("10", 1_000),
        ("100000", 10_000_000),
    ],
)
def test_a_sum_is_read_as_residents_write_it(typed: str, kopecks: int) -> None:
    assert read(typed) == Sum(Money(kopecks))


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [
        ("9,99", TooLittle(LEAST)),
        ("0,01", TooLittle(LEAST)),
        ("100000,01", TooMuch(MOST)),
        ("99999999999999999999", TooMuch(MOST)),
        ("1,234", PartKopecks()),
        ("1.500", PartKopecks()),
        ("10,5 руб 50 коп", PartKopecks()),
        ("-100", NotPositive()),
        ("−100", NotPositive()),
        ("0", NotPositive()),
        ("0,00", NotPositive()),
        ("всё", NoSum()),
        ("", NoSum()),
        ("1,5,0", NoSum()),
        ("1500 долларов", NoSum()),
        ("١٥٠٠", NoSum()),
        ("1" * 10_000, NoSum()),
    ],
)
def test_what_cannot_be_paid_is_told_apart(typed: str, verdict: Judgement) -> None:
    assert read(typed) == verdict


@given(st.text())
def test_whatever_is_typed_gets_a_verdict(typed: str) -> None:
    assert read(typed) is not None


@given(st.integers(1_000, 10_000_000))
def test_a_sum_that_may_be_paid_comes_back_exactly(kopecks: int) -> None:
    typed = f"{kopecks // 100:,}".replace(",", " ") + f",{kopecks % 100:02}"

    assert read(typed) == Sum(Money(kopecks))
