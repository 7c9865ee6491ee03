"""The stand-in of YooKassa is as strict as its descriptions say."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bots.simulator.notices import Teller
from bots.simulator.yookassa import YookassaStandIn
from bots.simulator.yookassa_rules import mistake_in

BODIES = Path(__file__).parents[2] / "bodies" / "yookassa"
NOW = datetime(2026, 10, 5, 8, 12, tzinfo=UTC)


def a_body(**rest: Any) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode((BODIES / "create_utilities.request.json").read_bytes())
    return {**body, **rest}


@dataclass
class Shop:
    """A shop at the stand-in, and what it was told."""

    bank: YookassaStandIn
    url: str
    http: aiohttp.ClientSession
    notices: list[dict[str, Any]]
    answers: list[int]
    now: datetime = NOW

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, secret: str = "made-up"
    ) -> tuple[int, Any]:
        authorization = "Basic " + b64encode(f"100500:{secret}".encode()).decode()
        headers = {"Authorization": authorization} | ({"Idempotence-Key": key} if key else {})
        async with self.http.request(method, self.url + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def create(self, key: str = "k1", **rest: Any) -> tuple[int, Any]:
        return await self.ask("POST", "/v3/payments", a_body(**rest), key=key)

    async def created(self, **rest: Any) -> str:
        _, payment = await self.create(**rest)
        return str(payment["id"])


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    notices: list[dict[str, Any]] = []
    answers: list[int] = []

    async def hear(request: web.Request) -> web.Response:
        notices.append(await request.json())
        return web.Response(status=answers.pop(0) if answers else 200)

    listener = web.Application()
    listener.router.add_post("/notice", hear)
    async with TestServer(listener) as ear, aiohttp.ClientSession() as http:
        shop: Shop
        bank = YookassaStandIn("100500", "made-up", lambda: shop.now, str(ear.make_url("/notice")))
        bank.teller = Teller((0.0, 0.01))
        async with TestServer(bank.app()) as server:
            shop = Shop(bank, str(server.make_url("")).rstrip("/"), http, notices, answers)
            yield shop


async def test_a_wrong_secret_is_refused(shop: Shop) -> None:
    assert (await shop.ask("GET", "/v3/payments/x", secret="wrong"))[0] == 401


@pytest.mark.parametrize("key", [None, "ключ", "x" * 65])
async def test_a_creation_without_a_proper_key_is_refused(shop: Shop, key: str | None) -> None:
    bad = key.encode().decode("latin1") if key else None

    status, said = await shop.ask("POST", "/v3/payments", a_body(), key=bad)

    assert (status, said["parameter"]) == (400, "Idempotence-Key")


async def test_a_key_gives_one_payment_for_a_day_and_then_another(shop: Shop) -> None:
    first = await shop.created()
    again = await shop.created()
    shop.now += timedelta(hours=24)

    assert again == first
    assert await shop.created() != first


async def test_a_key_with_another_body_is_refused(shop: Shop) -> None:
    await shop.create()

    status, said = await shop.create(description="другое")

    assert (status, said["parameter"]) == (400, "Idempotence-Key")


ORDER = a_body()["payment_order"]
ITEM = {
    "description": "Вода",
    "quantity": 1,
    "amount": {"value": "2350.40", "currency": "RUB"},
    "vat_code": 1,
    "measure": "piece",
    "payment_subject": "service",
    "payment_mode": "full_payment",
}


def a_receipt(**rest: Any) -> dict[str, Any]:
    return {"customer": {"email": "a@example.ru"}, "items": [ITEM], **rest}


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"amount": {"value": 2350.40, "currency": "RUB"}}, "amount.value"),
        ({"amount": {"value": "2350.4", "currency": "RUB"}}, "amount.value"),
        ({"amount": {"value": "0.50", "currency": "RUB"}}, "amount.value"),
        ({"description": "о" * 129}, "description"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"metadata": {"x": 1}}, "metadata"),
        ({"confirmation": {"type": "redirect"}}, "confirmation.return_url"),
        ({"orderNumber": "1"}, "orderNumber"),
        ({"payment_order": None}, "payment_order"),
        (
            {"payment_order": {**ORDER, "amount": {"value": "1.00", "currency": "RUB"}}},
            "payment_order.amount",
        ),
        ({"payment_order": {**ORDER, "payment_purpose": "x" * 211}}, "payment_order.payment_purpose"),
        (
            {"payment_order": {**ORDER, "unified_account_number": "1"}},
            "payment_order.unified_account_number",
        ),
        ({"receipt": a_receipt(customer={"phone": "+79000000000"})}, "receipt.customer"),
        ({"receipt": a_receipt(items=[ITEM, ITEM])}, "receipt.items"),
        ({"receipt": a_receipt(items=[{**ITEM, "vat_code": 13}])}, "receipt.items.vat_code"),
        ({"receipt": a_receipt(items=[{**ITEM, "description": ""}])}, "receipt.items.description"),
    ],
)
def test_a_payment_that_breaks_a_rule_is_refused_by_its_parameter(
    wrong: dict[str, Any], parameter: str
) -> None:
    assert mistake_in(a_body(**wrong), utilities=True) == parameter


def test_the_published_examples_are_taken() -> None:
    receipt = msgspec.json.decode((BODIES / "create_with_receipt.request.json").read_bytes())

    assert mistake_in(a_body(), utilities=True) is None
    assert mistake_in(receipt, utilities=False) is None


async def test_a_payment_without_capture_is_only_held_until_it_is_captured(shop: Shop) -> None:
    operation = await shop.created(capture=False)
    shop.bank.pay(operation)
    held = (await shop.ask("GET", f"/v3/payments/{operation}"))[1]["status"]

    _, captured = await shop.ask("POST", f"/v3/payments/{operation}/capture", {}, key="c")

    assert (held, captured["status"]) == ("waiting_for_capture", "succeeded")


async def test_what_was_taken_at_once_cannot_be_cancelled(shop: Shop) -> None:
    operation = await shop.created()
    shop.bank.pay(operation)

    assert (await shop.ask("POST", f"/v3/payments/{operation}/cancel", {}, key="c"))[0] == 400


async def test_a_page_lives_for_an_hour(shop: Shop) -> None:
    operation = await shop.created()
    shop.now += timedelta(hours=1)

    _, payment = await shop.ask("GET", f"/v3/payments/{operation}")

    assert payment["cancellation_details"]["reason"] == "expired_on_confirmation"


async def test_no_more_goes_back_than_was_paid(shop: Shop) -> None:
    operation = await shop.created()
    shop.bank.pay(operation)
    body = {"payment_id": operation, "amount": {"value": "2350.40", "currency": "RUB"}}

    first = await shop.ask("POST", "/v3/refunds", body, key="r1")
    repeat = await shop.ask("POST", "/v3/refunds", body, key="r1")
    other = await shop.ask("POST", "/v3/refunds", body, key="r2")

    assert first == repeat
    assert (first[0], other[0]) == (200, 400)


async def test_a_notice_comes_until_it_is_heard(shop: Shop) -> None:
    operation = await shop.created()
    shop.answers += [503, 403]

    shop.bank.pay(operation)
    await shop.bank.teller.told()

    assert [notice["event"] for notice in shop.notices] == ["payment.succeeded"] * 3


async def test_an_answer_may_be_lost_after_the_payment_was_created(shop: Shop) -> None:
    shop.bank.faults.cut_off = 1

    lost, again = await shop.create(), await shop.create()

    assert (lost[0], again[0], len(shop.bank.payments)) == (500, 200, 1)
