"""Long polling: what is fetched, what is kept, and when it pauses."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest
from structlog.testing import capture_logs

from bots import polling
from bots.polling import keep_polling
from bots.taking import Taken
from core.channel import Channel
from core.errors import ChannelFailedError
from core.messages import Incoming, Text

NOW = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)
Answer = tuple[Sequence[Incoming], str] | Exception


@dataclass
class Platform:
    """Answers polls in turn; after the last answer it has nothing to tell, for ever."""

    answers: list[Answer]
    asked: list[str] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "toy"

    async def unsubscribe(self) -> None:
        self.asked.append("unsubscribe")

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        self.asked.append(position)
        if not self.answers:
            self.waiting.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Engine:
    """Takes batches, or does not, as *will* says."""

    will: Callable[[int], bool] = lambda _: True
    taken: list[tuple[str, list[str], str]] = field(default_factory=list)

    async def take(self, update: Incoming) -> Taken:
        raise NotImplementedError

    async def take_polled(self, updates: Sequence[Incoming], *, channel: str, position: str) -> bool:
        self.taken.append((channel, [update.key for update in updates], position))
        return self.will(len(self.taken))


def an_update(key: str) -> Incoming:
    return Incoming("toy", "1", "1", key, 1, NOW, Text("баланс"))


async def poll_all(platform: Platform, engine: Engine, position: str = "") -> None:
    """Poll until the platform has nothing more to tell."""
    stop = asyncio.Event()
    running = asyncio.create_task(
        keep_polling(cast("Channel", platform), engine, position=position, stop=stop)
    )
    await platform.waiting.wait()
    stop.set()
    await running


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "PAUSE_FIRST_S", 0.0)
    monkeypatch.setattr(polling, "PAUSE_MAX_S", 0.0)


async def test_updates_are_taken_in_order_with_the_place_after_them() -> None:
    platform = Platform([((an_update("5"), an_update("6")), "7"), ((), "7"), ((an_update("7"),), "8")])
    engine = Engine()

    await poll_all(platform, engine, position="5")

    assert engine.taken == [("toy", ["5", "6"], "7"), ("toy", ["7"], "8")]
    assert platform.asked == ["unsubscribe", "5", "7", "7", "8"]


async def test_a_place_moved_by_what_cannot_be_read_is_kept_too() -> None:
    engine = Engine()

    await poll_all(Platform([((), "9")]), engine)

    assert engine.taken == [("toy", [], "9")]


async def test_what_was_not_taken_is_fetched_again() -> None:
    platform = Platform([((an_update("5"),), "6"), ((an_update("5"),), "6")])

    with capture_logs() as logged:
        await poll_all(platform, Engine(will=lambda times: times > 1), position="5")

    assert platform.asked == ["unsubscribe", "5", "5", "6"]
    assert [line["event"] for line in logged] == ["polling.postponed"]


async def test_a_platform_that_fails_is_asked_again_and_the_reason_is_told() -> None:
    platform = Platform([ChannelFailedError("toy", "Conflict: a webhook is set"), ((an_update("5"),), "6")])
    engine = Engine()

    with capture_logs() as logged:
        await poll_all(platform, engine, position="5")

    assert [(line["event"], line["reason"]) for line in logged] == [
        ("polling.failed", "Conflict: a webhook is set")
    ]
    assert engine.taken == [("toy", ["5"], "6")]


async def test_a_fault_of_ours_does_not_end_the_polling() -> None:
    engine = Engine()

    with capture_logs() as logged:
        await poll_all(Platform([ZeroDivisionError(), ((an_update("5"),), "6")]), engine)

    assert [line["event"] for line in logged] == ["polling.broke"]
    assert engine.taken == [("toy", ["5"], "6")]


def test_pauses_grow_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert [polling._pause_s(failures) for failures in (0, 1, 5, 6, 1000)] == [1.0, 2.0, 32.0, 60.0, 60.0]
