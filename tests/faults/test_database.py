"""The database is stopped, cut off, full, or quarrels with itself: what was acknowledged is kept, the rest comes again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from benchmarks.ground import FIRST_CHAT
from storage.database import Connection, DatabaseUnreachableError, connect
from storage.embedded import EmbeddedPostgres, _Note
from tests.faults.ground import LOOK_AGAIN_S, Neighbourhood, Town, Trouble, a_neighbourhood, a_town, until
from tests.faults.living import residents_of
from tests.faults.proving import prove
from tests.faults.rounds import ROUND_S

# Trouble that does not come about is no trouble.
COMES_S = 60


async def lived_through(
    town: Town, folder: Path, trouble: Trouble, *, engines: int = 1, settings: str = ""
) -> list[str]:
    """What is wrong after residents lived through *trouble*, which goes on beside them.

    *settings* are the database's own, for whoever connects.
    """
    async with a_neighbourhood(town, folder) as here:
        if settings:
            async with connect(here.database.superuser) as db:
                await db.execute(f"alter database {here.database.name} set {settings}")
        for _ in range(engines):
            await here.start_engine()
        residents = await residents_of(here)
        async with asyncio.timeout(ROUND_S):
            lives = asyncio.gather(*(each.live() for each in residents))
            troubled, _ = await asyncio.gather(within(COMES_S, trouble, here), lives)
            await here.settled()
        assert len(here.alive) == engines, here.logs()[-4000:]
        assert troubled(), here.logs()[-4000:]
        return await prove(here, residents)


async def within(seconds: float, trouble: Trouble, here: Neighbourhood) -> Callable[[], bool]:
    async with asyncio.timeout(seconds):
        return await trouble(here)


async def a_turn(here: Neighbourhood) -> None:
    """Return at once after one more turn was committed."""
    before = here.logs().count('"event":"turn.done"')
    await until(lambda: here.logs().count('"event":"turn.done"') > before)


async def test_a_server_that_is_stopped_at_once_and_comes_back_has_lost_nothing(
    doomed_town: Town, tmp_path: Path
) -> None:
    async def restart(here: Neighbourhood) -> Callable[[], bool]:
        for _ in range(2):
            await a_turn(here)
            await asyncio.to_thread(restart_at_once, doomed_town.server)
        return lambda: here.logged("database.away")

    assert await lived_through(doomed_town, tmp_path, restart) == []


def restart_at_once(server: EmbeddedPostgres) -> None:
    """Stop it as a crash would, and start it in the same place."""
    server._control("restart", "--mode=immediate", f"--log={server._log}", "--wait", "--timeout=60")


async def test_a_backend_that_is_killed_takes_the_server_down_and_nothing_with_it(
    doomed_town: Town, tmp_path: Path
) -> None:
    async def kill(here: Neighbourhood) -> Callable[[], bool]:
        killed: list[int] = []
        while len(killed) < 3:
            await a_turn(here)
            pid = None
            # None also while the server is still coming back, and where the pool is between two connections.
            with suppress(DatabaseUnreachableError):
                async with connect(here.database.superuser) as db:
                    pid = await db.fetchval(BACKENDS + " limit 1")
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        return lambda: here.logged("database.away")

    assert await lived_through(doomed_town, tmp_path, kill) == []


# Those who serve this database.
BACKENDS = """
select pid from pg_stat_activity where datname = current_database() and application_name = 'kvitok'
"""
# How many of them were told to end.
CUT = f"select count(pg_terminate_backend(pid)) from ({BACKENDS}) as serving"


async def test_connections_that_are_cut_are_made_anew(doomed_town: Town, tmp_path: Path) -> None:
    async def cut(here: Neighbourhood) -> Callable[[], bool]:
        chance = Random(3)
        ended: list[int] = []
        await a_turn(here)
        async with connect(here.database.superuser) as db:
            while sum(ended) < 12 or not here.logged("database.away"):
                ended.append(await db.fetchval(CUT))
                await asyncio.sleep(chance.uniform(0.02, 0.3))
        return lambda: True

    assert await lived_through(doomed_town, tmp_path, cut) == []


# --- Transactions that are in each other's way --------------------------------------------------------


async def test_deadlocks_and_locks_that_are_held_too_long_are_gone_through(
    doomed_town: Town, tmp_path: Path
) -> None:
    """Somebody takes the rows that turns take, in the wrong order, and then keeps them."""

    async def quarrel(here: Neighbourhood) -> Callable[[], bool]:
        deadlocked = partial(here.logged, "batch.again", why="DeadlockDetectedError")
        gave_up = partial(here.logged, "batch.again", why="LockNotAvailableError")
        await a_turn(here)
        async with connect(here.database.superuser) as db:
            # Whoever looks for a ring first is the one who has to give way.
            await db.execute("set deadlock_timeout = '1min'")
            while not deadlocked():
                async with db.transaction():
                    await make_a_ring(db)
            async with db.transaction():
                await db.execute("select from chat order by id for no key update")
                await until(gave_up)
        return lambda: deadlocked() and gave_up()

    settings = "deadlock_timeout = '200ms'"
    assert await lived_through(doomed_town, tmp_path, quarrel, engines=2, settings=settings) == []


async def make_a_ring(db: Connection) -> None:
    """Take lanes, and once a turn waits for one of them, the chats, of which it has one."""
    await db.execute("select from lane for update")
    for _ in range(20):
        if await db.fetchval(WAITED_FOR):
            break
        await asyncio.sleep(LOOK_AGAIN_S)
    await db.execute("select from chat order by id desc for no key update")


# Whether somebody waits for what we have.
WAITED_FOR = f"""
select exists (select from ({BACKENDS}) as serving where pg_backend_pid() = any(pg_blocking_pids(pid)))
"""


async def test_transactions_that_cannot_be_put_in_an_order_are_tried_again(
    doomed_town: Town, tmp_path: Path
) -> None:
    """Under an isolation that we do not ask for: under our own no statement of ours fails so."""

    async def insist(here: Neighbourhood) -> Callable[[], bool]:
        return lambda: here.logged("batch.again", why="SerializationError")

    settings = "default_transaction_isolation = 'repeatable read'"
    assert await lived_through(doomed_town, tmp_path, insist, engines=2, settings=settings) == []


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


# A chat of nobody's who is linked.
NEWCOMER = str(FIRST_CHAT - 1)


async def test_a_full_disk_is_waited_out(cramped_town: tuple[Town, Path], tmp_path: Path) -> None:
    town, disk = cramped_town

    async def fill(here: Neighbourhood) -> Callable[[], bool]:
        full = partial(here.logged, "database.away", why="DiskFullError")
        await a_turn(here)
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
        while not full():
            # Residents may be waiting for replies that wait for room; others come all the time.
            here.telegram.start(NEWCOMER, "")
            await asyncio.sleep(LOOK_AGAIN_S)
        await asyncio.sleep(2)
        ballast.unlink()
        await asyncio.to_thread(see_to, town.server)
        return full

    assert await lived_through(town, tmp_path, fill) == []


def see_to(server: EmbeddedPostgres) -> None:
    """Start the server if it gave up for want of room, as whoever watches over it would."""
    try:
        os.kill(_Note.of(server._data).pid, 0)
    except (OSError, ValueError, IndexError):
        restart_at_once(server)
