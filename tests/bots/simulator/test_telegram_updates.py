"""Updates on their way from the stand-in for Telegram to the bot: by webhook and by getUpdates."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bots.simulator.residents import awaited
from tests.making_telegram import (
    BODIES,
    RESIDENT,
    Bot,
    a_body,
    a_bot,
    a_press,
    begin,
    keyboard,
    served,
    shape_of,
)


async def test_blocking_and_coming_back_are_told_to_the_bot(bot: Bot) -> None:
    bot.telegram.block(str(RESIDENT))
    bot.telegram.start(str(RESIDENT), "ls_4f2Qk9ZtB1")

    blocked, back, started = await bot.updates()

    for update, name in [(blocked, "in_my_chat_member_blocked"), (back, "in_my_chat_member_unblocked")]:
        assert shape_of(update["my_chat_member"]) == shape_of(a_body(name)["my_chat_member"])
    assert shape_of(started) == shape_of(a_body("in_message_start_deeplink"))
    assert started["message"]["text"] == "/start ls_4f2Qk9ZtB1"  # type: ignore[index]  # the shape was just compared


async def test_what_residents_do_looks_like_telegrams_own(bot: Bot) -> None:
    press = await a_press(bot)
    telegram, chat = bot.telegram, str(RESIDENT)
    telegram.say(chat, "хвс 152")
    telegram.contact(chat, "")
    for kind in ("voice", "sticker", "location", "document"):
        telegram.send(chat, kind)

    _, text, contact, *others = await bot.updates()

    assert shape_of(text) == shape_of(a_body("in_message_text"))
    own = a_body("in_message_contact_own")["message"]
    assert isinstance(own, dict)
    assert shape_of(contact["message"]["contact"]) == shape_of(own["contact"])  # type: ignore[index]  # seen above
    for update, name in zip(others, ("voice", "sticker", "location", "document_pdf"), strict=True):
        assert shape_of(update).keys() == shape_of(a_body(f"in_message_{name}")).keys()  # type: ignore[attr-defined]  # dicts
    assert press.keys() == a_body("in_callback_query")["callback_query"].keys()  # type: ignore[attr-defined]  # a dict


async def test_a_long_text_of_a_resident_arrives_in_several_messages(bot: Bot) -> None:
    bot.telegram.say(str(RESIDENT), "1" * 10_000)

    lengths = [len(update["message"]["text"]) for update in await bot.updates()]  # type: ignore[index]  # messages

    assert lengths == [4096, 4096, 1808]


@dataclass
class Webhook:
    """The bot's end of a webhook: answers as told, and keeps what came."""

    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    silence: asyncio.Event | None = None
    came: "asyncio.Queue[tuple[dict[str, str], bytes]]" = field(default_factory=asyncio.Queue)

    async def take(self, request: web.Request) -> web.Response:
        self.came.put_nowait((dict(request.headers), await request.read()))
        if self.silence and self.came.qsize() == 1:
            await self.silence.wait()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(
            status=status, headers=self.headers, text=self.body, content_type="application/json"
        )

    async def next_id(self) -> int:
        async with asyncio.timeout(5):
            _, body = await self.came.get()
        return int(json.loads(body)["update_id"])


@asynccontextmanager
async def a_webhook(bot: Bot, webhook: Webhook, **settings: object) -> AsyncIterator[Webhook]:
    app = web.Application()
    app.router.add_post("/in/telegram", webhook.take)
    async with served(app) as base:
        await bot.done(
            "setWebhook", url=f"{base}/in/telegram", secret_token="Wn3vQ2s_0aXk-77ZpLr4", **settings
        )
        yield webhook
        await bot.done("deleteWebhook")


async def test_an_update_is_posted_byte_for_byte_as_telegram_does(bot: Bot) -> None:
    async with a_webhook(bot, Webhook()) as webhook:
        bot.telegram.say(str(RESIDENT), "Передать показания: хвс 152")
        headers, body = await webhook.came.get()

    sample = (BODIES / "in_message_text.wire.json").read_bytes()
    assert headers["X-Telegram-Bot-Api-Secret-Token"] == "Wn3vQ2s_0aXk-77ZpLr4"
    assert headers["Content-Type"] == "application/json"
    assert body.isascii()
    assert body.split(b"\n")[0].rstrip(b"0123456789,") == sample.split(b"\n")[0].rstrip(b"0123456789,")
    assert shape_of(json.loads(body)) == shape_of(json.loads(sample))
    assert b", " not in body


async def test_an_update_comes_again_until_it_is_acknowledged(bot: Bot) -> None:
    async with a_webhook(bot, Webhook(answers=[500, 503, 302, 204])) as webhook:
        bot.telegram.say(str(RESIDENT), "раз")
        ids = [await webhook.next_id() for _ in range(4)]
        await bot.telegram.updates.drained()
        info = await bot.done("getWebhookInfo")

    assert len(set(ids)) == 1
    assert info["last_error_message"] == "Wrong response from the webhook: 302 Found"
    assert info["pending_update_count"] == 0


