"""Creating the cluster of our own PostgreSQL: its passwords, its roles, the centre's database."""

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from storage.embedded_home import ServerUser, major_version
from storage.roles import SCHEMA, Roles, provisioning, quoted

Role: TypeAlias = Literal["owner", "app", "reader", "superuser"]

DATABASE: Final = "kvitok"
ROLES: Final = Roles()
NAMES: Final[dict[Role, str]] = {
    "owner": ROLES.owner,
    "app": ROLES.app,
    "reader": ROLES.reader,
    "superuser": "postgres",
}
PASSWORDS: Final = "passwords.json"

# Texts in the order of their letters' numbers, whatever the machine has. Releases before 17 have but the
# system's locales, of which this one orders alike.
OUR_LOCALE: Final = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SYSTEM_LOCALE: Final = ("--locale=C.UTF-8",)
BUILTIN_SINCE: Final = 17
# A password is stretched at each connection, which costs tests more than their questions do.
STRETCHED_SINCE: Final = 16
UNSTRETCHED: Final = "--set=scram_iterations=1"


def create_cluster(home: Path, user: ServerUser, binaries: Path, *, durable: bool) -> None:
    """Create `home/data`: beside, and renamed when it is whole, so that no start finds half of one."""
    passwords = {role: secrets.token_urlsafe(24) for role in NAMES}
    _write_secret(home / PASSWORDS, json.dumps(passwords))
    unfinished = home / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    user.take(unfinished)
    _run_initdb(unfinished, passwords["superuser"], user, binaries, durable=durable)
    for database, statements in _furnishing(passwords).items():
        # One process with no server about: a cluster is never reachable half made.
        fsync = f"fsync={'on' if durable else 'off'}"
        alone = ("--single", "-D", unfinished, "-c", "exit_on_error=on", "-c", fsync, database)
        user.check(binaries / "postgres", *alone, stdin="".join(f"{line}\n" for line in statements))
    unfinished.rename(home / "data")


def read_passwords(home: Path) -> dict[Role, str]:
    return cast("dict[Role, str]", json.loads((home / PASSWORDS).read_text()))


def _run_initdb(data: Path, password: str, user: ServerUser, binaries: Path, *, durable: bool) -> None:
    password_file = data.parent / "initial-password"
    _write_secret(password_file, password)
    user.take(password_file)
    try:
        user.check(
            binaries / "initdb",
            f"--pgdata={data}",
            "--encoding=UTF8",
            *(OUR_LOCALE if major_version(binaries) >= BUILTIN_SINCE else SYSTEM_LOCALE),
            f"--username={NAMES['superuser']}",
            "--auth-local=scram-sha-256",
            "--auth-host=reject",
            f"--pwfile={password_file}",
            *([] if durable else ["--no-sync"]),
            *([] if durable or major_version(binaries) < STRETCHED_SINCE else [UNSTRETCHED]),
        )
    finally:
        password_file.unlink()


def _furnishing(passwords: dict[Role, str]) -> dict[str, list[str]]:
    """Give the statements to run in each database, in this order; one a line, as a lone process reads them."""
    created = [
        f"create role {quoted(NAMES[role])} login password '{passwords[role]}'"
        for role in NAMES
        if role != "superuser"
    ]
    # A superuser has no schema of its own; whoever looks about as one looks at the centre's.
    path = f"alter role {quoted(NAMES['superuser'])} set search_path = {quoted(SCHEMA)}"
    return {
        "postgres": [*created, f"create database {DATABASE} owner {quoted(ROLES.owner)}"],
        DATABASE: [*provisioning(ROLES), path],
    }


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
