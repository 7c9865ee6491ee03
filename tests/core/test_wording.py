"""Texts come from the catalogue: whole in every language, used, and filled without being marked up."""

import ast
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl

from core.messages import Month, Span, Table, text
from core.money import Money
from core.wording import LANGUAGES, Block, Rows, UnknownTextError, Words, money, number

ROOT = Path(__file__).parents[2]
RU = Words("ru", ZoneInfo("Europe/Moscow"))
EN = Words("en", ZoneInfo("Europe/Moscow"))


def _entries(language: str) -> dict[str, ftl.Message]:
    files = [*(ROOT / "core/texts").glob(f"{language}.ftl"), *(ROOT / "core/texts" / language).glob("*.ftl")]
    bodies = [FluentParser().parse(file.read_text()).body for file in files]
    assert not [entry for body in bodies for entry in body if isinstance(entry, ftl.Junk)]
    messages = [entry for body in bodies for entry in body if isinstance(entry, ftl.Message)]
    assert len(messages) == len({message.id.name for message in messages}), "a key stands twice"
    return {message.id.name: message for message in messages}


def _variables(message: ftl.Message) -> set[str]:
    found: set[str] = set()
    _walk(message, found)
    return found


def _walk(node: object, found: set[str]) -> None:
    if isinstance(node, ftl.VariableReference):
        found.add(node.id.name)
    elif isinstance(node, ftl.BaseNode):
        for child in vars(node).values():
            _walk(child, found)
    elif isinstance(node, list):
        for child in node:
            _walk(child, found)


def _strings_in_code() -> set[str]:
    files = [file for package in ("core", "bots", "adapters") for file in ROOT.glob(f"{package}/**/*.py")]
    trees = [ast.parse(file.read_text()) for file in files]
    return {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_text_is_there_in_every_language_and_takes_the_same_values() -> None:
    russian, *others = (_entries(language) for language in LANGUAGES)

    for other in others:
        assert other.keys() == russian.keys()
        assert {key for key in russian if _variables(russian[key]) != _variables(other[key])} == set()


def test_every_text_is_used() -> None:
    strings = _strings_in_code()
    made = {string for string in strings if string.startswith("-") or string.endswith("-")}

    unused = {
        key
        for key in _entries("ru")
        if key not in strings
        and not any(key.startswith(part) or key.endswith(part) for part in made if len(part) > 3)
    }

    assert unused == set()


def test_every_text_that_code_speaks_of_is_there() -> None:
    keys = _entries("ru").keys()
    called = set()
    for file in ROOT.glob("core/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"text", "press"}
            ):
                called |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}

    assert called - keys == set()


@pytest.mark.parametrize(
    ("kopecks", "shown"),
    [
        (0, "0,00 ₽"),
        (5, "0,05 ₽"),
        (123_456, "1 234,56 ₽"),
        (1_234_567_89, "1 234 567,89 ₽"),
        (-100, "−1,00 ₽"),
    ],
)
def test_sums_are_grouped_with_a_comma_and_two_digits(kopecks: int, shown: str) -> None:
    assert money(Money(kopecks)).replace("\N{NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("123.456", "123,456"), ("100", "100"), ("1.500", "1,5"), ("0", "0")]
)
def test_numbers_have_no_zeros_at_the_end(value: str, shown: str) -> None:
    assert number(Decimal(value)) == shown


def test_dates_and_months_are_in_the_residents_language_and_zone() -> None:
    at = datetime(2026, 12, 14, 22, 30, tzinfo=UTC)

    assert (RU.value(at), RU.value(date(2026, 12, 15)), RU.value(Month(2026, 5))) == (
        "15.12.2026 01:30",
        "15 декабря 2026",
        "май 2026",
    )
    assert (EN.value(date(2026, 12, 15)), EN.value(Month(2026, 5))) == ("15 December 2026", "May 2026")


def test_a_language_that_is_not_there_is_russian() -> None:
    assert Words("tt", ZoneInfo("Europe/Moscow")).language == "ru"


def test_a_table_keeps_its_rows_apart() -> None:
    [rows] = RU.paragraphs([Table((("Вода", Money(100)), (text("menu-button"), text("back-button"))))])

    assert rows == Rows((("Вода", "1,00\N{NO-BREAK SPACE}₽"), ("Меню", "Назад")))


def test_what_fills_a_text_stays_as_it_was_typed() -> None:
    [block] = RU.paragraphs([text("verbatim", text="*не жирно* и `не код`")])

    assert block == Block((Span("*не жирно* и `не код`"),))


def test_a_long_value_is_said_whole() -> None:
    assert RU.plain(text("verbatim", text="слово " * 2_000)) == "слово " * 2_000


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(UnknownTextError, match="no-such-key"):
        RU.raw(text("no-such-key"))
