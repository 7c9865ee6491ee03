"""VK over HTTP: what every answer is taken for, against a server that answers as it is told."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from structlog.testing import capture_logs

from adapters.calling import DOWNLOAD_BYTES_MAX
from adapters.vk import LOOK_BACK_AFTER_S, Vk, VkSettings
from adapters.vk_messages import random_id
from core.channel import (
    ChannelStopped,
    Identity,
    Outcome,
    Rejected,
    RenderedFile,
    RetryLater,
    SendAnew,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import ChannelFailedError, ChannelMisconfiguredError, ForgedWebhookError
from core.messages import Incoming, Message, Press, Span, Text

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES = Path(__file__).parents[1] / "bodies" / "vk"
GROUP = 229000111
TOKEN = "vk1.a.made-up-for-tests"
SECRET = "kq7Zr2xV9sT4mPwL"
NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
CHART = RenderedFile("chart.png", "image/png", b"\x89PNG", "sha-of-chart")
BILL = RenderedFile("Квитанция 2026-09.pdf", "application/pdf", b"%PDF", "sha-of-bill")

GONE_WRONG: dict[str, type[Outcome] | Outcome] = {
    "err_1_unknown": Unknown,
    "err_5_auth": ChannelStopped,
    "err_6_too_many_per_second": RetryLater(1.0, scope="channel"),
    "err_7_permission": Rejected,
    "err_9_flood": RetryLater(300.0, scope="lane"),
    "err_10_internal": Unknown,
    "err_14_captcha": ChannelStopped("14 Captcha needed"),
    "err_15_access_denied": Rejected,
    "err_27_group_auth": ChannelStopped,
    "err_29_rate_limit": RetryLater(3600.0, scope="channel"),
    "err_100_param": Rejected,
    "err_502_not_json": Unknown("HTTP 502 and no answer of the API"),
    "err_900_blacklist": Unreachable,
    "err_901_no_permission": Unreachable("901 Can't send messages for users without permission"),
    "err_902_privacy": Unreachable,
    "err_909_edit_expired": Rejected,
    "err_911_keyboard": Rejected,
    "err_914_too_long": Rejected("914 Message is too long"),
    "err_917_chat_no_access": Unreachable,
    "err_936_contact_not_found": Unreachable,
}


@dataclass
class Api:
    """A server that answers as it is told and remembers what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.match_info["method"], dict(await request.post())))
        self.headers.append(dict(request.headers))
        assert TOKEN not in str(request.url)
        status, body = self.answers.pop(0)
        if not status and request.transport:
            request.transport.abort()
        return web.Response(status=status or 200, text=body, content_type="application/json")

    def will(self, *answers: object, status: int = 200) -> None:
        texts = [each if isinstance(each, str) else json.dumps(each) for each in answers]
        self.answers, self.asked, self.headers = [(status, each) for each in texts], [], []

    def will_fail(self, name: str) -> None:
        sample = json.loads(body(name))
        self.will(sample.get("body") or sample, status=sample.get("status", 200))


def body(name: str) -> str:
    return (BODIES / f"{name}.json").read_text(encoding="utf-8")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api() -> AsyncIterator[Api]:
    yield Api()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def vk(api: Api) -> AsyncIterator[Vk]:
    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(DOWNLOAD_BYTES_MAX + 1))

    app = web.Application()
    app.router.add_post("/method/{method}", api.answer)
    app.router.add_post("/up/{method}", api.answer)
    app.router.add_get("/files/large.jpg", large)
    async with TestServer(app) as server:
        api.address = str(server.make_url("/")).rstrip("/")
        channel = Vk(settings(api_base=api.address), clock=lambda: NOW)
        yield channel
        await channel.close()


def sent_at(place: int) -> dict[str, Any]:
    """VK's answer for a message that now is at *place*."""
    return {"response": [{"peer_id": 571204488, "message_id": 9, "conversation_message_id": place}]}


def settings(**changed: Any) -> VkSettings:
    defaults = {"token": TOKEN, "group": GROUP, "secret": SECRET, "confirmation": "d8v2ve07"}
    return VkSettings(**{**defaults, **changed})


A_SENDING = Sending("571204488", 17, Message((Span("Принято"),)))
AN_EDIT = Sending("571204488", 17, Message((Span("Принято"),), replaces="42"))


# --- Sending --------------------------------------------------------------------------------------


async def test_a_message_is_sent_with_the_token_in_a_header_alone(api: Api, vk: Vk) -> None:
    api.will(sent_at(5102))

    assert await vk.send(A_SENDING) == Sent("5102")
    assert api.asked == [
        (
            "messages.send",
            {
                "message": "Принято",
                "dont_parse_links": "1",
                "peer_ids": "571204488",
                "random_id": "18",
                "disable_mentions": "1",
                "v": "5.199",
            },
        )
    ]
    assert api.headers[0]["Authorization"] == f"Bearer {TOKEN}"


