"""Pools of connections, whom they may belong to, and what a violated constraint means."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias

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

# The settings that hold addresses; said where one leads nowhere.
APP_URL: Final = "KVITOK_DATABASE_URL"
DIRECT_URL: Final = "KVITOK_DATABASE_DIRECT_URL"
OWNER_URL: Final = "KVITOK_DATABASE_OWNER_URL"

# One turn waits for others this long, and never works longer: what takes its time (imports, the proof of
# the books) says so with `set local`.
TIMEOUTS_MS: Final = {"lock_timeout": 500, "statement_timeout": 5000}
# Those that a pooler keeps apart for each of its clients too.
OUR_SETTINGS: Final = {"application_name": "kvitok", "timezone": "UTC"}

# What a pooler runs on each connection of its own, since a session there is no client's.
CONNECT_QUERY: Final = "; ".join(f"set {name} = {value}" for name, value in TIMEOUTS_MS.items())


class PostgresTooOldError(KvitokError):
    """The server is older than what our SQL is written for."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"the database: PostgreSQL {version} is too old, {OLDEST_SUPPORTED} or newer is needed"
        )
        self.version = version


class ServingAsOwnerError(KvitokError):
    """The role that would serve could change the books or the schema itself."""

    def __init__(self, role: str) -> None:
        super().__init__(f"{APP_URL}: role {role} is a superuser or owns the tables; serve as the app's role")
        self.role = role


class PooledAddressError(KvitokError):
    """The address leads to a pooler of connections where a session of one's own is wanted."""

    def __init__(self) -> None:
        super().__init__(
            "database.url: leads to a pooler of connections: `kvitok serve` goes there with database.pooled: true, "
            f"everything else over {DIRECT_URL}"
        )


class PoolerSettingsError(KvitokError):
    """The pooler's connections are without the timeouts that serving needs."""

    def __init__(self) -> None:
        super().__init__(
            "database.pooled: the pooler's connections lack our timeouts; pgbouncer.ini wants for this database "
            f"connect_query='{CONNECT_QUERY}'"
        )


class DatabaseUnreachableError(KvitokError):
    """No connection can be opened, or it broke, and why; *setting* says whose the address is.

    The address itself is not repeated, for it holds a password.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: no connection: {' '.join(reason.split())}")
        self.setting = setting
        self.reason = reason


class NotMigratedError(KvitokError):
    """The schema lacks what this release's SQL speaks of."""

    def __init__(self) -> None:
        super().__init__("the database's tables are not those of this release: run `kvitok migrate`")


class NotAllowedError(KvitokError):
    """The role may not do what a command does."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: the role may not do this: {reason}")
        self.setting = setting


class DatabaseBusyError(KvitokError):
    """What a command needs was held by others, or took, too long."""

    def __init__(self) -> None:
        super().__init__("the database is too busy: try again")


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
async def connect(url: str, *, setting: str = APP_URL) -> AsyncIterator[Connection]:
    """Open one connection, whatever its role, for what is not serving: migrations, reports, proofs.

    *setting* is the setting that *url* is of. What a command may meet in its work is told in words too.

    It has a session of its own, without a limit of time; a pooler refuses the latter, as well it may.
    Raises DatabaseUnreachableError, PooledAddressError or PostgresTooOldError.
    """
    with _named_failures(setting):
        connection = await asyncpg.connect(url, server_settings={"timezone": "UTC", "statement_timeout": "0"})
    try:
        check_version(connection.get_server_version())
        await speak_json(connection)
        with _worded_failures(setting):
            yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def open_pool(url: str, *, most: int = 10, pooled: bool = False) -> AsyncIterator[Pool]:
    """Open the pool that serves, of at most so many connections, having checked what it leads to.

    *pooled* is for an address of pgbouncer's that pools by transaction: there each transaction may have
    another session, so nothing of ours may stay in one, prepared statements least of all.
    Raises DatabaseUnreachableError, PooledAddressError, PoolerSettingsError, PostgresTooOldError or
    ServingAsOwnerError.
    """
    how = _POOLED if pooled else _OWN_SESSIONS
    with _named_failures(APP_URL):
        pool = await asyncpg.create_pool(url, min_size=1, max_size=most, init=_ready, reset=_leave, **how)
    try:
        async with pool.acquire() as connection:
            check_version(connection.get_server_version())
            await check_serving(connection)
            if pooled:
                await check_pooler(connection)
        with _worded_failures(APP_URL):
            yield pool
    finally:
        await pool.close()


# The settings of these names, in the units in which they are kept.
SETTINGS: Final = "select name, setting from pg_settings where name = any($1)"


async def check_pooler(connection: Connection) -> None:
    """Raise PoolerSettingsError if the pooler's connections are without our timeouts."""
    rows = await connection.fetch(SETTINGS, list(TIMEOUTS_MS))
    if {row["name"]: int(row["setting"]) for row in rows} != TIMEOUTS_MS:
        raise PoolerSettingsError


async def _leave(_: Connection) -> None:
    """Reset nothing, which asyncpg would ask for after each use: nothing of ours stays in a session.

    Settings are `set local`, locks are a transaction's; and a pooler's session is the pooler's, with its timeouts.
    """


_OWN_SESSIONS: Final[dict[str, Any]] = {
    "server_settings": OUR_SETTINGS | {name: str(value) for name, value in TIMEOUTS_MS.items()}
}
_POOLED: Final[dict[str, Any]] = {
    "server_settings": OUR_SETTINGS,
    "statement_cache_size": 0,
}

# How pgbouncer refuses a setting that it cannot keep apart for a client.
REFUSED_SETTING: Final = "unsupported startup parameter"


@contextmanager
def _named_failures(setting: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if REFUSED_SETTING in str(error):
            raise PooledAddressError from error
        raise DatabaseUnreachableError(setting, str(error) or type(error).__name__) from error


@contextmanager
def _worded_failures(setting: str) -> Iterator[None]:
    try:
        yield
    except (
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.UndefinedFunctionError,
        asyncpg.InvalidSchemaNameError,
    ) as error:
        raise NotMigratedError from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowedError(setting, str(error)) from error
    except (
        asyncpg.LockNotAvailableError,
        asyncpg.DeadlockDetectedError,
        asyncpg.QueryCanceledError,
    ) as error:
        raise DatabaseBusyError from error
    except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError) as error:
        raise DatabaseUnreachableError(setting, str(error) or type(error).__name__) from error


# Values of every type of array that our statements take or give.
ARRAYS: Final = """
select null::bigint[], null::int[], null::smallint[], null::text[], null::date[], null::timestamptz[], null::bytea[],
    null::numeric[], null::float8[], null::bool[], null::jsonb[]
"""


async def _ready(connection: Connection) -> None:
    """Ask what arrays are made of once: asyncpg would ask anew at the first statement with each of them."""
    await speak_json(connection)
    await connection.fetch(ARRAYS)


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
