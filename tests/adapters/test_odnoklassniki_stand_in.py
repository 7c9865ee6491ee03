"""Our adapter against the strict stand-in for Odnoklassniki, and the watch over its webhook."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.odnoklassniki import Odnoklassniki, OdnoklassnikiSettings
from bots.simulator.odnoklassniki import Faults
from bots.simulator.residents import Picture
from core.channel import (
    Identity,
    Rejected,
    RenderedFile,
    RetryLater,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import ChannelFailedError
from core.messages import Contact, Incoming, Key, Message, Photo, Press, Span, Started, Text, Unreadable
from tests.making_odnoklassniki import RESIDENT, SECRET, TOKEN, Group, a_group
from tests.making_telegram import a_picture

MENU = ((Key("Меню", "press", "menu"),),)


@dataclass
class Talk:
    """A group's bot with our adapter, and a resident of it."""

    bot: Odnoklassniki
    group: Group

    @property
    def url(self) -> str:
        """The webhook's address as the operator knows it, without the secret."""
        return f"{self.group.base}/hook/ok"

    async def heard(self) -> list[Incoming]:
        """What came to the webhook, read."""
        await self.group.ok.events.drained()
        bodies, self.group.heard.bodies = self.group.heard.bodies, []
        received = [self.bot.receive(Webhook({}, SECRET, body)) for body in bodies]
        return [update for each in received for update in each.updates]

    def sending(self, *spans: Span, files: Sequence[RenderedFile] = (), **fields: Any) -> Sending:
        return Sending(self.group.chat, 1, Message(spans or (Span("Здравствуйте"),), **fields), files)

    def shown(self) -> dict[str, Any]:
        return self.group.shown()[-1]


@asynccontextmanager
async def a_talk(**stand_in: Any) -> AsyncIterator[Talk]:
    async with a_group(**stand_in) as group:
        settings = OdnoklassnikiSettings(TOKEN, SECRET, api_base=f"{group.base}/graph")
        bot = Odnoklassniki(settings, clock=group.clock, settle_s=0.0)
        talk = Talk(bot, group)
        await bot.subscribe(talk.url)
        try:
            yield talk
        finally:
            await bot.close()


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with a_talk() as talk:
        yield talk


# --- Talking --------------------------------------------------------------------------------------


async def test_a_message_arrives_as_it_was_meant(talk: Talk) -> None:
    outcome = await talk.bot.send(talk.sending(Span("К оплате: "), Span("3 412,57 ₽", "b"), keyboard=MENU))

    assert isinstance(outcome, Sent)
    assert talk.shown()["text"] == "К оплате: 3 412,57 ₽"
    assert [[(key["id"], key["label"]) for key in row] for row in talk.shown()["buttons"]] == [
        [("menu", "Меню")]
    ]


async def test_a_newcomer_begins_and_what_they_type_comes_after_it(talk: Talk) -> None:
    talk.group.ok.start("newcomer", "")
    talk.group.ok.say("newcomer", "Баланс")

    begun, text = await talk.heard()

    assert (begun.said, text.said) == (Started(), Text("Баланс"))
    assert begun.order < text.order
    assert begun.chat == text.chat


async def test_a_press_comes_with_its_message_and_newer_than_all_before_it(talk: Talk) -> None:
    talk.group.ok.say(RESIDENT, "Меню")
    sent = await talk.bot.send(talk.sending(keyboard=MENU))
    talk.group.ok.press(RESIDENT, talk.shown()["id"], "menu")

    text, press = await talk.heard()

    assert isinstance(sent, Sent)
    assert press.said == Press("menu", sent.message)
    assert press.order > text.order


async def test_a_press_after_the_clock_was_set_back_is_newer_all_the_same(talk: Talk) -> None:
    talk.group.ok.say(RESIDENT, "Меню")
    talk.group.clock.now -= timedelta(days=30)
    await talk.bot.send(talk.sending(keyboard=MENU))
    talk.group.ok.press(RESIDENT, talk.shown()["id"], "menu")

    text, press = await talk.heard()

    assert press.order > text.order


