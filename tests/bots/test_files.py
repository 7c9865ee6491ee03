"""Files are given to whoever knows their address, with nothing that lets others find it, and 404 after."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from bots.files import LIFETIME, Shelf
from core.channel import RenderedFile
from storage.database import Pool
from tests.storage.making_residents import make_chat

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BODY = b"%PDF-1.7 made up"
BILL = RenderedFile("Квитанция 05-2026.pdf", "application/pdf", BODY, hashlib.sha256(BODY).hexdigest())


@dataclass
class Served:
    """A shelf behind a real server."""

    shelf: Shelf
    base: str
    chat: int
    now: datetime = NOW

    async def published(self) -> str:
        [address] = (await self.shelf.publish(self.chat, [BILL])).values()
        return address


@pytest.fixture
async def served(pool: Pool) -> AsyncIterator[Served]:
    app = web.Application()
    async with pool.acquire() as db:
        chat = await make_chat(db, "one", channel="viber")
    made: list[Served] = []
    shelf = Shelf(pool, public_url="https://pay.example.org/", now=lambda: made[0].now)
    app.add_routes(shelf.routes())
    async with TestServer(app) as server:
        made.append(Served(shelf, str(server.make_url("/")).rstrip("/"), chat))
        yield made[0]


async def got(served: Served, address: str) -> tuple[int, bytes, dict[str, str]]:
    here = address.replace("https://pay.example.org", served.base)
    async with ClientSession() as http, http.get(URL(here, encoded=True)) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


async def test_a_file_is_fetched_by_its_address(served: Served) -> None:
    status, body, headers = await got(served, await served.published())

    assert (status, body) == (200, BODY)
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Length"] == str(len(BODY))
    assert headers["Content-Disposition"].startswith("inline; filename*=UTF-8''%D0%9A")
    assert "Set-Cookie" not in headers


async def test_nobody_keeps_lists_or_passes_on_the_address(served: Served) -> None:
    _, _, headers = await got(served, await served.published())

    assert headers["Cache-Control"].startswith("private")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"].startswith("noindex")
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_an_address_is_https_and_ends_with_the_files_ending(served: Served) -> None:
    address = await served.published()

    assert address.startswith("https://pay.example.org/files/")
    assert address.endswith("05-2026.pdf")
    assert address.isascii()


async def test_each_sending_gets_an_address_of_its_own(served: Served) -> None:
    assert await served.published() != await served.published()


async def test_a_phone_that_was_off_for_two_weeks_still_gets_the_file_and_nobody_later(
    served: Served,
) -> None:
    address = await served.published()

    served.now = NOW + timedelta(days=14)
    assert (await got(served, address))[0] == 200

    served.now = NOW + LIFETIME
    assert (await got(served, address))[0] == 404


@pytest.mark.parametrize("change", ["token", "name", "no name", "index", "up"])
async def test_no_other_address_gives_anything(served: Served, change: str) -> None:
    base, _, rest = (await served.published()).partition("/files/")
    token, _, name = rest.partition("/")
    guess = {
        "token": f"{base}/files/{token[:-1]}!/{name}",
        "name": f"{base}/files/{token}/invoice.html",
        "no name": f"{base}/files/{token}/",
        "index": f"{base}/files/",
        "up": f"{base}/files/%2e%2e/{name}",
    }[change]

    status, body, _ = await got(served, guess)

    assert status == 404
    assert BODY not in body
