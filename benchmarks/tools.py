"""The programs that load, answer, pool and replicate: found on the machine, or unpacked from Debian's packages.

Unpacked, not installed: no rights are needed and no service is started.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.embedded_home import ServerUser

# Which of Debian's packages has a program.
PACKAGES: Final[Mapping[str, str]] = {
    "wrk": "wrk",
    "nginx": "nginx",
    "pgbouncer": "pgbouncer",
    "haproxy": "haproxy",
    "etcd": "etcd-server",
    "patroni": "patroni",
    "postgres": "postgresql-15",
}
POSTGRES: Final = Path("usr/lib/postgresql/15/bin")
FOLDERS: Final = (Path("usr/bin"), Path("usr/sbin"), POSTGRES)

# Root unpacks where the users can pass that it runs servers as.
CACHE: Final = (
    Path("/var/cache")
    if os.geteuid() == 0
    else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
) / "kvitok-bench"
ROOT: Final = CACHE / "root"

# What a package still wants on this machine; a line with a version in brackets is an upgrade, and left out.
_WANTED: Final = re.compile(r"^Inst (\S+) \(", re.MULTILINE)


class ToolMissingError(Exception):
    """A tool is neither on this machine nor to be had from Debian."""


@dataclass(frozen=True)
class Tool:
    """A program and the environment that it needs."""

    path: str
    environment: Mapping[str, str] = field(default_factory=dict)


def tool(name: str) -> Tool:
    """The tool *name*. Raises ToolMissingError."""
    if (path := shutil.which(name) or _found(name, Path("/"))) is not None:
        return Tool(path)
    if (path := _found(name, ROOT) or _unpacked(name)) is not None:
        return Tool(path, {**os.environ, **_surroundings()})
    raise ToolMissingError(f"{name} is not there: install it (apt-get install {PACKAGES[name]})")


def as_user(user: ServerUser) -> Sequence[str]:
    """What to put before a command so that *user* runs it: root's servers belong to somebody else."""
    if user.uid is None:
        return ()
    return ("setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups")


def postgres_15() -> Path:
    """The folder of the programs of Debian's PostgreSQL 15. Raises ToolMissingError."""
    if _found("postgres", Path("/")) is not None:
        return Path("/") / POSTGRES
    if _found("postgres", ROOT) is None:
        _unpacked("postgres")
    programs = ROOT / POSTGRES
    if not programs.is_dir():
        raise ToolMissingError(
            f"PostgreSQL 15 is not there: install it (apt-get install {PACKAGES['postgres']})"
        )
    # Whoever starts these gives them no environment: each is wrapped in one.
    wrapped = CACHE / "postgresql-15"
    wrapped.mkdir(exist_ok=True)
    said = " ".join(f"{key}={shlex.quote(value)}" for key, value in _surroundings().items())
    for program in programs.iterdir():
        script = wrapped / program.name
        script.write_text(f'#!/bin/sh\n{said} exec {shlex.quote(str(program))} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return wrapped


def _found(name: str, root: Path) -> str | None:
    """Where *name* is below *root*; of PostgreSQL's programs, those of version 15."""
    paths = (root / folder / name for folder in FOLDERS)
    return next((str(path) for path in paths if path.exists()), None)


def _surroundings() -> dict[str, str]:
    """Where what was unpacked finds its libraries and modules."""
    libraries = ":".join(map(str, (ROOT / "usr/lib").glob(f"{platform.machine()}-*")))
    return {"LD_LIBRARY_PATH": libraries, "PYTHONPATH": str(ROOT / "usr/lib/python3/dist-packages")}


def _unpacked(name: str) -> str | None:
    """Fetch and unpack the package that has *name*, with what else it wants; where *name* is then."""
    ROOT.mkdir(parents=True, exist_ok=True)
    try:
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _found(name, ROOT) is None:
                _unpack_or_update(PACKAGES[name])
    except (OSError, subprocess.CalledProcessError) as error:
        words = f"{name} is not on this machine, and Debian's package cannot be fetched (apt-get update?)"
        raise ToolMissingError(words) from error
    return _found(name, ROOT)


def _unpack_or_update(package: str) -> None:
    try:
        _unpack(package)
    except subprocess.CalledProcessError:
        if os.geteuid() != 0:
            raise
        # A machine that is new has no lists of packages.
        subprocess.run(["apt-get", "update"], check=True, capture_output=True)
        _unpack(package)


def _unpack(package: str) -> None:
    asked = ["apt-get", "install", "--simulate", "--no-install-recommends", package]
    told = subprocess.run(asked, check=True, capture_output=True, text=True)
    packages = CACHE / package
    packages.mkdir(exist_ok=True)
    fetch = ["apt-get", "download", *dict.fromkeys([package, *_WANTED.findall(told.stdout)])]
    subprocess.run(fetch, cwd=packages, check=True, capture_output=True)
    for file in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(file), str(ROOT)], check=True, capture_output=True)


if __name__ == "__main__":
    # For make: where PostgreSQL 15 is.
    sys.stdout.write(f"{postgres_15()}\n")
