"""Sberbank's acquiring, and the other banks whose gateway has register.do (the RBS family): three dialects of one.

Where it bites: an order number is used once for ever; a repeated registration is refused and the address of the
order's page is told once only; HTTP is 200 for refusals too; error 5 and 7 mean both "never" and "not now", so
what has become of an order is asked; a part that was given back has the status of a whole refund; the new
gateway's certificate is of the Russian root, which no system has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
import msgspec

from adapters.sberbank_answers import (
    Again,
    Key,
    decode_refunded,
    decode_registered,
    decode_status,
    is_signed,
)
from core.acquiring import (
    Accepted,
    Created,
    Down,
    Found,
    Missing,
    Notice,
    Order,
    Refused,
    Unlisted,
    Unreadable,
)
from core.errors import ForgedWebhookError
from core.fiscal import Contact, Item, Mode, ReceiptNeed, at_most
from core.money import Money
from core.refund_receipts import RefundReceipt, returned_lines

TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)
ROUBLE_CODE: Final = "643"
SESSION_S: Final = 3600
DESCRIPTION_CHARS_MAX: Final = 99
ITEM_CHARS_MAX: Final = 100
ITEMS_MAX: Final = 100
INN_CHARS: Final = 12
# What a line is called that stands for all that a receipt has no room for.
REST: Final = "Прочие жилищно-коммунальные услуги"


class Gateway(StrEnum):
    """Which of the three: the new one speaks JSON, the other two are filled-in forms."""

    ECOMMERCE = "ecommerce"
    LEGACY = "legacy"
    YOOKASSA = "yookassa"


BASES: Final = {
    Gateway.ECOMMERCE: "https://ecommerce.sberbank.ru/ecomm/gw/partner/api/v1",
    Gateway.LEGACY: "https://securepayments.sberbank.ru/payment/rest",
    Gateway.YOOKASSA: "https://3dsec-payments.yookassa.ru/payment/rest",
}

# The words of FFD 1.05, and the numbers of 1.2, for what is paid for.
SUBJECTS: Final = {"1.05": ("service", "payment"), "1.2": ("4", "10")}
MODES: Final = {Mode.FULL: "full_payment", Mode.PART: "partial_payment", Mode.ADVANCE: "advance"}

_OPERATION: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
# What the older gateways stumble over in a description.
_UNSAFE: Final = re.compile(r"[%+\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fiscal:
    """How receipts are made: who sells, and the tax codes of services (0 none, 1 0 %, 2 10 %, 6 20 %)."""

    email: str
    sno: str
    inn: str
    address: str
    ffd: str = "1.2"
    tax_type: int = 0
    tax_types: Mapping[str, int] = field(default_factory=dict)
    agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SberbankSettings:
    """A merchant at one of the gateways; *login* '' where the *password* is a token.

    *notice_key*: by what notices are signed, our common secret or the bank's public key; None: by nothing.
    """

    gateway: Gateway
    login: str
    password: str = field(repr=False)
    base_url: str = ""
    title: str = "Сбербанк: карта или СБП"
    notice_key: Key | None = field(default=None, repr=False)
    fiscal: Fiscal | None = None
    ssl: SSLContext | None = None

    @property
    def base(self) -> str:
        """Where the gateway is."""
        return (self.base_url or BASES[self.gateway]).rstrip("/")


class Sberbank:
    """One merchant at a gateway."""

    name: Final = "sberbank"
    refund_needs_contact: Final = False

    def __init__(self, http: aiohttp.ClientSession, settings: SberbankSettings) -> None:
        self.title: Final = settings.title
        self.receipt: Final = ReceiptNeed.EMAIL_OR_PHONE if settings.fiscal else ReceiptNeed.NONE
        self._http = http
        self._settings = settings

    async def create(self, order: Order) -> Created | Refused | Down:
        """Register *order*, or find the one that is registered under its number: without its page's address."""
        answer = await self._call("register.do", encode(order, self._settings))
        if isinstance(answer, Down):
            return answer
        registered = decode_registered(*answer)
        if not isinstance(registered, Again):
            return registered
        match await self._status({"orderNumber": order.key}, None):
            case Found(operation=operation):
                return Created(operation, None)
            case Missing():
                return Refused(registered.reason) if registered.final else Down(registered.reason)
            case Unreadable(operation=operation):
                return Created(operation, None)
            case Down() as down:
                return down

    async def query(self, operation: str) -> Found | Missing | Down | Unreadable:
        """What has become of the order *operation*."""
        if _OPERATION.fullmatch(operation) is None:
            return Missing()
        return await self._status({"orderId": operation}, operation)

    async def refund(
        self, operation: str, *, key: str, amount: Money, receipt: RefundReceipt | None = None
    ) -> Accepted | Refused | Down:
        """Give *amount* of the order back; only the new gateway knows a repeat by its *key*.

        Of a part of an order with a cart all gateways want to know what of the cart goes back: the older ones
        by the lines as they were registered, the new one as a receipt of its own.
        """
        body: dict[str, Any] = {"orderId": operation, "amount": amount.kopecks}
        if self._settings.gateway is Gateway.ECOMMERCE:
            body["jsonParams"] = {"externalRefundId": key}
        if receipt is not None and (fiscal := self._settings.fiscal) is not None:
            lines = returned_lines(receipt, ITEMS_MAX, rest=REST)
            items = [_item(line.place, line.item, line.amount, fiscal) for line in lines]
            if self._settings.gateway is Gateway.ECOMMERCE:
                body["orderBundle"] = _bundle(items, amount, fiscal, receipt="sell_refund")
            else:
                body["refundItems"] = {"items": [_returned(item) for item in items]}
        answer = await self._call("refund.do", body)
        return answer if isinstance(answer, Down) else decode_refunded(*answer)

    async def listed(self, since: datetime, until: datetime) -> Sequence[Found] | Unlisted | Down:
        """There is no list: each order has to be asked for."""
        del since, until
        return Unlisted()

    async def given_back(self, since: datetime, until: datetime) -> Sequence[str] | Unlisted | Down:
        """There is no list of refunds."""
        del since, until
        return Unlisted()

    def notice(self, notice: Notice) -> str | None:
        """Which order *notice* is about. Raises ForgedWebhookError where it should be signed and is not."""
        told = decode_notice(notice)
        if not is_signed(told, self._settings.notice_key):
            raise ForgedWebhookError(self.name)
        return told.get("mdOrder")

    async def _status(
        self, which: Mapping[str, str], operation: str | None
    ) -> Found | Missing | Down | Unreadable:
        answer = await self._call("getOrderStatusExtended.do", which)
        return answer if isinstance(answer, Down) else decode_status(*answer, operation=operation)

    async def _call(self, method: str, body: Mapping[str, Any]) -> tuple[int, bytes] | Down:
        settings = self._settings
        whole = _credentials(settings) | dict(body)
        json = settings.gateway is Gateway.ECOMMERCE
        try:
            async with self._http.post(
                f"{settings.base}/{method}",
                json=whole if json else None,
                data=None if json else _form(whole),
                timeout=TIMEOUT,
                allow_redirects=False,
                ssl=settings.ssl or True,
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return Down(type(error).__name__)


# --- What we say ------------------------------------------------------------------------------------


def _credentials(settings: SberbankSettings) -> dict[str, Any]:
    if settings.login:
        return {"userName": settings.login, "password": settings.password}
    return {"token": settings.password}


def _form(body: Mapping[str, Any]) -> dict[str, str]:
    """*body* as the older gateways have it: what is nested is JSON in a field of the form."""
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in body.items()
    }


