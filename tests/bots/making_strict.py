"""A resident in a messenger that may carry nothing personal, and a browser to open its links in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from bots.simulator.surroundings import Surroundings
from storage.database import Pool, open_pool
from tests.bots.making_desk import text_of
from tests.conftest import Database
from tests.talking import Talk

CHANNEL: Final = "telegram"


@dataclass
class Strict:
    """A resident with an account in a strict messenger, and a browser."""

    talk: Talk
    around: Surroundings
    pool: Pool

    async def ask(self, words: str) -> dict[str, Any]:
        await self.talk.phone.do("say", text=words)
        return await self.next()

    async def press(self, label: str) -> dict[str, Any]:
        await self.talk.phone.press(label)
        return await self.next()

    async def next(self) -> dict[str, Any]:
        message = await self.talk.phone.next()
        assert message is not None
        return message

    async def account(self) -> int:
        """The number of the resident's account in the database."""
        async with self.pool.acquire() as db:
            return int(await db.fetchval("select account_id from account_link"))

    async def link(self, words: str = "баланс") -> str:
        """The address of the page that the answer to *words* is on."""
        return link_in(await self.ask(words))


def link_in(message: dict[str, Any]) -> str:
    return next(str(key["url"]) for row in message["buttons"] for key in row if key["kind"] == "link")


@asynccontextmanager
async def strictly(around: Surroundings, database: Database) -> AsyncIterator[Strict]:
    """A resident with an account, where the channel is strict."""
    around.service.set_mode(CHANNEL, "strict")
    async with open_pool(database.app) as pool, aiohttp.ClientSession() as http:
        talk = Talk(around, pool, http, CHANNEL)
        await talk.phone.do("start")
        await talk.phone.next()
        for words in ("подключить счёт", "согласен", around.accounts[0]["number"], "код"):
            await talk.phone.do("say", text=words)
            await talk.phone.next()
        await talk.phone.do("say", text=around.accounts[0]["code"])
        await talk.phone.next()
        yield Strict(talk, around, pool)


async def looked(browser: aiohttp.ClientSession, link: str) -> tuple[int, str]:
    async with browser.get(link) as page:
        return page.status, text_of(await page.text())


async def pressed(browser: aiohttp.ClientSession, link: str) -> tuple[int, str]:
    async with browser.post(link) as page:
        return page.status, text_of(await page.text())
