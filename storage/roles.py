"""Who may do what in the database: the owner migrates, the app serves, the reader looks."""

from dataclasses import dataclass
from typing import Final

SCHEMA: Final = "kvitok"


@dataclass(frozen=True)
class Roles:
    """What the three roles of one centre are called on its server."""

    owner: str = "kvitok_owner"
    app: str = "kvitok_app"
    reader: str = "kvitok_reader"


def quoted(name: str) -> str:
    """Give a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def provisioning(roles: Roles, *, schema: str = SCHEMA) -> list[str]:
    """Give the statements that ready a centre's own database, its three roles having been created.

    A database administrator runs them once, connected to that database; the embedded server runs the
    same. They give the centre its schema and set every role's `search_path` to it, so that no other SQL
    names a schema. What the app and the reader may do in it is granted by each migration.
    """
    home = quoted(schema)
    owner, app, reader = quoted(roles.owner), quoted(roles.app), quoted(roles.reader)
    return [
        "revoke create on schema public from public",
        f"create schema {home} authorization {owner}",
        f"grant usage on schema {home} to {app}, {reader}",
        *(f"alter role {role} set search_path = {home}" for role in (owner, app, reader)),
    ]
