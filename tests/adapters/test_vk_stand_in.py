"""Our adapter against the strict stand-in for VK: both keep the same API."""

import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from adapters.vk import LOOK_BACK_AFTER_S, Vk, VkSettings
from adapters.vk_messages import CAPABILITIES, encode
from bots.simulator.residents import Picture
from bots.simulator.vk import Faults, VkStandIn
from bots.simulator.vk.limits import read_keyboard, read_text
from core.channel import (
    ChannelStopped,
    Outcome,
    RenderedFile,
    RetryLater,
    SendAnew,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import ChannelFailedError
from core.messages import (
    Incoming,
    Key,
    Message,
    Photo,
    Press,
    Said,
    Span,
    Started,
    Stopped,
    Text,
    Unreadable,
    Voice,
)

GROUP = 229000111
TOKEN = "vk1.a.made-up-for-tests"
SECRET = "kq7Zr2xV9sT4mPwL"
CODE = "d8v2ve07"
CHAT = "571204488"
NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
MENU = ((Key("Меню", "press", "menu"),),)
CARD = ((Key("Показания", "press", "read"), Key("Оплатить", "link", "https://pay.example/1")), *MENU)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 800, 533) + bytes(8)
CHART = RenderedFile("chart.png", "image/png", PNG, "sha-of-chart")
BILL = RenderedFile("Квитанция.pdf", "application/pdf", b"%PDF", "sha-of-bill")


@dataclass
class Talk:
    """A community and a resident who writes to it."""

    bot: Vk
    vk: VkStandIn
    position: str = ""

    async def heard(self) -> list[Incoming]:
        """What the bot hears next."""
        updates, self.position = await self.bot.poll(self.position)
        return list(updates)

    async def said(self) -> Said:
        (update,) = await self.heard()
        return update.said

    def shown(self) -> dict[str, Any]:
        """The newest message on the resident's phone."""
        newest: dict[str, Any] = self.vk.log(CHAT).messages(0)[-1]
        return newest

    def from_bot(self) -> list[str]:
        return [str(each["text"]) for each in self.vk.log(CHAT).messages(0) if each["from"] == "bot"]


@asynccontextmanager
async def a_talk(**settings: Any) -> AsyncIterator[Talk]:
    stand_in = VkStandIn(token=TOKEN, group=GROUP, clock=lambda: NOW, confirmation=CODE, **settings)
    app = web.Application()
    app.router.add_routes(stand_in.routes())
    async with TestServer(app) as server:
        await stand_in.open()
        base = str(server.make_url("/")).rstrip("/")
        bot = Vk(VkSettings(TOKEN, GROUP, SECRET, confirmation=CODE, api_base=base), clock=lambda: NOW)
        talk = Talk(bot, stand_in)
        # What happened before a poller came is not told to it.
        bot._poll_server = await bot._begin_polling()
        talk.position = bot._poll_server.ts
        yield talk
        await bot.close()
        await stand_in.close()


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """A resident who has written."""
    async with a_talk() as talk:
        talk.vk.start(CHAT, "")
        await talk.heard()
        yield talk


def a_sending(*spans: Span, files: Sequence[RenderedFile] = (), token: int = 1, **fields: Any) -> Sending:
    return Sending(CHAT, token, Message(spans or (Span("Здравствуйте"),), **fields), files)


# --- What residents say ---------------------------------------------------------------------------


async def test_a_first_word_is_a_silent_permission_and_a_greeting() -> None:
    async with a_talk() as talk:
        talk.vk.start(CHAT, "ls_4f2Qk9ZtB1")

        allowed, begun = await talk.heard()
    assert (allowed.said, begun.said) == (Started(silent=True), Started("ls_4f2Qk9ZtB1"))
    assert (allowed.chat, begun.chat) == (CHAT, CHAT)


async def test_words_photos_and_the_rest_are_heard(talk: Talk) -> None:
    talk.vk.say(CHAT, "хвс 152")
    assert await talk.said() == Text("хвс 152")
    for kind, said in {
        "voice": Voice(4),
        "sticker": Unreadable("sticker"),
        "location": Unreadable("location"),
        "document": Unreadable("document"),
    }.items():
        talk.vk.send(CHAT, kind)
        assert await talk.said() == said


async def test_a_photo_is_fetched(talk: Talk) -> None:
    talk.vk.photo(CHAT, Picture("meter.png", "image/png", PNG), "хвс 152")

    photo = await talk.said()
    assert isinstance(photo, Photo)
    assert photo.caption == "хвс 152"
    assert await talk.bot.download(photo.file) == PNG


async def test_one_who_stops_and_comes_back_is_heard(talk: Talk) -> None:
    talk.vk.block(CHAT)
    assert await talk.said() == Stopped()
    talk.vk.unblock(CHAT)
    assert await talk.said() == Started(silent=True)


