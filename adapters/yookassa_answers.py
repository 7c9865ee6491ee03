"""What YooKassa answers and tells, as ours. Unknown fields and statuses are met with leniency, sums with none."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import msgspec

from core.acquiring import Accepted, AttemptState, Created, Down, Found, Missing, Refused, Unreadable
from core.money import NOTHING, Money

T = TypeVar("T")

# What a payment of ours is told by in every answer.
KEY_NAME: Final = "kvitok_payment"

# A page that nobody paid on in its hour.
RAN_OUT: Final = frozenset({"expired_on_confirmation", "expired_on_capture"})


STATES: Final = {
    "pending": AttemptState.PENDING,
    "waiting_for_capture": AttemptState.PENDING,
    "succeeded": AttemptState.PAID,
}


# --- The parts of their bodies that we read -----------------------------------------------------------


class _Amount(msgspec.Struct):
    value: str
    currency: str

    @property
    def money(self) -> Money:
        """The sum. Raises ValueError for what is none."""
        try:
            roubles = Decimal(self.value)
        except InvalidOperation as error:
            raise ValueError(self.value) from error
        if not roubles.is_finite():
            raise ValueError(self.value)
        return Money.exact(roubles)


class _Confirmation(msgspec.Struct):
    confirmation_url: str | None = None


class _Cancellation(msgspec.Struct):
    reason: str = ""


class _Recipient(msgspec.Struct):
    account_id: str = ""


class _Payment(msgspec.Struct):
    id: str
    status: str
    amount: _Amount
    metadata: dict[str, str] = {}
    captured_at: datetime | None = None
    refunded_amount: _Amount | None = None
    confirmation: _Confirmation | None = None
    cancellation_details: _Cancellation | None = None
    recipient: _Recipient | None = None


class _Told(msgspec.Struct):
    """What is read of a payment whose rest cannot be."""

    id: str
    metadata: dict[str, str] = {}


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]
    next_cursor: str | None = None


class _GivenBack(msgspec.Struct):
    payment_id: str


class _Refunds(msgspec.Struct):
    items: list[_GivenBack]
    next_cursor: str | None = None


class _Refund(msgspec.Struct):
    status: str
    cancellation_details: _Cancellation | None = None


class _Error(msgspec.Struct):
    code: str = ""
    parameter: str = ""


class _Object(msgspec.Struct):
    id: str
    payment_id: str | None = None


class _Notification(msgspec.Struct):
    event: str
    object: _Object


# --- What each means ----------------------------------------------------------------------------------


def decode_created(status: int, body: bytes) -> Created | Refused | Down:
    """What their answer to a creation means."""
    if status == 400:
        return Refused(_reason(status, body))
    payment = _read(status, body, _Payment)
    if isinstance(payment, Down):
        return payment
    return Created(payment.id, payment.confirmation.confirmation_url if payment.confirmation else None)


def decode_found(status: int, body: bytes, *, shop_id: str) -> Found | Missing | Down | Unreadable:
    """What their answer to a query means; another shop's payment is none of ours."""
    if status == 404:
        return Missing()
    payment = _read(status, body, _Payment)
    if isinstance(payment, Down):
        return _unreadable(body) or payment if status == 200 else payment
    if payment.recipient and payment.recipient.account_id not in {"", shop_id}:
        return Missing()
    return _found(payment)


def decode_page(status: int, body: bytes) -> tuple[list[Found | Unreadable], str | None] | Down:
    """A page of their list, and by what the next one is asked for; one payment never spoils the others."""
    page = _read(status, body, _Page)
    if isinstance(page, Down):
        return page
    payments: list[Found | Unreadable] = []
    for item in page.items:
        payment = _read(status, bytes(item), _Payment)
        found = payment if isinstance(payment, Down) else _found(payment)
        if isinstance(found, Down):
            found = _unreadable(bytes(item), found.reason) or found
        if isinstance(found, Down):
            return found
        payments.append(found)
    return payments, page.next_cursor


def _unreadable(body: bytes, reason: str = "unreadable answer") -> Unreadable | None:
    """Which payment it is that cannot be read; None where not even that can."""
    told = _read(200, body, _Told)
    return None if isinstance(told, Down) else Unreadable(told.id, told.metadata.get(KEY_NAME, ""), reason)


def decode_refunded(status: int, body: bytes) -> Accepted | Refused | Down:
    """What their answer to a refund means."""
    if status in {400, 404}:
        return Refused(_reason(status, body))
    refund = _read(status, body, _Refund)
    if isinstance(refund, Down):
        return refund
    if refund.status == "canceled":
        return Refused(refund.cancellation_details.reason if refund.cancellation_details else "canceled")
    return Accepted()


def decode_refunds(status: int, body: bytes) -> tuple[list[str], str | None] | Down:
    """The payments that a page of their refunds is about, and by what the next one is asked for."""
    page = _read(status, body, _Refunds)
    return page if isinstance(page, Down) else ([each.payment_id for each in page.items], page.next_cursor)


def decode_notice(body: bytes) -> str | None:
    """The payment that a notice is about; None for what is about none."""
    try:
        told = msgspec.json.decode(body, type=_Notification)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    subject = told.event.partition(".")[0]
    if subject == "refund":
        return told.object.payment_id
    return told.object.id if subject == "payment" else None


def _found(payment: _Payment) -> Found | Down | Unreadable:
    try:
        amount = payment.amount.money
        refunded = payment.refunded_amount.money if payment.refunded_amount else NOTHING
    except ValueError:
        said = " / ".join(each.value for each in (payment.amount, payment.refunded_amount) if each)
        return Unreadable(payment.id, payment.metadata.get(KEY_NAME, ""), "unreadable sum", said)
    state = _state(payment, amount, refunded)
    if state is None:
        return Down("unknown status")
    return Found(
        operation=payment.id,
        key=payment.metadata.get(KEY_NAME, ""),
        state=state,
        amount=amount,
        currency=payment.amount.currency,
        paid_at=payment.captured_at,
        refunded=refunded,
    )


def _state(payment: _Payment, amount: Money, refunded: Money) -> AttemptState | None:
    if payment.status == "canceled":
        why = payment.cancellation_details
        return AttemptState.EXPIRED if why and why.reason in RAN_OUT else AttemptState.CANCELED
    if payment.status == "succeeded" and refunded:
        return AttemptState.REFUNDED if refunded == amount else AttemptState.REFUNDED_IN_PART
    return STATES.get(payment.status)


def _read(status: int, body: bytes, kind: type[T]) -> T | Down:
    if status != 200:
        return Down(_reason(status, body))
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Down("unreadable answer")


def _reason(status: int, body: bytes) -> str:
    """Their code, and what it is about: never what was sent."""
    try:
        error = msgspec.json.decode(body, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"HTTP {status}"
    return f"HTTP {status} {error.code} {error.parameter}".rstrip()
