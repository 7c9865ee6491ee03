"""The database is stopped, cut off, full, or quarrels with itself: what was acknowledged is kept, the rest comes again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from storage.database import connect
from storage.embedded import EmbeddedPostgres, _Note
from tests.faults.ground import Neighbourhood, Town, a_neighbourhood, a_town
from tests.faults.living import residents_of
from tests.faults.proving import prove
from tests.faults.rounds import ROUND_S

Trouble = Callable[[Neighbourhood], Awaitable[None]]


async def lived_through(town: Town, folder: Path, trouble: Trouble, *, engines: int = 1) -> list[str]:
    """What is wrong after residents lived through *trouble*, which goes on beside them."""
    async with a_neighbourhood(town, folder) as here:
        for _ in range(engines):
            await here.start_engine()
        residents = await residents_of(here)
        async with asyncio.timeout(ROUND_S):
            await asyncio.gather(trouble(here), *(each.live() for each in residents))
            await here.settled()
        assert len(here.alive) == engines, here.logs()[-4000:]
        return await prove(here, residents)


async def test_a_server_that_is_stopped_at_once_and_comes_back_has_lost_nothing(
    doomed_town: Town, tmp_path: Path
) -> None:
    async def restart(_: Neighbourhood) -> None:
        for pause_s in (0.7, 0.9):
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(restart_at_once, doomed_town.server)

    assert await lived_through(doomed_town, tmp_path, restart) == []


def restart_at_once(server: EmbeddedPostgres) -> None:
    """Stop it as a crash would, and start it in the same place."""
    server._control("restart", "--mode=immediate", f"--log={server._log}", "--wait", "--timeout=60")


async def test_a_backend_that_is_killed_takes_the_server_down_and_nothing_with_it(
    doomed_town: Town, tmp_path: Path
) -> None:
    killed: list[int] = []

    async def kill(here: Neighbourhood) -> None:
        for _ in range(3):
            await asyncio.sleep(0.5)
            async with connect(here.database.superuser) as db:
                # None where the pool is between two connections; the next time then.
                pid = await db.fetchval(BACKENDS + " limit 1")
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    assert await lived_through(doomed_town, tmp_path, kill) == []
    assert killed


# Those who serve this database.
BACKENDS = """
select pid from pg_stat_activity where datname = current_database() and application_name = 'kvitok'
"""


async def test_connections_that_are_cut_are_made_anew(doomed_town: Town, tmp_path: Path) -> None:
    async def cut(here: Neighbourhood) -> None:
        chance = Random(3)
        async with connect(here.database.superuser) as db:
            for _ in range(12):
                await asyncio.sleep(chance.uniform(0.02, 0.3))
                await db.execute(f"select pg_terminate_backend(pid) from ({BACKENDS}) as serving")

    assert await lived_through(doomed_town, tmp_path, cut) == []


async def test_locks_that_are_held_too_long_and_deadlocks_are_gone_through(
    doomed_town: Town, tmp_path: Path
) -> None:
    """Somebody takes the rows that turns take, in the wrong order, again and again."""

    async def quarrel(here: Neighbourhood) -> None:
        async with connect(here.database.superuser) as db:
            chats = [row["id"] for row in await db.fetch("select id from chat order by id desc")]
            for _ in range(4):
                async with db.transaction():
                    await db.execute("set local deadlock_timeout = '1s'")
                    for chat in chats:
                        await db.execute("select from chat where id = $1 for update", chat)
                        await asyncio.sleep(0.1)
                await asyncio.sleep(0.05)

    assert await lived_through(doomed_town, tmp_path, quarrel, engines=2) == []


# --- A full disk ------------------------------------------------------------------------------------


@contextmanager
def a_small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes, where we may mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "kvitok-small", str(disk)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("a small disk can be mounted by root alone, and not in every container")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
async def cramped_town() -> AsyncIterator[tuple[Town, Path]]:
    """A town on a small disk of its own."""
    # Not among pytest's folders: each run that starts closes them to the server's user.
    with TemporaryDirectory(prefix="kvitok-tests-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        with a_small_disk(folder, megabytes=400) as disk:
            async with a_town(accounts=4, folder=disk) as town:
                yield town, disk


async def test_a_full_disk_is_waited_out(cramped_town: tuple[Town, Path], tmp_path: Path) -> None:
    town, disk = cramped_town

    async def fill(_: Neighbourhood) -> None:
        await asyncio.sleep(0.5)
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
        await asyncio.sleep(4)
        ballast.unlink()
        await asyncio.to_thread(see_to, town.server)

    assert await lived_through(town, tmp_path, fill) == []


def see_to(server: EmbeddedPostgres) -> None:
    """Start the server if it gave up for want of room, as whoever watches over it would."""
    try:
        os.kill(_Note.of(server._data).pid, 0)
    except (OSError, ValueError, IndexError):
        restart_at_once(server)
