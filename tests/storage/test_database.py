from contextlib import nullcontext
from datetime import timedelta

import pytest
from asyncpg.types import ServerVersion

from storage.database import (
    Connection,
    DatabaseUnreachableError,
    Pool,
    PostgresTooOldError,
    ServingAsOwnerError,
    check_version,
    connect,
    open_pool,
)
from tests.conftest import Database


@pytest.mark.parametrize("role", ["owner", "superuser"])
async def test_whoever_could_change_the_books_is_refused_to_serve(database: Database, role: str) -> None:
    with pytest.raises(ServingAsOwnerError):
        async with open_pool(getattr(database, role)):
            pass


async def test_a_member_of_the_owners_role_is_refused_to_serve(database: Database) -> None:
    async with connect(database.superuser) as admin:
        await admin.execute("create role deputy login noinherit password 'deputy' in role kvitok_owner")

    with pytest.raises(ServingAsOwnerError, match="deputy"):
        async with open_pool(f"postgresql://deputy:deputy@/{database.name}?{database.app.partition('?')[2]}"):
            pass


async def test_the_app_serves(db: Connection) -> None:
    assert await db.fetchval("select current_user::text") == "kvitok_app"


async def test_a_turn_neither_waits_nor_works_long(db: Connection) -> None:
    assert await db.fetchval("select current_setting('lock_timeout')::interval") == timedelta(seconds=0.5)
    assert await db.fetchval("select current_setting('statement_timeout')::interval") == timedelta(seconds=5)


async def test_what_one_transaction_sets_is_over_with_it(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local statement_timeout = 0")
    async with pool.acquire() as connection:
        assert await connection.fetchval("select current_setting('statement_timeout')") == "5s"


async def test_json_goes_in_and_comes_out_as_plain_values(db: Connection) -> None:
    value = {"фамилия": ["нет", 1, None]}

    assert await db.fetchval("select $1::jsonb", value) == value


@pytest.mark.parametrize(("major", "refused"), [(14, True), (15, False), (18, False)])
def test_servers_older_than_postgresql_15_are_refused(major: int, *, refused: bool) -> None:
    version = ServerVersion(major, 9, 0, "final", 0)

    with pytest.raises(PostgresTooOldError, match="is too old, 15 or newer") if refused else nullcontext():
        check_version(version)


async def test_a_wrong_password_is_one_line_without_the_password(database: Database) -> None:
    url = database.app.replace("kvitok_app:", "kvitok_app:not")

    with pytest.raises(DatabaseUnreachableError, match="password authentication failed") as refused:
        async with open_pool(url):
            pass

    assert database.app.split(":")[2].split("@")[0] not in str(refused.value)


async def test_an_absent_server_is_one_line() -> None:
    with pytest.raises(DatabaseUnreachableError, match="KVITOK_DATABASE_URL: no connection"):
        async with connect("postgresql://kvitok_app@/kvitok?host=/nowhere"):
            pass
