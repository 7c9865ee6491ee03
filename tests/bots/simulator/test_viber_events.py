"""How Viber brings events to a bot, and what residents do on their phones, against the stand-in alone."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bots.simulator.residents import Picture, ResidentRefusedError
from bots.simulator.viber.events import Manners
from tests.making_viber import (
    PNG,
    RESIDENT,
    Bot,
    a_body,
    a_bot,
    a_button,
    a_keyboard,
    begin,
    signature_of,
)

PHOTO = Picture("meter.png", "image/png", PNG)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which a resident has written."""
    async with a_bot() as bot:
        await begin(bot)
        yield bot


# --- Webhooks -------------------------------------------------------------------------------------


async def test_a_webhook_is_tried_before_it_is_taken(bot: Bot) -> None:
    bot.answers = [(500, "")]

    assert await bot.status("set_webhook", url=f"{bot.base}/hook") == 1
    assert (await bot.next("webhook")).body.keys() == a_body("in_webhook").keys()


@pytest.mark.parametrize("url", ["http://bot.example.org/hook", "bot.example.org", 5])
async def test_an_address_without_https_is_refused(bot: Bot, url: object) -> None:
    assert await bot.status("set_webhook", url=url) == 1


async def test_an_unknown_kind_of_event_is_refused(bot: Bot) -> None:
    assert await bot.status("set_webhook", url=f"{bot.base}/hook", event_types=["typing"]) == 3


async def test_only_what_was_asked_for_comes(bot: Bot) -> None:
    await bot.done("set_webhook", url=f"{bot.base}/hook", event_types=[])

    await bot.send(keyboard=a_keyboard(a_button(Rows=5)))
    bot.viber.say(RESIDENT, "да")
    await bot.viber.events.drained()

    kinds = [bot.heard.get_nowait().kind for _ in range(bot.heard.qsize())]
    assert kinds[-1] == "message"
    assert "failed" not in kinds


async def test_an_event_is_signed_and_signed_again_in_its_address(bot: Bot) -> None:
    bot.viber.say(RESIDENT, "хвс 152")
    event = await bot.next("message")

    assert event.signature == event.sig == signature_of(event.raw)


async def test_receipts_name_the_message(bot: Bot) -> None:
    answer = await bot.send()

    for kind in ("delivered", "seen"):
        receipt = await bot.next(kind)
        assert receipt.body["message_token"] == answer["message_token"]
        assert receipt.body.keys() == a_body(f"in_{kind}").keys()


async def test_an_event_comes_again_until_it_is_acknowledged_and_holds_the_next(bot: Bot) -> None:
    bot.answers = [(503, ""), (500, ""), (200, "")]

    bot.viber.say(RESIDENT, "раз")
    bot.viber.say(RESIDENT, "два")
    events = [await bot.next("message") for _ in range(4)]

    assert [event.body["message"]["text"] for event in events] == ["раз", "раз", "раз", "два"]
    assert len({event.body["message_token"] for event in events}) == 2


async def test_an_event_that_nobody_acknowledges_is_lost_in_the_end(bot: Bot) -> None:
    bot.answers = [(500, "")] * 7 + [(200, "")]

    bot.viber.say(RESIDENT, "раз")
    bot.viber.say(RESIDENT, "два")
    await bot.viber.events.drained()

    said = [bot.heard.get_nowait() for _ in range(bot.heard.qsize())]
    assert [each.body["message"]["text"] for each in said if each.kind == "message"] == ["раз"] * 7 + ["два"]


async def test_on_a_bad_day_events_come_twice_with_tokens_as_text_and_without_names(bot: Bot) -> None:
    bot.viber.events.manners = Manners(twice=True, tokens_as_text=True, nameless=True)

    bot.viber.say(RESIDENT, "раз")
    first, second = await bot.next("message"), await bot.next("message")

    assert first.raw == second.raw
    assert isinstance(first.body["message_token"], str)
    assert first.body["sender"].keys() == {"id"}


# --- Residents ------------------------------------------------------------------------------------

WELCOME = json.dumps(a_body("out_welcome_message.http_reply"))


async def test_who_opens_the_chat_sees_the_answer_and_begins_by_its_button() -> None:
    async with a_bot() as bot:
        bot.answers = [(200, WELCOME), (200, "")]

        bot.viber.start(RESIDENT, "ls_4f2")
        opened, subscribed, pressed = [
            await bot.next(kind) for kind in ("conversation_started", "subscribed", "message")
        ]

        assert opened.body["context"] == "ls_4f2"
        assert opened.body.keys() == a_body("in_conversation_started_context").keys()
        assert subscribed.body.keys() == a_body("in_subscribed").keys()
        assert pressed.body["message"] == {"type": "text", "text": "start"}
        assert pressed.body["silent"] is True
        [welcome] = bot.shown()
        assert (welcome["text"], welcome["menu"]) == (
            "Здравствуйте! Напишите номер лицевого счёта.",
            "shown",
        )


