"""The stand-in for Telegram over real HTTP, without our adapter: every limit and every error of the Bot API."""

import asyncio
import io
import json
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bots.simulator.residents import awaited
from bots.simulator.telegram import Faults, TelegramStandIn

BODIES = Path(__file__).parents[2] / "bodies" / "telegram"
TOKEN = "7012345678:made-up-for-tests"
RESIDENT = 412587349
BURST = 5


def a_picture(width: int = 800, height: int = 533, size: int = 0) -> bytes:
    """A PNG of the given sides, filled up to *size* bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    png += struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return png.ljust(size, b"\0")


@dataclass
class Clock:
    now: datetime = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bot:
    """A bot without a library: calls by hand."""

    session: aiohttp.ClientSession
    base: str
    telegram: TelegramStandIn
    clock: Clock

    async def call(self, method: str, **fields: object) -> tuple[int, dict[str, object]]:
        async with self.session.post(f"{self.base}/bot{TOKEN}/{method}", json=fields) as answer:
            return answer.status, await answer.json()

    async def done(self, method: str, **fields: object) -> dict[str, object]:
        status, answer = await self.call(method, **fields)
        assert (status, answer["ok"]) == (200, True), answer
        result = answer["result"]
        return result if isinstance(result, dict) else {"result": result}

    async def refused(self, method: str, **fields: object) -> tuple[int, str]:
        status, answer = await self.call(method, **fields)
        assert answer["ok"] is False
        assert answer["error_code"] == status
        return status, str(answer["description"])

    async def upload(
        self, method: str, part: str, name: str, content: bytes, **fields: str
    ) -> dict[str, object]:
        form = aiohttp.FormData(fields, quote_fields=False)
        form.add_field(part, io.BytesIO(content), filename=name, content_type="application/octet-stream")
        async with self.session.post(f"{self.base}/bot{TOKEN}/{method}", data=form) as answer:
            return {"status": answer.status} | await answer.json()

    async def updates(self, offset: int = 0) -> list[dict[str, object]]:
        status, answer = await self.call("getUpdates", offset=offset, timeout=5)
        assert status == 200
        assert isinstance(answer["result"], list)
        return answer["result"]

    def shown(self, after: int = 0) -> list[dict[str, object]]:
        return self.telegram.log(str(RESIDENT)).messages(after)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_bot(**settings: object) -> AsyncIterator[Bot]:
    clock = Clock()
    made: dict[str, object] = {"retry_scale": 0.0, "chat_burst": BURST} | settings
    telegram = TelegramStandIn(token=TOKEN, clock=clock, **made)  # type: ignore[arg-type]  # settings by name
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes(telegram.routes())
    async with served(app) as base, aiohttp.ClientSession() as session:
        await telegram.open()
        try:
            yield Bot(session, base, telegram, clock)
        finally:
            await telegram.close()


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which one resident has written, with no update left over."""
    async with a_bot() as bot:
        await begin(bot)
        yield bot


async def begin(bot: Bot) -> None:
    bot.telegram.start(str(RESIDENT), "")
    [update] = await bot.updates()
    status, _ = await bot.call("getUpdates", offset=int(str(update["update_id"])) + 1)
    assert status == 200


def keyboard(*rows: int, data: str = "x") -> dict[str, object]:
    return {"inline_keyboard": [[{"text": "Да", "callback_data": data}] * buttons for buttons in rows]}


def inline(**button: object) -> dict[str, object]:
    return {"inline_keyboard": [[{"text": "Да"} | button]]}


LAWFUL = {
    "4096 characters": {"text": "я" * 4096},
    "4096 characters beyond the basic plane": {"text": "😀" * 4096},
    "4096 characters counted without the markup": {"text": f"<b>{'я' * 4096}</b>", "parse_mode": "HTML"},
    "an escaped sign counts as one": {"text": "&lt;" * 4096, "parse_mode": "HTML"},
    "64 bytes of data": {"text": "x", "reply_markup": inline(callback_data="я" * 32)},
    "8 buttons in a row": {"text": "x", "reply_markup": keyboard(8)},
    "100 buttons": {"text": "x", "reply_markup": keyboard(*[8] * 12, 4)},
    "no buttons at all": {"text": "x", "reply_markup": {"inline_keyboard": []}},
    "every tag": {
        "text": '<b>b</b><i>i</i><u>u</u><s>s</s><code>c</code><pre><code class="language-py">p</code></pre>'
        '<a href="https://example.org/?a=1&amp;b=2">a</a><blockquote expandable>q</blockquote>'
        '<tg-spoiler>t</tg-spoiler><span class="tg-spoiler">t</span><STRONG>s</STRONG>',
        "parse_mode": "html",
    },
    "a markup as JSON text": {"text": "x", "reply_markup": json.dumps(keyboard(1))},
    "10 buttons in a row at the bottom": {"text": "x", "reply_markup": {"keyboard": [["1"] * 10]}},
}