def encode(order: Order, settings: SberbankSettings) -> dict[str, Any]:
    """*order* as a registration; the same order gives the same one."""
    body: dict[str, Any] = {
        "orderNumber": order.key,
        "amount": order.amount.kopecks,
        "currency": ROUBLE_CODE,
        "returnUrl": order.return_url,
        "failUrl": order.return_url,
        "description": _UNSAFE.sub(" ", order.description)[:DESCRIPTION_CHARS_MAX],
        "language": "en" if order.details.language == "en" else "ru",
        "sessionTimeoutSecs": SESSION_S,
    }
    if settings.fiscal is not None and order.contact is not None and order.details.items:
        body |= _addressee(order.contact)
        lines = at_most(order.details.items, ITEMS_MAX, rest=REST)
        items = [
            _item(place, line, line.amount, settings.fiscal) for place, line in enumerate(lines, start=1)
        ]
        body["orderBundle"] = _bundle(items, order.amount, settings.fiscal, receipt="sell")
    return body


def _addressee(contact: Contact) -> dict[str, str]:
    return {"email": contact.email} if contact.email else {"phone": f"+{contact.phone}"}


def _bundle(items: Sequence[Any], amount: Money, fiscal: Fiscal, *, receipt: str) -> dict[str, Any]:
    return {
        "ffdVersion": fiscal.ffd,
        "receiptType": receipt,
        "company": {
            "email": fiscal.email,
            "sno": fiscal.sno,
            "inn": fiscal.inn,
            "paymentAddress": fiscal.address,
        },
        "payments": [{"type": 1, "sum": amount.kopecks}],
        "total": amount.kopecks,
        "cartItems": {"items": items},
    }


# What the older gateways know a line of the cart by, and what of it goes back.
RETURNED: Final = ("positionId", "name", "itemCode", "quantity", "itemPrice", "itemAmount")


def _returned(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in RETURNED}


def _item(place: int, line: Item, amount: Money, fiscal: Fiscal) -> dict[str, Any]:
    service, payment = SUBJECTS[fiscal.ffd]
    newer = fiscal.ffd == "1.2"
    item: dict[str, Any] = {
        "positionId": str(place),
        "name": line.title(ITEM_CHARS_MAX),
        "quantity": {"value": 1, "measure": "0"} if newer else {"value": 1},
        "itemPrice": amount.kopecks,
        "itemAmount": amount.kopecks,
        "itemCode": f"{line.service or 'advance'}-{place}",
        "paymentMethod": MODES[line.mode],
        "paymentObject": payment if line.mode is Mode.ADVANCE else service,
        "tax": {"taxType": fiscal.tax_types.get(line.service, fiscal.tax_type)},
    }
    if not newer:
        item["measurementUnit"] = "шт"
    if fiscal.agent and line.supplier is not None:
        item["agentInfo"] = {"type": "paying_agent"}
        item["supplierInfo"] = {"name": line.supplier.name, "inn": line.supplier.inn.ljust(INN_CHARS)}
    return item


# --- What they tell ---------------------------------------------------------------------------------


def decode_notice(notice: Notice) -> dict[str, str]:
    """What a notice says, by name: a query, a form or JSON; nothing where it cannot be read."""
    if notice.query:
        return dict(notice.query)
    if notice.body.lstrip()[:1] == b"{":
        try:
            told = msgspec.json.decode(notice.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return {name: value for name, value in told.items() if isinstance(value, str)}
    try:
        return dict(parse_qsl(notice.body.decode("ascii"), keep_blank_values=True))
    except (UnicodeDecodeError, ValueError):
        return {}
