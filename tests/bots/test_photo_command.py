"""Staff fetch a photo that a resident sent, from whatever messenger it came by."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from bots.simulator.stand_ins import sections
from bots.simulator.surroundings import Surroundings
from storage.database import connect
from tests.commanding import kvitok
from tests.conftest import SECRETS, Database
from tests.phones import Phone


@pytest.fixture(autouse=True)
def centre(
    around: Surroundings, inhabited: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command line beside the service that runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KVITOK_DATABASE_URL", inhabited.app)
    monkeypatch.delenv("KVITOK_DATABASE_DIRECT_URL", raising=False)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    configuration = {
        "centre": {"name": "ЕРКЦ"},
        "server": {"public_url": around.address},
        "channels": sections(around.address, mode="open"),
    }
    (tmp_path / "config.yaml").write_text(json.dumps(configuration))


async def sent_photo(around: Surroundings, inhabited: Database, channel: str) -> int:
    """Have a resident of *channel* send staff a photo; the number of its case."""
    async with aiohttp.ClientSession() as http:
        phone = Phone(http, f"{around.address}/simulator/api/{channel}/somebody")
        await phone.do("start")
        for words in ("сотрудник", "согласен"):
            assert await phone.next() is not None
            await phone.do("say", text=words)
        assert await phone.next() is not None
        await phone.do("photo", caption="")
        assert "обращение" in str(await phone.next()).lower()
    async with connect(inhabited.app) as db:
        number: int = await db.fetchval("select max(id) from staff_case where kind = 'question'")
    return number


@pytest.mark.parametrize("channel", ["telegram", "vk", "ok", "viber", "max"])
async def test_a_photo_is_fetched_into_a_file_that_nobody_else_reads(
    around: Surroundings, inhabited: Database, tmp_path: Path, channel: str
) -> None:
    case = await sent_photo(around, inhabited, channel)

    ended = await kvitok("cases", "photo", str(case), "--out", "meter.jpg")

    file = tmp_path / "meter.jpg"
    assert (ended.status, ended.err) == (0, "")
    assert file.read_bytes().startswith((b"\xff\xd8", b"\x89PNG"))
    assert file.stat().st_mode & 0o777 == 0o600
    async with connect(inhabited.app) as db:
        assert await db.fetchval("select action from staff_action where case_id = $1", case) == "photo"


async def test_what_is_in_the_way_of_a_photo_is_told_and_leaves_no_file(
    around: Surroundings, inhabited: Database, tmp_path: Path
) -> None:
    case = str(await sent_photo(around, inhabited, "telegram"))
    (tmp_path / "taken.jpg").touch()
    (tmp_path / "off.yaml").write_text("{centre: {name: X}, server: {public_url: 'https://x.example'}}")

    taken = await kvitok("cases", "photo", case, "--out", "taken.jpg")
    second = await kvitok("cases", "photo", case, "--photo", "2", "--out", "new.jpg")
    off = await kvitok("cases", "photo", case, "--config", "off.yaml", "--out", "new.jpg")

    assert taken.line == "kvitok: taken.jpg: File exists"
    assert second.line == f"kvitok: case {case}: there is no photo 2, it has 1"
    assert off.line == "kvitok: the photo is with telegram, which is not on in off.yaml"
    assert {taken.status, second.status, off.status} == {1}
    assert not (tmp_path / "new.jpg").exists()
