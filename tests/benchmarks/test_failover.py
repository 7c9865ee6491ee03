"""Behind a cluster whose primary dies `kvitok serve` goes on, and keeps all that it has acknowledged."""

import asyncio

from benchmarks.failover import POSTERS, WRONG, proved, tried
from tests.tooling import need

ENOUGH = 60
WITHIN_S = 120


async def test_nothing_that_was_acknowledged_is_lost_when_the_primary_is_killed() -> None:
    for tool in ("patroni", "etcd", "haproxy", "nginx"):
        need(tool)
    async with asyncio.timeout(WITHIN_S), tried(accounts=POSTERS, servers=1) as trial:
        primary = await trial.cluster.healthy()
        async with trial.load.running():
            await trial.load.take(ENOUGH)

            primary.kill_server()

            await trial.load.take(ENOUGH)
        proven = await proved(trial)

        assert await trial.cluster.primary() not in (None, primary)
    assert len(trial.load.readings) > 0
    assert len(trial.load.payers.paid) > 0
    assert not any(proven[name] for name in WRONG), proven
