"""A backup brings the books back whole: dumped, restored into a new database, proven."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from storage import proof
from storage.database import check_serving, connect
from storage.embedded_home import find_binaries, server_user
from storage.migrating import pending
from storage.seals import seal_days
from tests.conftest import NOW, Database

RESTORED = "restored"
COUNTS = (
    "select (select count(*) from transfer), (select count(*) from reading), (select count(*) from account)"
)
HEAD = "select day, hash from seal order by day desc limit 1"


def run(folder: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as docs/operations.md has it run."""
    binaries = find_binaries(server_user(folder))
    done = subprocess.run([binaries / program, *arguments], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr


def renamed(database: Database, url: str) -> str:
    return url.replace(f"/{database.name}?", f"/{RESTORED}?")


@pytest.fixture
async def dumped(inhabited: Database, tmp_path: Path) -> Path:
    """A dump of a town whose days are sealed."""
    async with connect(inhabited.app) as db, db.transaction():
        await seal_days(db, until=NOW.date(), now=NOW + timedelta(days=1))
    file = tmp_path / "kvitok.dump"
    run(tmp_path, "pg_dump", "--format=custom", f"--file={file}", f"--dbname={inhabited.owner}")
    return file


@asynccontextmanager
async def restored(database: Database, dump: Path) -> AsyncIterator[str]:
    """A new database that *dump* was restored into."""
    async with connect(database.superuser) as admin:
        await admin.execute(f"create database {RESTORED} owner kvitok_owner")
    try:
        url = renamed(database, database.owner)
        run(
            dump.parent, "pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={url}", str(dump)
        )
        yield url
    finally:
        async with connect(database.superuser) as admin:
            await admin.execute(f"drop database {RESTORED} with (force)")


async def all_of(url: str, *queries: str) -> Sequence[Sequence[asyncpg.Record]]:
    async with connect(url) as db:
        return [await db.fetch(query) for query in queries]


async def test_a_restored_dump_has_the_same_books_and_they_are_whole(
    inhabited: Database, dumped: Path
) -> None:
    before = await all_of(inhabited.app, COUNTS, HEAD)
    async with restored(inhabited, dumped):
        app = renamed(inhabited, inhabited.app)
        after = await all_of(app, COUNTS, HEAD)
        async with connect(app) as db:
            faults = await proof.verify(db)

    assert before[1]
    assert after == before
    assert faults == []


async def test_a_restored_database_guards_its_books_and_is_served_at_once(
    inhabited: Database, dumped: Path
) -> None:
    async with restored(inhabited, dumped), connect(renamed(inhabited, inhabited.app)) as db:
        await check_serving(db)

        assert await pending(db) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("delete from transfer")


async def test_what_was_changed_in_a_backup_is_found(inhabited: Database, dumped: Path) -> None:
    async with restored(inhabited, dumped):
        async with connect(renamed(inhabited, inhabited.superuser)) as admin:
            await admin.execute("set search_path = kvitok")
            await admin.execute("set session_replication_role = replica")
            await admin.execute(
                "update transfer set kopecks = kopecks + 1 where posting_id = (select min(posting_id) from transfer)"
            )
        async with connect(renamed(inhabited, inhabited.app)) as db:
            found = await proof.verify(db)

    assert {fault.table for fault in found} >= {"transfer"}
