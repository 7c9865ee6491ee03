"""Our adapter against the strict stand-in for Telegram: both keep the same Bot API."""

import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.telegram import Telegram, TelegramSettings
from bots.simulator.residents import Picture
from bots.simulator.telegram import Faults, TelegramStandIn
from core.channel import (
    RenderedFile,
    RetryLater,
    SendAnew,
    Sending,
    Sent,
    Unknown,
    Unreachable,
)
from core.messages import (
    Contact,
    Incoming,
    Key,
    Message,
    Photo,
    Press,
    Span,
    Started,
    Stopped,
    Text,
    Unreadable,
)

TOKEN = "7012345678:AAmade-up-for-tests"
CHAT = "412587349"
NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
MENU = ((Key("Меню", "press", "menu"),),)
STYLED = (
    Span("К оплате: "),
    Span("3 412,57 ₽", "b"),
    Span("\n<дом> & К°\n"),
    Span("вода   1\nсвет   2", "pre"),
)


@dataclass
class Talk:
    """A bot and a resident of it."""

    bot: Telegram
    telegram: TelegramStandIn
    position: str = ""

    async def heard(self) -> list[Incoming]:
        """What the bot hears next."""
        updates, self.position = await self.bot.poll(self.position)
        return list(updates)

    def shown(self) -> dict[str, Any]:
        """The newest message on the resident's phone."""
        newest: dict[str, Any] = self.telegram.log(CHAT).messages(0)[-1]
        return newest


@pytest_asyncio.fixture
async def talk() -> AsyncIterator[Talk]:
    stand_in = TelegramStandIn(token=TOKEN, clock=lambda: NOW)
    app = web.Application()
    app.router.add_routes(stand_in.routes())
    async with TestServer(app) as server:
        await stand_in.open()
        base = str(server.make_url("/"))
        bot = Telegram(TelegramSettings(TOKEN, "Wn3vQ2s", api_base=base), clock=lambda: NOW)
        stand_in.start(CHAT, "")
        talk = Talk(bot, stand_in)
        await talk.heard()
        yield talk
        await bot.close()
        await stand_in.close()


def a_sending(*spans: Span, files: Sequence[RenderedFile] = (), **fields: Any) -> Sending:
    return Sending(CHAT, 1, Message(spans or (Span("Здравствуйте"),), **fields), files)


def a_picture() -> bytes:
    header = struct.pack(">IIBBBBB", 800, 533, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )


async def test_a_styled_message_arrives_as_it_was_meant(talk: Talk) -> None:
    outcome = await talk.bot.send(a_sending(*STYLED, keyboard=MENU))

    shown = talk.shown()
    assert isinstance(outcome, Sent)
    assert shown["text"] == "К оплате: 3 412,57 ₽\n<дом> & К°\nвода   1\nсвет   2"
    assert [[(key["id"], key["label"]) for key in row] for row in shown["buttons"]] == [[("menu", "Меню")]]


async def test_a_press_comes_back_is_acknowledged_and_changes_its_message(talk: Talk) -> None:
    sent = await talk.bot.send(a_sending(keyboard=MENU))
    talk.telegram.press(CHAT, talk.shown()["id"], "menu")
    (press,) = await talk.heard()

    assert isinstance(sent, Sent)
    assert press.said == Press("menu", sent.message)

    await talk.bot.acknowledge(press)
    edited = await talk.bot.send(a_sending(Span("Меню"), replaces=sent.message))

    assert edited == sent
    assert (talk.shown()["text"], talk.shown()["edited"]) == ("Меню", True)
    assert talk.telegram.calls[-2].code == 200


async def test_an_edit_that_changes_nothing_succeeds(talk: Talk) -> None:
    sent = await talk.bot.send(a_sending())
    assert isinstance(sent, Sent)

    assert await talk.bot.send(a_sending(replaces=sent.message)) == sent


async def test_an_edit_of_what_is_gone_is_sent_anew(talk: Talk) -> None:
    assert await talk.bot.send(a_sending(replaces="999999")) == SendAnew(without="edit")


