from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bots.simulator.acquirer import AcquirerStandIn
from tests.bots.making_desk import Clock

SECRET = "made-up"


class Bank:
    """A stand-in alone, with the shop that it tells what happens."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.clock = Clock()
        self.http = http
        self.heard: list[str] = []
        self.deaf = 0
        self.stand_in = AcquirerStandIn(SECRET, self.clock, retries_s=(0.0, 0.0))
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        if self.deaf:
            self.deaf -= 1
            return web.Response(status=503)
        self.heard.append((await request.json())["operation"])
        return web.Response()

    async def create(self, key: str = "k1", secret: str = SECRET, **rest: Any) -> tuple[int, Any]:
        usual = {"kopecks": 10_000, "currency": "RUB", "description": "ЖКУ", "return_url": self.url}
        headers = {"Authorization": f"Bearer {secret}", "Idempotence-Key": key}
        async with self.http.post(
            f"{self.url}/payments", json={**usual, **rest}, headers=headers
        ) as response:
            return response.status, await response.json() if response.status == 200 else None

    async def query(self, operation: str) -> Any:
        headers = {"Authorization": f"Bearer {SECRET}"}
        async with self.http.get(f"{self.url}/payments/{operation}", headers=headers) as response:
            return await response.json() if response.status == 200 else response.status

    async def choose(self, url: str, choice: str) -> int:
        async with self.http.post(url, data={"choice": choice}, allow_redirects=False) as response:
            return response.status


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    async with aiohttp.ClientSession() as http:
        bank, shop = Bank(http), web.Application()
        shop.router.add_post("/notice", bank.hear)
        async with TestServer(shop) as shop_server, TestServer(bank.stand_in.app()) as server:
            bank.url = str(server.make_url("")).rstrip("/")
            bank.stand_in.notice_url = str(shop_server.make_url("/notice"))
            yield bank


async def test_the_same_key_is_the_same_payment(bank: Bank) -> None:
    assert await bank.create() == await bank.create()


async def test_a_key_is_not_used_for_another_payment(bank: Bank) -> None:
    await bank.create()

    assert (await bank.create(kopecks=10_001))[0] == 409


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ({"kopecks": 99}, 422),
        ({"kopecks": 35_000_001}, 422),
        ({"kopecks": "10000"}, 400),
        ({"currency": "USD"}, 400),
        ({"description": "я" * 129}, 400),
        ({"description": ""}, 400),
        ({"return_url": "javascript:alert(1)"}, 400),
        ({"key": ""}, 400),
        ({"key": "k" * 65}, 400),
        ({"secret": "wrong"}, 401),
    ],
)
async def test_what_a_strict_acquirer_refuses_is_refused(
    bank: Bank, rest: dict[str, Any], status: int
) -> None:
    assert (await bank.create(**rest))[0] == status


async def test_a_payer_pays_once_and_the_shop_hears_of_it(bank: Bank) -> None:
    _, payment = await bank.create()

    await bank.choose(payment["url"], "pay")
    await bank.choose(payment["url"], "refuse")
    await bank.stand_in.told()

    assert bank.heard == [payment["id"]]
    assert (await bank.query(payment["id"]))["status"] == "paid"


async def test_a_shop_that_is_deaf_is_told_again(bank: Bank) -> None:
    bank.deaf = 2
    _, payment = await bank.create()

    await bank.choose(payment["url"], "pay")
    await bank.stand_in.told()

    assert bank.heard == [payment["id"]]


async def test_notices_may_come_more_than_once(bank: Bank) -> None:
    bank.stand_in.faults.notices = 3
    _, payment = await bank.create()

    await bank.choose(payment["url"], "pay")
    await bank.stand_in.told()

    assert bank.heard == [payment["id"]] * 3


async def test_a_page_lives_for_an_hour(bank: Bank) -> None:
    _, payment = await bank.create()
    bank.clock.pass_hours(1)

    assert (await bank.query(payment["id"]))["status"] == "expired"
    async with bank.http.get(payment["url"]) as response:
        assert "уже завершён" in await response.text()


async def test_cut_off_it_has_created_and_down_it_has_not(bank: Bank) -> None:
    bank.stand_in.faults.cut_off = 1
    cut_off, _ = await bank.create()
    bank.stand_in.faults.down = True
    down, _ = await bank.create("k2")

    assert (cut_off, down) == (504, 502)
    assert len(bank.stand_in.payments) == 1


async def test_what_there_is_not_is_not_found(bank: Bank) -> None:
    assert await bank.query("nobody") == 404


async def test_a_description_is_shown_as_it_is(bank: Bank) -> None:
    _, payment = await bank.create(description="<b>ЖКУ</b>")

    async with bank.http.get(payment["url"]) as response:
        assert "&lt;b&gt;ЖКУ&lt;/b&gt;" in await response.text()
