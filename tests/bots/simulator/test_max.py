"""Every limit and every error of MAX's Bot API, against the stand-in over real HTTP and without our adapter."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bots.simulator.max import Faults
from bots.simulator.max.limits import ERRORS
from tests.making_max import BODIES, RESIDENT, TOKEN, Bot, a_body, a_bot, a_button, a_link, keyboard
from tests.making_telegram import a_picture, shape_of

ROW = [a_button()]
CONTACT: dict[str, object] = {"type": "request_contact", "text": "Номер"}
PLACE: dict[str, object] = {"type": "request_geo_location", "text": "Место", "quick": False}
PICTURE = {"type": "image", "payload": {"url": "https://example.org/qr.png"}}


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which one resident may be written."""
    async with a_bot() as bot:
        yield bot


# --- Messages -------------------------------------------------------------------------------------

LAWFUL: dict[str, dict[str, object]] = {
    "4000 characters": {"text": "я" * 4000},
    "2000 pictograms": {"text": "💧" * 2000},
    "30 rows of 7": {"attachments": [keyboard(*[[a_button()] * 7] * 30)]},
    "3 in a row with a link": {"attachments": [keyboard([a_link(), a_button(), a_button()])]},
    "3 in a row with a contact": {"attachments": [keyboard([CONTACT, a_button(), a_button()])]},
    "128 characters on a button": {"attachments": [keyboard([a_button(text="я" * 128)])]},
    "1024 characters of payload": {"attachments": [keyboard([a_button(payload="я" * 1024)])]},
    "every button": {
        "attachments": [
            keyboard(
                [PLACE],
                [{"type": "message", "text": "Баланс"}],
                [{"type": "clipboard", "text": "Счёт", "payload": "0100200300"}],
            )
        ]
    },
    "12 attachments": {"attachments": [*[PICTURE] * 11, keyboard(ROW)]},
    "no text with a picture": {"text": None, "attachments": [PICTURE]},
    "every mark": {"format": "html", "text": "<b>a</b><i>b</i><code>c</code><pre>d</pre><a href='x'>e</a>"},
    "silence": {"notify": False},
}


@pytest.mark.parametrize("message", LAWFUL.values(), ids=LAWFUL.keys())
async def test_a_message_within_the_limits_is_taken(bot: Bot, message: dict[str, object]) -> None:
    status, sent = await bot.send(**({"text": "x"} | message))  # type: ignore[arg-type]  # fields of a message

    assert status == 200, sent
    expected = a_body("out_message_text.response")
    assert shape_of(sent["message"]["recipient"]) == shape_of(expected["message"]["recipient"])
    assert shape_of(sent["message"]["sender"]) == shape_of(expected["message"]["sender"])


