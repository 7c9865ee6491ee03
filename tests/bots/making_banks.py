"""A pay desk at the stand-ins of real acquirers, with a town in a real database, all on loopback."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from ipaddress import ip_network
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.sberbank import Fiscal, Gateway, Sberbank, SberbankSettings
from adapters.yookassa import Yookassa, YookassaSettings
from benchmarks.ports import free_port
from bots.pages import pay_routes
from bots.paying import PayDesk
from bots.simulator.notices import Teller
from bots.simulator.sberbank import SberbankStandIn
from bots.simulator.yookassa import YookassaStandIn
from core.acquiring import Acquirer
from core.fiscal import ReceiptNeed
from core.requisites import Requisites
from storage.database import Connection, Pool
from storage.payments import PaymentSettings
from storage.proof import verify
from tests.bots.making_desk import Clock, text_of
from tests.making_money import CENTRE
from tests.storage.making_books import MAY, bill, make_town
from tests.storage.making_links import make_chat, make_link
from tests.storage.making_residents import KEYS

SECRET = "made-up-secret"
NOTICE_KEY = b"made-up-key"
RECIPIENT = Requisites(
    "МУП «ЕРКЦ Зареченска»",
    "5812345671",
    "581201001",
    "40702810600000012345",
    "Банк «Присурье»",
    "045655999",
    "30101810500000000999",
)
FISCAL = Fiscal(
    email="office@example.ru", sno="osn", inn="5812345671", address="https://pay.example.ru", agent=True
)

StandIn: TypeAlias = YookassaStandIn | SberbankStandIn
BANKS = ("yookassa", "sberbank", "sberbank by forms")


@dataclass
class Bank:
    """The desk with one acquirer, and what a payer, its staff and robots do."""

    pool: Pool
    desk: PayDesk
    stand_in: StandIn
    acquirer: Acquirer
    clock: Clock
    http: aiohttp.ClientSession
    url: str
    account: int
    chat: int

    @property
    def operations(self) -> list[str]:
        """Every payment that the acquirer has, the oldest first."""
        stand_in = self.stand_in
        return list(stand_in.payments if isinstance(stand_in, YookassaStandIn) else stand_in.orders)

    def give_back(self, operation: str, kopecks: int) -> None:
        """The acquirer's cabinet gives money back."""
        if isinstance(self.stand_in, YookassaStandIn):
            self.stand_in.give_back(operation, Decimal(kopecks).scaleb(-2))
        else:
            self.stand_in.give_back(operation, kopecks)

    def become_another_currency(self) -> None:
        self.stand_in.faults.currency = "USD" if isinstance(self.stand_in, YookassaStandIn) else "840"

    async def link(self, kopecks: int = 10_000, *, whole: bool = True) -> str:
        async with self.pool.acquire() as db:
            token = await make_link(
                db, self.account, kopecks=kopecks, whole=whole, chat=self.chat, settings=self.desk.settings
            )
        return f"{self.url}/p/{token}"

    async def press(self, link: str, kopecks: int = 10_000, **form: str) -> tuple[int, str]:
        """Press «Оплатить»; the status, and where it leads (or what it says)."""
        data = {"acquirer": self.acquirer.name, "kopecks": str(kopecks), **form}
        async with self.http.post(link, data=data, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or text_of(await response.text())

    async def begin(self, kopecks: int = 10_000) -> str:
        """Begin paying a new link; the acquirer's name of the payment."""
        status, where = await self.press(await self.link(kopecks, whole=False), kopecks)
        assert status == 303, where
        return self.operations[-1]

    async def paid_once(self, kopecks: int = 10_000) -> str:
        """Pay, and have it told."""
        operation = await self.begin(kopecks)
        self.stand_in.pay(operation)
        await self.stand_in.teller.told()
        return operation

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.pool.acquire() as db:
            return [dict(row) for row in await db.fetch(query)]

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows("select state from payment_attempt order by id")]

    async def books(self) -> list[int]:
        """What was received and given back, in kopecks; the books being proved."""
        async with self.pool.acquire() as db:
            assert await verify(db) == []
        return [row["amount"] for row in await self.rows("select amount from payment order by id")]

    async def told(self) -> list[str]:
        """What the chat is to hear of, by kind."""
        rows = await self.rows("select body::jsonb->>'type' as kind from event order by id")
        return [row["kind"] for row in rows]


def make_stand_in(kind: str, clock: Callable[[], Any], notice_url: str | None) -> StandIn:
    """The stand-in of *kind*; it tells nothing where *notice_url* is None."""
    teller = Teller((0.0, 0.05, 0.1))
    if kind == "yookassa":
        return YookassaStandIn("100500", SECRET, clock, notice_url, teller=teller)
    return SberbankStandIn(
        "ercc-api",
        SECRET,
        clock,
        forms=kind == "sberbank by forms",
        notice_url=notice_url,
        notice_key=NOTICE_KEY,
        teller=teller,
    )


def make_acquirer(
    stand_in: StandIn,
    http: aiohttp.ClientSession,
    base: str,
    *,
    receipts: bool = False,
    context: ssl.SSLContext | None = None,
) -> Acquirer:
    """The adapter that speaks to *stand_in* at *base*."""
    if isinstance(stand_in, YookassaStandIn):
        need = ReceiptNeed.EMAIL_OR_PHONE if receipts else ReceiptNeed.NONE
        settings = YookassaSettings(
            shop_id=stand_in.shop_id,
            secret=SECRET,
            base_url=f"{base}/v3",
            recipient=RECIPIENT,
            receipt=need,
            ssl=context,
        )
        return Yookassa(http, settings)
    gateway = Gateway.LEGACY if stand_in.forms else Gateway.ECOMMERCE
    return Sberbank(
        http,
        SberbankSettings(
            gateway=gateway,
            login=stand_in.login,
            password=SECRET,
            base_url=base,
            notice_key=NOTICE_KEY,
            fiscal=FISCAL if receipts else None,
            ssl=context,
        ),
    )


async def an_indebted_account(db: Connection) -> tuple[int, int]:
    """An account that owes 60.00 for heating and 40.00 for waste, and its chat."""
    [account] = await make_town(db)
    charged = {"heating": 6_000, "waste": 4_000}
    await bill(db, account, MAY, charged=charged, counted_until=date(2026, 6, 1))
    return account, await make_chat(db, account)


@asynccontextmanager
async def a_bank(
    kind: str, pool: Pool, *, notices: bool = True, receipts: bool = False
) -> AsyncIterator[Bank]:
    """A desk with the one acquirer of *kind*; whether it tells what happens is *notices*."""
    clock, port = Clock(), free_port()
    async with pool.acquire() as db, db.transaction():
        account, chat = await an_indebted_account(db)
    url, name = f"http://127.0.0.1:{port}", kind.partition(" ")[0]
    stand_in = make_stand_in(kind, clock, f"{url}/acquirers/{name}/notice" if notices else None)
    async with TestServer(stand_in.app()) as server, aiohttp.ClientSession() as http:
        base = str(server.make_url("")).rstrip("/")
        acquirer = make_acquirer(stand_in, http, base, receipts=receipts)
        desk = PayDesk(pool, {name: acquirer}, PaymentSettings(url, b"k" * 32), KEYS, CENTRE, clock)
        app = web.Application()
        # The stand-in tells as a proxy before us would have passed it on.
        app.add_routes(pay_routes(desk, trusted_proxies=[ip_network("127.0.0.1/32")]))
        async with TestServer(app, port=port):
            yield Bank(pool, desk, stand_in, acquirer, clock, http, url, account, chat)