async def test_two_presses_are_two_and_a_redelivery_is_none(talk: Talk) -> None:
    await talk.bot.send(talk.sending(keyboard=MENU))
    talk.group.ok.events.twice = True
    for _ in range(2):
        talk.group.ok.press(RESIDENT, talk.shown()["id"], "menu")

    assert len({update.key for update in await talk.heard()}) == 2


async def test_a_contact_is_asked_for_and_is_not_believed(talk: Talk) -> None:
    await talk.bot.send(talk.sending(keyboard=((Key("Отправить номер", "contact"),),)))
    talk.group.ok.press(RESIDENT, talk.shown()["id"], talk.shown()["buttons"][0][0]["id"])

    (update,) = await talk.heard()

    assert isinstance(update.said, Contact)
    assert not update.said.own


async def test_a_file_is_put_once_and_waits_until_it_can_be_sent() -> None:
    async with a_talk(settle_s=0.1) as talk:
        bill = RenderedFile("Квитанция.pdf", "application/pdf", b"%PDF-1.7", "sha-of-bill")
        sending = talk.sending(Span("Квитанция за август"), files=(bill,), keyboard=MENU)
        talk.bot._settle_s = 0.1

        first = await talk.bot.send(sending)
        assert isinstance(first, Sent)
        again = await talk.bot.send(msgspec.structs.replace(sending, known_files=first.files))

        assert isinstance(again, Sent)
        assert again.files == first.files
        assert (talk.shown()["text"], talk.shown()["files"][0]["name"]) == (
            "Квитанция за август",
            "Квитанция.pdf",
        )
        assert [call.path for call in talk.group.ok.calls].count("me/fileUploadUrl") == 1


async def test_a_picture_is_sent_as_one(talk: Talk) -> None:
    qr = RenderedFile("qr.png", "image/png", a_picture(), "sha-of-qr")

    assert isinstance(await talk.bot.send(talk.sending(files=(qr,))), Sent)
    assert talk.shown()["files"][0]["type"] == "image/png"


async def test_a_photo_of_a_meter_can_be_fetched(talk: Talk) -> None:
    talk.group.ok.photo(RESIDENT, Picture("meter.png", "image/png", a_picture()), "хвс 152")
    (update,) = await talk.heard()

    assert isinstance(update.said, Photo)
    assert update.said.caption == "хвс 152"
    assert await talk.bot.download(update.said.file) == a_picture()


@pytest.mark.parametrize("kind", ["sticker", "location", "document", "call", "present"])
async def test_what_nobody_reads_is_heard_as_such(talk: Talk, kind: str) -> None:
    talk.group.ok.send(RESIDENT, kind)

    (update,) = await talk.heard()

    assert isinstance(update.said, Unreadable)


async def test_whoever_blocked_the_group_is_unreachable_until_they_come_back(talk: Talk) -> None:
    talk.group.ok.block(RESIDENT)

    assert isinstance(await talk.bot.send(talk.sending()), Unreachable)

    talk.group.ok.unblock(RESIDENT)

    assert isinstance(await talk.bot.send(talk.sending()), Sent)


async def test_the_platforms_limits_are_the_channels(talk: Talk) -> None:
    limits = talk.bot.capabilities
    row = tuple(Key("я" * limits.label_chars_max, "press", "x" * limits.payload_bytes_max) for _ in range(3))
    full = talk.sending(Span("я" * limits.text_chars_max), keyboard=(row,) * limits.rows_max)

    assert len(row) == limits.columns_max
    assert isinstance(await talk.bot.send(full), Sent)
    assert isinstance(await talk.bot.send(talk.sending(Span("я" * (limits.text_chars_max + 1)))), Rejected)


async def test_a_sixth_message_in_a_row_holds_the_channel(talk: Talk) -> None:
    for _ in range(5):
        await talk.bot.send(talk.sending())

    assert await talk.bot.send(talk.sending()) == RetryLater(60.0, scope="channel")