LENGTH = "text: size must be between 0 and 4000"
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "4001 characters": ({"text": "я" * 4001}, LENGTH),
    "2001 pictograms": ({"text": "💧" * 2001}, LENGTH),
    "4000 characters beside markup": ({"format": "html", "text": f"<b>{'я' * 3998}</b>"}, LENGTH),
    "no text": ({"text": None}, "text: must not be empty"),
    "white space": ({"text": " \n"}, "text: must not be empty"),
    "an unknown field": ({"reply_to": 5}, "unknown fields: reply_to"),
    "an unknown mark": ({"format": "html", "text": "<span>x</span>"}, "text: unknown tags span"),
    "a mark that is not closed": ({"format": "html", "text": "<b>x"}, "text: markup cannot be read"),
    "a bare sign": ({"format": "html", "text": "a < b"}, "text: unknown tags "),
    "markdown": ({"format": "markdown"}, "format: unknown value"),
    "no list": ({"attachments": {}}, "attachments: must be a list of objects"),
    "13 attachments": ({"attachments": [PICTURE] * 13}, "attachments: size must be between 0 and 12"),
    "2 keyboards": ({"attachments": [keyboard(ROW)] * 2}, "attachments: only one keyboard is allowed"),
    "a sticker": ({"attachments": [{"type": "sticker"}]}, "attachments: unknown type or payload"),
    "a file by address": (
        {"attachments": [{"type": "file", "payload": {"url": "https://example.org/a.pdf"}}]},
        "attachments: unknown type or payload",
    ),
    "a document beside a picture": (
        {"attachments": [PICTURE, {"type": "file", "payload": {"token": "x"}}]},
        "attachments: must be the only attachment in message",
    ),
    "a token of nobody": (
        {"attachments": [{"type": "file", "payload": {"token": "x"}}]},
        "attachments: token is unknown",
    ),
    "31 rows": ({"attachments": [keyboard(*[ROW] * 31)]}, "buttons: too many"),
    "8 in a row": ({"attachments": [keyboard([a_button()] * 8)]}, "buttons: too many in a row"),
    "4 in a row with a link": (
        {"attachments": [keyboard([a_link(), *[a_button()] * 3])]},
        "buttons: too many in a row",
    ),
    "4 in a row with a contact": (
        {"attachments": [keyboard([CONTACT, *[a_button()] * 3])]},
        "buttons: too many in a row",
    ),
    "no rows": ({"attachments": [keyboard()]}, "buttons: must be a list of rows"),
    "an unknown button": ({"attachments": [keyboard([a_button(type="x")])]}, "button: unknown type"),
    "an intent": ({"attachments": [keyboard([a_button(intent="default")])]}, "button: wrong fields"),
    "129 characters on a button": (
        {"attachments": [keyboard([a_button(text="я" * 129)])]},
        "button.text: size must be between 1 and 128",
    ),
    "1025 characters of payload": (
        {"attachments": [keyboard([a_button(payload="x" * 1025)])]},
        "button.payload: size must be between 1 and 1024",
    ),
    "no address": ({"attachments": [keyboard([a_link(url="example")])]}, "button.url: is no address"),
    "a place that is neither quick nor not": (
        {"attachments": [keyboard([PLACE | {"quick": 1}])]},
        "button.quick: must be true or false",
    ),
}


@pytest.mark.parametrize(("message", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_message_beyond_the_limits_is_refused(bot: Bot, message: dict[str, object], why: str) -> None:
    refused = await bot.send(**({"text": "x"} | message))  # type: ignore[arg-type]  # fields of a message

    assert refused == (400, {"code": "proto.payload", "message": why})
    assert bot.shown() == []


async def test_errors_are_worded_as_the_platform_words_them() -> None:
    for path in BODIES.glob("err_*.json"):
        error, status = a_body(path.stem), int(path.stem.split("_")[1])

        assert ERRORS[error["code"]][0] == status
        assert shape_of(error) == {"code": "str", "message": "str"}


@pytest.mark.parametrize("token", [None, "", "another", f"Bearer {TOKEN}"])
async def test_a_call_without_the_bare_token_is_refused(bot: Bot, token: str | None) -> None:
    bot.token = token

    assert await bot.call("GET", "me") == (401, a_body("err_401_verify_token"))


async def test_the_token_in_the_address_is_no_token(bot: Bot) -> None:
    bot.token = None

    assert (await bot.call("GET", "me", access_token=TOKEN))[0] == 401


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"user_id": 5, "chat_id": 5}, 400), ({"user_id": "x"}, 400), ({"chat_id": 5}, 404)],
)
async def test_a_message_needs_exactly_one_known_address(
    bot: Bot, query: dict[str, object], status: int
) -> None:
    assert (await bot.call("POST", "messages", {"text": "x"}, **query))[0] == status


async def test_a_dialog_can_be_written_to_by_either_number(bot: Bot) -> None:
    by_dialog = await bot.done("POST", "messages", {"text": "x"}, chat_id=bot.dialog)

    assert by_dialog["message"]["recipient"]["user_id"] == bot.person != bot.dialog


