"""A pay desk with its page, a stand-in acquirer and a town in a real database, all on loopback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.simulated import SimulatedAcquirer
from benchmarks.ports import free_port
from bots.pages import pay_routes
from bots.paying import PayDesk
from bots.simulator.acquirer import AcquirerStandIn
from storage.database import Pool
from storage.payments import PaymentSettings
from tests.making_money import CENTRE
from tests.storage.making_books import MAY, NOW, bill, make_town
from tests.storage.making_links import make_chat, make_link
from tests.storage.making_residents import KEYS

SECRET = "made-up-secret"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Clock:
    """A business clock that a test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_hours(self, hours: float) -> None:
        self.now += timedelta(hours=hours)


@dataclass
class World:
    """All of it, with what a payer does."""

    pool: Pool
    desk: PayDesk
    acquirer: AcquirerStandIn
    clock: Clock
    http: aiohttp.ClientSession
    url: str
    account: int
    chat: int
    news: list[None]

    async def link(self, kopecks: int = 10_000, *, whole: bool = True) -> str:
        """The address of a new link."""
        async with self.pool.acquire() as db:
            token = await make_link(
                db, self.account, kopecks=kopecks, whole=whole, chat=self.chat, settings=self.desk.settings
            )
        return f"{self.url}/p/{token}"

    async def get(self, url: str) -> tuple[int, str]:
        async with self.http.get(url) as response:
            return response.status, text_of(await response.text())

    async def press_pay(self, link: str, kopecks: int = 10_000) -> tuple[int, str]:
        """Press «Оплатить»; the status, and where it leads (or what it says)."""
        form = {"acquirer": "simulated", "kopecks": str(kopecks)}
        async with self.http.post(link, data=form, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or text_of(await response.text())

    async def choose(self, card_page: str, choice: str = "pay") -> str:
        """Press a button on the acquirer's page; what the payer then sees."""
        async with self.http.post(card_page, data={"choice": choice}) as response:
            return text_of(await response.text())

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.pool.acquire() as db:
            return [dict(row) for row in await db.fetch(query)]

    async def states(self) -> list[str]:
        """Where each go at paying stands."""
        return [row["state"] for row in await self.rows("select state from payment_attempt order by id")]

    async def paid(self) -> list[int]:
        """The payments in the books, in kopecks."""
        return [row["amount"] for row in await self.rows("select amount from payment order by id")]

    async def notify(self, operation: str) -> int:
        """A notice about *operation*, from whomever; the status it gets."""
        url = f"{self.url}/acquirers/simulated/notice"
        async with self.http.post(url, json={"operation": operation}) as response:
            return response.status

    async def post_unfinished(self, url: str, *, length: int = 100) -> int:
        """Post a body that is said to be so long and never ends; the status it gets."""
        host, _, path = url.removeprefix("http://").partition("/")
        reader, writer = await asyncio.open_connection(*host.split(":"))
        head = f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
        writer.write(f"{head}a=".encode())
        try:
            return int((await reader.readline()).split()[1])
        finally:
            writer.close()


def text_of(html: str) -> str:
    """What a page says, without its marks."""
    body = html.partition("<main>")[2] or html
    text = unescape(re.sub(r"<[^>]+>", "\n", body)).replace("\N{NO-BREAK SPACE}", " ")
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


@asynccontextmanager
async def a_world(pool: Pool, *, notices: bool = True) -> AsyncIterator[World]:
    """One account that owes 100.00 for May; whether the acquirer tells what happens is *notices*."""
    clock, news, port = Clock(), list[None](), free_port()
    async with pool.acquire() as db, db.transaction():
        [account] = await make_town(db)
        await bill(db, account, MAY, charged={"heating": 10_000}, counted_until=date(2026, 6, 1))
        chat = await make_chat(db, account)
    url = f"http://127.0.0.1:{port}"
    notice_url = f"{url}/acquirers/simulated/notice" if notices else None
    stand_in = AcquirerStandIn(SECRET, clock, notice_url, retries_s=(0.0, 0.05, 0.1))
    async with TestServer(stand_in.app()) as bank, aiohttp.ClientSession() as http:
        acquirer = SimulatedAcquirer(http, base_url=str(bank.make_url("")), secret=SECRET)
        settings = PaymentSettings(url, b"k" * 32)
        desk = PayDesk(
            pool, {"simulated": acquirer}, settings, KEYS, CENTRE, clock, news=lambda: news.append(None)
        )
        app = web.Application()
        app.add_routes(pay_routes(desk))
        async with TestServer(app, port=port):
            yield World(pool, desk, stand_in, clock, http, url, account, chat, news)
