"""The stand-in of a register.do gateway is as strict as its descriptions say, in both dialects."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bots.simulator.notices import Teller
from bots.simulator.sberbank import SberbankStandIn
from bots.simulator.sberbank_rules import mistake_in

NOW = datetime(2026, 10, 5, 8, 12, tzinfo=UTC)
ORDER = {
    "orderNumber": "018f3c2e7b1a7c449a532f6d1e8b0a11",
    "amount": 235_040,
    "currency": "643",
    "returnUrl": "https://pay.example.ru/r/4f9Zq2",
    "description": "Оплата ЖКУ",
    "sessionTimeoutSecs": 1200,
}


@dataclass
class Merchant:
    """A merchant at the stand-in, and what it was told."""

    bank: SberbankStandIn
    url: str
    http: aiohttp.ClientSession
    notices: list[dict[str, str]]
    answers: list[int]
    now: datetime = NOW

    async def ask(self, method: str, body: dict[str, Any], *, password: str = "made-up") -> dict[str, Any]:
        whole = {"userName": "ercc-api", "password": password, **body}
        if self.bank.forms:
            form = {
                name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
                for name, value in whole.items()
            }
            request = self.http.post(f"{self.url}/{method}", data=form)
        else:
            request = self.http.post(f"{self.url}/{method}", json=whole)
        async with request as response:
            assert response.status == 200
            answer: dict[str, Any] = await response.json()
            return answer

    async def registered(self, **rest: Any) -> str:
        return str((await self.ask("register.do", {**ORDER, **rest}))["orderId"])

    async def status(self, operation: str) -> dict[str, Any]:
        return await self.ask("getOrderStatusExtended.do", {"orderId": operation})


@pytest.fixture(params=[False, True], ids=["json", "forms"])
async def merchant(request: pytest.FixtureRequest) -> AsyncIterator[Merchant]:
    notices: list[dict[str, str]] = []
    answers: list[int] = []

    async def hear(request: web.Request) -> web.Response:
        notices.append(dict(request.query) or await request.json())
        return web.Response(status=answers.pop(0) if answers else 200)

    listener = web.Application()
    listener.router.add_route("*", "/notice", hear)
    async with TestServer(listener) as ear, aiohttp.ClientSession() as http:
        merchant: Merchant
        bank = SberbankStandIn(
            "ercc-api",
            "made-up",
            lambda: merchant.now,
            forms=request.param,
            notice_url=str(ear.make_url("/notice")),
            notice_key=b"k",
            teller=Teller((0.0, 0.0)),
        )
        async with TestServer(bank.app()) as server:
            merchant = Merchant(bank, str(server.make_url("")).rstrip("/"), http, notices, answers)
            yield merchant


def code(answer: dict[str, Any]) -> str:
    return str(answer.get("errorCode", "0"))


async def test_a_wrong_password_is_refused_with_the_code_of_many_things(merchant: Merchant) -> None:
    assert code(await merchant.ask("register.do", ORDER, password="wrong")) == "5"


async def test_the_other_dialect_is_not_understood(merchant: Merchant) -> None:
    merchant.bank.forms = not merchant.bank.forms
    login = {"userName": "ercc-api", "password": "made-up"}
    url, forms = f"{merchant.url}/register.do", merchant.bank.forms

    async with merchant.http.post(
        url, json=login if forms else None, data=None if forms else login
    ) as response:
        assert code(await response.json()) == "4"


async def test_an_order_number_is_used_once_for_ever(merchant: Merchant) -> None:
    await merchant.registered()
    merchant.now += timedelta(days=400)

    again = await merchant.ask("register.do", ORDER)

    assert code(again) == "1"
    assert "formUrl" not in again


async def test_an_order_is_found_by_either_number_and_tells_no_page(merchant: Merchant) -> None:
    operation = await merchant.registered()

    found = await merchant.ask("getOrderStatusExtended.do", {"orderNumber": ORDER["orderNumber"]})

    assert found["orderStatus"] == 0
    assert "formUrl" not in found
    assert operation in str(found["attributes"])


async def test_an_order_that_is_not_there_has_no_status(merchant: Merchant) -> None:
    assert "orderStatus" not in await merchant.status("nobody")


async def test_codes_come_as_texts_and_as_numbers(merchant: Merchant) -> None:
    kinds = {type((await merchant.status("nobody"))["errorCode"]) for _ in range(4)}

    assert kinds == {str, int}


async def test_an_order_is_over_when_its_time_is(merchant: Merchant) -> None:
    operation = await merchant.registered()
    merchant.now += timedelta(seconds=1200)

    status = await merchant.status(operation)

    assert (status["orderStatus"], status["actionCode"]) == (6, -2007)


async def test_a_part_that_went_back_has_the_status_of_a_whole_refund(merchant: Merchant) -> None:
    operation = await merchant.registered()
    merchant.bank.pay(operation)

    await merchant.ask("refund.do", {"orderId": operation, "amount": 35_040})

    status = await merchant.status(operation)
    assert status["orderStatus"] == 4
    assert status["paymentAmountInfo"] == {"depositedAmount": 200_000, "refundedAmount": 35_040}


async def test_a_refund_is_known_again_by_its_own_number(merchant: Merchant) -> None:
    operation = await merchant.registered()
    merchant.bank.pay(operation)
    body = {"orderId": operation, "amount": 35_040, "jsonParams": {"externalRefundId": "r1"}}

    answers = [code(await merchant.ask("refund.do", body)) for _ in range(2)]
    other = code(await merchant.ask("refund.do", {**body, "amount": 1}))

    assert (answers, other) == (["0", "0"], "5")
    assert merchant.bank.orders[operation].refunded == 35_040


async def test_more_than_was_paid_does_not_go_back(merchant: Merchant) -> None:
    operation = await merchant.registered()
    unpaid = await merchant.ask("refund.do", {"orderId": operation, "amount": 1})
    merchant.bank.pay(operation)

    paid = await merchant.ask("refund.do", {"orderId": operation, "amount": 235_041})

    assert (code(unpaid), code(paid)) == ("5", "5")


async def test_a_notice_is_given_up_after_three_times(merchant: Merchant) -> None:
    operation = await merchant.registered()
    merchant.answers += [503] * 9

    merchant.bank.pay(operation)
    await merchant.bank.teller.told()

    assert [notice["operation"] for notice in merchant.notices] == ["deposited"] * 3
    assert len(merchant.notices[0]["checksum"]) == 64


@pytest.mark.parametrize(
    ("wrong", "mistake"),
    [
        ({"orderNumber": "x" * 33}, (4, "orderNumber")),
        ({"amount": 0}, (5, "amount")),
        ({"amount": 2350.40}, (5, "amount")),
        ({"amount": "235040"}, (5, "amount")),
        ({"currency": "840"}, (3, "currency")),
        ({"returnUrl": "/done"}, (4, "returnUrl")),
        ({"returnUrl": "https://x/" + "x" * 512}, (5, "description")),
        ({"metadata": {}}, (4, "metadata")),
        ({"orderBundle": {}}, (4, "email")),
        ({"email": "a@b.ru", "orderBundle": {"ffdVersion": "1.1"}}, (4, "ffdVersion")),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused(wrong: dict[str, Any], mistake: tuple[int, str]) -> None:
    assert mistake_in({**ORDER, **wrong}, forms=False) == mistake


def test_a_cart_that_is_not_the_order_has_a_code_of_its_own() -> None:
    item = {
        "itemCode": "1",
        "name": "Вода",
        "quantity": {"value": 1, "measure": "0"},
        "itemAmount": 1,
    }
    bundle = {"ffdVersion": "1.2", "receiptType": "sell", "total": 1, "cartItems": {"items": [item]}}

    assert mistake_in({**ORDER, "email": "a@b.ru", "orderBundle": bundle}, forms=False) == (8, "total")
