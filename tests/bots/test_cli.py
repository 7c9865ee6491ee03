"""What the command line says of what is wrong: one line, and a status that is not 0."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from bots.command_errors import told_of
from bots.ports import LOOPBACK
from tests.commanding import kvitok
from tests.conftest import Database

MISTAKES = """
centre: {timezone: Mars/One, due_days: 3}
server: {public_url: nowhere, port: 99999, hostt: x}
"""
MINIMAL = """
centre: {name: ЕРКЦ}
server: {public_url: "https://kvitok.example"}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration and no data are there but a test's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("URL", "DIRECT_URL", "OWNER_URL"):
        monkeypatch.delenv(f"KVITOK_DATABASE_{name}", raising=False)


@pytest.fixture
def reachable(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("KVITOK_DATABASE_URL", database.app)
    return database


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("serve --frob", "No such option: --frob"),
        ("serv", "Did you mean 'serve'?"),
        ("ledger", "Missing command"),
        ("settle", "Missing option '--date'"),
        ("settle --date 2026-02-30", "'2026-02-30' is no day; write it as 2026-05-31"),
        ("bills render --period 2026-13", "'2026-13' is no month; write it as 2026-05"),
        ("cases show x", "'N'"),
        ("cases show 99999999999999999999", "'N'"),
        ("demo --port 99999", "'--port'"),
        ("cases answer 1", "Missing argument 'TEXT'"),
    ],
)
async def test_what_was_typed_wrong_is_told_in_one_line_with_status_2(typed: str, said: str) -> None:
    ended = await kvitok(*typed.split())

    assert ended.status == 2
    assert said in ended.line
    assert "--help)" in ended.line
    assert ended.out == ""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("serve", "config.yaml: cannot be read: No such file or directory"),
        ("serve --config .", ".: cannot be read: Is a directory"),
        ("ledger verify", "no database: KVITOK_DATABASE_URL is not set"),
        ("migrate", "no database: KVITOK_DATABASE_OWNER_URL is not set"),
        ("ledger show 1 --config nope.yaml", "no database"),
        ("payments refund 1 12x", "'12x' is no sum"),
        ("links release 1 --why=", "--why is empty"),
    ],
)
async def test_what_is_not_there_is_told_in_one_line(typed: str, said: str) -> None:
    ended = await kvitok(*typed.split())

    assert (ended.status, ended.out) == (1, "")
    assert said in ended.line


async def test_kvitok_alone_shows_the_help() -> None:
    ended = await kvitok()

    assert (ended.status, ended.err) == (0, "")
    assert "Commands:" in ended.out


