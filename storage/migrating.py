"""Bringing a centre's schema up to date, and telling what is missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Index, make_url
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from core.errors import KvitokError
from storage import database
from storage.roles import Roles, quoted
from storage.tables import ADDED_TO, AFTER_TABLES, APPEND_ONLY, METADATA

POSTGRESQL: Final = make_url("postgresql+asyncpg://").get_dialect()()
MIGRATIONS: Final = Path(__file__).parent / "migrations"

# Two that migrate at once do so one after the other, the second finding nothing left to do.
ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(hashtext('kvitok migrate'))"

# Who we are, in which database, and the schema that tables created now would stand in.
HERE: Final = "select current_user::text as role, current_database()::text as database, current_schema()::text as schema"

# The server's roles among these, and whether each may look into our schema at all.
ROLES_AMONG: Final = """
select rolname::text as name, has_schema_privilege(rolname, current_schema()::text, 'usage') as enters
from pg_roles where rolname = any($1)
"""

# Whether this schema was ever migrated, and at which revision it is.
EVER_MIGRATED: Final = "select to_regclass('alembic_version') is not null"
REVISION: Final = "select version_num from alembic_version"


# Where PostgreSQL puts what nobody gave a place: two centres there, or a dump beside it, would go unnoticed.
EVERYONES: Final = "public"


class NoSchemaOfItsOwnError(KvitokError):
    """The owner's `search_path` leads to no schema of the centre's, but to everyone's or to none."""

    def __init__(self, role: str, database_name: str, schema: str | None) -> None:
        super().__init__(
            f"{database.OWNER_URL}: the search_path of role {role} in database {database_name} leads to "
            f"{f'schema {schema}' if schema else 'no schema that there is'}: set it to the centre's own schema"
        )
        self.role = role
        self.database_name = database_name
        self.schema = schema


class MissingRolesError(KvitokError):
    """The server has not the roles that the migration would grant to."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"the database server has no role {', '.join(names)}: create it first")
        self.names = names


class ShutOutRolesError(KvitokError):
    """Roles that the migration would grant to may not use the centre's schema: they are another centre's, it seems."""

    def __init__(self, names: Sequence[str], schema: str) -> None:
        super().__init__(
            f"role {', '.join(names)} may not use schema {schema}: grant it usage, "
            "or name the centre's own roles with --app-role and --reader-role"
        )
        self.names = names
        self.schema = schema


class MigrationRefusedError(KvitokError):
    """The database refused a statement of the migration, and why: a role that owns nothing here, above all."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{database.OWNER_URL}: the database refused the migration: {reason.rpartition('>: ')[2]}"
        )
        self.reason = reason


async def migrate(owner_url: str, *, app: str = Roles.app, reader: str = Roles.reader) -> None:
    """Bring the schema to this release's revision and grant anew what *app* and *reader* may do in it.

    The owner is whoever *owner_url* is of, the schema the one that its `search_path` leads to. All of it is
    one transaction. Raises NoSchemaOfItsOwnError, MissingRolesError, ShutOutRolesError,
    MigrationRefusedError, PostgresTooOldError, DatabaseUnreachableError.
    """
    async with database.connect(owner_url, setting=database.OWNER_URL) as connection:
        schema = await _own_schema(connection)
        await _check_roles(connection, [app, reader], schema)
    engine = create_async_engine(_for_sqlalchemy(owner_url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, app, reader)
    except ProgrammingError as error:
        raise MigrationRefusedError(str(error.orig)) from error
    finally:
        await engine.dispose()


async def _own_schema(connection: database.Connection) -> str:
    [here] = await connection.fetch(HERE)
    schema: str | None = here["schema"]
    if schema is None or schema == EVERYONES:
        raise NoSchemaOfItsOwnError(here["role"], here["database"], schema)
    return schema


async def _check_roles(connection: database.Connection, named: Sequence[str], schema: str) -> None:
    enters = {row["name"]: row["enters"] for row in await connection.fetch(ROLES_AMONG, named)}
    if missing := [name for name in named if name not in enters]:
        raise MissingRolesError(missing)
    if shut_out := [name for name in named if not enters[name]]:
        raise ShutOutRolesError(shut_out, schema)


def _for_sqlalchemy(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+asyncpg")


def _upgrade(connection: Connection, app: str, reader: str) -> None:
    connection.exec_driver_sql(ONE_AT_A_TIME)
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    for grant in grants(app=quoted(app), reader=quoted(reader)):
        connection.exec_driver_sql(grant)


def declared() -> list[str]:
    """Give the statements that create, in an empty schema, everything that `storage.tables` declares."""
    elements: list[ExecutableDDLElement] = []
    for table in METADATA.sorted_tables:
        elements.append(CreateTable(table))
        elements.extend(CreateIndex(index) for index in sorted(table.indexes, key=_name))
    return [*(str(element.compile(dialect=POSTGRESQL)).strip() for element in elements), *AFTER_TABLES]


def _name(index: Index) -> str:
    return str(index.name)


def configuration() -> Config:
    """Give Alembic's configuration; there is no alembic.ini, for nobody but us runs it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def grants(*, app: str, reader: str) -> Iterator[str]:
    """Give the statements that say what the app and the reader may do, whatever was granted before.

    The app adds to the ledger and never changes or removes; the reader only looks. Both are SQL identifiers.
    """
    for table in map(quoted, METADATA.tables):
        yield f"revoke all on {table} from {app}, {reader}"
        yield f"grant select on {table} to {reader}"
    for name in METADATA.tables:
        allowed = "select, insert"
        if name not in (*APPEND_ONLY, *ADDED_TO):
            allowed += ", update, delete"
        yield f"grant {allowed} on {quoted(name)} to {app}"
    yield f"grant select on alembic_version to {app}, {reader}"
    # A function that runs with its owner's rights is callable by everyone unless it is said otherwise.
    yield f"revoke all on function inbox_roll() from public, {reader}"
    yield f"grant execute on function inbox_roll() to {app}"


async def pending(connection: database.Connection) -> list[str]:
    """Give the migrations that this schema still lacks, by their files' names, oldest first."""
    current = None
    if await connection.fetchval(EVER_MIGRATED):
        current = await connection.fetchval(REVISION)
    scripts = ScriptDirectory.from_config(configuration())
    missing = scripts.iterate_revisions("head", current or "base")
    return [Path(script.path).stem for script in missing][::-1]
