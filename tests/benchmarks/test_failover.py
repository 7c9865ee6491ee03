"""A cluster whose primary dies goes on with the other node, which has all that was acknowledged."""

import asyncio
from itertools import count

import asyncpg

from benchmarks.cluster import Cluster, clustered
from storage.failures import AWAY
from tests.tooling import need

WRITERS = 8
WITHIN_S = 60


async def write_on(cluster: Cluster, numbers: "count[int]", kept: set[int], stop: asyncio.Event) -> None:
    """Write numbers down, and note those that were acknowledged."""
    while not stop.is_set():
        try:
            db = await asyncpg.connect(cluster.url("owner"), timeout=2)
            try:
                while not stop.is_set():
                    number = next(numbers)
                    await db.execute("insert into note (number) values ($1)", number)
                    kept.add(number)
            finally:
                db.terminate()
        except AWAY:
            await asyncio.sleep(0.1)


async def test_nothing_that_was_acknowledged_is_lost_when_the_primary_is_killed() -> None:
    for tool in ("patroni", "etcd", "haproxy"):
        need(tool)
    async with asyncio.timeout(WITHIN_S), clustered() as cluster:
        primary, kept, stop = await cluster.healthy(), set[int](), asyncio.Event()
        db = await asyncpg.connect(cluster.url("owner"))
        await db.execute("create table note (number bigint primary key)")
        await db.close()
        numbers = count(1)
        writers = [asyncio.create_task(write_on(cluster, numbers, kept, stop)) for _ in range(WRITERS)]
        while len(kept) < 100:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)

        primary.kill_server()

        before = len(kept)
        while len(kept) < before + 100:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*writers)
        db = await asyncpg.connect(cluster.url("owner"))
        known = {row["number"] for row in await db.fetch("select number from note")}
        await db.close()
        assert await cluster.primary() not in (None, primary)
        assert kept - known == set()
