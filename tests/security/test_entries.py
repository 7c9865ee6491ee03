"""Every way in: what proves who knocks, what a stranger gets, and what the answer's headers forbid."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bots import wiring
from bots.acquirers import SIMULATED_SECRET
from bots.configuration import Secrets
from bots.serving import serving
from tests.conforming import Bench
from tests.conftest import SECRETS
from tests.platforms import PLATFORMS

pytestmark = pytest.mark.asyncio(loop_scope="module")

# All that `serve` listens to, and what guards it.
WAYS_IN: Final = {
    ("POST", "/webhooks/{channel}"): "the platform's secret or signature",
    ("POST", "/webhooks/{channel}/{secret}"): "a secret in the address",
    ("GET", "/healthz"): "says nothing",
    ("GET", "/readyz"): "says whether we are ready",
    ("GET", "/metrics"): "networks that are named",
    ("GET", "/p/{token}"): "128 random bits",
    ("POST", "/p/{token}"): "128 random bits",
    ("GET", "/p/{token}/done"): "128 random bits",
    ("GET", "/acquirers/{name}/notice"): "a signature, or asking the acquirer",
    ("POST", "/acquirers/{name}/notice"): "a signature, or asking the acquirer",
    ("GET", "/s/{token}"): "128 random bits, once",
    ("POST", "/s/{token}"): "128 random bits, once",
    ("GET", "/s/{token}/{place}"): "the same, and the cookie of who pressed",
    ("GET", "/c/{channel}/{code}"): "knows nothing: leads on with the code as it came",
    ("GET", "/files/{token}/{name}"): "128 random bits, 15 days",
}
GUESSES: Final = (
    "a",
    "A" * 22,
    "A" * 4000,
    "%00",
    "..%2f..%2fetc%2fpasswd",
    "%0d%0aSet-Cookie:%20a=b",
    "'%20or%201=1--",
    "%D0%B6%D0%B6%D0%B6",
    "%ff%fe",
    "..",
)
STRICT: Final = {
    "X-Frame-Options": "DENY",
    # To our own pages alone, for browsers name no origin of a form otherwise.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
BOOKS: Final = "select count(*) from posting"


async def test_there_is_no_way_in_but_these(bench: Bench) -> None:
    app = web.Application()
    async with aiohttp.ClientSession() as http:
        parts = wiring.parts_of(bench.configuration, Secrets(SECRETS), pool=bench.pool, http=http)
        async with serving(parts, app):
            found = {
                (route.method, route.resource.canonical)
                for route in app.router.routes()
                if route.method != "HEAD" and route.resource is not None
            }

    assert found == set(WAYS_IN)


@pytest.mark.parametrize("channel", PLATFORMS)
async def test_a_platform_proves_itself_to_its_own_webhook_alone(bench: Bench, channel: str) -> None:
    before = await bench.channel(channel).known()
    for other in (each for each in PLATFORMS.values() if each.name != channel):
        fields = next(iter(other.samples.values()))
        post = other.proven(json.dumps(fields).encode())
        # A proof of another platform, in its own place and in that of this one.
        address = f"{bench.around.address}/webhooks/{channel}{post.behind}"
        async with bench.http.post(address, data=BytesIO(post.body), headers=post.headers) as answer:
            assert answer.status in {200, 403}

    assert await bench.channel(channel).known() == before


@pytest.mark.parametrize("page", ["/p/{}", "/p/{}/done", "/s/{}", "/s/{}/0"])
async def test_a_guessed_token_gets_what_any_other_gets(bench: Bench, page: str) -> None:
    answers = set()
    for guess in GUESSES[:-1]:
        url = bench.around.address + page.format(guess)
        async with bench.http.get(URL(url, encoded=True)) as answer:
            assert "Set-Cookie" not in answer.headers
            answers.add((answer.status, await answer.read()))
            assert {name: answer.headers.get(name) for name in STRICT} == STRICT

    assert len(answers) == 1
    assert answers.pop()[0] == 404


@pytest.mark.parametrize("page", ["/p/{}", "/s/{}"])
async def test_a_guessed_token_cannot_be_pressed(bench: Bench, page: str) -> None:
    for guess in GUESSES[:-1]:
        url = bench.around.address + page.format(guess)
        form = {"acquirer": "simulated", "kopecks": "100"}
        async with bench.http.post(URL(url, encoded=True), data=form, allow_redirects=False) as answer:
            assert (answer.status, answer.headers.get("Location")) == (404, None)


@pytest.mark.parametrize("guess", GUESSES)
async def test_a_chats_page_leads_nowhere_with_what_is_no_code(bench: Bench, guess: str) -> None:
    for address in (f"/c/viber/{guess}", f"/c/{guess}/code"):
        async with bench.http.get(URL(bench.around.address + address, encoded=True)) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("guess", GUESSES)
async def test_no_guessed_address_gives_a_file(bench: Bench, guess: str) -> None:
    for address in (f"/files/{guess}/kvitok.pdf", f"/files/token/{guess}"):
        url = URL(bench.around.address + address, encoded=True)
        async with bench.http.get(url) as answer:
            assert answer.status == 404
            assert "root:" not in await answer.text(errors="replace")


@pytest.mark.parametrize("guess", GUESSES)
async def test_a_webhooks_address_leads_nowhere_else(bench: Bench, guess: str) -> None:
    url = URL(f"{bench.around.address}/webhooks/{guess}", encoded=True)
    async with bench.http.post(url, data=b"{}") as answer:
        assert answer.status in {403, 404}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_notice_that_is_not_an_acquirers_moves_nothing(bench: Bench, method: str) -> None:
    async with bench.pool.acquire() as db:
        before = await db.fetchval(BOOKS)
    body = json.dumps({"operation": "1", "state": "paid", "kopecks": 100}).encode()
    signatures = ("", "0" * 64, SECRETS[SIMULATED_SECRET])
    for signature in signatures:
        for name in ("simulated", "yookassa", "sberbank", ".."):
            async with bench.http.request(
                method,
                f"{bench.around.address}/acquirers/{name}/notice",
                data=body if method == "POST" else None,
                headers={"X-Signature": signature, "X-Forwarded-For": "185.71.76.1"},
            ) as answer:
                # 200 is for the acquirer that is asked about whatever a notice names, and knows nothing of it.
                assert answer.status in ({200} if name == "simulated" else {403, 404})

    async with bench.pool.acquire() as db:
        assert await db.fetchval(BOOKS) == before


async def test_what_goes_wrong_shows_nothing_of_us(bench: Bench) -> None:
    asked = (("PUT", "/p/a"), ("GET", "/webhooks/vk"), ("GET", "/nowhere"), ("DELETE", "/s/a"))
    for method, path in asked:
        async with bench.http.request(method, bench.around.address + path) as answer:
            text = await answer.text()

            assert answer.status in {404, 405}
            assert not any(word in text for word in ("Traceback", "/bots/", "asyncpg", "kvitok"))
