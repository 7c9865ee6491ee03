"""What Viber's answers mean, what settings can work, and what is never told."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from structlog.testing import capture_logs

from adapters.viber import PAUSE_S, REQUEST_BYTES_MAX, Viber, ViberSettings, classify
from adapters.viber_updates import SIGNATURE_HEADER, signed
from core.channel import (
    ChannelStopped,
    Outcome,
    Received,
    Rejected,
    RetryLater,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import (
    ChannelFailedError,
    ChannelMisconfiguredError,
    ForgedWebhookError,
    UnusableUpdateError,
)
from core.messages import Message, Press, Span

BODIES = Path(__file__).parents[1] / "bodies" / "viber"
TOKEN = "demo0000demo0000-demo0000demo0000-demo0000demo0000"
HELLO = Sending("jK3mQ9==", 17, Message((Span("Здравствуйте"),)))

KINDS: dict[str, type[Outcome]] = {
    "err_01_invalidUrl": ChannelStopped,
    "err_02_invalidAuthToken": ChannelStopped,
    "err_03_badData": Rejected,
    "err_04_missingData": Rejected,
    "err_05_receiverNotRegistered": Unreachable,
    "err_06_receiverNotSubscribed": Unreachable,
    "err_07_publicAccountBlocked": ChannelStopped,
    "err_08_publicAccountNotFound": ChannelStopped,
    "err_09_publicAccountSuspended": ChannelStopped,
    "err_10_webhookNotSet": RetryLater,
    "err_11_receiverNoSuitableDevice": Unreachable,
    "err_12_tooManyRequests": RetryLater,
    "err_13_apiVersionNotSupported": Rejected,
    "err_14_incompatibleWithVersion": Rejected,
    "err_19_cannotSendBroadcast": Rejected,
    "err_20_broadcastNotAllowed": Rejected,
    "err_21_unsupportedCountry": Unreachable,
    "err_23_freeMessagesExceeded": Rejected,
    "err_24_noBalance": Rejected,
}


def sample(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return fields


def a_viber(**settings: Any) -> Viber:
    return Viber(ViberSettings(**({"token": TOKEN, "sender_name": "ЕРКЦ"} | settings)))


# --- What answers mean ----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_every_known_number_has_its_meaning(name: str, kind: type[Outcome]) -> None:
    assert type(classify(200, sample(name))) is kind


def test_no_known_number_is_left_out() -> None:
    assert {path.stem for path in BODIES.glob("err_*.json")} == KINDS.keys()


def test_a_success_gives_the_whole_token() -> None:
    assert classify(200, sample("out_text.response")) == Sent("5912661846655299001")


def test_words_beside_the_number_change_nothing() -> None:
    assert classify(200, {"status": 6, "status_message": "OK"}) == Unreachable("6 receiverNotSubscribed")


def test_too_many_messages_hold_the_chat_alone() -> None:
    assert classify(200, sample("err_12_tooManyRequests")) == RetryLater(60.0, scope="lane")


def test_a_number_that_we_do_not_know_is_tried_again_but_not_for_ever() -> None:
    assert classify(200, {"status": 99}) == Unknown("status 99")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Rejected("HTTP 400")),
        (401, ChannelStopped("HTTP 401")),
        (403, RetryLater(PAUSE_S, scope="channel")),
        (404, ChannelStopped("HTTP 404: is api_base right?")),
        (413, Rejected("HTTP 413")),
        (429, RetryLater(60.0, scope="channel")),
        (500, RetryLater(PAUSE_S, scope="channel")),
        (502, RetryLater(PAUSE_S, scope="channel")),
        (200, RetryLater(PAUSE_S, scope="channel")),
    ],
)
def test_what_a_gateway_answers_is_no_answer_of_vibers(status: int, outcome: Outcome) -> None:
    assert classify(status, {}) == outcome


# --- Calls ----------------------------------------------------------------------------------------

Answer = Callable[[web.Request], Awaitable[web.Response]]


async def sent_to(answer: Answer, sending: Sending = HELLO) -> Outcome:
    """What comes of a message to a platform that answers so."""
    app = web.Application()
    app.router.add_post("/pa/send_message", answer)
    async with TestServer(app) as server:
        viber = a_viber(api_base=str(server.make_url("/")))
        outcome = await viber.send(sending)
        await viber.close()
    return outcome


@pytest.mark.parametrize("body", ["<html>", "", "[]", "null", '{"status_message":"ok"}', "[" * 10_000])
async def test_a_success_that_is_not_the_apis_is_tried_again(body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    assert await sent_to(answer) == RetryLater(PAUSE_S, scope="channel")


async def test_a_redirect_is_not_followed_with_the_token_in_hand() -> None:
    async def answer(_: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:1/elsewhere")

    assert await sent_to(answer) == RetryLater(PAUSE_S, scope="channel")


async def test_a_connection_that_breaks_leaves_us_not_knowing() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert isinstance(await sent_to(answer), Unknown)


async def test_a_platform_that_cannot_be_reached_is_tried_later() -> None:
    viber = a_viber(api_base=f"http://127.0.0.1:{unused_port()}")

    assert await viber.send(HELLO) == RetryLater(PAUSE_S, scope="channel")
    await viber.close()


async def test_a_proxy_that_cannot_be_reached_is_tried_later() -> None:
    viber = a_viber(proxy=f"http://user:secret@127.0.0.1:{unused_port()}")

    assert await viber.send(HELLO) == RetryLater(PAUSE_S, scope="channel")
    await viber.close()


async def test_a_client_that_is_too_old_gets_the_same_at_its_level() -> None:
    levels = []

    async def answer(request: web.Request) -> web.Response:
        levels.append((await request.json())["min_api_version"])
        return web.json_response({"status": 0 if levels[-1] == 1 else 13, "message_token": 5})

    assert await sent_to(answer) == Sent("5")
    assert levels == [7, 1]


async def test_a_request_that_is_too_large_is_not_made() -> None:
    async def answer(_: web.Request) -> web.Response:
        raise AssertionError("it was made")

    long = Sending("jK3mQ9==", 17, Message((Span("😀" * REQUEST_BYTES_MAX),)))

    assert await sent_to(answer, long) == Rejected("the request is larger than 30 KB")


async def test_a_call_is_one_of_utf_8_with_the_token_in_its_header() -> None:
    seen: dict[str, Any] = {}

    async def answer(request: web.Request) -> web.Response:
        seen["token"], seen["body"] = request.headers["X-Viber-Auth-Token"], await request.read()
        return web.json_response({"status": 0, "message_token": 5})

    await sent_to(answer)

    assert seen["token"] == TOKEN
    assert "Здравствуйте".encode() in seen["body"]
    assert TOKEN.encode() not in seen["body"]


# --- Webhooks -------------------------------------------------------------------------------------


def a_webhook(name: str, **changed: Any) -> Webhook:
    body = json.dumps(sample(name) | changed).encode()
    return Webhook({SIGNATURE_HEADER: signed(TOKEN, body)}, "", body)


def test_a_signed_event_is_received() -> None:
    (update,) = a_viber().receive(a_webhook("in_message_button_reply")).updates

    assert update.said == Press("v1:9f3c:add")


def test_an_unsigned_event_is_forged() -> None:
    with pytest.raises(ForgedWebhookError):
        a_viber().receive(Webhook({}, "", a_webhook("in_message_text").body))


def test_an_unsigned_trial_is_received_and_says_nothing() -> None:
    trial = Webhook({}, "", json.dumps(sample("in_webhook")).encode())

    assert a_viber().receive(trial) == Received((), ignored="a trial call")


def test_a_signed_body_that_is_no_event_is_unusable() -> None:
    with pytest.raises(UnusableUpdateError):
        a_viber().receive(Webhook({SIGNATURE_HEADER: signed(TOKEN, b"{")}, "", b"{"))


def test_who_opens_the_chat_is_answered_with_the_welcome() -> None:
    received = a_viber().receive(a_webhook("in_conversation_started_context"))

    assert received.updates == ()
    welcome = json.loads(received.answer or b"")
    assert welcome["keyboard"]["Buttons"][0]["ActionBody"] == "m:/start:acc-0100200300"
    assert welcome.keys() - {"tracking_data"} == sample("out_welcome_message.http_reply").keys() - {
        "tracking_data"
    }


def test_a_subscriber_who_looks_is_answered_with_nothing() -> None:
    received = a_viber().receive(a_webhook("in_conversation_started_again_subscribed"))

    assert (received.updates, received.answer) == ((), None)
    assert a_viber().accepted == b""


# --- Settings and secrets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"token": ""}, "token"),
        ({"token": "два слова"}, "token"),
        ({"sender_name": ""}, "sender_name"),
        ({"sender_name": "Единый расчётно-кассовый центр"}, "sender_name"),
        ({"avatar": "http://erkc.ru/a.png"}, "avatar"),
        ({"api_base": "chatapi.viber.com"}, "base"),
        ({"proxy": "socks5://127.0.0.1:1080"}, "proxy"),
    ],
)
def test_settings_that_can_never_work_are_named(settings: dict[str, str], word: str) -> None:
    with pytest.raises(ChannelMisconfiguredError, match=word) as caught:
        a_viber(**settings)

    assert TOKEN not in str(caught.value)


async def test_viber_cannot_be_polled() -> None:
    with pytest.raises(ChannelFailedError, match="needs a webhook"):
        await a_viber().poll("")


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest",
        "https://viber.com.example.org/a.jpg",
        "https://notviber.com/a.jpg",
        "http://dl-media.viber.com/a.jpg",
        "https://[",
        "file:///etc/passwd",
        "",
    ],
)
async def test_a_picture_elsewhere_is_not_fetched(address: str) -> None:
    with pytest.raises(ChannelFailedError, match="not on a server of the platform's"):
        await a_viber().download(address)


async def test_the_token_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever fails, and however talkative the libraries are."""
    caplog.set_level(0)
    outcomes: list[object] = []

    async def refused(_: web.Request) -> web.Response:
        return web.json_response(sample("err_02_invalidAuthToken"))

    app = web.Application()
    app.router.add_post("/pa/{method}", refused)
    with capture_logs() as logged:
        async with TestServer(app) as server:
            for base in (str(server.make_url("/")), f"http://127.0.0.1:{unused_port()}"):
                viber = a_viber(api_base=base)
                outcomes.append(await viber.send(HELLO))
                for call in (viber.identify(), viber.subscribe("https://x.ru/hook"), viber.unsubscribe()):
                    with pytest.raises(ChannelFailedError) as caught:
                        await call
                    outcomes += [str(caught.value), repr(caught.value)]
                outcomes += [repr(viber), repr(viber._settings)]
                await viber.close()

    told = f"{outcomes}{logged}{caplog.text}"
    assert "invalidAuthToken" in told
    assert TOKEN not in told
