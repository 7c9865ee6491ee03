"""A backup brings the books back whole: dumped, restored by the documented steps into a new database, proven."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import asyncpg
import pytest

from storage.database import check_serving, connect
from storage.migrating import pending
from storage.roles import Roles, provisioning
from storage.seals import seal_days
from tests.conftest import NOW, Database
from tests.restoring import run, steps, typed

STEPS = steps("operations.md", "Restore")
*RESTORING, MIGRATION, PROOF = STEPS.splitlines()

# What the steps call the new database and the dump.
RESTORED = "kvitok_restored"
DUMP = "kvitok-2026-11-20.dump"

COUNTS = (
    "select (select count(*) from transfer), (select count(*) from reading), (select count(*) from account)"
)
HEAD = "select day, hash from seal order by day desc limit 1"


def renamed(database: Database, url: str) -> str:
    return url.replace(f"/{database.name}?", f"/{RESTORED}?")


def settings(database: Database) -> Mapping[str, str]:
    """What an operator's shell has: everything that serves leads to the old database."""
    return {
        "KVITOK_DATABASE_URL": database.app,
        "KVITOK_DATABASE_DIRECT_URL": database.app,
        "KVITOK_DATABASE_OWNER_URL": database.owner,
        "NEW_APP_URL": renamed(database, database.app),
        "NEW_OWNER_URL": renamed(database, database.owner),
    }


@pytest.fixture
async def dumped(inhabited: Database, tmp_path: Path) -> Path:
    """A folder with the dump of a town whose days are sealed."""
    async with connect(inhabited.app) as db, db.transaction():
        await seal_days(db, until=NOW.date(), now=NOW + timedelta(days=1))
    run(tmp_path, "pg_dump", "--format=custom", f"--file={tmp_path / DUMP}", f"--dbname={inhabited.owner}")
    return tmp_path


@asynccontextmanager
async def as_installed(database: Database) -> AsyncIterator[None]:
    """Roles as docs/ru/install.md makes them: they know the schema in their own database and in no other.

    Those of the embedded server know it everywhere.
    """
    everywhere = [line for line in provisioning(Roles()) if line.startswith("alter role")]
    async with connect(database.superuser) as admin:
        for role in (Roles.owner, Roles.app, Roles.reader):
            await admin.execute(f"alter role {role} reset search_path")
            await admin.execute(f"alter role {role} in database {database.name} set search_path = kvitok")
        try:
            yield
        finally:
            for line in everywhere:
                await admin.execute(line)


@asynccontextmanager
async def following(
    lines: Sequence[str], database: Database, folder: Path
) -> AsyncIterator[CompletedProcess[str]]:
    """What came of *lines* of the steps, with the dump in *folder*; the new database goes again."""
    async with as_installed(database):
        yield typed("\n".join(lines), folder, admin=database.superuser, settings=settings(database))
        async with connect(database.superuser) as admin:
            await admin.execute(f"drop database if exists {RESTORED} with (force)")


async def all_of(url: str, *queries: str) -> Sequence[Sequence[asyncpg.Record]]:
    async with connect(url) as db:
        return [await db.fetch(query) for query in queries]


async def test_a_restored_dump_has_the_same_books_and_they_are_whole(
    inhabited: Database, dumped: Path
) -> None:
    before = await all_of(inhabited.app, COUNTS, HEAD)
    async with following([*RESTORING, MIGRATION, PROOF], inhabited, dumped) as done:
        assert done.returncode == 0, done.stderr
        after = await all_of(renamed(inhabited, inhabited.app), COUNTS, HEAD)

    assert done.stdout.splitlines()[-1] == "The books are whole."
    assert min(after[0][0]) > 0
    assert after == before


async def test_a_restored_database_guards_its_books_and_is_served_at_once(
    inhabited: Database, dumped: Path
) -> None:
    async with following(RESTORING, inhabited, dumped), connect(renamed(inhabited, inhabited.app)) as db:
        await check_serving(db)

        assert await pending(db) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("delete from transfer")


async def test_what_was_changed_in_a_backup_is_found(inhabited: Database, dumped: Path) -> None:
    async with following(RESTORING, inhabited, dumped):
        async with connect(renamed(inhabited, inhabited.superuser)) as admin:
            await admin.execute("set search_path = kvitok")
            await admin.execute("set session_replication_role = replica")
            await admin.execute(
                "update transfer set kopecks = kopecks + 1 where posting_id = (select min(posting_id) from transfer)"
            )
        again = typed(PROOF, dumped, admin=inhabited.superuser, settings=settings(inhabited))

    assert again.returncode == 1
    assert "transfer" in again.stdout
    assert again.stdout.splitlines()[-1] == "The books are not whole."


async def test_steps_that_leave_the_search_path_out_are_stopped_before_anything_is_proved(
    inhabited: Database, dumped: Path
) -> None:
    forgetful = [line for line in RESTORING if line.startswith(("createdb", "pg_restore"))]
    async with following([*forgetful, MIGRATION, PROOF], inhabited, dumped) as done:
        assert done.returncode == 1

    assert done.stdout == ""
    assert done.stderr.startswith(
        f"kvitok: KVITOK_DATABASE_OWNER_URL: the search_path of role kvitok_owner in database {RESTORED} "
        "leads to schema public: "
    )


def test_the_steps_are_the_same_in_both_languages() -> None:
    assert steps("ru/operations.md", "Восстановление") == STEPS
