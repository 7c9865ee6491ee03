"""Two engines on one database hammer one chat, one account and one meter: nothing is lost, doubled or stuck."""

import asyncio
from random import Random

import pytest

from bots.engine import Engine
from bots.taking import Taken
from core.messages import Press
from storage.database import Connection, Pool, open_pool
from storage.proof import verify
from tests.bots.test_engine import an_engine, an_update, said_to
from tests.conftest import Database

CHATS = 6
ROUNDS = 5

LINK = """
insert into account_link (resident_id, account_id, chat_id, proof, current, linked_at)
select chat.resident_id, account.id, chat.id, 'code', true, chat.created_at
from chat cross join (select id from account order by id limit 1) as account
"""


async def linked_chats(engine: Engine, db: Connection) -> list[str]:
    names = [f"c{number}" for number in range(CHATS)]
    for name in names:
        await engine.take(an_update(Press("agree:2026-11"), key=f"{name}:0", chat=name, order=0))
    await db.execute(LINK)
    return names


async def hand_in(engines: list[Engine], chat: str, value: int, turn: int) -> None:
    """Hand a reading in and confirm it, over whichever engine comes first, each update to both."""
    for step, words in enumerate((f"хвс кухня {value}", "да", "баланс")):
        order = turn * 10 + step + 1
        update = an_update(words, key=f"{chat}:{order}", chat=chat, order=order)
        taken = await asyncio.gather(*(engine.take(update) for engine in engines))
        assert sorted(each.value for each in taken) == sorted([Taken.DONE.value, Taken.REPEATED.value])


async def test_one_meter_from_many_chats_over_two_engines(inhabited: Database) -> None:
    chance = Random(7)
    async with (
        open_pool(inhabited.app) as pool,
        an_engine(pool) as one,
        an_engine(pool) as two,
        pool.acquire() as db,
    ):
        names = await linked_chats(one, db)
        for turn in range(1, ROUNDS + 1):
            await asyncio.gather(
                *(hand_in([one, two], name, chance.randint(124, 140), turn) for name in names)
            )

        live = await db.fetchval(
            "select count(*) from reading where chat_id is not null and status = 'received'"
        )
        replaced = await db.fetchval(
            "select count(*) from reading where chat_id is not null and status = 'superseded'"
        )
        named = await db.fetchval(
            "select count(distinct supersedes_id) from reading where supersedes_id is not null"
        )
        replies = [len(await said_to(db, name)) for name in names]
        assert await verify(db) == []

    assert live == 1
    assert replaced == named
    assert replies == [1 + 3 * ROUNDS] * CHATS


async def test_two_engines_that_see_one_flood_tell_its_chat_once(
    pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.arrivals.time", lambda: 1_795_000_000.0)
    async with an_engine(pool) as one, an_engine(pool) as two:
        taken = await asyncio.gather(
            *(
                engine.take(an_update("меню", key=str(key)))
                for number, engine in enumerate((one, two))
                for key in range(100 * number, 100 * number + 100)
            )
        )
        for order, engine in enumerate((one, two), start=1000):
            await engine.take(an_update("меню", key=str(order)))

    assert taken.count(Taken.DROPPED) > 120
    assert sum("слишком много" in words for words in await said_to(db)) == 1