async def test_a_welcome_that_is_no_message_is_not_shown() -> None:
    async with a_bot() as bot:
        bot.answers = [(200, '{"type":"text"}')]

        bot.viber.start(RESIDENT, "")
        await bot.viber.events.drained()

        assert bot.shown() == []
        assert len(bot.viber.not_shown) == 1


async def test_a_subscriber_who_comes_by_a_link_is_announced_as_one(bot: Bot) -> None:
    bot.viber.start(RESIDENT, "ls_4f2")

    opened = await bot.next("conversation_started")

    assert (opened.body["subscribed"], opened.body["context"]) == (True, "ls_4f2")


async def pressed(bot: Bot, number: int, *buttons: dict[str, object]) -> dict[str, Any]:
    """What comes when the resident presses one of the *buttons*."""
    await bot.send(keyboard=a_keyboard(*buttons), min_api_version=7)
    message = bot.shown()[-1]
    keys = [key for row in message["buttons"] for key in row]
    bot.viber.press(RESIDENT, message["id"], keys[number]["id"])
    return (await bot.next("message")).body


async def test_a_press_is_a_text_that_equals_the_body_and_is_not_shown(bot: Bot) -> None:
    body = await pressed(bot, 0, a_button(ActionBody="m:bal", Silent=True))

    assert body["message"] == {"type": "text", "text": "m:bal"}
    assert body.keys() == a_body("in_message_button_reply").keys()
    assert bot.shown()[-1]["from"] == "bot"


async def test_a_press_that_is_not_silent_shows_its_label(bot: Bot) -> None:
    await pressed(bot, 0, a_button(ActionBody="m:bal", Text="Баланс"))

    assert (bot.shown()[-1]["from"], bot.shown()[-1]["text"]) == ("resident", "Баланс")


async def test_a_pressed_link_says_its_address(bot: Bot) -> None:
    link = a_button(ActionType="open-url", ActionBody="https://pay.example.org/i/8")

    assert (await pressed(bot, 1, a_button(), link))["message"]["text"] == "https://pay.example.org/i/8"


async def test_a_shared_phone_looks_like_any_contact(bot: Bot) -> None:
    own = await pressed(bot, 0, a_button(ActionType="share-phone"))
    bot.viber.contact(RESIDENT, "+79035550199")
    foreign = (await bot.next("message")).body

    assert own["message"]["contact"].keys() >= foreign["message"]["contact"].keys()
    assert foreign["message"]["contact"]["phone_number"] == "79035550199"


async def test_the_keyboard_is_the_last_messages(bot: Bot) -> None:
    await bot.send(
        keyboard=a_keyboard(a_button(Columns=3), a_button(Columns=3, ActionBody="m:y"), a_button())
    )
    await bot.send()

    with_keys, without = bot.shown()[-2:]
    assert [[key["id"] for key in row] for row in with_keys["buttons"]] == [["x", "y"], ["x"]]
    assert (with_keys["menu"], without["menu"]) == ("shown", "removed")


async def test_a_photo_can_be_fetched_where_the_event_says(bot: Bot) -> None:
    bot.viber.photo(RESIDENT, PHOTO, "счётчик")
    event = await bot.next("message")

    assert event.body["message"].keys() == a_body("in_message_picture")["message"].keys()
    async with bot.session.get(event.body["message"]["media"]) as answer:
        assert await answer.read() == PNG


@pytest.mark.parametrize(
    ("kind", "known"),
    [("sticker", "sticker"), ("location", "location"), ("document", "file"), ("url", "url")],
)
async def test_other_kinds_come_as_viber_writes_them(bot: Bot, kind: str, known: str) -> None:
    bot.viber.send(RESIDENT, kind)
    event = await bot.next("message")

    assert event.body["message"].keys() == a_body(f"in_message_{known}")["message"].keys()


async def test_a_phone_does_not_do_what_it_cannot(bot: Bot) -> None:
    for act in (
        lambda: bot.viber.say(RESIDENT, ""),
        lambda: bot.viber.send(RESIDENT, "telepathy"),
        lambda: bot.viber.press(RESIDENT, 1, "no such"),
        lambda: bot.viber.say("stranger", "да"),
        lambda: bot.viber.photo(RESIDENT, Picture("a", "image/webp", b""), ""),
        lambda: bot.viber.file(RESIDENT, "no such"),
    ):
        with pytest.raises(ResidentRefusedError):
            act()


async def test_who_left_says_nothing_before_coming_back(bot: Bot) -> None:
    bot.viber.block(RESIDENT)

    with pytest.raises(ResidentRefusedError, match="blocked"):
        bot.viber.say(RESIDENT, "да")
