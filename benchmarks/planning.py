"""What docs/scaling.md plans from: a message's cost to PostgreSQL, what a pooler costs, what books take, and their proof.

PostgreSQL's processor is that of all its processes, those that ended among them; its WAL is what the load wrote.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

from benchmarks.asking import ASKING
from benchmarks.figures import Figure, Part, ratio
from benchmarks.ground import Ground, empty_ground, populate, wide_ground
from benchmarks.pooling import Pooler, pooling
from benchmarks.running import TICKS_PER_S, Load, Loader, Running, Sink, memory_kib, serving, sinking
from benchmarks.throughput import ACCOUNTS, CHATS, EXPECTED_PER_S, WARM_S
from storage.database import APP_URL, Connection, connect
from storage.embedded import EmbeddedPostgres
from storage.proof import verify

SECONDS: Final = 5.0
ROUNDS: Final = 3
# The sessions of the pooler, and the connections of each process that docs/scaling.md plans.
POOLED: Final = 20
PLANNED: Final = 3
# Towns of so many accounts, to see whether a proof takes as long as it has to read.
BOOKS: Final = (250, 1_000)

AS_IT_COMES: Final = "10 connections"
AS_PLANNED: Final = f"{PLANNED} connections"
BEHIND: Final = "pgbouncer"
DATABASE: Final[Mapping[str, Mapping[str, Any]]] = {
    AS_IT_COMES: {},
    AS_PLANNED: {"connections_max": PLANNED},
    BEHIND: {"pooled": True},
}


async def planning() -> Part:
    """The load over sessions of its own and over a pooler, a round each at a time; then the books of whole towns."""
    costs, sessions_mib = await _messages()
    books = [await _books(accounts) for accounts in BOOKS]
    largest = books[-1]
    direct, pooled = costs[AS_IT_COMES], costs[BEHIND]
    return Part(
        (
            *(figure for name, of in costs.items() for figure in _figures(name, of)),
            Figure("pgbouncer: its own processor", "µs/message", tuple(each.pooler_us for each in pooled)),
            Figure("memory of a session of PostgreSQL", "MiB", tuple(sessions_mib)),
            Figure("database, with all that hangs on a bill line", "B/line", (largest.bytes_a_line,)),
            Figure("transfers of a bill line", "transfers/line", (largest.transfers_a_line,)),
            *(
                Figure(f"proof, {each.accounts} accounts", "transfers/s", (each.proven_per_s,))
                for each in books
            ),
        ),
        (
            (
                "behind pgbouncer a message takes"
                f" {ratio([each.load.cpu_us for each in pooled], [each.load.cpu_us for each in direct]):.2f} times"
                " the processor of the process, and"
                f" {ratio([each.database_us for each in pooled], [each.database_us for each in direct]):.2f} times"
                " that of PostgreSQL"
            ),
            *(each.told for each in books),
        ),
    )


# --- Messages ---------------------------------------------------------------------------------------

WRITTEN: Final = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
SESSIONS: Final = "select pid from pg_stat_activity where usename = 'kvitok_app'"


class Cost(NamedTuple):
    """A load, and what a message of it cost others than the process."""

    load: Load
    database_us: float
    wal_bytes: float
    pooler_us: float


def _figures(name: str, costs: list[Cost]) -> list[Figure]:
    return [
        Figure(name, "messages/s", tuple(each.load.per_s for each in costs)),
        Figure(f"{name}: processor of serve", "µs/message", tuple(each.load.cpu_us for each in costs)),
        Figure(f"{name}: processor of PostgreSQL", "µs/message", tuple(each.database_us for each in costs)),
        Figure(f"{name}: WAL", "B/message", tuple(each.wal_bytes for each in costs)),
    ]


async def _messages() -> tuple[dict[str, list[Cost]], list[float]]:
    """What each way came to, and the memory of each session; one process at a time, for they share what waits."""
    asking = ASKING["telegram"]
    costs: dict[str, list[Cost]] = {name: [] for name in DATABASE}
    async with AsyncExitStack() as own:
        here = await own.enter_async_context(wide_ground(accounts=ACCOUNTS, chats=CHATS))
        sink = await own.enter_async_context(sinking())
        pooler = await own.enter_async_context(pooling(here.server, sessions=POOLED))
        db = await own.enter_async_context(connect(here.server.url("superuser")))
        loader = Loader(sink, asking, asking.chats(CHATS))
        for _ in range(ROUNDS):
            for name, of in costs.items():
                async with _served(here, sink, name, pooler) as server:
                    await loader.load([server], WARM_S, EXPECTED_PER_S)
                    of.append(await _cost(db, here.server, loader, server, pooler))
                    if name == AS_IT_COMES:
                        sessions_mib = [
                            memory_kib(row["pid"], kind="RssAnon") / 1024 for row in await db.fetch(SESSIONS)
                        ]
    return costs, sessions_mib


@asynccontextmanager
async def _served(here: Ground, sink: Sink, name: str, pooler: Pooler) -> AsyncIterator[Running]:
    url = here.server.url("app")
    secrets = {APP_URL: pooler.url(url)} if name == BEHIND else {}
    sections = {"database": DATABASE[name]}
    async with serving(url, sink.process.port, "telegram", sections=sections, secrets=secrets) as server:
        yield server


async def _cost(
    db: Connection, database: EmbeddedPostgres, loader: Loader, server: Running, pooler: Pooler
) -> Cost:
    between = Running(pooler.pid, pooler.port, 0)
    cpu_s, pooler_s, written = _cpu_s(database), between.cpu_s, await db.fetchval(WRITTEN)
    load = await loader.load([server], SECONDS, EXPECTED_PER_S)
    messages = max(load.messages, 1)
    return Cost(
        load,
        database_us=(_cpu_s(database) - cpu_s) / messages * 1e6,
        wal_bytes=(await db.fetchval(WRITTEN) - written) / messages,
        pooler_us=(between.cpu_s - pooler_s) / messages * 1e6,
    )


def _cpu_s(server: EmbeddedPostgres) -> float:
    """Seconds of processor that all processes of *server* have used, those that ended among them."""
    first = int((server.folder / "postgres/data/postmaster.pid").read_text(encoding="utf-8").split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
    ended = Path(f"/proc/{first}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[13:15]
    alive = sum(Running(pid, 0, 0).cpu_s for pid in (first, *map(int, children)))
    return alive + sum(map(int, ended)) / TICKS_PER_S


# --- Books ------------------------------------------------------------------------------------------

SIZE: Final = "select pg_database_size(current_database())"
ROWS: Final = """
select (select count(*) from charge) as lines, (select count(distinct period) from charge) as months,
  (select count(*) from transfer) as transfers, (select count(*) from payment) as payments,
  (select count(*) from reading) as readings
