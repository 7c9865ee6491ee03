"""The stand-in of an acquirer: payments created once a key, its own card page, notices until they are heard.

It speaks what `adapters/simulated.py` describes. `Faults` are what real acquirers do on bad days.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from string import Template
from typing import Any, Final

import aiohttp
from aiohttp import web

# Their page lives for an hour; what is not paid by then is expired.
LIFETIME: Final = timedelta(hours=1)
KOPECKS_MIN: Final = 100
KOPECKS_MAX: Final = 35_000_000
DESCRIPTION_CHARS_MAX: Final = 128
KEY_CHARS_MAX: Final = 64
# A notice that is not answered with 200 comes again after so many seconds each time.
RETRIES_S: Final = (0.5, 2.0, 10.0, 60.0, 600.0)
NOTICE_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)

CARD_PAGE: Final = Template("""<!doctype html>
<html lang="ru">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$bank</title>
<style>
body { margin: 0; background: #20304a; color: #14202f; font: 18px/1.5 system-ui, sans-serif }
main { max-width: 28rem; margin: 0 auto; padding: 1.5rem 1rem }
section { background: #fff; border-radius: 1rem; padding: 1.25rem }
h1 { font-size: 1.2rem; margin: 0 } .sum { font-size: 2rem; font-weight: 700; margin: .5rem 0 }
.card { border: 1px solid #c5ccd6; border-radius: .75rem; padding: .75rem; color: #52606f }
button { display: block; width: 100%; min-height: 3.25rem; margin-top: .75rem; border: 0; border-radius: .75rem;
  font: inherit; font-weight: 600; background: #1f5fd0; color: #fff }
button[value=refuse] { background: #e4e8ee; color: #14202f }
</style>
<main><section>
<h1>$bank</h1>
<p>$description</p>
<p class="sum">$sum&nbsp;₽</p>
$body
</section></main>
</html>
""")

CARD_FORM: Final = """<p class="card">Карта ···· 0000. Настоящих денег здесь нет.</p>
<form method="post">
<button name="choice" value="pay">Оплатить</button>
<button name="choice" value="refuse">Отказать</button>
</form>"""

ENDED: Final = "<p>Этот платёж уже завершён. Вернитесь на страницу расчётного центра.</p>"


@dataclass(slots=True)
class Faults:
    """What goes wrong. *cut_off*: so many payments are created without an answer. *notices*: each comes so often."""

    down: bool = False
    cut_off: int = 0
    notices: int = 1
    kopecks_off: int = 0


@dataclass(slots=True)
class Payment:
    """A payment at the acquirer."""

    id: str
    key: str
    order: dict[str, Any]
    url: str
    created_at: datetime
    status: str = "waiting"
    paid_at: datetime | None = None
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """How many kopecks went back in all."""
        return sum(self.refunds.values())


@dataclass(slots=True)
class AcquirerStandIn:
    """An acquirer that knows its one shop by *secret* and tells *notice_url* what happens."""

    secret: str
    clock: Callable[[], datetime]
    notice_url: str | None = None
    faults: Faults = field(default_factory=Faults)
    retries_s: tuple[float, ...] = RETRIES_S
    payments: dict[str, Payment] = field(default_factory=dict)
    _by_key: dict[str, Payment] = field(default_factory=dict)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def app(self) -> web.Application:
        """The application to be served, on its own or under a prefix."""
        app = web.Application(middlewares=[self._out_of_order])
        app.add_routes(
            [
                web.post("/payments", self._create),
                web.get("/payments", self._list),
                web.get("/payments/{id}", self._query),
                web.post("/payments/{id}/refunds", self._refund),
                web.get("/pay/{id}", self._card_page, name="card"),
                web.post("/pay/{id}", self._choose),
            ]
        )
        app.cleanup_ctx.append(self._stop_telling)
        return app

    async def told(self) -> None:
        """Wait until every notice so far was heard or given up."""
        while self._telling:
            await asyncio.gather(*self._telling, return_exceptions=True)

    async def _stop_telling(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    @web.middleware
    async def _out_of_order(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        if self.faults.down:
            return web.Response(status=502, text="<h1>Bad gateway</h1>", content_type="text/html")
        response: web.StreamResponse = await handler(request)
        return response

    # --- What the shop asks ------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        self._check_shop(request)
        key, order = request.headers.get("Idempotence-Key", ""), await request.json()
        if (payment := self._by_key.get(key)) is None:
            _check_order(key, order)
            payment = self._add(request, key, order)
        elif payment.order != order:
            return web.json_response({"reason": "this key was used for another payment"}, status=409)
        if self.faults.cut_off:
            self.faults.cut_off -= 1
            return web.Response(status=504)
        return web.json_response(self._shown(payment))

    def _add(self, request: web.Request, key: str, order: dict[str, Any]) -> Payment:
        number = secrets.token_hex(12)
        path = request.app.router["card"].url_for(id=number)
        payment = Payment(number, key, order, str(request.url.join(path)), self.clock())
        self.payments[number] = self._by_key[key] = payment
        return payment

    async def _query(self, request: web.Request) -> web.Response:
        self._check_shop(request)
        return web.json_response(self._shown(self._found(request)))

    async def _list(self, request: web.Request) -> web.Response:
        self._check_shop(request)
        since, until = (datetime.fromisoformat(request.query[name]) for name in ("since", "until"))
        arrived = [each for each in self.payments.values() if each.paid_at and since <= each.paid_at < until]
        return web.json_response([self._shown(payment) for payment in arrived])

    async def _refund(self, request: web.Request) -> web.Response:
        self._check_shop(request)
        payment, kopecks = self._found(request), (await request.json())["kopecks"]
        key = request.headers.get("Idempotence-Key", "")
        if not key or payment.status != "paid" or kopecks < 1:
            raise web.HTTPBadRequest
        if key not in payment.refunds and payment.refunded + kopecks > payment.order["kopecks"]:
            raise web.HTTPUnprocessableEntity
        if key not in payment.refunds:
            payment.refunds[key] = kopecks
            self._tell(payment.id)
        return web.json_response(self._shown(payment))

    def _check_shop(self, request: web.Request) -> None:
        if not hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {self.secret}"):
            raise web.HTTPUnauthorized

    def _found(self, request: web.Request) -> Payment:
        payment = self.payments.get(request.match_info["id"])
        if payment is None:
            raise web.HTTPNotFound
        if payment.status == "waiting" and self.clock() >= payment.created_at + LIFETIME:
            payment.status = "expired"
        return payment

    def _shown(self, payment: Payment) -> dict[str, Any]:
        return {
            "id": payment.id,
            "key": payment.key,
            "status": payment.status,
            "kopecks": payment.order["kopecks"] + self.faults.kopecks_off,
            "currency": "RUB",
            "url": payment.url,
            "paid_at": payment.paid_at.isoformat() if payment.paid_at else None,
            "refunded": payment.refunded,
        }

    # --- What the payer does -----------------------------------------------------------------------

    async def _card_page(self, request: web.Request) -> web.Response:
        payment = self._found(request)
        roubles, kopecks = divmod(payment.order["kopecks"], 100)
        page = CARD_PAGE.substitute(
            bank="Учебный банк",
            description=escape(payment.order["description"]),
            sum=f"{roubles},{kopecks:02}",
            body=CARD_FORM if payment.status == "waiting" else ENDED,
        )
        return web.Response(text=page, content_type="text/html")

    async def _choose(self, request: web.Request) -> web.Response:
        payment, form = self._found(request), await request.post()
        if payment.status == "waiting":
            paid = form.get("choice") == "pay"
            payment.status = "paid" if paid else "refused"
            payment.paid_at = self.clock() if paid else None
            for _ in range(self.faults.notices):
                self._tell(payment.id)
        raise web.HTTPSeeOther(payment.order["return_url"])

    def _tell(self, operation: str) -> None:
        if self.notice_url is not None:
            task = asyncio.create_task(self._tell_until_heard(self.notice_url, operation))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell_until_heard(self, url: str, operation: str) -> None:
        async with aiohttp.ClientSession(timeout=NOTICE_TIMEOUT) as http:
            for pause_s in (*self.retries_s, None):
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with http.post(url, json={"operation": operation}) as response:
                        if response.status == 200:
                            return
                if pause_s is not None:
                    await asyncio.sleep(pause_s)


def _check_order(key: str, order: dict[str, Any]) -> None:
    kopecks = order.get("kopecks")
    if not isinstance(kopecks, int) or order.get("currency") != "RUB":
        raise web.HTTPBadRequest
    if (
        not 0 < len(key) <= KEY_CHARS_MAX
        or not 0 < len(order.get("description", "")) <= DESCRIPTION_CHARS_MAX
    ):
        raise web.HTTPBadRequest
    if not str(order.get("return_url", "")).startswith(("http://", "https://")):
        raise web.HTTPBadRequest
    if not KOPECKS_MIN <= kopecks <= KOPECKS_MAX:
        raise web.HTTPUnprocessableEntity
