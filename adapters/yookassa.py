"""YooKassa, API v3 (https://yookassa.ru/developers/api): payments created once a key, notices without a signature.

Where it bites: `capture` is false unless said; a shop for utilities needs `payment_order` in every creation; a
sum is a text of roubles with two decimals; a key is kept for a day and then begins a new payment; `return_url`
is visited whatever came of it; HTTP 500 and 202 mean that the payment may have been created.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from ssl import SSLContext
from typing import Any, Final, TypeVar

import aiohttp

from adapters.yookassa_answers import (
    KEY_NAME,
    decode_created,
    decode_found,
    decode_notice,
    decode_page,
    decode_refunded,
    decode_refunds,
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
from core.requisites import Requisites

T = TypeVar("T")

BASE: Final = "https://api.yookassa.ru/v3"
TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)

DESCRIPTION_CHARS_MAX: Final = 128
PURPOSE_CHARS_MAX: Final = 210
BANK_NAME_CHARS_MAX: Final = 45
NUMBER_CHARS_MAX: Final = 30
UNIFIED_CHARS: Final = 10
ITEM_CHARS_MAX: Final = 128
PAGE: Final = 100
# What a line is called that stands for all that a receipt has no room for.
REST: Final = "Прочие жилищно-коммунальные услуги"

# Whence notices come, for they bear no signature (https://yookassa.ru/developers/using-api/webhooks#ip).
SENDERS: Final = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)

# How many lines a receipt may have: their own service takes fewer, and sends it by e-mail only.
ITEMS_MAX: Final = {ReceiptNeed.NONE: 0, ReceiptNeed.EMAIL: 80, ReceiptNeed.EMAIL_OR_PHONE: 100}

MODES: Final = {Mode.FULL: "full_payment", Mode.PART: "partial_payment", Mode.ADVANCE: "advance"}

_OPERATION: Final = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class YookassaSettings:
    """A shop at YooKassa. *recipient*: the centre's account, for a shop for utilities; None for any other shop.

    *vat_codes* are of services that differ from *vat_code* (1 none, 2 0 %, 3 10 %, 7 5 %, 8 7 %, 11 22 %).
    """

    shop_id: str
    secret: str = field(repr=False)
    title: str = "Карта или СБП"
    base_url: str = BASE
    recipient: Requisites | None = None
    receipt: ReceiptNeed = ReceiptNeed.NONE
    vat_code: int = 1
    vat_codes: Mapping[str, int] = field(default_factory=dict)
    tax_system_code: int | None = None
    senders: Sequence[str] = SENDERS
    ssl: SSLContext | None = None


class Yookassa:
    """One shop at YooKassa."""

    name: Final = "yookassa"
    refund_needs_contact: Final = True

    def __init__(self, http: aiohttp.ClientSession, settings: YookassaSettings) -> None:
        self.title: Final = settings.title
        self.receipt: Final = settings.receipt
        self._http = http
        self._settings = settings
        pair = b64encode(f"{settings.shop_id}:{settings.secret}".encode()).decode()
        self._authorization = {"Authorization": f"Basic {pair}"}
        self._senders = [ip_network(each) for each in settings.senders]

    async def create(self, order: Order) -> Created | Refused | Down:
        """Create the payment of *order*, or give the one that was created under its key."""
        answer = await self._call("POST", "/payments", key=order.key, body=encode(order, self._settings))
        return answer if isinstance(answer, Down) else decode_created(*answer)

    async def query(self, operation: str) -> Found | Missing | Down | Unreadable:
        """What has become of the payment *operation*."""
        if _OPERATION.fullmatch(operation) is None:
            return Missing()
        answer = await self._call("GET", f"/payments/{operation}")
        return answer if isinstance(answer, Down) else decode_found(*answer, shop_id=self._settings.shop_id)

    async def refund(
        self, operation: str, *, key: str, amount: Money, receipt: RefundReceipt | None = None
    ) -> Accepted | Refused | Down:
        """Give *amount* of the payment *operation* back; of a part the receipt says what is returned.

        https://yookassa.ru/developers/payment-acceptance/receipts/54fz/yoomoney/refunds
        """
        body: dict[str, Any] = {"payment_id": operation, "amount": _amount(amount)}
        if receipt is not None and receipt.contact is not None:
            lines = returned_lines(receipt, ITEMS_MAX[self.receipt], rest=REST)
            items = [_item(line.item, line.amount, self._settings) for line in lines]
            body["receipt"] = _receipt(receipt.contact, items, self._settings)
        answer = await self._call("POST", "/refunds", key=key, body=body)
        return answer if isinstance(answer, Down) else decode_refunded(*answer)

    async def listed(
        self, since: datetime, until: datetime
    ) -> Sequence[Found | Unreadable] | Unlisted | Down:
        """Every payment whose money arrived from *since* on and before *until*."""
        span = {"captured_at.gte": _moment(since), "captured_at.lt": _moment(until)}
        return await self._listed("/payments", span, decode_page)

    async def given_back(self, since: datetime, until: datetime) -> Sequence[str] | Unlisted | Down:
        """The payments of which some was given back from *since* on and before *until*, however old."""
        span = {"created_at.gte": _moment(since), "created_at.lt": _moment(until)}
        return await self._listed("/refunds", span, decode_refunds)

    async def _listed(
        self,
        path: str,
        span: Mapping[str, str],
        decode: Callable[[int, bytes], tuple[list[T], str | None] | Down],
    ) -> list[T] | Down:
        """All that came to a good end within *span*, page by page."""
        query = {**span, "status": "succeeded", "limit": str(PAGE)}
        found: list[T] = []
        while True:
            answer = await self._call("GET", path, query=query)
            page = answer if isinstance(answer, Down) else decode(*answer)
            if isinstance(page, Down):
                return page
            items, cursor = page
            found += items
            if not cursor:
                return found
            query["cursor"] = cursor

    def notice(self, notice: Notice) -> str | None:
        """Which payment *notice* is about. Raises ForgedWebhookError where it comes from elsewhere."""
        try:
            sender = ip_address(notice.remote)
        except ValueError:
            raise ForgedWebhookError(self.name) from None
        if not any(sender in network for network in self._senders):
            raise ForgedWebhookError(self.name)
        return decode_notice(notice.body)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes] | Down:
        settings = self._settings
        try:
            async with self._http.request(
                method,
                settings.base_url + path,
                params=query,
                headers=self._authorization | ({"Idempotence-Key": key} if key else {}),
                json=body,
                timeout=TIMEOUT,
                allow_redirects=False,
                ssl=settings.ssl or True,
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return Down(type(error).__name__)


# --- What we say ------------------------------------------------------------------------------------


def encode(order: Order, settings: YookassaSettings) -> dict[str, Any]:
    """*order* as the body of a creation; the same order gives the same body."""
    body: dict[str, Any] = {
        "amount": _amount(order.amount),
        "capture": True,
        "description": order.description[:DESCRIPTION_CHARS_MAX],
        "metadata": {KEY_NAME: order.key},
        "confirmation": {
            "type": "redirect",
            "return_url": order.return_url,
            "locale": "en_US" if order.details.language == "en" else "ru_RU",
        },
    }
    if settings.recipient is not None:
        body["payment_order"] = _payment_order(order, settings.recipient)
    if order.contact is not None and order.details.items:
        lines = at_most(order.details.items, ITEMS_MAX[settings.receipt], rest=REST)
        items = [_item(line, line.amount, settings) for line in lines]
        body["receipt"] = _receipt(order.contact, items, settings)
    return body


def _amount(amount: Money) -> dict[str, str]:
    return {"value": f"{amount.roubles:.2f}", "currency": "RUB"}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _payment_order(order: Order, to: Requisites) -> dict[str, Any]:
    """What a shop for utilities must say (https://yookassa.ru/developers: utility payments).

    The purpose is made as the Bank of Russia's letter ИН-04-45/12 of 22.02.2018 has it, with no name and address.
    The account's number in ГИС ЖКХ has Cyrillic letters, which stay as they are.
    """
    details = order.details
    parts = ["Оплата ЖКУ", f"ЛСИ {details.number}"]
    unified = details.unified if len(details.unified) == UNIFIED_CHARS else ""
    parts += [f"ЕЛС {unified}"] if unified else []
    period = details.period
    parts += [f"ПРД {period.month:02}.{period.year}"] if period else []
    recipient: dict[str, Any] = {
        "name": to.name,
        "inn": to.inn,
        "bank": {
            "name": to.bank_name[:BANK_NAME_CHARS_MAX],
            "bic": to.bik,
            "account": to.bank_account,
            "correspondent_account": to.corr_account,
        },
    }
    return {
        "type": "utilities",
        "amount": _amount(order.amount),
        "payment_purpose": ";".join(parts)[:PURPOSE_CHARS_MAX],
        "recipient": recipient | ({"kpp": to.kpp} if to.kpp else {}),
        "account_number": details.number[:NUMBER_CHARS_MAX],
        **({"unified_account_number": unified} if unified else {}),
        **({"payment_period": {"month": period.month, "year": period.year}} if period else {}),
    }


def _receipt(contact: Contact, items: Sequence[Any], settings: YookassaSettings) -> dict[str, Any]:
    customer = {"email": contact.email} if contact.email else {"phone": contact.phone}
    receipt: dict[str, Any] = {"customer": customer, "internet": True, "items": items}
    if settings.tax_system_code is not None:
        receipt["tax_system_code"] = settings.tax_system_code
    return receipt


def _item(item: Item, amount: Money, settings: YookassaSettings) -> dict[str, Any]:
    return {
        "description": item.title(ITEM_CHARS_MAX),
        "quantity": 1,
        "amount": _amount(amount),
        "vat_code": settings.vat_codes.get(item.service, settings.vat_code),
        "measure": "piece",
        "payment_subject": "payment" if item.mode is Mode.ADVANCE else "service",
        "payment_mode": MODES[item.mode],
    }
