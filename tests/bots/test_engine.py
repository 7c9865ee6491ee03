"""Turns in batches: each once, in order, spoiling nobody else's, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import asyncpg
import pytest

from bots import engine as engine_module
from bots.arrivals import WAITING_PER_CHAT_MAX
from bots.engine import ACKNOWLEDGING_MAX, Engine
from bots.senders import Senders
from bots.taking import Taken
from bots.turning import Turning, Voice
from core.channel import Capabilities, Channel
from core.messages import Incoming, Press, Said, Text
from core.privacy import Ceiling
from core.questions import MyDataOf, SetLanguage, TryProof
from core.turns import CaseAnswered, Centre, Event
from storage import events, outbox
from storage.answers import Answers, answers
from storage.database import Connection, Pool
from storage.keys import Keys
from storage.payments import PaymentSettings
from tests.conftest import NOW

KEYS = Keys.of(master=b"m" * 32, billing=b"b" * 32)
ROOMY = Capabilities(
    text_chars_max=4096,
    caption_chars_max=1024,
    rows_max=100,
    columns_max=8,
    buttons_max=100,
    label_chars_max=64,
    edits=True,
)
CENTRE = Centre(name="ЕРКЦ", zone=NOW.tzinfo)  # type: ignore[arg-type]  # a ZoneInfo by the fixture's making
EVERYTHING = answers(keys=KEYS, settings=PaymentSettings("http://127.0.0.1", b"k" * 32))


@dataclass
class Platform:
    """Notes which presses it is told of as heard, and answers these calls once it *may*."""

    acknowledged: list[str | None] = field(default_factory=list)
    may: asyncio.Event = field(default_factory=asyncio.Event)

    async def acknowledge(self, update: Incoming) -> None:
        self.acknowledged.append(update.acknowledge)
        await self.may.wait()


def an_update(said: Said | str, *, key: str, chat: str = "one", order: int | None = None) -> Incoming:
    return Incoming(
        channel="telegram",
        chat=chat,
        sender=chat,
        key=key,
        order=int(key) if order is None else order,
        sent_at=NOW,
        said=Text(said) if isinstance(said, str) else said,
        acknowledge=key if isinstance(said, Press) else None,
    )


@asynccontextmanager
async def an_engine(
    pool: Pool, *, changed: Mapping[Any, Any] | None = None, platform: Platform | None = None
) -> AsyncIterator[Engine]:
    """An engine that runs; *changed* answers stand in for the real ones."""
    answered: Answers = {**EVERYTHING, **(changed or {})}

    def now() -> datetime:
        return NOW

    engine = Engine(
        pool,
        answers=answered,
        channels={"telegram": cast("Channel", platform or Platform())},
        keys=KEYS,
        turning=Turning(
            centre=CENTRE,
            voices={"telegram": Voice(ROOMY, Ceiling.of("open"))},
            public_url="https://centre.example",
        ),
        now=now,
        senders=Senders({}),
    )
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def said_to(db: Connection, chat: str = "one") -> list[str]:
    """What the outbox holds for *chat*, in order."""
    rows = await db.fetch(
        "select body from outbox join chat on chat.id = chat_id where address_hash = $1 order by outbox.id",
        KEYS.address_hash("telegram", chat),
    )
    return [outbox.DECODER.decode(row["body"]).plain for row in rows]


async def test_a_turn_is_committed_before_it_is_acknowledged(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        assert await engine.take(an_update("меню", key="1")) is Taken.DONE

    assert len(await said_to(db)) == 1


async def test_an_update_that_comes_again_changes_nothing(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        first = await engine.take(an_update("меню", key="1"))
        again = await asyncio.gather(*(engine.take(an_update("меню", key="1")) for _ in range(5)))

    assert (first, set(again)) == (Taken.DONE, {Taken.REPEATED})
    assert len(await said_to(db)) == 1


async def test_an_update_that_came_on_an_earlier_day_changes_nothing(pool: Pool, db: Connection) -> None:
    await db.execute("insert into inbox (day, channel, key) values (current_date - 1, 'telegram', '1')")

    async with an_engine(pool) as engine:
        assert await engine.take(an_update("меню", key="1")) is Taken.REPEATED

    assert await said_to(db) == []


async def test_many_chats_are_served_in_one_transaction(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        taken = await asyncio.gather(
            *(engine.take(an_update("меню", key=str(number), chat=f"c{number}")) for number in range(50))
        )

    assert set(taken) == {Taken.DONE}
    assert await db.fetchval("select count(distinct xmin::text) from inbox") <= 2


async def test_messages_of_a_chat_are_taken_in_the_platforms_order(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        await engine.take(an_update("меню", key="1"))
        await asyncio.gather(
            engine.take(an_update("помощь", key="4")),
            engine.take(an_update("контакты", key="3")),
            engine.take(an_update("язык", key="2")),
        )

    order = [words.split()[0] for words in (await said_to(db))[1:]]
    assert order == [words.split()[0] for words in [*await _replies(pool, "язык", "контакты", "помощь")]]


async def _replies(pool: Pool, *words: str) -> list[str]:
    async with an_engine(pool) as engine:
        for number, typed in enumerate(words):
            await engine.take(an_update(typed, key=str(100 + number), chat="other"))
    async with pool.acquire() as db:
        return await said_to(db, "other")


async def test_an_older_message_does_not_move_the_talk(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        await engine.take(an_update(Press("agree:2026-11"), key="5"))
        await engine.take(an_update("отмена", key="4"))

    assert "GivingNumber" in await db.fetchval("select stage from chat")


async def test_a_dialogue_that_fails_spoils_nobody_elses_turn(pool: Pool, db: Connection) -> None:
    async def broken(db: Connection, asked: Sequence[MyDataOf]) -> list[object]:
        return [object() for _ in asked]

    async with an_engine(pool, changed={MyDataOf: broken}) as engine:
        await engine.take(an_update(Press("agree:2026-11"), key="1"))
        taken = await asyncio.gather(
            engine.take(an_update(Press("mydata"), key="2")),
            engine.take(an_update("меню", key="3", chat="other")),
        )

    assert list(taken) == [Taken.DONE, Taken.DONE]
    assert "сломалось у нас" in (await said_to(db))[-1]
    assert len(await said_to(db, "other")) == 1


async def test_a_dialogue_that_fails_after_a_write_is_undone_and_apologised_for(
    pool: Pool, db: Connection
) -> None:
    async def written_and_broken(db: Connection, asked: Sequence[TryProof]) -> list[object]:
        await EVERYTHING[TryProof](db, asked)
        return [object() for _ in asked]

    async with an_engine(pool, changed={TryProof: written_and_broken}) as engine:
        await engine.take(an_update(Press("agree:2026-11"), key="1"))
        await engine.take(an_update("0581234567", key="2"))
        await engine.take(an_update(Press("proof:code"), key="3"))
        taken = await asyncio.gather(
            engine.take(an_update("123456", key="4")),
            engine.take(an_update(Press("lang:en"), key="5", chat="other")),
        )
        again = await engine.take(an_update("123456", key="4"))

    assert (*taken, again) == (Taken.DONE, Taken.DONE, Taken.REPEATED)
    assert await db.fetchval("select count(*) from link_try") == 0
    assert "сломалось у нас" in (await said_to(db))[-1]
    assert await db.fetchval("select count(*) from chat where language = 'en'") == 1


@pytest.mark.parametrize("words", ["нет\0воды", "\ud83d"])
async def test_text_that_a_database_cannot_hold_is_answered(pool: Pool, db: Connection, words: str) -> None:
    async with an_engine(pool) as engine:
        await engine.take(an_update(Press("agree:2026-11"), key="1"))
        await engine.take(an_update(Press("staff"), key="2"))
        assert await engine.take(an_update(words, key="3")) is Taken.DONE
        assert await engine.take(an_update("меню", key="4")) is Taken.DONE

    assert len(await said_to(db)) == 4


@pytest.mark.parametrize("name", ["\0", "\ud83d", "".join(map(chr, range(0x4E00, 0x7E00)))])
async def test_ids_that_a_database_cannot_hold_are_told_apart_all_the_same(
    pool: Pool, db: Connection, name: str
) -> None:
    async with an_engine(pool) as engine:
        keys = [f"{name}1", f"{name}2", f"{name}1"]
        taken = [await engine.take(an_update("меню", key=key, chat=name, order=1)) for key in keys]

    assert taken == [Taken.DONE, Taken.DONE, Taken.REPEATED]
    assert await db.fetchval("select count(*) from outbox") == 2


@pytest.mark.parametrize("failure", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError])
async def test_what_passes_is_tried_again(pool: Pool, db: Connection, failure: type[Exception]) -> None:
    left = [failure("passing")]

    async def fails_once(db: Connection, asked: Sequence[SetLanguage]) -> Sequence[object]:
        if left:
            raise left.pop()
        return await EVERYTHING[SetLanguage](db, asked)

    async with an_engine(pool, changed={SetLanguage: fails_once}) as engine:
        assert await engine.take(an_update(Press("lang:en"), key="1")) is Taken.DONE

    assert await db.fetchval("select language from chat") == "en"
    assert len(await said_to(db)) == 1


async def test_a_database_that_is_away_records_nothing(pool: Pool, db: Connection) -> None:
    async def away(db: Connection, asked: Sequence[SetLanguage]) -> list[None]:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    async with an_engine(pool, changed={SetLanguage: away}) as engine:
        assert await engine.take(an_update(Press("lang:en"), key="1")) is Taken.BUSY
    async with an_engine(pool) as engine:
        assert await engine.take(an_update(Press("lang:en"), key="1")) is Taken.DONE

    assert len(await said_to(db)) == 1


async def test_a_flood_is_dropped_and_told_once(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        taken = await asyncio.gather(*(engine.take(an_update("меню", key=str(key))) for key in range(100)))
        calm = await engine.take(an_update("меню", key="1000"))

    told = await said_to(db)
    assert taken.count(Taken.DROPPED) == 100 - taken.count(Taken.DONE) > 60
    assert calm is Taken.DONE
    assert sum("слишком много" in words for words in told) == 1
    assert len(told) == taken.count(Taken.DONE) + 2


async def test_a_flood_of_presses_has_those_acknowledged_that_are_run(pool: Pool, db: Connection) -> None:
    platform = Platform()
    platform.may.set()

    async with an_engine(pool, platform=platform) as engine:
        taken = await asyncio.gather(
            *(engine.take(an_update(Press("menu"), key=str(key))) for key in range(1000))
        )
        await asyncio.sleep(0)

    assert len(platform.acknowledged) == taken.count(Taken.DONE) <= WAITING_PER_CHAT_MAX
    assert sum("слишком много" in words for words in await said_to(db)) == 1


async def test_a_platform_that_answers_no_acknowledgement_is_left_with_so_many_and_all_are_replied_to(
    pool: Pool, db: Connection
) -> None:
    platform = Platform()

    async with an_engine(pool, platform=platform) as engine:
        taken = await asyncio.gather(
            *(engine.take(an_update(Press("menu"), key=str(key), chat=f"c{key}")) for key in range(200))
        )
        await asyncio.sleep(0)
        asked = len(platform.acknowledged)
        platform.may.set()

    assert (set(taken), asked) == ({Taken.DONE}, ACKNOWLEDGING_MAX)
    assert await db.fetchval("select count(*) from outbox") == 200


async def test_a_flood_that_pauses_for_a_moment_is_still_the_same_flood(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        for flood in range(3):
            await asyncio.gather(
                *(engine.take(an_update("меню", key=str(1000 * flood + key))) for key in range(100))
            )

    assert sum("слишком много" in words for words in await said_to(db)) == 1


async def test_two_engines_on_one_chat_answer_each_message_once(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as one, an_engine(pool) as two:
        taken = await asyncio.gather(
            *(engine.take(an_update("меню", key=str(key))) for key in range(20) for engine in (one, two))
        )

    assert (taken.count(Taken.DONE), taken.count(Taken.REPEATED)) == (20, 20)
    assert len(await said_to(db)) == 20


async def test_an_event_is_told_once_whoever_brings_it(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as one, an_engine(pool) as two:
        await one.take(an_update(Press("agree:2026-11"), key="1"))
        chat = await db.fetchval("select id from chat")
        event: Event = CaseAnswered(case=7, answer="Мастер придёт завтра.")
        await events.add(db, [(chat, event)], now=NOW)
        [waiting] = await events.waiting(db, after=0, most=10)
        await asyncio.gather(
            *(each.take_event(waiting.id, waiting.chat, waiting.event, NOW) for each in (one, two))
        )

    assert [words for words in await said_to(db) if "Мастер придёт завтра." in words] == [
        (await said_to(db))[-1]
    ]
    assert await events.waiting(db, after=0, most=10) == []
    assert "GivingNumber" in await db.fetchval("select stage from chat")


@pytest.mark.parametrize("event_first", [True, False])
@pytest.mark.parametrize("batch_max", [1, 128])
async def test_an_event_and_a_message_of_one_chat_at_once_are_both_heard(
    pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch, batch_max: int, *, event_first: bool
) -> None:
    monkeypatch.setattr(engine_module, "BATCH_MAX", batch_max)
    async with an_engine(pool) as engine:
        await engine.take(an_update("меню", key="1"))
        chat = await db.fetchval("select id from chat")
        await events.add(db, [(chat, CaseAnswered(case=7, answer="Мастер придёт завтра."))], now=NOW)
        [waiting] = await events.waiting(db, after=0, most=10)
        both = [
            engine.take_event(waiting.id, waiting.chat, waiting.event, NOW),
            engine.take(an_update(Press("agree:2026-11"), key="2")),
        ]
        taken = await asyncio.gather(*(both if event_first else reversed(both)))

    talk = await db.fetchrow("select stage, last_order from chat")
    assert set(taken) == {Taken.DONE}
    assert talk is not None
    assert ("GivingNumber" in talk["stage"], talk["last_order"]) == (True, 2)
    assert sum("Мастер придёт завтра." in words for words in await said_to(db)) == 1
    assert await events.waiting(db, after=0, most=10) == []


async def test_an_event_for_a_channel_that_is_off_blocks_nothing(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        await engine.take(an_update("меню", key="1"))
        await db.execute("update chat set channel = 'icq'")
        chat = await db.fetchval("select id from chat")
        await events.add(db, [(chat, CaseAnswered(case=7, answer="Да."))], now=NOW)
        [waiting] = await events.waiting(db, after=0, most=10)
        await engine.take_event(waiting.id, waiting.chat, waiting.event, NOW)

    assert await events.waiting(db, after=0, most=10) == []


async def test_a_pollers_place_is_kept_with_the_last_of_its_turns(pool: Pool, db: Connection) -> None:
    updates = [an_update("меню", key=str(key), chat=f"c{key}") for key in range(3)]

    async with an_engine(pool) as engine:
        assert await engine.take_polled(updates, channel="telegram", position="3")
        assert await engine.take_polled([], channel="telegram", position="4")

    assert await db.fetchval("select position from position") == "4"


async def test_a_stage_of_another_release_is_let_go_politely(pool: Pool, db: Connection) -> None:
    async with an_engine(pool) as engine:
        await engine.take(an_update("меню", key="1"))
        await db.execute("""update chat set stage = '{"v": 99, "stage": {"type": "Dancing"}}'""")
        await engine.take(an_update("помощь", key="2"))

    assert "потеряли нить" in (await said_to(db))[1]
