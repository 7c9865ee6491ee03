"""Behind pgbouncer, pooling by transaction, a connection's sessions are everybody's: nothing of ours stays in one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from benchmarks.pooling import Pooler, pooling
from storage.database import Pool, PooledAddressError, PoolerSettingsError, check_pooler, connect, open_pool
from storage.embedded import EmbeddedPostgres
from tests.conftest import Database
from tests.tooling import need

SESSIONS = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pooler(postgres: EmbeddedPostgres) -> AsyncIterator[Pooler]:
    need("pgbouncer")
    async with pooling(postgres, sessions=SESSIONS) as pooler:
        yield pooler


@pytest.fixture
async def pooled(pooler: Pooler, database: Database) -> AsyncIterator[Pool]:
    async with open_pool(pooler.url(database.app), most=8, pooled=True) as pool:
        yield pool


async def test_many_connections_share_few_sessions_and_each_gets_its_own_answer(
    pooled: Pool, database: Database
) -> None:
    async def ask(number: int) -> list[int]:
        async with pooled.acquire() as db:
            alone = await db.fetchval("select $1::integer", number)
            async with db.transaction():
                together = await db.fetchval("select $1::integer from pg_sleep(0.001)", number)
            return [alone, together]

    answers = await asyncio.gather(*(ask(number) for number in range(200)))

    assert answers == [[number, number] for number in range(200)]
    async with connect(database.superuser) as admin:
        assert await admin.fetchval(
            "select count(*) from pg_stat_activity where datname = $1 and usename = 'kvitok_app'",
            database.name,
        ) in range(1, SESSIONS + 1)


async def test_no_statement_stays_prepared_in_a_session(pooled: Pool) -> None:
    async with pooled.acquire() as db:
        for number in range(10):
            await db.fetchval("select $1::integer", number)
        await db.executemany("select $1::integer", [(number,) for number in range(10)])
        await db.copy_records_to_table("layer", records=[])

        assert await db.fetchval("select count(*) from pg_prepared_statements") == 0


async def test_a_session_keeps_the_timeouts_after_it_was_given_back(pooled: Pool) -> None:
    for _ in range(2 * SESSIONS):
        async with pooled.acquire() as db:
            assert await db.fetchval("select current_setting('statement_timeout')") == "5s"
            assert await db.fetchval("select current_setting('lock_timeout')") == "500ms"
            assert await db.fetchval("select current_setting('timezone')") == "UTC"


async def test_json_passes_a_pooler(pooled: Pool) -> None:
    async with pooled.acquire() as db:
        assert await db.fetchval("select $1::jsonb", {"a": [1, "б"]}) == {"a": [1, "б"]}


async def test_what_wants_a_session_of_its_own_is_refused_one_of_a_poolers(
    pooler: Pooler, database: Database
) -> None:
    with pytest.raises(PooledAddressError, match="KVITOK_DATABASE_DIRECT_URL"):
        async with connect(pooler.url(database.app)):
            pass
    with pytest.raises(PooledAddressError, match=r"database\.pooled"):
        async with open_pool(pooler.url(database.app)):
            pass


async def test_a_pooler_without_our_timeouts_is_told_what_to_set(database: Database) -> None:
    async with connect(database.app) as db:
        with pytest.raises(PoolerSettingsError, match="connect_query='set lock_timeout = 500;"):
            await check_pooler(db)