async def test_a_chat_of_many_is_greeted_and_hears_commands(talk: Talk) -> None:
    talk.vk.start("-5", "")
    (begun,) = await talk.heard()
    talk.vk.say("-5", "/help")
    talk.vk.say("-5", "кто сегодня дежурит?")

    (said,) = await talk.heard()
    assert (begun.said, begun.chat, begun.private) == (Started(), "2000000005", False)
    assert said.said == Text("/help")


# --- What we say ----------------------------------------------------------------------------------


async def test_a_styled_message_arrives_as_it_was_meant(talk: Talk) -> None:
    outcome = await talk.bot.send(
        a_sending(Span("💧 К оплате: "), Span("3 412,57 ₽", "b"), Span(" <дом> & К°"), keyboard=CARD)
    )

    shown = talk.shown()
    assert isinstance(outcome, Sent)
    assert shown["html"] == "💧 К оплате: <b>3 412,57 ₽</b> &lt;дом&gt; &amp; К°"
    assert [[(key["id"], key["kind"]) for key in row] for row in shown["buttons"]] == [
        [("read", "press"), ("link 0.1", "link")],
        [("menu", "press")],
    ]


async def test_a_press_comes_back_is_acknowledged_and_changes_its_message(talk: Talk) -> None:
    sent = await talk.bot.send(a_sending(keyboard=CARD))
    talk.vk.press(CHAT, talk.shown()["id"], "read")
    (press,) = await talk.heard()
    assert isinstance(sent, Sent)
    assert press.said == Press("read", sent.message)

    await talk.bot.acknowledge(press)
    edited = await talk.bot.send(a_sending(Span("Показания"), replaces=sent.message))

    assert edited == sent
    assert (talk.shown()["text"], talk.shown()["edited"], talk.shown()["buttons"]) == ("Показания", True, [])
    assert {call.code for call in talk.vk.calls} == {0}


async def test_the_menu_stands_at_the_bottom_and_is_a_press(talk: Talk) -> None:
    await talk.bot.send(a_sending(keyboard=MENU))
    assert talk.shown()["menu"] == "shown"

    talk.vk.press(CHAT, talk.shown()["id"], "menu")
    assert await talk.said() == Press("menu")


async def test_a_press_in_an_old_client_is_a_press() -> None:
    async with a_talk(old_client=True) as talk:
        talk.vk.start(CHAT, "")
        await talk.heard()
        await talk.bot.send(a_sending(keyboard=CARD))
        talk.vk.press(CHAT, talk.shown()["id"], "read")

        assert await talk.said() == Press("read")


async def test_an_edit_of_what_is_gone_is_sent_anew(talk: Talk) -> None:
    assert await talk.bot.send(a_sending(replaces="999")) == SendAnew(without="edit")


async def test_a_picture_and_a_document_arrive_and_are_not_uploaded_twice(talk: Talk) -> None:
    first = await talk.bot.send(a_sending(Span("Ваш счёт"), files=[CHART, BILL]))
    assert isinstance(first, Sent)
    calls = len(talk.vk.calls)

    again = msgspec.structs.replace(a_sending(files=[CHART, BILL], token=2), known_files=first.files)
    assert isinstance(await talk.bot.send(again), Sent)

    files = [(file["name"], file["type"]) for file in talk.shown()["files"]]
    assert files == [("chart.png", "image/png"), ("Квитанция.pdf", "application/pdf")]
    assert len(talk.vk.calls) == calls + 1


async def test_files_that_vk_forgot_are_uploaded_again(talk: Talk) -> None:
    first = await talk.bot.send(a_sending(files=[CHART]))
    assert isinstance(first, Sent)
    talk.vk.state.forget_files()

    again = msgspec.structs.replace(a_sending(files=[CHART], token=2), known_files=first.files)
    second = await talk.bot.send(again)

    assert isinstance(second, Sent)
    assert second.files.keys() == first.files.keys()
    assert second.files != first.files


# --- Once and no more -----------------------------------------------------------------------------


async def test_an_answer_that_was_lost_is_not_said_twice(talk: Talk) -> None:
    talk.vk.faults = Faults(lose_answer=True, only=frozenset({"messages.send"}), times=1)

    assert isinstance(await talk.bot.send(a_sending(token=77)), Unknown)
    assert isinstance(await talk.bot.send(a_sending(token=77)), Sent)
    assert talk.from_bot() == ["Здравствуйте"]


async def test_nor_is_it_when_vk_no_longer_knows(talk: Talk) -> None:
    first = await talk.bot.send(a_sending(token=77))
    talk.vk.state.dialogues[int(CHAT)].forget_repeats()

    late = msgspec.structs.replace(a_sending(token=77), tried_s_ago=LOOK_BACK_AFTER_S)
    assert await talk.bot.send(late) == first
    assert talk.from_bot() == ["Здравствуйте"]


