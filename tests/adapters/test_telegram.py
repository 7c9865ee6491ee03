"""Telegram over HTTP: what is sent, and what every answer is taken for."""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from structlog.testing import capture_logs

from adapters.telegram import Telegram, TelegramSettings
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

BODIES = Path(__file__).parents[1] / "bodies" / "telegram"
TOKEN = "7012345678:AAmade-up-for-tests"
NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
CHART = RenderedFile("chart.png", "image/png", b"\x89PNG", "sha-of-chart")
SENT = (
    '{"ok": true, "result": {"message_id": 1202, "date": 1790150401, "chat": {"id": 1, "type": "private"}}}'
)

GONE_WRONG: dict[str, Outcome] = {
    "err_400_button_data_invalid": Rejected("Bad Request: BUTTON_DATA_INVALID"),
    "err_400_cant_parse_entities": SendAnew(without="markup"),
    "err_400_caption_too_long": Rejected("Bad Request: message caption is too long"),
    "err_400_chat_not_found": Unreachable("Bad Request: chat not found"),
    "err_400_group_migrated": Rejected(ANY),
    "err_400_message_to_edit_not_found": SendAnew(without="edit"),
    "err_400_message_too_long": Rejected("Bad Request: message is too long"),
    "err_400_not_modified": Sent("77"),
    "err_400_query_too_old": Rejected(ANY),
    "err_401_unauthorized": ChannelStopped("Unauthorized"),
    "err_403_blocked_by_user": Unreachable("Forbidden: bot was blocked by the user"),
    "err_403_user_deactivated": Unreachable("Forbidden: user is deactivated"),
    "err_404_not_found": ChannelStopped("Not Found"),
    "err_409_conflict_webhook": ChannelStopped(ANY),
    "err_413_too_large": Rejected("the file is too large"),
    "err_429_retry_after": RetryLater(7, scope="lane"),
    "err_500_restart": Unknown("the platform failed with the message in its hands"),
    "err_502_bad_gateway_not_json": Unknown("the platform failed with the message in its hands"),
}


async def fields_of(request: web.Request) -> dict[str, Any]:
    """What a call says, as a form spells it."""
    if request.content_type != "application/json":
        return dict(await request.post())
    said = await request.json()
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}


