"""How often a proof may be tried."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.tries import (
    CHANNEL_HOLD_FIRST,
    CHANNEL_HOLD_MOST,
    CHANNEL_HOUR_MAX,
    CHAT_HOUR_MAX,
    DAY,
    HOUR,
    NUMBER_DAY_MAX,
    Hold,
    Tried,
    blocked_until,
    channel_hold,
    number_hold,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AGO = st.integers(0, 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
TIMES = st.lists(AGO, max_size=25).map(lambda times: sorted(times, reverse=True))


@given(chat=TIMES)
def test_a_chat_has_fewer_than_five_wrong_tries_within_an_hour_whenever_it_may_try(
    chat: list[datetime],
) -> None:
    if blocked_until(Tried(chat=chat), NOW) is None:
        assert sum(wrong > NOW - HOUR for wrong in chat) < CHAT_HOUR_MAX


@given(chat=TIMES)
def test_once_the_wait_is_over_a_chat_may_try(chat: list[datetime]) -> None:
    until = blocked_until(Tried(chat=chat), NOW)

    assert until is None or (until > NOW and blocked_until(Tried(chat=chat), until) is None)


def test_a_hold_ends_when_it_ends() -> None:
    tried = Tried(number_hold=Hold(NOW, DAY), channel_hold=Hold(NOW + HOUR, HOUR))

    assert blocked_until(tried, NOW) == NOW + HOUR
    assert blocked_until(tried, NOW + HOUR) is None


def test_nine_wrong_tries_do_not_close_a_number_and_ten_do() -> None:
    nine = [NOW] * (NUMBER_DAY_MAX - 1)

    assert number_hold(Tried(number=nine), NOW) is None
    assert number_hold(Tried(number=[*nine, NOW]), NOW) == Hold(NOW + DAY, DAY)


def test_a_channel_rests_twice_as_long_each_time_and_at_most_a_day() -> None:
    many = [NOW] * CHANNEL_HOUR_MAX

    first = channel_hold(Tried(channel=many), NOW)
    second = channel_hold(Tried(channel=many, channel_hold=Hold(NOW, CHANNEL_HOLD_FIRST)), NOW)
    last = channel_hold(Tried(channel=many, channel_hold=Hold(NOW, CHANNEL_HOLD_MOST)), NOW)

    assert first == Hold(NOW + CHANNEL_HOLD_FIRST, CHANNEL_HOLD_FIRST)
    assert second == Hold(NOW + 2 * CHANNEL_HOLD_FIRST, 2 * CHANNEL_HOLD_FIRST)
    assert last == Hold(NOW + CHANNEL_HOLD_MOST, CHANNEL_HOLD_MOST)


def test_a_channel_that_was_quiet_for_a_day_begins_with_a_short_rest() -> None:
    tried = Tried(channel=[NOW] * CHANNEL_HOUR_MAX, channel_hold=Hold(NOW - DAY, CHANNEL_HOLD_MOST))

    assert channel_hold(tried, NOW) == Hold(NOW + CHANNEL_HOLD_FIRST, CHANNEL_HOLD_FIRST)
