"""What is done from time to time ends when it is told to."""

import asyncio
from typing import cast

from bots.engine import Engine
from bots.schedule import EventFeeder
from storage.database import Pool


async def test_a_feeder_that_is_stopped_as_news_comes_stops(pool: Pool) -> None:
    for ticks in range(6):
        feeder = EventFeeder(pool, cast("Engine", None))
        running = asyncio.create_task(feeder.run())
        await asyncio.sleep(0.05)
        feeder.news()
        for _ in range(ticks):
            await asyncio.sleep(0)
        running.cancel()

        done, _ = await asyncio.wait({running}, timeout=10)

        assert done == {running}
