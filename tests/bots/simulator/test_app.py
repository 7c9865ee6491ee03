"""The simulator's page and the residents' JSON, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import aiohttp
import pytest
from aiohttp import web

from bots.simulator.app import simulator_app
from bots.simulator.telegram import TelegramStandIn

TOKEN = "7012345678:made-up-for-tests"
MOSCOW = timezone(timedelta(hours=3))
ACCOUNTS = [{"number": "40817012345", "code": "K7QF", "last_total": "3412.57", "meters": []}]
API = "/simulator/api"


@dataclass
class Town:
    """The parts that the simulator is given."""

    now: datetime = field(default=datetime(2026, 9, 21, 9, 41, tzinfo=MOSCOW))

    async def accounts(self) -> Sequence[object]:
        return ACCOUNTS

    def clock(self) -> datetime:
        return self.now

    async def set_clock(self, now: datetime) -> None:
        self.now = now


@dataclass
class Page:
    """What a browser or a script asks of the simulator."""

    session: aiohttp.ClientSession
    base: str

    async def get(self, path: str) -> object:
        async with self.session.get(self.base + path) as answer:
            assert answer.status == 200
            return await answer.json()

    async def messages(self, path: str) -> list[dict[str, object]]:
        found = await self.get(path)
        assert isinstance(found, list)
        return found

    async def post(self, path: str, body: object = None) -> dict[str, object]:
        async with self.session.post(self.base + path, json={} if body is None else body) as answer:
            found = await answer.json()
            assert isinstance(found, dict)
            return found | {"status": answer.status}

    async def bot(self, method: str, **fields: object) -> None:
        async with self.session.post(
            f"{self.base}/bot{TOKEN}/{method}", json={"chat_id": 101} | fields
        ) as answer:
            assert answer.status == 200, await answer.text()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    town = Town()
    telegram = TelegramStandIn(token=TOKEN, clock=town.clock)
    app = simulator_app([telegram], accounts=town.accounts, clock=town.clock, set_clock=town.set_clock)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        yield Page(session, f"http://{host}:{port}")
    await runner.cleanup()


async def test_a_newcomer_starts_and_reads_the_answer(page: Page) -> None:
    started = await page.post(f"{API}/telegram/101/start", {"payload": "ls_4f2Qk9"})
    await page.bot("sendMessage", text="<b>Здравствуйте</b>", parse_mode="HTML")

    first, second = await page.messages(f"{API}/telegram/101/messages")

    assert (started["status"], started["last"]) == (200, 1)
    assert (first["from"], first["text"]) == ("resident", "/start")
    assert second == {
        "id": 2,
        "from": "bot",
        "text": "Здравствуйте",
        "html": "<b>Здравствуйте</b>",
        "buttons": [],
        "files": [],
        "edited": False,
        "at": "2026-09-21T09:41:00+03:00",
        "menu": "",
    }


async def test_buttons_say_what_they_are_for(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")
    keyboard = [
        [{"text": "Принять", "callback_data": "m:1", "style": "success"}],
        [{"text": "Оплатить", "url": "https://pay.example.org/i/8K"}],
        [{"text": "Скопировать", "copy_text": {"text": "40817012345"}}],
    ]
    await page.bot("sendMessage", text="x", reply_markup={"inline_keyboard": keyboard})

    [message] = await page.messages(f"{API}/telegram/101/messages?after=1")

    assert message["buttons"] == [
        [{"id": "m:1", "label": "Принять", "kind": "press", "style": "success"}],
        [{"id": "link 1.0", "label": "Оплатить", "kind": "link", "url": "https://pay.example.org/i/8K"}],
        [{"id": "copy 40817012345", "label": "Скопировать", "kind": "copy"}],
    ]


async def test_a_long_poll_ends_with_the_first_message(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")
    waiting = asyncio.create_task(page.messages(f"{API}/telegram/101/messages?after=1&wait=30"))

    await page.bot("sendMessage", text="вот")

    assert [message["text"] for message in await waiting] == ["вот"]


async def test_a_long_poll_without_news_ends_empty(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")

    assert await page.messages(f"{API}/telegram/101/messages?after=1&wait=0.01") == []


async def test_an_edited_message_reaches_who_has_seen_it_before(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")
    await page.bot("sendMessage", text="до")
    [update] = await updates(page)
    await page.bot("editMessageText", message_id=update["message"]["message_id"] + 1, text="после")

    [edited] = await page.messages(f"{API}/telegram/101/messages?after=2")
    everything = await page.messages(f"{API}/telegram/101/messages")

    assert (edited["id"], edited["replaces"], edited["text"], edited["edited"]) == (3, 2, "после", True)
    assert [message["id"] for message in everything] == [1, 3]


async def updates(page: Page) -> "list[dict[str, dict[str, int]]]":
    async with page.session.post(f"{page.base}/bot{TOKEN}/getUpdates") as answer:
        found = await answer.json()
        assert isinstance(found["result"], list)
        return found["result"]


async def test_one_poll_serves_all_phones(page: Page) -> None:
    for chat in ("101", "102"):
        await page.post(f"{API}/telegram/{chat}/start")
    await page.bot("sendMessage", text="вот")

    found = await page.messages(f"{API}/news?chat=telegram:101:1&chat=telegram:102:1&wait=30")

    assert [(item["chat"], item["last"]) for item in found] == [("101", 2)]


async def test_a_chat_that_has_a_name_instead_of_a_number_works_too(page: Page) -> None:
    await page.post(f"{API}/telegram/anna/start")
    await page.post(f"{API}/telegram/anna/say", {"text": "баланс"})

    assert [message["text"] for message in await page.messages(f"{API}/telegram/anna/messages")] == [
        "/start",
        "баланс",
    ]


async def test_a_photo_is_sent_and_shown(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")
    await page.post(f"{API}/telegram/101/photo", {"caption": "хвс"})

    message = (await page.messages(f"{API}/telegram/101/messages"))[-1]

    assert message["text"] == "хвс"
    assert isinstance(message["files"], list)
    async with page.session.get(page.base + message["files"][0]["url"]) as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_document_of_the_bot_cannot_run_in_the_page(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")
    form = aiohttp.FormData({"chat_id": "101"}, quote_fields=False)
    form.add_field("document", b"<script>alert(1)</script>", filename="счёт.html")
    async with page.session.post(f"{page.base}/bot{TOKEN}/sendDocument", data=form) as sent:
        assert sent.status == 200

    [message] = await page.messages(f"{API}/telegram/101/messages?after=1")

    assert isinstance(message["files"], list)
    async with page.session.get(page.base + message["files"][0]["url"]) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Security-Policy"] == "sandbox"


HOSTILE = {
    "a script": ({"text": "<script>alert(1)</script>"}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
    "quotes": ({"text": "\"'&"}, "&quot;&#x27;&amp;"),
    "a script of a link": (
        {"text": '<a href="javascript:alert(1)">x</a>', "parse_mode": "HTML"},
        "x",
    ),
    "a link as an entity": (
        {
            "text": "x",
            "entities": [{"type": "text_link", "offset": 0, "length": 1, "url": "javascript:alert(1)"}],
        },
        '<a href="#" target="_blank" rel="noopener noreferrer">x</a>',
    ),
    "an attribute that breaks out": (
        {"text": '<a href="https://x.org/&quot; onclick=&quot;alert(1)">x</a>', "parse_mode": "HTML"},
        '<a href="https://x.org/&quot; onclick=&quot;alert(1)" target="_blank" rel="noopener noreferrer">x</a>',
    ),
    "an entity of no known kind": (
        {"text": "x", "entities": [{"type": "script", "offset": 0, "length": 1}]},
        "<span>x</span>",
    ),
    "entities that cross": (
        {
            "text": "abc",
            "entities": [
                {"type": "bold", "offset": 0, "length": 2},
                {"type": "italic", "offset": 1, "length": 2},
            ],
        },
        "<b>a<i>b</i></b><i>c</i>",
    ),
}


@pytest.mark.parametrize(("fields", "html"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_a_message_holds_is_safe_to_show(page: Page, fields: dict[str, object], html: str) -> None:
    await page.post(f"{API}/telegram/101/start")
    await page.bot("sendMessage", **fields)

    [message] = await page.messages(f"{API}/telegram/101/messages?after=1")

    assert message["html"] == html


async def test_the_accounts_to_try_are_listed(page: Page) -> None:
    assert await page.get(f"{API}/accounts") == ACCOUNTS


async def test_the_business_clock_is_told_and_moved(page: Page) -> None:
    before = await page.get(f"{API}/clock")
    moved = await page.post(f"{API}/clock", {"now": "2026-10-16T09:00:00+03:00"})

    assert before == {"now": "2026-09-21T09:41:00+03:00"}
    assert moved == {"now": "2026-10-16T09:00:00+03:00", "status": 200}


async def test_the_channels_and_their_commands_are_listed(page: Page) -> None:
    await page.bot("setMyCommands", commands=[{"command": "menu", "description": "Меню"}])

    assert await page.get(f"{API}/channels") == [
        {"name": "telegram", "title": "Telegram", "commands": [{"command": "menu", "description": "Меню"}]},
    ]


WRONG = {
    "an unknown channel": ("/icq/101/start", {}, 404),
    "a chat that nobody started": ("/telegram/5/say", {"text": "x"}, 404),
    "an unknown action": ("/telegram/101/dance", {}, 404),
    "no text": ("/telegram/101/say", {}, 400),
    "an empty text": ("/telegram/101/say", {"text": ""}, 400),
    "a text that is a number": ("/telegram/101/say", {"text": 5}, 400),
    "a body that is a list": ("/telegram/101/say", [], 400),
    "a payload that no link can hold": ("/telegram/101/start", {"payload": "а б"}, 400),
    "a message that is not there": ("/telegram/101/press", {"message": 9, "button": "x"}, 404),
    "a button that is not there": ("/telegram/101/press", {"message": 1, "button": "x"}, 404),
    "a message by name": ("/telegram/101/press", {"message": "1", "button": "x"}, 400),
    "an unknown thing to send": ("/telegram/101/send", {"kind": "money"}, 400),
    "a time that is none": ("/clock", {"now": "завтра"}, 400),
    "a time that no calendar goes on from": ("/clock", {"now": "9999-12-31T23:59:59+00:00"}, 400),
}


@pytest.mark.parametrize(("path", "body", "status"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_request_is_told_why(page: Page, path: str, body: object, status: int) -> None:
    await page.post(f"{API}/telegram/101/start")

    refused = await page.post(API + path, body)

    assert refused["status"] == status
    assert isinstance(refused["error"], str)


async def test_a_body_that_is_no_json_is_told_so(page: Page) -> None:
    async with page.session.post(f"{page.base}{API}/clock", data=b"{") as answer:
        assert (answer.status, await answer.json()) == (400, {"error": "the body is not JSON"})


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=nan"])
async def test_a_number_that_is_none_is_told_so(page: Page, query: str) -> None:
    await page.post(f"{API}/telegram/101/start")

    async with page.session.get(f"{page.base}{API}/telegram/101/messages?{query}") as answer:
        assert answer.status == 400


async def test_who_blocked_the_bot_must_unblock_before_writing(page: Page) -> None:
    await page.post(f"{API}/telegram/101/start")
    await page.post(f"{API}/telegram/101/block")

    refused = await page.post(f"{API}/telegram/101/say", {"text": "x"})
    await page.post(f"{API}/telegram/101/unblock")

    assert refused["status"] == 400
    assert (await page.post(f"{API}/telegram/101/say", {"text": "x"}))["status"] == 200


FOREIGN = {
    "another name for this machine": {"Host": "evil.example.org"},
    "another machine's address": {"Host": "192.0.2.7"},
    "a page of another site": {"Origin": "https://evil.example.org"},
    "a page without a place": {"Origin": "null"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
async def test_nobody_but_this_machine_is_answered(page: Page, headers: dict[str, str]) -> None:
    async with page.session.post(
        f"{page.base}{API}/clock", json={"now": "2030-01-01"}, headers=headers
    ) as answer:
        assert answer.status == 403
    assert await page.get(f"{API}/clock") == {"now": "2026-09-21T09:41:00+03:00"}


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
async def test_every_name_of_this_machine_is_answered(page: Page, host: str) -> None:
    async with page.session.get(page.base, headers={"Host": host, "Origin": f"http://{host}"}) as answer:
        assert answer.status == 200


async def test_the_page_asks_for_nothing_from_elsewhere(page: Page) -> None:
    async with page.session.get(page.base) as answer:
        html = await answer.text()
        policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html


@pytest.mark.parametrize("name", ["main.js", "phone.js", "style.css", "phone.css", "icon.svg", "meter.jpg"])
async def test_each_part_of_the_page_is_served(page: Page, name: str) -> None:
    async with page.session.get(f"{page.base}/page/{name}") as answer:
        assert answer.status == 200


async def test_nothing_else_is_served(page: Page) -> None:
    async with page.session.get(f"{page.base}/page/..%2Fapp.py") as answer:
        assert answer.status == 404


async def test_a_long_poll_does_not_hold_up_the_end() -> None:
    town = Town()
    telegram = TelegramStandIn(token=TOKEN, clock=town.clock)
    app = simulator_app([telegram], accounts=town.accounts, clock=town.clock, set_clock=town.set_clock)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        page = Page(session, f"http://{host}:{port}")
        await page.post(f"{API}/telegram/101/start")
        polls = [
            asyncio.create_task(page.messages(f"{API}/telegram/101/messages?after=1&wait=50")),
            asyncio.create_task(
                session.post(f"{page.base}/bot{TOKEN}/getUpdates", json={"offset": -1, "timeout": 50})
            ),
        ]
        while not telegram.log("101")._watchers:  # noqa: ASYNC110 - the log says to nobody that somebody waits
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await runner.cleanup()
        await asyncio.gather(*polls, return_exceptions=True)