@pytest.mark.parametrize("fields", LAWFUL.values(), ids=LAWFUL.keys())
async def test_a_message_within_the_limits_is_taken(bot: Bot, fields: dict[str, object]) -> None:
    await bot.done("sendMessage", chat_id=RESIDENT, **fields)


PARSE = "can't parse entities: "
BUTTON = "can't parse inline keyboard button: "
REFUSED = {
    "4097 characters": ({"text": "я" * 4097}, "message is too long"),
    "no text": ({}, "message text is empty"),
    "white space": ({"text": " \n "}, "message text is empty"),
    "empty markup": ({"text": "<b></b>", "parse_mode": "HTML"}, "message text is empty"),
    "another parse mode": ({"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
    "an unknown tag": (
        {"text": "Куплю <дом>", "parse_mode": "HTML"},
        PARSE + 'Unsupported start tag "дом" at byte offset 11',
    ),
    "a line break tag": (
        {"text": "a<br/>", "parse_mode": "HTML"},
        PARSE + 'Unsupported start tag "br/" at byte offset 1',
    ),
    "a tag left open": (
        {"text": "<b>x", "parse_mode": "HTML"},
        PARSE + 'Can\'t find end tag corresponding to start tag "b"',
    ),
    "tags crossed": (
        {"text": "<b><i>x</b></i>", "parse_mode": "HTML"},
        PARSE + 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
    ),
    "an end without a start": (
        {"text": "яx</b>", "parse_mode": "HTML"},
        PARSE + "Unexpected end tag at byte offset 3",
    ),
    "half a tag": ({"text": "1 <b", "parse_mode": "HTML"}, PARSE + "Unclosed start tag at byte offset 2"),
    "half an end": ({"text": "<b>1</b", "parse_mode": "HTML"}, PARSE + "Unclosed end tag at byte offset 4"),
    "a less-than sign": (
        {"text": "1 < 2 >", "parse_mode": "HTML"},
        PARSE + 'Unsupported start tag "" at byte offset 2',
    ),
    "a span of another class": (
        {"text": "<span>x</span>", "parse_mode": "HTML"},
        PARSE + 'Tag "span" must have class "tg-spoiler" at byte offset 0',
    ),
    "an entity beyond the end": (
        {"text": "😀", "entities": [{"type": "bold", "offset": 0, "length": 3}]},
        "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 3",
    ),
    "65 bytes of data": (
        {"text": "x", "reply_markup": inline(callback_data="я" * 32 + "x")},
        "BUTTON_DATA_INVALID",
    ),
    "no data": ({"text": "x", "reply_markup": inline(callback_data="")}, "BUTTON_DATA_INVALID"),
    "9 buttons in a row": ({"text": "x", "reply_markup": keyboard(9)}, "reply markup is too long"),
    "101 buttons": ({"text": "x", "reply_markup": keyboard(*[8] * 12, 5)}, "reply markup is too long"),
    "11 in a row at the bottom": (
        {"text": "x", "reply_markup": {"keyboard": [["1"] * 11]}},
        "reply markup is too long",
    ),
    "301 at the bottom": (
        {"text": "x", "reply_markup": {"keyboard": [["1"]] * 301}},
        "reply markup is too long",
    ),
    "a button that does nothing": (
        {"text": "x", "reply_markup": inline()},
        BUTTON + "Text buttons are unallowed in the inline keyboard",
    ),
    "a button that does two things": (
        {"text": "x", "reply_markup": inline(callback_data="x", url="https://example.org")},
        BUTTON + "exactly one optional field must be used",
    ),
    "a button with an unknown style": (
        {"text": "x", "reply_markup": inline(callback_data="x", style="pink")},
        BUTTON + "invalid button style specified",
    ),
    "an address that is none": (
        {"text": "x", "reply_markup": inline(url="оплата")},
        "inline keyboard button URL 'оплата' of 'Да' is invalid: Wrong HTTP URL specified",
    ),
    "257 characters to copy": (
        {"text": "x", "reply_markup": inline(copy_text={"text": "1" * 257})},
        "BUTTON_COPY_TEXT_INVALID",
    ),
    "both keyboards": (
        {"text": "x", "reply_markup": keyboard(1) | {"keyboard": [["1"]]}},
        "can't parse reply markup: expected exactly one kind of keyboard",
    ),
    "a markup that is a list": ({"text": "x", "reply_markup": [1]}, "object expected as reply markup"),
    "a markup that is no JSON": ({"text": "x", "reply_markup": "{"}, "can't parse reply_markup JSON object"),
    "65 characters in the field": (
        {"text": "x", "reply_markup": {"keyboard": [["1"]], "input_field_placeholder": "x" * 65}},
        "can't parse reply keyboard markup: input_field_placeholder is too long",
    ),
    "a chat that nobody started": ({"chat_id": 5, "text": "x"}, "chat not found"),
    "a chat that is a word": ({"chat_id": "дом", "text": "x"}, "chat not found"),
    "no chat": ({"chat_id": "", "text": "x"}, "chat_id is empty"),
}


@pytest.mark.parametrize(("fields", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_message_beyond_the_limits_is_refused(bot: Bot, fields: dict[str, object], why: str) -> None:
    refused = await bot.refused("sendMessage", **({"chat_id": RESIDENT} | fields))

    assert refused == (400, f"Bad Request: {why}")
    assert len(bot.shown()) == 1


OTHER_CALLS = {
    "an unknown method": ("sendTelegram", {}, 404, "Not Found"),
    "no photo": ("sendPhoto", {}, 400, "Bad Request: there is no photo in the request"),
    "no document": ("sendDocument", {}, 400, "Bad Request: there is no document in the request"),
    "an unknown file": (
        "sendPhoto",
        {"photo": "AgACnone"},
        400,
        "Bad Request: wrong file identifier/HTTP URL specified",
    ),
    "a caption of 1025": (
        "sendPhoto",
        {"caption": "x" * 1025},
        400,
        "Bad Request: message caption is too long",
    ),
    "no message id": (
        "editMessageText",
        {"text": "x"},
        400,
        "Bad Request: message identifier is not specified",
    ),
    "an unknown message": (
        "editMessageText",
        {"text": "x", "message_id": 9},
        400,
        "Bad Request: message to edit not found",
    ),
    "an unknown message to delete": (
        "deleteMessage",
        {"message_id": 9},
        400,
        "Bad Request: message to delete not found",
    ),
    "an unknown press": (
        "answerCallbackQuery",
        {"callback_query_id": "1"},
        400,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    ),
    "an unknown action": (
        "sendChatAction",
        {"action": "dance"},
        400,
        "Bad Request: wrong parameter action in request",
    ),
    "an unknown file to get": ("getFile", {"file_id": "x"}, 400, "Bad Request: invalid file_id"),
    "a command in capitals": (
        "setMyCommands",
        {"commands": [{"command": "Menu", "description": "x"}]},
        400,
        "Bad Request: BOT_COMMAND_INVALID",
    ),
    "a command without a word": (
        "setMyCommands",
        {"commands": [{"command": "menu", "description": ""}]},
        400,
        "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID",
    ),
    "101 commands": (
        "setMyCommands",
        {"commands": [{"command": "menu", "description": "x"}] * 101},
        400,
        "Bad Request: BOT_COMMANDS_TOO_MUCH",
    ),
    "a webhook without TLS": (
        "setWebhook",
        {"url": "http://bot.example.org/in"},
        400,
        "Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
    ),
    "a webhook on another port": (
        "setWebhook",
        {"url": "https://bot.example.org:9000/in"},
        400,
        "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
    ),
    "a secret with a space": (
        "setWebhook",
        {"url": "https://bot.example.org/in", "secret_token": "a b"},
        400,
        "Bad Request: secret token contains unallowed characters",
    ),
}


@pytest.mark.parametrize(("method", "fields", "code", "why"), OTHER_CALLS.values(), ids=OTHER_CALLS.keys())
async def test_a_wrong_call_is_refused_in_telegrams_words(
    bot: Bot,
    method: str,
    fields: dict[str, object],
    code: int,
    why: str,
) -> None:
    assert await bot.refused(method, **({"chat_id": RESIDENT} | fields)) == (code, why)


async def test_a_wrong_token_is_unauthorized(bot: Bot) -> None:
    async with bot.session.post(f"{bot.base}/bot1:wrong/getMe") as answer:
        assert (answer.status, await answer.json()) == (401, a_body("err_401_unauthorized"))


async def test_a_name_of_a_method_is_the_same_in_any_case(bot: Bot) -> None:
    assert (await bot.done("GETME"))["username"] == "kvitok_demo_bot"


def a_body(name: str) -> dict[str, object]:
    body = json.loads((BODIES / f"{name}.json").read_text())
    assert isinstance(body, dict)
    return body


SAMPLES = sorted(path.name.removesuffix(".request.json") for path in BODIES.glob("out_*.request.json"))


async def sent_sample(bot: Bot, name: str, encoding: str) -> aiohttp.ClientResponse:
    """The sample *name* with its ids put in place, sent in *encoding*."""
    sample = a_body(f"{name}.request")
    fields = dict(sample["fields"]) if isinstance(sample["fields"], dict) else {}
    await put_in_place(bot, fields)
    address = f"{bot.base}{sample['path']}".replace("<TOKEN>", TOKEN)
    if encoding == "json":
        return await bot.session.post(address, json=fields)
    as_text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()}
    if encoding == "urlencoded":
        return await bot.session.post(address, data=as_text)
    form = aiohttp.FormData(as_text, default_to_multipart=True)
    files = sample.get("files", {})
    for part, file in files.items() if isinstance(files, dict) else ():
        content = a_picture(size=file["bytes"])
        form.add_field(part, content, filename=file["filename"], content_type=file["content_type"])
    return await bot.session.post(address, data=form)


async def put_in_place(bot: Bot, fields: dict[str, object]) -> None:
    """What the sample refers to exists: a message, a press, a file."""
    if "message_id" in fields:
        fields["message_id"] = (await bot.done("sendMessage", chat_id=RESIDENT, text="до"))["message_id"]
    if "callback_query_id" in fields:
        fields["callback_query_id"] = (await a_press(bot))["id"]
    if str(fields.get("photo", "")).startswith("AgAC") or "file_id" in fields:
        sent = await bot.upload("sendPhoto", "photo", "a.png", a_picture(), chat_id=str(RESIDENT))
        file_id = sent["result"]["photo"][-1]["file_id"]  # type: ignore[index]  # the answer's shape is the sample's
        fields["file_id" if "file_id" in fields else "photo"] = file_id


async def a_press(bot: Bot) -> dict[str, object]:
    await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1, data="yes"))
    bot.telegram.press(str(RESIDENT), int(str(bot.shown()[-1]["id"])), "yes")
    press = (await bot.updates())[-1]["callback_query"]
    assert isinstance(press, dict)
    return press


ENCODED = [
    (name, encoding)
    for name in SAMPLES
    for encoding in ("json", "urlencoded", "multipart")
    if encoding == "multipart" or not name.endswith("_upload")  # a file travels in a multipart body alone
]


@pytest.mark.parametrize(("name", "encoding"), ENCODED)
async def test_what_bots_really_send_is_taken(bot: Bot, name: str, encoding: str) -> None:
    answer = await sent_sample(bot, name, encoding)

    body = await answer.json()
    assert (answer.status, body["ok"]) == (200, True), body


async def test_an_answer_has_the_shape_of_telegrams(bot: Bot) -> None:
    sample = a_body("out_sendMessage_inline.request")
    expected = a_body("out_sendMessage_inline.response")["result"]
    assert isinstance(sample["fields"], dict)
    assert isinstance(expected, dict)

    sent = await bot.done("sendMessage", **sample["fields"])

    same = ("text", "entities", "reply_markup", "has_protected_content")
    assert {key: sent[key] for key in same} == {key: expected[key] for key in same}
    assert sent.keys() == expected.keys()


async def test_entities_are_counted_in_utf_16(bot: Bot) -> None:
    sent = await bot.done("sendMessage", chat_id=RESIDENT, text=" 😀 <b>😀</b>!", parse_mode="HTML")

    assert (sent["text"], sent["entities"]) == ("😀 😀!", [{"offset": 3, "length": 2, "type": "bold"}])


async def test_messages_too_fast_in_a_chat_are_held_back(bot: Bot) -> None:
    for _ in range(BURST):
        await bot.done("sendMessage", chat_id=RESIDENT, text="x")

    async with bot.session.post(
        f"{bot.base}/bot{TOKEN}/sendMessage",
        json={"chat_id": RESIDENT, "text": "x"},
    ) as answer:
        body = await answer.json()
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert body["description"] == "Too Many Requests: retry after 1"
    assert body["parameters"] == {"retry_after": 1}


async def test_a_bot_too_fast_in_all_chats_is_held_back() -> None:
    async with a_bot(bot_per_s=3) as bot:
        for chat in range(1, 5):
            bot.telegram.start(str(chat), "")

        statuses = [(await bot.call("sendMessage", chat_id=chat, text="x"))[0] for chat in range(1, 5)]

    assert statuses == [200, 200, 200, 429]


async def test_who_blocked_the_bot_gets_nothing(bot: Bot) -> None:
    bot.telegram.block(str(RESIDENT))

    refused = await bot.call("sendMessage", chat_id=RESIDENT, text="x")

    assert refused == (403, a_body("err_403_blocked_by_user"))


async def test_who_left_telegram_gets_nothing(bot: Bot) -> None:
    bot.telegram.deactivate(str(RESIDENT))

    refused = await bot.call("sendMessage", chat_id=RESIDENT, text="x")

    assert refused == (403, a_body("err_403_user_deactivated"))


async def test_a_group_that_became_a_supergroup_says_its_new_number(bot: Bot) -> None:
    bot.telegram.start("-4120045", "")
    bot.telegram.migrate("-4120045", -1002200330044)

    refused = await bot.call("sendMessage", chat_id=-4120045, text="x")

    assert refused == (400, a_body("err_400_group_migrated"))
    await bot.done("sendMessage", chat_id=-1002200330044, text="x")


async def test_a_phone_number_is_not_asked_for_in_a_group(bot: Bot) -> None:
    bot.telegram.start("-5", "")
    asking = {"keyboard": [[{"text": "Номер", "request_contact": True}]]}

    refused = await bot.refused("sendMessage", chat_id=-5, text="x", reply_markup=asking)

    assert refused == (400, "Bad Request: phone number or location can be requested in private chats only")


async def test_blocking_and_coming_back_are_told_to_the_bot(bot: Bot) -> None:
    bot.telegram.block(str(RESIDENT))
    bot.telegram.start(str(RESIDENT), "ls_4f2Qk9ZtB1")

    blocked, back, started = await bot.updates()

    for update, name in [(blocked, "in_my_chat_member_blocked"), (back, "in_my_chat_member_unblocked")]:
        assert shape_of(update["my_chat_member"]) == shape_of(a_body(name)["my_chat_member"])
    assert shape_of(started) == shape_of(a_body("in_message_start_deeplink"))
    assert started["message"]["text"] == "/start ls_4f2Qk9ZtB1"  # type: ignore[index]  # the shape was just compared


def shape_of(value: object) -> object:
    """Which keys and kinds of values there are, without the values."""
    match value:
        case dict():
            return {key: shape_of(inner) for key, inner in value.items()}
        case list():
            return [shape_of(inner) for inner in value[:1]]
        case _:
            return type(value).__name__


async def test_what_residents_do_looks_like_telegrams_own(bot: Bot) -> None:
    press = await a_press(bot)
    telegram, chat = bot.telegram, str(RESIDENT)
    telegram.say(chat, "хвс 152")
    telegram.contact(chat, "")
    for kind in ("voice", "sticker", "location", "document"):
        telegram.send(chat, kind)

    _, text, contact, *others = await bot.updates()

    assert shape_of(text) == shape_of(a_body("in_message_text"))
    own = a_body("in_message_contact_own")["message"]
    assert isinstance(own, dict)
    assert shape_of(contact["message"]["contact"]) == shape_of(own["contact"])  # type: ignore[index]  # seen above
    for update, name in zip(others, ("voice", "sticker", "location", "document_pdf"), strict=True):
        assert shape_of(update).keys() == shape_of(a_body(f"in_message_{name}")).keys()  # type: ignore[attr-defined]  # dicts
    assert press.keys() == a_body("in_callback_query")["callback_query"].keys()  # type: ignore[attr-defined]  # a dict


async def test_a_long_text_of_a_resident_arrives_in_several_messages(bot: Bot) -> None:
    bot.telegram.say(str(RESIDENT), "1" * 10_000)

    lengths = [len(update["message"]["text"]) for update in await bot.updates()]  # type: ignore[index]  # messages

    assert lengths == [4096, 4096, 1808]


async def test_an_edit_shows_the_message_anew(bot: Bot) -> None:
    sent = await bot.done("sendMessage", chat_id=RESIDENT, text="до", reply_markup=keyboard(1))
    before = bot.shown()[-1]

    edited = await bot.done("editMessageText", chat_id=RESIDENT, message_id=sent["message_id"], text="после")

    [shown] = bot.shown(after=int(str(before["id"])))
    assert "reply_markup" not in edited
    assert "edit_date" in edited
    assert (shown["text"], shown["buttons"], shown["edited"]) == ("после", [], True)
    assert shown["replaces"] == before["id"]


EDITS = {
    "the same text": ("editMessageText", {"text": "до", "reply_markup": keyboard(1)}),
    "the same keyboard": ("editMessageReplyMarkup", {"reply_markup": keyboard(1)}),
}


@pytest.mark.parametrize(("method", "fields"), EDITS.values(), ids=EDITS.keys())
async def test_an_edit_that_changes_nothing_is_refused(
    bot: Bot, method: str, fields: dict[str, object]
) -> None:
    sent = await bot.done("sendMessage", chat_id=RESIDENT, text="до", reply_markup=keyboard(1))

    refused = await bot.call(method, chat_id=RESIDENT, message_id=sent["message_id"], **fields)

    assert refused == (400, a_body("err_400_not_modified"))


async def test_what_was_not_written_by_the_bot_cannot_be_edited(bot: Bot) -> None:
    started = int(str((await bot.done("sendMessage", chat_id=RESIDENT, text="x"))["message_id"])) - 1

    refused = await bot.refused("editMessageText", chat_id=RESIDENT, message_id=started, text="x")

    assert refused == (400, "Bad Request: message can't be edited")


async def test_a_photo_has_a_caption_and_no_text_to_edit(bot: Bot) -> None:
    sent = await bot.upload("sendPhoto", "photo", "a.png", a_picture(), chat_id=str(RESIDENT), caption="до")
    message_id = sent["result"]["message_id"]  # type: ignore[index]  # a message

    refused = await bot.refused("editMessageText", chat_id=RESIDENT, message_id=message_id, text="x")
    await bot.done("editMessageCaption", chat_id=RESIDENT, message_id=message_id, caption="после")

    assert refused == (400, "Bad Request: there is no text in the message to edit")
    assert bot.shown()[-1]["text"] == "после"


async def test_a_message_older_than_two_days_stays(bot: Bot) -> None:
    sent = await bot.done("sendMessage", chat_id=RESIDENT, text="x")
    bot.clock.now += timedelta(hours=49)

    refused = await bot.refused("deleteMessage", chat_id=RESIDENT, message_id=sent["message_id"])

    assert refused == (400, "Bad Request: message can't be deleted for everyone")


async def test_a_deleted_message_leaves_the_phone(bot: Bot) -> None:
    sent = await bot.done("sendMessage", chat_id=RESIDENT, text="x")

    await bot.done("deleteMessage", chat_id=RESIDENT, message_id=sent["message_id"])

    assert [shown["from"] for shown in bot.shown()] == ["resident"]


async def test_an_answer_to_a_press_flashes_on_the_phone(bot: Bot) -> None:
    press = await a_press(bot)

    await bot.done("answerCallbackQuery", callback_query_id=press["id"], text="Принято", show_alert=True)

    assert bot.telegram.log(str(RESIDENT)).notices(0) == [{"text": "Принято", "alert": True}]


async def test_a_press_is_not_answered_after_its_time() -> None:
    async with a_bot(press_lifetime_s=0.0) as bot:
        await begin(bot)
        await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1))
        bot.telegram.press(str(RESIDENT), 2, "x")
        press = next(iter(bot.telegram.updates.pending.values())).body

        refused = await bot.call("answerCallbackQuery", callback_query_id=press["id"])

    assert refused == (400, a_body("err_400_query_too_old"))


