"""Free text about readings: which value is for which register, and what had to be assumed.

Nothing here decides to keep a value: every result is shown to the resident on a card first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from operator import itemgetter
from typing import Final, TypeAlias

import msgspec

from core.meters import ELECTRICITY, Meter, Register
from core.reading_segments import Segment, segments_of
from core.reading_vocabulary import Label, Number, Place, Serial, Sign, Token, Unit
from core.reading_words import (
    FRACTION_DIGITS_MAX,
    READING_DIGITS_MAX,
    SERIAL_END_DIGITS_MIN,
    negative_in,
    plain_serial,
    tokens_of,
)

NUMBERS_MAX: Final = 20
_THOUSAND_DIGITS: Final = 3
_BATH: Final = ("ванн", "сануз", "туал", "душ")


class Assumption(Enum):
    """What the reader took for granted about a value."""

    MISPRINT = "misprint"
    RED_DIGITS = "red_digits"
    READ_ALOUD = "read_aloud"
    IN_ORDER = "in_order"
    SAME = "same"


class Slot(msgspec.Struct, frozen=True):
    """A register of a meter."""

    meter: str
    register: int


class Entered(msgspec.Struct, frozen=True):
    """A value for a register; *typed* is how it stood in the text."""

    slot: Slot
    value: Decimal
    typed: str
    assumed: tuple[Assumption, ...] = ()


class Entries(msgspec.Struct, frozen=True):
    """Every value found its register."""

    entries: tuple[Entered, ...]


class Doubt(msgspec.Struct, frozen=True):
    """A value that may be meant for any of *candidates*; *typed* is how it stood in the text."""

    typed: str
    candidates: tuple[Slot, ...]


class WhichMeter(msgspec.Struct, frozen=True):
    """Each of *doubts* is to be asked about; *entries* are clear, *unclear* fit no register at all."""

    doubts: tuple[Doubt, ...]
    entries: tuple[Entered, ...] = ()
    unclear: tuple[str, ...] = ()


class Unclear(msgspec.Struct, frozen=True):
    """Values that fit no register: more than there are, or two for one; *entries* are those that are clear."""

    typed: tuple[str, ...]
    entries: tuple[Entered, ...] = ()


class Consumption(msgspec.Struct, frozen=True):
    """What was used, not what the dial shows: the dial's value is to be asked for."""

    typed: tuple[str, ...]


class Negative(msgspec.Struct, frozen=True):
    """A number below zero, which no dial shows; *typed* without its minus."""

    typed: str


class Unchanged(msgspec.Struct, frozen=True):
    """The dials show what they showed: nothing was used on *slots*."""

    slots: tuple[Slot, ...]


class Correction(msgspec.Struct, frozen=True):
    """What was sent before was wrong, and this is right."""

    of: Entries | WhichMeter | Unclear


class NotReading(msgspec.Struct, frozen=True):
    """The text is about something else."""


Understood: TypeAlias = (
    Entries | WhichMeter | Unclear | Consumption | Negative | Unchanged | Correction | NotReading
)

_Counter: TypeAlias = tuple[Meter, Register]


def understand(
    text: str, meters: Sequence[Meter], *, account_numbers: Collection[str] = (), awaited: str | None = None
) -> Understood:
    """What *text* says about *meters*; total over all texts, linear in their length.

    *account_numbers* are never readings; a bare number is meant for the meter *awaited*, if one is.
    """
    serials = [meter.serial for meter in meters]
    tokens = tokens_of(text, serials=serials, account_numbers=tuple(account_numbers))
    if not _is_about_readings(tokens, awaited=awaited is not None):
        return NotReading()
    if negative := negative_in(text):
        return Negative(negative)
    numbers = [token for token in tokens if isinstance(token, Number)]
    if Sign.USED in tokens or any(number.plus for number in numbers):
        return Consumption(_all_typed(numbers)) if numbers else NotReading()
    corrects = Sign.MISTAKEN in tokens
    reader = _Reader(meters, awaited)
    segments = segments_of(_with_serial_ends(_rather(tokens) if corrects else tokens, meters))
    if not corrects and (unchanged := reader.unchanged(segments)):
        return unchanged
    result = reader.read(segments)
    if corrects and not isinstance(result, NotReading):
        return Correction(result)
    return result


def _is_about_readings(tokens: Sequence[Token], *, awaited: bool) -> bool:
    """Whether there is something to read and not too much beside it: money and questions are other talks."""
    numbers = sum(isinstance(token, Number) for token in tokens)
    labels = sum(isinstance(token, Label | Place | Serial | Unit) for token in tokens)
    unknown = tokens.count(Sign.UNKNOWN)
    if Sign.MONEY in tokens or not (numbers or Sign.SAME in tokens) or numbers > NUMBERS_MAX:
        return False
    helped = awaited or labels or any(sign in tokens for sign in (Sign.MISTAKEN, Sign.USED, Sign.SAME))
    return unknown <= (numbers + labels if helped else 0)


