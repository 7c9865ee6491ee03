"""What residents type about meters, cut into tokens: numbers, labels, places, phrases.

Everything here is one pass over the words of a text whose length is bounded; no pattern can backtrack.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from core.reading_vocabulary import (
    ORDINAL_LABELS,
    PHRASES,
    Label,
    Number,
    Place,
    Serial,
    Sign,
    Token,
    cyrillic,
    known,
)

# More than this is a letter to the centre, not readings.
TEXT_CHARS_MAX: Final = 1_000
# Longer numbers are accounts, phones and cards, never readings.
READING_DIGITS_MAX: Final = 8
FRACTION_DIGITS_MAX: Final = 7
SERIAL_END_DIGITS_MIN: Final = 4
# Letters that are taken for digits, by eye or by a camera.
_MISREAD: Final = str.maketrans(
    {"з": "3", "о": "0", "o": "0", "б": "6", "l": "1", "i": "1", "в": "8", "s": "5", "b": "8", "z": "2"}
)
_YEAR: Final = re.compile("20[0-9][0-9]")
_DAY_DIGITS_MAX: Final = 2
_PHONE_GROUPS: Final = [1, 3, 3, 2, 2]

# A number with its fraction and unit, a serial's end (…6342), a word, a plus. The alternatives do not overlap.
_WORD: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)+[^\W_]*|(?:\.\.+|\*)[0-9]+|[^\W_]+|[+₽?]")
_NUMBER: Final = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?")
# A minus before the only line of a text is a minus; before each of several it marks the items of a list, and after
# a label it parts label and value («хвс -123»).
_MINUS: Final = re.compile(r"\s*[-–—−‒‐‑]([0-9][0-9.,]*)[^\n]*")  # as keyboards write them
_MINUS_IN_WORDS: Final = re.compile(r"\b(?:минус|minus)\s+([0-9][0-9.,]*)", re.IGNORECASE)
_HEAD_AND_TAIL: Final = re.compile(r"([0-9]+(?:[.,][0-9]+)*)([^\W\d_].*)")
_RUNS: Final = re.compile(r"[0-9]+|[^\W\d_]+")
_DIGIT_OF_ANOTHER_SCRIPT: Final = re.compile(r"[^\D0-9]")


def normalised(text: str) -> str:
    """*text* in lower case without ё, marks and invisible characters; separators are spaces."""
    kept = unicodedata.normalize("NFKC", text[:TEXT_CHARS_MAX].replace("№", " "))
    kept = _DIGIT_OF_ANOTHER_SCRIPT.sub(lambda digit: str(unicodedata.decimal(digit[0])), kept)
    kept = "".join(c for c in kept.casefold() if unicodedata.category(c) not in {"Mn", "Me", "Cf"})
    kept = kept.replace("ё", "е").replace("с/у", " санузел ").replace("п/п", " полупик ")
    return "".join(" " if c.isspace() or not c.isprintable() or c in "#:;=/—–-" else c for c in kept)


def is_about_values(text: str) -> bool:
    """Whether *text* may hold values of meters at all, so that looking the meters up is worth it."""
    return any(isinstance(token, Number) or token in {Sign.SAME, Sign.USED} for token in tokens_of(text))


def negative_in(text: str) -> str | None:
    """The number below zero in *text*, without its minus; None if there is none."""
    kept = text.strip()[:TEXT_CHARS_MAX]
    found = _MINUS.fullmatch(kept) or _MINUS_IN_WORDS.search(kept)
    return found[1].strip(".,") if found else None


def plain_serial(serial: str) -> str:
    """*serial* as it is compared with what was typed."""
    return "".join(c for c in cyrillic(serial.casefold()) if c.isalnum())


def tokens_of(text: str, *, serials: Sequence[str] = (), account_numbers: Sequence[str] = ()) -> list[Token]:
    """The tokens of *text*; accounts, dates, phones and other numbers that are no readings are left out."""
    serials_here = {plain_serial(serial) for serial in serials}
    words = _WORD.findall(normalised(text))
    found = list[Token]()
    at = 0
    while at < len(words):
        word = words[at]
        if phrase := next(
            (phrase for phrase in PHRASES if tuple(words[at : at + len(phrase)]) == phrase), None
        ):
            found.append(PHRASES[phrase])
            at += len(phrase)
            continue
        if word in account_numbers:
            found.append(Sign.NOISE)
        elif len(word) >= SERIAL_END_DIGITS_MIN and plain_serial(word) in serials_here:
            found.append(Serial(plain_serial(word)))
        else:
            found.extend(_tokens_of_word(word))
        at += 1
    return _without_phones(_without_addresses(_with_pluses(found)))


def _tokens_of_word(word: str) -> Iterator[Token]:
    if word[0] in ".*":
        yield Serial(word.lstrip(".*"))
    elif meaning := known(word):
        yield meaning
    elif word[0].isdigit() and (number := _number(word)):
        yield number
    else:
        yield from _compound(word)


def _number(word: str) -> Token | None:
    if not (match := _NUMBER.fullmatch(word)):
        return None
    whole, fraction = match[1], match[2] or ""
    if len(whole) > READING_DIGITS_MAX or len(fraction) > FRACTION_DIGITS_MAX:
        return Sign.NOISE
    return Number(f"{whole}.{fraction}" if fraction else whole)


def _compound(word: str) -> Iterator[Token]:
    """The parts of a word that is neither known nor a number: `хвс123`, `45гвс`, `1х67`, `12з`, `1,2,3`."""
    if set(word) <= set("0123456789.,"):
        yield from _list_or_date(word)
        return
    if not (word.isascii() or word.isalnum()) or not any(c.isdecimal() for c in word):
        yield Sign.UNKNOWN
        return
    if number := _misprinted(word):
        yield number
        return
    if match := _HEAD_AND_TAIL.fullmatch(word):
        yield from _number_first(match[1], match[2])
        return
    yield from _label_first(_RUNS.findall(cyrillic(word)))


def _list_or_date(word: str) -> Iterator[Token]:
    if "," not in word:  # 24.05.2026
        yield Sign.NOISE
        return
    for part in word.split(","):
        yield _number(part) or Sign.UNKNOWN


def _misprinted(word: str) -> Number | None:
    digits = sum(c.isdigit() for c in word)
    number = _number(word.translate(_MISREAD)) if digits >= len(word) - digits else None
    return Number(number.digits, misprint=word) if isinstance(number, Number) else None


def _number_first(head: str, tail: str) -> Iterator[Token]:
    number = _number(head) or Sign.UNKNOWN
    runs = _RUNS.findall(cyrillic(tail))
    if len(runs) == 2 and runs[0] in ORDINAL_LABELS and len(head) == 1:
        label = ORDINAL_LABELS[runs[0]]
        yield Label(label.services, label.register, int(head))
        yield _number(runs[1]) or Sign.UNKNOWN
    elif meaning := known(tail):
        yield number
        yield meaning
    else:
        yield Sign.UNKNOWN


def _label_first(runs: Sequence[str]) -> Iterator[Token]:
    label = known(runs[0])
    if runs[0] == "т" and len(runs) == 2 and runs[1][0] in "123" and len(runs[1]) > 1:
        yield Label(register=int(runs[1][0]))
        yield _number(runs[1][1:]) or Sign.UNKNOWN
    elif isinstance(label, Label | Place) and len(runs) == 2:
        yield label
        yield _number(runs[1]) or Sign.UNKNOWN
    else:
        yield Sign.UNKNOWN


def _with_pluses(found: Sequence[Token]) -> list[Token]:
    """*found* with each plus taken into the number after it."""
    kept = list[Token]()
    plus = False
    for token in found:
        if token is Sign.PLUS:
            plus = True
            continue
        kept.append(msgspec.structs.replace(token, plus=plus) if isinstance(token, Number) else token)
        plus = False
    return kept


def _without_addresses(found: Sequence[Token]) -> list[Token]:
    """*found* without the numbers that belong to a flat («кв 45») or a date («24 мая 2026»)."""
    kept = list[Token]()
    for token in found:
        before = kept[-1] if kept else None
        if token is Sign.MONTH and isinstance(before, Number) and len(before.digits) <= _DAY_DIGITS_MAX:
            kept[-1] = token
        elif isinstance(token, Number) and _belongs_to(before, token):
            kept[-1] = Sign.NOISE
        else:
            kept.append(token)
    return kept


def _belongs_to(before: Token | None, number: Number) -> bool:
    return before is Sign.ADDRESS or (before is Sign.MONTH and bool(_YEAR.fullmatch(number.digits)))


def _without_phones(found: Sequence[Token]) -> list[Token]:
    lengths = [len(token.digits) if isinstance(token, Number) else 0 for token in found]
    for at in range(len(found) - len(_PHONE_GROUPS) + 1):
        if lengths[at : at + len(_PHONE_GROUPS)] == _PHONE_GROUPS:
            return [*found[:at], Sign.UNKNOWN, *found[at + len(_PHONE_GROUPS) :]]
    return list(found)