async def test_a_refusal_for_the_one_recipient_counts(api: Api, vk: Vk) -> None:
    error = {"code": 901, "description": "Can't send messages for users without permission"}
    api.will({"response": [{"peer_id": 571204488, "message_id": 0, "error": error}]})

    assert await vk.send(A_SENDING) == Unreachable("901 Can't send messages for users without permission")


async def test_a_success_of_another_shape_is_one(api: Api, vk: Vk) -> None:
    api.will(body("out_messages_send_peer_id.response"))

    assert await vk.send(A_SENDING) == Sent("")


async def test_a_press_is_answered_by_an_edit_of_its_message(api: Api, vk: Vk) -> None:
    api.will(body("out_messages_edit.response"))

    assert await vk.send(AN_EDIT) == Sent("42")
    assert [method for method, _ in api.asked] == ["messages.edit"]


@pytest.mark.parametrize(("name", "expected"), GONE_WRONG.items())
async def test_every_error_is_taken_for_what_it_means(
    api: Api, vk: Vk, name: str, expected: type[Outcome] | Outcome
) -> None:
    api.will_fail(name)

    outcome = await vk.send(A_SENDING)

    assert isinstance(outcome, expected) if isinstance(expected, type) else outcome == expected


async def test_no_sample_of_an_error_is_left_out_of_the_table() -> None:
    assert {path.stem for path in BODIES.glob("err_*.json")} == GONE_WRONG.keys()


@pytest.mark.parametrize("name", ["err_909_edit_expired", "err_100_param", "err_15_access_denied"])
async def test_what_can_no_longer_be_edited_is_sent_anew(api: Api, vk: Vk, name: str) -> None:
    api.will_fail(name)

    assert await vk.send(AN_EDIT) == SendAnew(without="edit")


@pytest.mark.parametrize(
    ("code", "words", "outcome"),
    [
        (15, "Access denied: group messages are disabled", ChannelStopped),
        (
            15,
            "Access denied: no access to call this method. It cannot be called with current scopes.",
            ChannelStopped,
        ),
        (912, "This is a chat bot feature, change this status in settings", ChannelStopped),
        (36, "Method execution was interrupted due to timeout", Unknown),
        (950, "Reply timed out", Unreachable),
        (1105, "Too many", RetryLater),
        (100, "format_data is invalid", SendAnew),
        (9999, "new", Rejected),
    ],
)
async def test_codes_beyond_the_samples_are_known_too(
    api: Api, vk: Vk, code: int, words: str, outcome: type[Outcome]
) -> None:
    api.will({"error": {"error_code": code, "error_msg": words}})

    assert isinstance(await vk.send(A_SENDING), outcome)


@pytest.mark.parametrize("answer", ["", "null", "[]", "{}", '{"error":{}}', '{"response"', "[" * 5000])
async def test_an_answer_without_a_meaning_leaves_the_message_uncertain(
    api: Api, vk: Vk, answer: str
) -> None:
    api.will(answer)

    assert isinstance(await vk.send(A_SENDING), Unknown)


async def test_a_connection_that_breaks_leaves_the_message_uncertain(api: Api, vk: Vk) -> None:
    api.will("", status=0)

    assert isinstance(await vk.send(A_SENDING), Unknown)


async def test_a_server_in_between_that_is_asked_too_often_is_left_alone(api: Api, vk: Vk) -> None:
    api.will("<html>", status=429)

    assert await vk.send(A_SENDING) == RetryLater(5.0, scope="channel")


async def test_a_connection_that_is_not_made_holds_the_channel() -> None:
    vk = Vk(settings(api_base=f"http://127.0.0.1:{unused_port()}"), clock=lambda: NOW)

    assert await vk.send(A_SENDING) == RetryLater(5.0, scope="channel")
    await vk.close()


async def test_an_address_that_is_no_number_is_our_fault(vk: Vk) -> None:
    assert isinstance(await vk.send(msgspec.structs.replace(A_SENDING, chat="durov")), Rejected)


# --- Trying again late ----------------------------------------------------------------------------

LATE = msgspec.structs.replace(A_SENDING, tried_s_ago=LOOK_BACK_AFTER_S)


async def test_what_was_tried_long_ago_is_looked_for_first(api: Api, vk: Vk) -> None:
    found = {"conversation_message_id": 5102, "from_id": -GROUP, "random_id": random_id(17)}
    theirs = found | {"from_id": 571204488, "conversation_message_id": 5103}
    api.will({"response": {"items": [theirs, found]}})

    assert await vk.send(LATE) == Sent("5102")
    assert [method for method, _ in api.asked] == ["messages.getHistory"]


