"""Three processes on one database, with sessions of their own or a pooler's; one is killed and the others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.pooling import pooling
from tests.faults.ground import Neighbourhood, Town, a_neighbourhood
from tests.faults.living import residents_of
from tests.faults.proving import prove
from tests.tooling import need

PROCESSES = 3
RESIDENTS = 6
# Fewer than the processes' connections, which therefore share them.
SESSIONS = 4


async def test_three_processes_share_a_town_and_two_go_on_without_the_third(
    doomed_town: Town, tmp_path: Path
) -> None:
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        assert await shared(here) == []
        assert len(here.alive) == PROCESSES - 1


async def test_three_processes_share_a_town_behind_one_pooler(doomed_town: Town, tmp_path: Path) -> None:
    need("pgbouncer")
    async with (
        pooling(doomed_town.server, sessions=SESSIONS) as pooler,
        a_neighbourhood(doomed_town, tmp_path, pooler=pooler) as here,
    ):
        assert await shared(here) == []
        assert len(here.alive) == PROCESSES - 1


async def shared(here: Neighbourhood) -> list[str]:
    """What is wrong after residents lived on while one of three processes was killed, each having had turns."""
    await asyncio.gather(*(here.start_engine() for _ in range(PROCESSES)))
    residents = await residents_of(here, most=RESIDENTS)
    lives = asyncio.gather(*(each.live() for each in residents))
    while not lives.done() and not all(turns_of(here)):  # noqa: ASYNC110  # another process tells us nothing
        await asyncio.sleep(0.02)
    assert all(turns_of(here))
    here.engines[0].kill()
    await lives
    await here.settled()
    return await prove(here, residents)


def turns_of(here: Neighbourhood) -> list[int]:
    """How many turns each process had."""
    logs = (here.folder / f"{engine.port}.log" for engine in here.engines)
    return [log.read_text(errors="replace").count('"event":"turn.done"') for log in logs]
