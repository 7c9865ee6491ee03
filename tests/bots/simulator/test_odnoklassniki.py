"""Every limit and every error of the Graph API, against the stand-in over real HTTP and without our adapter."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bots.simulator.odnoklassniki.limits import OkRefusedError
from tests.making_odnoklassniki import (
    BODIES,
    RESIDENT,
    Group,
    a_body,
    a_button,
    a_group,
    a_link,
    keyboard,
    param,
)
from tests.making_telegram import a_picture, shape_of

ROW = [a_button()]
PICTURE = {"type": "IMAGE", "payload": {"url": "https://example.org/qr.png"}}


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    """A group's bot to which one resident may be written."""
    async with a_group() as group:
        yield group


LAWFUL: dict[str, dict[str, object]] = {
    "2000 characters": {"text": "я" * 2000},
    "10 rows of 3": {"attachments": [keyboard(*[[a_button()] * 3] * 10)]},
    "40 characters on a button": {"attachments": [keyboard([a_button(text="я" * 40)])]},
    "64 bytes of payload": {"attachments": [keyboard([a_button(payload="я" * 32)])]},
    "every button": {
        "attachments": [
            keyboard(
                [a_link(), a_button(intent="POSITIVE")],
                [{"type": "REQUEST_CONTACT", "text": "Номер", "intent": "DEFAULT"}],
                [{"type": "REQUEST_GEO_LOCATION", "text": "Место", "intent": "DEFAULT", "quick": False}],
            )
        ]
    },
    "one attachment": {"attachment": keyboard(ROW)},
    "a picture by its address": {"attachment": PICTURE},
    "an answer that must not be copied": {"reply_to": "mid:C1.1", "privacyWarning": "SCREENSHOT"},
}


@pytest.mark.parametrize("message", LAWFUL.values(), ids=LAWFUL.keys())
async def test_a_message_within_the_limits_is_taken(group: Group, message: dict[str, object]) -> None:
    sent = await group.send(**({"text": "x"} | message))  # type: ignore[arg-type]  # fields of a message

    assert shape_of(sent) == shape_of(a_body("out_message_text.response"))


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "2001 characters": ({"text": "я" * 2001}, "message.text is too long"),
    "no text": ({"text": None}, "message.text is empty"),
    "white space with a keyboard": (
        {"text": " \n", "attachments": [keyboard(ROW)]},
        "message.text is empty",
    ),
    "markup": ({"format": "html"}, "message has unknown fields format"),
    "another warning": ({"privacyWarning": "LOUD"}, "message.privacyWarning is unknown"),
    "one and many": (
        {"attachment": PICTURE, "attachments": []},
        "message has both attachment and attachments",
    ),
    "no list": ({"attachments": {}}, "message.attachments is not a list of objects"),
    "6 attachments": ({"attachments": [PICTURE] * 6}, "message.attachments is too long"),
    "2 pictures by address": (
        {"attachments": [PICTURE] * 2},
        "message.attachments has more than one picture by its address",
    ),
    "2 keyboards": (
        {"attachments": [keyboard(ROW)] * 2},
        "message.attachments has more than one keyboard",
    ),
    "a sticker": ({"attachment": {"type": "STICKER", "payload": {}}}, "attachment.type is unknown"),
    "a file by address": (
        {"attachment": {"type": "FILE", "payload": {"url": "https://example.org/a.pdf"}}},
        "attachment.payload is wrong",
    ),
    "a gif": (
        {"attachment": {"type": "IMAGE", "payload": {"url": "https://example.org/a.gif"}}},
        "attachment.payload.url is not the address of a jpg or png",
    ),
    "a token of nobody": (
        {"attachment": {"type": "FILE", "payload": {"token": "tokFILE"}}},
        "attachment.payload.token is unknown",
    ),
    "11 rows": ({"attachments": [keyboard(*[ROW] * 11)]}, "keyboard has too many buttons"),
    "4 in a row": ({"attachments": [keyboard([a_button()] * 4)]}, "keyboard has too many buttons"),
    "no rows": ({"attachments": [keyboard()]}, "keyboard has too many buttons"),
    "an empty row": ({"attachments": [keyboard([])]}, "keyboard.buttons is not a list of rows"),
    "an unknown button": (
        {"attachments": [keyboard([a_button(type="OPEN_APP")])]},
        "button.type is unknown",
    ),
    "41 characters on a button": (
        {"attachments": [keyboard([a_button(text="я" * 41)])]},
        "button.text is empty or too long",
    ),
    "a blank button": (
        {"attachments": [keyboard([a_button(text=" ")])]},
        "button.text is empty or too long",
    ),
    "65 bytes of payload": (
        {"attachments": [keyboard([a_button(payload="я" * 32 + "x")])]},
        "button.payload is empty or too long",
    ),
    "no payload": (
        {"attachments": [keyboard([a_button(payload="")])]},
        "button.payload is empty or too long",
    ),
    "another intent": ({"attachments": [keyboard([a_button(intent="LOUD")])]}, "button.intent is unknown"),
    "no intent": (
        {"attachments": [keyboard([{"type": "CALLBACK", "text": "x", "payload": "x"}])]},
        "button has wrong fields",
    ),
    "a press that opens a link": (
        {"attachments": [keyboard([a_button(url="https://example.org")])]},
        "button has wrong fields",
    ),
    "a link to nowhere": (
        {"attachments": [keyboard([a_link(url="example.org")])]},
        "button.url is no address",
    ),
    "a link of 2049 characters": (
        {"attachments": [keyboard([a_link(url="https://example.org/".ljust(2049, "x"))])]},
        "button.url is no address",
    ),
}


