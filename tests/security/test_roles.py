"""Each role of the database may do what it is for and nothing else."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from storage.database import ServingAsOwnerError, check_serving, connect
from tests.conftest import Database

# What would give the app or the reader more than they have.
BEYOND = [
    "create table own (a int)",
    "create schema own",
    "create function own() returns int language sql as 'select 1'",
    "create table public.own (a int)",
    "alter table transfer disable trigger all",
    "alter table transfer owner to current_user",
    "alter table account add column own int",
    "drop table transfer",
    "drop trigger transfer_never_changed on transfer",
    "create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'",
    "update alembic_version set version_num = ''",
    "create role own",
    "grant kvitok_owner to current_user",
    "set role kvitok_owner",
    "set session_replication_role = replica",
    "copy account to program 'cat'",
    "select pg_read_file('/etc/passwd')",
    "truncate outbox",
]
TABLES = """
select relname::text, pg_get_userbyid(relowner) as owner from pg_class
where relnamespace = 'kvitok'::regnamespace and relkind in ('r', 'p', 'S')
"""
# Functions that run with their owner's rights, and who may call them.
LENT = """
select proname::text as name, has_function_privilege('kvitok_app', oid, 'execute') as app,
  has_function_privilege('kvitok_reader', oid, 'execute') as reader,
  has_function_privilege('public', oid, 'execute') as everyone,
  proconfig is not null as pathed
from pg_proc where pronamespace = 'kvitok'::regnamespace and prosecdef
"""
ROLES = """
select rolname::text, rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as mighty
from pg_roles where rolname like 'kvitok\\_%'
"""


@pytest.mark.parametrize("role", ["app", "reader"])
async def test_neither_app_nor_reader_may_go_beyond_their_part(database: Database, role: str) -> None:
    async with connect(getattr(database, role)) as db:
        for statement in BEYOND:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["insert into account default values", "update chat set language = 'en'", "delete from outbox"],
)
async def test_the_reader_writes_nothing(database: Database, statement: str) -> None:
    async with connect(database.reader) as db:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(statement)


async def test_everything_belongs_to_the_owner(database: Database) -> None:
    async with connect(database.reader) as db:
        owners = {row["owner"] for row in await db.fetch(TABLES)}

    assert owners == {"kvitok_owner"}


async def test_the_one_right_that_is_lent_is_lent_to_the_app_alone(database: Database) -> None:
    async with connect(database.reader) as db:
        lent: list[dict[str, Any]] = [dict(row) for row in await db.fetch(LENT)]

    assert lent == [{"name": "inbox_roll", "app": True, "reader": False, "everyone": False, "pathed": True}]


async def test_no_role_of_ours_has_might_over_the_server(database: Database) -> None:
    async with connect(database.reader) as db:
        rows = await db.fetch(ROLES)

    assert {row["rolname"] for row in rows} >= {"kvitok_owner", "kvitok_app", "kvitok_reader"}
    assert not [row["rolname"] for row in rows if row["mighty"] and row["rolname"] != "kvitok_superuser"]


@pytest.mark.parametrize("role", ["owner", "superuser"])
async def test_nobody_mightier_than_the_app_serves(database: Database, role: str) -> None:
    async with connect(getattr(database, role)) as db:
        await db.execute("set search_path = kvitok")
        with pytest.raises(ServingAsOwnerError):
            await check_serving(db)