async def test_a_text_cannot_be_edited_into_a_photo(talk: Talk) -> None:
    chart = RenderedFile("chart.png", "image/png", a_picture(), "sha")
    sent = await talk.bot.send(a_sending(files=(chart,)))
    assert isinstance(sent, Sent)

    assert await talk.bot.send(a_sending(replaces=sent.message)) == SendAnew(without="edit")


async def test_a_contact_is_asked_for_and_shared(talk: Talk) -> None:
    keyboard = ((Key("Поделиться номером", "contact"),), (Key("Отмена", "press", "cancel"),))
    await talk.bot.send(a_sending(Span("Ваш номер?"), keyboard=keyboard))
    message = talk.shown()["id"]

    talk.telegram.press(CHAT, message, "Поделиться номером")
    talk.telegram.press(CHAT, message, "Отмена")
    heard = await talk.heard()
    while len(heard) < 2:
        heard += await talk.heard()

    contact, label = (update.said for update in heard)
    assert isinstance(contact, Contact)
    assert contact.own
    assert label == Text("Отмена")


async def test_a_file_is_uploaded_once(talk: Talk) -> None:
    bill = RenderedFile("kvitok.pdf", "application/pdf", b"%PDF-1.7", "sha-of-bill")
    sending = a_sending(Span("Квитанция", "b"), files=(bill,), keyboard=MENU)

    first = await talk.bot.send(sending)
    assert isinstance(first, Sent)
    again = await talk.bot.send(msgspec.structs.replace(sending, known_files=first.files))

    assert isinstance(again, Sent)
    assert again.files == first.files
    assert (talk.shown()["text"], talk.shown()["files"][0]["name"]) == ("Квитанция", "kvitok.pdf")


async def test_a_photo_of_a_meter_can_be_fetched(talk: Talk) -> None:
    picture = Picture("meter.png", "image/png", a_picture())

    talk.telegram.photo(CHAT, picture, "хвс 152")
    (update,) = await talk.heard()

    assert isinstance(update.said, Photo)
    assert await talk.bot.download(update.said.file) == a_picture()


async def test_whoever_blocks_the_bot_is_unreachable_until_they_start_again(talk: Talk) -> None:
    talk.telegram.block(CHAT)

    assert [update.said for update in await talk.heard()] == [Stopped()]
    assert await talk.bot.send(a_sending()) == Unreachable("Forbidden: bot was blocked by the user")

    talk.telegram.unblock(CHAT)

    assert [update.said for update in await talk.heard()] == [Started(silent=True)]
    assert isinstance(await talk.bot.send(a_sending()), Sent)


async def test_one_who_never_came_is_unreachable(talk: Talk) -> None:
    outcome = await talk.bot.send(msgspec.structs.replace(a_sending(), chat="5"))

    assert outcome == Unreachable("Bad Request: chat not found")


async def test_a_sixth_message_in_a_row_has_to_wait(talk: Talk) -> None:
    for _ in range(5):
        await talk.bot.send(a_sending())

    outcome = await talk.bot.send(a_sending())

    assert isinstance(outcome, RetryLater)
    assert outcome.scope == "lane"


async def test_an_answer_that_is_lost_leaves_us_not_knowing(talk: Talk) -> None:
    talk.telegram.faults = Faults(lose_answer=True, times=1)

    assert isinstance(await talk.bot.send(a_sending()), Unknown)
    assert talk.shown()["text"] == "Здравствуйте"


async def test_what_nobody_reads_is_heard_as_such(talk: Talk) -> None:
    talk.telegram.send(CHAT, "sticker")

    assert [update.said for update in await talk.heard()] == [Unreadable("sticker")]


async def test_the_bot_sees_its_webhook_and_its_name(talk: Talk) -> None:
    await talk.bot.subscribe("https://bot.example.org/webhooks/telegram")
    identity = await talk.bot.identify()

    assert (identity.id, identity.name, identity.webhook) == (
        "7012345678",
        "kvitok_demo_bot",
        "https://bot.example.org/webhooks/telegram",
    )
