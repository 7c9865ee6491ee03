"""What a failover loses, and how long it takes (`make failover`): nothing that was acknowledged may be lost.

Two `kvitok serve` stand before a cluster by Patroni (see `benchmarks.cluster`) and are posted Telegram's webhooks
at a steady rate, balances and readings, while payments are made; what is refused is posted again, as Telegram and
acquirers do. First the primary's server is killed, then the primary's whole node. An update that was answered by 200
is acknowledged: afterwards it must be known, have its reply, and its reading must be kept; a payment whose notice was
answered so must be in the books, all of them once. Status 1 if it is not so, or if the books are not whole.
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
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
from benchmarks.ground import UNSETTLED, populate
from benchmarks.payers import SECRETS, Payers, paid_in, paying
from benchmarks.residents import Resident, kept_readings, residents_of
from benchmarks.running import Running, Sink, serving, sinking
from benchmarks.tools import postgres_15, tool
from storage.database import connect
from storage.migrating import migrate
from storage.proof import verify

# Each with a chat; a multiple of the posters, so that each chat is one poster's, who posts its updates in order.
ACCOUNTS: Final = 400
RATE_PER_S: Final = 100
PAYMENTS_PER_S: Final = 5
POSTERS: Final = 20
# As docs/scaling.md plans.
CONNECTIONS: Final = 3
AGAIN_S: Final = 0.1
# Load before a kill, and after the first update that was taken again.
AROUND_S: Final = 5.0
WITHIN_S: Final = 120
ALL_S: Final = 420
RESULTS: Final = Path(__file__).parent / "results" / "failover.json"

# The numbers of the updates that are known.
KNOWN: Final = "select split_part(key, ':', 2)::bigint as number from inbox where channel = 'telegram'"
APOLOGISED: Final = re.compile(
    r'^kvitok_turns_total{.*outcome="(?:apologised|closed)".*} (\S+)$', re.MULTILINE
)
REPLIES: Final = "select count(*) from outbox where state = 'sent'"
WRONG: Final = ("lost", "readings_lost_or_doubled", "payments_lost_or_doubled", "faults_of_the_books")


@dataclass
class Load:
    """Updates at a steady rate, each posted until it is taken; *readings* must be kept by then."""

    servers: Sequence[Running]
    residents: Sequence[Resident]
    payers: Payers
    http: aiohttp.ClientSession
    refused: int = 0
    taken: dict[int, float] = field(default_factory=dict)
    readings: list[tuple[int, int]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=lambda: list(range(POSTERS)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load while the context lasts, and until all that was posted was taken."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._post_on(place, stop)) for place in range(POSTERS)]
        tasks.append(asyncio.create_task(self.payers.pay_on(stop, PAYMENTS_PER_S)))
        try:
            yield
            stop.set()
            await asyncio.gather(*tasks)
            await self.payers.acquirer.told()
        finally:
            for task in tasks:
                task.cancel()

    async def take(self, more: int) -> None:
        """Return when so many *more* updates were taken."""
        before = len(self.taken)
        while len(self.taken) < before + more:  # noqa: ASYNC110  # posters have more to do than to tell
            await asyncio.sleep(clusters.LOOK_AGAIN_S)

    async def _post_on(self, poster: int, stop: asyncio.Event) -> None:
        asking = ASKING["telegram"]
        while not stop.is_set():
            number, due = self.numbers[poster], monotonic() + POSTERS / RATE_PER_S
            self.numbers[poster] += POSTERS
            visit, place = divmod(number, len(self.residents))
            resident = self.residents[place]
            update = resident.update(visit, number)
            server = self.servers[(number + visit) % len(self.servers)]
            while not await self._is_taken(f"http://127.0.0.1:{server.port}{asking.path}", update):
                self.refused += 1
                await asyncio.sleep(AGAIN_S)
            self.taken[update["update_id"]] = monotonic()
            if (kept := resident.kept(visit)) is not None:
                self.readings.append((place, kept))
            await asyncio.sleep(max(0.0, due - monotonic()))

    async def _is_taken(self, url: str, update: Any) -> bool:
        asking = ASKING["telegram"]
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.http.post(url, json=update, headers={asking.header: asking.proof(b"")}) as answer:
                return answer.status == 200
        return False

    def silence_s(self, since: float) -> float:
        """The longest time after *since* in which nothing was taken."""
        times = sorted(at for at in self.taken.values() if at >= since - 1)
        return max(later - earlier for earlier, later in pairwise(times))


@dataclass(frozen=True)
class Trial:
    """A cluster, what stands before it, and the load that it is under."""

    cluster: Cluster
    servers: Sequence[Running]
    sink: Sink
    load: Load


@asynccontextmanager
async def tried(*, accounts: int, servers: int, connections: int) -> AsyncIterator[Trial]:
    """A town on a cluster, a payment of each resident begun, and so many servers of so many connections before it."""
    async with AsyncExitStack() as own:
        cluster = await own.enter_async_context(clustered())
        sink = await own.enter_async_context(sinking())
        http = await own.enter_async_context(aiohttp.ClientSession())
        payers = await own.enter_async_context(paying(http))
        residents = await _settle_in(cluster, accounts)
        sections = {"database": {"connections_max": connections}, **payers.sections}
        serve = [
            await own.enter_async_context(
                serving(cluster.url("app"), sink.process.port, "telegram", sections=sections, secrets=SECRETS)
            )
            for _ in range(servers)
        ]
        async with connect(cluster.url("app")) as db:
            await payers.begin(db, residents, f"http://127.0.0.1:{serve[0].port}")
        yield Trial(cluster, serve, sink, Load(serve, residents, payers, http))


async def _settle_in(cluster: Cluster, accounts: int) -> Sequence[Resident]:
    await migrate(cluster.url("owner"))
    with TemporaryDirectory() as folder:
        async with connect(cluster.url("app")) as db:
            await populate(db, Path(folder), accounts, chats=accounts)
            return await residents_of(db)


async def fail_over() -> dict[str, Any]:
    """Kill the primary's server, then its node, under load; what became of it."""
    async with tried(accounts=ACCOUNTS, servers=2, connections=CONNECTIONS) as trial:
        load = trial.load
        faults = [
            await _ordeal(trial.cluster, load, "the primary's server", Node.kill_server),
            await _ordeal(trial.cluster, load, "the primary's node", Node.kill),
        ]
        proven = await proved(trial)
        apologies = sum([await _apologies(load.http, each) for each in trial.servers])
        replied = await trial.sink.taken()
    return {
        "faults": faults,
        "acknowledged": len(load.taken),
        "readings_among_them": len(load.readings),
        "payments": len(load.payers.paid),
        **proven,
        "refused_and_repeated": load.refused,
        "replies_that_reached_the_messenger": replied,
        "apologies_among_them": apologies,
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


async def proved(trial: Trial) -> dict[str, Any]:
    """What was lost or doubled, once every reply was sent, and what is wrong besides; see `WRONG`."""
    load = trial.load
    async with asyncio.timeout(WITHIN_S), connect(trial.cluster.url("owner")) as db:
        while await db.fetchval(UNSETTLED):  # noqa: ASYNC110  # other processes tell us nothing
            await asyncio.sleep(clusters.LOOK_AGAIN_S)
        known = {row["number"] for row in await db.fetch(KNOWN)}
        wrong = [str(fault) for fault in await verify(db)]
        expected = len(load.taken) + len(load.payers.paid)
        if (replies := await db.fetchval(REPLIES)) != expected:
            wrong.append(f"{replies} replies to {expected} updates and payments")
        return {
            "lost": len(load.taken.keys() - known),
            "readings_lost_or_doubled": _differing(load.readings, await kept_readings(db)),
            "payments_lost_or_doubled": _differing(load.payers.paid, await paid_in(db)),
            "faults_of_the_books": wrong,
        }


def _differing(expected: Iterable[Any], found: Iterable[Any]) -> int:
    """How many are not there as often as they should be."""
    wanted, there = Counter(expected), Counter(found)
    return sum(((wanted - there) + (there - wanted)).values())


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
            "payments_per_s": PAYMENTS_PER_S,
            "connections_max": CONNECTIONS,
        },
        **became,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    Console().print(became)
    return int(any(became[name] for name in WRONG))


async def _bounded() -> dict[str, Any]:
    async with asyncio.timeout(ALL_S):
        return await fail_over()


if __name__ == "__main__":
    sys.exit(main())
