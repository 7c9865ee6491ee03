"""Penalties as ЖК РФ art. 155 p. 14 and 14.1 reckon them, worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import NOTHING, Money
from core.penalties import (
    RULES,
    Cap,
    Debt,
    Forecast,
    KeyRate,
    PenaltyRules,
    accrued,
    forecast,
    penalties,
    penalty,
    rounded,
)

DUE = date(2026, 4, 15)
HEATING = Debt("heating", Money(1_000_000), DUE)
DAYS = st.integers(-40, 400).map(lambda days: DUE + timedelta(days=days))
DEBTS = st.builds(
    Debt, st.sampled_from(["heating", "overhaul"]), st.integers(1, 10_000_000).map(Money), st.just(DUE)
)


@pytest.mark.parametrize(
    ("paid_on", "kopecks"),
    [
        (date(2026, 4, 15), 0),
        (date(2026, 5, 15), 0),
        (date(2026, 5, 16), 317),
        (date(2026, 6, 20), 11_400),
        (date(2026, 7, 14), 19_000),
        (date(2026, 7, 15), 19_731),
        (date(2026, 8, 1), 32_154),
    ],
)
def test_ten_thousand_roubles_paid_late_cost_what_the_sheet_says(paid_on: date, kopecks: int) -> None:
    assert penalty(HEATING, paid_on) == Money(kopecks)


def test_overhaul_has_no_second_step() -> None:
    assert penalty(Debt("overhaul", Money(72_500), DUE), date(2026, 8, 1)) == Money(1_791)


def test_the_key_rate_counts_where_it_is_below_the_cap() -> None:
    rules = PenaltyRules((KeyRate(date(2026, 1, 1), Decimal(6)),), RULES.caps)

    assert penalty(HEATING, date(2026, 7, 14), rules) == Money(12_000)


def test_without_a_cap_the_rate_of_the_day_of_payment_counts() -> None:
    rates = (KeyRate(date(2026, 1, 1), Decimal(12)), KeyRate(date(2026, 7, 1), Decimal(15)))
    rules = PenaltyRules(rates, (Cap(date(2022, 1, 1), date(2026, 6, 30), Decimal("9.5")),))

    assert penalty(HEATING, date(2026, 6, 14), rules) == Money(9_500)
    assert penalty(HEATING, date(2026, 7, 14), rules) == Money(30_000)


def test_a_day_before_the_first_known_rate_goes_by_that_one() -> None:
    assert RULES.rate_on(date(2020, 1, 1)) == Decimal(21)


@given(debt=DEBTS, day=DAYS)
def test_paying_a_day_later_never_costs_less(debt: Debt, day: date) -> None:
    assert NOTHING <= penalty(debt, day) <= penalty(debt, day + timedelta(days=1))


@given(debt=DEBTS, day=DAYS, parts=st.integers(2, 5))
def test_a_debt_in_parts_costs_what_it_costs_whole(debt: Debt, day: date, parts: int) -> None:
    whole = debt.amount.kopecks
    cuts = [Money(whole // parts)] * (parts - 1)
    cuts.append(Money(whole - sum(cut.kopecks for cut in cuts)))

    assert rounded(sum((accrued(Debt(debt.service, cut, DUE), day) for cut in cuts), accrued(debt, DUE))) == (
        penalty(debt, day)
    )


@given(day=DAYS, kopecks=st.integers(1, 10_000_000))
def test_overhaul_never_costs_more_than_the_rest(day: date, kopecks: int) -> None:
    overhaul, other = (Debt(service, Money(kopecks), DUE) for service in ("overhaul", "heating"))

    assert penalty(overhaul, day) <= penalty(other, day)


# --- Forecasts -------------------------------------------------------------------------------------


def test_a_fresh_debt_is_free_of_penalties_for_thirty_days() -> None:
    assert forecast([HEATING], date(2026, 4, 20)) == Forecast(date(2026, 5, 15), NOTHING)


def test_an_old_debt_grows_by_what_a_month_more_costs() -> None:
    today, later = date(2026, 6, 20), date(2026, 7, 20)

    assert forecast([HEATING], today) == Forecast(
        later, penalties([HEATING], later) - penalties([HEATING], today)
    )


@pytest.mark.parametrize("debts", [(), (HEATING,)])
def test_nothing_is_forecast_while_nothing_is_late(debts: tuple[Debt, ...]) -> None:
    assert forecast(debts, date(2026, 4, 15)) is None
