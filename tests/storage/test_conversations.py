"""A chat is found by its address's keyed hash, made once, and keeps where its talk stands."""

import asyncio
from datetime import UTC, datetime, timedelta

from storage.conversations import Address, Standing, conversations_of, end_talks, lock, purge, save
from storage.database import Connection, Pool
from storage.keys import Keys

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEYS = Keys.of(master=b"m" * 32, billing=b"b" * 32)
ONE = Address("telegram", "412587349", private=True, language="ru")
TWO = Address("vk", "412587349", private=True, language="ru")


async def chat_of(db: Connection, address: Address) -> int:
    async with db.transaction():
        by_address, _ = await lock(db, [address], [], now=NOW, keys=KEYS)
    return by_address[address.channel, address.chat].chat


async def test_a_chat_is_made_once_and_found_again(db: Connection) -> None:
    first = await chat_of(db, ONE)

    assert await chat_of(db, ONE) == first
    assert await chat_of(db, TWO) != first


async def test_two_engines_that_meet_a_new_chat_make_one(pool: Pool) -> None:
    async def meet() -> int:
        async with pool.acquire() as db:
            return await chat_of(db, ONE)

    assert len(set(await asyncio.gather(*(meet() for _ in range(5))))) == 1


async def test_an_address_is_not_readable_in_the_database(db: Connection) -> None:
    chat = await chat_of(db, ONE)

    row = await db.fetchrow("select address, address_hash from chat where id = $1", chat)

    assert row is not None
    assert ONE.chat.encode() not in row["address"] + row["address_hash"]
    assert KEYS.opened("telegram", row["address"]) == ONE.chat


async def test_where_a_talk_stands_is_kept_and_only_moves_on(db: Connection) -> None:
    chat = await chat_of(db, ONE)

    await save(db, [Standing(chat, '{"v":1}', '{"rows":[]}', 7, heard=True)], now=NOW)
    await save(db, [Standing(chat, None, None, 3, heard=True)], now=NOW)

    kept = (await conversations_of(db, [chat]))[chat]
    assert (kept.stage, kept.offered, kept.last_order) == ('{"v":1}', '{"rows":[]}', 7)


async def test_a_chat_that_writes_is_reachable_again(db: Connection) -> None:
    chat = await chat_of(db, ONE)
    await db.execute("update chat set unreachable_at = now() where id = $1", chat)
    before = (await conversations_of(db, [chat]))[chat].reachable

    await save(db, [Standing(chat, None, None, 1, heard=True)], now=NOW)

    assert (before, (await conversations_of(db, [chat]))[chat].reachable) == (False, True)


async def test_a_silent_chat_without_consent_is_forgotten_after_a_day(db: Connection) -> None:
    chat = await chat_of(db, ONE)

    await purge(db, now=NOW + timedelta(hours=23))
    kept = await conversations_of(db, [chat])
    await purge(db, now=NOW + timedelta(hours=25))

    assert (list(kept), await conversations_of(db, [chat])) == ([chat], {})


async def test_a_talk_that_was_broken_off_is_forgotten_after_a_week(db: Connection) -> None:
    chat = await chat_of(db, ONE)
    await save(db, [Standing(chat, '{"v":1}', "[]", 7, heard=True)], now=NOW)

    async def stands(now: datetime) -> tuple[str | None, str | None]:
        await end_talks(db, now=now)
        kept = (await conversations_of(db, [chat]))[chat]
        return kept.stage, kept.offered

    assert await stands(NOW + timedelta(days=7)) == ('{"v":1}', "[]")
    assert await stands(NOW + timedelta(days=7, seconds=1)) == (None, None)


async def test_what_a_late_message_of_ours_offers_may_be_chosen_for_a_week_too(db: Connection) -> None:
    chat = await chat_of(db, ONE)
    await save(db, [Standing(chat, '{"v":1}', "[]", 7, heard=True)], now=NOW)
    await db.execute(
        "insert into outbox (chat_id, channel, message_class, queued_at) values ($1, 'telegram', 2, $2)",
        chat,
        NOW + timedelta(days=20),
    )

    await end_talks(db, now=NOW + timedelta(days=21))
    assert (await conversations_of(db, [chat]))[chat].offered == "[]"

    await end_talks(db, now=NOW + timedelta(days=28))
    assert (await conversations_of(db, [chat]))[chat].offered is None