def _rather(tokens: Sequence[Token]) -> list[Token]:
    """*tokens* without the wrong value of «не 123, а 132» and «123 на 132»."""
    return [
        token
        for at, token in enumerate(tokens)
        if not (
            isinstance(token, Number)
            and tokens[at + 1 : at + 2] == [Sign.RATHER]
            and any(isinstance(later, Number) for later in tokens[at + 2 : at + 3])
        )
    ]


def _with_serial_ends(tokens: Sequence[Token], meters: Sequence[Meter]) -> list[Token]:
    """*tokens* with a number that ends just one meter's serial, and has a value after it, as that serial."""
    numbers = sum(isinstance(token, Number) for token in tokens)
    registers = sum(len(meter.registers) for meter in meters if meter.asked)
    turned = list(tokens)
    if numbers == registers:
        return turned
    services: tuple[str, ...] = ()
    for at, (token, after) in enumerate(pairwise(tokens)):
        if isinstance(token, Label):
            services = token.services
        elif isinstance(token, Number) and isinstance(after, Number):
            owner = _owner_of_end(token.digits, meters)
            if owner and (not services or owner.service in services):
                turned[at] = Serial(token.digits)
    return turned


def _owner_of_end(digits: str, meters: Sequence[Meter]) -> Meter | None:
    """The only meter whose serial ends in *digits*."""
    if not digits.isdigit() or len(digits) < SERIAL_END_DIGITS_MIN:
        return None
    owners = [meter for meter in meters if plain_serial(meter.serial).endswith(digits)]
    return owners[0] if len(owners) == 1 else None


# --- Whose value is it ---------------------------------------------------------------------------


class _Reader:
    """Finds the registers that segments speak of."""

    def __init__(self, meters: Sequence[Meter], awaited: str | None) -> None:
        self._meters = meters
        self._asked = [meter for meter in meters if meter.asked]
        self._awaited = [meter for meter in meters if meter.id == awaited]

    def unchanged(self, segments: Sequence[Segment]) -> Unchanged | None:
        """«те же», or zero for everything."""
        if len(segments) != 1 or segments[0].labelled:
            return None
        (segment,) = segments
        counters = _counters(self._awaited or self._asked)
        slots = tuple(_slot(counter) for counter in counters)
        if segment.same and not segment.numbers:
            return Unchanged(slots) if slots else None
        zeros = not segment.same and all(Decimal(number.digits) == 0 for number in segment.numbers)
        if (
            zeros
            and len(segment.numbers) in {1, len(slots)}
            and any(register.last for _, register in counters)
        ):
            return Unchanged(slots)
        return None

    def read(self, segments: Sequence[Segment]) -> Entries | WhichMeter | Unclear | NotReading:
        """The values of all *segments*, the most exactly labelled first: what they take is not free for others."""
        found = list[Entered]()
        doubts = list[tuple[int, Doubt]]()
        unclear = list[Unclear]()
        for at, segment in sorted(enumerate(segments), key=lambda one: self._vagueness(one[1])):
            match self._read_one(segment, {entry.slot for entry in found}):
                case Entries(entries):
                    found.extend(entries)
                case WhichMeter(which):
                    doubts.extend((at, doubt) for doubt in which)
                case Unclear() as lost:
                    unclear.append(lost)
        entries, typed = tuple(found), tuple(each for lost in unclear for each in lost.typed)
        if doubts:
            as_typed = sorted(doubts, key=itemgetter(0))
            return WhichMeter(tuple(doubt for _, doubt in as_typed), entries, typed)
        if unclear:
            return Unclear(typed, entries)
        return Entries(entries) if entries else NotReading()

    def _vagueness(self, segment: Segment) -> tuple[bool, int]:
        return not segment.labelled, len(self._candidates(segment))

    def _read_one(self, segment: Segment, taken: set[Slot]) -> Entries | WhichMeter | Unclear:
        counters = [counter for counter in self._candidates(segment) if _slot(counter) not in taken]
        numbers = segment.numbers
        if segment.same:
            entries = tuple(entry for entry in map(_same, counters) if entry)
            return Unclear(_all_typed(numbers)) if numbers or not entries else Entries(entries)
        if len(numbers) != len(counters) and not segment.labelled and (zones := self._zones(len(numbers))):
            counters = zones
        if len(numbers) != len(counters) and (joined := _joined(numbers)):
            # «123 456» on dials of five digits is two values.
            fits = any(len(joined.digits.partition(".")[0]) <= meter.integer_digits for meter, _ in counters)
            numbers = [joined] if fits or len(numbers) > len(counters) else numbers
        if len(numbers) == len(counters):
            in_order = (Assumption.IN_ORDER,) if len(numbers) > 1 else ()
            pairs = zip(counters, numbers, strict=True)
            return Entries(tuple(_entered(counter, number, in_order) for counter, number in pairs))
        if len(numbers) < len(counters):
            candidates = tuple(map(_slot, counters))
            return WhichMeter(tuple(Doubt(typed, candidates) for typed in _all_typed(numbers)))
        return Unclear(_all_typed(numbers))

    def _zones(self, count: int) -> list[_Counter] | None:
        """The registers of the only meter that has *count* of them, if there are several."""
        of_zones = [meter for meter in self._asked if len(meter.registers) == count]
        return _counters(of_zones) if count > 1 and len(of_zones) == 1 else None

    def _candidates(self, segment: Segment) -> list[_Counter]:
        if not segment.labelled:
            return _counters(self._awaited or self._asked)
        for meters in (self._asked, self._meters):
            chosen = _of_label(segment, meters)
            counters = _counters(chosen)
            if segment.register is not None:
                counters = list(_of_register(counters, segment.register))
            if counters:
                return counters
        return []


