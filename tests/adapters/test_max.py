"""What the adapter for MAX sends, and what it makes of every answer."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer

from adapters.max import Max
from adapters.max_api import BY_CODE, Fault, MaxRefusedError, classify
from core.channel import (
    Channel,
    ChannelStopped,
    Kept,
    Outcome,
    Rejected,
    RetryLater,
    SendAnew,
    Sending,
    Sent,
    Unknown,
    Unreachable,
)
from core.messages import Message, Span
from tests.making_max import BODIES, a_body
from tests.making_max_api import A_SENDING, AN_EDIT, BILL, CHAT, HTML, MID, QR, SENT, Api, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
DONE = json.dumps({"success": True})
SUSPENDED = "Key: error.dialog.suspended, args: […,]."

GONE_WRONG: dict[str, Outcome] = {
    "err_400_attachment_not_ready": RetryLater(0.5),
    "err_400_text_too_long": Rejected("400 proto.payload text: size must be between 0 and 4000"),
    "err_401_verify_token": ChannelStopped("401 verify.token Invalid access_token"),
    "err_403_access_denied": Unreachable("403 access.denied"),
    "err_403_chat_denied_dialog_suspended": Unreachable(f"403 chat.denied {SUSPENDED}"),
    "err_404_chat_not_found": Unreachable("404 chat.not.found Chat 1 not found"),
    "err_404_not_found": Rejected("404 not.found"),
    "err_405_not_allowed": Rejected("405 method.not.allowed"),
    "err_429_too_many_requests": RetryLater(1.0, scope="channel"),
    "err_500_internal_error": RetryLater(2.0),
    "err_503_service_unavailable": RetryLater(2.0),
}
ANSWERED: dict[str, tuple[int, str, Outcome]] = {
    "a page of a gateway": (502, HTML, RetryLater(2.0)),
    "a page of a gateway that is tired": (504, HTML, RetryLater(2.0)),
    "a page that says to wait": (429, HTML, RetryLater(1.0, scope="channel")),
    "a page of another site": (404, HTML, ChannelStopped("HTTP 404 and no answer of the API")),
    "a way elsewhere": (302, "", ChannelStopped("HTTP 302 and no answer of the API")),
    "a token that a gateway knows to be dead": (
        401,
        HTML,
        ChannelStopped("HTTP 401 and no answer of the API"),
    ),
    "a page against this message": (400, HTML, Rejected("HTTP 400 and no answer of the API")),
    "a page that forbids this message": (403, HTML, Rejected("HTTP 403 and no answer of the API")),
    "a proxy that wants to know us": (407, HTML, RetryLater(10.0, scope="channel")),
    "too slow for a gateway": (408, HTML, RetryLater(10.0)),
    "too early for a gateway": (425, HTML, RetryLater(10.0)),
    "a gateway that did not wait": (499, HTML, Unknown("HTTP 499 and no answer of the API")),
    "too large for a gateway": (413, HTML, Rejected("the message is too large")),
    "nothing": (200, "", Unknown("HTTP 200 and no answer of the API")),
    "no object": (200, "[]", Unknown("HTTP 200 and no answer of the API")),
    "a lost connection": (0, "", Unknown("ServerDisconnectedError")),
    "no success": (200, '{"success":false,"message":"no"}', Rejected("200  no")),
    "no success for one who left": (
        200,
        '{"success":false,"message":"error.dialog.suspended"}',
        Unreachable("200  error.dialog.suspended"),
    ),
    "a token refused as forbidden": (
        403,
        '{"code":"verify.token","message":""}',
        ChannelStopped("403 verify.token"),
    ),
    "words that quote another refusal": (
        400,
        '{"code":"proto.payload","message":"error.dialog.suspended is no text"}',
        Rejected("400 proto.payload error.dialog.suspended is no text"),
    ),
    "another 4xx": (418, '{"code":"tea.pot","message":null}', Rejected("418 tea.pot")),
    "another 5xx": (599, '{"code":"tea.pot"}', RetryLater(2.0)),
    "words that quote ours": (
        400,
        '{"code":"proto.payload","message":"text \\"Марина, 3 412,57\\" at 0100200300"}',
        Rejected("400 proto.payload text"),
    ),
    "words with a number": (
        400,
        '{"code":"proto.payload","message":"account 0100200300"}',
        Rejected("400 proto.payload account …"),
    ),
}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest_asyncio.fixture(loop_scope="module")
async def bot(server: BaseTestServer) -> AsyncIterator[Max]:
    channel = Max(settings(api_base=str(server.make_url("/max"))), clock=lambda: NOW)
    yield channel
    await channel.close()


async def test_it_is_a_channel_that_wants_to_be_kept(bot: Max) -> None:
    channel: Channel = bot

    assert isinstance(channel, Kept)


# --- Sending --------------------------------------------------------------------------------------


async def test_a_message_is_sent_to_its_person_and_its_id_kept(api: Api, bot: Max) -> None:
    api.will(SENT)

    assert await bot.send(A_SENDING) == Sent(MID)
    query = {"user_id": CHAT, "disable_link_preview": "true"}
    assert api.asked == [("POST", "/max/messages", query, {"text": "Принято", "attachments": []})]


async def test_an_edit_rewrites_the_message_and_takes_its_keyboard_away(api: Api, bot: Max) -> None:
    api.will(DONE)

    assert await bot.send(AN_EDIT) == Sent(MID)
    body = {"text": "Принято", "attachments": []}
    assert api.asked == [("PUT", "/max/messages", {"message_id": MID}, body)]


@pytest.mark.parametrize("chat", ["", "0", "-5", "marina", "1" * 20])
async def test_a_chat_that_nobody_can_have_is_written_to_by_no_call(api: Api, bot: Max, chat: str) -> None:
    api.will()

    assert isinstance(await bot.send(msgspec.structs.replace(A_SENDING, chat=chat)), Rejected)


MARKED = msgspec.structs.replace(A_SENDING, message=Message((Span("Принято", "b"),)))


async def test_what_is_refused_with_markup_is_tried_at_once_without(api: Api, bot: Max) -> None:
    api.will_fail("err_400_text_too_long", SENT)

    assert await bot.send(MARKED) == Sent(MID)
    assert [body for *_, body in api.asked] == [
        {"text": "<b>Принято</b>", "format": "html", "attachments": []},
        {"text": "Принято", "attachments": []},
    ]


# --- Files ----------------------------------------------------------------------------------------


@pytest.fixture
def place(server: BaseTestServer) -> str:
    return json.dumps({"url": str(server.make_url("/upload"))})


async def test_a_document_is_put_and_sent_in_two_steps(api: Api, bot: Max, place: str) -> None:
    api.will(place, json.dumps(a_body("out_upload_file_bytes.response")), SENT)

    outcome = await bot.send(Sending(CHAT, 17, Message(()), (BILL,)))

    assert outcome == Sent(MID, {"sha-of-bill": "tokDEMOFILE"})
    (_, asked, kind, _), (_, put, _, form), (_, _, _, body) = api.asked
    assert (asked, kind, put) == ("/max/uploads", {"type": "file"}, "/upload")
    assert b'name="data"' in form
    assert 'filename="Квитанция.pdf"'.encode() in form
    assert body["attachments"] == [{"type": "file", "payload": {"token": "tokDEMOFILE"}}]


async def test_a_picture_has_the_token_that_the_upload_server_gave(api: Api, bot: Max, place: str) -> None:
    api.will(place, json.dumps(a_body("out_upload_image_bytes.response")), SENT)

    outcome = await bot.send(msgspec.structs.replace(A_SENDING, files=(QR,)))

    assert outcome == Sent(MID, {"sha-of-qr": "tokDEMOIMG"})


async def test_a_known_file_is_not_put_again(api: Api, bot: Max) -> None:
    api.will(SENT)
    known = {"sha-of-bill": "tokDEMOFILE"}

    outcome = await bot.send(msgspec.structs.replace(A_SENDING, files=(BILL,), known_files=known))

    assert outcome == Sent(MID, known)


async def test_a_file_that_is_not_known_any_more_is_put_anew(api: Api, bot: Max, place: str) -> None:
    api.will_fail("err_400_text_too_long", place, '{"token":"tokNEW"}', SENT)
    known = {"sha-of-bill": "tokOLD"}

    outcome = await bot.send(msgspec.structs.replace(A_SENDING, files=(BILL,), known_files=known))

    assert outcome == Sent(MID, {"sha-of-bill": "tokNEW"})


async def test_an_upload_that_is_not_processed_waits_and_is_put_once(api: Api, bot: Max, place: str) -> None:
    sending = msgspec.structs.replace(A_SENDING, files=(BILL,))
    not_ready = json.dumps(a_body("err_400_attachment_not_ready"))
    api.will(place, '{"token":"tokFILE"}')
    api.answers += [(400, not_ready), (400, not_ready), (200, SENT)]

    waits = [await bot.send(sending), await bot.send(sending)]

    assert waits == [RetryLater(0.5), RetryLater(1.0)]
    assert await bot.send(sending) == Sent(MID, {"sha-of-bill": "tokFILE"})


async def test_an_upload_that_is_never_processed_is_given_up(api: Api, bot: Max, place: str) -> None:
    sending = msgspec.structs.replace(A_SENDING, files=(BILL,))
    not_ready = json.dumps(a_body("err_400_attachment_not_ready"))
    api.will(place, '{"token":"tokFILE"}')
    api.answers += [(400, not_ready)] * 6

    *waits, end = [await bot.send(sending) for _ in range(6)]

    assert waits == [RetryLater(after_s) for after_s in (0.5, 1.0, 2.0, 4.0, 8.0)]
    assert isinstance(end, Rejected)


async def test_an_upload_that_two_wait_for_is_waited_for_by_each_as_long(
    api: Api, bot: Max, place: str
) -> None:
    first = msgspec.structs.replace(A_SENDING, files=(BILL,))
    not_ready = json.dumps(a_body("err_400_attachment_not_ready"))
    api.will(place, '{"token":"tokFILE"}')
    api.answers += [(400, not_ready)] * 2

    waits = [await bot.send(each) for each in (first, msgspec.structs.replace(first, token=18))]

    assert waits == [RetryLater(0.5), RetryLater(0.5)]


BAD_UPLOADS: dict[str, tuple[tuple[int, str], Outcome]] = {
    "a broken connection": ((0, ""), RetryLater(2.0)),
    "a server's fault": ((503, ""), RetryLater(2.0)),
    "too fast": ((429, ""), RetryLater(2.0)),
    "too large": ((413, ""), Rejected("upload: HTTP 413")),
    "a forbidden ending": ((400, "File extension is forbidden"), Rejected("upload: HTTP 400")),
    "no token": ((200, "{}"), RetryLater(2.0)),
    "no photo": ((200, '{"photos":{}}'), RetryLater(2.0)),
}


@pytest.mark.parametrize(("answer", "outcome"), BAD_UPLOADS.values(), ids=BAD_UPLOADS.keys())
async def test_an_upload_that_fails_sends_nothing(
    api: Api, bot: Max, place: str, answer: tuple[int, str], outcome: Outcome
) -> None:
    api.answers = [(200, place), answer]

    assert await bot.send(msgspec.structs.replace(A_SENDING, files=(QR,))) == outcome


# --- Answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "outcome"), GONE_WRONG.items())
async def test_every_refusal_is_classified(api: Api, bot: Max, name: str, outcome: Outcome) -> None:
    api.will_fail(name)

    assert await bot.send(A_SENDING) == outcome


async def test_no_refusal_is_left_out_of_this_table() -> None:
    assert {path.stem for path in BODIES.glob("err_*.json")} == GONE_WRONG.keys()


async def test_every_known_code_has_a_refusal_to_show_it() -> None:
    assert {a_body(name)["code"] for name in GONE_WRONG} == BY_CODE.keys()


@pytest.mark.parametrize(("status", "answer", "outcome"), ANSWERED.values(), ids=ANSWERED.keys())
async def test_every_answer_is_classified(
    api: Api, bot: Max, status: int, answer: str, outcome: Outcome
) -> None:
    api.will(answer, status=status)

    assert await bot.send(A_SENDING) == outcome


@pytest.mark.parametrize(
    "name", ["err_404_not_found", "err_403_access_denied", "err_400_text_too_long", "err_404_chat_not_found"]
)
async def test_an_edit_that_is_refused_becomes_a_new_message(api: Api, bot: Max, name: str) -> None:
    api.will_fail(name)

    assert await bot.send(AN_EDIT) == SendAnew(without="edit")


@pytest.mark.parametrize(
    "name",
    ["err_403_chat_denied_dialog_suspended", "err_401_verify_token", "err_429_too_many_requests"],
)
async def test_an_edit_that_nothing_would_replace_does_not(api: Api, bot: Max, name: str) -> None:
    api.will_fail(name)

    assert await bot.send(AN_EDIT) == GONE_WRONG[name]


async def test_a_server_that_is_not_there_is_asked_again() -> None:
    nowhere = Max(settings(api_base="http://127.0.0.1:1/max"), clock=lambda: NOW)

    assert await nowhere.send(A_SENDING) == RetryLater(2.0, scope="channel")
    await nowhere.close()


@pytest.mark.parametrize(
    ("code", "lasted_s", "after_s"),
    [
        ("too.many.requests", 0.0, 1.0),
        ("too.many.requests", 7.0, 7.0),
        ("too.many.requests", 900.0, 60.0),
        ("internal.error", 0.5, 2.0),
        ("internal.error", 30.0, 30.0),
        ("internal.error", 9000.0, 300.0),
    ],
)
async def test_a_wait_is_about_as_long_as_the_trouble_has_lasted(
    code: str, lasted_s: float, after_s: float
) -> None:
    outcome = classify(MaxRefusedError(500, code, ""), edits=False, lasted_s=lasted_s)

    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == after_s


async def test_trouble_that_is_over_makes_the_next_wait_short(api: Api, bot: Max) -> None:
    failing = json.dumps(a_body("err_500_internal_error"))
    api.answers = [(500, failing), (500, failing), (200, SENT), (500, failing)]
    await bot.send(A_SENDING)
    bot._troubled_since[CHAT] -= 30.0

    waits = [await bot.send(A_SENDING) for _ in range(3)]

    assert isinstance(waits[0], RetryLater)
    assert waits[0].after_s >= 30.0
    assert waits[1:] == [Sent(MID), RetryLater(2.0)]


async def test_a_fault_is_told_by_its_code_and_else_by_its_status() -> None:
    told = {
        (status, code): MaxRefusedError(status, code, "").fault
        for status, code in [
            (403, "verify.token"),
            (401, "x"),
            (404, "x"),
            (429, "x"),
            (400, "x"),
            (500, "x"),
        ]
    }

    assert list(told.values()) == [
        Fault.STOPPED,
        Fault.STOPPED,
        Fault.NOT_THERE,
        Fault.TOO_FAST,
        Fault.OURS,
        Fault.FAILING,
    ]
