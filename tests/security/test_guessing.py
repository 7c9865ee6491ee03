"""Who guesses numbers and codes at scale is stopped and noted, and learns not even whether a number exists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery

from bots.engine import Engine
from bots.senders import Senders
from bots.turning import Turning, Voice
from core.channel import Capabilities
from core.messages import Incoming, Text
from core.privacy import Ceiling
from core.tries import CHANNEL_HOUR_MAX, CHAT_HOUR_MAX, NUMBER_DAY_MAX
from core.turns import Centre
from storage import outbox
from storage.answers import answers
from storage.database import Pool, open_pool
from storage.keys import Keys
from storage.payments import PaymentSettings
from tests.conftest import NOW, Database, Town

KEYS = Keys.of(master=b"m" * 64, billing=b"b" * 64)
ROOMY = Capabilities(
    text_chars_max=4096,
    caption_chars_max=1024,
    rows_max=100,
    columns_max=8,
    buttons_max=100,
    label_chars_max=64,
)
CHANNELS = ("telegram", "vk", "ok", "viber")
NOWHERE = "0000000000"
LINKED = "select count(*) from account_link where unlinked_at is null"
SAID = """
select body from outbox join chat on chat.id = chat_id where address_hash = $1 order by outbox.id desc limit 1
"""

_keys = count(1)


@pytest.fixture
async def pool(inhabited: Database) -> AsyncIterator[Pool]:
    async with open_pool(inhabited.app) as pool:
        yield pool


@asynccontextmanager
async def an_engine(pool: Pool) -> AsyncIterator[Engine]:
    """An engine whose messages wait to be read in the outbox."""
    engine = Engine(
        pool,
        answers=answers(keys=KEYS, settings=PaymentSettings("http://127.0.0.1", b"k" * 32)),
        channels={},
        keys=KEYS,
        turning=Turning(
            centre=Centre(name="ЕРКЦ", zone=NOW.tzinfo),  # type: ignore[arg-type]  # a ZoneInfo by its making
            voices=dict.fromkeys(CHANNELS, Voice(ROOMY, Ceiling.of("open"))),
            public_url="https://centre.example",
        ),
        now=lambda: NOW,
        senders=Senders({}),
    )
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def say(engine: Engine, chats: Sequence[tuple[str, str]], *words: str) -> None:
    """Have each of *chats* say *words*, all of them at the same time."""
    for each in words:
        numbers = [next(_keys) for _ in chats]
        await asyncio.gather(
            *(
                engine.take(Incoming(channel, chat, chat, str(number), number, NOW, Text(each)))
                for (channel, chat), number in zip(chats, numbers, strict=True)
            )
        )


async def guess(engine: Engine, chats: Sequence[tuple[str, str]], number: str, code: str) -> None:
    await say(engine, chats, "подключить счёт", number, "код", code)


async def come(engine: Engine, chats: Sequence[tuple[str, str]]) -> None:
    await say(engine, chats, "подключить счёт", "согласен")


async def answer(pool: Pool, channel: str, chat: str) -> Any:
    """The last message to a chat, whole."""
    async with pool.acquire() as db:
        body = await db.fetchval(SAID, KEYS.address_hash(channel, chat))
    return outbox.DECODER.decode(body)


async def one(pool: Pool, query: str) -> Any:
    async with pool.acquire() as db:
        return await db.fetchval(query)


def account_of(town: Town) -> tuple[str, str]:
    return next(iter(town.codes.items()))


# --- Being stopped -----------------------------------------------------------------------------------


async def test_a_right_code_is_let_in_as_long_as_nothing_was_guessed(pool: Pool, town: Town) -> None:
    number, code = account_of(town)
    async with an_engine(pool) as engine:
        await come(engine, [("vk", "honest")])
        await guess(engine, [("vk", "honest")], number, code)

    assert await one(pool, LINKED) == 1


async def test_one_chat_is_stopped_after_five_wrong_codes_even_with_the_right_one(
    pool: Pool, town: Town
) -> None:
    number, code = account_of(town)
    async with an_engine(pool) as engine:
        await come(engine, [("vk", "thief")])
        for wrong in range(CHAT_HOUR_MAX):
            await guess(engine, [("vk", "thief")], number, f"{100_000 + wrong}")
        await guess(engine, [("vk", "thief")], number, code)

    assert await one(pool, LINKED) == 0
    assert await one(pool, "select count(*) from link_try") == CHAT_HOUR_MAX


async def test_one_account_is_closed_to_chats_of_all_channels_together(pool: Pool, town: Town) -> None:
    number, code = account_of(town)
    thieves = [(CHANNELS[each % 4], f"thief{each}") for each in range(NUMBER_DAY_MAX)]
    fresh = [("ok", "the last of them")]
    async with an_engine(pool) as engine:
        await come(engine, thieves + fresh)
        await guess(engine, thieves, number, "100000")
        await guess(engine, fresh, number, code)

    assert await one(pool, LINKED) == 0


async def test_a_flood_from_many_chats_closes_the_channel_and_is_a_case_for_staff(
    pool: Pool, town: Town
) -> None:
    number, code = account_of(town)
    thieves = [("viber", f"thief{each}") for each in range(CHANNEL_HOUR_MAX)]
    after, elsewhere = ("viber", "too late"), ("vk", "elsewhere")
    async with an_engine(pool) as engine:
        await come(engine, [*thieves, after, elsewhere])
        for place, thief in enumerate(thieves):
            # Each walks on to a number of its own.
            await say(engine, [thief], "подключить счёт", f"{int(number) + 7 + place:010d}")
        await say(engine, thieves, "код", "100000")
        await guess(engine, [after], number, code)
        stopped = await one(pool, LINKED)
        await guess(engine, [elsewhere], number, code)

    assert stopped == 0
    assert await one(pool, LINKED) == 1
    assert await one(pool, "select count(*) from staff_case where kind = 'linking_flood'") == 1
    assert await one(pool, "select facts::text from staff_case") == '{"wrong_tries_min": "50"}'


# --- Learning nothing --------------------------------------------------------------------------------


async def told(pool: Pool, *, number: str, proof: Sequence[str], chat: str) -> tuple[list[Any], list[str]]:
    """What a chat is answered at each step of guessing, and the statements that all of it took."""
    statements: list[str] = []

    def note(executed: LoggedQuery) -> None:
        statements.append(executed.query)

    heard = []
    async with an_engine(pool) as engine:
        await come(engine, [("vk", chat)])
        async with pool.acquire() as db:
            db.add_query_logger(note)
        for words in ("подключить счёт", number, *proof):
            await say(engine, [("vk", chat)], words)
            heard.append(await answer(pool, "vk", chat))
        async with pool.acquire() as db:
            db.remove_query_logger(note)
    return heard, statements


@pytest.mark.parametrize("proof", [("код", "100000"), ("сумма", "12,34"), ("счётчик", "12345 67")])
async def test_whether_a_number_exists_shows_in_no_answer_and_in_no_statement(
    inhabited: Database, town: Town, proof: Sequence[str]
) -> None:
    number, _ = account_of(town)
    async with open_pool(inhabited.app, most=1) as pool:
        # Once in vain, so that no statement is prepared for the first time by one of the two.
        await told(pool, number=NOWHERE, proof=proof, chat="before")
        there, steps = await told(pool, number=number, proof=proof, chat="one")
        absent, other_steps = await told(pool, number=NOWHERE, proof=proof, chat="two")

    assert there == absent
    assert steps == other_steps
    assert sum("link_try" in step for step in steps) > 0
