"""The calls to MAX that send no message, the settings, whom we believe, and that the token is never told."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from structlog.testing import capture_logs

from adapters.calling import DOWNLOAD_BYTES_MAX
from adapters.max import Max
from adapters.max_api import UNTRUSTED
from adapters.max_updates import SECRET_HEADER, UPDATE_KINDS
from bots.trust import trusting
from core.channel import Identity, RetryLater, Sent, Webhook
from core.errors import ChannelFailedError, ChannelMisconfiguredError, ForgedWebhookError
from core.messages import Incoming, Press
from tests.making_certificates import make_authority
from tests.making_max import BODIES, SECRET, TOKEN, a_body
from tests.making_max_api import A_SENDING, CHAT, HTML, MID, SENT, Api, settings
from tests.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
DONE = json.dumps({"success": True})
URL = "https://kvitok.example.org/webhooks/max"
ELSEWHERE = "https://bot.example.org/hook"
FORMER = "https://old.example.org/webhooks/max"


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@asynccontextmanager
async def secured(app: web.Application, tls: ssl.SSLContext) -> AsyncIterator[BaseTestServer]:
    """*app* over https, shown by *tls*."""
    server = TestServer(app, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=tls)
    try:
        yield server
    finally:
        await server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bot(server: BaseTestServer) -> AsyncIterator[Max]:
    channel = Max(settings(api_base=str(server.make_url("/max"))), clock=lambda: NOW)
    yield channel
    await channel.close()


def subscribed(*urls: str) -> str:
    return json.dumps({"subscriptions": [{"url": url, "time": 1} for url in urls]})


# --- Whom we believe ------------------------------------------------------------------------------


@pytest.mark.parametrize("known", ["the right root", "another root", "no root"])
async def test_the_server_is_believed_for_the_sake_of_its_own_root_alone(
    api: Api, tmp_path: Path, known: str
) -> None:
    root, other = make_authority(), make_authority()
    files = {"the right root": root.file(tmp_path), "another root": other.file(tmp_path)}
    tls = trusting(files[known]) if known in files else None
    async with secured(serving(api), root.server(tmp_path)) as server:
        base = str(server.make_url("/max"))
        bot = Max(settings(api_base=base, tls=tls), clock=lambda: NOW)
        api.will(SENT)
        outcome = await bot.send(A_SENDING)
        await bot.close()

    believed = known == "the right root"
    assert outcome == (Sent(MID) if believed else RetryLater(2.0, scope="channel"))
    assert len(api.asked) == int(believed)


async def test_an_operator_is_told_what_to_do_about_a_root_that_is_not_known(
    api: Api, tmp_path: Path
) -> None:
    async with secured(serving(api), make_authority().server(tmp_path)) as server:
        bot = Max(settings(api_base=str(server.make_url("/max"))), clock=lambda: NOW)
        with pytest.raises(ChannelFailedError, match="ca_file") as failed:
            await bot.identify()
        await bot.close()

    assert failed.value.reason == UNTRUSTED


async def test_certificates_are_checked_whatever_is_set(tmp_path: Path) -> None:
    tls = trusting(make_authority().file(tmp_path))

    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.check_hostname


# --- Presses and webhooks -------------------------------------------------------------------------


def a_press(callback: str | None = "cbDEMO0001") -> Incoming:
    return Incoming("max", CHAT, CHAT, "cb:1", 1, NOW, Press("menu"), acknowledge=callback)


async def test_a_press_is_answered_with_nothing_to_read(api: Api, bot: Max) -> None:
    api.will(DONE)

    await bot.acknowledge(a_press())
    await bot.acknowledge(a_press(None))

    query = {"callback_id": "cbDEMO0001"}
    assert api.asked == [("POST", "/max/answers", query, {"notification": ""})]


async def test_an_answer_to_a_press_that_fails_is_only_logged(api: Api, bot: Max) -> None:
    api.will_fail("err_404_not_found")

    with capture_logs() as logged:
        await bot.acknowledge(a_press())

    assert [line["event"] for line in logged] == ["press.unacknowledged"]


async def test_a_webhook_is_read_only_with_its_secret(bot: Max) -> None:
    posted = (BODIES / "in_message_created_text.wire.json").read_bytes()

    received = bot.receive(Webhook({SECRET_HEADER: SECRET}, "", posted))
    with pytest.raises(ForgedWebhookError):
        bot.receive(Webhook({SECRET_HEADER: SECRET[:-1]}, "", posted))

    assert [update.key for update in received.updates] == ["mid.000000000adbe12601a0cd4758003d9e"]


# --- Long polling and files -----------------------------------------------------------------------


async def test_updates_are_polled_from_a_marker_on(api: Api, bot: Max) -> None:
    polled = a_body("in_updates_long_polling")
    polled["updates"] += [a_body("in_message_edited"), {"update_type": "bot_started"}, 7]
    api.will(json.dumps(polled))

    with capture_logs() as logged:
        updates, position = await bot.poll("25493900")

    (_, path, query, _) = api.asked[0]
    assert (path, query["marker"], query["types"]) == ("/max/updates", "25493900", ",".join(UPDATE_KINDS))
    assert [type(update.said).__name__ for update in updates] == ["Text", "Press"]
    assert position == "25493970"
    assert [line["event"] for line in logged] == ["update.ignored", "update.unusable"]


async def test_the_first_poll_names_no_marker_and_an_empty_one_stays(api: Api, bot: Max) -> None:
    api.will('{"updates":[],"marker":null}')

    assert await bot.poll("") == ([], "")
    assert "marker" not in api.asked[0][2]


async def test_a_poll_that_is_refused_tells_how_long_to_wait(api: Api, bot: Max) -> None:
    api.will_fail("err_429_too_many_requests")

    with pytest.raises(ChannelFailedError) as failed:
        await bot.poll("")

    assert failed.value.retry_after_s == 1.0


async def test_a_picture_is_fetched_without_the_token(api: Api, bot: Max, server: BaseTestServer) -> None:
    api.will("picture")

    assert await bot.download(str(server.make_url("/max-picture/1"))) == b"picture"


@pytest.mark.parametrize(
    "file",
    [
        "http://i.oneme.ru/a",
        "https://i.oneme.ru:8443/a",
        "https://oneme.ru.example.org/a",
        "https://127.0.0.1/a",
        "https://[::1",
        "",
    ],
)
async def test_nothing_is_fetched_from_elsewhere(bot: Max, file: str) -> None:
    with pytest.raises(ChannelFailedError, match="not on a server"):
        await bot.download(file)


async def test_a_picture_that_is_gone_or_too_large_is_not_fetched(
    api: Api, bot: Max, server: BaseTestServer
) -> None:
    api.answers = [(404, ""), (200, "x" * (DOWNLOAD_BYTES_MAX + 1))]
    for _ in range(2):
        with pytest.raises(ChannelFailedError):
            await bot.download(str(server.make_url("/max-picture/1")))


# --- What the platform keeps of us ----------------------------------------------------------------


async def test_the_bot_tells_who_it_is_and_how_its_webhook_stands(api: Api, bot: Max) -> None:
    api.will(json.dumps(a_body("out_me.response")), subscribed(URL))

    assert await bot.identify() == Identity("70123456", "id5800000000_bot", webhook=URL)


@pytest.mark.parametrize(
    ("urls", "complaint"),
    [((URL, FORMER), "several webhooks of ours"), ((URL, ELSEWHERE), "webhooks of others"), ((), "")],
)
async def test_webhooks_that_are_too_many_are_complained_of(
    api: Api, bot: Max, urls: tuple[str, ...], complaint: str
) -> None:
    api.will(json.dumps(a_body("out_me.response")), subscribed(*urls))

    found = (await bot.identify()).complaint

    assert complaint in found
    assert bool(found) == bool(complaint)


async def test_a_webhook_is_subscribed_with_its_secret_and_former_ones_end(api: Api, bot: Max) -> None:
    api.will(DONE, subscribed(FORMER, URL, ELSEWHERE), DONE)

    await bot.subscribe(URL)

    wanted = {"url": URL, "update_types": list(UPDATE_KINDS), "secret": SECRET}
    assert api.asked[0] == ("POST", "/max/subscriptions", {}, wanted)
    assert [(verb, query) for verb, _, query, _ in api.asked[2:]] == [("DELETE", {"url": FORMER})]


async def test_a_subscription_that_is_refused_is_told_in_the_platforms_words(api: Api, bot: Max) -> None:
    api.will(json.dumps(a_body("out_subscribe_refused.response")))

    with pytest.raises(ChannelFailedError, match="must start with https"):
        await bot.subscribe("http://kvitok.example.org/webhooks/max")


async def test_our_webhooks_are_removed_and_those_of_others_stay(api: Api, bot: Max) -> None:
    api.will(subscribed(URL, ELSEWHERE, FORMER), DONE, DONE)

    await bot.unsubscribe()

    assert [query for _, _, query, _ in api.asked[1:]] == [{"url": URL}, {"url": FORMER}]


async def test_a_webhook_that_the_platform_forgot_is_subscribed_again_with_an_alarm(
    api: Api, bot: Max
) -> None:
    api.will(subscribed(ELSEWHERE), DONE)

    with capture_logs() as logged:
        assert await bot.keep(URL) == ()

    assert [(line["event"], line["log_level"]) for line in logged] == [
        ("webhook.lost", "error"),
        ("webhook.renewed", "warning"),
    ]


@pytest.mark.parametrize("url", [URL, ""])
async def test_a_webhook_that_stands_is_let_be(api: Api, bot: Max, url: str) -> None:
    api.will(subscribed(URL))

    assert await bot.keep(url) == ()


# --- Settings and secrets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"token": ""},
        {"token": "with a space"},
        {"secret": ""},
        {"secret": "four"},
        {"secret": "with_line"},
        {"api_base": "platform-api2.max.ru"},
        {"proxy": "socks5://127.0.0.1:1080"},
    ],
)
async def test_settings_that_can_never_work_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ChannelMisconfiguredError) as refused:
        Max(settings(**changed), clock=lambda: NOW)

    assert not any(value and str(value) in str(refused.value) for value in changed.values())


async def test_polling_needs_no_secret_and_a_webhook_does() -> None:
    bot = Max(settings(secret="", mode="polling"), clock=lambda: NOW)

    with pytest.raises(ChannelMisconfiguredError):
        await bot.subscribe(URL)
    with pytest.raises(ForgedWebhookError):
        bot.receive(Webhook({SECRET_HEADER: ""}, "", b"{}"))


@pytest.mark.parametrize("status", [0, 200, 302, 401, 502])
async def test_the_token_is_never_told(api: Api, bot: Max, status: int) -> None:
    api.will(HTML, HTML, status=status)

    with pytest.raises(ChannelFailedError) as failed, capture_logs() as logged:
        await bot.identify()
    outcome = await bot.send(A_SENDING)

    told = "".join(format_exception(failed.value)) + repr(outcome) + repr(logged) + repr(settings())
    assert TOKEN not in told
    assert SECRET not in told
