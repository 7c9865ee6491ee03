"""Payment QR codes: the text that banks' apps read (GOST R 56042-2014), and the drawing of any text as a QR.

The text carries requisites, account number and sum, never a person: it is sent to messengers. Where it bites:
some banks' apps want the fields in exactly this order, `KPP=0` for who has none, and bytes without an ECI mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import segno

from core.documents import BankOrder
from core.errors import KvitokError

Pairs = Sequence[tuple[str, str]]

ENCODINGS: Final[Mapping[str, str]] = {"1": "cp1251", "2": "utf-8", "3": "koi8-r"}
SERVICE_BYTES: Final = 8
MANDATORY: Final = ("Name", "PersonalAcc", "BankName", "BIC", "CorrespAcc")
# What fields must look like; lengths in characters. A purpose of 160 satisfies all readers.
FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "Name": re.compile(r".{1,160}"),
    "PersonalAcc": re.compile(r"\d{20}"),
    "BankName": re.compile(r".{1,45}"),
    "BIC": re.compile(r"\d{9}"),
    "CorrespAcc": re.compile(r"0|\d{20}"),
    "Sum": re.compile(r"[1-9]\d{0,17}"),
    "Purpose": re.compile(r".{1,160}"),
    "PayeeINN": re.compile(r"\d{10}|\d{12}"),
    "KPP": re.compile(r"0|\d{9}"),
}
NAME: Final = re.compile(r"[A-Za-z]+")
NAME_CHARS_MAX: Final = 160
BANK_CHARS_MAX: Final = 45
PURPOSE_CHARS_MAX: Final = 160
MANDATORY_BYTES_MAX: Final = 300
WHOLE_BYTES_MAX: Final = 600
SEPARATORS: Final = "|#;:^_~{}!$%&()*+,/@"

QUIET_ZONE: Final = 4
# Weighing all eight masks takes 60 ms and only makes a code prettier: readers take any. This one came out best
# for payment strings most often.
MASK: Final = 2


class UnwritableQrError(KvitokError):
    """A payment string would not follow the standard."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"payment QR: {field}: {reason}")
        self.field = field


class UnreadableQrError(KvitokError):
    """These bytes are no payment string of the standard."""


# --- Writing ---------------------------------------------------------------------------------------


def payment_string(order: BankOrder) -> bytes:
    """*order* as the text of a payment QR. Raises UnwritableQrError for requisites or a sum that do not fit."""
    payee = order.payee
    purpose = f"Оплата ЖКУ, л/с {order.number}"
    pairs = [
        ("Name", _clipped(payee.name, NAME_CHARS_MAX)),
        ("PersonalAcc", payee.bank_account),
        ("BankName", _clipped(payee.bank_name, BANK_CHARS_MAX)),
        ("BIC", payee.bik),
        ("CorrespAcc", payee.corr_account or "0"),
        ("KPP", payee.kpp or "0"),
        ("PayeeINN", payee.inn),
        ("Purpose", _clipped(purpose, PURPOSE_CHARS_MAX)),
        ("Sum", str(order.due.kopecks)),
        # Banks match the bare number.
        ("PersAcc", re.sub(r"\W", "", order.number)),
        ("PaymPeriod", f"{order.period.month:02d}{order.period.year}" if order.period else ""),
        ("Category", _clean(payee.category)),
        ("ServiceName", _clean(payee.service)),
        ("TechCode", "02"),
    ]
    return written(_short_enough([(name, value) for name, value in pairs if value]))


