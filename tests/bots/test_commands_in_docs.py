"""What the documents say of commands is true, and the staff's list of them is whole."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from bots.cli import app

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs/ru/commands.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "config.yaml", *sorted((ROOT / "docs").rglob("*.md"))]

# A command in a line of code, behind settings of the environment if need be, to the end or to a comment.
MENTION = re.compile(r"^\s*(?:[A-Z_]+=\S+ )*(?:\S*/)?kvitok (-{0,2}[a-z][^`\n#]*)", re.MULTILINE)


def commands(under: object, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Every command by its words, with its options."""
    options = {name for one in getattr(under, "params", ()) for name in one.opts if name.startswith("--")}
    yield before, {*options, "--help"}
    for name, command in getattr(under, "commands", {}).items():
        yield from commands(command, (*before, name))


KNOWN = dict(commands(typer.main.get_command(app)))
GROUPS = {words[:-1] for words in KNOWN if words}


def mentions(document: Path) -> list[str]:
    code = re.findall(
        r"```.*?```|`[^`\n]+`|^    .*$", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [found.strip() for piece in code for found in MENTION.findall(piece.strip("`"))]


def split(mention: str) -> tuple[tuple[str, ...], list[str]]:
    """The words of a command that is mentioned, and the options that it is given."""
    given = shlex.split(mention.replace("'", '"') if mention.count("'") % 2 else mention)
    words = next(tuple(given[:count]) for count in (2, 1, 0) if tuple(given[:count]) in KNOWN)
    return words, [word.partition("=")[0] for word in given if word.startswith("--")]


def test_every_command_has_an_example_in_the_staffs_list() -> None:
    shown = {split(mention)[0] for mention in mentions(LIST)}

    assert set(KNOWN) - GROUPS - shown == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_speaks_of_commands_and_options_that_there_are(document: Path) -> None:
    for mention in mentions(document):
        words, options = split(mention)

        assert words or options, f"kvitok {mention}: there is no such command"
        assert set(options) <= KNOWN[words], f"kvitok {mention}: no such option"
