"""The same load on larger towns: the rate, the memory of the process, and how PostgreSQL finds what it is asked.

BIG=1 in the environment adds a town of a million accounts with one month of lines and 12 monthly totals.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks.asking import ASKING
from benchmarks.figures import Figure, Part, goal, ratio
from benchmarks.ground import wide_ground
from benchmarks.running import Load, Loader, Running, Sink, kvitok, sinking
from benchmarks.throughput import CHATS, EXPECTED_PER_S, WARM_S, load_figures, load_note
from storage.bills import FACTS
from storage.conversations import LOCK
from storage.database import Connection, connect
from storage.residents import RESIDENTS_OF

SECONDS: Final = 6.0
ROUNDS: Final = 7


class Size(NamedTuple):
    """A town: its accounts, and the months of which it has lines."""

    accounts: int
    lines: int = 12


SIZES: Final = (Size(500), Size(10_000), Size(100_000))
BIG: Final = Size(1_000_000, lines=1)

SAMPLED: Final = "select chat_id, account_id from account_link order by id desc limit 64"


@dataclass(frozen=True)
class Town:
    """A town that is served, what it was loaded with, and how PostgreSQL reads it."""

    name: str
    server: Running
    loader: Loader
    plans: str
    loads: list[Load]


async def growth() -> Part:
    """Rounds over the towns, taking turns; the first is the small one that the others are compared with."""
    sizes = (*SIZES, BIG) if os.environ.get("BIG") else SIZES
    async with sinking() as sink, AsyncExitStack() as own:
        towns = [await own.enter_async_context(_town(size, sink)) for size in sizes]
        for _ in range(ROUNDS):
            for town in towns:
                await town.loader.load([town.server], WARM_S, EXPECTED_PER_S)
                town.loads.append(await town.loader.load([town.server], SECONDS, EXPECTED_PER_S))
        memory = [
            Figure(f"{town.name}: memory of the process", "MiB", (town.server.memory_mib,)) for town in towns
        ]
    small, *larger = towns
    return Part(
        (*(figure for town in towns for figure in load_figures(town.name, town.loads)), *memory),
        (
            *(
                goal(
                    f"{town.name} / the small town, messages/s",
                    ratio([each.per_s for each in town.loads], [each.per_s for each in small.loads]),
                    least=0.9,
                )
                for town in larger
            ),
            *(load_note(town.name, town.loads) for town in towns),
            *(f"{town.name}: {town.plans}" for town in towns),
        ),
    )


@asynccontextmanager
async def _town(size: Size, sink: Sink) -> AsyncIterator[Town]:
    asking = ASKING["telegram"]
    async with wide_ground(accounts=size.accounts, chats=CHATS, lines=size.lines) as here:
        async with connect(here.server.url("superuser")) as db:
            # What its making has left to be written is not to be written while towns are measured.
            await db.execute("checkpoint")
        async with connect(here.server.url("app")) as db:
            plans = await _plans(db)
        async with kvitok(here, sink.process.port, "telegram") as server:
            name = f"{size.accounts:,} accounts".replace(",", " ")
            yield Town(name, server, Loader(sink, asking, asking.chats(CHATS)), plans, [])


async def _plans(db: Connection) -> str:
    """How PostgreSQL reads the town's own tables for a batch of 64 balance turns."""
    rows = await db.fetch(SAMPLED)
    chats, accounts = (_array(row[name] for row in rows) for name in ("chat_id", "account_id"))
    locked = LOCK.replace("$1::text[]", "array[]::text[]").replace("$2::bytea[]", "array[]::bytea[]")
    queries = {
        "chats": locked.replace("$3::bigint[]", chats),
        "residents": RESIDENTS_OF.replace("$1::bigint[]", chats),
        "statements": FACTS.replace("$1::bigint[]", accounts),
    }
    found = []
    for name, query in queries.items():
        plan = "\n".join(row[0] for row in await db.fetch(f"explain (costs off) {query}"))
        found.append(f"{name}: {_ways(plan)}")
    return "; ".join(found)


def _array(numbers: Iterable[int]) -> str:
    return f"'{{{','.join(map(str, numbers))}}}'::bigint[]"


_WAY: Final = re.compile(
    r"(Seq Scan|(?:Bitmap )?Index(?: Only)? Scan)(?: Backward)?(?: using (\w+))?(?: on (\w+))?"
)


def _ways(plan: str) -> str:
    """How a plan reaches each table."""
    return ", ".join(dict.fromkeys(f"{how} {index or table}" for how, index, table in _WAY.findall(plan)))
