"""Nothing in `core` and nothing else in `bots` knows a channel by its name: what differs is in adapters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bots.messengers import BUILDERS

ROOT: Final = Path(__file__).parents[1]
LIBRARIES: Final = frozenset({"aiogram", "vkbottle", "viberbot"})
NAMES: Final = frozenset(BUILDERS) | {"odnoklassniki"}
# Where channels are built, configured and stood in for.
HOMES: Final = ("bots/simulator/", "bots/channel_sections.py", "bots/configuration.py", "bots/messengers.py")
# Words that happen to be a channel's name.
EXCUSED: Final = {
    ("core/dialogues/readings.py", "ok"): "the resident's word",
    ("core/dialogues/linking.py", "ok"): "the resident's word",
    ("bots/webhooks.py", "ok"): "what a watcher is told",
}
SOURCES: Final = sorted(
    path
    for package in ("core", "bots")
    for file in (ROOT / package).rglob("*.py")
    if not (path := file.relative_to(ROOT).as_posix()).startswith(HOMES)
)


def _named(tree: ast.AST) -> Iterator[str]:
    """The channels that a module knows: by a text in it, by a name of its own, by what it imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(value)):
                yield value
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name):
                # `text_chars_max` says how much, not where.
                yield from (part for part in name.lower().split("_") if part != "max")
            case ast.ImportFrom(module=str(module)):
                yield from module.split(".")
            case ast.Import(names=names):
                yield from (part for each in names for part in each.name.split("."))
            case _:
                pass


@pytest.mark.parametrize("path", SOURCES)
def test_no_module_knows_a_channel_by_name(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    known = {word for word in _named(tree) if word in NAMES | LIBRARIES}

    assert {word for word in known if (path, word) not in EXCUSED} == set()


def test_no_excuse_is_kept_that_is_not_needed() -> None:
    for path, word in EXCUSED:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))

        assert word in set(_named(tree)), (path, word)
