"""The stand-in of YooKassa: its API v3 as strict as the real one, its page, its unsigned notices.

A key is known for a day of the business clock, and later begins a new payment. `Faults` are its bad days.
"""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web

from bots.simulator.acquirer import CARD_FORM, CARD_PAGE, ENDED
from bots.simulator.notices import Teller
from bots.simulator.yookassa_rules import (
    KEY,
    mistake_in,
    mistake_in_refund,
    money_of,
    reason_against,
)

KEY_KEPT_FOR: Final = timedelta(hours=24)
PAGE_LIVES: Final = timedelta(hours=1)
# Published; whether these are gaps or offsets is not known, so they are taken for gaps.
RETRIES_S: Final = (10.0, 42.0, 84.0, 168.0, 672.0, 5376.0, 86016.0)
# Whence the real notices come: told as a proxy before us tells it.
SENDER: Final = "185.71.76.5"


@dataclass(slots=True)
class Faults:
    """What goes wrong. *cut_off*: so many payments are created and answered with 500. *notices*: each comes so often.

    *overtake*: so many creations are paid, and told of, before they are answered. *refunds_down*: so many refunds
    are not made, and answered with 500. *decimals* is how many of them sums are told with.
    """

    down: bool = False
    cut_off: int = 0
    overtake: int = 0
    refunds_down: int = 0
    notices: int = 1
    kopecks_off: int = 0
    currency: str = "RUB"
    decimals: int = 2
    sender: str = SENDER


@dataclass(slots=True)
class Payment:
    """A payment at YooKassa."""

    id: str
    body: dict[str, Any]
    created_at: datetime
    url: str
    status: str = "pending"
    captured_at: datetime | None = None
    refunded: Decimal = Decimal(0)
    returned: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None

    @property
    def amount(self) -> Decimal:
        """Its sum in roubles."""
        return Decimal(self.body["amount"]["value"])