@dataclass
class Api:
    """A server that answers as it is told and remembers what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.match_info["method"], await fields_of(request)))
        status, body = self.answers.pop(0)
        if not status and request.transport:
            request.transport.abort()
        return web.Response(status=status or 200, text=body, content_type="application/json")

    def will(self, *answers: str, status: int = 200) -> None:
        self.answers, self.asked = [(status, answer) for answer in answers], []

    def will_fail(self, name: str) -> None:
        """Answer with a sample, also when asked again."""
        sample = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
        status = sample.get("error_code") or sample["status"]
        self.will(*[sample.get("body") or json.dumps(sample)] * 2, status=status)


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def telegram(api: Api) -> AsyncIterator[Telegram]:
    app = web.Application()
    app.router.add_post(f"/bot{TOKEN}/{{method}}", api.answer)
    app.router.add_get(f"/file/bot{TOKEN}/photos/{{name}}", _file)
    async with TestServer(app) as server:
        channel = Telegram(settings(api_base=str(server.make_url("/"))), clock=lambda: NOW)
        yield channel
        await channel.close()


async def _file(request: web.Request) -> web.Response:
    big = request.match_info["name"] == "big.jpg"
    return web.Response(body=bytes(20 * 1024 * 1024 + 1) if big else b"jpeg")


def settings(**changed: Any) -> TelegramSettings:
    defaults = {"token": TOKEN, "webhook_secret": "Wn3vQ2s", "commands": {"menu": "Меню"}}
    return TelegramSettings(**{**defaults, **changed})


def body(name: str) -> str:
    return (BODIES / f"{name}.json").read_text(encoding="utf-8")


A_SENDING = Sending("412587349", 17, Message((Span("Принято"),)))
AN_EDIT = Sending("412587349", 17, Message((Span("Принято"),), replaces="77"))


# --- Sending --------------------------------------------------------------------------------------


async def test_a_message_is_sent_and_its_id_kept(api: Api, telegram: Telegram) -> None:
    api.will(SENT)

    assert await telegram.send(A_SENDING) == Sent("1202")
    assert api.asked == [
        (
            "sendMessage",
            {
                "chat_id": "412587349",
                "text": "Принято",
                "parse_mode": "HTML",
                "link_preview_options": '{"is_disabled": true}',
            },
        )
    ]


async def test_an_uploaded_file_can_be_used_again(api: Api, telegram: Telegram) -> None:
    api.will(body("out_sendPhoto.response"))

    outcome = await telegram.send(msgspec.structs.replace(A_SENDING, files=(CHART,)))

    assert outcome == Sent("1220", {"sha-of-chart": "AgACAgIAAxkDAAIEzmbB-x"})


async def test_an_edit_keeps_the_id_of_its_message(api: Api, telegram: Telegram) -> None:
    api.will('{"ok": true, "result": true}')

    assert await telegram.send(AN_EDIT) == Sent("77")


@pytest.mark.parametrize(("name", "outcome"), GONE_WRONG.items())
async def test_every_refusal_is_classified(api: Api, telegram: Telegram, name: str, outcome: Outcome) -> None:
    api.will_fail(name)

    assert await telegram.send(AN_EDIT) == outcome


async def test_no_refusal_is_left_out_of_this_table() -> None:
    assert {path.stem for path in BODIES.glob("err_*.json")} == GONE_WRONG.keys()


async def test_a_group_that_moved_is_sent_to_where_it_went(api: Api, telegram: Telegram) -> None:
    api.will_fail("err_400_group_migrated")
    api.answers[1] = (200, SENT)

    assert await telegram.send(A_SENDING) == Sent("1202")
    assert [sent["chat_id"] for _, sent in api.asked] == ["412587349", "-1002200330044"]


async def test_a_file_id_that_is_not_known_any_more_is_uploaded_anew(api: Api, telegram: Telegram) -> None:
    refusal = '{"ok": false, "error_code": 400, "description": "Bad Request: wrong file identifier"}'
    api.answers = [(400, refusal), (200, body("out_sendPhoto.response"))]
    known = {"sha-of-chart": "AgAC-of-another-bot"}

    outcome = await telegram.send(msgspec.structs.replace(A_SENDING, files=(CHART,), known_files=known))

    assert outcome == Sent("1220", {"sha-of-chart": "AgACAgIAAxkDAAIEzmbB-x"})


async def test_a_success_that_cannot_be_read_was_sent_all_the_same(api: Api, telegram: Telegram) -> None:
    api.will('{"ok": true, "result": {"message_id": 1202, "date": "soon"}}')

    assert await telegram.send(A_SENDING) == Sent("1202")


async def test_a_connection_that_breaks_leaves_us_not_knowing(api: Api, telegram: Telegram) -> None:
    api.will(SENT, status=0)

    assert await telegram.send(A_SENDING) == Unknown("ServerDisconnectedError")


async def test_markup_refused_in_a_plain_message_is_our_fault(api: Api, telegram: Telegram) -> None:
    api.will_fail("err_400_cant_parse_entities")

    outcome = await telegram.send(msgspec.structs.replace(A_SENDING, plain=True))

    assert outcome == Rejected("Bad Request: can't parse entities: Unsupported start tag … at byte offset 14")


async def test_a_chat_that_is_no_number_is_our_fault(telegram: Telegram) -> None:
    outcome = await telegram.send(msgspec.structs.replace(A_SENDING, chat="Марина"))

    assert outcome == Rejected("no call of Telegram's can carry it: ValueError")


async def test_a_refused_connection_holds_the_channel_a_little() -> None:
    channel = Telegram(settings(api_base=f"http://127.0.0.1:{unused_port()}"), clock=lambda: NOW)
    try:
        assert await channel.send(A_SENDING) == RetryLater(5.0, scope="channel")
    finally:
        await channel.close()


# --- The other calls ------------------------------------------------------------------------------


async def test_a_press_is_acknowledged(api: Api, telegram: Telegram) -> None:
    api.will('{"ok": true, "result": true}')

    await telegram.acknowledge(a_press())

    assert api.asked == [("answerCallbackQuery", {"callback_query_id": "1772"})]


async def test_an_acknowledgement_that_comes_too_late_is_only_logged(api: Api, telegram: Telegram) -> None:
    api.will_fail("err_400_query_too_old")

    with capture_logs() as logged:
        await telegram.acknowledge(a_press())

    assert [line["event"] for line in logged] == ["press.unacknowledged"]


async def test_a_text_needs_no_acknowledgement(api: Api, telegram: Telegram) -> None:
    api.will()

    await telegram.acknowledge(msgspec.structs.replace(a_press(), acknowledge=None))

    assert api.asked == []


def a_press() -> Incoming:
    return Incoming("telegram", "1", "1", "7:1", 1, NOW, Press("menu"), acknowledge="1772")


async def test_polling_gives_updates_and_the_place_after_them(api: Api, telegram: Telegram) -> None:
    api.will(body("out_getUpdates.response"))

    updates, position = await telegram.poll("718204501")

    assert [type(update.said) for update in updates] == [Text, Press]
    assert position == "718204503"
    assert api.asked[0][1]["offset"] == "718204501"


async def test_polling_passes_what_cannot_be_read(api: Api, telegram: Telegram) -> None:
    api.will('{"ok": true, "result": [{"update_id": 5, "message": 1}, {"update_id": 6, "news": {}}]}')

    with capture_logs() as logged:
        polled = await telegram.poll("")

    assert polled == ([], "7")
    assert [line["event"] for line in logged] == ["update.unusable", "update.ignored"]


async def test_polling_beside_a_webhook_says_so(api: Api, telegram: Telegram) -> None:
    api.will_fail("err_409_conflict_webhook")

    with pytest.raises(ChannelFailedError, match="use deleteWebhook to delete the webhook first"):
        await telegram.poll("")


async def test_a_call_told_to_wait_tells_how_long(api: Api, telegram: Telegram) -> None:
    api.will_fail("err_429_retry_after")

    with pytest.raises(ChannelFailedError) as raised:
        await telegram.poll("")

    assert raised.value.retry_after_s == 7


async def test_a_photo_is_fetched(api: Api, telegram: Telegram) -> None:
    api.will(body("out_getFile.response"))

    assert await telegram.download("AgACAgIAAxkBAAIEvWbA-y") == b"jpeg"


@pytest.mark.parametrize("path", ["photos/big.jpg", "lost/no.jpg"])
async def test_a_photo_that_cannot_be_fetched_fails_without_the_token(
    api: Api, telegram: Telegram, path: str
) -> None:
    api.will(json.dumps({"ok": True, "result": {"file_id": "A", "file_unique_id": "B", "file_path": path}}))

    with pytest.raises(ChannelFailedError) as raised:
        await telegram.download("A")

    assert TOKEN not in str(raised.value)


async def test_the_bot_knows_who_it_is_and_how_its_webhook_stands(api: Api, telegram: Telegram) -> None:
    api.will(body("out_getMe.response"), body("out_getWebhookInfo.response"))

    assert await telegram.identify() == Identity(
        id="7012345678",
        name="erkc_demo_bot",
        webhook="https://bot.example.org/in/telegram",
        pending=3,
        complaint="Wrong response from the webhook: 500 Internal Server Error",
    )


async def test_subscribing_sets_the_webhook_and_the_menu(api: Api, telegram: Telegram) -> None:
    api.will(body("out_setWebhook.response"), '{"ok": true, "result": true}')

    await telegram.subscribe("https://bot.example.org/webhooks/telegram")

    (_, webhook), (_, menu) = api.asked
    assert webhook == {
        "url": "https://bot.example.org/webhooks/telegram",
        "secret_token": "Wn3vQ2s",
        "max_connections": "40",
        "allowed_updates": '["message", "edited_message", "callback_query", "my_chat_member"]',
        "drop_pending_updates": "false",
    }
    assert json.loads(menu["commands"]) == [{"command": "menu", "description": "Меню"}]


async def test_a_webhook_is_not_set_without_a_secret() -> None:
    with pytest.raises(ChannelMisconfiguredError, match="a webhook needs a secret"):
        await Telegram(settings(mode="polling", webhook_secret=""), clock=lambda: NOW).subscribe("https://x")


async def test_unsubscribing_keeps_what_waits_and_sets_the_menu(api: Api, telegram: Telegram) -> None:
    api.will('{"ok": true, "result": true}', '{"ok": true, "result": true}')

    await telegram.unsubscribe()

    (first, removed), (second, _) = api.asked
    assert (first, removed) == ("deleteWebhook", {"drop_pending_updates": "false"})
    assert second == "setMyCommands"


async def test_a_webhook_is_read_only_with_its_secret(telegram: Telegram) -> None:
    posted = body("in_message_text.wire").encode()

    received = telegram.receive(Webhook({"x-telegram-bot-api-secret-token": "Wn3vQ2s"}, "", posted))
    with pytest.raises(ForgedWebhookError):
        telegram.receive(Webhook({}, "", posted))

    assert [update.key for update in received.updates] == ["7012345678:718204501"]


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"token": "secret-thing"}, "the token is not of the form"),
        ({"webhook_secret": ""}, "the webhook secret must be"),
        ({"webhook_secret": "с пробелом"}, "the webhook secret must be"),
        ({"api_base": "api.telegram.org"}, "the API's base must be"),
        ({"api_base": "https://{token}"}, "the API's base must be"),
    ],
)
async def test_settings_that_can_never_work_are_refused(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(ChannelMisconfiguredError, match=reason) as raised:
        Telegram(settings(**changed), clock=lambda: NOW)

    assert "secret-thing" not in str(raised.value)


async def test_a_proxy_without_its_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp_socks", None)

    with pytest.raises(ChannelMisconfiguredError, match="a proxy needs the package aiohttp-socks"):
        Telegram(settings(proxy="socks5://127.0.0.1:1080"), clock=lambda: NOW)


async def test_a_polling_bot_needs_no_secret() -> None:
    Telegram(settings(mode="polling", webhook_secret=""), clock=lambda: NOW)


async def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(settings(proxy="socks5://user:password@127.0.0.1:1080"))

    assert not any(secret in shown for secret in (TOKEN, "Wn3vQ2s", "password"))
