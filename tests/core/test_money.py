"""Money keeps every kopeck and rounds in one place."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import NOTHING, Money, total

sums = st.integers(-(10**12), 10**12).map(Money)


@pytest.mark.parametrize(
    ("roubles", "kopecks"),
    [("1.005", 101), ("1.004", 100), ("-1.005", -101), ("0", 0), ("100.50", 10_050)],
)
def test_roubles_are_rounded_to_the_nearest_kopeck_halves_away_from_zero(roubles: str, kopecks: int) -> None:
    assert Money.rounded(Decimal(roubles)) == Money(kopecks)


@given(sums)
def test_roubles_and_back_loses_nothing(money: Money) -> None:
    assert Money.rounded(money.roubles) == money


@given(sums, sums)
def test_what_is_added_can_be_taken_away(one: Money, other: Money) -> None:
    assert one + other - other == one
    assert one + -one == NOTHING


def test_sums_compare_by_their_kopecks() -> None:
    assert Money(99) < Money(100) <= Money(100)
    assert not NOTHING
    assert Money(-1)


def test_money_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Money(10_050)), type=Money) == Money(10_050)


@given(st.lists(sums))
def test_a_total_is_its_parts_added_one_by_one(parts: list[Money]) -> None:
    assert total(parts) == Money(sum(part.kopecks for part in parts))


def test_a_price_of_a_part_of_a_kopeck_is_not_exact() -> None:
    assert Money.exact(Decimal("1.50")) == Money(150)
    with pytest.raises(ValueError, match="whole number of kopecks"):
        Money.exact(Decimal("1.005"))
