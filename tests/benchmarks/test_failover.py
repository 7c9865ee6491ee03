"""Behind a cluster whose primary dies `kvitok serve` goes on, and keeps all that it has acknowledged."""

import asyncio
import os
import signal

from benchmarks.cluster import LOOK_AGAIN_S, Cluster
from benchmarks.failover import CONNECTIONS, POSTERS, WRONG, proved, tried
from storage.database import connect
from tests.tooling import need

ENOUGH = 60
# So often it is looked whether turns are among what was held.
LOOKS = 10
WITHIN_S = 120

# What sends the primary's log to the node that must have it before a commit returns.
SENDER = "select pid from pg_stat_replication where sync_state = 'sync'"
# How many batches of turns are committed here and wait until that node has them, too: each has noted its updates' keys.
HELD = """
select count(*) from pg_stat_activity
where wait_event = 'SyncRep' and pid in (select pid from pg_locks where relation::regclass::text like '%inbox')
"""


async def test_nothing_that_was_acknowledged_is_lost_when_the_primary_is_killed_in_the_middle_of_commits() -> (
    None
):
    for tool in ("patroni", "etcd", "haproxy", "nginx"):
        need(tool)
    async with (
        asyncio.timeout(WITHIN_S),
        tried(accounts=POSTERS, servers=1, connections=CONNECTIONS) as trial,
    ):
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
    """Let nothing that is committed from now on reach the other node; return when a batch of turns waits for that.

    What else is committed may be held before it, with rows that the batch wants: then it is let go, and tried again.
    """
    async with connect(cluster.url("superuser")) as db:
        sender = await db.fetchval(SENDER)
        while True:
            os.kill(sender, signal.SIGSTOP)
            for _ in range(LOOKS):
                if await db.fetchval(HELD):
                    return
                await asyncio.sleep(LOOK_AGAIN_S)
            os.kill(sender, signal.SIGCONT)
            await asyncio.sleep(LOOK_AGAIN_S)