async def test_a_configuration_with_mistakes_is_one_line_and_doctor_names_each(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(MISTAKES)

    served, examined = await kvitok("serve"), await kvitok("doctor")

    assert "and 5 more, see `kvitok doctor`" in served.line
    wrong = [line for line in examined.out.splitlines() if "configuration:" in line]
    assert len(wrong) == 6
    assert examined.status == 1


async def test_doctor_names_every_secret_that_is_not_set(
    tmp_path: Path, reachable: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"KVITOK_{name}_{kind}" for name in ("TELEGRAM", "VK") for kind in ("TOKEN", "SECRET")]
    names += ["KVITOK_SECRET_KEY", "KVITOK_BILLING_KEY"]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.yaml").write_text(f"{MINIMAL}channels: {{telegram: {{}}, vk: {{group_id: 1}}}}")

    ended = await kvitok("doctor")

    assert [name for name in names if f"{name} is not set" not in ended.out] == []
    assert ended.status == 1


async def test_a_configuration_that_was_asked_for_and_is_not_there_is_no_default(reachable: Database) -> None:
    ended = await kvitok("import", ".", "--config", "nope.yaml")

    assert (ended.status, ended.line) == (1, "kvitok: nope.yaml: cannot be read: No such file or directory")


# --- The database ------------------------------------------------------------------------------------


async def test_the_owners_address_is_named_where_it_is_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVITOK_DATABASE_OWNER_URL", "postgresql://o@/kvitok?host=/nowhere")

    ended = await kvitok("migrate")

    assert ended.status == 1
    assert ended.line.startswith("kvitok: KVITOK_DATABASE_OWNER_URL: no connection: ")


async def test_a_wrong_password_is_told_without_the_address(
    reachable: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme, _, rest = reachable.app.partition(":")
    user, _, _ = rest.partition(":")
    monkeypatch.setenv("KVITOK_DATABASE_URL", f"{scheme}:{user}:wrong-word@{rest.partition('@')[2]}")

    ended = await kvitok("cases")

    assert "KVITOK_DATABASE_URL: no connection: password authentication failed" in ended.line
    assert "wrong-word" not in ended.err


@pytest.mark.parametrize(
    "typed", ["cases", "ledger verify", "ledger differences", "ledger show 1", "import ."]
)
async def test_a_database_that_was_never_migrated_is_told_so(
    empty: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str
) -> None:
    monkeypatch.setenv("KVITOK_DATABASE_URL", empty.app)
    (tmp_path / "services_test_2026-04-30_1.csv").write_text("code;name;unit;kind;sort\n")

    ended = await kvitok(*typed.split())

    assert (ended.status, ended.line) == (
        1,
        "kvitok: the database's tables are not those of this release: run `kvitok migrate`",
    )


async def test_the_app_cannot_migrate(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVITOK_DATABASE_OWNER_URL", empty.app)

    ended = await kvitok("migrate")

    assert ended.status == 1
    assert "the database refused the migration: permission denied for schema kvitok" in ended.line


# --- Files -------------------------------------------------------------------------------------------


async def test_a_mistyped_file_fails_the_load_by_name_and_a_note_does_not(
    reachable: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "from billing"
    folder.mkdir()
    (folder / "README.md").write_text("…")

    well = await kvitok("import", str(folder))
    (folder / "reading_ack_0001_2026-10-17_1.csv").write_text("…")
    wrong = await kvitok("import", str(folder))

    assert (well.status, well.out) == (0, "README.md: not for import, left alone\n")
    assert wrong.status == 1
    assert "reading_ack_0001_2026-10-17_1.csv: the name is not" in wrong.out


async def test_an_empty_folder_is_told_of(reachable: Database, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()

    ended = await kvitok("import", str(folder))

    assert (ended.status, ended.out) == (0, "There is nothing to load.\n")


async def test_a_file_in_the_place_of_a_folder_is_refused(reachable: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = await kvitok("export", "readings", "--since", "2026-01-01", "--out", "file")

    assert ended.status == 2
    assert "'file'" in ended.line


# --- Ports -------------------------------------------------------------------------------------------


async def test_a_taken_port_is_told_before_anything_of_the_demo_is_made(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]

        ended = await kvitok("demo", "--port", str(port))

    assert ended.line == f"kvitok: {LOOPBACK}:{port} is taken by another program; choose another port"
    assert ended.status == 1
    assert list(tmp_path.iterdir()) == []


# --- Our own faults ----------------------------------------------------------------------------------


def test_a_fault_of_ours_is_told_by_its_place_and_not_by_the_values_at_hand() -> None:
    caught: list[Exception] = []
    try:
        int("Иван Петров")
    except ValueError as error:
        caught.append(error)

    line, status = told_of(caught[0])

    assert "ValueError at tests/bots/test_cli.py:" in line
    assert "Иван" not in line
    assert status == 1


async def test_the_help_loads_none_of_the_libraries_that_take_seconds() -> None:
    names = [
        "asyncio",
        "aiogram",
        "aiohttp",
        "sqlalchemy",
        "asyncpg",
        "rich",
        "msgspec",
        "structlog",
        "uvloop",
        "pydantic",
    ]
    code = f"import sys, bots.cli; print([n for n in {names} if n in sys.modules])"

    python = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    out, _ = await python.communicate()

    assert out == b"[]\n"
