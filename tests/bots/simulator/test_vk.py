"""The stand-in for VK over real HTTP, without our adapter: every limit and every error of its API."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bots.simulator.residents import Picture, ResidentRefusedError
from bots.simulator.vk import Faults, VkStandIn

BODIES = Path(__file__).parents[2] / "bodies" / "vk"
TOKEN = "vk1.a.made-up-for-tests"
GROUP = 229000111
RESIDENT = 571204488
CODE = "d8v2ve07"
SECRET = "kq7Zr2xV9sT4mPwL"


def a_picture(width: int = 800, height: int = 533) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(8)


@dataclass
class Clock:
    now: datetime = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bot:
    """A bot without a library: calls by hand."""

    session: aiohttp.ClientSession
    base: str
    vk: VkStandIn
    clock: Clock

    async def call(self, method: str, **fields: Any) -> Any:
        form = {"v": "5.199"} | {name: str(value) for name, value in fields.items()}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.post(f"{self.base}/method/{method}", data=form, headers=headers) as answer:
            assert answer.status == 200
            return await answer.json()

    async def done(self, method: str, **fields: Any) -> Any:
        answer = await self.call(method, **fields)
        assert "response" in answer, answer
        return answer["response"]

    async def refused(self, method: str, **fields: Any) -> int:
        answer = await self.call(method, **fields)
        assert "error" in answer, answer
        return int(answer["error"]["error_code"])

    async def say(self, **fields: Any) -> Any:
        return await self.done("messages.send", **({"peer_id": RESIDENT, "random_id": 0} | fields))

    async def unsaid(self, **fields: Any) -> int:
        lawful = {"peer_id": RESIDENT, "random_id": 0, "message": "x"}
        return await self.refused("messages.send", **(lawful | fields))

    async def put(self, url: str, part: str, name: str, content: bytes) -> Any:
        form = aiohttp.FormData()
        form.add_field(part, content, filename=name, content_type="application/octet-stream")
        async with self.session.post(url, data=form) as answer:
            return await answer.json(content_type=None)

    def shown(self, after: int = 0) -> list[dict[str, Any]]:
        return self.vk.log(str(RESIDENT)).messages(after)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_bot(**settings: Any) -> AsyncIterator[Bot]:
    clock = Clock()
    made = {"retry_scale": 0.0, "calls_per_s": 1000} | settings
    vk = VkStandIn(token=TOKEN, group=GROUP, clock=clock, confirmation=CODE, **made)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes(vk.routes())
    async with served(app) as base, aiohttp.ClientSession() as session:
        await vk.open()
        try:
            yield Bot(session, base, vk, clock)
        finally:
            await vk.close()


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which one resident has written."""
    async with a_bot() as bot:
        bot.vk.start(str(RESIDENT), "")
        yield bot


