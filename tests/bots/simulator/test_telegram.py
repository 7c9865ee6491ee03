"""Every limit and every error of the Bot API, against the stand-in over real HTTP and without our adapter."""

import json

import aiohttp
import pytest

from bots.simulator.telegram import Faults
from tests.making_telegram import BURST, RESIDENT, TOKEN, Bot, a_body, a_bot, a_picture, inline, keyboard

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
