"""Talks of residents, written by hand, replayed on every channel through the whole service."""

import aiohttp
import pytest

from bots.simulator.surroundings import Surroundings
from storage.database import open_pool
from storage.proof import verify
from tests.conftest import Database
from tests.talking import TALKS, Talk, channels_of

CHANNELS = ["telegram", "vk", "ok", "viber", "max"]

# The last posting in the books.
LAST = "select max(id) from posting"


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        (name, channel)
        for name, written in TALKS.items()
        for channel in CHANNELS
        if channel in (channels_of(written) or CHANNELS)
    ],
)
async def test_a_talk_goes_as_written(
    name: str, channel: str, around: Surroundings, inhabited: Database
) -> None:
    async with open_pool(inhabited.app) as pool, aiohttp.ClientSession() as http:
        async with pool.acquire() as db:
            before = await db.fetchval(LAST)

        await Talk(around, pool, http, channel).replay(name, TALKS[name])

        async with pool.acquire() as db:
            # The proof takes longer than most talks, and is the same on every channel where nothing is posted.
            if channel == CHANNELS[0] or await db.fetchval(LAST) != before:
                assert not await verify(db)