async def test_what_is_not_found_there_is_sent(api: Api, vk: Vk) -> None:
    api.will({"response": {"items": []}}, sent_at(5104))

    assert await vk.send(LATE) == Sent("5104")


async def test_a_history_that_cannot_be_seen_sends_nothing(api: Api, vk: Vk) -> None:
    api.will_fail("err_901_no_permission")

    assert isinstance(await vk.send(LATE), Unreachable)


# --- Files ----------------------------------------------------------------------------------------


def a_file(file: RenderedFile, **known: str) -> Sending:
    return msgspec.structs.replace(A_SENDING, files=(file,), known_files=known)


async def test_a_picture_is_uploaded_in_steps_and_its_name_kept(api: Api, vk: Vk) -> None:
    api.will(
        {"response": {"upload_url": f"{api.address}/up/photo?act=do_add"}},
        body("out_photo_2_upload.response"),
        body("out_photo_3_saveMessagesPhoto.response"),
        sent_at(5105),
    )

    name = "photo-229000111_457239101_ab12"
    assert await vk.send(a_file(CHART)) == Sent("5105", {"sha-of-chart": name})
    assert api.asked[-1][1]["attachment"] == name
    assert "Authorization" not in api.headers[1]


async def test_a_document_keeps_its_russian_title(api: Api, vk: Vk) -> None:
    api.will(
        {"response": {"upload_url": f"{api.address}/up/doc"}},
        body("out_doc_2_upload.response"),
        body("out_doc_3_save.response"),
        sent_at(5106),
    )

    assert await vk.send(a_file(BILL)) == Sent("5106", {"sha-of-bill": "doc-229000111_680000001"})
    assert api.asked[1][1]["file"].filename == "file.pdf"
    assert api.asked[2][1]["title"] == "Квитанция 2026-09.pdf"


async def test_a_known_file_is_not_uploaded_again(api: Api, vk: Vk) -> None:
    api.will(sent_at(5107))

    sent = await vk.send(a_file(CHART, **{"sha-of-chart": "photo-1_2"}))

    assert sent == Sent("5107", {"sha-of-chart": "photo-1_2"})


async def test_a_known_file_that_vk_lost_is_uploaded_again(api: Api, vk: Vk) -> None:
    api.will(
        body("err_100_param"),
        {"response": {"upload_url": f"{api.address}/up/photo"}},
        body("out_photo_2_upload.response"),
        body("out_photo_3_saveMessagesPhoto.response"),
        sent_at(5108),
    )

    sent = await vk.send(a_file(CHART, **{"sha-of-chart": "photo-1_2"}))

    assert sent == Sent("5108", {"sha-of-chart": "photo-229000111_457239101_ab12"})


async def test_an_upload_is_not_repeated_with_its_message(api: Api, vk: Vk) -> None:
    chart = msgspec.structs.replace(CHART, sha256="of-another")
    api.will(
        {"response": {"upload_url": f"{api.address}/up/photo"}},
        body("out_photo_2_upload.response"),
        body("out_photo_3_saveMessagesPhoto.response"),
        body("err_6_too_many_per_second"),
        sent_at(5109),
    )

    assert isinstance(await vk.send(a_file(chart)), RetryLater)
    assert await vk.send(a_file(chart)) == Sent("5109", {"of-another": "photo-229000111_457239101_ab12"})


@pytest.mark.parametrize(
    ("file", "answer"),
    [(CHART, "out_photo_2_upload_empty.response"), (BILL, "out_doc_2_upload_error.response")],
)
async def test_a_file_that_vk_does_not_take_is_our_fault(
    api: Api, vk: Vk, file: RenderedFile, answer: str
) -> None:
    api.will({"response": {"upload_url": f"{api.address}/up/x"}}, body(answer))

    assert isinstance(await vk.send(a_file(file)), Rejected)


# --- Presses, photos, settings --------------------------------------------------------------------

A_PRESS = Incoming("vk", "2000000053", "571204488", "k", -1, NOW, Press("bal"), acknowledge="3a5c1f7b9d20")


async def test_a_press_is_acknowledged(api: Api, vk: Vk) -> None:
    api.will(body("out_sendMessageEventAnswer.response"))

    await vk.acknowledge(A_PRESS)

    answer = {"event_id": "3a5c1f7b9d20", "user_id": "571204488", "peer_id": "2000000053", "v": "5.199"}
    assert api.asked == [("messages.sendMessageEventAnswer", answer)]


async def test_a_press_that_is_acknowledged_too_late_is_only_noted(api: Api, vk: Vk) -> None:
    api.will_fail("err_100_param")

    with capture_logs() as logs:
        await vk.acknowledge(A_PRESS)

    assert [entry["event"] for entry in logs] == ["press.unacknowledged"]


