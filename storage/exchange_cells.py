"""What a cell of an import file may hold, and the value that it is read as."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from core.messages import Month
from core.money import Money

Value: TypeAlias = "str | int | bool | Decimal | date | datetime | bytes | list[str] | list[bytes] | None"

# A time without an offset is the centre's own.
CENTRE_TIME: Final = ZoneInfo("Europe/Moscow")
TEXT_CHARS_MAX: Final = 500
YEARS: Final = range(1950, 2100)
REMEMBERED: Final = 1 << 15

_NUMBER: Final = re.compile(r"-?[0-9]{1,14}(?:[.,][0-9]{1,7})?")
_WHOLE_KOPECKS: Final = re.compile(r"(-?[0-9]{1,14})(?:[.,]([0-9]{2}))?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_ID: Final = re.compile(r"[0-9]{1,18}")
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_TRUTHS: Final = {"1": True, "true": True, "да": True, "0": False, "false": False, "нет": False, "": False}


class CellError(ValueError):
    """A cell cannot be read, and why; reported with its file, line and column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """How the text of a cell becomes the value of a column of *sql* type. *read* raises CellError."""

    sql: str
    read: Callable[[str], Value]


def _remembering(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Few values fill most cells of a column, so the latest ones are remembered."""
    return lru_cache(maxsize=REMEMBERED)(read)


def _or(empty: Value, read: Callable[[str], Value]) -> Callable[[str], Value]:
    return lambda text: read(text) if text else empty


def _below(limit: int) -> Callable[[str], Value]:
    """Numbers that are smaller than *limit*, which its column has room for."""

    @_remembering
    def read(text: str) -> Value:
        number = read_number(text)
        assert isinstance(number, Decimal)  # noqa: S101 -- remembering hides the type of what it remembers
        if abs(number) >= limit:
            raise CellError(f"{shown(text)} is too large")
        return number

    return read


def read_text(text: str) -> str:
    """Text that must be there."""
    if not text:
        raise CellError("must not be empty")
    return read_free_text(text)


def read_free_text(text: str) -> str:
    """Text that may be empty."""
    if len(text) > TEXT_CHARS_MAX:
        raise CellError(f"is longer than {TEXT_CHARS_MAX} characters")
    if "\0" in text:
        raise CellError("holds a NUL character")
    return text


@_remembering
def read_number(text: str) -> Decimal:
    """A decimal number, written with a point or a comma and no spaces."""
    if not _NUMBER.fullmatch(text):
        raise CellError(f"{shown(text)} is not a number")
    return Decimal(text.replace(",", "."))


@_remembering
def read_money(text: str) -> int:
    """Roubles with at most two decimals, as kopecks."""
    # Almost every sum is written so, and needs no decimal arithmetic.
    if plain := _WHOLE_KOPECKS.fullmatch(text):
        return int(plain[1] + (plain[2] or "00"))
    number = read_number(text)
    assert isinstance(number, Decimal)  # noqa: S101 -- remembering hides the type of what it remembers
    try:
        return Money.exact(number).kopecks
    except ValueError as error:
        raise CellError(f"{shown(text)} has part of a kopeck") from error


@_remembering
def read_day(text: str) -> date:
    """An ISO date."""
    if not _DAY.fullmatch(text):
        raise CellError(f"{shown(text)} is not a date like 2026-04-30")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CellError(f"{shown(text)} is no day of the calendar") from error
    if day.year not in YEARS:
        raise CellError(f"{shown(text)} is not a likely year")
    return day


@_remembering
def read_period(text: str) -> date:
    """A month like 2026-04, as its first day."""
    if not _MONTH.fullmatch(text):
        raise CellError(f"{shown(text)} is not a month like 2026-04")
    try:
        period = Month.parse(text)
    except ValueError as error:
        raise CellError(f"{shown(text)} is no month of the calendar") from error
    if period.year not in YEARS:
        raise CellError(f"{shown(text)} is not a likely year")
    return period.first_day


@_remembering
def read_moment(text: str) -> datetime:
    """An ISO date and time; without an offset it is the centre's own time, without a time it is noon."""
    if len(text) == 10:
        day = read_day(text)
        assert isinstance(day, date)  # noqa: S101 -- remembering hides the type of what it remembers
        return datetime(day.year, day.month, day.day, 12, tzinfo=CENTRE_TIME)
    read_day(text[:10])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CellError(f"{shown(text)} is not a time like 2026-04-30T18:05:00+03:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=CENTRE_TIME)


def read_whole(text: str) -> int:
    """A whole number, not negative."""
    if not _WHOLE.fullmatch(text):
        raise CellError(f"{shown(text)} is not a whole number")
    return int(text)


def read_id(text: str) -> int:
    """A number that we gave out."""
    if not _ID.fullmatch(text):
        raise CellError(f"{shown(text)} is not one of our numbers")
    return int(text)


def read_truth(text: str) -> bool:
    """1, true or да; 0, false, нет or nothing."""
    try:
        return _TRUTHS[text.lower()]
    except KeyError as error:
        raise CellError(f"{shown(text)} is neither 1 nor 0") from error


def read_hash(text: str) -> bytes:
    """A SHA-256 as 64 hexadecimal digits."""
    if not _HASH.fullmatch(text):
        raise CellError("is not a hash of 64 hexadecimal digits")
    return bytes.fromhex(text)


def read_hashes(text: str) -> list[bytes]:
    """Hashes parted by commas."""
    return [read_hash(part) for part in text.split(",")] if text else []


def read_labels(text: str) -> list[str]:
    """Words parted by commas."""
    return [read_free_text(part.strip()) for part in text.split(",")] if text else []


class NamedLine(msgspec.Struct, frozen=True):
    """A service that the payer named, and how many roubles were meant for it."""

    service_code: str
    amount: Decimal


def read_named_lines(text: str) -> str:
    """What a payer named, as a JSON list of NamedLine; kept as it is written."""
    try:
        lines = msgspec.json.decode(text, type=list[NamedLine])
    except msgspec.DecodeError as error:
        raise CellError('is not JSON like [{"service_code": "gas", "amount": "75.00"}]') from error
    for line in lines:
        read_money(str(line.amount))
    return text


def _one_of(*choices: str) -> Callable[[str], Value]:
    def read(text: str) -> str:
        if text not in choices:
            raise CellError(f"{shown(text)} is none of {', '.join(choices)}")
        return text

    return read


def shown(text: str) -> str:
    """A cell's text as a report may repeat it: quoted, and cut short."""
    return f"«{text[:40]}…»" if len(text) > 41 else f"«{text}»"


def choice(*choices: str, empty: str | None = None) -> Cell:
    """One of these words; nothing at all is *empty*, where that is given."""
    read = _one_of(*choices)
    return Cell("text", read if empty is None else _or(empty, read))


TEXT: Final = Cell("text", read_text)
FREE_TEXT: Final = Cell("text", read_free_text)
TEXT_OR_NONE: Final = Cell("text", _or(None, read_free_text))
MONEY: Final = Cell("bigint", read_money)
MONEY_OR_ZERO: Final = Cell("bigint", _or(0, read_money))
NUMBER: Final = Cell("numeric", _below(10**8))
NUMBER_OR_ZERO: Final = Cell("numeric", _or(Decimal(0), NUMBER.read))
NUMBER_OR_NONE: Final = Cell("numeric", _or(None, NUMBER.read))
# Percents, shares, and what something is multiplied by.
FACTOR: Final = Cell("numeric", _below(1_000))
FACTOR_OR_ZERO: Final = Cell("numeric", _or(Decimal(0), FACTOR.read))
FACTOR_OR_ONE: Final = Cell("numeric", _or(Decimal(1), FACTOR.read))
FACTOR_OR_NONE: Final = Cell("numeric", _or(None, FACTOR.read))
# What a meter shows.
READING: Final = Cell("numeric", read_number)
READING_OR_NONE: Final = Cell("numeric", _or(None, read_number))
WHOLE: Final = Cell("integer", read_whole)
WHOLE_OR_ZERO: Final = Cell("integer", _or(0, read_whole))
WHOLE_OR_NONE: Final = Cell("integer", _or(None, read_whole))
ID: Final = Cell("bigint", read_id)
DAY: Final = Cell("date", read_day)
DAY_OR_NONE: Final = Cell("date", _or(None, read_day))
PERIOD: Final = Cell("date", read_period)
PERIOD_OR_NONE: Final = Cell("date", _or(None, read_period))
MOMENT: Final = Cell("timestamptz", read_moment)
MOMENT_OR_NONE: Final = Cell("timestamptz", _or(None, read_moment))
TRUTH: Final = Cell("boolean", read_truth)
HASH_OR_NONE: Final = Cell("bytea", _or(None, read_hash))
HASHES: Final = Cell("bytea[]", read_hashes)
LABELS: Final = Cell("text[]", read_labels)
NAMED_LINES: Final = Cell("text", _or(None, read_named_lines))
