"""What the stand-in for MAX tells a bot, and how it goes on until it is heard."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bots.simulator.max.updates import RETRIES_S
from bots.simulator.residents import Picture, ResidentRefusedError
from tests.making_max import RESIDENT, SECRET, TOKEN, Bot, a_body, a_bot
from tests.making_telegram import a_picture, shape_of


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which one resident may be written."""
    async with a_bot() as bot:
        yield bot


KINDS: dict[str, Any] = {
    "in_bot_started": lambda stand_in: stand_in.start(RESIDENT, ""),
    "in_bot_started_payload": lambda stand_in: stand_in.start(RESIDENT, "acc-1"),
    "in_message_created_text": lambda stand_in: stand_in.say(RESIDENT, "Баланс"),
    "in_message_created_contact_own": lambda stand_in: stand_in.contact(RESIDENT, ""),
    "in_message_created_location": lambda stand_in: stand_in.send(RESIDENT, "location"),
    "in_message_created_sticker": lambda stand_in: stand_in.send(RESIDENT, "sticker"),
    "in_message_created_audio": lambda stand_in: stand_in.send(RESIDENT, "voice"),
    "in_message_created_file_pdf": lambda stand_in: stand_in.send(RESIDENT, "document"),
    "in_message_created_without_message": lambda stand_in: stand_in.send(RESIDENT, "unshown"),
    "in_message_created_image": lambda stand_in: stand_in.photo(
        RESIDENT, Picture("a.png", "image/png", a_picture()), "счётчик"
    ),
    "in_dialog_muted": lambda stand_in: stand_in.mute(RESIDENT),
    "in_dialog_unmuted": lambda stand_in: stand_in.unmute(RESIDENT),
    "in_dialog_cleared": lambda stand_in: stand_in.clear(RESIDENT),
}
LEFT_OUT = {"avatar_url", "full_avatar_url", "text"}


def _without_leaves(shape: Any) -> Any:
    if not isinstance(shape, dict):
        return shape
    return {name: _without_leaves(value) for name, value in shape.items() if name not in LEFT_OUT}


@pytest.mark.parametrize(("name", "do"), KINDS.items())
async def test_updates_have_the_form_of_the_samples(bot: Bot, name: str, do: Any) -> None:
    await bot.subscribe()
    do(bot.max)
    await bot.max.updates.drained()

    assert _without_leaves(shape_of(bot.heard.updates[-1])) == _without_leaves(shape_of(a_body(name)))


async def test_a_stop_and_the_removal_of_the_dialog_come_together(bot: Bot) -> None:
    await bot.subscribe()
    bot.max.block(RESIDENT)
    await bot.max.updates.drained()

    stopped, removed = bot.heard.updates
    assert (stopped["update_type"], removed["update_type"]) == ("bot_stopped", "dialog_removed")
    assert {**stopped, "update_type": ""} == {**removed, "update_type": ""}
    assert (await bot.send())[0] == 403
    with pytest.raises(ResidentRefusedError):
        bot.max.say(RESIDENT, "Меню")


async def test_an_own_contact_is_signed_with_the_token(bot: Bot) -> None:
    await bot.subscribe()
    bot.max.contact(RESIDENT, "")
    bot.max.contact(RESIDENT, "+79035550199")
    await bot.max.updates.drained()

    own, foreign = (each["message"]["body"]["attachments"][0]["payload"] for each in bot.heard.updates)
    digest = hmac.new(TOKEN.encode(), own["vcf_info"].encode(), hashlib.sha256).hexdigest()
    assert (own["hash"], own["max_info"]["user_id"]) == (digest, bot.person)
    assert "hash" not in foreign


async def test_only_kinds_that_were_asked_for_are_posted_with_the_secret(bot: Bot) -> None:
    wanted = {"url": bot.webhook, "secret": SECRET, "update_types": ["message_created"]}
    await bot.done("POST", "subscriptions", wanted)
    bot.max.start(RESIDENT, "")
    bot.max.say(RESIDENT, "Меню")
    await bot.max.updates.drained()

    assert [each["update_type"] for each in bot.heard.updates] == ["message_created"]
    assert bot.heard.secrets == [SECRET]


async def test_what_is_not_acknowledged_comes_again_and_holds_nothing_up(bot: Bot) -> None:
    await bot.subscribe()
    bot.heard.statuses = [503]
    bot.max.say(RESIDENT, "раз")
    bot.max.say(RESIDENT, "два")
    async with asyncio.timeout(10):
        await bot.heard.again.wait()
    await bot.max.updates.drained()

    assert sorted(each["message"]["body"]["text"] for each in bot.heard.updates) == ["два", "раз", "раз"]


async def test_the_waits_between_tries_grow_as_the_platform_says() -> None:
    assert [round(pause_s) for pause_s in RETRIES_S[:4]] == [60, 150, 375, 938]
    assert len(RETRIES_S) == 10


async def test_a_webhook_that_never_answers_is_forgotten(bot: Bot) -> None:
    await bot.subscribe()
    bot.max.updates.removed_after_s = 0.0
    bot.heard.statuses = [500]
    bot.max.say(RESIDENT, "Меню")
    await bot.max.updates.drained()

    assert await bot.done("GET", "subscriptions") == {"subscriptions": []}


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://kvitok.example.org/hook"},
        {"url": "https://kvitok.example.org:8443/hook"},
        {"url": None},
        {"secret": "four"},
        {"secret": "with_line"},
    ],
)
async def test_a_subscription_that_cannot_be_is_refused_with_200(
    bot: Bot, changed: dict[str, object]
) -> None:
    wanted = a_body("out_subscribe.request") | changed
    answer = await bot.done("POST", "subscriptions", wanted)

    assert answer["success"] is False
    assert shape_of(answer) == shape_of(a_body("out_subscribe_refused.response"))


async def test_subscriptions_are_listed_and_ended(bot: Bot) -> None:
    wanted = a_body("out_subscribe.request")
    await bot.done("POST", "subscriptions", wanted)
    listed = await bot.done("GET", "subscriptions")

    assert shape_of(listed) == shape_of(a_body("out_subscriptions.response"))
    assert (await bot.done("DELETE", "subscriptions", url=wanted["url"]))["success"] is True
    assert (await bot.done("DELETE", "subscriptions", url=wanted["url"]))["success"] is False


async def test_nothing_is_polled_while_a_webhook_stands(bot: Bot) -> None:
    await bot.subscribe()
    bot.max.say(RESIDENT, "Меню")
    polled = await bot.done("GET", "updates", timeout=0, marker=0)

    assert polled["updates"] == []


async def test_a_poll_without_a_marker_gets_the_last_update_alone(bot: Bot) -> None:
    for words in ("раз", "два"):
        bot.max.say(RESIDENT, words)
    last = await bot.done("GET", "updates", timeout=0)
    all_of_them = await bot.done("GET", "updates", timeout=0, marker=0, types="message_created")

    assert [each["message"]["body"]["text"] for each in last["updates"]] == ["два"]
    assert [each["message"]["body"]["text"] for each in all_of_them["updates"]] == ["раз", "два"]
