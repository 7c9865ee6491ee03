"""Behind a cluster whose primary dies `kvitok serve` goes on, and keeps all that it has acknowledged."""

import asyncio
import os
import signal

from benchmarks.cluster import LOOK_AGAIN_S, Cluster
from benchmarks.failover import POSTERS, WRONG, proved, tried
from storage.database import connect
from tests.tooling import need

ENOUGH = 60
WITHIN_S = 120

# What sends the primary's log to the node that must have it before a commit returns.
SENDER = "select pid from pg_stat_replication where sync_state = 'sync'"
HELD = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"


async def test_nothing_that_was_acknowledged_is_lost_when_the_primary_is_killed_in_the_middle_of_commits() -> (
    None
):
    for tool in ("patroni", "etcd", "haproxy", "nginx"):
        need(tool)
    async with asyncio.timeout(WITHIN_S), tried(accounts=POSTERS, servers=1) as trial:
        primary = await trial.cluster.healthy()
        async with trial.load.running():
            await trial.load.take(ENOUGH)
            await hold_commits(trial.cluster)

            primary.kill_server()

            await trial.load.take(ENOUGH)
        proven = await proved(trial)

        assert await trial.cluster.primary() not in (None, primary)
    assert len(trial.load.readings) > 0
    assert len(trial.load.payers.paid) > 0
    assert not any(proven[name] for name in WRONG), proven


async def hold_commits(cluster: Cluster) -> None:
    """Let nothing that is committed from now on reach the other node; return when a commit waits for that."""
    async with connect(cluster.url("superuser")) as db:
        os.kill(await db.fetchval(SENDER), signal.SIGSTOP)
        while not await db.fetchval(HELD):  # noqa: ASYNC110  # commits that wait tell nobody
            await asyncio.sleep(LOOK_AGAIN_S)
