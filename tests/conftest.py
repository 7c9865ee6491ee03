"""A database a test: copied from one that was migrated once, on a server that this run of pytest owns."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from hypothesis import settings

from benchmarks.ports import free_port
from bots.clock import BusinessClock
from bots.configuration import Secrets
from bots.simulator.demo import codes_in
from bots.simulator.surroundings import Surroundings, simulated_configuration, simulated_secrets
from bots.town.writing import CODES_FILE, write_town
from storage.database import Connection, Pool, connect, open_pool
from storage.embedded import EmbeddedPostgres
from storage.embedded_cluster import DATABASE
from storage.embedded_home import major_version
from storage.exchange import import_files
from storage.exchange_protocol import Refused
from storage.migrating import migrate
from storage.roles import Roles, provisioning
from tests.hurrying import hurried
from tests.reading_logs import plant, pytest_configure, pytest_runtest_teardown

# Hooks of pytest's are found by their names here.
__all__ = ["pytest_configure", "pytest_runtest_teardown"]

ROOM_BYTES = 2**30

# Enough to see whoever would wait for himself; each plans all statements anew.
CONNECTIONS = 3

# How long an example takes depends on what else the machine does: nothing is told by it.
settings.register_profile("kvitok", deadline=None)
settings.load_profile("kvitok")

_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """A test's own database, by the addresses of whoever may connect to it."""

    name: str
    owner: str
    app: str
    reader: str
    superuser: str


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Make a folder in memory if there is room, where a database is copied in a tenth of the time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES
    with TemporaryDirectory(prefix="kvitok-tests-", dir=memory if roomy else None) as folder:
        # Under root the server has another user, who could not pass through pytest's own folders.
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this run's own; nothing is migrated yet.

    KVITOK_TEST_POSTGRES names the folder of another release's programs (`make test-pg15`).
    """
    binaries = other_release()
    with quick_folder() as folder, EmbeddedPostgres(folder, durable=False, binaries=binaries) as server:
        if binaries is not None:
            release = (folder / "postgres" / "data" / "PG_VERSION").read_text(encoding="ascii").strip()
            assert release == str(major_version(binaries))
        yield server


def other_release() -> Path | None:
    """Where the programs of another release are, if it is asked for; an empty name asks for one that was not found."""
    programs = os.environ.get("KVITOK_TEST_POSTGRES")
    if programs == "":
        pytest.fail("KVITOK_TEST_POSTGRES is empty: it names a folder, or is not there")
    return None if programs is None else Path(programs)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    """The same server, its own database migrated: the one that tests get copies of."""
    await migrate(postgres.url("owner"))
    return postgres


@pytest.fixture
async def database(migrated: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A migrated, empty database that nobody else sees."""
    async with _created(migrated, f"template {DATABASE} strategy file_copy") as database:
        yield database


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A database that was never migrated, with a centre's empty schema."""
    async with _created(postgres, "template template0") as database:
        async with connect(database.superuser) as admin:
            for statement in provisioning(Roles()):
                await admin.execute(statement)
        yield database


@asynccontextmanager
async def _created(server: EmbeddedPostgres, how: str) -> AsyncIterator[Database]:
    name = f"test_{next(_numbers)}"
    async with connect(server.url("superuser", "postgres")) as admin:
        await admin.execute(f"create database {name} {how} owner kvitok_owner")
        yield Database(
            name=name,
            owner=server.url("owner", name),
            app=server.url("app", name),
            reader=server.url("reader", name),
            superuser=server.url("superuser", name),
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


# --- The whole service among its stand-ins ---------------------------------------------------------

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("Europe/Moscow"))
SECRETS = simulated_secrets(master="m" * 64, billing="b" * 64)
plant(SECRETS.values())
TOWN_ACCOUNTS = 6


@dataclass(frozen=True)
class Town:
    """A database with a small town in it, to be copied, and the codes of its accounts to try."""

    server: EmbeddedPostgres
    database: str
    codes: dict[str, str]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(migrated: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """A small town, generated and imported once."""
    folder = tmp_path_factory.mktemp("town")
    files = write_town(folder, accounts=TOWN_ACCOUNTS, seed=1, today=NOW.date(), key=b"b" * 64)
    async with _created(migrated, f"template {DATABASE}") as database:
        async with connect(database.app) as db:
            reports = await import_files(db, files, now=NOW)
            numbers = await db.fetch("select number from account")
        assert not [report for report in reports if isinstance(report.outcome, Refused)]
        codes = codes_in(folder / CODES_FILE)
        plant([*codes.values(), *(row["number"] for row in numbers)])
        yield Town(migrated, database.name, codes)


@asynccontextmanager
async def copy_of(town: Town) -> AsyncIterator[Database]:
    """A copy of *town* that nobody else sees."""
    async with _created(town.server, f"template {town.database} strategy file_copy") as database:
        yield database


@pytest.fixture
async def inhabited(town: Town) -> AsyncIterator[Database]:
    """A test's own copy of the town."""
    async with copy_of(town) as database:
        yield database


@pytest.fixture
async def around(inhabited: Database, town: Town) -> AsyncIterator[Surroundings]:
    """The whole service among its stand-ins, on a town of its own, on a Friday at noon."""
    clock = BusinessClock()
    clock.set(NOW)
    async with (
        open_pool(inhabited.app, most=CONNECTIONS) as pool,
        hurried(
            simulated_configuration(free_port()), Secrets(SECRETS), pool=pool, clock=clock, codes=town.codes
        ) as surroundings,
    ):
        yield surroundings