async def test_a_chat_waits_for_its_first_message_while_others_and_presses_go_on(bot: Bot) -> None:
    await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1))
    bot.telegram.start("77", "")
    first = await bot.updates()
    await bot.call("getUpdates", offset=int(str(first[-1]["update_id"])) + 1)
    webhook = Webhook(answers=[500], headers={"Retry-After": "3600"})

    async with a_webhook(bot, webhook):
        bot.telegram.updates._retry_scale = 1.0
        bot.telegram.say(str(RESIDENT), "раз")
        refused = await webhook.next_id()
        bot.telegram.say(str(RESIDENT), "два")
        bot.telegram.say("77", "три")
        bot.telegram.press(str(RESIDENT), 2, "x")
        others = {await webhook.next_id(), await webhook.next_id()}

    assert others == {refused + 2, refused + 3}
    assert list(bot.telegram.updates.pending)[:2] == [refused, refused + 1]


async def test_updates_of_a_chat_arrive_in_order(bot: Bot) -> None:
    async with a_webhook(bot, Webhook(answers=[500, 200, 500, 500])) as webhook:
        for number in range(20):
            bot.telegram.say(str(RESIDENT), str(number))
        await bot.telegram.updates.drained()

    texts = [json.loads(webhook.came.get_nowait()[1])["message"]["text"] for _ in range(webhook.came.qsize())]
    assert list(dict.fromkeys(texts)) == [str(number) for number in range(20)]
    assert len(texts) == 23


async def test_a_press_that_nobody_takes_is_given_up() -> None:
    async with a_bot(press_lifetime_s=0.05) as bot:
        await begin(bot)
        await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1))
        async with a_webhook(bot, Webhook(answers=[500] * 10_000)) as webhook:
            bot.telegram.press(str(RESIDENT), 2, "x")
            await bot.telegram.updates.drained()

    assert webhook.came.qsize() >= 1


async def test_an_update_that_nobody_answers_comes_again() -> None:
    silence = asyncio.Event()
    async with a_bot(webhook_timeout_s=0.05) as bot:
        await begin(bot)
        async with a_webhook(bot, Webhook(silence=silence)) as webhook:
            bot.telegram.say(str(RESIDENT), "раз")
            await bot.telegram.updates.drained()
            info = await bot.done("getWebhookInfo")
            silence.set()

    assert webhook.came.qsize() == 2
    assert info["last_error_message"] == "Read timeout expired"


async def test_a_call_in_the_acknowledgement_is_done(bot: Bot) -> None:
    body = (BODIES / "webhook_reply_sendMessage.json").read_text()

    async with a_webhook(bot, Webhook(body=body)):
        bot.telegram.say(str(RESIDENT), "раз")
        await bot.telegram.updates.drained()
        log = bot.telegram.log(str(RESIDENT))
        [done] = await awaited(lambda: bot.shown(after=2), [log], 5)

    assert (done["text"], done["menu"]) == ("Принято", "removed")


async def test_only_the_kinds_asked_for_are_delivered(bot: Bot) -> None:
    await bot.call("getUpdates", allowed_updates=["message"])
    bot.telegram.block(str(RESIDENT))
    bot.telegram.start(str(RESIDENT), "")

    assert [list(update)[1] for update in await bot.updates()] == ["message"]


async def test_polling_is_refused_while_a_webhook_is_set(bot: Bot) -> None:
    async with a_webhook(bot, Webhook()):
        refused = await bot.call("getUpdates")

    assert refused == (409, a_body("err_409_conflict_webhook"))


async def test_of_two_pollers_the_first_is_sent_away(bot: Bot) -> None:
    first = asyncio.create_task(bot.call("getUpdates", timeout=30))
    async with asyncio.timeout(5):
        while bot.telegram.updates._poll is None:  # noqa: ASYNC110 - the stand-in says to nobody that a poll waits
            await asyncio.sleep(0)
    second = asyncio.create_task(bot.updates())

    status, answer = await first
    bot.telegram.say(str(RESIDENT), "раз")

    assert status == 409
    assert str(answer["description"]).startswith("Conflict: terminated by other getUpdates request")
    assert len(await second) == 1


async def test_updates_stay_until_a_higher_offset_confirms_them(bot: Bot) -> None:
    for text in ("раз", "два", "три"):
        bot.telegram.say(str(RESIDENT), text)

    seen = [int(str(update["update_id"])) for update in await bot.updates()]
    again = await bot.updates()
    rest = await bot.updates(offset=seen[1])
    last = await bot.updates(offset=-1)

    assert seen == list(range(seen[0], seen[0] + 3))
    assert len(again) == 3
    assert [update["update_id"] for update in rest] == seen[1:]
    assert [update["update_id"] for update in last] == seen[2:]
