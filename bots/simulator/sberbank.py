"""The stand-in of a register.do gateway, in its JSON and its form dialect: HTTP 200 for refusals too.

An order number is known for ever. Error codes come as a text and as a number by turns, as from the real ones.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from itertools import count
from typing import Any, Final

import aiohttp
from aiohttp import web

from bots.simulator.acquirer import CARD_FORM, CARD_PAGE, ENDED
from bots.simulator.notices import Teller
from bots.simulator.sberbank_rules import lines_of, mistake_in, mistake_in_refund

# Given up after so many: whoever was away for longer has to ask.
RETRIES_S: Final = (30.0, 30.0)


@dataclass(slots=True)
class Faults:
    """What goes wrong. *cut_off*: so many orders are registered without an answer. *checksum*: of notices.

    *denied*: the login is refused, with an error code that means many other things too. *refunds_down*: so many
    refunds are not made, and not answered. *untold*: nobody says how much was given back.
    """

    down: bool = False
    denied: bool = False
    cut_off: int = 0
    overtake: int = 0
    refunds_down: int = 0
    notices: int = 1
    kopecks_off: int = 0
    currency: str = "643"
    untold: bool = False
    checksum: str = "valid"  # or "wrong", or "missing"


@dataclass(slots=True)
class Order:
    """An order at the gateway."""

    id: str
    asked: dict[str, Any]
    created_at: datetime
    url: str
    status: int = 0
    action_code: int = -100
    deposited_at: datetime | None = None
    refunded: int = 0
    refunds: dict[str, int] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        """Its sum in kopecks."""
        return int(self.asked["amount"])

    def return_lines(self, asked: Mapping[str, Any], amount: int, *, forms: bool) -> tuple[int, str] | None:
        """Take back the lines that a refund of *amount* names; the error code and parameter if it may not be."""
        mistake = mistake_in_refund(asked, self.asked, amount, forms=forms)
        if mistake is not None:
            return mistake
        after = dict(self.returned)
        sold = {item["itemCode"]: item["itemAmount"] for item in lines_of(self.asked, forms=False)}
        for item in lines_of(asked, forms=forms):
            after[item["itemCode"]] = after.get(item["itemCode"], 0) + item["itemAmount"]
            if after[item["itemCode"]] > sold[item["itemCode"]]:
                return 5, "itemAmount"
        self.returned = after
        return None


@dataclass(slots=True)
class SberbankStandIn:
    """A gateway that knows its one merchant by *login* and *password*.

    *forms*: it is one of the older ones, which are filled in. *notice_key*: by what notices are signed.
    """

    login: str
    password: str
    clock: Callable[[], datetime]
    forms: bool = False
    notice_url: str | None = None
    notice_key: bytes | None = None
    faults: Faults = field(default_factory=Faults)
    teller: Teller = field(default_factory=lambda: Teller(RETRIES_S))
    orders: dict[str, Order] = field(default_factory=dict)
    _codes: count[int] = field(default_factory=count)

    def app(self) -> web.Application:
        """The application to be served, on its own or under a prefix."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/register.do", self._serve(self._register)),
                web.post("/getOrderStatusExtended.do", self._serve(self._status)),
                web.post("/refund.do", self._serve(self._refund)),
                web.get("/pay/{id}", self._page, name="page"),
                web.post("/pay/{id}", self._choose),
            ]
        )
        app.cleanup_ctx.append(self.teller.stop)
        return app

    def _serve(self, method: Callable[[web.Request, dict[str, Any]], Any]) -> Callable[[web.Request], Any]:
        async def served(request: web.Request) -> web.Response:
            if self.faults.down:
                return web.Response(status=502, text="<h1>Bad gateway</h1>", content_type="text/html")
            asked = await self._read(request)
            if asked is None or "userName" not in asked:
                return self._error(4, "Пустой или неверный запрос")
            mine = (asked["userName"], asked.get("password")) == (self.login, self.password)
            if self.faults.denied or not mine:
                return self._error(5, "Доступ запрещён")
            response: web.Response = await method(request, asked)
            return response

        return served

    async def _read(self, request: web.Request) -> dict[str, Any] | None:
        """What is asked, in this gateway's dialect; None in the other one."""
        if self.forms != (request.content_type == "application/x-www-form-urlencoded"):
            return None
        if not self.forms:
            told: dict[str, Any] = await request.json()
            return told
        form = {name: str(value) for name, value in (await request.post()).items()}
        for nested in ("jsonParams", "orderBundle", "refundItems"):
            if nested in form:
                form[nested] = json.loads(form[nested])
        return form

    def _error(self, code: int, message: str) -> web.Response:
        told: str | int = str(code) if next(self._codes) % 2 else code
        return web.json_response({"errorCode": told, "errorMessage": message})

    # --- What the merchant asks ---------------------------------------------------------------------

    async def _register(self, request: web.Request, asked: dict[str, Any]) -> web.Response:
        number = asked.get("orderNumber", "")
        if any(order.asked["orderNumber"] == number for order in self.orders.values()):
            return self._error(1, "Заказ с таким номером уже обработан")
        if (mistake := mistake_in(asked, forms=self.forms)) is not None:
            code, what = mistake
            return self._error(code, f"Неверное значение параметра {what}")
        order = self._add(request, asked)
        if self.faults.overtake:
            self.faults.overtake -= 1
            self.pay(order.id)
            await self.teller.told()
        if self.faults.cut_off:
            self.faults.cut_off -= 1
            return web.Response(status=504)
        answer = {"orderId": order.id, "formUrl": order.url}
        return web.json_response(answer if next(self._codes) % 2 else {"errorCode": "0", **answer})

    def _add(self, request: web.Request, asked: dict[str, Any]) -> Order:
        number = str(uuid.uuid4())
        url = str(request.url.join(request.app.router["page"].url_for(id=number)))
        order = Order(number, asked, self.clock(), url)
        self.orders[number] = order
        return order

    async def _status(self, _request: web.Request, asked: dict[str, Any]) -> web.Response:
        order = self._found(asked)
        return (
            self._error(6, "Неверный номер заказа")
            if order is None
            else web.json_response(self._shown(order))
        )

    async def _refund(self, _request: web.Request, asked: dict[str, Any]) -> web.Response:
        order = self.orders.get(asked.get("orderId", ""))
        if self.faults.refunds_down:
            self.faults.refunds_down -= 1
            return web.Response(status=504)
        if order is None:
            return self._error(6, "Неверный номер заказа")
        amount, key = int(asked["amount"]), asked.get("jsonParams", {}).get("externalRefundId")
        if key is not None and key in order.refunds:
            same = order.refunds[key] == amount
            return web.json_response({"errorCode": "0"}) if same else self._error(5, "Неверная сумма")
        if order.status not in {2, 4} or order.refunded + amount > order.amount:
            return self._error(5, "Общая сумма возвратов превышает сумму заказа")
        if (mistake := order.return_lines(asked, amount, forms=self.forms)) is not None:
            code, what = mistake
            return self._error(code, f"Неверное значение параметра {what}")
        if key is not None:
            order.refunds[key] = amount
        self.give_back(order.id, amount)
        return web.json_response({"errorCode": "0", "errorMessage": "Успешно"})

    def _found(self, asked: Mapping[str, Any]) -> Order | None:
        """The order by either number; one whose time is over is declined."""
        order = self.orders.get(asked.get("orderId", "")) or next(
            (each for each in self.orders.values() if each.asked["orderNumber"] == asked.get("orderNumber")),
            None,
        )
        if order and order.status == 0:
            lives = timedelta(seconds=int(order.asked.get("sessionTimeoutSecs", 1200)))
            if self.clock() >= order.created_at + lives:
                order.status, order.action_code = 6, -2007
                self._tell(order, "declinedByTimeout", "0")
        return order

    def _shown(self, order: Order) -> dict[str, Any]:
        amount = order.amount + self.faults.kopecks_off
        paid = order.status in {2, 4}
        shown: dict[str, Any] = {
            "errorCode": "0",
            "orderNumber": order.asked["orderNumber"],
            "orderStatus": order.status,
            "actionCode": order.action_code,
            "amount": amount,
            "currency": self.faults.currency,
            "date": milliseconds(order.created_at),
            "paymentAmountInfo": {
                "depositedAmount": amount - order.refunded if paid else 0,
                "refundedAmount": None if self.faults.untold else order.refunded,
            },
        }
        if self.forms:
            shown["attributes"] = [{"name": "mdOrder", "value": order.id}]
        else:
            shown["attributes"] = {"mdOrder": order.id}
        if order.deposited_at is not None:
            shown["depositedDate"] = milliseconds(order.deposited_at)
        return shown

    # --- What the payer and the merchant's staff do -------------------------------------------------

    def pay(self, number: str) -> None:
        """The payer has paid."""
        order = self.orders[number]
        order.status, order.action_code, order.deposited_at = 2, 0, self.clock()
        self._tell(order, "deposited", "1")

    def give_back(self, number: str, amount: int) -> None:
        """*amount* kopecks go back, by the merchant's request or in its cabinet; a part has the same status."""
        order = self.orders[number]
        order.refunded += amount
        order.status = 4
        self._tell(order, "refunded", "1")

    async def _page(self, request: web.Request) -> web.Response:
        if (order := self._found({"orderId": request.match_info["id"]})) is None:
            raise web.HTTPNotFound
        roubles, kopecks = divmod(order.amount, 100)
        page = CARD_PAGE.substitute(
            bank="Учебный Сбербанк",
            description=escape(order.asked.get("description", "")),
            sum=f"{roubles},{kopecks:02}",
            body=CARD_FORM if order.status == 0 else ENDED,
        )
        return web.Response(text=page, content_type="text/html")

    async def _choose(self, request: web.Request) -> web.Response:
        order, form = self._found({"orderId": request.match_info["id"]}), await request.post()
        if order is None:
            raise web.HTTPNotFound
        if order.status == 0 and form.get("choice") == "pay":
            self.pay(order.id)
        elif order.status == 0:
            order.status, order.action_code = 6, 116
        raise web.HTTPSeeOther(order.asked["returnUrl"])

    # --- What the merchant is told ------------------------------------------------------------------

    def _tell(self, order: Order, operation: str, status: str) -> None:
        if (url := self.notice_url) is None:
            return
        told = {
            "mdOrder": order.id,
            "orderNumber": order.asked["orderNumber"],
            "operation": operation,
            "status": status,
        }
        told |= self._checksum(told)

        async def send(http: aiohttp.ClientSession) -> int:
            if self.forms:
                async with http.get(url, params=told) as response:
                    return response.status
            async with http.post(url, json=told) as response:
                return response.status

        for _ in range(self.faults.notices):
            self.teller.tell(send)

    def _checksum(self, told: Mapping[str, str]) -> dict[str, str]:
        if self.notice_key is None or self.faults.checksum == "missing":
            return {}
        text = "".join(f"{name};{told[name]};" for name in sorted(told))
        right = hmac.new(self.notice_key, text.encode(), hashlib.sha256).hexdigest().upper()
        return {"checksum": right if self.faults.checksum == "valid" else right[::-1]}


def milliseconds(at: datetime) -> int:
    """A time as they tell it."""
    return int(at.timestamp() * 1000)
