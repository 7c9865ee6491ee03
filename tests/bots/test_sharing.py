"""Billing centres that share a database: a schema and three roles each, and none sees its neighbour's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from bots.town.writing import write_town
from storage.database import connect
from storage.roles import Roles, provisioning
from tests.commanding import Ended, kvitok
from tests.conftest import NOW, Database
from tests.restoring import run

COUNTS = "select (select count(*) from transfer) as transfers, (select count(*) from account) as accounts"


@dataclass(frozen=True)
class Centre:
    """A centre in one of the server's databases; *server* is where addresses lead besides."""

    schema: str
    roles: Roles
    database: str
    server: str

    def address(self, role: str) -> str:
        return f"postgresql://{role}:word@/{self.database}?{self.server}"

    async def ready(self, superuser: str) -> None:
        """Ready its schema and roles, as an administrator, in the database that *superuser* leads to."""
        async with connect(superuser) as admin:
            for statement in provisioning(self.roles, schema=self.schema):
                await admin.execute(statement)


@dataclass(frozen=True)
class Shell:
    """An operator's shell, with the addresses of whichever centre is worked on."""

    environment: pytest.MonkeyPatch

    async def kvitok(self, centre: Centre, *arguments: str) -> Ended:
        self.environment.setenv("KVITOK_DATABASE_OWNER_URL", centre.address(centre.roles.owner))
        self.environment.setenv("KVITOK_DATABASE_URL", centre.address(centre.roles.app))
        return await kvitok(*arguments)

    async def migrate(self, centre: Centre) -> None:
        options = ("--app-role", centre.roles.app, "--reader-role", centre.roles.reader)
        ended = await self.kvitok(centre, "migrate", *options)
        assert ended.status == 0, ended.err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KVITOK_DATABASE_DIRECT_URL", raising=False)
    return Shell(monkeypatch)


@pytest.fixture
async def centres(empty: Database) -> list[Centre]:
    """Two centres in one database, not migrated yet."""
    found = []
    for name in ("north", "south"):
        # Roles are the server's: another test's are others.
        roles = Roles(*(f"{name}_{part}_{empty.name}" for part in ("owner", "app", "reader")))
        async with connect(empty.superuser) as admin:
            for role in (roles.owner, roles.app, roles.reader):
                await admin.execute(f"create role {role} login password 'word'")
        centre = Centre(name, roles, empty.name, empty.owner.partition("?")[2])
        await centre.ready(empty.superuser)
        found.append(centre)
    return found


@pytest.fixture
async def elsewhere(empty: Database) -> AsyncIterator[str]:
    """Another database, by the administrator's address."""
    name = f"{empty.name}_elsewhere"
    async with connect(empty.superuser) as admin:
        await admin.execute(f"create database {name}")
        yield empty.superuser.replace(f"/{empty.name}?", f"/{name}?")
        await admin.execute(f"drop database {name} with (force)")


async def test_centres_of_one_database_look_at_their_own_tables_only(
    centres: list[Centre], shell: Shell
) -> None:
    for centre in centres:
        await shell.migrate(centre)

    for centre, neighbour in (centres, centres[::-1]):
        for role in (centre.roles.app, centre.roles.reader, centre.roles.owner):
            async with connect(centre.address(role)) as db:
                assert await db.fetchval("select count(*) from account") == 0
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await db.fetchval(f"select count(*) from {neighbour.schema}.account")


async def test_a_centre_is_not_granted_to_the_roles_of_another_by_oversight(
    centres: list[Centre], shell: Shell
) -> None:
    ended = await shell.kvitok(centres[0], "migrate")

    assert ended.status == 1
    assert ended.line == (
        "kvitok: role kvitok_app, kvitok_reader may not use schema north: grant it usage, "
        "or name the centre's own roles with --app-role and --reader-role"
    )


async def test_a_centre_is_dumped_by_its_owner_and_moves_to_where_its_neighbour_is_already(
    centres: list[Centre], shell: Shell, elsewhere: str, tmp_path: Path
) -> None:
    north, south = centres
    await shell.migrate(north)
    await shell.migrate(south)
    write_town(tmp_path / "town", accounts=6, seed=1, today=NOW.date(), key=b"b" * 64)
    assert (await shell.kvitok(north, "import", "town")).status == 0
    moved, met = (replace(centre, database=f"{centre.database}_elsewhere") for centre in centres)
    for centre in (moved, met):
        await centre.ready(elsewhere)
    await shell.migrate(met)

    carry(north, moved, tmp_path / "north.dump")
    await shell.migrate(moved)
    proved = await shell.kvitok(moved, "ledger", "verify")

    assert (proved.status, proved.out) == (0, "The books are whole.\n")
    assert min(await counted(moved)) > 0
    assert await counted(moved) == await counted(north)


def carry(here: Centre, there: Centre, dump: Path) -> None:
    """Dump a centre and restore it, each time as its owner, as docs/operations.md says."""
    only = f"--schema={here.schema}"
    by_owner = f"--dbname={here.address(here.roles.owner)}"
    run(dump.parent, "pg_dump", "--format=custom", only, f"--file={dump}", by_owner)
    by_owner = f"--dbname={there.address(there.roles.owner)}"
    run(dump.parent, "pg_restore", "--exit-on-error", "--single-transaction", only, by_owner, str(dump))


async def counted(centre: Centre) -> tuple[int, ...]:
    async with connect(centre.address(centre.roles.reader)) as db:
        [row] = await db.fetch(COUNTS)
    return tuple(row)
