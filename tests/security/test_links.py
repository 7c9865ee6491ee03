"""Links cannot be forged or guessed; what is for one use is used once (the rest is beside each kind of link)."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from core.deep_links import TOKEN_CHARS_MAX
from core.messages import Month
from storage import shown_pages
from storage.keys import Keys
from storage.paper_links import PaperLink, paper_token, read_paper_token

KEYS = Keys.of(master=b"m" * 64, billing=b"b" * 64)
OTHERS = Keys.of(master=b"n" * 64, billing=b"b" * 64)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NUMBERS = st.text("0123456789", min_size=8, max_size=13)
MONTHS = st.builds(Month, st.integers(2020, 2040), st.integers(1, 12))
BITS = 128


@given(NUMBERS, MONTHS, st.data())
def test_no_letter_of_a_paper_link_can_be_changed(number: str, period: Month, data: st.DataObject) -> None:
    link = PaperLink(number, period)
    token = paper_token(KEYS, link)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(ALPHABET.replace(token[at], "")))

    assert read_paper_token(KEYS, token[:at] + letter + token[at + 1 :]) is None
    assert read_paper_token(KEYS, token[:at]) is None
    assert read_paper_token(KEYS, token) == link


@given(NUMBERS, MONTHS)
def test_a_paper_link_shows_nothing_and_another_centre_cannot_make_one(number: str, period: Month) -> None:
    token = paper_token(KEYS, PaperLink(number, period))
    raw = base64.urlsafe_b64decode(token[-(len(token) // 4 * 4) :])

    assert number not in token
    assert number.encode() not in raw
    assert len(token) <= TOKEN_CHARS_MAX
    assert read_paper_token(OTHERS, token) is None


@given(st.text(ALPHABET, max_size=80))
def test_a_made_up_paper_link_is_none(guess: str) -> None:
    assert read_paper_token(KEYS, guess) is None


def test_a_one_time_link_has_more_chances_than_can_be_tried() -> None:
    tokens = {shown_pages.new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert min(map(len, tokens)) * 6 >= BITS