"""


@dataclass(frozen=True)
class Books:
    """A town that was imported with its past, and how long the proof of its books took."""

    accounts: int
    rows: Mapping[str, int]
    size: int
    proven_s: float

    @property
    def bytes_a_line(self) -> float:
        return self.size / self.rows["lines"]

    @property
    def transfers_a_line(self) -> float:
        return self.rows["transfers"] / self.rows["lines"]

    @property
    def proven_per_s(self) -> float:
        return self.rows["transfers"] / self.proven_s

    @property
    def told(self) -> str:
        """What the town came to."""
        found = ", ".join(f"{number} {name}" for name, number in self.rows.items())
        return f"{self.accounts} accounts: {found}; {self.size / 1e6:.0f} MB, proven in {self.proven_s:.1f} s"


async def _books(accounts: int) -> Books:
    async with empty_ground() as server, connect(server.url("app")) as db:
        empty = await db.fetchval(SIZE)
        await populate(db, server.folder / "town", accounts, chats=accounts)
        size = await db.fetchval(SIZE) - empty
        began = perf_counter()
        if faults := await verify(db):
            raise AssertionError(faults[:5])
        proven_s = perf_counter() - began
        [rows] = await db.fetch(ROWS)
        return Books(accounts, dict(rows), size, proven_s)
