"""What the stored readings of a meter come to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.messages import Month
from core.meter_history import History, Stored, average_monthly, zero_months

MAY = Month(2026, 5)


def history(*values: tuple[int, str]) -> History:
    """Readings as (month of 2026, value), given oldest first."""
    stored = [
        Stored(
            Decimal(value), Month(2026, month), date(2026, month, 20), datetime(2026, month, 20, tzinfo=UTC)
        )
        for month, value in values
    ]
    return History(1, "", None, tuple(reversed(stored)))


def average(*values: tuple[int, str], ratio: int = 1) -> Decimal | None:
    return average_monthly([history(*values)], MAY, ratio=Decimal(ratio))


def test_the_last_value_is_of_an_earlier_bill_and_what_is_sent_of_this_one() -> None:
    register = history((4, "120"), (5, "125")).register(MAY)

    assert (register.last, register.last_on) == (Decimal(120), date(2026, 4, 20))
    assert register.sent is not None
    assert register.sent.value == register.latest == 125


def test_a_meter_without_readings_has_no_last_value() -> None:
    register = history().register(MAY)

    assert (register.last, register.sent, register.latest) == (None, None, None)


def test_readings_for_a_later_bill_are_left_out() -> None:
    assert history((4, "120"), (6, "130")).register(MAY).latest == 120


def test_the_average_is_of_the_months_before_skipped_ones_included() -> None:
    assert average((1, "100"), (3, "106"), (4, "112")) == 4


def test_the_average_takes_the_transformer_ratio() -> None:
    assert average((1, "100"), (4, "112"), ratio=20) == 80


@pytest.mark.parametrize("values", [(), ((4, "120"),), ((2, "100"), (4, "120"))])
def test_less_than_three_months_make_no_average(values: tuple[tuple[int, str], ...]) -> None:
    assert average(*values) is None


def test_a_dial_that_passed_through_zero_makes_no_average() -> None:
    assert average((1, "99990"), (4, "12")) is None


@pytest.mark.parametrize(
    ("values", "months"),
    [
        ((), 0),
        (((3, "10"), (4, "12")), 0),
        (((3, "12"), (4, "12")), 1),
        (((1, "12"), (2, "12"), (4, "12")), 3),
    ],
)
def test_months_without_use_are_counted_back_from_the_last(
    values: tuple[tuple[int, str], ...], months: int
) -> None:
    assert zero_months([history(*values)], MAY) == months


def test_a_month_counts_as_unused_only_if_no_zone_was_used() -> None:
    day, night = history((3, "12"), (4, "12")), history((3, "50"), (4, "51"))

    assert zero_months([day, night], MAY) == 0
