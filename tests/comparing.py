"""What a transcript expects, held against what the bot said; and whether that may be said like this at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.phones import TranscriptError

TAG: Final = re.compile(r"<[^>]+>")
_TABLE: Final = re.compile(r"<pre>.*?</pre>", re.DOTALL)

# What nobody should have to read, and why.
_UGLY: Final = (
    (re.compile(r"  "), "two spaces"),
    (re.compile(r" [,.;:!?]"), "a space before a sign"),
    (re.compile(r"[!?.,]{2}"), "signs in a row"),
    (re.compile(r"\d ₽"), "a sum that may be torn from its ₽"),
    (re.compile(r"(?<![\d.–])[-−]\d"), "a bare minus"),
    (re.compile(r"[{}]|None|True|False"), "something of the machine"),
    (re.compile(r"• *(?:\n|$|\()"), "a dot for nothing"),
    (re.compile(r"^\s|\s$"), "an empty beginning or end"),
    (re.compile(r"(?<=[а-я,] )Ва?[сшмы]"), "«вы» with a capital"),
)
# One of these must be under each message: the way on or back.
_WAYS: Final = ("menu", "cancel", "help", "decline", "contacts")


def spoken_badly(message: Mapping[str, Any]) -> str:
    """What is wrong with the looks of *message*, or that it leads nowhere; nothing if all is well."""
    prose = TAG.sub("", _TABLE.sub("…", message["html"]))
    for ugly, why in _UGLY:
        if found := ugly.search(prose):
            return f"{why}: …{prose[max(0, found.start() - 30) : found.end() + 30]}…"
    actions = {str(key["id"]).partition(":")[0] for row in message["buttons"] for key in row}
    # Keys that type their label have no other name.
    return "" if actions & {*_WAYS, "Отмена", "Меню"} else f"there is no way back: {sorted(actions)}"


def plainly(message: Mapping[str, Any]) -> tuple[str, object]:
    return message["text"], [[(key["label"], key["id"]) for key in row] for row in message["buttons"]]


def compare(lines: Sequence[str], text: str) -> None:
    """Each of *lines* must be a line of *text*, in this order.

    White space counts as one space, and colons as none: a table's rows have them where nothing aligns them.
    """
    shown = [_loosely(line) for line in text.splitlines()]
    at = 0
    for line in lines:
        pattern = re.compile(".*".join(map(re.escape, _loosely(line).split("*"))))
        while at < len(shown) and not pattern.fullmatch(shown[at]):
            at += 1
        if at == len(shown):
            raise TranscriptError(f"«{line}» is not in:\n{text}")
        at += 1


def _loosely(line: str) -> str:
    return " ".join(line.replace(":", " ").split()).replace(" *", "*")


def compare_rows(rows: Sequence[Sequence[str]], buttons: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """The payloads offered, in order, whatever rows a channel puts them in; a link is `link`."""
    wanted = [part.strip() for row in rows for cell in row for part in cell.split(",")]
    offered = ["link" if key["kind"] == "link" else str(key["id"]) for row in buttons for key in row]
    onward = next((at for at, payload in enumerate(offered) if payload.startswith("page:")), None)
    if onward is not None:
        # The rest is on further pages; the way out stands under each.
        after = len(offered) - onward - 1
        wanted = [*wanted[:onward], *wanted[len(wanted) - after :]]
        offered.pop(onward)
    if len(wanted) != len(offered) or not all(map(str.startswith, offered, wanted)):
        raise TranscriptError(f"offered are {offered}")
