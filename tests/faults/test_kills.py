"""A process that is killed loses nothing: facts once, replies at least once and in order, the books whole."""

import pytest

from tests.faults.ground import Town
from tests.faults.proving import is_stutter
from tests.faults.rounds import run_rounds

ROUNDS = 10


async def test_nothing_is_lost_or_doubled_when_engines_are_killed(doomed_town: Town) -> None:
    rounds = await run_rounds(doomed_town, range(ROUNDS))

    assert [each for each in rounds if each.wrong] == []
    assert sum(each.deaths for each in rounds) >= ROUNDS // 2


@pytest.mark.parametrize(
    ("arrived", "right"),
    [("abc", True), ("aabccc", True), ("abbc", True), ("ab", False), ("acb", False), ("abac", False)],
)
def test_replies_may_come_twice_at_once_and_in_no_other_order(arrived: str, *, right: bool) -> None:
    assert is_stutter(arrived, "abc") is right


def test_the_same_reply_to_two_questions_must_come_twice() -> None:
    assert not is_stutter("ab", "aab")
