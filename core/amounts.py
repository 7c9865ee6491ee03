"""Sums that residents type: what was meant, or why it cannot be paid."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from core.money import Money

# Nobody types a longer sum; whatever is longer is talk.
TYPED_CHARS_MAX: Final = 40

_SPACES: Final = re.compile(r"[\s\u00a0\u2009\u202f_']+")
_SUM: Final = re.compile(
    r"(?P<sign>[-−–]?)(?P<roubles>[0-9]+)(?:[.,](?P<fraction>[0-9]+))?"
    r"(?:(?:₽|р|руб|рубл[а-я]*|rub|rur|r)\.?)?"
    r"(?:(?P<kopecks>[0-9]{1,2})(?:к|коп|копе[а-я]*)\.?)?"
)


class Sum(msgspec.Struct, frozen=True):
    """A sum that may be paid."""

    amount: Money


class NoSum(msgspec.Struct, frozen=True):
    """There is no sum in it."""


class PartKopecks(msgspec.Struct, frozen=True):
    """More than two decimals: 1.234 may be a thousand or a rouble, so nobody guesses."""


class NotPositive(msgspec.Struct, frozen=True):
    """Zero, or less than that."""


class TooLittle(msgspec.Struct, frozen=True):
    """Less than *least*, which may be paid."""

    least: Money


class TooMuch(msgspec.Struct, frozen=True):
    """More than *most*, which may be paid at once."""

    most: Money


Judgement: TypeAlias = Sum | NoSum | PartKopecks | NotPositive | TooLittle | TooMuch


def read_sum(typed: str, *, least: Money, most: Money) -> Judgement:
    """What *typed* means as a sum from *least* to *most*: `1500`, `1 500,50`, `1500 р`, `10 руб 50 коп`."""
    if len(typed) > TYPED_CHARS_MAX:
        return NoSum()
    found = _SUM.fullmatch(_SPACES.sub("", typed).lower())
    if found is None:
        return NoSum()
    if found["fraction"] and (len(found["fraction"]) > 2 or found["kopecks"]):
        return PartKopecks()
    roubles = Decimal(f"{found['roubles']}.{found['fraction'] or 0}")
    amount = Money.exact(roubles) + Money(int(found["kopecks"] or 0))
    if found["sign"] or not amount:
        return NotPositive()
    return judge_sum(amount, least=least, most=most)


def judge_sum(amount: Money, *, least: Money, most: Money) -> Sum | TooLittle | TooMuch:
    """Whether *amount* lies within what may be paid."""
    if amount < least:
        return TooLittle(least)
    if amount > most:
        return TooMuch(most)
    return Sum(amount)
