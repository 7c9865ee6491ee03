"""What is done from time to time ends when it is told to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from structlog.testing import capture_logs

from bots import schedule
from bots.engine import Engine
from bots.schedule import EventFeeder, catch_up, tidy
from bots.taking import Taken
from core.errors import ChannelFailedError
from core.messages import Incoming, Text
from core.questions import OpenCase
from core.turns import CaseAnswered, Event
from storage import events, positions
from storage.cases import answer_case, open_case
from storage.database import Pool
from tests.storage import making_residents
from tests.storage.making_residents import make_chat, make_resident

NOW = datetime(2026, 5, 24, 7, 12, tzinfo=UTC)
MISSED = [Incoming("toy", "1", "1", str(number), number, NOW, Text("152")) for number in range(3)]


async def test_a_feeder_that_is_stopped_as_news_comes_stops(pool: Pool) -> None:
    for ticks in range(6):
        feeder = EventFeeder(pool, cast("Engine", None))
        running = asyncio.create_task(feeder.run())
        await asyncio.sleep(0.05)
        feeder.news()
        for _ in range(ticks):
            await asyncio.sleep(0)
        running.cancel()

        done, _ = await asyncio.wait({running}, timeout=10)

        assert done == {running}


@dataclass
class Hearing:
    """The engine, which is done with what it hears of."""

    pool: Pool
    heard: asyncio.Queue[tuple[int, Event]] = field(default_factory=asyncio.Queue)

    async def take_event(self, number: int, chat: int, event: Event, created_at: datetime) -> Taken:
        async with self.pool.acquire() as db:
            await events.done(db, [number], now=created_at)
        await self.heard.put((chat, event))
        return Taken.DONE


async def test_events_of_another_release_are_told_of_once_and_left_and_all_others_brought(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "EVENTS_AT_ONCE", 2)
    monkeypatch.setattr(schedule, "EVENTS_S", 0.01)
    async with pool.acquire() as db:
        chat, _ = await make_resident(db, "1")
        await events.add(db, [(chat, CaseAnswered(case, "Да.")) for case in range(6)], now=NOW)
        await db.execute(
            """
            update event set body = '{"type": "OfAnotherRelease"}'
            where body::jsonb ->> 'case' = any('{0,1,3}')
            """
        )
        engine = Hearing(pool)
        feeder = EventFeeder(pool, cast("Engine", engine))

        with capture_logs() as logged:
            running = asyncio.create_task(feeder.run())
            async with asyncio.timeout(10):
                heard = [await engine.heard.get() for _ in range(3)]
                await events.add(db, [(chat, CaseAnswered(6, "Да."))], now=NOW)
                heard.append(await engine.heard.get())
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        left = [each.id for each in await events.waiting(db, after=0, most=10)]

    assert set(heard) == {(chat, CaseAnswered(case, "Да.")) for case in (2, 4, 5, 6)}
    assert [(line["event"], line["event_id"]) for line in logged] == [
        ("event.unreadable", number) for number in left
    ]
    assert len(left) == 3


@dataclass
class Forgotten:
    """A channel whose platform forgot it; its history cannot be read while it *fails*."""

    name: str = "toy"
    fails: bool = False

    async def catch_up(self, url: str, position: str) -> tuple[Sequence[Incoming], str]:
        if not position:
            return (), f"owed {url}"
        if self.fails:
            raise ChannelFailedError(self.name, "no answer")
        return (MISSED, "well") if position != "well" else ((), "well")


@dataclass
class Taking:
    """The engine, which is busy once it took *most*."""

    pool: Pool
    most: int = 100
    taken: list[str] = field(default_factory=list)

    async def take(self, update: Incoming) -> Taken:
        if len(self.taken) >= self.most:
            return Taken.BUSY
        self.taken.append(update.key)
        return Taken.DONE

    async def take_polled(self, updates: Sequence[Incoming], *, channel: str, position: str) -> bool:
        assert not updates
        async with self.pool.acquire() as db:
            await positions.save(db, {channel: position})
        return True


async def saved(pool: Pool) -> str:
    async with pool.acquire() as db:
        return await positions.position_of(db, "toy:missed")


async def test_what_was_missed_is_taken_and_then_owed_no_more(pool: Pool) -> None:
    taking = Taking(pool)

    await catch_up(Forgotten(), taking, pool, "url")

    assert (taking.taken, await saved(pool)) == (["0", "1", "2"], "well")


async def test_a_history_that_cannot_be_read_is_owed_still(pool: Pool) -> None:
    await catch_up(Forgotten(fails=True), Taking(pool), pool, "url")

    assert await saved(pool) == "owed url"


async def test_what_a_busy_engine_leaves_of_the_missed_comes_again(pool: Pool) -> None:
    await catch_up(Forgotten(), Taking(pool, most=1), pool, "url")
    assert await saved(pool) == "owed url"

    after = Taking(pool)
    await catch_up(Forgotten(), after, pool, "url")

    assert (after.taken, await saved(pool)) == (["0", "1", "2"], "well")


async def test_what_was_said_withdrawn_or_broken_off_is_tidied_away_at_its_time(pool: Pool) -> None:
    said_at = making_residents.NOW
    async with pool.acquire() as db:
        chat, _ = await make_resident(db, "1")
        gone = await make_chat(db, "2")
        await db.execute("update chat set stage = '{}', offered = '[]' where id = $1", chat)
        [case] = await open_case(db, [OpenCase("question", chat, None, (("question", "Почему?"),), said_at)])
        await answer_case(db, case, "Потому что.", now=said_at)
        await events.add(db, [(chat, CaseAnswered(case, "Потому что."))], now=said_at)
        await db.execute("update event set done_at = $1", said_at)
        await db.execute("update consent set withdrawn_at = $1", said_at)
        await db.execute(
            """
            insert into outbox (chat_id, channel, message_class, body, state, queued_at)
            values ($1, 'telegram', 0, 'Не дошло', 'dead', clock_timestamp() - interval '31 days')
            """,
            chat,
        )

    await tidy(pool, lambda: said_at + timedelta(days=3 * 366))

    async with pool.acquire() as db:
        left = await db.fetchrow(
            """
            select (select count(*) from event), (select count(*) from consent),
              (select count(*) from chat where id = $2), (select body from outbox),
              chat.stage, chat.offered, staff_case.facts, staff_case.answer
            from chat join staff_case on staff_case.chat_id = chat.id where chat.id = $1
            """,
            chat,
            gone,
        )
    assert left is not None
    assert tuple(left.values()) == (0, 0, 0, None, None, None, {}, None)
