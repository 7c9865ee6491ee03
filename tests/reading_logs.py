"""Reads every line that the suite logs, as the service would write it: a test that logs what is nobody's business fails.

What is planted (secrets of the stand-ins, numbers and codes of the test's town) and whatever looks like a phone, a
token, a hash, a sum or a Russian word is looked for in each event as it is logged.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, MutableMapping
from functools import cache
from typing import Any, Final

import msgspec
import pytest
import structlog

from bots.logs import show_errors

# What a line never has, whoever's it is.
SHAPES: Final = (
    r"(?<!\d)(?:\+7|[78])[ (-]*9\d\d[ )-]*\d{3}[ -]*\d\d[ -]*\d\d(?!\d)",  # a phone
    r"\d{8,}:[\w-]{20,}",  # a token of Telegram's
    r"\b[0-9a-f]{64}\b",  # a hash
    r"[A-Za-z0-9+/]{43}=",  # the same, as bytes are written
    r"\d[\d\xa0 ]*,\d\d(?!\d)",  # a sum
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


def _read_event(_: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    read(msgspec.json.encode(show_errors(None, method, {**event}), enc_hook=repr).decode())
    return event


def pytest_configure() -> None:
    """Read what is logged from now on; it is shown as before."""
    structlog.configure(processors=[_read_event, *structlog.get_config()["processors"]])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Fail a test that let something through, once its fixtures ended: the log of these counts too."""
    yield
    if leaks := _leaks[:]:
        _leaks.clear()
        pytest.fail("\n".join(leaks), pytrace=False)
