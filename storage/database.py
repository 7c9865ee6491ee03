"""Pools of connections, whom they may belong to, and what a violated constraint means."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeAlias

import asyncpg
import msgspec
from asyncpg.types import ServerVersion

from core.errors import KvitokError

# What every function of storage takes first; it cannot tell a pool's connection from one of its own.
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

OLDEST_SUPPORTED: Final = 15

# One turn waits for others this long, and never works longer: what takes its time (imports, the proof of
# the books) says so with `set local`.
SERVING_SETTINGS: Final = {
    "application_name": "kvitok",
    "lock_timeout": "500ms",
    "statement_timeout": "5s",
    "timezone": "UTC",
}


class PostgresTooOldError(KvitokError):
    """The server is older than what our SQL is written for."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"database.url: PostgreSQL {version} is too old, {OLDEST_SUPPORTED} or newer is needed"
        )
        self.version = version


class ServingAsOwnerError(KvitokError):
    """The role that would serve could change the books or the schema itself."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"database.url: role {role} is a superuser or owns the tables; serve as the app's role"
        )
        self.role = role


class DatabaseUnreachableError(KvitokError):
    """No connection can be opened, and why; the address is not repeated, for it holds a password."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"database.url: no connection: {reason}")
        self.reason = reason


def check_version(version: ServerVersion) -> None:
    """Raise PostgresTooOldError if a server of this version is."""
    if version.major < OLDEST_SUPPORTED:
        raise PostgresTooOldError(f"{version.major}.{version.minor}")


# Our role, and whether it may do what only owners of the schema or of a table in it may.
OWNS: Final = """
select
    current_user::text as role,
    r.rolsuper
        or pg_has_role(n.nspowner, 'member')
        or exists (select from pg_class c where c.relnamespace = n.oid and pg_has_role(c.relowner, 'member'))
        as owns
from pg_roles r
left join pg_namespace n on n.nspname = current_schema()
where r.rolname = current_user
"""


async def check_serving(connection: Connection) -> None:
    """Raise ServingAsOwnerError if this connection's role could change the books or the schema."""
    [we] = await connection.fetch(OWNS)
    if we["owns"]:
        raise ServingAsOwnerError(we["role"])


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Connection]:
    """Open one connection, whatever its role, for what is not serving: migrations, reports, proofs.

    Raises DatabaseUnreachableError or PostgresTooOldError.
    """
    with _named_failures():
        connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        check_version(connection.get_server_version())
        await speak_json(connection)
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def open_pool(url: str, *, most: int = 10) -> AsyncIterator[Pool]:
    """Open the pool that serves, of at most so many connections, having checked what it leads to.

    Raises DatabaseUnreachableError, PostgresTooOldError or ServingAsOwnerError.
    """
    with _named_failures():
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=most, server_settings=SERVING_SETTINGS, init=speak_json
        )
    try:
        async with pool.acquire() as connection:
            check_version(connection.get_server_version())
            await check_serving(connection)
        yield pool
    finally:
        await pool.close()


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnreachableError(str(error) or type(error).__name__) from error


async def speak_json(connection: Connection) -> None:
    """Have this connection give `jsonb` as plain values and take plain values and our structs for it."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_to_json,
        decoder=msgspec.json.decode,
        format="text",
    )


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class RefusedError(KvitokError):
    """The database refused a write by a rule that we know by name."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"the database refused a write: {constraint}")
        self.constraint = constraint


# Which of our errors a violated constraint means, by the constraint's name; a trigger that refuses names
# one too.
REFUSALS: Final[dict[str, type[RefusedError]]] = {}


def refusal_of(error: asyncpg.PostgresError) -> RefusedError | None:
    """Give our error for the constraint that was violated; None if it is none that we expect."""
    name = getattr(error, "constraint_name", None)
    refused = REFUSALS.get(name) if name else None
    return None if refused is None else refused(str(name))
