"""Our adapter against the strict stand-in for Viber: both keep the same API."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.viber import Viber, ViberSettings
from bots.simulator.residents import Picture
from bots.simulator.viber import Faults, ViberStandIn
from bots.simulator.viber.events import Manners
from core.channel import (
    ChannelStopped,
    Refused,
    RenderedFile,
    RetryLater,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import ChannelFailedError, ForgedWebhookError
from core.messages import (
    Contact,
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
)

TOKEN = "demo0000demo0000-demo0000demo0000-demo0000demo0000"
CHAT = "marina"
NOW = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
MENU = ((Key("Меню", "press", "menu"), Key("Оплатить", "link", "https://pay.example.org/p/8Kd02")),)


@dataclass
class Talk:
    """A bot and a resident of it, with the bot's own web server between."""

    bot: Viber
    viber: ViberStandIn
    base: str
    heard: asyncio.Queue[Incoming] = field(default_factory=asyncio.Queue)
    ignored: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    files: dict[str, RenderedFile] = field(default_factory=dict)

    async def hook(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            received = self.bot.receive(Webhook(headers, "", await request.read()))
        except ForgedWebhookError:
            return web.Response(status=403)
        self.refused += received.refused
        self.ignored += [received.ignored] if received.ignored else []
        for update in received.updates:
            self.heard.put_nowait(update)
        return web.Response(body=self.bot.accepted if received.answer is None else received.answer)

    async def give(self, request: web.Request) -> web.Response:
        file = self.files[request.match_info["name"]]
        return web.Response(body=file.body, content_type=file.media_type)

    async def said(self, most: int = 1) -> list[Said]:
        async with asyncio.timeout(10):
            return [(await self.heard.get()).said for _ in range(most)]

    def shown(self) -> dict[str, Any]:
        """The newest message on the resident's phone."""
        newest: dict[str, Any] = self.viber.log(CHAT).messages(0)[-1]
        return newest

    def press(self, label: str) -> None:
        message = self.shown()
        keys = [key for row in message["buttons"] for key in row if key["label"] == label]
        self.viber.press(CHAT, message["id"], keys[0]["id"])

    def a_sending(self, *spans: Span, files: Sequence[RenderedFile] = (), **fields: Any) -> Sending:
        self.files |= {file.name: file for file in files}
        addresses: Mapping[str, str] = {file.sha256: f"{self.base}/files/{file.name}" for file in files}
        message = Message(spans or (Span("Здравствуйте"),), **fields)
        return Sending(self.viber.user(CHAT), 1, message, files, address_of=addresses)


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """A bot with its webhook set, and a resident who has not yet come."""
    viber = ViberStandIn(token=TOKEN, clock=lambda: NOW, retry_scale=0.0)
    app = web.Application()
    app.router.add_routes(viber.routes())
    talks: list[Talk] = []

    async def hook(request: web.Request) -> web.Response:
        return await talks[0].hook(request)

    async def give(request: web.Request) -> web.Response:
        return await talks[0].give(request)

    app.router.add_routes([web.post("/hook", hook), web.get("/files/{name}", give)])
    async with TestServer(app) as server:
        await viber.open()
        base = str(server.make_url("/")).rstrip("/")
        bot = Viber(ViberSettings(TOKEN, "ЕРКЦ", api_base=base))
        talks.append(Talk(bot, viber, base))
        await bot.subscribe(f"{base}/hook")
        yield talks[0]
        await bot.close()
        await viber.close()


@pytest.fixture
async def begun(talk: Talk) -> Talk:
    """The same, and a resident who has begun."""
    talk.viber.start(CHAT, "")
    await talk.said(2)
    return talk


def a_file(name: str, media_type: str, body: bytes) -> RenderedFile:
    return RenderedFile(name, media_type, body, hashlib.sha256(body).hexdigest())


async def test_a_newcomer_sees_the_welcome_and_begins_with_the_links_payload(talk: Talk) -> None:
    talk.viber.start(CHAT, "ls_4f2Qk9")

    assert await talk.said(2) == [Started(silent=True), Started("ls_4f2Qk9")]
    assert talk.shown()["text"].startswith("Здравствуйте! Это ЕРКЦ.")
    assert talk.viber.not_shown == []


async def test_a_message_arrives_with_its_keyboard_at_the_bottom(begun: Talk) -> None:
    outcome = await begun.bot.send(begun.a_sending(Span("К оплате <сегодня>", "b"), keyboard=MENU))

    shown = begun.shown()
    assert isinstance(outcome, Sent)
    assert (shown["text"], shown["menu"]) == ("К оплате <сегодня>", "shown")
    assert [[(key["label"], key["kind"]) for key in row] for row in shown["buttons"]] == [
        [("Меню", "press"), ("Оплатить", "link")]
    ]


async def test_a_press_comes_back_as_one_and_the_same_word_typed_does_not(begun: Talk) -> None:
    await begun.bot.send(begun.a_sending(keyboard=MENU))

    begun.press("Меню")
    begun.viber.say(CHAT, "menu")

    assert await begun.said(2) == [Press("menu"), Text("menu")]
    assert begun.shown()["text"] == "menu"


async def test_a_pressed_link_is_not_heard(begun: Talk) -> None:
    await begun.bot.send(begun.a_sending(keyboard=MENU))

    begun.press("Оплатить")
    begun.viber.say(CHAT, "оплатил")

    assert await begun.said() == [Text("оплатил")]
    assert "the echo of a pressed link" in begun.ignored


async def test_a_phone_is_shared_and_proves_nothing(begun: Talk) -> None:
    await begun.bot.send(begun.a_sending(keyboard=((Key("Мой номер", "contact"),),)))

    begun.press("Мой номер")
    (contact,) = await begun.said()

    assert isinstance(contact, Contact)
    assert not contact.own


async def test_a_picture_and_a_file_are_fetched_from_their_addresses(begun: Talk) -> None:
    chart = a_file("chart.png", "image/png", PNG)
    bill = a_file("bill.pdf", "application/pdf", b"%PDF-1.7")

    for file in (chart, bill):
        assert isinstance(await begun.bot.send(begun.a_sending(Span("Вот"), files=(file,))), Sent)

    shown: list[dict[str, Any]] = begun.viber.log(CHAT).messages(0)[-3:]
    assert [(each["text"], [file["name"] for file in each["files"]]) for each in shown] == [
        ("Вот", ["chart.png"]),
        ("", ["bill.pdf"]),
        ("Вот", []),
    ]
    assert begun.viber.not_shown == []


async def test_what_no_phone_could_show_is_told_by_its_number(begun: Talk) -> None:
    lost = a_file("lost.png", "image/png", PNG)
    sending = begun.a_sending(files=(lost,))
    begun.files["lost.png"] = a_file("lost.png", "text/html", b"<html>")

    outcome = await begun.bot.send(sending)
    await begun.viber.events.drained()

    assert isinstance(outcome, Sent)
    [refused] = begun.refused
    assert refused.chat == sending.chat
    assert refused.message in outcome.message.split()


async def test_a_photo_of_a_meter_can_be_fetched(begun: Talk) -> None:
    begun.viber.photo(CHAT, Picture("meter.png", "image/png", PNG), "хвс 152")
    (photo,) = await begun.said()

    assert isinstance(photo, Photo)
    assert photo.caption == "хвс 152"
    assert await begun.bot.download(photo.file) == PNG
    with pytest.raises(ChannelFailedError, match="404"):
        await begun.bot.download(photo.file.replace("/dl-media/", "/dl-media/x"))


async def test_what_nobody_reads_is_heard_as_such(begun: Talk) -> None:
    for kind in ("sticker", "document", "voice"):
        begun.viber.send(CHAT, kind)

    assert await begun.said(3) == [Unreadable("sticker"), Unreadable("file"), Unreadable("voice")]


async def test_whoever_leaves_is_unreachable_until_coming_back(begun: Talk) -> None:
    begun.viber.block(CHAT)

    assert await begun.said() == [Stopped()]
    assert await begun.bot.send(begun.a_sending()) == Unreachable("6 receiverNotSubscribed")

    begun.viber.unblock(CHAT)

    assert await begun.said() == [Started(silent=True)]
    assert isinstance(await begun.bot.send(begun.a_sending()), Sent)


async def test_one_who_never_came_is_unreachable(begun: Talk) -> None:
    begun.viber.look("other", "")
    sending = begun.a_sending()
    stranger = Sending(begun.viber.user("other"), 1, sending.message)

    assert await begun.bot.send(stranger) == Unreachable("6 receiverNotSubscribed")


async def test_an_event_that_comes_twice_in_another_form_has_one_key(begun: Talk) -> None:
    begun.viber.events.manners = Manners(twice=True, tokens_as_text=True, nameless=True)
    begun.viber.say(CHAT, "хвс 152")

    first, second = await begun.heard.get(), await begun.heard.get()

    assert first == second


async def test_later_words_stand_later(begun: Talk) -> None:
    for word in ("раз", "два", "три"):
        begun.viber.say(CHAT, word)

    orders = [(await begun.heard.get()).order for _ in range(3)]

    assert orders == sorted({*orders})


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        (Faults(server_error=True), RetryLater),
        (Faults(bad_gateway=True), RetryLater),
        (Faults(retry_after_s=7), RetryLater),
        (Faults(status=12), RetryLater),
        (Faults(status=10), RetryLater),
        (Faults(status=2), ChannelStopped),
        (Faults(status=21), Unreachable),
        (Faults(lose_answer=True), Unknown),
    ],
)
async def test_a_fault_of_vibers_is_told_for_what_it_is(begun: Talk, faults: Faults, kind: type) -> None:
    begun.viber.faults = faults

    assert isinstance(await begun.bot.send(begun.a_sending()), kind)


