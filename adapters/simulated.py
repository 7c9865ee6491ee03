"""The simulator's acquirer: plain JSON over HTTP, as small as an acquirer can be.

POST /payments        Idempotence-Key: <key>   {"kopecks", "currency", "description", "return_url"}
GET  /payments/<id>
POST /payments/<id>/refunds   Idempotence-Key: <key>   {"kopecks"}
all answer            {"id", "key", "status", "kopecks", "currency", "url", "paid_at", "refunded"}
GET  /payments?since=&until=  answers a list of those whose money arrived in between
a notice is           {"operation": <id>}, unsigned: it is worth nothing until the payment is asked for
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import aiohttp
import msgspec

from core.acquiring import (
    Accepted,
    AttemptState,
    Created,
    Down,
    Found,
    Missing,
    Notice,
    Order,
    Refused,
    Unlisted,
)
from core.fiscal import ReceiptNeed
from core.money import Money
from core.refund_receipts import RefundReceipt

TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)

# Their word for where a payment stands, as ours.
STATES: Final = {
    "waiting": AttemptState.PENDING,
    "paid": AttemptState.PAID,
    "refused": AttemptState.CANCELED,
    "expired": AttemptState.EXPIRED,
}

# They understood and will not do it; whatever else goes wrong, they may have done it.
REFUSALS: Final = frozenset({400, 409, 422})


class _Payment(msgspec.Struct):
    id: str
    key: str
    status: str
    kopecks: int
    currency: str
    url: str
    paid_at: datetime | None = None
    refunded: int = 0


class _Notice(msgspec.Struct):
    operation: str


class SimulatedAcquirer:
    """The acquirer that stands at *base_url* and knows us by *secret*."""

    name: Final = "simulated"
    refund_needs_contact: Final = False
    receipt: Final = ReceiptNeed.NONE

    def __init__(
        self, http: aiohttp.ClientSession, *, base_url: str, secret: str, title: str = "Банковская карта"
    ) -> None:
        self.title: Final = title
        self._http = http
        self._base_url = base_url
        self._authorization = {"Authorization": f"Bearer {secret}"}

    async def create(self, order: Order) -> Created | Refused | Down:
        """Create the payment of *order*, or give the one that was created under its key."""
        body: dict[str, str | int] = {
            "kopecks": order.amount.kopecks,
            "currency": "RUB",
            "description": order.description,
            "return_url": order.return_url,
        }
        answer = await self._call("POST", "/payments", {"Idempotence-Key": order.key}, body)
        return answer if isinstance(answer, Down) else decode_created(*answer)

    async def query(self, operation: str) -> Found | Missing | Down:
        """What has become of the payment *operation*."""
        if not operation.isalnum():
            return Missing()
        answer = await self._call("GET", f"/payments/{operation}", {}, None)
        return answer if isinstance(answer, Down) else decode_found(*answer)

    async def refund(
        self, operation: str, *, key: str, amount: Money, receipt: RefundReceipt | None = None
    ) -> Accepted | Refused | Down:
        """Give *amount* of the payment *operation* back; it makes no receipts."""
        del receipt
        path, body = f"/payments/{operation}/refunds", {"kopecks": amount.kopecks}
        answer = await self._call("POST", path, {"Idempotence-Key": key}, {**body})
        if isinstance(answer, Down):
            return answer
        created = decode_created(*answer)
        return Accepted() if isinstance(created, Created) else created

    async def listed(self, since: datetime, until: datetime) -> Sequence[Found] | Unlisted | Down:
        """Every payment whose money arrived from *since* on and before *until*."""
        query = {"since": since.isoformat(), "until": until.isoformat()}
        answer = await self._call("GET", "/payments", {}, None, query)
        return answer if isinstance(answer, Down) else decode_listed(*answer)

    async def given_back(self, since: datetime, until: datetime) -> Sequence[str] | Unlisted | Down:
        """There is no list of refunds."""
        del since, until
        return Unlisted()

    def notice(self, notice: Notice) -> str | None:
        """Which operation *notice* is about; None where it is about none."""
        try:
            return msgspec.json.decode(notice.body, type=_Notice).operation
        except msgspec.DecodeError:
            return None

    async def _call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, str | int] | None,
        query: dict[str, str] | None = None,
    ) -> tuple[int, bytes] | Down:
        try:
            async with self._http.request(
                method,
                self._base_url + path,
                params=query,
                headers=self._authorization | headers,
                json=body,
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return Down(type(error).__name__)


def decode_created(status: int, body: bytes) -> Created | Refused | Down:
    """What their answer to a creation means."""
    if status in REFUSALS:
        return Refused(f"HTTP {status}")
    payment = _payment(status, body)
    return payment if isinstance(payment, Down) else Created(payment.id, payment.url)


def decode_found(status: int, body: bytes) -> Found | Missing | Down:
    """What their answer to a query means."""
    if status == 404:
        return Missing()
    payment = _payment(status, body)
    return payment if isinstance(payment, Down) else _found(payment)


def decode_listed(status: int, body: bytes) -> list[Found] | Down:
    """What their list says; one that cannot be read makes it no answer."""
    if status != 200:
        return Down(f"HTTP {status}")
    try:
        found = [_found(payment) for payment in msgspec.json.decode(body, type=list[_Payment])]
    except msgspec.DecodeError:
        return Down("unreadable answer")
    down = [each for each in found if isinstance(each, Down)]
    return down[0] if down else [each for each in found if isinstance(each, Found)]


def _found(payment: _Payment) -> Found | Down:
    state = STATES.get(payment.status)
    if state is None:
        return Down(f"unknown status {payment.status}")
    if payment.refunded:
        whole = payment.refunded == payment.kopecks
        state = AttemptState.REFUNDED if whole else AttemptState.REFUNDED_IN_PART
    return Found(
        operation=payment.id,
        key=payment.key,
        state=state,
        amount=Money(payment.kopecks),
        currency=payment.currency,
        paid_at=payment.paid_at,
        refunded=Money(payment.refunded),
    )


def _payment(status: int, body: bytes) -> _Payment | Down:
    if status != 200:
        return Down(f"HTTP {status}")
    try:
        return msgspec.json.decode(body, type=_Payment)
    except msgspec.DecodeError:
        return Down("unreadable answer")
