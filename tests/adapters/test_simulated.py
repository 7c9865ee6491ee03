from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import unused_port

from adapters.simulated import SimulatedAcquirer, decode_created, decode_found
from core.acquiring import Acquirer, AttemptState, Created, Down, Found, Missing, Notice, Order, Refused
from core.money import Money

ORDER = Order("k1", Money(10_000), "ЖКУ", "http://127.0.0.1/p/t/done")


def a_body(**rest: Any) -> bytes:
    usual = {
        "id": "op1",
        "key": "k1",
        "status": "paid",
        "kopecks": 10_000,
        "currency": "RUB",
        "url": "http://127.0.0.1/pay/op1",
        "paid_at": "2026-06-03T09:00:00+00:00",
    }
    return msgspec.json.encode({**usual, **rest})


def a_notice(body: bytes) -> Notice:
    return Notice(headers={}, query={}, body=body, remote="127.0.0.1")


def an_acquirer(http: aiohttp.ClientSession) -> SimulatedAcquirer:
    return SimulatedAcquirer(http, base_url=f"http://127.0.0.1:{unused_port()}", secret="made-up")


def test_a_paid_payment_is_read_whole() -> None:
    assert decode_found(200, a_body()) == Found(
        operation="op1",
        key="k1",
        state=AttemptState.PAID,
        amount=Money(10_000),
        currency="RUB",
        paid_at=datetime(2026, 6, 3, 9, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("waiting", AttemptState.PENDING),
        ("refused", AttemptState.CANCELED),
        ("expired", AttemptState.EXPIRED),
    ],
)
def test_each_of_their_states_is_one_of_ours(theirs: str, ours: AttemptState) -> None:
    found = decode_found(200, a_body(status=theirs, paid_at=None))

    assert isinstance(found, Found)
    assert found.state is ours


def test_a_state_that_is_new_to_us_is_no_answer() -> None:
    assert isinstance(decode_found(200, a_body(status="on_hold")), Down)


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b"{}", b"\xff"])
@pytest.mark.parametrize("status", [200, 500, 502, 504, 429, 401])
def test_what_cannot_be_read_is_no_answer(status: int, body: bytes) -> None:
    assert isinstance(decode_found(status, body), Down)
    assert isinstance(decode_created(status, body), Down)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_refusal_is_told_from_silence(status: int) -> None:
    assert decode_created(status, b"") == Refused(f"HTTP {status}")


def test_what_they_do_not_know_is_missing() -> None:
    assert decode_found(404, b"") == Missing()


def test_a_creation_tells_where_to_pay() -> None:
    assert decode_created(200, a_body()) == Created("op1", "http://127.0.0.1/pay/op1")


async def test_an_acquirer_that_is_away_is_down() -> None:
    async with aiohttp.ClientSession() as http:
        acquirer: Acquirer = an_acquirer(http)

        assert isinstance(await acquirer.create(ORDER), Down)
        assert isinstance(await acquirer.query("op1"), Down)


@pytest.mark.parametrize("operation", ["../payments", "a/b", "", "a?b", "a%2fb"])
async def test_an_operation_never_leads_elsewhere(operation: str) -> None:
    async with aiohttp.ClientSession() as http:
        assert await an_acquirer(http).query(operation) == Missing()


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (b'{"operation": "op1"}', "op1"),
        (b"{}", None),
        (b"[]", None),
        (b"\x00", None),
        (b'{"operation": 1}', None),
    ],
)
async def test_a_notice_names_its_operation(body: bytes, operation: str | None) -> None:
    async with aiohttp.ClientSession() as http:
        assert an_acquirer(http).notice(a_notice(body)) == operation
