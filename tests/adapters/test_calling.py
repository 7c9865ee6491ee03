"""What calls to every messenger keep to: whose files are fetched, what an upload came to, and how fast they go."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import max as max_adapter
from adapters import max_api, telegram, vk, vk_api
from adapters.calling import Turns, keeps_files, token_in
from core.channel import Pace

BASE = "https://api.messenger.example:8443/v1"
HOSTS = ("files.example", "cdn.example")


@pytest.mark.parametrize(
    "file",
    [
        "https://files.example/a.jpg",
        "https://eu.cdn.example/a.jpg",
        "https://api.messenger.example:8443/any/a.jpg",
    ],
)
def test_a_file_of_the_platforms_is_fetched(file: str) -> None:
    assert keeps_files(file, base=BASE, hosts=HOSTS)


@pytest.mark.parametrize(
    "file",
    [
        "http://files.example/a.jpg",
        "https://files.example:8080/a.jpg",
        "https://notfiles.example/a.jpg",
        "https://files.example.org/a.jpg",
        "https://files.example@10.0.0.1/a.jpg",
        "https://api.messenger.example/a.jpg",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[",
        "/a.jpg",
        "",
    ],
)
def test_a_file_elsewhere_is_not(file: str) -> None:
    assert not keeps_files(file, base=BASE, hosts=HOSTS)


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"token": "t"}, "t"),
        ({"photos": {"1": {"token": "first"}, "2": {"token": "second"}}}, "first"),
        ({"photos": {}}, None),
        ({"photos": {"1": "t"}}, None),
        ({"token": 1}, None),
        ("t", None),
    ],
)
def test_an_upload_comes_to_its_token(answer: object, token: str | None) -> None:
    assert token_in(answer) == token


# --- How fast -------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.lists(st.floats(0, 0.5), max_size=200))
def test_no_second_has_more_calls_than_are_allowed(per_s: int, gaps_s: list[float]) -> None:
    turns, now_s, at_s = Turns(per_s), 1000.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        at_s.append(turns.take(now_s))

    assert all(later >= earlier for earlier, later in pairwise(at_s))
    assert all(later - earlier > 1.0 for earlier, later in zip(at_s, at_s[per_s:], strict=False))


@given(st.integers(1, 5), st.lists(st.floats(0, 5), max_size=50))
def test_a_call_that_is_not_too_early_does_not_wait(per_s: int, gaps_s: list[float]) -> None:
    turns, now_s = Turns(per_s), 1000.0
    for gap_s in gaps_s:
        now_s += gap_s + 1.1
        assert turns.take(now_s) == now_s


# https://core.telegram.org/bots/faq, https://dev.vk.com/ru/api/api-requests, https://dev.max.ru/docs-api. What
# Odnoklassniki and Viber allow is not published.
ALLOWED: dict[str, tuple[Pace, int]] = {
    "telegram": (telegram.PACE, 30),
    "vk": (vk.PACE, vk_api.CALLS_PER_S),
    "max": (max_adapter.PACE, max_api.CALLS_PER_S),
}


@pytest.mark.parametrize(("pace", "per_s"), ALLOWED.values(), ids=ALLOWED.keys())
def test_the_second_after_a_pause_has_no_more_messages_than_the_platform_allows(
    pace: Pace, per_s: int
) -> None:
    assert pace.burst + pace.rate <= per_s


@given(st.integers(2, 1000))
def test_a_pace_of_a_centres_own_is_kept_in_the_second_after_a_pause(per_s: int) -> None:
    pace = telegram.PACE.within(per_s)

    assert pace.burst >= 1
    assert pace.burst + pace.rate <= per_s
    assert pace.rate >= per_s / 2
