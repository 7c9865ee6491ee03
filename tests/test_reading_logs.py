"""The reader of the suite's log finds what is planted and what looks like somebody's data, and lets facts pass."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from core.errors import KvitokError
from tests import reading_logs
from tests.conftest import SECRETS


@pytest.fixture
def leaks() -> Iterator[list[str]]:
    """What was found, which is no fault of this test's."""
    yield reading_logs._leaks
    reading_logs._leaks.clear()


@pytest.mark.parametrize(
    "fact",
    [
        "+7 912 345-67-89",
        "89123456789",
        "7012345678:AAF-made-up-token-of-a-bot-1234567",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        b"\x01" * 32,
        "1 234,56",
        "Ветрова",
        next(iter(SECRETS.values())),
    ],
)
def test_what_is_nobodys_business_is_found_in_an_event(fact: object, leaks: list[str]) -> None:
    structlog.get_logger().info("made.up", fact=fact)

    assert len(leaks) == 1
    assert "test_what_is_nobodys_business" in leaks[0]


def test_what_a_test_captures_is_read_all_the_same(leaks: list[str]) -> None:
    with capture_logs() as captured:
        structlog.get_logger().bind(name="Ветрова").info("made.up")

    assert len(captured) == len(leaks) == 1


def test_the_words_of_an_error_of_ours_are_read_where_a_test_captures_it(leaks: list[str]) -> None:
    with capture_logs():
        structlog.get_logger().warning("made.up", exc_info=KvitokError("Ветрова"))

    assert len(leaks) == 1


def test_what_a_library_says_is_read(leaks: list[str]) -> None:
    logging.getLogger("made.up").warning("Ветрова said nothing")

    assert len(leaks) == 1


def test_what_is_logged_by_other_processors_is_read(leaks: list[str]) -> None:
    other = structlog.wrap_logger(structlog.PrintLogger(), processors=[structlog.processors.JSONRenderer()])

    other.info("made.up", name="Ветрова")

    assert len(leaks) == 1


def test_facts_pass(leaks: list[str]) -> None:
    structlog.get_logger().info("turn.done", channel="vk", outbox_id=17, took_ms=41.25, incident="1f3a9c0e")

    assert leaks == []
