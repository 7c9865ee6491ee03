"""Putting phrases into the resident's language: texts, sums, dates and plurals.

The catalogue's texts may mark up: `*bold*` and `` `code` ``. What fills a text is data: its own asterisks
and backticks are shielded before the text is put together and come back as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Final, TypeAlias, cast
from zoneinfo import ZoneInfo

from babel.dates import format_date
from fluent.runtime import FluentBundle, FluentResource, resolver

from core.errors import KvitokError
from core.messages import Month, Paragraph, Phrase, Span, Table, Value
from core.money import Money

LANGUAGES: Final = ("ru", "en")

# What a text is made of: each part words, or (second) the name of a value.
Parts: TypeAlias = tuple[tuple[str, str], ...]

_NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"
_SHIELDS: Final = str.maketrans({"*": "\ue000", "`": "\ue001"})
_UNSHIELDS: Final = str.maketrans({"\ue000": "*", "\ue001": "`"})
_LONG: Final = "\ue002"
VALUE_CHARS_MAX: Final = 2_000
_MARKUP: Final = re.compile(r"\*([^*\n]+)\*|`([^`\n]+)`")


class UnknownTextError(KvitokError):
    """A key is not in the catalogue, or its text cannot be filled."""

    def __init__(self, key: str, language: str, reason: str) -> None:
        super().__init__(f"text {key!r} in {language!r}: {reason}")
        self.key = key


class Block(tuple[Span, ...]):
    """A worded paragraph: its spans. A table's rows stay apart so that fitting may align them."""

    __slots__ = ()


class Rows(tuple[tuple[str, str], ...]):
    """A worded table: label and value of each row."""

    __slots__ = ()


@lru_cache
def catalogue(language: str) -> FluentBundle:
    """The texts of *language*, loaded once. Raises KeyError for a language that there is not."""
    if language not in LANGUAGES:
        raise KeyError(language)
    bundle = FluentBundle([language], use_isolating=False)
    folder = resources.files("core") / "texts"
    files = (
        [folder / f"{language}.ftl", *(folder / language).iterdir()]
        if (folder / language).is_dir()
        else [folder / f"{language}.ftl"]
    )
    for file in files:
        if file.is_file():
            bundle.add_resource(FluentResource(file.read_text(encoding="utf-8")))
    return bundle


def money(amount: Money) -> str:
    """*amount* as `1 234,56 ₽`, with no-break spaces and its sign."""
    roubles, kopecks = divmod(abs(amount.kopecks), 100)
    sign = "−" if amount.kopecks < 0 else ""
    return f"{sign}{roubles:,}".replace(",", _NO_BREAK_SPACE) + f",{kopecks:02d}{_NO_BREAK_SPACE}₽"


def number(value: Decimal) -> str:
    """*value* without trailing zeros, with a decimal comma."""
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return plain.replace(".", ",")


@lru_cache(maxsize=1024)
def month_name(month: Month, language: str) -> str:
    """`май 2026`."""
    return str(format_date(month.first_day, "LLLL y", locale=language))


@lru_cache(maxsize=1024)
def day_name(day: date, language: str) -> str:
    """`15 декабря 2026`."""
    return str(format_date(day, "d MMMM y", locale=language))


