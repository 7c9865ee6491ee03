"""Processes that share a database, also by a pooler: one is killed, or asked to end, and the others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from benchmarks.pooling import pooling
from storage.database import connect
from tests.faults.ground import Neighbourhood, Town, a_neighbourhood
from tests.faults.living import residents_of
from tests.faults.proving import SENDS, prove
from tests.tooling import need

PROCESSES = 3
RESIDENTS = 6
# Fewer than the processes' connections, which therefore share them.
SESSIONS = 4
# Longer than any send here takes: a message that is sent again was lost, not late.
LEASE_S = 20.0
# So slow are the messenger's answers that a process is told to end amid sends.
ANSWER_S = 0.3

# Messages that were not sent once: by the states that they are in.
NOT_SENT_ONCE = "select id, state, attempts, reason from outbox where state <> 'sent' or attempts <> 1"


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


async def test_an_upgrade_loses_no_message_and_repeats_none(doomed_town: Town, tmp_path: Path) -> None:
    """A new process is started under load, and the old one is asked to end once the new one is ready."""
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        here.on_answer.append(slowly)
        old = await here.start_engine(lease_s=LEASE_S)
        residents = await residents_of(here, most=RESIDENTS)
        lives = asyncio.gather(*(each.live() for each in residents))
        await all_had_turns(here, lives)
        await here.start_engine(lease_s=LEASE_S)
        await all_had_turns(here, lives)

        old.stop()
        await old.ended()
        assert not lives.done()
        await lives
        await here.settled()

        assert old.process.exitcode == 0
        assert await prove(here, residents) == []
        async with connect(here.database.app) as db:
            assert [dict(row) for row in await db.fetch(NOT_SENT_ONCE)] == []
            sent = await db.fetchval("select count(*) from outbox")
        assert len([call for call in here.telegram.calls if call.method in SENDS]) == sent


async def slowly(request: web.Request, _: web.StreamResponse) -> None:
    """The messenger takes its time over the answer to a send."""
    if request.path.endswith(SENDS):
        await asyncio.sleep(ANSWER_S)


async def shared(here: Neighbourhood) -> list[str]:
    """What is wrong after residents lived on while one of three processes was killed, each having had turns."""
    await asyncio.gather(*(here.start_engine() for _ in range(PROCESSES)))
    residents = await residents_of(here, most=RESIDENTS)
    lives = asyncio.gather(*(each.live() for each in residents))
    await all_had_turns(here, lives)
    here.engines[0].kill()
    await lives
    await here.settled()
    return await prove(here, residents)


async def all_had_turns(here: Neighbourhood, lives: asyncio.Future[list[None]]) -> None:
    """Return once each process had a turn, while residents live on."""
    while not lives.done() and not all(turns_of(here)):  # noqa: ASYNC110  # another process tells us nothing
        await asyncio.sleep(0.02)
    assert all(turns_of(here))


def turns_of(here: Neighbourhood) -> list[int]:
    """How many turns each process had."""
    logs = (here.folder / f"{engine.port}.log" for engine in here.engines)
    return [log.read_text(errors="replace").count('"event":"turn.done"') for log in logs]
