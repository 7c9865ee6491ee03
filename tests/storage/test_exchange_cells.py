"""What a cell of an import file may hold, and what it is read as."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Month
from core.money import Money
from storage import exchange_cells as cells
from storage.exchange_cells import CENTRE_TIME, CellError

DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31))


@given(st.integers(-(10**13), 10**13), st.sampled_from(".,"))
def test_any_sum_is_read_as_it_was_written(kopecks: int, point: str) -> None:
    written = str(Money(kopecks).roubles).replace(".", point)

    assert cells.read_money(written) == kopecks


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**8), max_value=10**8))
def test_any_volume_is_read_as_it_was_written(number: Decimal) -> None:
    assert cells.read_number(f"{number:f}".replace(".", ",")) == number


@given(DAYS)
def test_any_day_is_read_as_it_was_written(day: date) -> None:
    assert cells.read_day(day.isoformat()) == day


@given(DAYS)
def test_any_month_is_read_as_its_first_day(day: date) -> None:
    assert cells.read_period(str(Month.of(day))) == day.replace(day=1)


@given(st.datetimes(datetime(1951, 1, 1), datetime(2098, 12, 31)))  # noqa: DTZ001 -- hypothesis wants naive bounds
def test_a_time_without_an_offset_is_the_centres(moment: datetime) -> None:
    assert cells.read_moment(moment.isoformat()) == moment.replace(tzinfo=CENTRE_TIME)


def test_a_time_with_an_offset_keeps_it() -> None:
    moment = cells.read_moment("2026-04-30T18:05:00+05:00")

    assert isinstance(moment, datetime)
    assert moment.utcoffset() == timedelta(hours=5)


def test_a_day_alone_is_noon() -> None:
    assert cells.read_moment("2026-04-30") == datetime(2026, 4, 30, 12, tzinfo=CENTRE_TIME)


READERS = [
    cells.read_number,
    cells.read_money,
    cells.read_day,
    cells.read_period,
    cells.read_moment,
    cells.read_whole,
    cells.read_id,
    cells.read_truth,
    cells.read_hash,
    cells.read_hashes,
    cells.read_named_lines,
    cells.read_text,
]


@pytest.mark.parametrize("read", READERS)
@given(text=st.text(max_size=60))
def test_any_text_is_read_or_complained_about(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except CellError as error:
        assert str(error)  # noqa: PT017 -- either outcome will do, as long as it is one of the two


WRONG = [
    (cells.read_number, "1 000", "«1 000» is not a number"),
    (cells.read_number, "1e3", "«1e3» is not a number"),
    (cells.read_number, "٣", "«٣» is not a number"),
    (cells.NUMBER.read, "123456789", "«123456789» is too large"),
    (cells.FACTOR.read, "-1000", "«-1000» is too large"),
    (cells.read_money, "0.001", "«0.001» has part of a kopeck"),
    (cells.read_day, "30.04.2026", "«30.04.2026» is not a date like 2026-04-30"),
    (cells.read_day, "20260430", "«20260430» is not a date like 2026-04-30"),
    (cells.read_day, "2026-02-30", "«2026-02-30» is no day of the calendar"),
    (cells.read_day, "0206-04-30", "«0206-04-30» is not a likely year"),
    (cells.read_period, "04.2026", "«04.2026» is not a month like 2026-04"),
    (cells.read_period, "2026-13", "«2026-13» is no month of the calendar"),
    (
        cells.read_moment,
        "2026-04-30T25:00",
        "«2026-04-30T25:00» is not a time like 2026-04-30T18:05:00+03:00",
    ),
    (cells.read_truth, "maybe", "«maybe» is neither 1 nor 0"),
    (cells.read_text, "", "must not be empty"),
    (cells.read_text, "а" * 501, "is longer than 500 characters"),
    (cells.read_text, "а\0", "holds a NUL character"),
]


@pytest.mark.parametrize(("read", "text", "reason"), WRONG)
def test_what_cannot_be_read_says_why(read: Callable[[str], object], text: str, reason: str) -> None:
    with pytest.raises(CellError) as caught:
        read(text)

    assert str(caught.value) == reason


def test_a_long_cell_is_cut_short_in_a_report() -> None:
    assert cells.shown("x" * 100) == f"«{'x' * 40}…»"