def written(pairs: Pairs) -> bytes:
    """*pairs* as a payment string in UTF-8. Raises UnwritableQrError where it would break the standard."""
    if tuple(name for name, _ in pairs[: len(MANDATORY)]) != MANDATORY:
        raise UnwritableQrError(", ".join(MANDATORY), "must come first and in this order")
    for name, value in pairs:
        if NAME.fullmatch(name) is None:
            raise UnwritableQrError(name, "a field is named in Latin letters")
        form = FORMS.get(name)
        if not value or value != _clean(value) or (form is not None and form.fullmatch(value) is None):
            raise UnwritableQrError(name, "the value does not have the form of this field")
    separator = _separator(pairs)
    payload = f"ST00012{separator}{separator.join(f'{name}={value}' for name, value in pairs)}".encode()
    if len(payload) > WHOLE_BYTES_MAX:
        raise UnwritableQrError("all", f"longer than {WHOLE_BYTES_MAX} bytes")
    if read(payload) != dict(pairs):
        raise UnwritableQrError("all", "would not be read as it was written")
    return payload


def _separator(pairs: Pairs) -> str:
    """The first separator that no value contains: there is no way to escape one."""
    text = "".join(value for _, value in pairs)
    for separator in SEPARATORS:
        if separator not in text:
            return separator
    raise UnwritableQrError("all", "the values contain every separator that there is")


def _short_enough(pairs: Pairs) -> Pairs:
    """*pairs* with the payee's name cut until the mandatory ones fit into their bytes."""
    mandatory = dict(pairs[: len(MANDATORY)])
    over = sum(len(f"|{name}={value}".encode()) for name, value in mandatory.items()) - MANDATORY_BYTES_MAX
    if over <= 0:
        return pairs
    kept = mandatory["Name"].encode()[:-over].decode(errors="ignore").strip()
    return [("Name", kept), *pairs[1:]]


def _clipped(text: str, chars_max: int) -> str:
    return _clean(text)[:chars_max].strip()


def _clean(text: str) -> str:
    """*text* on one line, without control characters and runs of blanks."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


# --- Reading ---------------------------------------------------------------------------------------


def read(payload: bytes) -> dict[str, str]:
    """The fields of a payment string, as leniently as bills in the wild need. Raises UnreadableQrError.

    Known names are given as the standard spells them, whatever their case; blanks around are dropped, and so
    are names that are not Latin.
    """
    service = payload[:SERVICE_BYTES]
    encoding = ENCODINGS.get(service[6:7].decode("latin-1"))
    if len(service) < SERVICE_BYTES or service[:6] != b"ST0001" or encoding is None:
        raise UnreadableQrError("no payment string: it does not begin with ST0001 and an encoding of 1 to 3")
    try:
        text = payload[SERVICE_BYTES:].decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableQrError(
            "no payment string: its bytes are not in the encoding that it names"
        ) from error
    fields = {}
    for part in text.split(service[7:].decode("latin-1")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if value and NAME.fullmatch(name):
            fields[_SPELLED.get(name.casefold(), name)] = value
    for name in (*MANDATORY, *(["Sum"] if "Sum" in fields else [])):
        if FORMS[name].fullmatch(fields.get(name, "")) is None:
            raise UnreadableQrError(f"no payment string: {name} does not have the form of this field")
    return fields


_SPELLED: Final = {
    name.casefold(): name for name in (*FORMS, "PersAcc", "LastName", "FirstName", "MiddleName")
}


# --- Drawing ---------------------------------------------------------------------------------------


# The dark modules of a row that stand side by side.
_RUN: Final = re.compile(rb"\x01+")


def svg(payload: bytes) -> str:
    """*payload* as a QR in SVG, a unit a module, quiet zone included; level M, bytes as they are, no ECI mark.

    It is drawn here, a line a run: segno's own drawing takes a quarter of a code's time.
    """
    code = segno.make(payload, error="m", mode="byte", mask=MASK, boost_error=False, micro=False)
    side = len(code.matrix) + 2 * QUIET_ZONE
    path = "".join(
        f"M{QUIET_ZONE + run.start()} {QUIET_ZONE + y}.5h{run.end() - run.start()}"
        for y, row in enumerate(code.matrix)
        for run in _RUN.finditer(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path stroke="#000" d="{path}"/></svg>'
    )