PICTURES = {
    "no picture": (b"%PDF-1.7", "IMAGE_PROCESS_FAILED"),
    "nothing": (b"", "file must be non-empty"),
    "too wide and high": (a_picture(6000, 4001), "PHOTO_INVALID_DIMENSIONS"),
    "too narrow": (a_picture(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
    "too heavy": (a_picture(size=10 * 2**20 + 1), "file of size 10485761 bytes is too big for a photo"),
}


@pytest.mark.parametrize(("content", "why"), PICTURES.values(), ids=PICTURES.keys())
async def test_what_is_no_photo_for_telegram_is_refused(bot: Bot, content: bytes, why: str) -> None:
    refused = await bot.upload("sendPhoto", "photo", "a.png", content, chat_id=str(RESIDENT))

    assert (refused["status"], refused["description"]) == (400, f"Bad Request: {why}")


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with a_bot(upload_bytes_max=10_000) as bot:
        bot.telegram.start(str(RESIDENT), "")

        refused = await bot.upload(
            "sendDocument", "document", "a.pdf", b"x" * 2_000_000, chat_id=str(RESIDENT)
        )

    assert {key: refused[key] for key in ("ok", "error_code", "description")} == a_body("err_413_too_large")


async def test_a_file_is_sent_again_by_its_id_and_loaded_by_its_path(bot: Bot) -> None:
    sent = await bot.upload("sendDocument", "document", "счёт.pdf", b"%PDF-1.7", chat_id=str(RESIDENT))
    document = sent["result"]["document"]  # type: ignore[index]  # a message with a document

    await bot.done("sendDocument", chat_id=RESIDENT, document=document["file_id"])
    refused = await bot.refused("sendPhoto", chat_id=RESIDENT, photo=document["file_id"])
    path = (await bot.done("getFile", file_id=document["file_id"]))["file_path"]

    async with bot.session.get(f"{bot.base}/file/bot{TOKEN}/{path}") as answer:
        assert await answer.read() == b"%PDF-1.7"
    assert refused == (400, "Bad Request: type of file mismatch")
    assert [file["name"] for file in bot.shown()[-1]["files"]] == ["счёт.pdf"]  # type: ignore[attr-defined]  # a list


async def test_a_file_above_20_megabytes_is_not_given_out(bot: Bot) -> None:
    sent = await bot.upload(
        "sendDocument", "document", "a.bin", b"x" * (20 * 2**20 + 1), chat_id=str(RESIDENT)
    )

    refused = await bot.refused("getFile", file_id=sent["result"]["document"]["file_id"])  # type: ignore[index]  # a message

    assert refused == (400, "Bad Request: file is too big")


FAULTS = {
    "an error": (Faults(server_error=True, times=1), 500, "application/json"),
    "a page": (Faults(bad_gateway=True, times=1), 502, "text/html"),
    "a hold": (Faults(retry_after_s=7, times=1), 429, "application/json"),
    "a pause": (Faults(hang_s=0.01, times=1), 200, "application/json"),
}


@pytest.mark.parametrize(("faults", "status", "kind"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_strikes_as_often_as_asked(bot: Bot, faults: Faults, status: int, kind: str) -> None:
    bot.telegram.faults = faults

    async with bot.session.post(f"{bot.base}/bot{TOKEN}/getMe") as answer:
        assert (answer.status, answer.content_type) == (status, kind)
    await bot.done("getMe")


async def test_a_lost_answer_leaves_the_message_sent(bot: Bot) -> None:
    bot.telegram.faults = Faults(lose_answer=True, only=frozenset({"sendMessage"}), times=1)

    with pytest.raises(aiohttp.ClientError):
        await bot.call("sendMessage", chat_id=RESIDENT, text="дошло")

    assert bot.shown()[-1]["text"] == "дошло"


async def test_every_call_is_on_record(bot: Bot) -> None:
    await bot.refused("sendMessage", chat_id=5, text="x")

    last = bot.telegram.calls[-1]

    assert (last.method, last.code, last.description) == ("sendMessage", 400, "Bad Request: chat not found")


@dataclass
class Webhook:
    """The bot's end of a webhook: answers as told, and keeps what came."""

    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    came: "asyncio.Queue[tuple[dict[str, str], bytes]]" = field(default_factory=asyncio.Queue)

    async def take(self, request: web.Request) -> web.Response:
        self.came.put_nowait((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(
            status=status, headers=self.headers, text=self.body, content_type="application/json"
        )

    async def next_id(self) -> int:
        async with asyncio.timeout(5):
            _, body = await self.came.get()
        return int(json.loads(body)["update_id"])


@asynccontextmanager
async def a_webhook(bot: Bot, webhook: Webhook, **settings: object) -> AsyncIterator[Webhook]:
    app = web.Application()
    app.router.add_post("/in/telegram", webhook.take)
    async with served(app) as base:
        await bot.done(
            "setWebhook", url=f"{base}/in/telegram", secret_token="Wn3vQ2s_0aXk-77ZpLr4", **settings
        )
        yield webhook
        await bot.done("deleteWebhook")


async def test_an_update_is_posted_byte_for_byte_as_telegram_does(bot: Bot) -> None:
    async with a_webhook(bot, Webhook()) as webhook:
        bot.telegram.say(str(RESIDENT), "Передать показания: хвс 152")
        headers, body = await webhook.came.get()

    sample = (BODIES / "in_message_text.wire.json").read_bytes()
    assert headers["X-Telegram-Bot-Api-Secret-Token"] == "Wn3vQ2s_0aXk-77ZpLr4"
    assert headers["Content-Type"] == "application/json"
    assert body.isascii()
    assert body.split(b"\n")[0].rstrip(b"0123456789,") == sample.split(b"\n")[0].rstrip(b"0123456789,")
    assert shape_of(json.loads(body)) == shape_of(json.loads(sample))
    assert b", " not in body


async def test_an_update_comes_again_until_it_is_acknowledged(bot: Bot) -> None:
    async with a_webhook(bot, Webhook(answers=[500, 503, 302, 204])) as webhook:
        bot.telegram.say(str(RESIDENT), "раз")
        ids = [await webhook.next_id() for _ in range(4)]
        await bot.telegram.updates.drained()
        info = await bot.done("getWebhookInfo")

    assert len(set(ids)) == 1
    assert info["last_error_message"] == "Wrong response from the webhook: 302 Found"
    assert info["pending_update_count"] == 0


async def test_a_chat_waits_for_its_first_message_while_others_and_presses_go_on(bot: Bot) -> None:
    await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1))
    bot.telegram.start("77", "")
    first = await bot.updates()
    await bot.call("getUpdates", offset=int(str(first[-1]["update_id"])) + 1)
    webhook = Webhook(answers=[500], headers={"Retry-After": "3600"})

    async with a_webhook(bot, webhook):
        bot.telegram.updates._retry_scale = 1.0
        bot.telegram.say(str(RESIDENT), "раз")
        refused = await webhook.next_id()
        bot.telegram.say(str(RESIDENT), "два")
        bot.telegram.say("77", "три")
        bot.telegram.press(str(RESIDENT), 2, "x")
        others = {await webhook.next_id(), await webhook.next_id()}

    assert others == {refused + 2, refused + 3}
    assert list(bot.telegram.updates.pending)[:2] == [refused, refused + 1]


async def test_updates_of_a_chat_arrive_in_order(bot: Bot) -> None:
    async with a_webhook(bot, Webhook(answers=[500, 200, 500, 500])) as webhook:
        for number in range(20):
            bot.telegram.say(str(RESIDENT), str(number))
        await bot.telegram.updates.drained()

    texts = [json.loads(webhook.came.get_nowait()[1])["message"]["text"] for _ in range(webhook.came.qsize())]
    assert list(dict.fromkeys(texts)) == [str(number) for number in range(20)]
    assert len(texts) == 23


async def test_a_press_that_nobody_takes_is_given_up() -> None:
    async with a_bot(press_lifetime_s=0.05) as bot:
        await begin(bot)
        await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1))
        async with a_webhook(bot, Webhook(answers=[500] * 10_000)) as webhook:
            bot.telegram.press(str(RESIDENT), 2, "x")
            await bot.telegram.updates.drained()

    assert webhook.came.qsize() >= 1


async def test_a_call_in_the_acknowledgement_is_done(bot: Bot) -> None:
    body = (BODIES / "webhook_reply_sendMessage.json").read_text()

    async with a_webhook(bot, Webhook(body=body)):
        bot.telegram.say(str(RESIDENT), "раз")
        await bot.telegram.updates.drained()
        log = bot.telegram.log(str(RESIDENT))
        [done] = await awaited(lambda: bot.shown(after=2), [log], 5)

    assert (done["text"], done["menu"]) == ("Принято", "removed")


async def test_only_the_kinds_asked_for_are_delivered(bot: Bot) -> None:
    await bot.call("getUpdates", allowed_updates=["message"])
    bot.telegram.block(str(RESIDENT))
    bot.telegram.start(str(RESIDENT), "")

    assert [list(update)[1] for update in await bot.updates()] == ["message"]


async def test_polling_is_refused_while_a_webhook_is_set(bot: Bot) -> None:
    async with a_webhook(bot, Webhook()):
        refused = await bot.call("getUpdates")

    assert refused == (409, a_body("err_409_conflict_webhook"))


async def test_of_two_pollers_the_first_is_sent_away(bot: Bot) -> None:
    first = asyncio.create_task(bot.call("getUpdates", timeout=30))
    async with asyncio.timeout(5):
        while bot.telegram.updates._poll is None:  # noqa: ASYNC110 - the stand-in says to nobody that a poll waits
            await asyncio.sleep(0)
    second = asyncio.create_task(bot.updates())

    status, answer = await first
    bot.telegram.say(str(RESIDENT), "раз")

    assert status == 409
    assert str(answer["description"]).startswith("Conflict: terminated by other getUpdates request")
    assert len(await second) == 1


async def test_updates_stay_until_a_higher_offset_confirms_them(bot: Bot) -> None:
    for text in ("раз", "два", "три"):
        bot.telegram.say(str(RESIDENT), text)

    seen = [int(str(update["update_id"])) for update in await bot.updates()]
    again = await bot.updates()
    rest = await bot.updates(offset=seen[1])
    last = await bot.updates(offset=-1)

    assert seen == list(range(seen[0], seen[0] + 3))
    assert len(again) == 3
    assert [update["update_id"] for update in rest] == seen[1:]
    assert [update["update_id"] for update in last] == seen[2:]


async def test_a_button_that_was_edited_away_can_still_be_pressed_on_an_old_screen(bot: Bot) -> None:
    sent = await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1, data="old"))
    await bot.done("editMessageText", chat_id=RESIDENT, message_id=sent["message_id"], text="Принято")

    bot.telegram.press(str(RESIDENT), 2, "old")

    [update] = await bot.updates()
    assert update["callback_query"]["data"] == "old"  # type: ignore[index]  # a press


async def test_the_keyboard_at_the_bottom_types_for_the_resident(bot: Bot) -> None:
    reply = {"keyboard": [["Баланс", {"text": "Номер", "request_contact": True}]]}
    await bot.done("sendMessage", chat_id=RESIDENT, text="Меню", reply_markup=reply)
    shown = bot.shown()[-1]

    bot.telegram.press(str(RESIDENT), 2, "Баланс")
    bot.telegram.press(str(RESIDENT), 2, "Номер")

    text, contact = await bot.updates()
    assert shown["buttons"] == [
        [
            {"id": "Баланс", "label": "Баланс", "kind": "menu"},
            {"id": "Номер", "label": "Номер", "kind": "contact"},
        ],
    ]
    assert text["message"]["text"] == "Баланс"  # type: ignore[index]  # a message
    assert contact["message"]["contact"]["user_id"] == RESIDENT  # type: ignore[index]  # a message
