"""A database a test: copied from one that was migrated once, on a server that this run of pytest owns."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio

from storage.database import Connection, Pool, connect, open_pool
from storage.embedded import DATABASE, EmbeddedPostgres
from storage.migrating import migrate

_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """A test's own database, by the addresses of whoever may connect to it."""

    name: str
    owner: str
    app: str
    reader: str
    superuser: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this run's own; nothing is migrated yet."""
    with TemporaryDirectory(prefix="kvitok-tests-") as folder:
        # Under root the server has another user, who could not pass through pytest's own folders.
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), durable=False) as server:
            yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    """The same server, its own database migrated: the one that tests get copies of."""
    await migrate(postgres.url("owner"))
    return postgres


@pytest.fixture
async def database(migrated: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A migrated, empty database that nobody else sees."""
    name = f"test_{next(_numbers)}"
    async with connect(migrated.url("superuser", "postgres")) as admin:
        await admin.execute(f"create database {name} template {DATABASE} owner kvitok_owner")
        yield Database(
            name=name,
            owner=migrated.url("owner", name),
            app=migrated.url("app", name),
            reader=migrated.url("reader", name),
            superuser=migrated.url("superuser", name),
        )
        await admin.execute(f"drop database {name} with (force)")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """Connections as those that serve: the app's role, its timeouts."""
    async with open_pool(database.app) as pool:
        yield pool


@pytest.fixture
async def db(pool: Pool) -> AsyncIterator[Connection]:
    """One of these connections."""
    async with pool.acquire() as connection:
        yield connection