async def test_a_viber_that_does_not_answer_leaves_us_not_knowing(
    begun: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.viber.CALL_S", 0.05)
    begun.viber.faults = Faults(hang_s=60)

    assert await begun.bot.send(begun.a_sending()) == Unknown("TimeoutError")


async def test_a_client_of_an_older_level_gets_the_message_too(begun: Talk) -> None:
    begun.viber.faults = Faults(status=13, times=1)

    assert isinstance(await begun.bot.send(begun.a_sending(keyboard=MENU)), Sent)
    assert begun.shown()["text"] == "Здравствуйте"


async def test_the_bot_sees_its_webhook_and_its_name(talk: Talk) -> None:
    identity = await talk.bot.identify()

    assert (identity.name, identity.webhook, identity.complaint) == ("Квиток", f"{talk.base}/hook", "")


async def test_a_webhook_that_brings_too_little_is_complained_of(talk: Talk) -> None:
    talk.viber.events.webhook.kinds = ("message",)

    assert "conversation_started" in (await talk.bot.identify()).complaint


async def test_a_removed_webhook_is_seen_to_be_gone(talk: Talk) -> None:
    await talk.bot.unsubscribe()

    assert (await talk.bot.identify()).webhook == ""


async def test_an_unsigned_trial_does_not_keep_the_webhook_from_being_set(talk: Talk) -> None:
    talk.viber.events.manners = Manners(trial_unsigned=True)

    await talk.bot.subscribe(f"{talk.base}/hook")

    assert talk.ignored[-1] == "a trial call"


async def test_a_webhook_that_does_not_answer_is_not_set(talk: Talk) -> None:
    with pytest.raises(ChannelFailedError, match="invalidUrl"):
        await talk.bot.subscribe(f"{talk.base}/nowhere")