@pytest.mark.parametrize(("message", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_message_beyond_the_limits_is_refused(
    group: Group, message: dict[str, object], why: str
) -> None:
    answer = await group.send(**({"text": "x"} | message))  # type: ignore[arg-type]  # fields of a message

    assert answer == param(why)


async def test_a_text_that_is_too_long_is_refused_in_the_platforms_words(group: Group) -> None:
    assert await group.send("x" * 2001) == a_body("err_100_param_text_too_long")


@pytest.mark.parametrize("name", sorted(path.stem for path in BODIES.glob("err_*.json")))
def test_every_error_is_worded_as_the_platform_words_it(name: str) -> None:
    body = a_body(name)
    what = "message.text is too long" if body["error_code"] == 100 else ""

    assert OkRefusedError(body["error_code"], what).to_json() == body


OUTGOING = sorted(
    path.stem
    for path in BODIES.glob("out_*.request.json")
    if "subscribe" not in path.stem and "answer" not in path.stem
)


@pytest.mark.parametrize("name", OUTGOING)
async def test_every_sample_that_is_sent_is_taken(group: Group, name: str) -> None:
    group.ok.start("neighbour", "")
    body = _of_this_group(a_body(name), group)
    body = await _with_uploads(body, group)
    path = "me/messages" if "chat_id" not in body["recipient"] else f"me/messages/{group.chat}"

    answer = await group.post(path, body)

    assert "error_code" not in answer, answer


def _of_this_group(body: dict[str, Any], group: Group) -> dict[str, Any]:
    """A sample in which our own chats stand."""
    users = [each.user_id for each in group.ok._state.chats.values()]
    recipients = {"chat_id": group.chat, "user_id": users[0], "user_ids": users}
    return body | {"recipient": {kind: recipients[kind] for kind in body["recipient"]}}


async def _with_uploads(body: dict[str, Any], group: Group) -> dict[str, Any]:
    message = body.get("message", {})
    for each in [message.get("attachment"), *message.get("attachments", [])]:
        if each and "token" in each["payload"]:
            image = each["type"] == "IMAGE"
            content, media_type = (a_picture(), "image/png") if image else (b"%PDF-1.7", "application/pdf")
            each["payload"]["token"] = await group.upload(each["type"], content, media_type)
    return body


# --- Who is written to ----------------------------------------------------------------------------


async def test_a_chat_that_is_none_is_not_found(group: Group) -> None:
    body = {"recipient": {"chat_id": "chat:C5e1d0c0ffe00"}, "message": {"text": "x"}}

    assert await group.post("me/messages/chat:C5e1d0c0ffe00", body) == a_body("err_705_chat_not_found")


async def test_a_deleted_chat_is_not_found(group: Group) -> None:
    chat = group.chat
    group.ok.delete(RESIDENT)

    answer = await group.post(f"{chat}/messages", {"recipient": {"chat_id": chat}, "message": {"text": "x"}})

    assert answer == a_body("err_705_chat_not_found")


async def test_who_blocked_the_group_gets_nothing_until_they_come_back(group: Group) -> None:
    group.ok.block(RESIDENT)

    assert await group.send() == a_body("err_455_friend_restriction")

    group.ok.unblock(RESIDENT)

    assert "message_id" in await group.send()


async def test_who_closed_their_messages_gets_nothing(group: Group) -> None:
    group.ok.close_messages(RESIDENT)

    assert await group.send() == a_body("err_458_privacy_restriction")


async def test_who_left_gets_nothing(group: Group) -> None:
    group.ok.deactivate(RESIDENT)

    assert await group.send() == a_body("err_300_not_found_user")


async def test_a_word_of_the_filter_is_refused(group: Group) -> None:
    assert await group.send("Лучшее казино") == a_body("err_454_censor_match")


async def test_of_many_each_is_told_apart(group: Group) -> None:
    reached = group.ok._state.chats[RESIDENT].user_id
    body = {"recipient": {"user_ids": [reached, "user:1"]}, "message": {"text": "x"}}

    assert await group.post("me/messages", body) == {
        "success": [True, False],
        "chat_ids": [group.chat, None],
    }


async def test_more_than_20_at_once_are_too_many(group: Group) -> None:
    body = {"recipient": {"user_ids": ["user:1"] * 21}, "message": {"text": "x"}}

    assert await group.post("me/messages", body) == param("recipient is wrong")


WRONG_SENDS: dict[str, dict[str, object]] = {
    "another chat than the path's": {"recipient": {"chat_id": "chat:C1"}, "message": {"text": "x"}},
    "nobody": {"message": {"text": "x"}},
    "nothing": {"recipient": {"chat_id": "*"}},
    "an action that is none": {"recipient": {"chat_id": "*"}, "sender_action": "sleeping"},
}


@pytest.mark.parametrize("body", WRONG_SENDS.values(), ids=WRONG_SENDS.keys())
async def test_a_wrong_send_is_refused(group: Group, body: dict[str, Any]) -> None:
    if body.get("recipient") == {"chat_id": "*"}:
        body = body | {"recipient": {"chat_id": group.chat}}

    assert (await group.post(f"me/messages/{group.chat}", body))["error_code"] == 100
