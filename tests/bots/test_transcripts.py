"""Talks of residents, written by hand, replayed on every channel through the whole service."""

from pathlib import Path

import aiohttp
import pytest

from bots.simulator.surroundings import Surroundings
from storage.database import open_pool
from storage.proof import verify
from tests.conftest import Database
from tests.talking import TALKS, Talk

CHANNELS = ["telegram"]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("file", sorted(TALKS.glob("*.txt")), ids=lambda file: file.stem)
async def test_a_talk_goes_as_written(
    file: Path, channel: str, around: Surroundings, inhabited: Database
) -> None:
    async with open_pool(inhabited.app) as pool, aiohttp.ClientSession() as http:
        await Talk(around, pool, http, channel).replay(file)

        async with pool.acquire() as db:
            assert not await verify(db)