async def test_two_rows_of_the_same_words_are_two_messages(talk: Talk) -> None:
    await talk.bot.send(a_sending(token=77))
    await talk.bot.send(a_sending(token=78))

    assert talk.from_bot() == ["Здравствуйте", "Здравствуйте"]


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        (Faults(code=6), RetryLater(1.0, scope="channel")),
        (Faults(code=9), RetryLater(300.0)),
        (Faults(code=10), Unknown("10 Internal server error")),
        (Faults(code=14), ChannelStopped("14 Captcha needed")),
        (Faults(code=902), Unreachable("902 Can't send messages to this user due to their privacy settings")),
        (Faults(bad_gateway=True), Unknown("HTTP 502 and no answer of the API")),
        (Faults(retry_after_s=3), RetryLater(5.0, scope="channel")),
    ],
)
async def test_what_goes_wrong_at_vk_is_understood(talk: Talk, faults: Faults, outcome: Outcome) -> None:
    talk.vk.faults = faults

    assert await talk.bot.send(a_sending()) == outcome


async def test_one_who_stopped_is_not_reached(talk: Talk) -> None:
    talk.vk.block(CHAT)

    assert isinstance(await talk.bot.send(a_sending()), Unreachable)


async def test_our_calls_keep_to_vks_pace(talk: Talk) -> None:
    outcomes = [await talk.bot.send(a_sending(token=token)) for token in range(30)]

    assert all(isinstance(outcome, Sent) for outcome in outcomes)


# --- Ways in --------------------------------------------------------------------------------------


async def test_a_key_that_grew_old_is_renewed_and_nothing_lost(talk: Talk) -> None:
    talk.vk.events.renew_key()
    talk.vk.say(CHAT, "хвс 152")

    assert await talk.heard() == []
    assert await talk.said() == Text("хвс 152")


async def test_a_place_that_vk_no_longer_keeps_is_left(talk: Talk) -> None:
    talk.vk.say(CHAT, "хвс 152")
    talk.vk.events.forget()

    assert await talk.heard() == []
    talk.vk.say(CHAT, "гвс 98")
    assert await talk.said() == Text("гвс 98")


async def test_a_place_that_vk_does_not_know_is_begun_anew(talk: Talk) -> None:
    talk.position = "99999999"

    assert await talk.heard() == []
    talk.vk.say(CHAT, "хвс 152")
    assert await talk.said() == Text("хвс 152")


async def test_a_poll_that_fails_is_worded_without_the_key(talk: Talk) -> None:
    talk.bot._poll_server = None
    talk.vk.faults = Faults(code=5)

    with pytest.raises(ChannelFailedError, match="5 User authorization failed"):
        await talk.bot.poll("")


async def test_a_webhook_is_confirmed_used_and_removed(talk: Talk) -> None:
    came: list[Incoming] = []

    async def take(request: web.Request) -> web.Response:
        received = talk.bot.receive(Webhook({}, "", await request.read()))
        came.extend(received.updates)
        return web.Response(body=received.answer or talk.bot.accepted)

    app = web.Application()
    app.router.add_post("/webhooks/vk", take)
    async with TestServer(app) as server:
        url = str(server.make_url("/webhooks/vk"))
        await talk.bot.subscribe(url)
        await talk.bot.subscribe(url)
        talk.vk.say(CHAT, "хвс 152")
        await talk.vk.events.drained()

        stands = await talk.bot.identify()
        await talk.bot.unsubscribe()
    assert [update.said for update in came] == [Text("хвс 152")]
    assert (stands.id, stands.webhook, stands.complaint) == (str(GROUP), url, "")
    assert talk.vk.events.servers == {}


async def test_a_server_that_vk_cannot_reach_is_complained_of(talk: Talk) -> None:
    await talk.bot.subscribe("http://127.0.0.1:9/webhooks/vk")

    assert (await talk.bot.identify()).complaint == "VK says of our server: failed"


# --- Whatever fits us fits VK ---------------------------------------------------------------------

LABELS = st.text(min_size=1, max_size=40).filter(lambda label: label.strip() != "")
KEYS = st.builds(Key, LABELS, st.sampled_from(["press", "link"]), st.just("https://pay.example/1"))
ROWS = st.lists(st.lists(KEYS, min_size=1, max_size=CAPABILITIES.columns_max).map(tuple), max_size=5)
SPANS = st.builds(Span, st.text(min_size=1), st.sampled_from(["", "b", "a"]), st.just("https://a.example"))


@given(ROWS, st.lists(SPANS, min_size=1, max_size=5))
def test_whatever_is_within_our_limits_is_within_vks(rows: list[tuple[Key, ...]], spans: list[Span]) -> None:
    form = encode(Sending(CHAT, 1, Message(tuple(spans), tuple(rows))))

    read_keyboard(form.get("keyboard", ""))
    read_text(form["message"], form.get("format_data", ""))