async def test_the_id_of_a_message_holds_its_dialog_and_its_place(bot: Bot) -> None:
    sent = (await bot.send())[1]["message"]

    assert sent["body"]["mid"] == f"mid.{bot.dialog:016x}{sent['body']['seq']:016x}"
    assert sent["body"]["seq"] >> 16 == sent["timestamp"]


async def test_what_is_not_json_is_refused(bot: Bot) -> None:
    headers = {"Authorization": TOKEN, "Content-Type": "application/json"}
    async with bot.session.post(f"{bot.base}/max/messages", data=b"{", headers=headers) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(("verb", "path"), [("PATCH", "messages"), ("GET", "chats"), ("POST", "poems")])
async def test_a_call_that_does_not_exist_is_refused(bot: Bot, verb: str, path: str) -> None:
    assert await bot.call(verb, path) == (405, a_body("err_405_not_allowed"))


# --- Paces ----------------------------------------------------------------------------------------


async def test_a_third_message_within_a_second_is_too_fast() -> None:
    async with a_bot(chat_per_s=2) as bot:
        statuses = [(await bot.send())[0] for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_a_third_answer_within_a_second_is_too_fast() -> None:
    async with a_bot(chat_per_s=2) as bot:
        await bot.subscribe()
        callback = await _pressed(bot)
        answers = [
            await bot.call("POST", "answers", {"notification": "…"}, callback_id=callback) for _ in range(3)
        ]

    assert [status for status, _ in answers] == [200, 200, 429]


async def test_all_calls_together_may_be_too_fast() -> None:
    async with a_bot(calls_per_s=30) as bot:
        statuses = [(await bot.call("GET", "me"))[0] for _ in range(31)]

    assert statuses == [200] * 30 + [429]


# --- Edits, answers, history ----------------------------------------------------------------------


async def _pressed(bot: Bot) -> str:
    """The id of a press on a new message."""
    await bot.sent(attachments=[keyboard(ROW)])
    bot.max.press(RESIDENT, bot.shown()[-1]["id"], "yes")
    await bot.max.updates.drained()
    return str(bot.heard.updates[-1]["callback"]["callback_id"])


async def test_an_edit_leaves_what_it_does_not_name(bot: Bot) -> None:
    mid = await bot.sent("до", attachments=[keyboard(ROW)])

    await bot.done("PUT", "messages", {"text": "после"}, message_id=mid)
    kept = bot.shown()[-1]
    await bot.done("PUT", "messages", {"text": "после", "attachments": []}, message_id=mid)

    assert (kept["text"], len(kept["buttons"])) == ("после", 1)
    assert bot.shown()[-1]["buttons"] == []


async def test_only_the_bots_own_messages_can_be_edited_and_deleted(bot: Bot) -> None:
    await bot.subscribe()
    bot.max.say(RESIDENT, "мой")
    await bot.max.updates.drained()
    theirs = bot.heard.updates[-1]["message"]["body"]["mid"]

    assert (await bot.call("PUT", "messages", {"text": "x"}, message_id=theirs))[0] == 403
    assert (await bot.call("DELETE", "messages", message_id="mid.0"))[0] == 404
    assert await bot.done("DELETE", "messages", message_id=await bot.sent()) == {"success": True}


async def test_an_answer_to_a_press_may_rewrite_its_message(bot: Bot) -> None:
    await bot.subscribe()
    callback = await _pressed(bot)

    rewritten = a_body("out_answer_edit.request") | {"notification": "Показание принято"}
    await bot.done("POST", "answers", rewritten, callback_id=callback)

    assert bot.shown()[-1]["text"] == "Принято: 152 м³"
    assert bot.max.log(RESIDENT).notices(0)[-1]["text"] == "Показание принято"


@pytest.mark.parametrize(
    ("callback", "body", "status"), [("unknown", {"notification": ""}, 404), (None, {}, 400)]
)
async def test_an_answer_to_nothing_or_with_nothing_is_refused(
    bot: Bot, callback: str | None, body: dict[str, object], status: int
) -> None:
    await bot.subscribe()
    known = await _pressed(bot)

    assert (await bot.call("POST", "answers", body, callback_id=callback or known))[0] == status


async def test_a_history_is_told_the_newest_first(bot: Bot) -> None:
    mids = [await bot.sent(text) for text in ("раз", "два", "три")]

    newest = await bot.done("GET", "messages", chat_id=bot.dialog, count=2)
    named = await bot.done("GET", "messages", message_ids=mids[0])

    assert [each["body"]["text"] for each in newest["messages"]] == ["три", "два"]
    assert [each["body"]["mid"] for each in named["messages"]] == mids[:1]


async def test_who_is_typing_may_be_shown(bot: Bot) -> None:
    assert await bot.done("POST", f"chats/{bot.dialog}/actions", a_body("out_typing.request")) == {
        "success": True
    }


# --- Files ----------------------------------------------------------------------------------------


async def test_files_go_in_two_steps_and_are_not_ready_at_once() -> None:
    async with a_bot(unready=2) as bot:
        token = await bot.upload("file", b"%PDF-1.7", "application/pdf")
        attachment = {"type": "file", "payload": {"token": token}}
        statuses = [(await bot.send(attachments=[attachment, keyboard(ROW)]))[0] for _ in range(3)]

        assert statuses == [400, 400, 200]
        assert bot.max.file(RESIDENT, _file_of(bot)).content == b"%PDF-1.7"


def _file_of(bot: Bot) -> str:
    return str(bot.shown()[-1]["files"][0]["url"].rpartition("/")[2])


@pytest.mark.parametrize(
    ("content", "kind", "name", "part", "status"),
    [
        (b"GIF89a", "image/png", "a.png", "data", 400),
        (a_picture(), "image/png", "a.png", "file", 400),
        (b"", "image/png", "a.png", "data", 400),
        (a_picture(size=2048), "image/png", "a.png", "data", 413),
    ],
    ids=["no picture", "another part", "empty", "too large"],
)
async def test_an_upload_that_is_wrong_is_refused(
    content: bytes, kind: str, name: str, part: str, status: int
) -> None:
    async with a_bot(upload_bytes_max=1024) as bot:
        place = await bot.done("POST", "uploads", type="image")
        form = aiohttp.FormData()
        form.add_field(part, content, filename=name, content_type=kind)
        async with bot.session.post(place["url"], data=form) as answer:
            assert answer.status == status


async def test_an_upload_takes_one_file_and_no_token_of_the_bots(bot: Bot) -> None:
    place = await bot.done("POST", "uploads", type="file")
    statuses = []
    for headers in ({"Authorization": TOKEN}, {}, {}):
        form = aiohttp.FormData()
        form.add_field("data", b"x", filename="a.pdf")
        async with bot.session.post(place["url"], data=form, headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [400, 200, 400]


async def test_only_videos_and_sounds_have_their_token_at_once(bot: Bot) -> None:
    kinds = ("image", "file", "video", "audio")
    places = {kind: set(await bot.done("POST", "uploads", type=kind)) for kind in kinds}

    assert places == {"image": {"url"}, "file": {"url"}, "video": {"url", "token"}, "audio": {"url", "token"}}
    assert (await bot.call("POST", "uploads", type="poem"))[0] == 400


# --- Faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_every_error_can_be_had_on_purpose(bot: Bot, code: str) -> None:
    bot.max.faults = Faults(code=code, only=frozenset({"POST messages"}), times=1)

    refused, (taken, _) = await bot.send(), await bot.send()

    assert (refused[0], refused[1]["code"], taken) == (ERRORS[code][0], code, 200)


async def test_a_gateway_may_answer_for_the_platform(bot: Bot) -> None:
    bot.max.faults = Faults(bad_gateway=True)
    async with bot.session.get(f"{bot.base}/max/me", headers={"Authorization": TOKEN}) as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_a_refusal_may_come_as_no_success(bot: Bot) -> None:
    bot.max.faults = Faults(unsuccessful="no")

    assert await bot.send() == (200, {"success": False, "message": "no"})
