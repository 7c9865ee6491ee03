"""The same load on larger towns: the rate, the memory of the process, and how PostgreSQL finds what it is asked.

BIG=1 in the environment adds a town of a million accounts with one month of lines and 12 monthly totals.
"""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

from benchmarks.asking import ASKING
from benchmarks.figures import Figure, Part, goal, ratio
from benchmarks.ground import wide_ground
from benchmarks.running import Load, Loader, Sink, kvitok, sinking
from benchmarks.throughput import CHATS, EXPECTED_PER_S, WARM_S, load_figures, load_note
from storage.bills import FACTS
from storage.conversations import LOCK
from storage.database import connect
from storage.residents import RESIDENTS_OF

SECONDS: Final = 6.0
ROUNDS: Final = 3


class Size(NamedTuple):
    """A town: its accounts, and the months of which it has lines."""

    accounts: int
    lines: int = 12


SIZES: Final = (Size(500), Size(10_000), Size(100_000))
BIG: Final = Size(1_000_000, lines=1)

# The statements of a balance turn that read a town's own tables, for a batch of 64.
PLANNED: Final = {
    "chats": f"explain (costs off) {LOCK}".replace("$3::bigint[]", "(select array_agg(id) from some)")
    .replace("$1::text[]", "array[]::text[]")
    .replace("$2::bytea[]", "array[]::bytea[]"),
    "residents": f"explain (costs off) {RESIDENTS_OF}".replace(
        "$1::bigint[]", "(select array_agg(id) from some)"
    ),
    "statements": f"explain (costs off) {FACTS}".replace(
        "$1::bigint[]", "(select array_agg(account) from some)"
    ),
}
SOME: Final = """
create temporary table some as
select chat_id as id, account_id as account from account_link order by id desc limit 64
"""


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
            await db.execute(SOME)
            await db.execute("analyze some")
            plans = {
                name: "\n".join(row[0] for row in await db.fetch(query)) for name, query in PLANNED.items()
            }
        async with kvitok(here, sink.process.port, "telegram") as server:
            loader = Loader(sink, asking, asking.chats(CHATS))
            await loader.load([server], WARM_S, EXPECTED_PER_S)
            loads = [await loader.load([server], SECONDS, EXPECTED_PER_S) for _ in range(ROUNDS)]
            return (
                loads,
                server.memory_mib,
                "; ".join(f"{name}: {_ways(plan)}" for name, plan in plans.items()),
            )


_WAY: Final = re.compile(r"(Seq Scan|(?:Bitmap )?Index(?: Only)? Scan)(?: using (\w+))?(?: on (\w+))?")


def _ways(plan: str) -> str:
    """How a plan reaches each table."""
    ways = dict.fromkeys(
        f"{how} {index or table}" for how, index, table in _WAY.findall(plan) if table != "some"
    )
    return ", ".join(ways)
