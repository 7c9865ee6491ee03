"""What is said of a command that failed: one line, and the status that it ends with."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

import typer

from core.errors import KvitokError

FAILED: Final = 1

OURS: Final = Path(__file__).parent.parent


def told_of(error: Exception) -> tuple[str, int]:
    """A line on *error* and the status: 2 where the command was typed wrong, else 1."""
    match error:
        case typer.TyperException():
            return _mistyped(error), error.exit_code
        case KvitokError():
            return _in_a_line(str(error)), FAILED
        case OSError(filename=str() | bytes() | Path() as name, strerror=str() as reason):
            return f"{name!s}: {reason}", FAILED
        case typer.Abort():
            return "stopped", FAILED
        case _:
            return _our_fault(error), FAILED


def _mistyped(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    of = context.command_path if context else "kvitok"
    return f"{_in_a_line(error.format_message()).rstrip('.')} (see {of} --help)"


def _our_fault(error: Exception) -> str:
    """Where it happened, and not with what: that may be a resident's."""
    places = [
        f"{Path(frame.filename).relative_to(OURS)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(OURS) and "site-packages" not in frame.filename
    ]
    return (
        f"a fault of Kvitok's own, {type(error).__name__} at {', '.join(places[-3:])}; "
        "KVITOK_TRACEBACK=1 shows more"
    )


def _in_a_line(words: str) -> str:
    return " ".join(words.split())
