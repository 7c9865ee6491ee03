"""Our adapter against the strict stand-in for MAX, and the watch over its webhook."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from adapters.max import Max, MaxSettings
from adapters.max_updates import SECRET_HEADER
from bots.simulator.max import Faults
from bots.simulator.residents import Picture
from core.channel import RenderedFile, RetryLater, SendAnew, Sending, Sent, Unknown, Unreachable, Webhook
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
    Voice,
)
from tests.making_max import RESIDENT, SECRET, TOKEN, Bot, a_bot
from tests.making_telegram import a_picture

MENU = ((Key("Меню", "press", "menu"),),)
BILL = RenderedFile("Квитанция.pdf", "application/pdf", b"%PDF-1.7", "sha-of-bill")


@dataclass
class Talk:
    """A bot with our adapter, and a resident of it."""

    bot: Max
    other: Bot

    async def heard(self) -> list[Incoming]:
        """What came to the webhook, read."""
        await self.other.max.updates.drained()
        bodies, self.other.heard.bodies = self.other.heard.bodies, []
        received = [self.bot.receive(Webhook({SECRET_HEADER: SECRET}, "", body)) for body in bodies]
        return [update for each in received for update in each.updates]

    async def said(self) -> list[object]:
        return [update.said for update in await self.heard()]

    def sending(self, *spans: Span, files: Sequence[RenderedFile] = (), **fields: Any) -> Sending:
        message = Message(spans or (Span("Здравствуйте"),), **fields)
        return Sending(str(self.other.person), 1, message, files)

    async def sent(self, *spans: Span, **fields: Any) -> str:
        outcome = await self.bot.send(self.sending(*spans, **fields))
        assert isinstance(outcome, Sent)
        return outcome.message

    def shown(self) -> dict[str, Any]:
        return self.other.shown()[-1]


@asynccontextmanager
async def a_talk(**stand_in: Any) -> AsyncIterator[Talk]:
    async with a_bot(**stand_in) as other:
        bot = Max(MaxSettings(TOKEN, SECRET, api_base=f"{other.base}/max"), clock=other.clock)
        await bot.subscribe(other.webhook)
        try:
            yield Talk(bot, other)
        finally:
            await bot.close()


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with a_talk() as talk:
        yield talk


# --- What a resident sees -------------------------------------------------------------------------


async def test_a_message_arrives_as_it_was_meant(talk: Talk) -> None:
    await talk.sent(Span("К оплате: "), Span("3 412,57 ₽", "b"), Span("<&>", "c"), keyboard=MENU)

    assert talk.shown()["html"] == "К оплате: <b>3 412,57 ₽</b><code>&lt;&amp;&gt;</code>"
    assert [[(key["id"], key["label"]) for key in row] for row in talk.shown()["buttons"]] == [
        [("menu", "Меню")]
    ]


async def test_an_edit_changes_the_message_and_its_keyboard(talk: Talk) -> None:
    message = await talk.sent(keyboard=MENU)

    assert await talk.sent(Span("Принято"), replaces=message) == message
    assert (talk.shown()["text"], talk.shown()["buttons"], talk.shown()["edited"]) == ("Принято", [], True)


async def test_an_edit_of_what_is_not_there_is_sent_anew(talk: Talk) -> None:
    message = await talk.sent()
    talk.other.max.remove(RESIDENT, talk.shown()["id"])

    assert await talk.bot.send(talk.sending(replaces=message)) == SendAnew(without="edit")


async def test_an_edit_that_comes_too_late_is_sent_anew(talk: Talk) -> None:
    plain, with_keyboard = await talk.sent(), await talk.sent(keyboard=MENU)
    talk.other.clock.now += timedelta(days=8)

    outcomes = [await talk.bot.send(talk.sending(replaces=each)) for each in (plain, with_keyboard)]

    assert outcomes == [SendAnew(without="edit"), Sent(with_keyboard)]


async def test_a_file_is_put_once_and_waits_until_it_is_processed() -> None:
    async with a_talk(unready=2) as talk:
        sending = talk.sending(Span("Квитанция за август"), files=(BILL,), keyboard=MENU)
        outcomes = [await talk.bot.send(sending) for _ in range(3)]

        assert [type(each) for each in outcomes] == [RetryLater, RetryLater, Sent]
        assert [call.path for call in talk.other.max.calls].count("uploads") == 1
        assert [file["name"] for file in talk.shown()["files"]] == ["Квитанция.pdf"]


async def test_a_picture_that_was_sent_before_is_sent_by_its_token(talk: Talk) -> None:
    qr = RenderedFile("qr.png", "image/png", a_picture(), "sha-of-qr")
    first = await talk.bot.send(talk.sending(files=(qr,)))
    assert isinstance(first, Sent)
    again = msgspec.structs.replace(talk.sending(files=(qr,)), known_files=first.files)

    assert isinstance(await talk.bot.send(again), Sent)
    assert [call.path for call in talk.other.max.calls].count("uploads") == 1


# --- What a resident does -------------------------------------------------------------------------


async def test_a_newcomer_begins_by_a_link_and_what_they_type_comes_after_it(talk: Talk) -> None:
    talk.other.max.start("newcomer", "bill-x")
    talk.other.max.say("newcomer", "Баланс")

    begun, typed = await talk.heard()

    assert (begun.said, typed.said) == (Started("bill-x"), Text("Баланс"))
    assert begun.order < typed.order
    assert begun.chat == typed.chat


async def test_a_press_comes_with_its_message_and_newer_than_all_before_it(talk: Talk) -> None:
    talk.other.max.say(RESIDENT, "Меню")
    message = await talk.sent(keyboard=MENU)
    talk.other.max.press(RESIDENT, talk.shown()["id"], "menu")

    typed, press = await talk.heard()

    assert press.said == Press("menu", message)
    assert press.order > typed.order


async def test_a_press_without_its_message_is_of_the_same_chat(talk: Talk) -> None:
    await talk.sent(keyboard=MENU)
    talk.other.max.names_pressed = False
    talk.other.max.press(RESIDENT, talk.shown()["id"], "menu")

    (press,) = await talk.heard()

    assert (press.chat, press.said) == (str(talk.other.person), Press("menu"))


async def test_a_press_is_answered_once_and_an_unknown_one_is_only_logged(talk: Talk) -> None:
    await talk.sent(keyboard=MENU)
    talk.other.max.press(RESIDENT, talk.shown()["id"], "menu")
    (press,) = await talk.heard()

    await talk.bot.acknowledge(press)
    await talk.bot.acknowledge(msgspec.structs.replace(press, acknowledge="unknown"))

    answers = [call.status for call in talk.other.max.calls if call.path == "answers"]
    assert answers == [200, 404]


async def test_two_presses_are_two_and_a_redelivery_is_none(talk: Talk) -> None:
    await talk.sent(keyboard=MENU)
    talk.other.max.updates.twice = True
    for _ in range(2):
        talk.other.max.press(RESIDENT, talk.shown()["id"], "menu")

    assert len({update.key for update in await talk.heard()}) == 2


@pytest.mark.parametrize("escaped", [False, True])
async def test_the_residents_own_phone_is_believed(talk: Talk, escaped: bool) -> None:
    await talk.sent(keyboard=((Key("Отправить номер", "contact"),),))
    if escaped:
        talk.other.max.contact(RESIDENT, "", escaped=True)
    else:
        talk.other.max.press(RESIDENT, talk.shown()["id"], talk.shown()["buttons"][0][0]["id"])

    (said,) = await talk.said()

    assert isinstance(said, Contact)
    assert said.own


@pytest.mark.parametrize("forged", [False, True])
async def test_another_phone_is_not_believed(talk: Talk, forged: bool) -> None:
    talk.other.max.contact(RESIDENT, "+79035550199", forged=forged)

    assert await talk.said() == [Contact("+79035550199", own=False)]


async def test_what_is_no_text_is_told_for_what_it_is(talk: Talk) -> None:
    for kind in ("voice", "sticker", "location", "document", "novelty", "unshown"):
        talk.other.max.send(RESIDENT, kind)

    assert await talk.said() == [
        Voice(),
        Unreadable("sticker"),
        Unreadable("location"),
        Unreadable("document"),
        Unreadable("something_new"),
    ]


async def test_a_photo_can_be_fetched(talk: Talk) -> None:
    await talk.bot.identify()
    talk.other.max.photo(RESIDENT, Picture("a.png", "image/png", a_picture()), "хвс")

    (said,) = await talk.said()

    assert isinstance(said, Photo)
    assert said.caption == "хвс"
    assert await talk.bot.download(said.file) == a_picture()


async def test_what_says_nothing_to_us_is_read_and_left(talk: Talk) -> None:
    talk.other.max.say(RESIDENT, "хвс 152")
    talk.other.max.edit(RESIDENT, talk.shown()["id"], "хвс 153")
    talk.other.max.remove(RESIDENT, talk.shown()["id"])
    talk.other.max.mute(RESIDENT)
    talk.other.max.unmute(RESIDENT)
    talk.other.max.clear(RESIDENT)

    assert await talk.said() == [Text("хвс 152")]
    kinds = [update["update_type"] for update in talk.other.heard.updates]
    assert kinds == [
        "message_created",
        "message_edited",
        "message_removed",
        "dialog_muted",
        "dialog_unmuted",
        "dialog_cleared",
    ]


async def test_what_happens_in_a_group_is_answered_with_nothing(talk: Talk) -> None:
    talk.other.max.updates.subscriptions[talk.other.webhook].update_types = None
    talk.other.max.in_group(RESIDENT)

    assert await talk.said() == []
    assert len(talk.other.heard.updates) == 6


async def test_who_stops_the_bot_is_not_to_be_reached_until_they_begin_again(talk: Talk) -> None:
    talk.other.max.block(RESIDENT)
    stopped = await talk.heard()
    unreachable = await talk.bot.send(talk.sending())
    talk.other.max.start(RESIDENT, "")

    assert [update.said for update in stopped] == [Stopped(), Stopped()]
    assert len({update.key for update in stopped}) == 1
    assert isinstance(unreachable, Unreachable)
    assert await talk.said() == [Started()]
    assert await talk.sent()


# --- When things go wrong -------------------------------------------------------------------------


async def test_a_message_whose_answer_was_lost_is_found_and_not_sent_again(talk: Talk) -> None:
    await talk.sent()
    talk.other.max.faults = Faults(lose_answer=True, only=frozenset({"POST messages"}), times=1)
    sending = talk.sending(Span("Принято "), Span("152", "b"))

    lost = await talk.bot.send(sending)
    found = await talk.bot.send(msgspec.structs.replace(sending, tried_s_ago=5.0))

    assert isinstance(lost, Unknown)
    assert isinstance(found, Sent)
    assert [each["text"] for each in talk.other.shown()] == ["Здравствуйте", "Принято 152"]


async def test_a_document_whose_answer_was_lost_is_found_by_a_new_process_once_its_person_wrote(
    talk: Talk,
) -> None:
    talk.other.max.faults = Faults(lose_answer=True, only=frozenset({"POST messages"}), times=1)
    sending = msgspec.structs.replace(talk.sending(files=(BILL,)), message=Message(()))
    lost = await talk.bot.send(sending)
    talk.bot._dialogs.clear()
    talk.other.max.say(RESIDENT, "Ау")
    await talk.heard()

    found = await talk.bot.send(msgspec.structs.replace(sending, tried_s_ago=5.0))

    assert isinstance(lost, Unknown)
    assert isinstance(found, Sent)
    assert [len(each["files"]) for each in talk.other.shown()] == [1, 0]


async def test_a_burst_of_messages_presses_and_looks_stays_within_what_the_platform_allows() -> None:
    async with a_talk(calls_per_s=30) as talk:
        await talk.sent(keyboard=MENU)
        talk.other.max.press(RESIDENT, talk.shown()["id"], "menu")
        (press,) = await talk.heard()
        again = msgspec.structs.replace(talk.sending(), tried_s_ago=0.001)

        await asyncio.gather(
            *(talk.bot.send(talk.sending()) for _ in range(20)),
            *(talk.bot.acknowledge(press) for _ in range(20)),
            *(talk.bot.send(again) for _ in range(5)),
        )

    assert {call.status for call in talk.other.max.calls} == {200}


async def test_who_is_too_fast_is_told_to_wait() -> None:
    async with a_talk(chat_per_s=2) as talk:
        outcomes = [await talk.bot.send(talk.sending()) for _ in range(3)]

        assert [type(each) for each in outcomes] == [Sent, Sent, RetryLater]


async def test_a_webhook_that_is_forgotten_is_missed_and_renewed(talk: Talk) -> None:
    talk.other.max.updates.drop_subscriptions()

    await talk.bot.keep(talk.other.webhook)
    talk.other.max.say(RESIDENT, "Меню")

    assert await talk.said() == [Text("Меню")]


async def test_updates_can_be_polled_once_no_webhook_stands_in_the_way(talk: Talk) -> None:
    await talk.bot.unsubscribe()
    talk.other.max.say(RESIDENT, "раз")
    first, position = await talk.bot.poll("")
    talk.other.max.say(RESIDENT, "два")
    talk.other.max.say(RESIDENT, "три")

    rest, _ = await talk.bot.poll(position)

    assert [update.said for update in first] == [Text("раз")]
    assert [update.said for update in rest] == [Text("два"), Text("три")]


async def test_what_is_posted_carries_the_secret(talk: Talk) -> None:
    talk.other.max.say(RESIDENT, "Меню")
    await talk.other.max.updates.drained()

    assert set(talk.other.heard.secrets) == {SECRET}
