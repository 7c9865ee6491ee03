"""The calls to Odnoklassniki that send no message, the settings, and that the token is never told."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from traceback import format_exception
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer
from structlog.testing import capture_logs

from adapters.odnoklassniki import Odnoklassniki
from core.channel import (
    Sent,
    Webhook,
)
from core.errors import ChannelFailedError, ChannelMisconfiguredError, ForgedWebhookError
from core.messages import Incoming, Press
from tests.making_odnoklassniki import BODIES, SECRET, TOKEN, a_body
from tests.making_odnoklassniki_api import A_SENDING, CHAT, HTML, MID, SENT, Api, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest_asyncio.fixture(loop_scope="module")
async def ok(server: BaseTestServer) -> AsyncIterator[Odnoklassniki]:
    base = str(server.make_url("/graph"))
    channel = Odnoklassniki(settings(api_base=base), clock=lambda: NOW, settle_s=0.0)
    yield channel
    await channel.close()


# --- Sent before, and the answer lost -------------------------------------------------------------


async def test_what_an_earlier_try_left_in_the_chat_is_not_sent_again(api: Api, ok: Odnoklassniki) -> None:
    message = {"text": "Принято", "mid": MID}
    api.will(json.dumps({"messages": [{"message": message}]}))

    assert await ok.send(msgspec.structs.replace(A_SENDING, tried_s_ago=30.5)) == Sent(MID)


@pytest.mark.parametrize(
    "history",
    [
        '{"messages":[{"message":{"text":"Принято","mid":"mid:C1.1"}},{"message":7}]}',
        '{"messages":null}',
        HTML,
    ],
    ids=["older", "none", "unread"],
)
async def test_what_was_not_sent_before_is_sent_now(api: Api, ok: Odnoklassniki, history: str) -> None:
    api.will(history, SENT)

    assert await ok.send(msgspec.structs.replace(A_SENDING, tried_s_ago=30.0)) == Sent(MID)
    assert len(api.asked) == 2


# --- The other calls ------------------------------------------------------------------------------


def a_press() -> Incoming:
    return Incoming("ok", CHAT, "user:1", "cb:1", 1, NOW, Press("menu"), acknowledge="cbDEMO0001")


async def test_a_press_has_no_answer_of_its_own(api: Api, ok: Odnoklassniki) -> None:
    api.will()

    await ok.acknowledge(a_press())

    assert api.asked == []


async def test_a_press_is_answered_with_the_words_of_the_settings(api: Api, server: BaseTestServer) -> None:
    base = str(server.make_url("/graph"))
    channel = Odnoklassniki(settings(api_base=base, press_answer="Секунду…"), clock=lambda: NOW)
    api.will(SENT, json.dumps(a_body("err_100_param_text_too_long")))
    try:
        await channel.acknowledge(a_press())
        with capture_logs() as logged:
            await channel.acknowledge(a_press())
    finally:
        await channel.close()

    assert api.asked[0] == (
        "POST",
        f"/graph/{CHAT}/answer",
        {"callbackId": "cbDEMO0001"},
        {"message": {"text": "Секунду…"}},
    )
    assert [line["event"] for line in logged] == ["press.unacknowledged"]


async def test_a_webhook_is_read_only_by_its_secret_path(ok: Odnoklassniki) -> None:
    posted = (BODIES / "in_message_created_text.wire.json").read_bytes()

    received = ok.receive(Webhook({}, SECRET, posted))
    with pytest.raises(ForgedWebhookError):
        ok.receive(Webhook({}, "guessed", posted))

    assert [update.key for update in received.updates] == ["mid:C5e1d0c0ffe00.1a0cd4758001c05"]


async def test_polling_gives_updates_and_the_marker_after_them(api: Api, ok: Odnoklassniki) -> None:
    api.will(json.dumps(a_body("out_updates_long_polling.response") | {"marker": 7}))

    updates, position = await ok.poll("5")

    assert [type(update.said).__name__ for update in updates] == ["Text", "Press"]
    assert position == "7"
    assert api.asked[0][:3] == ("GET", "/graph/me/updates", {"marker": "5"})


async def test_polling_passes_what_cannot_be_read(api: Api, ok: Odnoklassniki) -> None:
    api.will('{"updates": [{"message": 1}, {"webhookType": "NEWS"}, 7]}')

    with capture_logs() as logged:
        polled = await ok.poll("5")

    assert polled == ([], "5")
    assert [line["event"] for line in logged] == ["update.unusable", "update.ignored"]


async def test_polling_that_is_not_subscribed_subscribes(api: Api, ok: Odnoklassniki) -> None:
    api.will(json.dumps(a_body("err_5000_invalid_response")), '{"success": true}')

    assert await ok.poll("") == ((), "")
    assert api.asked[1][3] == a_body("out_subscribe_long_polling.request")


async def test_a_call_told_to_wait_tells_how_long(api: Api, ok: Odnoklassniki) -> None:
    api.will_fail("err_008_flood_blocked")

    with pytest.raises(ChannelFailedError) as raised:
        await ok.poll("")

    assert raised.value.retry_after_s == 60


async def test_a_picture_is_fetched_without_the_token(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    api.will("jpeg")

    assert await ok.download(str(server.make_url("/i?r=1"))) == b"jpeg"


@pytest.mark.parametrize(
    "url",
    [
        "http://i.mycdn.me/i",
        "https://i.mycdn.me:8443/i",
        "https://mycdn.me.example.org/i",
        "https://notmycdn.me/i",
        "file:///etc/passwd",
        "https://[::1",
        "http://127.0.0.1:1/",
        "",
    ],
)
async def test_nothing_is_fetched_from_where_the_platform_keeps_no_files(ok: Odnoklassniki, url: str) -> None:
    with pytest.raises(ChannelFailedError, match="not on a server of the platform's"):
        await ok.download(url)


@pytest.mark.parametrize(("status", "text"), [(404, ""), (302, ""), (200, "x" * (20 * 1024 * 1024 + 1))])
async def test_a_picture_that_cannot_be_fetched_fails(
    api: Api, ok: Odnoklassniki, server: BaseTestServer, status: int, text: str
) -> None:
    api.will(text, status=status)

    with pytest.raises(ChannelFailedError):
        await ok.download(str(server.make_url("/i")))


# --- The token, and settings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "what", ["send", "poll", "identify", "subscribe", "unsubscribe", "catch_up", "download"]
)
@pytest.mark.parametrize("status", [0, 200, 302, 502])
async def test_the_token_is_in_no_outcome_log_or_exception(
    api: Api, ok: Odnoklassniki, server: BaseTestServer, what: str, status: int
) -> None:
    api.will(*[f"<html>{TOKEN} {SECRET}</html>"] * 3, status=status)
    given = {"send": A_SENDING, "poll": "", "download": str(server.make_url("/i"))}
    given |= dict.fromkeys(("subscribe", "catch_up"), "https://bot.example.org/ok")
    args = [given[what]] if what in given else []
    args += [""] if what == "catch_up" else []

    with capture_logs() as logged:
        try:
            said = repr(await getattr(ok, what)(*args)) if what != "download" or status == 200 else ""
        except ChannelFailedError as error:
            said = "".join(format_exception(error)) + repr(error)

    if what != "download":
        assert TOKEN not in said
    assert not any(secret in repr(logged) for secret in (TOKEN, SECRET))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"token": "secret thing"}, "the token is not of the form"),
        ({"secret": ""}, "the webhook secret must be"),
        ({"secret": "short"}, "the webhook secret must be"),
        ({"secret": "с" * 30}, "the webhook secret must be"),
        ({"api_base": "api.ok.ru"}, "the API's base must be"),
        ({"api_base": "https://api.ok.ru/graph?x"}, "the API's base must be"),
        ({"proxy": "socks5://127.0.0.1:1080"}, "the proxy must be like"),
        ({"text_chars_max": 0}, "at least one character"),
    ],
)
async def test_settings_that_can_never_work_are_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(ChannelMisconfiguredError, match=reason) as raised:
        Odnoklassniki(settings(**changed), clock=lambda: NOW)

    assert "secret thing" not in str(raised.value)


async def test_a_polled_group_needs_no_secret_but_then_has_no_webhook() -> None:
    channel = Odnoklassniki(settings(mode="polling", secret=""), clock=lambda: NOW)

    with pytest.raises(ChannelMisconfiguredError, match="a webhook needs a secret"):
        await channel.subscribe("https://bot.example.org/webhooks/ok")


async def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(settings(proxy="http://user:password@127.0.0.1:3128"))

    assert not any(secret in shown for secret in (TOKEN, SECRET, "password"))


async def test_a_measured_length_of_texts_can_be_set() -> None:
    channel = Odnoklassniki(settings(text_chars_max=4000), clock=lambda: NOW)

    assert (channel.capabilities.text_chars_max, channel.capabilities.caption_chars_max) == (4000, 4000)