@dataclass
class Webhook:
    """A callback server that answers as it is told, at last with `ok`, and remembers what came."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    came: list[tuple[dict[str, Any], str | None]] = field(default_factory=list)
    retry_after: str = ""
    came_twice: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        event = await request.json()
        if event["type"] == "confirmation":
            return web.Response(text=CODE)
        self.came.append((event, request.headers.get("X-Retry-Counter")))
        if len(self.came) == 2:
            self.came_twice.set()
        status, text = self.answers.pop(0) if self.answers else (200, "ok")
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        return web.Response(status=status, text=text, headers=headers)


@asynccontextmanager
async def a_webhook(bot: Bot, *answers: tuple[int, str]) -> AsyncIterator[Webhook]:
    webhook = Webhook(list(answers))
    app = web.Application()
    app.router.add_post("/in", webhook.take)
    async with served(app) as url:
        added = await bot.done(
            "groups.addCallbackServer", group_id=GROUP, url=f"{url}/in", title="kvitok", secret_key=SECRET
        )
        wanted = dict.fromkeys(("message_new", "message_event", "message_allow", "message_deny"), 1)
        await bot.done("groups.setCallbackSettings", group_id=GROUP, server_id=added["server_id"], **wanted)
        yield webhook


# --- What is taken and what is not ----------------------------------------------------------------


def text_button(label: str = "Да", **more: Any) -> dict[str, Any]:
    return {"action": {"type": "text", "label": label} | more}


def callback(payload: Any = '{"p":"x"}', label: str = "Да") -> dict[str, Any]:
    return {"action": {"type": "callback", "label": label, "payload": payload}, "color": "positive"}


def a_link(link: str = "https://pay.example/1") -> dict[str, Any]:
    return {"action": {"type": "open_link", "label": "Оплатить", "link": link}}


def inline(*rows: list[dict[str, Any]]) -> str:
    return json.dumps({"inline": True, "buttons": list(rows)})


def normal(*rows: list[dict[str, Any]], **more: Any) -> str:
    return json.dumps({"buttons": list(rows)} | more)


def formatted(**item: Any) -> str:
    return json.dumps({"version": 1, "items": [{"type": "bold", "offset": 0, "length": 1} | item]})


LAWFUL: dict[str, dict[str, Any]] = {
    "4096 characters": {"message": "я" * 4096},
    "10 buttons in 6 rows": {"keyboard": inline(*[[callback()] * 2] * 4, [callback()], [callback()])},
    "5 buttons in a row": {"keyboard": inline([callback()] * 5)},
    "two links in a row": {"keyboard": inline([a_link(), a_link()])},
    "40 buttons at the bottom": {"keyboard": normal(*[[text_button()] * 4] * 10)},
    "a keyboard for one press": {"keyboard": normal([text_button()], one_time=True)},
    "a keyboard taken away": {"keyboard": '{"buttons":[]}'},
    "a payload of 255 characters": {
        "keyboard": inline([callback(json.dumps("я" * 253, ensure_ascii=False))])
    },
    "a payload that is an object": {"keyboard": inline([callback({"p": "x"})])},
    "a label of 40 characters": {"keyboard": inline([callback(label="я" * 40)])},
    "bold": {"format_data": formatted()},
    "a link in the text": {"format_data": formatted(type="url", url="https://pay.example/1")},
    "a negative number against repeats": {"random_id": -(2**31)},
    "sample keyboard at the bottom": {"keyboard": (BODIES / "kb_main.json").read_text("utf-8")},
    "sample keyboard under the message": {"keyboard": (BODIES / "kb_inline.json").read_text("utf-8")},
}

REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "4097 characters": (914, {"message": "я" * 4097}),
    "nothing to say": (100, {"message": ""}),
    "blanks only": (100, {"message": " \n"}),
    "no number against repeats": (100, {"random_id": "x"}),
    "a number of more than 32 bits": (100, {"random_id": 2**31}),
    "no peer": (100, {"peer_id": "durov"}),
    "one who never wrote": (901, {"peer_id": 5}),
    "a chat that is none": (100, {"peer_id": -5}),
    "a keyboard that is no JSON": (911, {"keyboard": "{"}),
    "a keyboard that is a list": (911, {"keyboard": "[]"}),
    "no rows": (911, {"keyboard": '{"inline":true}'}),
    "an empty row": (911, {"keyboard": inline([])}),
    "7 rows": (911, {"keyboard": inline(*[[callback()]] * 7)}),
    "11 buttons": (911, {"keyboard": inline(*[[callback()] * 3] * 3, [callback()] * 2)}),
    "6 buttons in a row": (911, {"keyboard": inline([callback()] * 6)}),
    "three links in a row": (911, {"keyboard": inline([a_link()] * 3)}),
    "11 rows at the bottom": (911, {"keyboard": normal(*[[text_button()]] * 11)}),
    "41 buttons at the bottom": (911, {"keyboard": normal(*[[text_button()] * 5] * 8, [text_button()])}),
    "inline for one press": (911, {"keyboard": normal([callback()], inline=True, one_time=True)}),
    "a label of 41 characters": (911, {"keyboard": inline([callback(label="я" * 41)])}),
    "an empty label": (911, {"keyboard": inline([callback(label=" ")])}),
    "a payload of 256 characters": (911, {"keyboard": inline([callback(json.dumps("x" * 254))])}),
    "a payload that is no JSON": (911, {"keyboard": inline([callback("menu")])}),
    "an action that does not exist": (
        911,
        {"keyboard": inline([{"action": {"type": "phone", "label": "x"}}])},
    ),
    "a link that is none": (911, {"keyboard": inline([a_link("pay.example")])}),
    "a coloured link": (911, {"keyboard": inline([a_link() | {"color": "primary"}])}),
    "a colour that does not exist": (911, {"keyboard": inline([text_button() | {"color": "pink"}])}),
    "formatting beyond the text": (100, {"format_data": formatted(offset=1)}),
    "formatting of an unknown kind": (100, {"format_data": formatted(type="code")}),
    "a link without its address": (100, {"format_data": formatted(type="url")}),
    "formatting that is no JSON": (100, {"format_data": "bold"}),
    "formatting of another version": (100, {"format_data": '{"version":2,"items":[]}'}),
    "a file that is not there": (100, {"attachment": "photo-1_2_ab"}),
    "eleven files": (100, {"attachment": ",".join(["photo-1_2"] * 11)}),
    "more peers than 100": (100, {"peer_ids": ",".join(map(str, range(1, 102)))}),
}


@pytest.mark.parametrize("case", LAWFUL)
async def test_what_is_within_vks_limits_is_taken(bot: Bot, case: str) -> None:
    assert await bot.say(**({"message": "x"} | LAWFUL[case])) > 0


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_beyond_them_is_refused_with_vks_code(bot: Bot, case: str) -> None:
    code, fields = REFUSED[case]

    assert await bot.unsaid(**fields) == code


@pytest.mark.parametrize("name", ["err_901_no_permission", "err_914_too_long", "err_6_too_many_per_second"])
async def test_refusals_are_worded_as_vk_words_them(bot: Bot, name: str) -> None:
    wanted = json.loads((BODIES / f"{name}.json").read_text("utf-8"))["error"]
    bot.vk.faults = Faults(code=wanted["error_code"])

    error = (await bot.call("messages.send"))["error"]
    assert error["error_msg"] == wanted["error_msg"]
    assert error.keys() == wanted.keys()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("blacklisted", 900),
        ("private_settings", 902),
        ("deleted", 18),
        ("kicked", 917),
    ],
)
async def test_whom_the_community_may_not_write_to(bot: Bot, state: str, code: int) -> None:
    setattr(bot.vk.state.dialogues[RESIDENT], state, True)

    assert await bot.unsaid() == code


async def test_one_who_forbade_it_is_not_written_to_until_he_allows_it_again(bot: Bot) -> None:
    bot.vk.block(str(RESIDENT))
    assert await bot.unsaid() == 901

    bot.vk.unblock(str(RESIDENT))
    assert await bot.say(message="x") > 0


async def test_a_repeat_under_the_same_number_is_dropped_for_an_hour(bot: Bot) -> None:
    first = await bot.say(message="Принято", random_id=7)
    second = await bot.say(message="Принято", random_id=7)
    bot.vk.state.dialogues[RESIDENT].forget_repeats()
    third = await bot.say(message="Принято", random_id=7)

    assert first == second != third
    assert len([message for message in bot.shown() if message["from"] == "bot"]) == 2


async def test_without_a_number_nothing_is_dropped(bot: Bot) -> None:
    assert await bot.say(message="x", random_id=0) != await bot.say(message="x", random_id=0)


async def test_a_message_to_many_tells_of_each(bot: Bot) -> None:
    one, other = await bot.say(peer_ids=f"{RESIDENT},5", message="С 1 по 25 число", random_id=9)

    assert (one["peer_id"], one["conversation_message_id"], "error" in one) == (RESIDENT, 2, False)
    assert (other["message_id"], other["error"]["code"]) == (0, 901)


async def test_one_call_more_than_a_second_allows_is_refused() -> None:
    async with a_bot(calls_per_s=1) as bot:
        answers = [await bot.call("groups.getById") for _ in range(5)]

    codes = [answer["error"]["error_code"] for answer in answers if "error" in answer]
    assert set(codes) == {6}


async def test_a_thousand_messages_an_hour_to_one_resident(bot: Bot) -> None:
    for _ in range(1000):
        bot.vk.state.dialogues[RESIDENT].sent_at_s.append(asyncio.get_running_loop().time())

    assert await bot.unsaid() == 9


# --- Who may call ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "form", "code"),
    [
        ({"Authorization": "Bearer other"}, {"v": "5.199"}, 5),
        ({}, {"v": "5.199"}, 5),
        ({"Authorization": f"Bearer {TOKEN}"}, {}, 8),
        ({}, {"v": "5.199", "access_token": TOKEN}, 0),
    ],
)
async def test_a_call_needs_the_token_and_a_version(
    bot: Bot, headers: dict[str, str], form: dict[str, str], code: int
) -> None:
    async with bot.session.post(f"{bot.base}/method/groups.getById", data=form, headers=headers) as answer:
        body = await answer.json()

    assert body.get("error", {}).get("error_code", 0) == code


async def test_a_body_of_json_is_not_read(bot: Bot) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with bot.session.post(
        f"{bot.base}/method/groups.getById", json={"v": "5.199"}, headers=headers
    ) as answer:
        assert (await answer.json())["error"]["error_code"] == 8


async def test_a_method_that_does_not_exist_is_refused(bot: Bot) -> None:
    assert await bot.refused("messages.sendMessage") == 3


# --- Edits and presses ----------------------------------------------------------------------------


async def test_an_edit_changes_the_message_in_its_place(bot: Bot) -> None:
    await bot.say(message="Принять 152?", keyboard=inline([callback()]))

    await bot.done("messages.edit", peer_id=RESIDENT, cmid=2, message="Принято", keyboard=inline())

    *_, last = bot.shown()
    assert (last["text"], last["edited"], last["buttons"]) == ("Принято", True, [])


async def test_what_cannot_be_edited_is_refused(bot: Bot) -> None:
    await bot.say(message="x")
    edit: dict[str, Any] = {"peer_id": RESIDENT, "message": "y"}

    assert await bot.refused("messages.edit", **edit) == 100
    assert await bot.refused("messages.edit", cmid=9, **edit) == 100
    assert await bot.refused("messages.edit", cmid=1, **edit) == 15
    assert await bot.refused("messages.edit", cmid=2, keyboard=normal([text_button()]), **edit) == 911
    bot.clock.now += timedelta(hours=25)
    assert await bot.refused("messages.edit", cmid=2, **edit) == 909


async def pressed(bot: Bot) -> dict[str, Any]:
    """The event of a press on a button that the bot has shown."""
    await bot.say(message="Принять?", keyboard=inline([callback('{"p":"yes"}')]))
    async with a_webhook(bot) as webhook:
        bot.vk.press(str(RESIDENT), bot.shown()[-1]["id"], "yes")
        await bot.vk.events.drained()
    ((event, _),) = webhook.came
    fields: dict[str, Any] = event["object"]
    return fields


async def test_a_press_is_an_event_with_the_payload_as_a_value(bot: Bot) -> None:
    press = await pressed(bot)

    assert (press["payload"], press["conversation_message_id"]) == ({"p": "yes"}, 2)
    assert press.keys() == sample("in_message_event_callback_button")["object"].keys()


async def test_a_press_is_answered_once(bot: Bot) -> None:
    press = await pressed(bot)
    answer = {name: press[name] for name in ("event_id", "user_id", "peer_id")}
    snackbar = json.dumps({"type": "show_snackbar", "text": "Показание принято"})

    assert await bot.done("messages.sendMessageEventAnswer", event_data=snackbar, **answer) == 1
    assert bot.vk.log(str(RESIDENT)).notices(0) == [{"text": "Показание принято", "alert": False}]
    assert await bot.refused("messages.sendMessageEventAnswer", **answer) == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": 5},
        {"event_id": "x"},
        {"event_data": json.dumps({"type": "show_snackbar", "text": "я" * 91})},
        {"event_data": "{}"},
        {"event_data": "x" * 1001},
    ],
)
async def test_a_wrong_answer_to_a_press_is_refused(bot: Bot, wrong: dict[str, Any]) -> None:
    press = await pressed(bot)
    answer = {name: press[name] for name in ("event_id", "user_id", "peer_id")}

    assert await bot.refused("messages.sendMessageEventAnswer", **(answer | wrong)) == 100


async def test_a_press_is_answered_within_a_minute() -> None:
    async with a_bot(press_lifetime_s=0.0) as bot:
        bot.vk.start(str(RESIDENT), "")
        press = await pressed(bot)
        answer = {name: press[name] for name in ("event_id", "user_id", "peer_id")}

        assert await bot.refused("messages.sendMessageEventAnswer", **answer) == 100


async def test_an_old_client_sends_a_message_for_a_press() -> None:
    async with a_bot(old_client=True) as bot:
        bot.vk.start(str(RESIDENT), "")
        press = await pressed(bot)

    payload = json.loads(press["message"]["payload"])
    wanted = json.loads(sample("in_message_new_not_supported_button")["object"]["message"]["payload"])
    assert payload.keys() == wanted.keys()
    assert json.loads(payload["payload"]) == {"p": "yes"}


async def test_a_keyboard_at_the_bottom_types_its_label(bot: Bot) -> None:
    await bot.say(message="Меню ниже", keyboard=normal([text_button("Меню", payload='{"p":"menu"}')]))
    message = bot.shown()[-1]
    async with a_webhook(bot) as webhook:
        bot.vk.press(str(RESIDENT), message["id"], "menu")
        await bot.vk.events.drained()

    assert (message["menu"], message["buttons"][0][0]["kind"]) == ("shown", "menu")
    ((event, _),) = webhook.came
    said = event["object"]["message"]
    assert (said["text"], said["payload"]) == ("Меню", '{"p": "menu"}')


# --- Files ----------------------------------------------------------------------------------------


async def uploaded_picture(bot: Bot, content: bytes) -> Any:
    server = await bot.done("photos.getMessagesUploadServer", peer_id=RESIDENT)
    return await bot.put(server["upload_url"], "photo", "chart.png", content)


async def test_a_picture_is_uploaded_in_three_steps_and_shown(bot: Bot) -> None:
    stored = await uploaded_picture(bot, a_picture())
    (saved,) = await bot.done("photos.saveMessagesPhoto", **stored)
    name = f"photo{saved['owner_id']}_{saved['id']}_{saved['access_key']}"

    await bot.say(attachment=name)
    await bot.say(attachment=name, message="ещё раз")

    *_, last = bot.shown()
    assert (last["text"], last["files"][0]["type"]) == ("ещё раз", "image/png")


@pytest.mark.parametrize("content", [b"", b"GIF", a_picture(14_000, 700), a_picture(2100, 100)])
async def test_what_is_no_picture_is_answered_with_an_empty_list(bot: Bot, content: bytes) -> None:
    stored = await uploaded_picture(bot, content)

    assert stored["photo"] == "[]"
    assert await bot.refused("photos.saveMessagesPhoto", **stored) == 100


async def test_a_document_keeps_the_title_that_it_is_saved_with(bot: Bot) -> None:
    server = await bot.done("docs.getMessagesUploadServer", peer_id=RESIDENT, type="doc")
    stored = await bot.put(server["upload_url"], "file", "bill.pdf", b"%PDF")
    saved = await bot.done("docs.save", file=stored["file"], title="Квитанция.pdf")

    await bot.say(attachment=f"doc{saved['doc']['owner_id']}_{saved['doc']['id']}", message="Квитанция")

    (file,) = bot.shown()[-1]["files"]
    assert (file["name"], file["type"]) == ("Квитанция.pdf", "application/pdf")
    assert bot.vk.file(str(RESIDENT), file["url"].rpartition("/")[2]).content == b"%PDF"


@pytest.mark.parametrize(("name", "content"), [("song.mp3", b"ID3"), ("run.exe", b"MZ"), ("empty.pdf", b"")])
async def test_what_is_no_document_is_not_taken(bot: Bot, name: str, content: bytes) -> None:
    server = await bot.done("docs.getMessagesUploadServer", peer_id=RESIDENT, type="doc")

    assert "error" in await bot.put(server["upload_url"], "file", name, content)


async def test_a_file_for_one_who_may_not_be_written_to_is_not_begun(bot: Bot) -> None:
    bot.vk.block(str(RESIDENT))

    assert await bot.refused("photos.getMessagesUploadServer", peer_id=RESIDENT) == 901


# --- Events by callback ---------------------------------------------------------------------------


def sample(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return fields


async def test_a_first_word_brings_a_permission_and_the_message(bot: Bot) -> None:
    async with a_webhook(bot) as webhook:
        bot.vk.start("77", "ls_4f2Qk9ZtB1")
        await bot.vk.events.drained()

    (allowed, _), (begun, _) = webhook.came
    assert allowed["object"] == {"user_id": 77, "key": ""}
    assert begun.keys() == sample("in_message_new_ref_deeplink").keys()
    assert begun["object"]["message"]["ref"] == "ls_4f2Qk9ZtB1"
    assert json.loads(begun["object"]["message"]["payload"]) == {"command": "start"}
    assert (begun["secret"], begun["group_id"]) == (SECRET, GROUP)


async def test_a_text_is_posted_with_every_field_that_vk_posts(bot: Bot) -> None:
    async with a_webhook(bot) as webhook:
        bot.vk.say(str(RESIDENT), "хвс 152")
        await bot.vk.events.drained()

    ((event, again),) = webhook.came
    wanted = sample("in_message_new_text")
    assert (event.keys(), again) == (wanted.keys(), None)
    assert event["object"]["message"].keys() == wanted["object"]["message"].keys()


async def test_a_denial_is_told(bot: Bot) -> None:
    async with a_webhook(bot) as webhook:
        bot.vk.block(str(RESIDENT))
        await bot.vk.events.drained()

    ((event, _),) = webhook.came
    assert (event["type"], event["object"]) == ("message_deny", {"user_id": RESIDENT})


@pytest.mark.parametrize("answer", [(200, "OK"), (200, '"ok"'), (200, ""), (500, "ok"), (403, "")])
async def test_whatever_is_not_ok_is_posted_again_and_counted(bot: Bot, answer: tuple[int, str]) -> None:
    async with a_webhook(bot, answer, answer) as webhook:
        bot.vk.say(str(RESIDENT), "хвс 152")
        await bot.vk.events.drained()

    assert [again for _, again in webhook.came] == [None, "1", "2"]
    assert len({event["event_id"] for event, _ in webhook.came}) == 1


async def test_after_five_more_attempts_an_event_is_lost(bot: Bot) -> None:
    async with a_webhook(bot, *[(500, "")] * 9) as webhook:
        bot.vk.say(str(RESIDENT), "хвс 152")
        await bot.vk.events.drained()

    assert len(webhook.came) == 6


async def test_an_event_that_failed_holds_no_other() -> None:
    async with a_bot(retry_scale=1.0) as bot:
        bot.vk.start(str(RESIDENT), "")
        async with a_webhook(bot, (500, "")) as webhook:
            bot.vk.say(str(RESIDENT), "первое")
            bot.vk.say(str(RESIDENT), "второе")
            await webhook.came_twice.wait()

    assert [event["object"]["message"]["text"] for event, _ in webhook.came] == ["первое", "второе"]


async def test_the_word_remove_takes_the_server_away(bot: Bot) -> None:
    async with a_webhook(bot, (200, "remove")):
        bot.vk.say(str(RESIDENT), "remove")
        await bot.vk.events.drained()

    assert bot.vk.events.servers == {}


async def test_a_server_that_does_not_confirm_gets_nothing(bot: Bot) -> None:
    server = {"group_id": GROUP, "url": f"{bot.base}/nowhere", "title": "kvitok", "secret_key": SECRET}
    await bot.done("groups.addCallbackServer", **server)

    (listed,) = (await bot.done("groups.getCallbackServers", group_id=GROUP))["items"]
    assert listed["status"] == "failed"
    assert listed.keys() == sample("out_groups_getCallbackServers.response")["response"]["items"][0].keys()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title": "a title too long"}, 100),
        ({"secret_key": "k" * 51}, 100),
        ({"url": "bot.example.org"}, 100),
        ({"group_id": 5}, 15),
    ],
)
async def test_a_server_that_vk_would_not_add(bot: Bot, wrong: dict[str, Any], code: int) -> None:
    server = {"group_id": GROUP, "url": "https://bot.example.org", "title": "kvitok", "secret_key": SECRET}

    assert await bot.refused("groups.addCallbackServer", **(server | wrong)) == code


async def test_an_eleventh_server_is_refused(bot: Bot) -> None:
    server = {"group_id": GROUP, "url": "https://bot.example.org", "title": "kvitok"}
    for _ in range(10):
        await bot.done("groups.addCallbackServer", **server)

    assert await bot.refused("groups.addCallbackServer", **server) == 2000


# --- Events by long poll --------------------------------------------------------------------------


async def polling(bot: Bot) -> dict[str, str]:
    settings = {"group_id": GROUP, "enabled": 1, "api_version": "5.199", "message_new": 1}
    await bot.done("groups.setLongPollSettings", **settings)
    server: dict[str, str] = await bot.done("groups.getLongPollServer", group_id=GROUP)
    return server


async def check(bot: Bot, server: dict[str, str], **changed: str) -> dict[str, Any]:
    query = {"act": "a_check", "key": server["key"], "ts": server["ts"], "wait": "5"} | changed
    async with bot.session.get(server["server"], params=query) as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def test_a_poll_waits_for_events_and_tells_them_without_the_secret(bot: Bot) -> None:
    server = await polling(bot)
    waiting = asyncio.create_task(check(bot, server))
    await asyncio.sleep(0)
    bot.vk.say(str(RESIDENT), "хвс 152")

    answer = await waiting
    assert answer["ts"] == str(int(server["ts"]) + 1)
    assert answer["updates"][0].keys() == sample("lp_a_check.response")["updates"][0].keys()


async def test_a_poll_from_the_same_place_tells_the_same(bot: Bot) -> None:
    server = await polling(bot)
    bot.vk.say(str(RESIDENT), "хвс 152")

    assert await check(bot, server) == await check(bot, server)


async def test_a_poll_may_fail_in_three_ways(bot: Bot) -> None:
    server = await polling(bot)
    bot.vk.say(str(RESIDENT), "хвс 152")

    assert await check(bot, server, ts="999999") == {"failed": 3}
    bot.vk.events.forget()
    assert await check(bot, server) == {"failed": 1, "ts": str(bot.vk.events.ts)}
    bot.vk.events.renew_key()
    assert await check(bot, server) == {"failed": 2}


async def test_long_poll_is_off_until_it_is_switched_on(bot: Bot) -> None:
    assert await bot.refused("groups.getLongPollServer", group_id=GROUP) == 100


# --- Many calls in one, and what goes wrong on purpose --------------------------------------------


async def test_calls_in_one_tell_of_each(bot: Bot) -> None:
    bot.vk.start("571204489", "")
    bot.vk.block("571204489")

    assert await bot.done("execute", code=sample("out_execute.request")["form"]["code"]) == [
        bot.vk.state.dialogues[RESIDENT].messages[2].id,
        False,
    ]


async def test_more_than_25_calls_in_one_are_refused(bot: Bot) -> None:
    code = f"return [{'API.groups.getById({}),' * 26}];"

    assert await bot.refused("execute", code=code) == 13


async def test_a_server_in_between_may_fail(bot: Bot) -> None:
    bot.vk.faults = Faults(bad_gateway=True, times=1)

    async with bot.session.post(f"{bot.base}/method/messages.send") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")
    assert await bot.say(message="x") > 0


async def test_an_answer_may_be_lost_after_the_message_was_sent(bot: Bot) -> None:
    bot.vk.faults = Faults(lose_answer=True, only=frozenset({"messages.send"}), times=1)

    with pytest.raises(aiohttp.ClientError):
        await bot.say(message="Принято", random_id=7)

    await bot.say(message="Принято", random_id=7)
    assert [message["text"] for message in bot.shown()] == ["Начать", "Принято"]


SENDINGS = [
    "out_messages_send_peer_id",
    "out_messages_send_peer_ids",
    "out_messages_send_format_data",
    "out_messages_send_remove_keyboard",
    "out_messages_edit",
    "out_setActivity",
    "out_isMessagesFromGroupAllowed",
    "out_photo_1_getMessagesUploadServer",
    "out_doc_1_getMessagesUploadServer",
    "out_groups_addCallbackServer",
]


@pytest.mark.parametrize("name", SENDINGS)
async def test_every_sample_of_a_call_is_taken(bot: Bot, name: str) -> None:
    request = sample(f"{name}.request")
    for place in range(41):
        await bot.say(message=str(place))
    method = request["url"].rpartition("/")[2]
    form = {
        key: json.dumps(value) if isinstance(value, dict) else value for key, value in request["form"].items()
    }

    result = await bot.done(method, **form)

    wanted = BODIES / f"{name}.response.json"
    if wanted.exists():
        assert type(result) is type(json.loads(wanted.read_text("utf-8"))["response"])


# --- The residents' side --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "field"), [("voice", "attachments"), ("sticker", "attachments"), ("location", "geo")]
)
async def test_a_resident_sends_what_is_no_text(bot: Bot, kind: str, field: str) -> None:
    async with a_webhook(bot) as webhook:
        bot.vk.send(str(RESIDENT), kind)
        await bot.vk.events.drained()

    ((event, _),) = webhook.came
    assert event["object"]["message"][field]


async def test_a_photo_is_to_be_had_at_its_address(bot: Bot) -> None:
    async with a_webhook(bot) as webhook:
        bot.vk.photo(str(RESIDENT), Picture("meter.png", "image/png", a_picture()), "хвс 152")
        await bot.vk.events.drained()

    ((event, _),) = webhook.came
    sizes = event["object"]["message"]["attachments"][0]["photo"]["sizes"]
    async with bot.session.get(sizes[-1]["url"]) as answer:
        assert await answer.read() == a_picture()


async def test_what_no_phone_allows_is_refused_to_a_resident(bot: Bot) -> None:
    chat = str(RESIDENT)

    with pytest.raises(ResidentRefusedError, match="share"):
        bot.vk.contact(chat, "")
    with pytest.raises(ResidentRefusedError, match="never started"):
        bot.vk.say("5", "хвс")
    with pytest.raises(ResidentRefusedError, match="no button"):
        bot.vk.press(chat, bot.shown()[0]["id"], "x")
    bot.vk.block(chat)
    with pytest.raises(ResidentRefusedError, match="blocked"):
        bot.vk.say(chat, "хвс")


async def test_a_chat_of_many_is_begun_by_name_and_left_without_a_word(bot: Bot) -> None:
    async with a_webhook(bot) as webhook:
        bot.vk.start("-5", "")
        bot.vk.block("-5")
        await bot.vk.events.drained()

    ((event, _),) = webhook.came
    said = event["object"]["message"]
    assert (said["peer_id"], said["id"], said["text"][:6]) == (2_000_000_005, 0, "[club2")
    assert await bot.unsaid(peer_id=2_000_000_005) == 917


async def test_places_go_on_from_where_they_were_before_a_restart() -> None:
    async with a_bot(first_place=500) as bot:
        bot.vk.start(str(RESIDENT), "")

        assert [*bot.vk.state.dialogues[RESIDENT].messages] == [501]


async def test_bold_is_shown_bold_and_everything_is_escaped(bot: Bot) -> None:
    await bot.say(message="<К оплате>", format_data=formatted(offset=1, length=8))

    assert bot.shown()[-1]["html"] == "&lt;<b>К оплате</b>&gt;"
