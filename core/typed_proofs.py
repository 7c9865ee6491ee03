"""What residents type to link an account: its number, and what proves that it is theirs."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

from core.amounts import Sum, read_sum
from core.money import Money
from core.questions import ByCode, ByMeter, ByTotal, Proof

# Longer texts are letters to the centre, not answers to these questions.
TYPED_CHARS_MAX: Final = 120
NUMBER_DIGITS_MIN: Final = 5
NUMBER_DIGITS_MAX: Final = 20
CODE_CHARS_MIN: Final = 4
CODE_CHARS_MAX: Final = 32
SERIAL_DIGITS_MIN: Final = 5  # one more than our cards show
RUSSIAN_DIGITS: Final = 11
TOTAL_MAX: Final = Money(100_000_000_000)

TOTAL: Final = "total"
CODE: Final = "code"
METER: Final = "meter"
PHONE: Final = "phone"

_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\s.\-‐-―_/]+(?=\d)")
_NUMBER: Final = re.compile(rf"\d{{{NUMBER_DIGITS_MIN},{NUMBER_DIGITS_MAX}}}")
_DIGITS: Final = re.compile(r"\d+")
_DECIMAL: Final = re.compile(r"\d+(?:[.,]\d+)?")
# «Итого к оплате 4 321,09», «код 7K42QX»: the words before.
_BEFORE_DIGITS: Final = re.compile(r"^[^\d−–-]+")
_CODE_WORD: Final = re.compile(r"^\s*(код|code|пин|pin)\b[\s:№-]*", re.IGNORECASE)
_NOT_OF_CODE: Final = re.compile(r"[\W_]+")
# Capitals that look the same: a code is compared in Latin ones.
_LOOK_ALIKE: Final = str.maketrans("АВЕЗКМНОРСТУХ", "ABE3KMHOPCTYX")
_KIND_STEMS: Final = (
    (TOTAL, ("сумм", "итог", "оплат", "total", "sum")),
    (CODE, ("код", "code", "пин", "pin")),
    (METER, ("счетчик", "показан", "прибор", "meter", "reading")),
)


def _plain(typed: str) -> str:
    return unicodedata.normalize("NFKC", typed[:TYPED_CHARS_MAX])


def read_number(typed: str) -> str | None:
    """The account number in *typed*, digits alone: `л/с 12 345-678` is `12345678`; None if there is none.

    Leading zeros are kept: they matter. Nothing is known here of which numbers there are.
    """
    runs = _DIGITS.findall(_BETWEEN_DIGITS.sub("", _plain(typed)))
    numbers = [run for run in runs if _NUMBER.fullmatch(run)]
    if len(typed) > TYPED_CHARS_MAX or len(numbers) != 1:
        return None
    return "".join(str(unicodedata.digit(digit)) for digit in numbers[0])


def normal_code(code: str) -> str:
    """The code of a paper bill as it is hashed: Latin capitals and digits, nothing between them."""
    return _NOT_OF_CODE.sub("", _plain(code).upper()).translate(_LOOK_ALIKE)


def normal_phone(phone: str) -> str:
    """A phone as it is hashed: digits alone, a Russian one in 11 of them from 7; '' where it cannot be one."""
    digits = "".join(str(unicodedata.digit(sign)) for sign in _plain(phone) if sign.isdigit())
    if len(digits) == RUSSIAN_DIGITS and digits[0] in "78":
        return f"7{digits[1:]}"
    return f"7{digits}" if len(digits) == RUSSIAN_DIGITS - 1 and digits[0] == "9" else digits


def read_kind(typed: str) -> str | None:
    """Which proof *typed* names, in the resident's words; None if none or several."""
    words = _plain(typed).lower().replace("ё", "е")
    found = [kind for kind, stems in _KIND_STEMS if any(stem in words for stem in stems)]
    return found[0] if len(found) == 1 else None


def read_proof(kind: str, typed: str) -> Proof | None:
    """The proof of *kind* in *typed*; None where it cannot be one, whatever the account."""
    if len(typed) > TYPED_CHARS_MAX:
        return None
    if kind == TOTAL:
        return _read_total(typed)
    if kind == CODE:
        return _read_code(typed)
    return _read_meter(typed)


def _read_total(typed: str) -> ByTotal | None:
    judged = read_sum(_BEFORE_DIGITS.sub("", _plain(typed)), least=Money(1), most=TOTAL_MAX)
    return ByTotal(judged.amount) if isinstance(judged, Sum) else None


def _read_code(typed: str) -> ByCode | None:
    code = normal_code(_CODE_WORD.sub("", typed))
    return ByCode(code) if CODE_CHARS_MIN <= len(code) <= CODE_CHARS_MAX else None


def _read_meter(typed: str) -> ByMeter | None:
    numbers = _DECIMAL.findall(_plain(typed))
    if len(numbers) != 2:  # the serial's end, then the reading
        return None
    serial_end, reading = numbers
    if not serial_end.isdecimal() or len(serial_end) < SERIAL_DIGITS_MIN:
        return None
    return ByMeter(serial_end, Decimal(reading.replace(",", ".")))
