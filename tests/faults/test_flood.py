"""A flood hurts whoever makes it, and nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bots.arrivals import TURNS_AT_ONCE_MAX
from tests.faults.flooding import GROWTH_MIB_MAX, dribble, flood, post_huge, rss_mib
from tests.faults.ground import Town, a_neighbourhood
from tests.faults.living import residents_of
from tests.faults.proving import prove

MESSAGES = 1_500
ANSWER_S = 60


@pytest.mark.parametrize(("chats", "told"), [(1, 1), (100, 0)])
async def test_a_flood_is_taken_in_others_are_served_and_who_floods_is_told_once(
    doomed_town: Town, tmp_path: Path, chats: int, told: int
) -> None:
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        engine = await here.start_engine(paced=True)

        flooded = await flood(here, engine, messages=MESSAGES, chats=chats)

        assert engine.alive
        assert set(flooded.statuses) == {200}
        assert flooded.told == told
        assert 0 < flooded.others_waited_s < ANSWER_S
        assert flooded.grown_mib < GROWTH_MIB_MAX


async def test_a_flood_of_presses_takes_few_calls_of_the_messenger(doomed_town: Town, tmp_path: Path) -> None:
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        engine = await here.start_engine(paced=True)

        flooded = await flood(here, engine, messages=MESSAGES, chats=1, pressed=True)

        assert (set(flooded.statuses), flooded.told) == ({200}, 1)
        assert flooded.acknowledged <= TURNS_AT_ONCE_MAX + flooded.took_s
        assert 0 < flooded.others_waited_s < ANSWER_S


async def test_slow_and_huge_requests_are_refused_and_residents_served_meanwhile(
    doomed_town: Town, tmp_path: Path
) -> None:
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        engine = await here.start_engine(body_s=3.0)
        *residents, payer = await residents_of(here, most=3)
        here.telegram.start(payer.chat, "")
        link = (await payer.gets_link()).removeprefix(here.base)
        before = rss_mib(engine)
        paths = ["/webhooks/telegram"] * 200 + ["/acquirers/simulated/notice", link] * 20
        slow = [asyncio.create_task(dribble(engine, path)) for path in paths]

        huge = await asyncio.gather(*(post_huge(engine, chunked=chunked) for chunked in (True, False) * 6))
        await asyncio.gather(*(each.live() for each in residents))
        await here.settled()

        assert set(await asyncio.gather(*slow)) == {408}
        assert set(huge) <= {413, 0}
        assert rss_mib(engine) - before < GROWTH_MIB_MAX
        assert await prove(here, residents) == []
