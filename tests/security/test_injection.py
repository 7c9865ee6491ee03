"""What residents, billing and staff write stays text: on every channel, on every page, in every address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import aiohttp
import pytest

from bots.simulator.surroundings import Surroundings
from core.channel import RenderedFile
from storage.cases import answer_case
from storage.database import Pool, open_pool
from tests.conftest import NOW, Database
from tests.phones import TranscriptError
from tests.platforms import PLATFORMS
from tests.talking import Talk

# Markup of every messenger at once, a mention of everybody, a link, a tag, and what templates expand.
HOSTILE = "<b>&lt;\"'`*_~[зло](javascript:alert(1))[id1|Павел]@all #x {{7*7}} ${7*7}</a>"
TAGS = ("<b>&lt;", "<script", 'href="javascript', "id1</a>", "49")
# What a resident may call an account: the same, in as many letters as a name has.
NAMES = ("x<b>&lt;\"'`*_~[зло](j:x)@all#x", "x{{7*7}}${7*7}[id1|Павел]</a>")


@pytest.fixture
async def pool(inhabited: Database) -> AsyncIterator[Pool]:
    async with open_pool(inhabited.app) as pool:
        async with pool.acquire() as db:
            await db.execute("update service set name = $1", f"Отопление {HOSTILE}")
            await db.execute("update provider set name = $1", f"ООО {HOSTILE}")
            # Of an address this is the part that is shown unmasked.
            await db.execute("update house set house = $1", HOSTILE)
        yield pool


async def heard(talk: Talk, said: str) -> list[dict[str, Any]]:
    """Whatever the bot answers to *said*, to its end."""
    await talk._say(said)
    return await read(talk)


async def read(talk: Talk) -> list[dict[str, Any]]:
    """Whatever the bot says now."""
    first = await talk.phone.next()
    assert first is not None
    try:
        await talk._expect_silence()
    except TranscriptError:
        rest, talk.phone.unread = talk.phone.unread, []
        return [first, *rest]
    return [first]


async def bill(talk: Talk) -> list[dict[str, Any]]:
    """The bill's lines, by the button under the balance."""
    [balance] = await heard(talk, "баланс")
    keys = [str(key["id"]) for row in balance["buttons"] for key in row if key["kind"] == "press"]
    detail = next(key for key in keys if key.startswith("bill:"))
    await talk.phone.do("press", message=balance["id"], button=detail)
    return await read(talk)


@pytest.mark.parametrize("channel", PLATFORMS)
async def test_what_others_wrote_is_shown_as_it_was_written(
    channel: str, around: Surroundings, pool: Pool
) -> None:
    async with aiohttp.ClientSession() as http:
        talk = Talk(around, pool, http, channel)
        await talk._link(talk.accounts[0])
        messages = await bill(talk)
        await heard(talk, "сотрудник")
        messages += await heard(talk, HOSTILE)
        async with pool.acquire() as db, db.transaction():
            # VK's mentions are theirs, not the resident's words.
            written = HOSTILE.replace("[id1|Павел]", "Павел") if channel == "vk" else HOSTILE
            assert await db.fetchval("select facts->>'question' from staff_case") == written
            await answer_case(db, 1, HOSTILE, now=NOW)
        answered = await talk.phone.next()
    assert answered is not None
    shown = " ".join(str(message["text"]) for message in [*messages, answered])
    html = " ".join(str(message["html"]) for message in [*messages, answered])

    assert HOSTILE in str(answered["text"])
    assert shown.count("[id1|Павел]") >= 2
    assert not [tag for tag in TAGS if tag in html]


@pytest.mark.parametrize("channel", PLATFORMS)
async def test_an_address_and_a_residents_own_names_of_it_are_shown_as_they_were_written(
    channel: str, around: Surroundings, pool: Pool
) -> None:
    async with aiohttp.ClientSession() as http:
        talk = Talk(around, pool, http, channel)
        await talk._link(talk.accounts[0])
        [addressed] = await heard(talk, "мои счета")
        messages = [addressed]
        for name in NAMES:
            await talk.phone.do("press", message=messages[-1]["id"], button=account_key(messages[-1]))
            messages += await read(talk)
            await heard(talk, "[Назвать]")
            messages += await heard(talk, name)
            messages += await heard(talk, "мои счета")
            # VK's mentions are theirs, not the resident's words.
            called = name.replace("[id1|Павел]", "Павел") if channel == "vk" else name
            assert called in messages[-1]["text"]
    html = " ".join(str(message["html"]) for message in messages)
    labels = [str(key["label"]) for row in messages[-1]["buttons"] for key in row]

    assert HOSTILE in addressed["text"]
    assert called in labels
    assert not [tag for tag in TAGS if tag in html]


def account_key(message: dict[str, Any]) -> str:
    """The button of the one account on the list of accounts."""
    keys = [str(key["id"]) for row in message["buttons"] for key in row]
    return next(key for key in keys if key.startswith("acc:"))


async def test_pages_show_names_and_sums_as_text(around: Surroundings, pool: Pool) -> None:
    around.service.set_mode("telegram", "strict")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        talk = Talk(around, pool, http, "telegram")
        await talk._link(talk.accounts[0])
        [message] = await bill(talk)
        [link] = [key["url"] for row in message["buttons"] for key in row if key["kind"] == "link"]
        async with http.post(str(link)) as page:
            html = (await page.text()).partition("</style>")[2]

    assert "[зло](javascript:alert(1))" in unescape(html)
    assert not [tag for tag in TAGS if tag in html]


@pytest.mark.parametrize(
    "words",
    [
        "\x00баланс",
        "\u202eсналаб",
        "баланс\r\nX-Header: 1",
        "\ud83d".encode("utf-8", "replace").decode(),
        "'; drop table outbox; --",
    ],
)
async def test_odd_letters_break_no_talk(words: str, around: Surroundings, pool: Pool) -> None:
    async with aiohttp.ClientSession() as http:
        for channel in PLATFORMS:
            talk = Talk(around, pool, http, channel)
            await heard(talk, "start")

            assert await heard(talk, words)


async def test_a_files_name_adds_no_header(around: Surroundings, pool: Pool) -> None:
    evil = 'a".pdf\r\nSet-Cookie: a=b; filename=../../x'
    file = RenderedFile(name=evil, body=b"%PDF", sha256="00" * 32, media_type="application/pdf")
    async with pool.acquire() as db, aiohttp.ClientSession() as http:
        await db.execute(
            "insert into chat (channel, private, created_at, last_seen_at) values ('viber', true, now(), now())"
        )
        chat = await db.fetchval("select id from chat")
        published = await around.service.deliveries["viber"]._publish(chat, [file])  # type: ignore[misc]  # it is there
        assert await db.fetchval("select count(*) from file_address") == 1
        async with http.get(published[file.sha256]) as answer:
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers
            assert "\n" not in answer.headers["Content-Disposition"]
            assert "/" not in answer.headers["Content-Disposition"]