@dataclass(slots=True)
class YookassaStandIn:
    """YooKassa, as its one shop sees it; what happens is told to *notice_url*."""

    shop_id: str
    secret: str
    clock: Callable[[], datetime]
    notice_url: str | None = None
    utilities: bool = True
    faults: Faults = field(default_factory=Faults)
    teller: Teller = field(default_factory=lambda: Teller(RETRIES_S))
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    _answers: dict[str, tuple[datetime, Any, dict[str, Any]]] = field(default_factory=dict)

    def app(self) -> web.Application:
        """The application to be served, on its own or under a prefix."""
        app = web.Application(middlewares=[self._guarded])
        app.add_routes(
            [
                web.post("/v3/payments", self._create),
                web.get("/v3/payments", self._list),
                web.get("/v3/payments/{id}", self._query),
                web.post("/v3/payments/{id}/capture", self._capture),
                web.post("/v3/payments/{id}/cancel", self._cancel),
                web.post("/v3/refunds", self._refund),
                web.get("/v3/refunds", self._refunds),
                web.get("/pay/{id}", self._page, name="page"),
                web.post("/pay/{id}", self._choose),
            ]
        )
        app.cleanup_ctx.append(self.teller.stop)
        return app

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        if self.faults.down:
            return web.Response(status=502, text="<h1>Bad gateway</h1>", content_type="text/html")
        if "/v3/" in request.path:
            expected = b64encode(f"{self.shop_id}:{self.secret}".encode()).decode()
            if request.headers.get("Authorization") != f"Basic {expected}":
                return error(401, "invalid_credentials", "Authorization")
        response: web.StreamResponse = await handler(request)
        return response

    # --- What the shop asks ------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (repeat := self._repeat(request, body)) is not None:
            return repeat
        if (mistake := mistake_in(body, utilities=self.utilities)) is not None:
            return error(400, "invalid_request", mistake)
        payment = self._add(request, body)
        if self.faults.overtake:
            self.faults.overtake -= 1
            self.pay(payment.id)
            await self.teller.told()
        answer = self._shown(payment)
        self._answers[request.headers["Idempotence-Key"]] = (self.clock(), body, answer)
        if self.faults.cut_off:
            self.faults.cut_off -= 1
            return error(500, "internal_server_error")
        return web.json_response(answer)

    def _repeat(self, request: web.Request, body: Any) -> web.Response | None:
        """The answer of before to a repeat; a refusal of a key that is none, or was of another body."""
        key = request.headers.get("Idempotence-Key", "")
        if KEY.fullmatch(key) is None:
            return error(400, "invalid_request", "Idempotence-Key")
        known = self._answers.get(key)
        if known is None or self.clock() - known[0] >= KEY_KEPT_FOR:
            return None
        _, before, answer = known
        return (
            web.json_response(answer) if before == body else error(400, "invalid_request", "Idempotence-Key")
        )

    def _add(self, request: web.Request, body: dict[str, Any]) -> Payment:
        number = str(uuid.uuid4())
        url = str(request.url.join(request.app.router["page"].url_for(id=number)))
        payment = Payment(number, body, self.clock(), url)
        self.payments[number] = payment
        return payment

    async def _query(self, request: web.Request) -> web.Response:
        payment = self._found(request.match_info["id"])
        return (
            error(404, "not_found", "payment_id")
            if payment is None
            else web.json_response(self._shown(payment))
        )

    async def _list(self, request: web.Request) -> web.Response:
        paid = [(each.captured_at, self._shown(each)) for each in self.payments.values() if each.captured_at]
        return _paged(request, "captured_at", paid)

    async def _refunds(self, request: web.Request) -> web.Response:
        made = [(datetime.fromisoformat(each["created_at"]), each) for each in self.refunds]
        return _paged(request, "created_at", made)

    async def _capture(self, request: web.Request) -> web.Response:
        payment = self._found(request.match_info["id"])
        if payment is None or payment.status != "waiting_for_capture":
            return error(400, "invalid_request", "status")
        payment.status, payment.captured_at = "succeeded", self.clock()
        self._tell("payment.succeeded", self._shown(payment))
        return web.json_response(self._shown(payment))

    async def _cancel(self, request: web.Request) -> web.Response:
        payment = self._found(request.match_info["id"])
        if payment is None or payment.status != "waiting_for_capture":
            return error(400, "invalid_request", "status")
        payment.status, payment.reason = "canceled", "canceled_by_merchant"
        return web.json_response(self._shown(payment))

    async def _refund(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.faults.refunds_down:
            self.faults.refunds_down -= 1
            return error(500, "internal_server_error")
        if (repeat := self._repeat(request, body)) is not None:
            return repeat
        payment, amount = self._found(body.get("payment_id", "")), money_of(body.get("amount"))
        if payment is None or payment.status != "succeeded":
            return error(404, "not_found", "payment_id")
        if amount is None or payment.refunded + amount > payment.amount:
            return error(400, "invalid_request", "amount.value")
        if (mistake := mistake_in_refund(body, payment.body, amount)) is not None:
            return error(400, "invalid_request", mistake)
        items = body.get("receipt", {}).get("items", [])
        if (reason := reason_against([*payment.returned, *items], payment.body)) is not None:
            return web.json_response(canceled_refund(payment.id, body["amount"], reason, self.clock()))
        payment.returned += items
        refund = self.give_back(payment.id, amount)
        self._answers[request.headers["Idempotence-Key"]] = (self.clock(), body, refund)
        return web.json_response(refund)

    def _found(self, number: str) -> Payment | None:
        payment = self.payments.get(number)
        if payment and payment.status == "pending" and self.clock() >= payment.created_at + PAGE_LIVES:
            payment.status, payment.reason = "canceled", "expired_on_confirmation"
        return payment

    def _shown(self, payment: Payment) -> dict[str, Any]:
        value = payment.amount + Decimal(self.faults.kopecks_off).scaleb(-2)
        shown: dict[str, Any] = {
            "id": payment.id,
            "status": payment.status,
            "amount": {"value": f"{value:.{self.faults.decimals}f}", "currency": self.faults.currency},
            "description": payment.body.get("description", ""),
            "recipient": {"account_id": self.shop_id, "gateway_id": "2000001"},
            "created_at": moment(payment.created_at),
            "test": True,
            "paid": payment.status in {"succeeded", "waiting_for_capture"},
            "refundable": payment.status == "succeeded",
            "metadata": payment.body.get("metadata", {}),
        }
        if payment.status == "pending":
            shown["confirmation"] = {"type": "redirect", "confirmation_url": payment.url}
        if payment.captured_at is not None:
            shown["captured_at"] = moment(payment.captured_at)
            shown["refunded_amount"] = {"value": f"{payment.refunded:.2f}", "currency": "RUB"}
        if payment.reason is not None:
            shown["cancellation_details"] = {"party": "yoo_money", "reason": payment.reason}
        return shown

    # --- What the payer and the shop's staff do -----------------------------------------------------

    def pay(self, number: str) -> None:
        """The payer has paid: at once for one stage, else the money is held."""
        payment = self.payments[number]
        if payment.body.get("capture") is not True:
            payment.status = "waiting_for_capture"
        else:
            payment.status, payment.captured_at = "succeeded", self.clock()
        self._tell(f"payment.{payment.status}", self._shown(payment))

    def give_back(self, number: str, amount: Decimal) -> dict[str, Any]:
        """*amount* goes back, by the shop's request or in its cabinet."""
        payment = self.payments[number]
        payment.refunded += amount
        refund = {
            "id": str(uuid.uuid4()),
            "payment_id": number,
            "status": "succeeded",
            "created_at": moment(self.clock()),
            "amount": {"value": f"{amount:.2f}", "currency": "RUB"},
        }
        self.refunds.append(refund)
        self._tell("refund.succeeded", refund)
        return refund

    async def _page(self, request: web.Request) -> web.Response:
        payment = self._found(request.match_info["id"])
        if payment is None:
            raise web.HTTPNotFound
        page = CARD_PAGE.substitute(
            bank="Учебная ЮKassa",
            description=escape(payment.body.get("description", "")),
            sum=f"{payment.amount:.2f}".replace(".", ","),
            body=CARD_FORM if payment.status == "pending" else ENDED,
        )
        return web.Response(text=page, content_type="text/html")

    async def _choose(self, request: web.Request) -> web.Response:
        payment, form = self._found(request.match_info["id"]), await request.post()
        if payment is None:
            raise web.HTTPNotFound
        if payment.status == "pending" and form.get("choice") == "pay":
            self.pay(payment.id)
        elif payment.status == "pending":
            payment.status, payment.reason = "canceled", "insufficient_funds"
            self._tell("payment.canceled", self._shown(payment))
        raise web.HTTPSeeOther(payment.body["confirmation"]["return_url"])

    # --- What the shop is told ----------------------------------------------------------------------

    def _tell(self, event: str, about: Mapping[str, Any]) -> None:
        if (url := self.notice_url) is None:
            return
        body = msgspec.json.encode({"type": "notification", "event": event, "object": about})
        headers = {"Content-Type": "application/json", "X-Forwarded-For": self.faults.sender}

        async def send(http: aiohttp.ClientSession) -> int:
            async with http.post(url, data=body, headers=headers) as response:
                return response.status

        for _ in range(self.faults.notices):
            self.teller.tell(send)


def canceled_refund(number: str, amount: Mapping[str, Any], reason: str, at: datetime) -> dict[str, Any]:
    """A refund that was not made."""
    return {
        "id": str(uuid.uuid4()),
        "payment_id": number,
        "status": "canceled",
        "created_at": moment(at),
        "amount": amount,
        "cancellation_details": {"party": "yoo_money", "reason": reason},
    }


def error(status: int, code: str, parameter: str | None = None) -> web.Response:
    """A refusal in their words."""
    body = {"type": "error", "id": str(uuid.uuid4()), "code": code, "description": code.replace("_", " ")}
    return web.json_response(body | ({"parameter": parameter} if parameter else {}), status=status)


def moment(at: datetime) -> str:
    """A time as they tell it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _paged(request: web.Request, by: str, dated: Sequence[tuple[datetime, dict[str, Any]]]) -> web.Response:
    """The part of what is *dated* that *request* asks for, *by* the name of that moment."""
    query = request.query
    limit, start = int(query.get("limit", "10")), int(query.get("cursor", "0"))
    if not 1 <= limit <= 100:
        return error(400, "invalid_request", "limit")
    since, until = (datetime.fromisoformat(query[f"{by}.{end}"]) for end in ("gte", "lt"))
    meant = [
        shown
        for moment_, shown in dated
        if since <= moment_ < until and shown["status"] == query.get("status", shown["status"])
    ]
    page: dict[str, Any] = {"type": "list", "items": meant[start : start + limit]}
    if len(meant) > start + limit:
        page["next_cursor"] = str(start + limit)
    return web.json_response(page)