async def test_an_answer_that_is_lost_is_found_again_and_not_sent_twice(talk: Talk) -> None:
    talk.group.ok.faults = Faults(lose_answer=True, only=frozenset({"messages"}), times=1)
    first = await talk.bot.send(talk.sending())

    again = await talk.bot.send(msgspec.structs.replace(talk.sending(), tried_s_ago=2.0))

    assert isinstance(first, Unknown)
    assert isinstance(again, Sent)
    assert len(talk.group.shown()) == 1


async def test_polling_hears_the_same(talk: Talk) -> None:
    assert await talk.bot.poll("") == ((), "")  # asks to be told from now on
    talk.group.ok.say(RESIDENT, "Баланс")

    updates, position = await talk.bot.poll("")
    talk.group.ok.say(RESIDENT, "Меню")
    later, _ = await talk.bot.poll(position)

    assert [update.said for update in (*updates, *later)] == [Text("Баланс"), Text("Меню")]


async def test_polling_gives_nothing_where_nothing_happens(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.odnoklassniki.POLL_PAUSE_S", 0.0)
    talk.group.ok.events.poll_s = 0.0
    await talk.bot.poll("")

    assert await talk.bot.poll("") == ([], "0")


# --- The webhook and the watch over it ------------------------------------------------------------


async def test_the_group_knows_its_name_and_its_webhook_without_the_secret(talk: Talk) -> None:
    assert await talk.bot.identify() == Identity("group:70000012345678", "Квиток", webhook=talk.url)


async def test_webhooks_that_are_not_ours_are_complained_of(talk: Talk) -> None:
    await talk.group.post("me/subscribe", {"url": "https://shop.example.org/hook"})
    await talk.group.post("me/subscribe", {"url": f"https://old.example.org/webhooks/ok/{SECRET}"})

    complaint = (await talk.bot.identify()).complaint

    assert complaint == (
        "several webhooks of ours are subscribed: each message comes to all of them; "
        "every message goes to webhooks of others too: 1"
    )


async def test_a_webhook_with_an_older_secret_is_complained_of(talk: Talk) -> None:
    await talk.bot.unsubscribe()
    await talk.group.post("me/subscribe", {"url": f"{talk.url}/anOlderSecretOfTheSameBot-0"})

    assert (await talk.bot.identify()).complaint == "the webhook has an older secret: subscribe again"


async def test_a_new_secret_takes_the_place_of_the_old_one(talk: Talk) -> None:
    renewed = OdnoklassnikiSettings(
        TOKEN, "aNewSecretThatIsLongEnough-1", api_base=f"{talk.group.base}/graph"
    )
    bot = Odnoklassniki(renewed, clock=talk.group.clock)
    await talk.group.post("me/subscribe", {"url": "https://shop.example.org/hook"})
    try:
        await bot.subscribe(talk.url)
        await bot.subscribe(talk.url)
    finally:
        await bot.close()

    assert list(talk.group.ok.events.subscriptions) == [
        "https://shop.example.org/hook",
        f"{talk.url}/aNewSecretThatIsLongEnough-1",
    ]


async def test_unsubscribing_removes_ours_and_leaves_others(talk: Talk) -> None:
    await talk.group.post("me/subscribe", {"url": "https://shop.example.org/hook"})

    await talk.bot.unsubscribe()

    assert list(talk.group.ok.events.subscriptions) == ["https://shop.example.org/hook"]


async def caught_up(talk: Talk, position: str = "") -> Sequence[Incoming]:
    """What is given once it is noted as owed."""
    noted, owed = await talk.bot.catch_up(talk.url, position)
    assert not noted
    missed, _ = await talk.bot.catch_up(talk.url, owed)
    return missed


async def test_a_webhook_that_stands_is_left_alone(talk: Talk) -> None:
    talk.group.ok.say(RESIDENT, "Баланс")

    _, position = await talk.bot.catch_up(talk.url, "")

    assert await talk.bot.catch_up(talk.url, position) == ((), position)
    assert talk.group.ok.calls[-1].path == "me/subscriptions"


async def test_a_lost_webhook_is_renewed_and_what_was_missed_is_caught_up(talk: Talk) -> None:
    talk.group.ok.say(RESIDENT, "до")
    (before,) = await talk.heard()
    talk.group.ok.events.drop_subscriptions()
    talk.group.clock.now += timedelta(hours=9)
    talk.group.ok.say(RESIDENT, "хвс 152")
    await talk.bot.send(talk.sending(Span("Наш ответ")))
    talk.group.ok.start("neighbour", "ls_4f2")

    with capture_logs() as logged:
        missed = await caught_up(talk)
    talk.group.ok.say(RESIDENT, "после")

    assert [update.said for update in missed] == [Text("до"), Text("хвс 152"), Text("ls_4f2")]
    assert missed[0] == before
    assert [(line["event"], line.get("updates")) for line in logged] == [
        ("webhook.lost", None),
        ("webhook.renewed", None),
        ("webhook.caught_up", 3),
    ]
    assert [update.said for update in await talk.heard()] == [Text("после")]


async def test_what_is_older_than_three_days_is_not_caught_up(talk: Talk) -> None:
    talk.group.ok.say(RESIDENT, "давно")
    talk.group.ok.events.drop_subscriptions()
    talk.group.clock.now += timedelta(days=3, minutes=1)

    assert await caught_up(talk) == []


async def test_a_catching_up_that_fails_is_owed_since_then_until_it_succeeds(talk: Talk) -> None:
    talk.group.ok.say(RESIDENT, "хвс 152")
    talk.group.ok.events.drop_subscriptions()
    _, owed = await talk.bot.catch_up(talk.url, "")
    talk.group.clock.now += timedelta(days=1)
    talk.group.ok.faults = Faults(error_code=2)
    with pytest.raises(ChannelFailedError):
        await talk.bot.catch_up(talk.url, owed)
    talk.group.clock.now += timedelta(days=1, hours=1)
    talk.group.ok.faults = Faults()

    missed, position = await talk.bot.catch_up(talk.url, owed)

    assert [update.said for update in missed] == [Text("хвс 152")]
    assert await talk.bot.catch_up(talk.url, position) == ((), position)


async def test_a_webhook_renewed_by_hand_is_caught_up_as_well(talk: Talk) -> None:
    _, position = await talk.bot.catch_up(talk.url, "")
    talk.group.ok.events.drop_subscriptions()
    talk.group.clock.now += timedelta(hours=9)
    talk.group.ok.say(RESIDENT, "хвс 152")
    await talk.bot.subscribe(talk.url)

    assert [update.said for update in await caught_up(talk, position)] == [Text("хвс 152")]


async def test_a_long_history_is_read_to_its_end(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.odnoklassniki_history.PAUSE_S", 0.0)
    monkeypatch.setattr("adapters.odnoklassniki_history.MESSAGES_PAGE", 2)
    monkeypatch.setattr("adapters.odnoklassniki_history.CHATS_PAGE", 1)
    talk.group.ok.start("neighbour", "")
    talk.group.ok.events.drop_subscriptions()
    for chat in (RESIDENT, "neighbour"):
        for number in range(5):
            talk.group.clock.now += timedelta(seconds=1)
            talk.group.ok.say(chat, str(number))

    missed = await caught_up(talk)

    assert len({update.key for update in missed}) == 10
    assert [update.order for update in missed] == sorted(update.order for update in missed)


async def test_a_polled_group_keeps_its_token_alive(talk: Talk) -> None:
    talk.group.ok.events.drop_subscriptions()

    assert await talk.bot.catch_up("", "17") == ((), "17")
    assert not talk.group.ok.events.subscriptions


async def test_a_platform_that_refuses_the_watch_says_why(talk: Talk) -> None:
    talk.group.ok.faults = Faults(error_code=102)

    with pytest.raises(ChannelFailedError, match="102 PARAM_SESSION_EXPIRED"):
        await talk.bot.catch_up(talk.url, "")
