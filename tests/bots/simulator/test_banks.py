"""The demo's pay page offers several acquirers, and each one's money is booked once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from benchmarks.ports import free_port
from bots.clock import BusinessClock
from bots.configuration import Secrets
from bots.simulator.surroundings import simulated_configuration
from bots.wiring import keys_of, payment_settings_of
from core.money import Money
from core.questions import OpenPayment
from storage.database import Connection, Pool, open_pool
from storage.payments import open_payment
from storage.proof import verify
from tests.conftest import NOW, SECRETS, Database, Town
from tests.hurrying import hurried
from tests.storage.making_links import make_chat


@dataclass
class Payer:
    """Somebody with a link to pay all that is due on an account."""

    http: aiohttp.ClientSession
    pool: Pool
    link: str
    account: int
    kopecks: int


async def due_on(db: Connection, account: int) -> int:
    """What is due on *account*, in kopecks."""
    due: int = await db.fetchval("select owed - advance from balance where account_id = $1", account)
    return due


@pytest.fixture
async def payer(inhabited: Database, town: Town) -> AsyncIterator[Payer]:
    clock = BusinessClock()
    clock.set(NOW)
    configuration = simulated_configuration(free_port(), banks=True)
    settings = payment_settings_of(configuration, keys_of(Secrets(SECRETS)))
    async with (
        open_pool(inhabited.app, most=5) as pool,
        hurried(configuration, Secrets(SECRETS), pool=pool, clock=clock, codes=town.codes),
        aiohttp.ClientSession() as http,
    ):
        async with pool.acquire() as db:
            account = await db.fetchval(
                "select account_id from balance where owed > advance order by owed limit 1"
            )
            due = await due_on(db, account)
            chat = await make_chat(db, account)
            asked = OpenPayment(account, chat, Money(due), whole=True, at=NOW, source_ref="1")
            [link] = await open_payment(db, [asked], settings)
        yield Payer(http, pool, link.url, account, due)


async def test_the_pay_page_offers_every_acquirer(payer: Payer) -> None:
    async with payer.http.get(payer.link) as response:
        page = await response.text()

    assert re.findall(r'name="acquirer" value="(\w+)"', page) == ["yookassa", "sberbank", "simulated"]


@pytest.mark.parametrize(
    ("acquirer", "named"),
    [("yookassa", "Учебная ЮKassa"), ("sberbank", "Учебный Сбербанк"), ("simulated", "Учебный банк")],
)
async def test_whichever_is_chosen_the_money_is_booked(payer: Payer, acquirer: str, named: str) -> None:
    form = {"acquirer": acquirer, "kopecks": str(payer.kopecks)}
    async with payer.http.post(payer.link, data=form) as response:
        page, card = await response.text(), response.url
    assert f"<h1>{named}</h1>" in page

    async with payer.http.post(card, data={"choice": "pay"}) as response:
        assert response.status == 200

    async with payer.pool.acquire() as db:
        assert await due_on(db, payer.account) == 0
        assert await db.fetchval("select way from payment order by id desc limit 1") == f"acquirer:{acquirer}"
        assert await verify(db) == []
