"""What the adapter for MAX finds in a dialog when the answer to an earlier try was lost."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer

from adapters.max import Max
from adapters.max_updates import SECRET_HEADER
from core.channel import Sending, Sent, Webhook
from core.messages import Key, Message, Span
from tests.making_max import BODIES, SECRET, a_body
from tests.making_max_api import A_SENDING, BILL, CHAT, DIALOG, HTML, MID, SENT, Api, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest_asyncio.fixture(loop_scope="module")
async def bot(server: BaseTestServer) -> AsyncIterator[Max]:
    channel = Max(settings(api_base=str(server.make_url("/max"))), clock=lambda: NOW)
    yield channel
    await channel.close()


def a_history(**changed: Any) -> str:
    message = a_body("out_message_text.response")["message"]
    message["body"]["text"] = "Принято"
    return json.dumps({"messages": [message | changed, 7]})


POSTED = (BODIES / "in_message_created_text.json").read_bytes()
AGAIN = msgspec.structs.replace(A_SENDING, tried_s_ago=60.0)


async def test_what_an_earlier_try_left_in_the_dialog_is_not_sent_again(api: Api, bot: Max) -> None:
    api.will(SENT, a_history())
    await bot.send(A_SENDING)

    assert await bot.send(AGAIN) == Sent(MID)
    assert api.asked[1] == ("GET", "/max/messages", {"chat_id": str(DIALOG), "count": "5"}, b"")


@pytest.mark.parametrize(
    "history",
    [
        a_history(timestamp=1),
        a_history(sender={"user_id": 57120448, "is_bot": False}),
        a_history(body={"mid": MID, "text": "Другое"}),
        '{"messages":null}',
        HTML,
    ],
    ids=["older", "the resident's", "other words", "none", "unread"],
)
async def test_what_was_not_sent_before_is_sent_now(api: Api, bot: Max, history: str) -> None:
    api.will(SENT, history, SENT)
    await bot.send(A_SENDING)

    assert await bot.send(AGAIN) == Sent(MID)
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (Message((Span("Счёт", "a", "https://kvitok.example/b"),)), {"text": "Счёт"}),
        (
            Message((Span("Счёт", "a", "https://kvitok.example/b"),)),
            {"text": "Счёт https://kvitok.example/b"},
        ),
        (Message((Span(" Принято"),), ((Key("Меню", "press", "menu"),),)), {"text": "Принято"}),
    ],
    ids=["marked up", "spelled out", "with a keyboard"],
)
async def test_what_was_left_is_found_however_it_was_marked_up(
    api: Api, bot: Max, sent: Message, body: dict[str, Any]
) -> None:
    api.will(a_history(body={"mid": MID, **body, "attachments": [{"type": "inline_keyboard"}]}))
    bot.receive(Webhook({SECRET_HEADER: SECRET}, "", POSTED))

    assert await bot.send(msgspec.structs.replace(AGAIN, message=sent)) == Sent(MID)


A_FILE = {"type": "file", "payload": {"token": "t"}, "filename": "Квитанция.pdf"}
AN_IMAGE = {"type": "image", "payload": {"token": "t"}}
BARE = Sending(CHAT, 17, Message(()), (BILL,), {"sha-of-bill": "t"}, tried_s_ago=60.0)


@pytest.mark.parametrize(
    ("attached", "calls"),
    [
        ([A_FILE], 1),
        ([{"type": "file"}], 1),
        ([A_FILE | {"filename": "Справка.pdf"}], 2),
        ([AN_IMAGE], 2),
        ([], 2),
        ([A_FILE, A_FILE], 2),
        (None, 2),
    ],
    ids=["it", "no name", "another name", "a picture", "nothing", "more", "null"],
)
async def test_a_document_without_words_is_found_by_its_kind_and_name(
    api: Api, bot: Max, attached: list[object] | None, calls: int
) -> None:
    api.will(a_history(body={"mid": MID, "text": None, "attachments": attached}), SENT)
    bot.receive(Webhook({SECRET_HEADER: SECRET}, "", POSTED))

    assert isinstance(await bot.send(BARE), Sent)
    assert len(api.asked) == calls


async def test_a_dialog_is_known_from_what_its_person_wrote(api: Api, bot: Max) -> None:
    api.will(a_history())
    bot.receive(Webhook({SECRET_HEADER: SECRET}, "", POSTED))

    assert await bot.send(AGAIN) == Sent(MID)
    assert [path for _, path, query, _ in api.asked if query["chat_id"] == str(DIALOG)] == ["/max/messages"]


async def test_a_dialog_of_which_nothing_is_known_is_not_looked_through(api: Api, bot: Max) -> None:
    api.will(SENT)

    assert await bot.send(AGAIN) == Sent(MID)
