"""A process that is killed loses nothing: facts once, replies at least once and in order, the books whole."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.ground import Town, a_neighbourhood
from tests.faults.living import offers, residents_of
from tests.faults.proving import is_stutter
from tests.faults.rounds import run_rounds

ROUNDS = 10
GONE_S = 20


async def test_nothing_is_lost_or_doubled_when_engines_are_killed(doomed_town: Town) -> None:
    rounds = await run_rounds(doomed_town, range(ROUNDS), residents=5)

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


async def test_a_killed_engine_leaves_no_process_that_drew_for_it(doomed_town: Town, tmp_path: Path) -> None:
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        engine = await here.start_engine()
        resident, *_ = await residents_of(here, most=1)
        here.telegram.start(resident.chat, "")
        resident.say("баланс")
        resident.press(await resident.hears(offers("pdf")), "pdf")
        await resident.hears(lambda message: bool(message["files"]))
        helpers = children_of(engine.process.pid)
        assert helpers

        engine.kill()
        await engine.ended()

        async with asyncio.timeout(GONE_S):
            while any(Path(f"/proc/{pid}").exists() for pid in helpers):  # noqa: ASYNC110  # not ours to hear of
                await asyncio.sleep(0.05)


def children_of(pid: int | None) -> list[int]:
    """The processes whose parent this one is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = stat.read_text(errors="replace").rpartition(")")[2].split()[1]
            found += [int(stat.parent.name)] if int(parent) == pid else []
    return found
