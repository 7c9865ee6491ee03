"""What bots send and edit in the stand-in for Telegram, and what residents see of it."""

import json
from datetime import timedelta

import aiohttp
import pytest

from tests.making_telegram import (
    BODIES,
    RESIDENT,
    TOKEN,
    Bot,
    a_body,
    a_bot,
    a_picture,
    a_press,
    begin,
    keyboard,
)

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