@pytest.mark.parametrize(
    "address",
    [
        "http://sun9-71.userapi.com/a.jpg",
        "https://userapi.com.example/a.jpg",
        "https://example.org/?userapi.com",
        "https://xuserapi.com/a.jpg",
        "http://127.0.0.1/a.jpg",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ],
)
async def test_a_file_elsewhere_than_at_vk_is_not_fetched(vk: Vk, address: str) -> None:
    with pytest.raises(ChannelFailedError, match="not on a server of the platform's"):
        await vk.download(address)


async def test_a_file_that_is_too_large_is_not_kept(api: Api, vk: Vk) -> None:
    with pytest.raises(ChannelFailedError, match="too large"):
        await vk.download(f"{api.address}/files/large.jpg")


async def test_a_file_that_is_gone_is_a_failure(api: Api, vk: Vk) -> None:
    with pytest.raises(ChannelFailedError) as raised:
        await vk.download(f"{api.address}/files/none.jpg?key=abc")

    assert "abc" not in str(raised.value)


async def test_it_says_which_community_it_is_and_how_its_server_stands(api: Api, vk: Vk) -> None:
    servers = {"items": [{"title": "kvitok", "url": "https://bot.example.org/in/vk", "status": "failed"}]}
    api.will({"response": {"groups": [{"id": GROUP, "name": "ЕРКЦ"}]}}, {"response": servers})

    assert await vk.identify() == Identity(
        str(GROUP), "ЕРКЦ", webhook="https://bot.example.org/in/vk", complaint="VK says of our server: failed"
    )


async def test_a_token_of_another_community_is_complained_of(api: Api, vk: Vk) -> None:
    api.will({"response": {"groups": [{"id": 1, "name": "Другая"}]}})

    assert "another community" in (await vk.identify()).complaint


@pytest.mark.parametrize("answer", ['{"response":{}}', '{"response":7}', "<html>"])
async def test_an_answer_that_says_nothing_is_a_failure(api: Api, vk: Vk, answer: str) -> None:
    api.will(answer)

    with pytest.raises(ChannelFailedError):
        await vk.identify()


async def test_a_confirmation_that_would_be_wrong_is_not_asked_for(api: Api, vk: Vk) -> None:
    api.will({"response": {"code": "0ther1"}})

    with pytest.raises(ChannelFailedError, match="set KVITOK_VK_CONFIRMATION to 0ther1"):
        await vk.subscribe("https://bot.example.org/in/vk")


async def test_a_refusal_says_when_to_come_again(api: Api, vk: Vk) -> None:
    api.will_fail("err_29_rate_limit")

    with pytest.raises(ChannelFailedError) as raised:
        await vk.identify()

    assert raised.value.retry_after_s == 3600.0


@pytest.mark.parametrize(
    "changed",
    [
        {"token": ""},
        {"token": "vk1\r\n"},
        {"group": 0},
        {"secret": ""},
        {"secret": "k" * 51},
        {"api_base": "api.vk.ru"},
        {"proxy": "socks5://127.0.0.1:1080"},
    ],
)
async def test_settings_that_can_never_work_are_said_at_start(changed: dict[str, Any]) -> None:
    with pytest.raises(ChannelMisconfiguredError):
        Vk(settings(**changed), clock=lambda: NOW)


async def test_polling_needs_no_secret() -> None:
    Vk(settings(mode="polling", secret="", confirmation=""), clock=lambda: NOW)


async def test_settings_show_no_secret() -> None:
    shown = repr(settings(proxy="http://user:password@127.0.0.1:3128"))

    assert not any(secret in shown for secret in (TOKEN, SECRET, "d8v2ve07", "password"))


# --- Webhooks -------------------------------------------------------------------------------------


def posted(name: str, **headers: str) -> Webhook:
    return Webhook(headers, "", (BODIES / f"{name}.json").read_bytes())


async def test_a_question_whether_this_is_ours_is_answered_with_the_confirmation(vk: Vk) -> None:
    received = vk.receive(posted("in_confirmation"))

    assert (received.updates, received.answer) == ((), b"d8v2ve07")


async def test_an_event_is_received(vk: Vk) -> None:
    received = vk.receive(posted("in_message_new_text.wire"))

    assert [update.said for update in received.updates] == [Text("Передать показания: хвс 152")]
    assert received.answer is None


async def test_a_press_that_vk_posts_again_is_known_for_late(vk: Vk) -> None:
    headers = {name.lower(): value for name, value in json.loads(body("in_retry_headers"))["headers"].items()}

    (late,) = vk.receive(posted("in_message_event_callback_button", **headers)).updates

    assert late.order == 42


async def test_a_body_with_another_secret_is_forged() -> None:
    other = Vk(settings(secret="another"), clock=lambda: NOW)

    with pytest.raises(ForgedWebhookError):
        other.receive(posted("in_message_new_text.wire"))
