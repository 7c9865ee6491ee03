"""What a line of the log says, and what it never does."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
import structlog

from bots import metrics
from bots.logs import set_up_logs
from core.errors import ChannelFailedError, KvitokError
from storage.database import Connection


class Stream(io.TextIOWrapper):
    """Standard error, kept."""

    def lines(self) -> list[dict[str, Any]]:
        self.flush()
        return [json.loads(line) for line in self.buffer.getvalue().splitlines()]  # type: ignore[attr-defined]  # a BytesIO


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    """The lines of the log as a service writes it."""
    stream = Stream(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stderr", stream)
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    set_up_logs(pretty=False)
    yield stream
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@contextmanager
def shown() -> Iterator[None]:
    """Log what is raised within."""
    try:
        yield
    except (LookupError, ValueError, ArithmeticError, KvitokError, asyncpg.PostgresError):
        structlog.get_logger().exception("it.failed")


def test_a_line_is_an_event_with_facts(logged: Stream) -> None:
    structlog.get_logger().info("turn.done", channel="vk", took_ms=1.5)
    [line] = logged.lines()

    assert {**line, "timestamp": ""} == {
        "event": "turn.done",
        "channel": "vk",
        "took_ms": 1.5,
        "level": "info",
        "timestamp": "",
    }


def test_an_error_is_shown_by_its_class_and_place_and_not_by_its_words(logged: Stream) -> None:
    with shown():
        int("мой пароль 12345")
    [line] = logged.lines()

    assert line["errors"][0]["type"] == "builtins.ValueError"
    assert "test_logs.py" in line["errors"][0]["at"][0]
    assert "12345" not in json.dumps(line, ensure_ascii=False)


def test_an_error_of_ours_is_shown_with_its_words_and_its_cause_without(logged: Stream) -> None:
    with shown():
        try:
            _ = dict[str, str]()["7000000123"]
        except KeyError as cause:
            raise ChannelFailedError("vk", "the token is refused") from cause
    [line] = logged.lines()

    assert [each.get("says") for each in line["errors"]] == ["vk: the token is refused", None]
    assert "7000000123" not in json.dumps(line)


async def test_a_refused_row_is_not_shown_but_the_rule_that_refused_it(
    logged: Stream, db: Connection
) -> None:
    with shown():
        await db.execute("insert into link_hold values ('Иванов', '\\x00', now(), 1)")
    [line] = logged.lines()

    assert line["errors"][0]["constraint_name"] == "link_hold_scope_check"
    assert line["errors"][0]["sqlstate"] == asyncpg.CheckViolationError.sqlstate
    assert "Иванов" not in json.dumps(line, ensure_ascii=False)


def test_what_libraries_say_is_among_our_lines_without_the_values(logged: Stream) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "93.184.216.34")
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <ValueError('секрет')>")

    assert [(line["library"], line["said"]) for line in logged.lines()] == [
        ("aiohttp.server", "Error handling request from %s"),
        ("asyncio", "Task exception was never retrieved"),
    ]


def test_failures_are_counted_by_event_and_class(logged: Stream) -> None:
    counted = metrics.FAILURES.labels("error", "it.failed", "ZeroDivisionError")
    before = counted._value.get()
    with shown():
        _ = 1 / 0

    assert counted._value.get() == before + 1


def test_a_line_break_in_a_fact_begins_no_line(logged: Stream) -> None:
    structlog.get_logger().info("webhook.forged", channel='vk\n{"event": "payment.settled"}')

    assert [line["event"] for line in logged.lines()] == ["webhook.forged"]
