"""Which bill a reading goes into."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Month
from core.reading_windows import Days, MovedWindow, ReadingWindow, moved_days

MOSCOW = ZoneInfo("Europe/Moscow")
MAY, JUNE = Month(2026, 5), Month(2026, 6)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW)


@pytest.mark.parametrize(
    ("sent_at", "period"),
    [
        ("2026-05-03T10:00:00", MAY),
        ("2026-05-15T00:00:00", MAY),
        ("2026-05-25T23:59:59", MAY),
        ("2026-05-25T23:59:59.999999", MAY),
        ("2026-05-26T00:00:00", JUNE),
        ("2026-05-31T23:59:59", JUNE),
    ],
)
def test_a_reading_counts_for_the_first_bill_whose_window_has_not_closed(sent_at: str, period: Month) -> None:
    assert ReadingWindow().counted_period(at(sent_at)) == period


def test_the_day_closes_by_the_clock_of_the_centre() -> None:
    almost_midnight_in_moscow = datetime(2026, 5, 25, 20, 59, 59, tzinfo=ZoneInfo("UTC"))

    assert ReadingWindow().counted_period(almost_midnight_in_moscow) == MAY
    assert ReadingWindow(timezone="Asia/Irkutsk").counted_period(almost_midnight_in_moscow) == JUNE


def test_a_late_reading_names_the_bill_that_it_missed() -> None:
    assert ReadingWindow().missed_period(at("2026-05-26T00:00:00")) == MAY
    assert ReadingWindow().missed_period(at("2026-05-25T12:00:00")) is None


def test_a_reading_can_be_corrected_to_the_last_second_of_the_window() -> None:
    assert ReadingWindow(23, 26).closes_at(MAY) == at("2026-05-26T23:59:59")


def test_a_window_to_the_31st_closes_with_the_month() -> None:
    assert ReadingWindow(20, 31).days(Month(2026, 2)) == Days(date(2026, 2, 20), date(2026, 2, 28))


def test_a_moved_window_may_close_in_the_next_month() -> None:
    window = ReadingWindow(moved={"2026-12": Days(date(2026, 12, 15), date(2027, 1, 3))})

    assert window.counted_period(at("2027-01-02T10:00:00")) == Month(2026, 12)
    assert window.counted_period(at("2027-01-04T10:00:00")) == Month(2027, 1)


def test_a_window_that_was_moved_forward_closes_early() -> None:
    window = ReadingWindow(moved={"2026-05": Days(date(2026, 5, 10), date(2026, 5, 20))})

    assert window.counted_period(at("2026-05-21T00:00:00")) == JUNE


def test_days_moved_for_one_service_go_before_those_moved_for_all() -> None:
    of_all, of_light = (
        Days(date(2026, 12, 10), date(2026, 12, 22)),
        Days(date(2026, 12, 20), date(2026, 12, 24)),
    )
    december = Month(2026, 12)
    moved = (MovedWindow(december, of_light, "electricity"), MovedWindow(december, of_all))

    assert moved_days(moved, "cold_water") == {"2026-12": of_all}
    assert moved_days(moved, "electricity") == {"2026-12": of_light}
    assert moved_days((), "electricity") == {}


def test_a_bill_closes_its_period_before_the_window_does() -> None:
    assert ReadingWindow(billed=MAY).counted_period(at("2026-05-24T10:00:00")) == JUNE
    assert ReadingWindow(billed=MAY.plus(-1)).counted_period(at("2026-05-24T10:00:00")) == MAY


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 31), st.integers(1, 31))  # noqa: DTZ001  # the zone is put on below
def test_what_is_sent_later_never_counts_earlier(moment: datetime, first: int, second: int) -> None:
    window = ReadingWindow(min(first, second), max(first, second))
    sent_at = moment.replace(tzinfo=MOSCOW)

    period = window.counted_period(sent_at)

    assert sent_at <= window.closes_at(period).replace(microsecond=999_999)
    assert window.closes_at(period.plus(-1)) < sent_at
