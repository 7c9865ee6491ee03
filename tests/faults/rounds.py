"""Rounds of killing: residents live on while engines die under them, and afterwards everything is right."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

from tests.faults.dying import STEPS
from tests.faults.ground import Engine, Neighbourhood, Town, a_neighbourhood
from tests.faults.living import Resident, residents_of
from tests.faults.proving import prove

ROUND_S: Final = 240
AT_ONCE: Final = 3
# So often, and after so long each time, an engine is killed at random.
KILLS: Final = 4
PAUSE_S: Final = (0.1, 0.8)
RANDOMLY: Final = "at random"
WAYS: Final = (*STEPS, RANDOMLY)
# A round has dozens of turns and as many messages, and a payment a resident.
PASSINGS_MAX: Final = {"mid-payment": 6, "mid-batch": 15, "after commit": 15}


@dataclass(frozen=True, slots=True)
class Round:
    """One round: how its engines died, how often, how long it took and what was wrong afterwards."""

    seed: int
    way: str
    engines: int
    deaths: int
    took_s: float
    wrong: Sequence[str]


async def run_rounds(town: Town, seeds: Sequence[int], *, residents: int = 100) -> list[Round]:
    """Run the rounds of these *seeds* with at most so many *residents*, some at a time: they wait for leases to end more than they work."""
    room = asyncio.Semaphore(AT_ONCE)

    async def run(seed: int) -> Round:
        async with room:
            return await run_round(town, seed, residents=residents)

    return await asyncio.gather(*map(run, seeds))


async def run_round(town: Town, seed: int, *, residents: int) -> Round:
    """Run the round of this *seed*: ways to die take turns, and every other round has two engines at once."""
    chance = Random(seed)
    way = WAYS[seed % len(WAYS)]
    engines = 1 + seed // len(WAYS) % 2
    began = monotonic()
    with TemporaryDirectory(prefix="kvitok-faults-") as folder:
        async with a_neighbourhood(town, Path(folder), seed=seed) as here:
            wrong = await _round(here, way, engines, chance, await residents_of(here, most=residents))
            ends = [engine.process.exitcode for engine in here.engines if not engine.alive]
            wrong += [f"an engine ended of itself: {end}" for end in ends if end != -signal.SIGKILL]
            if wrong:
                wrong.append(here.logs()[-4000:])
    return Round(seed, way, engines, len(ends), monotonic() - began, wrong)


async def _round(
    here: Neighbourhood, way: str, engines: int, chance: Random, residents: Sequence[Resident]
) -> list[str]:
    passing = chance.randint(1, PASSINGS_MAX.get(way, 40))
    doomed = "" if way == RANDOMLY else way
    await asyncio.gather(
        here.start_engine(step=doomed, passing=passing), *(here.start_engine() for _ in range(engines - 1))
    )
    jobs = [replace(here, engine) for engine in here.engines]
    if way == RANDOMLY:
        jobs.append(_kill(here, chance))
    try:
        async with asyncio.timeout(ROUND_S), in_background(*jobs):
            await asyncio.gather(*(each.live() for each in residents))
            await here.settled()
    except (AssertionError, TimeoutError) as failure:
        return [f"{type(failure).__name__}: {failure}"]
    return await prove(here, residents)


@asynccontextmanager
async def in_background(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *jobs* while the context lasts."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def replace(here: Neighbourhood, engine: Engine) -> None:
    """Start another engine when *engine* dies, and another when that does."""
    while True:
        await engine.ended()
        engine = await here.start_engine()


async def _kill(here: Neighbourhood, chance: Random) -> None:
    """Kill some living engine from time to time."""
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(*PAUSE_S))
        if alive := here.alive:
            chance.choice(alive).kill()
