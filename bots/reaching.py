"""Where the database is: at an address from the environment, or our own, embedded one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bots.configuration import Secrets
from core.errors import KvitokError
from storage.database import APP_URL, DIRECT_URL, OWNER_URL, Connection, connect


class NoDatabaseError(KvitokError):
    """Neither an address nor an embedded database is there."""

    def __init__(self, name: str, data: Path) -> None:
        super().__init__(f"no database: {name} is not set, and no embedded one was started in {data}")


def database_url(data: Path, *, owner: bool = False) -> str:
    """The database's address for the app's role, or the owner's, past a pooler. Raises NoDatabaseError."""
    _, url = _address(data, OWNER_URL if owner else APP_URL)
    return url


@asynccontextmanager
async def reached(data: Path) -> AsyncIterator[Connection]:
    """A connection of the app's role, past a pooler. Raises NoDatabaseError and what `connect` does."""
    setting, url = _address(data, APP_URL)
    async with connect(url, setting=setting) as db:
        yield db


def _address(data: Path, setting: str) -> tuple[str, str]:
    """The setting that is in force and the address that it holds."""
    secrets = Secrets(os.environ)
    for name in (DIRECT_URL, APP_URL) if setting == APP_URL else (setting,):
        if url := secrets.find(name):
            return name, url
    if not data.is_dir():
        raise NoDatabaseError(setting, data)
    from storage.embedded import EmbeddedPostgres  # noqa: PLC0415  # an optional extra

    return setting, EmbeddedPostgres(data).url("owner" if setting == OWNER_URL else "app")
