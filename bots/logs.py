"""Logs: events with facts, a line each; never a token, a name, a number of an account, or what was written.

An error is shown by its class and by where it was raised. What it says is left out unless the error is one of
ours: others' repeat the values at hand, which are residents' data (a refused row, a text that is no number).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, TypeAlias

import msgspec
import structlog

from bots import metrics
from core.errors import KvitokError

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

FRAMES_MAX: Final = 30
COUNTED: Final = ("warning", "error", "critical")


def set_up_logs(*, pretty: bool, level: int = logging.INFO) -> None:
    """Log from *level* on to standard error: JSON lines, or *pretty* ones for a person at a terminal.

    What libraries log by Python's own means goes the same way.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            count_failures,
            *([] if pretty else [show_errors]),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if pretty else _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=(
            structlog.WriteLoggerFactory(file=sys.stderr)
            if pretty
            else structlog.BytesLoggerFactory(file=sys.stderr.buffer)
        ),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[Others()], force=True)


def _as_json(_: object, __: str, event: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


# --- What is wrong -----------------------------------------------------------------------------------


def count_failures(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Count the warnings and errors that are logged."""
    if event.get("level") in COUNTED:
        error = _error_of(event.get("exc_info"))
        metrics.failed(event["level"], str(event["event"]), error[0].__name__ if error else "")
    return event


def show_errors(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Put the error behind a line into words: its class, where it was raised, and what led to it."""
    if error := _error_of(event.pop("exc_info", None)):
        event["errors"] = [_shown(each) for each in _chain(error[1])]
    return event


def _error_of(exc_info: object) -> ExcInfo | None:
    if isinstance(exc_info, BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if not exc_info:
        return None
    found = exc_info if isinstance(exc_info, tuple) else sys.exc_info()
    return found if found[0] is not None else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """*error*, and by what it was caused, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _chain(inner)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _shown(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    shown: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if isinstance(error, KvitokError):
        shown["says"] = str(error)
    # The name of a violated rule and the code of the refusal say what happened, and hold no values.
    for fact in ("sqlstate", "constraint_name", "table_name"):
        if isinstance(value := getattr(error, fact, None), str):
            shown[fact] = value
    shown["at"] = list(_frames(error.__traceback__))[-FRAMES_MAX:]
    return shown


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield f"{code.co_filename}:{traceback.tb_lineno} {code.co_qualname}"
        traceback = traceback.tb_next


# --- What others say ---------------------------------------------------------------------------------


class Others(logging.Handler):
    """Lets what libraries log appear among our lines: whose it is and how it begins, without the values."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log *record* as one of ours."""
        # The first line, before its arguments are put in: the rest shows what was at hand.
        said = str(record.msg).partition("\n")[0]
        facts = {"exc_info": record.exc_info} if record.exc_info else {}
        structlog.get_logger().log(record.levelno, "library.said", library=record.name, said=said, **facts)
