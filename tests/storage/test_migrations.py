import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.database import connect
from storage.migrating import (
    MissingRolesError,
    NoSchemaOfItsOwnError,
    ShutOutRolesError,
    configuration,
    declared,
    migrate,
    pending,
)
from storage.migrations.freeze import freeze
from storage.roles import Roles, provisioning
from storage.tables import APPEND_ONLY, METADATA
from storage.tables.ledger import TransactionId
from tests.conftest import Database

PARTITIONS = text("select c.relname from pg_class c where c.relispartition")

TABLES_THAT_MAY = """
select relname::text from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
    and has_table_privilege($1, oid, $2)
"""


def differences(connection: Connection) -> list[Any]:
    partitions = set(connection.scalars(PARTITIONS))

    def is_ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        return table not in partitions

    options = {"compare_type": True, "compare_server_default": True, "include_object": is_ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


async def test_a_migrated_database_is_what_the_tables_declare(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ischema_names, "xid8", TransactionId)
    url = make_url(database.owner).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await migrate(database.owner)

    async with connect(database.app) as connection:
        assert await pending(connection) == []


async def test_two_that_migrate_at_once_do_it_once(empty: Database) -> None:
    await asyncio.gather(migrate(empty.owner), migrate(empty.owner))

    async with connect(empty.app) as connection:
        assert await pending(connection) == []


async def test_all_migrations_of_an_empty_schema_are_pending(empty: Database) -> None:
    async with connect(empty.app) as connection:
        missing = await pending(connection)

    assert missing[0] == "2026_11_24_initial_schema"


async def test_roles_that_are_missing_are_named_before_anything_is_done(empty: Database) -> None:
    with pytest.raises(MissingRolesError, match="town_app"):
        await migrate(empty.owner, app="town_app")


async def test_a_role_that_may_not_use_the_schema_is_named_before_anything_is_done(empty: Database) -> None:
    async with connect(empty.superuser) as admin:
        await admin.execute("revoke usage on schema kvitok from kvitok_reader")

    with pytest.raises(ShutOutRolesError, match="role kvitok_reader may not use schema kvitok"):
        await migrate(empty.owner)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("public", "kvitok_owner in database .* leads to schema public"),
        ('"$user", public', "leads to schema public"),
        ("nowhere", "leads to no schema"),
    ],
)
async def test_an_owner_with_no_schema_of_its_own_is_told_so_and_nothing_is_created(
    empty: Database, path: str, told: str
) -> None:
    async with connect(empty.superuser) as admin:
        await admin.execute(f"alter role kvitok_owner in database {empty.name} set search_path = {path}")

        with pytest.raises(NoSchemaOfItsOwnError, match=told):
            await migrate(empty.owner)

        assert await admin.fetch("select from pg_tables where schemaname in ('public', 'kvitok')") == []


async def test_a_centre_may_call_its_roles_and_schema_otherwise(empty: Database) -> None:
    roles = Roles(owner="town owner", app="town-app", reader="town_reader")
    async with connect(empty.superuser) as admin:
        for name in (roles.owner, roles.app, roles.reader):
            await admin.execute(f"create role \"{name}\" login password 'town'")
        for statement in provisioning(roles, schema="town"):
            await admin.execute(statement)

    await migrate(as_role(empty, "town%20owner"), app=roles.app, reader=roles.reader)

    async with connect(as_role(empty, "town-app")) as connection:
        assert await connection.fetchval("select current_schema()") == "town"
        assert await pending(connection) == []


def as_role(database: Database, name: str) -> str:
    host = database.owner.partition("?")[2]
    return f"postgresql://{name}:town@/{database.name}?{host}"


@pytest.mark.parametrize("privilege", ["update", "delete", "truncate"])
async def test_the_app_may_only_add_to_the_ledger(database: Database, privilege: str) -> None:
    async with connect(database.app) as connection:
        rows = await connection.fetch(TABLES_THAT_MAY, "kvitok_app", privilege)

    assert not {row["relname"] for row in rows} & set(APPEND_ONLY)


async def test_the_app_may_add_to_every_table(database: Database) -> None:
    async with connect(database.app) as connection:
        rows = await connection.fetch(TABLES_THAT_MAY, "kvitok_app", "insert")

    assert {row["relname"] for row in rows} == set(METADATA.tables)


async def test_the_reader_reads_everything_and_changes_nothing(database: Database) -> None:
    async with connect(database.reader) as connection:
        read = await connection.fetch(TABLES_THAT_MAY, "kvitok_reader", "select")
        changed = await connection.fetch(TABLES_THAT_MAY, "kvitok_reader", "insert, update, delete, truncate")

    assert {row["relname"] for row in read} == {*METADATA.tables, "alembic_version"}
    assert changed == []


@pytest.mark.parametrize("role", ["app", "reader"])
async def test_none_but_the_owner_creates_tables(database: Database, role: str) -> None:
    async with connect(getattr(database, role)) as connection:
        for statement in ("create table mine ()", "create table public.mine ()", "create schema mine"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


def test_files_of_migrations_are_named_by_their_revision_and_what_they_do() -> None:
    for script in ScriptDirectory.from_config(configuration()).walk_revisions():
        assert Path(script.path).stem.startswith(f"{script.revision}_")


def test_the_initial_revision_can_be_frozen(tmp_path: Path) -> None:
    freeze(tmp_path / "frozen.py")

    frozen = importlib.util.spec_from_file_location("frozen", tmp_path / "frozen.py")
    assert frozen is not None
    assert frozen.loader is not None
    module = importlib.util.module_from_spec(frozen)
    frozen.loader.exec_module(module)
    assert [sql.split() for sql in module.STATEMENTS] == [sql.split() for sql in declared()]


# Foreign keys that no whole index begins with.
WITHOUT_INDEX = """
select c.conrelid::regclass || '.' || a.attname as key
from pg_constraint c
join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
where c.contype = 'f' and c.connamespace = current_schema()::regnamespace and c.conparentid = 0
  and not exists (
    select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1] and i.indpred is null
  )
"""

# Those that may be so, and why: from the other side nobody looks for their rows, nor removes what they refer to.
NOT_WALKED = {
    "account_link.account_id": "live links have an index of their own",
    "advance.account_id": "open advances have an index of their own, and no others are looked for",
    "ledger_account.account_id": "found by its key, and never removed",
    "meter.service_code": "reference data is never removed",
    "payment_attempt.case_id": "a case is never removed",
    "reading.supersedes_id": "a reading is never removed",
    "settlement.provider_id": "looked for by day, and never removed",
    "staff_action.case_id": "actions on cases have an index of their own",
    "staff_action.link_id": "a link is never removed",
    "staff_case.account_id": "cases are listed whole; accounts are never removed",
    "tariff.provider_id": "reference data is never removed",
}


async def test_every_foreign_key_that_is_walked_has_an_index(database: Database) -> None:
    async with connect(database.app) as connection:
        found = {row["key"] for row in await connection.fetch(WITHOUT_INDEX)}

    assert found == NOT_WALKED.keys()
