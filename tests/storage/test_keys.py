"""Keys: hashes that differ by purpose, sealed addresses, and tokens that tell nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.deep_links import paper_link_in
from core.messages import Month
from storage.keys import Keys, UnreadableAddressError, WeakKeyError
from storage.paper_links import PaperLink, paper_token, read_paper_token

KEYS = Keys.of(master=b"m" * 32, billing=b"b" * 32)
OTHERS = Keys.of(master=b"n" * 32, billing=b"b" * 32)
NUMBERS = st.text(alphabet="0123456789", min_size=1, max_size=25)
MONTHS = st.builds(Month, st.integers(2020, 2100), st.integers(1, 12))
LINKS = st.builds(PaperLink, NUMBERS, MONTHS)


def test_short_secrets_are_no_keys() -> None:
    with pytest.raises(WeakKeyError, match="KVITOK_BILLING_KEY"):
        Keys.of(master=b"m" * 32, billing=b"b" * 31)


def test_keys_do_not_show_in_a_traceback() -> None:
    assert "m" * 8 not in repr(KEYS)


@given(chat=st.text(min_size=1, max_size=40))
def test_an_address_is_opened_as_it_was_sealed_and_never_looks_the_same(chat: str) -> None:
    sealed = KEYS.sealed("vk", chat)

    assert KEYS.opened("vk", sealed) == chat
    assert KEYS.sealed("vk", chat) != sealed


def test_an_address_is_read_only_with_its_key_and_on_its_channel() -> None:
    sealed = KEYS.sealed("vk", "1")

    with pytest.raises(UnreadableAddressError):
        OTHERS.opened("vk", sealed)
    with pytest.raises(UnreadableAddressError):
        KEYS.opened("telegram", sealed)


def test_the_same_text_has_another_hash_for_another_purpose() -> None:
    hashes = {KEYS.number_hash("1"), KEYS.code_hash("1"), KEYS.address_hash("1", ""), OTHERS.number_hash("1")}

    assert len(hashes) == 4


@given(link=LINKS)
def test_a_bills_token_says_what_it_was_made_of_and_fits_a_deep_link(link: PaperLink) -> None:
    token = paper_token(KEYS, link)

    assert read_paper_token(KEYS, token) == link
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", token)
    assert paper_link_in(f"https://t.me/bot?start={token}") == token


@given(link=LINKS, place=st.integers(5, 63), letter=st.sampled_from("AZaz09_-"))
def test_a_changed_token_says_nothing(link: PaperLink, place: int, letter: str) -> None:
    token = paper_token(KEYS, link)
    changed = token[:place] + letter + token[place + 1 :]

    read = read_paper_token(KEYS, changed)

    # The last letter of base64 may hold bits that say nothing.
    assert read is None or (read == link and changed[:-1] == token[:-1])


@given(token=st.text(max_size=80))
def test_any_other_text_is_no_token(token: str) -> None:
    assert read_paper_token(KEYS, token) is None
    assert read_paper_token(OTHERS, paper_token(KEYS, PaperLink("12345", Month(2026, 5)))) is None


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        paper_token(KEYS, PaperLink("1" * 40, Month(2026, 5)))


def test_a_contact_is_sealed_anew_each_time_and_opened_by_the_same_centre_alone() -> None:
    sealed = KEYS.sealed_contact("resident@example.ru")

    assert KEYS.sealed_contact("resident@example.ru") != sealed
    assert KEYS.opened_contact(sealed) == "resident@example.ru"
    assert OTHERS.opened_contact(sealed) is None
    assert KEYS.opened_contact(sealed[:-1]) is None
