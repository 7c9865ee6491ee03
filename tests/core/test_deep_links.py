"""The paper bill's link is found wherever it is typed."""

import pytest

from core.deep_links import paper_link_in

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
