"""What a failover loses, and how long it takes (`make failover`): nothing that was acknowledged may be lost.

Two `kvitok serve` stand before a cluster by Patroni (see `benchmarks.cluster`) and are posted Telegram's webhooks
at a steady rate; what is refused is posted again, as Telegram does. First the primary's server is killed, then the
primary's whole node. An update that was answered by 200 is acknowledged: afterwards it must be known, and have
its reply. Status 1 if one is not, or if the books are not whole.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import aiohttp
import structlog
import uvloop
from rich.console import Console

from benchmarks import cluster as clusters
from benchmarks.asking import ASKING
from benchmarks.cluster import Cluster, Node, clustered
from benchmarks.figures import machine
from benchmarks.ground import populate
from benchmarks.running import Running, serving, sinking
from benchmarks.tools import postgres_15, tool
from storage.database import connect
from storage.migrating import migrate
from storage.proof import verify

ACCOUNTS: Final = 200
CHATS: Final = 5_000
RATE_PER_S: Final = 100
POSTERS: Final = 20
AGAIN_S: Final = 0.1
# Load before a kill, and after the first update that was taken again.
AROUND_S: Final = 5.0
WITHIN_S: Final = 120
ALL_S: Final = 420
RESULTS: Final = Path(__file__).parent / "results" / "failover.json"

# The numbers of the updates that are known; and those of the replies that wait.
KNOWN: Final = "select split_part(key, ':', 2)::bigint as number from inbox"
WAITING: Final = "select count(*) from outbox where state in ('queued', 'sending', 'unknown')"
APOLOGISED: Final = re.compile(
    r'^kvitok_turns_total{.*outcome="(?:apologised|closed)".*} (\S+)$', re.MULTILINE
)
REPLIES: Final = "select count(*) from outbox where state = 'sent'"


@dataclass
class Load:
    """Updates at a steady rate, each posted until it is taken."""

    servers: Sequence[Running]
    http: aiohttp.ClientSession
    posted: int = 0
    refused: int = 0
    taken: dict[int, float] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load while the context lasts, and until all that was posted was taken."""
        stop = asyncio.Event()
        posters = [asyncio.create_task(self._post_on(stop)) for _ in range(POSTERS)]
        try:
            yield
            stop.set()
            await asyncio.gather(*posters)
        finally:
            for poster in posters:
                poster.cancel()

    async def _post_on(self, stop: asyncio.Event) -> None:
        asking = ASKING["telegram"]
        chats = asking.chats(CHATS)
        while not stop.is_set():
            number, due = self.posted, monotonic() + POSTERS / RATE_PER_S
            self.posted += 1
            [(proof, body)] = asking.requests(chats, number, 1)
            headers = {asking.header: proof, "Content-Type": "application/json"}
            while not await self._is_taken(number, asking.path, headers, body):
                self.refused += 1
                await asyncio.sleep(AGAIN_S)
            self.taken[json.loads(body)["update_id"]] = monotonic()
            await asyncio.sleep(max(0.0, due - monotonic()))

    async def _is_taken(self, number: int, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        server = self.servers[number % len(self.servers)]
        url = f"http://127.0.0.1:{server.port}{path}"
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.http.post(url, data=body, headers=headers) as answer:
                return answer.status == 200
        return False

    def silence_s(self, since: float) -> float:
        """The longest time after *since* in which nothing was taken."""
        times = sorted(at for at in self.taken.values() if at >= since - 1)
        return max(later - earlier for earlier, later in pairwise(times))


async def fail_over() -> dict[str, Any]:
    """Kill the primary's server, then its node, under load; what became of it."""
    async with clustered() as cluster, sinking() as sink, aiohttp.ClientSession() as http:
        await migrate(cluster.url("owner"))
        with TemporaryDirectory() as folder:
            async with connect(cluster.url("app")) as db:
                await populate(db, Path(folder), ACCOUNTS, CHATS)
        url, port = cluster.url("app"), sink.process.port
        async with serving(url, port, "telegram") as one, serving(url, port, "telegram") as two:
            load = Load([one, two], http)
            faults = [
                await _ordeal(cluster, load, "the primary's server", Node.kill_server),
                await _ordeal(cluster, load, "the primary's node", Node.kill),
            ]
            known, wrong = await _proved(cluster, load)
            apologies = sum([await _apologies(http, each) for each in (one, two)])
        replied = await sink.taken()
    lost = len(load.taken.keys() - known)
    return {
        "faults": faults,
        "acknowledged": len(load.taken),
        "lost": lost,
        "refused_and_repeated": load.refused,
        "replies_that_reached_the_messenger": replied,
        "apologies_among_them": apologies,
        "faults_of_the_books": wrong,
    }


async def _ordeal(cluster: Cluster, load: Load, what: str, kill: Callable[[Node], None]) -> dict[str, Any]:
    """Load a healthy cluster, kill, go on until the service and the cluster are whole again."""
    async with asyncio.timeout(WITHIN_S):
        primary = await cluster.healthy()
        began, refused = len(load.taken), load.refused
        async with load.running():
            await asyncio.sleep(AROUND_S)
            before, killed_at = len(load.taken), monotonic()
            kill(primary)
            while await cluster.primary() in (None, primary):  # noqa: ASYNC110  # Patroni tells nobody
                await asyncio.sleep(clusters.LOOK_AGAIN_S)
            promoted_s = monotonic() - killed_at
            while not any(at > killed_at + promoted_s for at in load.taken.values()):  # noqa: ASYNC110
                await asyncio.sleep(clusters.LOOK_AGAIN_S)
            await asyncio.sleep(AROUND_S)
        if primary.patroni is not None and primary.patroni.returncode is not None:
            await cluster.launch(primary)
        await cluster.healthy()
    return {
        "killed": what,
        "promoted_after_s": round(promoted_s, 1),
        "nothing_taken_for_s": round(load.silence_s(killed_at), 1),
        "redundant_again_after_s": round(monotonic() - killed_at, 1),
        "acknowledged_before": before - began,
        "acknowledged_after": len(load.taken) - before,
        "refused_and_repeated": load.refused - refused,
    }


async def _proved(cluster: Cluster, load: Load) -> tuple[set[int], list[str]]:
    """The updates that are known once every reply was sent, and what is wrong."""
    async with asyncio.timeout(WITHIN_S), connect(cluster.url("owner")) as db:
        while await db.fetchval(WAITING):  # noqa: ASYNC110  # other processes tell us nothing
            await asyncio.sleep(clusters.LOOK_AGAIN_S)
        known = {row["number"] for row in await db.fetch(KNOWN)}
        wrong = [str(fault) for fault in await verify(db)]
        if (replies := await db.fetchval(REPLIES)) != len(load.taken):
            wrong.append(f"{replies} replies to {len(load.taken)} updates")
    return known, wrong


async def _apologies(http: aiohttp.ClientSession, server: Running) -> int:
    """How many turns of *server* ended in an apology instead of what was asked for."""
    async with http.get(f"http://127.0.0.1:{server.port}/metrics") as answer:
        told = await answer.text()
    return sum(int(float(number)) for number in APOLOGISED.findall(told))


def versions() -> dict[str, str]:
    """Of which release each part is."""
    asked = {
        "PostgreSQL": [str(postgres_15() / "postgres"), "--version"],
        "Patroni": [tool("patroni").path, "--version"],
        "etcd": [tool("etcd").path, "--version"],
        "HAProxy": [tool("haproxy").path, "-v"],
    }
    environment = {**os.environ, **tool("patroni").environment}
    said = {
        name: subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout
        for name, command in asked.items()
    }
    return {name: (text.splitlines() or [""])[0] for name, text in said.items()}


def main() -> int:
    """Fail over, print, write down; the status is 1 if something was lost or is wrong."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        became = runner.run(_bounded())
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "ttl_s": clusters.TTL_S,
            "loop_wait_s": clusters.LOOP_WAIT_S,
            "balancer_looks_every_ms": clusters.CHECK_MS,
            "updates_per_s": RATE_PER_S,
        },
        **became,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    Console().print(became)
    return int(became["lost"] > 0 or bool(became["faults_of_the_books"]))


async def _bounded() -> dict[str, Any]:
    async with asyncio.timeout(ALL_S):
        return await fail_over()


if __name__ == "__main__":
    sys.exit(main())
