"""Every statement of ours is one that the migrated database understands."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import asyncpg

import storage
from storage.database import Connection
from storage.exchange_formats import KINDS
from storage.exchange_staging import staging_table

STATEMENT = re.compile(r"\s*(with|select|insert|update|delete)\s", re.IGNORECASE)


def statements() -> Iterator[tuple[str, str]]:
    """The statements of all rooms by name, but for those that are only parts of others."""
    for found in pkgutil.iter_modules(storage.__path__):
        if found.ispkg:
            continue
        module = importlib.import_module(f"storage.{found.name}")
        named = {
            name: value
            for name, value in vars(module).items()
            if name.isupper() and isinstance(value, str) and STATEMENT.match(value)
        }
        for name, value in named.items():
            if not any(value in other for other in named.values() if other != value):
                yield f"{found.name}.{name}", value


async def test_every_statement_is_understood(db: Connection) -> None:
    for kind in KINDS.values():
        await db.execute(staging_table(kind))
    refused = {}
    for name, statement in statements():
        try:
            await db.prepare(statement)
        except asyncpg.PostgresError as error:
            refused[name] = str(error)

    assert refused == {}
