"""The same load on larger towns: the rate, the memory of the process, and how PostgreSQL finds what it is asked.

BIG=1 in the environment adds a town of a million accounts with one month of lines and 12 monthly totals.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from benchmarks.asking import ASKING
from benchmarks.figures import Figure, Part, goal, ratio
from benchmarks.ground import wide_ground
from benchmarks.running import Load, Loader, Sink, kvitok, sinking
from benchmarks.throughput import CHATS, EXPECTED_PER_S, WARM_S, load_figures, load_note
from storage.bills import FACTS
from storage.conversations import LOCK
from storage.database import Connection, connect
from storage.residents import RESIDENTS_OF

SECONDS: Final = 6.0
ROUNDS: Final = 3


class Size(NamedTuple):
    """A town: its accounts, and the months of which it has lines."""

    accounts: int
    lines: int = 12


SIZES: Final = (Size(500), Size(10_000), Size(100_000))
BIG: Final = Size(1_000_000, lines=1)

SAMPLED: Final = "select chat_id, account_id from account_link order by id desc limit 64"


async def growth() -> Part:
    """Each town in turn; the first is the small one that the others are compared with."""
    sizes = (*SIZES, BIG) if os.environ.get("BIG") else SIZES
    loads: dict[str, list[Load]] = {}
    memory: list[Figure] = []
    notes: list[str] = []
    async with sinking() as sink:
        for size in sizes:
            name = f"{size.accounts:,} accounts".replace(",", " ")
            loads[name], memory_mib, plans = await _town(size, sink)
            memory.append(Figure(f"{name}: memory of the process", "MiB", (memory_mib,)))
            notes.append(f"{name}: {plans}")
    small = [each.per_s for each in loads[next(iter(loads))]]
    return Part(
        (*(figure for name, of in loads.items() for figure in load_figures(name, of)), *memory),
        (
            *(
                goal(
                    f"{name} / the small town, messages/s",
                    ratio([each.per_s for each in of], small),
                    least=0.9,
                )
                for name, of in list(loads.items())[1:]
            ),
            *(load_note(name, of) for name, of in loads.items()),
            *notes,
        ),
    )


async def _town(size: Size, sink: Sink) -> tuple[list[Load], float, str]:
    asking = ASKING["telegram"]
    async with wide_ground(accounts=size.accounts, chats=CHATS, lines=size.lines) as here:
        async with connect(here.server.url("app")) as db:
            plans = await _plans(db)
        async with kvitok(here, sink.process.port, "telegram") as server:
            loader = Loader(sink, asking, asking.chats(CHATS))
            await loader.load([server], WARM_S, EXPECTED_PER_S)
            loads = [await loader.load([server], SECONDS, EXPECTED_PER_S) for _ in range(ROUNDS)]
            return loads, server.memory_mib, plans


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


_WAY: Final = re.compile(r"(Seq Scan|(?:Bitmap )?Index(?: Only)? Scan)(?: using (\w+))?(?: on (\w+))?")


def _ways(plan: str) -> str:
    """How a plan reaches each table."""
    return ", ".join(dict.fromkeys(f"{how} {index or table}" for how, index, table in _WAY.findall(plan)))
