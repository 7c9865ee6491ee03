from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.due_dates import DueRules, due_on, due_rules
from core.messages import Month
from core.turns import DueDay
from tests.making_money import CENTRE

RULES = due_rules(CENTRE)


@pytest.mark.parametrize(
    ("period", "due"),
    [
        (Month(2026, 1), date(2026, 2, 10)),  # the last bill under the old day
        (Month(2026, 2), date(2026, 3, 16)),  # the first under the new one, which is a Sunday
        (Month(2026, 3), date(2026, 4, 15)),
        (Month(2026, 7), date(2026, 8, 17)),  # a Saturday
        (Month(2025, 12), date(2026, 1, 12)),  # the tenth, a Saturday after the holidays
    ],
)
def test_a_bill_is_due_on_the_day_that_was_in_force(period: Month, due: date) -> None:
    assert due_on(period, RULES) == due


def test_a_day_that_the_government_gave_off_moves_the_due_day() -> None:
    rules = DueRules(RULES.days, days_off=(date(2026, 4, 15),))

    assert due_on(Month(2026, 3), rules) == date(2026, 4, 16)


def test_a_weekend_that_is_worked_is_a_due_day() -> None:
    rules = DueRules(RULES.days, days_worked=(date(2026, 8, 15),))

    assert due_on(Month(2026, 7), rules) == date(2026, 8, 15)


def test_a_month_before_all_rules_is_an_error() -> None:
    with pytest.raises(ValueError, match="2026-01"):
        due_on(Month(2026, 1), DueRules((DueDay(Month(2026, 2), 15),)))


@given(st.integers(2000, 2100), st.integers(1, 12))
def test_a_due_day_is_a_working_day_of_the_next_month(year: int, month: int) -> None:
    due = due_on(Month(year, month), RULES)

    assert due.weekday() < 5
    assert Month.of(due) == Month(year, month).plus(1)