class Words:
    """The language and the time zone that a turn is worded in."""

    __slots__ = ("_labels", "_parts", "_worded", "bundle", "language", "zone")

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self.zone = zone
        self.bundle = catalogue(self.language)
        # Texts that nothing fills, most labels among them: put into words once.
        self._worded: dict[str, tuple[Span, ...]] = {}
        self._labels: dict[str, str] = {}
        self._parts: dict[str, Parts | None] = {}

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, language: str, zone: ZoneInfo) -> Words:
        """The words of *language* in *zone*, made once."""
        return cls(language, zone)

    def value(self, value: Value) -> str | int:
        """*value* as the text shows it; whole numbers stay numbers, for plurals to choose by."""
        match value:
            case str():
                return value.translate(_SHIELDS) if "*" in value or "`" in value else value
            case int():
                return value
            case Money():
                return money(value)
            case Decimal():
                return number(value)
            case datetime():
                return value.astimezone(self.zone).strftime("%d.%m.%Y %H:%M")
            case date():
                return day_name(value, self.language)
            case Month():
                return month_name(value, self.language)
            case Phrase():
                return self.raw(value)

    def raw(self, phrase: Phrase) -> str:
        """The text of *phrase* with its markup. Raises UnknownTextError."""
        if phrase.key not in self._parts:
            self._parts[phrase.key] = _parts(self._pattern(phrase.key))
        filled = {name: self.value(value) for name, value in phrase.values}
        parts = self._parts[phrase.key]
        joined = _joined(parts, filled) if parts is not None else None
        return self._formatted(phrase.key, filled) if joined is None else joined

    def _pattern(self, key: str) -> resolver.Pattern:
        if not self.bundle.has_message(key):
            raise UnknownTextError(key, self.language, "there is no such text")
        pattern = self.bundle.get_message(key).value
        if pattern is None:
            raise UnknownTextError(key, self.language, "it has no text of its own")
        return pattern

    def _formatted(self, key: str, filled: Mapping[str, str | int]) -> str:
        # Fluent refuses long values, as a guard against texts that blow up; ours are data and go in afterwards.
        long = {
            name: value
            for name, value in filled.items()
            if isinstance(value, str) and len(value) > VALUE_CHARS_MAX
        }
        marks = {name: f"{_LONG}{place}{_LONG}" for place, name in enumerate(long)}
        formatted, errors = self.bundle.format_pattern(self._pattern(key), {**filled, **marks})
        if errors:
            raise UnknownTextError(key, self.language, str(errors[0]))
        worded = cast("str", formatted)
        for name, mark in marks.items():
            worded = worded.replace(mark, long[name])
        return worded

    def spans(self, phrase: Phrase) -> tuple[Span, ...]:
        """The text of *phrase* with its markup read."""
        if phrase.values:
            return tuple(_spans(self.raw(phrase)))
        if phrase.key not in self._worded:
            self._worded[phrase.key] = tuple(_spans(self.raw(phrase)))
        return self._worded[phrase.key]

    def plain(self, phrase: Phrase | str) -> str:
        """The text of *phrase* without markup, for labels and table cells."""
        if isinstance(phrase, str):
            return phrase
        if phrase.values:
            return "".join(span.text for span in self.spans(phrase))
        if phrase.key not in self._labels:
            self._labels[phrase.key] = "".join(span.text for span in self.spans(phrase))
        return self._labels[phrase.key]

    def cell(self, value: Value) -> str:
        """A table's value as plain text."""
        if isinstance(value, Phrase | str):
            return self.plain(value)
        return str(self.value(value))

    def paragraphs(self, body: Sequence[Paragraph]) -> list[Block | Rows]:
        """*body* in words."""
        return [
            Rows((self.plain(label), self.cell(value)) for label, value in paragraph.rows)
            if isinstance(paragraph, Table)
            else Block(self.spans(paragraph))
            for paragraph in body
        ]


def _parts(pattern: resolver.Pattern | resolver.TextElement) -> Parts | None:
    """What *pattern* is made of; None where it takes more than filling in. Most texts are that plain."""
    parts = []
    for element in pattern.elements if isinstance(pattern, resolver.Pattern) else [pattern]:
        match element:
            case resolver.TextElement(value=words):
                parts.append((words, ""))
            case resolver.Placeable(expression=resolver.VariableReference(id=found)):
                parts.append(("", found.name))
            case _:
                return None
    return tuple(parts)


def _joined(parts: Parts, filled: Mapping[str, str | int]) -> str | None:
    """*parts* with their values, as Fluent would have them; None for what Fluent is to say: numbers, mistakes."""
    words = [filled.get(name) if name else fixed for fixed, name in parts]
    whole = [word for word in words if isinstance(word, str)]
    return "".join(whole) if len(whole) == len(words) else None


def _spans(marked: str) -> Iterator[Span]:
    end = 0
    for found in _MARKUP.finditer(marked) if "*" in marked or "`" in marked else ():
        if found.start() > end:
            yield Span(_unshielded(marked[end : found.start()]))
        bold, code = found.groups()
        yield Span(_unshielded(bold or code), "b" if bold else "c")
        end = found.end()
    if end < len(marked):
        yield Span(_unshielded(marked[end:]))


def _unshielded(words: str) -> str:
    # To look is a hundred times cheaper than to translate, letter by letter.
    return words.translate(_UNSHIELDS) if "\ue000" in words or "\ue001" in words else words
