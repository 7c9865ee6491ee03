"""What a register.do gateway answers, as ours, and how its notices are signed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.acquiring import ROUBLES, Accepted, AttemptState, Created, Down, Found, Missing, Refused, Unreadable
from core.money import NOTHING, Money

# ISO 4217, as they number it.
CURRENCIES: Final = {"643": ROUBLES, "810": ROUBLES, "": ROUBLES}

USED_BEFORE: Final = "1"
# Either for ever or for now: what has become of the order tells.
EITHER: Final = frozenset({"5", "7"})
NOT_FOUND: Final = frozenset({"5", "6", "9"})
DENIED: Final = ("доступ", "access denied")

STATES: Final = {
    0: AttemptState.PENDING,
    1: AttemptState.PENDING,
    2: AttemptState.PAID,
    3: AttemptState.REFUNDED,
    4: AttemptState.REFUNDED,
    5: AttemptState.PENDING,
    6: AttemptState.CANCELED,
}
# Why an order is declined (`actionCode`): its time was over; or the processing did not say.
RAN_OUT: Final = frozenset({-2007})
UNSAID: Final = frozenset({1018, 1019})

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


# --- The parts of their bodies that we read ---------------------------------------------------------


class _Fault(msgspec.Struct):
    code: str | int | None = None
    message: str = ""


class _Sums(msgspec.Struct, rename="camel"):
    deposited_amount: int | None = None
    refunded_amount: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    error_code: str | int | None = None
    other_error_code: str | int | None = msgspec.field(default=None, name="ErrorCode")
    error: _Fault | None = None
    error_message: str = ""
    order_id: str | None = None
    form_url: str | None = None
    order_number: str = ""
    order_status: int | None = None
    action_code: int = 0
    amount: int | None = None
    currency: str | int = ""
    attributes: Any = None
    deposited_date: int | None = None
    auth_date_time: int | None = None
    payment_amount_info: _Sums = msgspec.field(default_factory=_Sums)

    @property
    def fault(self) -> str:
        """Their code of what is wrong, a number or a text in one of three places; '0' for nothing."""
        nested = self.error.code if self.error else None
        told = [code for code in (self.error_code, self.other_error_code, nested) if code is not None]
        return str(told[0]) if told else "0"

    @property
    def denied(self) -> bool:
        """Whether our login is refused: the code is that of many things, only the text tells."""
        message = f"{self.error_message} {self.error.message if self.error else ''}".lower()
        return self.fault == "5" and any(word in message for word in DENIED)

    @property
    def operation(self) -> str | None:
        """Their own number of the order, in a list of attributes or an object of them."""
        told = self.attributes
        if isinstance(told, Mapping):
            told = [{"name": name, "value": value} for name, value in told.items()]
        for each in told if isinstance(told, list) else ():
            if isinstance(each, Mapping) and each.get("name") == "mdOrder":
                return str(each.get("value"))
        return None

    @property
    def paid_at(self) -> datetime | None:
        """When the money arrived."""
        at = self.deposited_date or self.auth_date_time
        return EPOCH + timedelta(milliseconds=at) if at else None


class _Told(msgspec.Struct, rename="camel"):
    """What is read of an order whose rest cannot be."""

    order_number: str = ""


def _read(status: int, body: bytes) -> _Answer | Down:
    if status != 200:
        return Down(f"HTTP {status}")
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Down("unreadable answer")


# --- What each means --------------------------------------------------------------------------------


class Again(msgspec.Struct, frozen=True):
    """The order may be there or not: its status tells. *final*: where it is not, it never will be."""

    reason: str
    final: bool


def decode_registered(status: int, body: bytes) -> Created | Refused | Down | Again:
    """What their answer to a registration means."""
    answer = _read(status, body)
    if isinstance(answer, Down):
        return answer
    if answer.fault == "0":
        return (
            Created(answer.order_id, answer.form_url) if answer.order_id else Down("no order in the answer")
        )
    if answer.denied:
        return Down("access denied")
    reason = f"errorCode {answer.fault}"
    if answer.fault == USED_BEFORE or answer.fault in EITHER:
        return Again(reason, final=answer.fault != "7")
    return Refused(reason)


def decode_status(status: int, body: bytes, *, operation: str | None) -> Found | Missing | Down | Unreadable:
    """What their answer to a status request means; *operation* is what was asked for, if it was known."""
    answer = _read(status, body)
    if isinstance(answer, Down):
        return _unreadable(status, body, operation) or answer
    if answer.order_status is None:
        absent = answer.fault in NOT_FOUND and not answer.denied
        return (
            Missing() if absent else Down("access denied" if answer.denied else f"errorCode {answer.fault}")
        )
    return _found(answer, operation or answer.operation)


def _unreadable(status: int, body: bytes, operation: str | None) -> Unreadable | None:
    """Which order it is that cannot be read; None where not even that can."""
    try:
        told = msgspec.json.decode(body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    known = status == 200 and operation is not None and told.order_number
    return Unreadable(operation or "", told.order_number, "unreadable answer") if known else None


def _found(answer: _Answer, operation: str | None) -> Found | Down | Unreadable:
    state = _state(answer)
    if operation is None or state is None:
        return Down("unreadable status")
    if answer.amount is None:
        return Unreadable(operation, answer.order_number, "no sum")
    amount, sums = answer.amount, answer.payment_amount_info
    if state is AttemptState.PAID and sums.deposited_amount:
        amount = sums.deposited_amount
    refunded = _refunded(answer)
    if refunded is None:
        said = f"{answer.amount} kopecks paid"
        return Unreadable(operation, answer.order_number, "refund of an unknown sum", said)
    if state is AttemptState.REFUNDED and refunded < amount:
        state = AttemptState.REFUNDED_IN_PART
    return Found(
        operation=operation,
        key=answer.order_number,
        state=state,
        amount=Money(amount),
        currency=CURRENCIES.get(str(answer.currency), str(answer.currency)),
        paid_at=answer.paid_at,
        refunded=Money(refunded) if refunded else NOTHING,
    )


def _state(answer: _Answer) -> AttemptState | None:
    if answer.order_status == 6 and answer.action_code in RAN_OUT:
        return AttemptState.EXPIRED
    if answer.order_status == 6 and answer.action_code in UNSAID:
        return AttemptState.UNKNOWN
    return STATES.get(answer.order_status) if answer.order_status is not None else None


def _refunded(answer: _Answer) -> int | None:
    """How much went back: all of a reversed order; what is told of a refunded one, for a part looks alike."""
    match answer.order_status:
        case 3:
            return answer.amount
        case 4:
            return answer.payment_amount_info.refunded_amount or None
        case _:
            return 0


def decode_refunded(status: int, body: bytes) -> Accepted | Refused | Down:
    """What their answer to a refund means."""
    answer = _read(status, body)
    if isinstance(answer, Down):
        return answer
    if answer.fault == "0":
        return Accepted()
    return Down("errorCode 7") if answer.fault == "7" else Refused(f"errorCode {answer.fault}")


# --- How notices are signed -------------------------------------------------------------------------

Key: TypeAlias = bytes | RSAPublicKey

UNSIGNED: Final = frozenset({"checksum", "sign_alias"})


def signed_text(told: Mapping[str, str]) -> bytes:
    """What is signed of a notice: all that it says but the signature, by name."""
    names = sorted(told.keys() - UNSIGNED)
    return "".join(f"{name};{told[name]};" for name in names).encode()


def is_signed(told: Mapping[str, str], key: Key | None) -> bool:
    """Whether *told* bears the signature of *key*; without a key nothing is signed."""
    checksum = told.get("checksum", "")
    if key is None:
        return True
    if isinstance(key, bytes):
        expected = hmac.new(key, signed_text(told), hashlib.sha256).hexdigest().upper()
        return hmac.compare_digest(expected.encode(), checksum.encode())
    return _verifies(key, checksum, signed_text(told))


def _verifies(key: RSAPublicKey, checksum: str, text: bytes) -> bool:
    """Whether it is the bank's signature: they say SHA-256, and sign with SHA-512."""
    try:
        signature = bytes.fromhex(checksum)
    except ValueError:
        return False
    return any(_is_by(key, signature, text, algorithm) for algorithm in (hashes.SHA512(), hashes.SHA256()))


def _is_by(key: RSAPublicKey, signature: bytes, text: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(signature, text, PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True
