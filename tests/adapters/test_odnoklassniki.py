"""Odnoklassniki over HTTP: what is sent, and what every answer is taken for."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer, unused_port

from adapters.odnoklassniki import Odnoklassniki
from adapters.odnoklassniki_api import (
    ACTION_BLOCKED,
    FILTERED,
    OUR_FAULT,
    STOPPED,
    TEMPORARY,
    TOO_FAST,
    UNREACHABLE,
)
from core.channel import (
    CatchingUp,
    Channel,
    ChannelStopped,
    Outcome,
    Rejected,
    RenderedFile,
    RetryLater,
    Sending,
    Sent,
    Unknown,
    Unreachable,
)
from core.messages import Key, Message, Span
from tests.making_odnoklassniki import BODIES, a_body
from tests.making_odnoklassniki_api import A_SENDING, CHAT, HTML, MID, SENT, Api, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
BILL = RenderedFile("Квитанция.pdf", "application/pdf", b"%PDF-1.7", "sha-of-bill")
QR = RenderedFile("qr.png", "image/png", b"\x89PNG", "sha-of-qr")

GONE_WRONG: dict[str, Outcome] = {
    "err_002_service": RetryLater(5.0),
    "err_008_flood_blocked": RetryLater(60.0, scope="channel"),
    "err_011_limit_reached": RetryLater(60.0, scope="channel"),
    "err_100_param_text_too_long": Rejected("100 PARAM : message.text is too long"),
    "err_102_session_expired": ChannelStopped("102 PARAM_SESSION_EXPIRED : Session expired"),
    "err_103_session_key": ChannelStopped("103 PARAM_SESSION_KEY : Invalid session key"),
    "err_2001_graph_param_request": Rejected("2001 GRAPH_PARAM_REQUEST : Bad request"),
    "err_300_not_found_user": Unreachable("300 NOT_FOUND : not.found.user"),
    "err_454_censor_match": Rejected("454 CENSOR_MATCH : Text is rejected by censor"),
    "err_455_friend_restriction": Unreachable("455 FRIEND_RESTRICTION : errors.user-blocked"),
    "err_458_privacy_restriction": Unreachable("458 PRIVACY_RESTRICTION : errors.privacy"),
    "err_5000_invalid_response": Rejected("5000 INVALID_RESPONSE : Invalid response"),
    "err_511_ids_blocked": Rejected("511 IDS_BLOCKED : Antispam check failed"),
    "err_705_chat_not_found": Unreachable("705 CHAT_NOT_FOUND : chat not found"),
    "err_9999_system": RetryLater(5.0),
}

OTHER_ANSWERS: dict[str, tuple[int, str, Outcome]] = {
    "a gateway's page": (502, HTML, Unknown("HTTP 502 and no answer of the API")),
    "a page with 200": (200, HTML, Unknown("HTTP 200 and no answer of the API")),
    "a list": (200, "[]", Unknown("HTTP 200 and no answer of the API")),
    "an error with 500": (500, '{"error_code":2,"error_msg":"SERVICE : x"}', RetryLater(5.0)),
    "too fast for a gateway": (429, HTML, RetryLater(60.0, scope="channel")),
    "a page that forbids this message": (403, HTML, Rejected("HTTP 403 and no answer of the API")),
    "too slow for a gateway": (408, HTML, RetryLater(10.0)),
    "too large for a gateway": (413, HTML, Rejected("the message is too large")),
    "no API here": (404, HTML, ChannelStopped("HTTP 404 and no answer of the API")),
    "somewhere else": (302, "", ChannelStopped("HTTP 302 and no answer of the API")),
    "a broken connection": (0, "", Unknown("ServerDisconnectedError")),
    "sent, and no word more": (200, "{}", Sent("")),
    "sent, and new words": (200, '{"message_id":"mid:C1.1","new":1}', Sent("mid:C1.1")),
    "a request that the person forbids": (
        200,
        '{"error_code":4,"error_msg":"REQUEST : errors.user-blocked"}',
        Unreachable("4 REQUEST : errors.user-blocked"),
    ),
    "a request that is wrong": (200, '{"error_code":4,"error_msg":"REQUEST : x"}', Rejected("4 REQUEST : x")),
    "something not found": (
        200,
        '{"error_code":300,"error_msg":"NOT_FOUND : x"}',
        Rejected("300 NOT_FOUND : x"),
    ),
    "a code that we do not know": (
        200,
        '{"error_code":77777,"error_msg":null}',
        Rejected("77777, a code that we do not know"),
    ),
    "words that quote ours": (
        200,
        '{"error_code":100,"error_msg":"PARAM : message.text \\"Марина, 3 412,57\\" at 0100200300"}',
        Rejected("100 PARAM"),
    ),
    "words with a number": (
        200,
        '{"error_code":100,"error_msg":"PARAM : account 0100200300 of tknA:CB"}',
        Rejected("100 PARAM : account … of …"),
    ),
}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest_asyncio.fixture(loop_scope="module")
async def ok(server: BaseTestServer) -> AsyncIterator[Odnoklassniki]:
    base = str(server.make_url("/graph"))
    channel = Odnoklassniki(settings(api_base=base), clock=lambda: NOW, settle_s=0.0)
    yield channel
    await channel.close()


async def test_it_is_a_channel_that_is_caught_up_with(ok: Odnoklassniki) -> None:
    channel: Channel = ok

    assert isinstance(channel, CatchingUp)


# --- Sending --------------------------------------------------------------------------------------


async def test_a_message_is_sent_and_its_id_kept(api: Api, ok: Odnoklassniki) -> None:
    api.will(SENT)

    assert await ok.send(A_SENDING) == Sent(MID)
    assert api.asked == [
        (
            "POST",
            f"/graph/me/messages/{CHAT}",
            {},
            {"recipient": {"chat_id": CHAT}, "message": {"text": "Принято"}},
        )
    ]


async def test_buttons_are_an_attachment(api: Api, ok: Odnoklassniki) -> None:
    api.will(SENT)
    keyboard = (
        (Key("Передать", "press", "read"), Key("Оплатить", "link", "https://pay.example.org/i/8Kd02")),
        (Key("Отправить номер", "contact"),),
    )

    await ok.send(msgspec.structs.replace(A_SENDING, message=Message((Span("Что?"),), keyboard)))

    (attachment,) = api.asked[0][3]["message"]["attachments"]
    assert attachment["payload"]["keyboard"]["buttons"] == [
        [
            {"type": "CALLBACK", "text": "Передать", "intent": "DEFAULT", "payload": "read"},
            {
                "type": "LINK",
                "text": "Оплатить",
                "intent": "DEFAULT",
                "url": "https://pay.example.org/i/8Kd02",
            },
        ],
        [{"type": "REQUEST_CONTACT", "text": "Отправить номер", "intent": "DEFAULT"}],
    ]


async def test_styles_become_plain_words_and_links_their_addresses(api: Api, ok: Odnoklassniki) -> None:
    api.will(SENT)
    spans = (Span("К оплате "), Span("3 412,57 ₽", "b"), Span("\n"), Span("Сайт", "a", "https://example.org"))

    await ok.send(msgspec.structs.replace(A_SENDING, message=Message(spans)))

    assert api.asked[0][3]["message"]["text"] == "К оплате 3 412,57 ₽\nСайт https://example.org"


async def test_a_link_gives_its_address_up_where_there_is_no_room(api: Api, ok: Odnoklassniki) -> None:
    api.will(SENT)
    spans = (Span("я" * 1990), Span("Сайт", "a", "https://example.org"))

    await ok.send(msgspec.structs.replace(A_SENDING, message=Message(spans)))

    assert api.asked[0][3]["message"]["text"] == "я" * 1990 + "Сайт"


async def test_a_file_is_put_and_sent_with_its_name_for_want_of_words(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    place = {"url": str(server.make_url("/upload")), "token": "tokFILE"}
    api.will(json.dumps(place), "", SENT)

    outcome = await ok.send(Sending(CHAT, 17, Message(()), (BILL,)))

    assert outcome == Sent(MID, {"sha-of-bill": "tokFILE"})
    (_, asked, kind, _), (_, put, _, form), (_, _, _, body) = api.asked
    assert (asked, kind, put) == ("/graph/me/fileUploadUrl", {"type": "FILE"}, "/upload")
    assert 'filename="Квитанция.pdf"'.encode() in form
    assert body["message"] == {
        "text": "Квитанция.pdf",
        "attachments": [{"type": "FILE", "payload": {"token": "tokFILE"}}],
    }


async def test_a_picture_has_the_token_that_the_upload_server_gave(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    place = {"url": str(server.make_url("/upload")), "file_id": "1519bf4"}
    api.will(json.dumps(place), json.dumps(a_body("out_upload_image.response")), SENT)

    outcome = await ok.send(msgspec.structs.replace(A_SENDING, files=(QR,)))

    assert outcome == Sent(MID, {"sha-of-qr": "tokDEMOIMAGE"})
    assert api.asked[2][3]["message"]["attachments"] == [
        {"type": "IMAGE", "payload": {"token": "tokDEMOIMAGE"}}
    ]


async def test_a_known_file_is_not_put_again(api: Api, ok: Odnoklassniki) -> None:
    api.will(SENT)
    known = {"sha-of-bill": "tokFILE"}

    await ok.send(msgspec.structs.replace(A_SENDING, files=(BILL,), known_files=known))

    assert len(api.asked) == 1


async def test_a_file_that_is_not_known_any_more_is_put_anew(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    place = {"url": str(server.make_url("/upload")), "token": "tokNEW"}
    refusal = '{"error_code":100,"error_msg":"PARAM : unknown token"}'
    api.will(refusal, json.dumps(place), "", SENT)
    known = {"sha-of-bill": "tokOLD"}

    outcome = await ok.send(msgspec.structs.replace(A_SENDING, files=(BILL,), known_files=known))

    assert outcome == Sent(MID, {"sha-of-bill": "tokNEW"})


async def test_an_upload_that_has_not_settled_is_sent_a_little_later(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    place = {"url": str(server.make_url("/upload")), "token": "tokFILE"}
    early = '{"error_code":100,"error_msg":"PARAM : attachment is not ready"}'
    api.will(json.dumps(place), "", early, early, SENT)

    assert isinstance(await ok.send(msgspec.structs.replace(A_SENDING, files=(BILL,))), Sent)


async def test_an_upload_that_never_settles_is_our_fault(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    place = {"url": str(server.make_url("/upload")), "token": "tokFILE"}
    early = '{"error_code":100,"error_msg":"PARAM : attachment is not ready"}'
    api.will(json.dumps(place), "", *[early] * 5)

    outcome = await ok.send(msgspec.structs.replace(A_SENDING, files=(BILL,)))

    assert outcome == Rejected("100 PARAM : attachment is not ready")
    assert not api.answers


async def test_a_file_is_put_once_though_its_message_has_to_wait(
    api: Api, ok: Odnoklassniki, server: BaseTestServer
) -> None:
    sending = msgspec.structs.replace(A_SENDING, files=(BILL,))
    place = {"url": str(server.make_url("/upload")), "token": "tokFILE"}
    api.will(json.dumps(place), "", json.dumps(a_body("err_008_flood_blocked")), SENT)

    assert isinstance(await ok.send(sending), RetryLater)
    assert await ok.send(sending) == Sent(MID, {"sha-of-bill": "tokFILE"})


BAD_UPLOADS: dict[str, tuple[int, Outcome]] = {
    "a broken connection": (0, RetryLater(5.0)),
    "a server's fault": (503, RetryLater(5.0)),
    "too fast": (429, RetryLater(5.0)),
    "too large": (413, Rejected("upload: HTTP 413")),
    "no picture for it": (400, Rejected("upload: HTTP 400")),
    "no token": (200, RetryLater(5.0)),
}


@pytest.mark.parametrize(("status", "outcome"), BAD_UPLOADS.values(), ids=BAD_UPLOADS.keys())
async def test_an_upload_that_fails_sends_nothing(
    api: Api, ok: Odnoklassniki, server: BaseTestServer, status: int, outcome: Outcome
) -> None:
    api.answers = [(200, json.dumps({"url": str(server.make_url("/upload"))})), (status, "")]

    assert await ok.send(msgspec.structs.replace(A_SENDING, files=(QR,))) == outcome


# --- Answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "outcome"), GONE_WRONG.items())
async def test_every_refusal_is_classified(api: Api, ok: Odnoklassniki, name: str, outcome: Outcome) -> None:
    api.will_fail(name)

    assert await ok.send(A_SENDING) == outcome


async def test_no_refusal_is_left_out_of_this_table() -> None:
    assert {path.stem for path in BODIES.glob("err_*.json")} == GONE_WRONG.keys()


KINDS = {
    RetryLater: TEMPORARY | TOO_FAST | {ACTION_BLOCKED},
    Unreachable: UNREACHABLE,
    ChannelStopped: STOPPED,
    Rejected: OUR_FAULT | FILTERED,
}


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in KINDS.items() for code in sorted(codes)]
)
async def test_every_known_code_has_its_meaning(
    api: Api, ok: Odnoklassniki, kind: type[Outcome], code: int
) -> None:
    api.will(json.dumps({"error_code": code, "error_msg": "SOME : thing"}))

    assert isinstance(await ok.send(A_SENDING), kind)


@pytest.mark.parametrize(("status", "text", "outcome"), OTHER_ANSWERS.values(), ids=OTHER_ANSWERS.keys())
async def test_every_other_answer_is_classified(
    api: Api, ok: Odnoklassniki, status: int, text: str, outcome: Outcome
) -> None:
    api.will(text, status=status)

    assert await ok.send(A_SENDING) == outcome


async def test_an_error_may_stand_in_the_header_alone(api: Api, ok: Odnoklassniki) -> None:
    api.will("{}")
    api.headers = {"invocation-error": "455"}
    try:
        assert await ok.send(A_SENDING) == Unreachable("455")
    finally:
        api.headers = {}


async def test_a_wait_grows_with_the_trouble_until_something_is_sent(
    api: Api, ok: Odnoklassniki, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood, at_s = json.dumps(a_body("err_008_flood_blocked")), [0.0]
    monkeypatch.setattr("adapters.odnoklassniki.monotonic", lambda: at_s[0])
    api.will(flood, flood, flood, SENT, flood)

    waits = []
    for at_s[0] in (0.0, 600.0, 90_000.0, 90_001.0, 90_002.0):
        outcome = await ok.send(A_SENDING)
        waits.append(outcome.after_s if isinstance(outcome, RetryLater) else None)

    assert waits == [60.0, 600.0, 3600.0, None, 60.0]


async def test_a_refused_connection_holds_the_channel_a_little() -> None:
    channel = Odnoklassniki(settings(api_base=f"http://127.0.0.1:{unused_port()}/graph"), clock=lambda: NOW)
    try:
        assert await channel.send(A_SENDING) == RetryLater(5.0, scope="channel")
    finally:
        await channel.close()


async def test_a_platform_that_does_not_answer_leaves_us_not_knowing(
    monkeypatch: pytest.MonkeyPatch, ok: Odnoklassniki
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(ok._api, "post", never)

    assert await ok.send(A_SENDING) == Unknown("TimeoutError")


@pytest.mark.parametrize("chat", ["Марина", "chat:C1/../../me/unsubscribe", "chat:C1?x", "user:1"])
async def test_a_chat_of_another_form_is_our_fault(api: Api, ok: Odnoklassniki, chat: str) -> None:
    api.will()

    outcome = await ok.send(msgspec.structs.replace(A_SENDING, chat=chat))

    assert outcome == Rejected("no call of the Graph API can carry it: ValueError")
