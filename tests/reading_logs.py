"""Reads every line that the suite logs, as the service would write it: a test that logs what is nobody's business fails.

What is planted (secrets of the stand-ins, numbers and codes of the test's town) and whatever looks like a phone, a
token, a hash, a sum or a Russian word is looked for in each event as it is logged: where tests capture what is
logged, where they set the log up as a service does, and in what libraries log by Python's own means, too.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Generator, Iterable, Mapping
from functools import cache
from typing import Any, Final
from unittest.mock import patch

import msgspec
import pytest
from structlog import BoundLoggerBase

from bots.logs import Others, show_errors

# What a line never has, whoever's it is.
SHAPES: Final = (
    r"(?<!\d)(?:\+7|[78])[ (-]*9\d\d[ )-]*\d{3}[ -]*\d\d[ -]*\d\d(?!\d)",  # a phone
    r"\d{8,}:[\w-]{20,}",  # a token of Telegram's
    r"\b[0-9a-f]{64}\b",  # a hash
    r"[A-Za-z0-9+/]{43}=",  # the same, as bytes are written
    r"\d[\d\xa0 ]*,\d\d(?![\d}])",  # a sum, and not how long a field of somebody's may be
    r"[А-Яа-яЁё]",  # a name, a street, what a resident wrote
)
# Shorter ones would be found in any number.
PLANTED_CHARS_MIN: Final = 6

_planted: Final[set[str]] = set()
_leaks: Final[list[str]] = []


def plant(secrets: Iterable[str]) -> None:
    """Look for these from now on."""
    _planted.update(each for each in secrets if len(each) >= PLANTED_CHARS_MIN)
    _wanted.cache_clear()


@cache
def _wanted() -> re.Pattern[str]:
    return re.compile("|".join((*SHAPES, *map(re.escape, sorted(_planted)))))


def read(line: str) -> None:
    """Note what *line* must not have."""
    if found := _wanted().search(line):
        _leaks.append(f"{os.environ.get('PYTEST_CURRENT_TEST', '')}: {found.group()!r} in the log: {line}")


def pytest_configure() -> None:
    """Read what is logged from now on; it is shown as before."""
    process = BoundLoggerBase._process_event

    # Here and not among the processors: tests put others in their place, and loggers may keep those they had.
    def read_and_process(
        self: BoundLoggerBase, method: str, event: str | None, facts: Mapping[str, Any]
    ) -> object:
        shown = show_errors(None, method, {**self._context, **facts, "event": event})
        read(msgspec.json.encode(shown, enc_hook=repr).decode())
        return process(self, method, event, {**facts})

    patch.object(BoundLoggerBase, "_process_event", read_and_process).start()
    # As a service that is set up has it.
    logging.root.addHandler(Others())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Fail a test that let something through, once its fixtures ended: the log of these counts too."""
    yield
    if leaks := _leaks[:]:
        _leaks.clear()
        pytest.fail("\n".join(leaks), pytrace=False)
