"""The paper bill's link and a joining code are found wherever they are typed."""

import pytest

from core.deep_links import join_code_in, paper_link_in

TOKEN = "bill-" + "aB3_-" * 8


@pytest.mark.parametrize(
    "typed",
    [TOKEN, f"  {TOKEN}\n", f"https://t.me/town_bot?start={TOKEN}", f"вот: {TOKEN}, спасибо"],
)
def test_it_is_found(typed: str) -> None:
    assert paper_link_in(typed) == TOKEN


@pytest.mark.parametrize(
    "typed", ["", "bill-", "bill-short", "my" + TOKEN, TOKEN + "A" * 40, "x" * 600 + TOKEN]
)
def test_what_is_none_is_not_found(typed: str) -> None:
    assert paper_link_in(typed) is None


CODE = "join-" + "a7" * 13


@pytest.mark.parametrize(
    "typed",
    [CODE, CODE.capitalize(), CODE.upper(), f"вот\n{CODE}.", f"https://vk.me/town?ref={CODE}&ref_source=x"],
)
def test_a_joining_code_is_found(typed: str) -> None:
    assert join_code_in(typed) == CODE


def test_a_joining_code_that_was_cut_short_is_known_for_one() -> None:
    assert join_code_in(CODE[:12]) == CODE[:12]


@pytest.mark.parametrize("typed", ["", "join-", "join-abc", "rejoin-a7a7a7", "join-us-now", "x" * 600 + CODE])
def test_what_is_no_joining_code_is_not_found(typed: str) -> None:
    assert join_code_in(typed) is None
