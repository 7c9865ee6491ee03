"""Where the database is: at an address from the environment, or our own, embedded one."""

from __future__ import annotations

import os
from pathlib import Path

from bots.configuration import Secrets
from bots.wiring import DATABASE_URL, DIRECT_URL, OWNER_URL
from core.errors import KvitokError


class NoDatabaseError(KvitokError):
    """Neither an address nor an embedded database is there."""

    def __init__(self, name: str, data: Path) -> None:
        super().__init__(f"no database: {name} is not set, and no embedded one was started in {data}")


def database_url(data: Path, *, owner: bool = False) -> str:
    """The database's address for the app's role, or the owner's, past a pooler. Raises NoDatabaseError."""
    name = OWNER_URL if owner else DATABASE_URL
    secrets = Secrets(os.environ)
    direct = None if owner else secrets.find(DIRECT_URL)
    if (url := direct or secrets.find(name)) is not None:
        return url
    if not data.is_dir():
        raise NoDatabaseError(name, data)
    from storage.embedded import EmbeddedPostgres  # noqa: PLC0415  # an optional extra

    return EmbeddedPostgres(data).url("owner" if owner else "app")