def _of_label(segment: Segment, meters: Sequence[Meter]) -> Sequence[Meter]:
    if segment.serial:
        return [meter for meter in meters if plain_serial(meter.serial).endswith(segment.serial)]
    chosen = [meter for meter in meters if not segment.services or meter.service in segment.services]
    if segment.ordinal is not None:
        chosen = chosen[segment.ordinal - 1 : segment.ordinal] if segment.ordinal else []
    if segment.place:
        here = [meter for meter in chosen if _is_in(meter.place, (segment.place[:4],))]
        if not here and segment.place.startswith(_BATH):
            here = [meter for meter in chosen if _is_in(meter.place, _BATH)]
        # A room that no meter is known to be in still leaves no doubt about the only meter of a service.
        chosen = here or (chosen if segment.services and len(chosen) == 1 else [])
    return chosen


def _is_in(place: str, stems: tuple[str, ...]) -> bool:
    return any(word.startswith(stems) for word in place.casefold().replace("ё", "е").split())


def _of_register(counters: Sequence[_Counter], register: int) -> Iterator[_Counter]:
    several = [counter for counter in counters if len(counter[0].registers) > 1]
    electric = [counter for counter in counters if counter[0].service == ELECTRICITY]
    yield from (counter for counter in several or electric if counter[1].number == register)


def _counters(meters: Sequence[Meter]) -> list[_Counter]:
    return [(meter, register) for meter in meters for register in meter.registers]


def _slot(counter: _Counter) -> Slot:
    return Slot(counter[0].id, counter[1].number)


# --- What the value is ---------------------------------------------------------------------------


def _entered(counter: _Counter, number: Number, assumed: tuple[Assumption, ...]) -> Entered:
    """*number* on the dial of *counter*: all the digits of a dial, red ones too, have their point put back."""
    meter = counter[0]
    value = Decimal(number.digits)
    if number.misprint:
        assumed += (Assumption.READ_ALOUD if " " in number.misprint else Assumption.MISPRINT,)
    dial_digits = meter.integer_digits + meter.fraction_digits
    if meter.fraction_digits and number.digits.isdigit() and len(number.digits) == dial_digits:
        value = value.scaleb(-meter.fraction_digits)
        assumed += (Assumption.RED_DIGITS,)
    return Entered(_slot(counter), value, _typed(number), assumed)


def _same(counter: _Counter) -> Entered | None:
    last = counter[1].last
    return None if last is None else Entered(_slot(counter), last, "", (Assumption.SAME,))


def _joined(numbers: Sequence[Number]) -> Number | None:
    """One number out of digits read aloud («1 2 3 4 5») or of thousands («12 345»)."""
    first, *rest = (number.digits for number in numbers)
    digit_by_digit = all(len(digits) == 1 for digits in (first, *rest))
    by_thousands = len(first) <= _THOUSAND_DIGITS and all(
        len(digits.partition(".")[0]) == _THOUSAND_DIGITS for digits in rest
    )
    whole = all(digits.isdigit() for digits in (first, *rest[:-1]))
    if not rest or not whole or not (digit_by_digit or by_thousands):
        return None
    digits = "".join((first, *rest))
    return (
        Number(digits, misprint=" ".join((first, *rest)))
        if len(digits) <= READING_DIGITS_MAX + 1 + FRACTION_DIGITS_MAX
        else None
    )


def _typed(number: Number) -> str:
    return f"{'+' if number.plus else ''}{number.misprint or number.digits}"


def _all_typed(numbers: Sequence[Number]) -> tuple[str, ...]:
    return tuple(map(_typed, numbers))
