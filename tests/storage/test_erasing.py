"""Who is erased is forgotten at once, and the chat is empty once the farewell is sent."""

from datetime import timedelta

from core.questions import AddToCase, Blocked, EraseResident, OpenCase, Unlink
from core.tries import CHAT_HOUR_MAX
from storage.cases import add_to_case, answer_case, open_case
from storage.database import Connection
from storage.erasing import erase_due, erase_resident, forget_unlinked
from storage.linking import unlink
from storage.proofs import try_proof
from tests.storage.making_residents import (
    KEYS,
    NOW,
    a_try,
    make_account,
    make_chat,
    make_linked,
    make_resident,
    seen,
)

LATER = NOW + timedelta(minutes=1)


async def erased(db: Connection, chat: int, resident: int) -> int:
    [number] = await erase_resident(db, [EraseResident(resident=resident, chat=chat, at=NOW)])
    return number


async def say_farewell(db: Connection, chat: int, state: str) -> None:
    await db.execute(
        "insert into outbox (chat_id, channel, message_class, body, state) values ($1, 'telegram', 0, 'Прощайте', $2)",
        chat,
        state,
    )


async def test_an_erased_resident_is_nobody(db: Connection) -> None:
    chat, resident, link = await make_linked(db, "1", await make_account(db))

    number = await erased(db, chat, resident)

    assert await seen(db, chat) is None
    assert await db.fetchval("select withdrawn_at from consent") == NOW
    assert await db.fetchval("select unlinked_at from account_link where id = $1", link) == NOW
    assert await db.fetchval("select kind from staff_case where id = $1", number) == "erasure"


async def test_the_farewell_is_still_delivered(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    await erased(db, chat, resident)
    await say_farewell(db, chat, "queued")

    assert await erase_due(db, now=LATER) == 0

    assert await db.fetchval("select address from chat where id = $1", chat) is not None


async def test_nothing_of_the_chat_is_left_after_the_farewell(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    number = await erased(db, chat, resident)
    await say_farewell(db, chat, "sent")

    assert await erase_due(db, now=LATER) == 1

    kept = await db.fetchrow("select address, address_hash, resident_id, stage from chat where id = $1", chat)
    assert kept is not None
    assert set(kept.values()) == {None}
    assert await db.fetchval("select body from outbox") is None
    assert await db.fetchval("select state from staff_case where id = $1", number) == "closed"
    assert await erase_due(db, now=LATER) == 0


async def test_questions_to_staff_are_emptied(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    [case] = await open_case(db, [OpenCase("question", chat, None, (("question", "Почему?"),), NOW)])

    await erased(db, chat, resident)

    row = await db.fetchrow("select facts, state from staff_case where id = $1", case)
    assert row is not None
    assert tuple(row.values()) == ({}, "closed")


async def test_a_readings_case_stays_without_photo_caption_and_chat(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    value = ("value_1", "987654")
    [case] = await open_case(db, [OpenCase("reading_impossible", chat, None, (value,), NOW)])
    shown = (("photo", "file-1"), ("caption", "Мой счётчик, Анна"))
    await add_to_case(db, [AddToCase(case, chat, shown), AddToCase(case, chat, shown)])

    await erased(db, chat, resident)

    row = await db.fetchrow("select facts, chat_id, state, closed_at from staff_case where id = $1", case)
    assert row is not None
    assert tuple(row.values()) == ({"value_1": "987654"}, None, "open", None)
    assert await answer_case(db, case, "Исправили.", now=LATER) is False


async def test_an_answered_readings_case_is_over(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    [case] = await open_case(db, [OpenCase("reading_impossible", chat, None, (("value_1", "9"),), NOW)])
    await answer_case(db, case, "Здравствуйте, Анна.", now=NOW)

    await erased(db, chat, resident)

    row = await db.fetchrow("select facts, answer, state from staff_case where id = $1", case)
    assert row is not None
    assert tuple(row.values()) == ({"value_1": "9"}, None, "closed")


async def test_others_are_left_alone(db: Connection) -> None:
    account = await make_account(db)
    chat, resident, _ = await make_linked(db, "1", account)
    other, *_ = await make_linked(db, "2", account)

    await erased(db, chat, resident)
    await erase_due(db, now=LATER)

    who = await seen(db, other)
    assert who is not None
    assert who.current is not None


async def test_who_comes_back_is_a_newcomer_in_a_chat_of_its_own(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    await erased(db, chat, resident)

    again = await make_chat(db, "1")

    assert again != chat
    assert await seen(db, again) is None


async def test_wrong_tries_are_not_forgotten_by_erasing(db: Connection) -> None:
    chat, resident = await make_resident(db, "1")
    await try_proof(db, [a_try(chat)] * CHAT_HOUR_MAX, keys=KEYS)
    await erased(db, chat, resident)

    again = await make_chat(db, "1")

    assert await try_proof(db, [a_try(again)], keys=KEYS) == [Blocked(NOW + timedelta(hours=1))]
    assert await db.fetchval("select count(*) from link_try where chat_id = $1", chat) == 0


# --- Without being asked -----------------------------------------------------------------------------

MONTH = timedelta(days=30)


async def test_who_unlinked_all_is_forgotten_after_a_month_of_silence(db: Connection) -> None:
    chat, resident, link = await make_linked(db, "1", await make_account(db))
    await unlink(db, [Unlink(resident, link, NOW)])

    assert await forget_unlinked(db, now=NOW + MONTH) == 0
    assert await forget_unlinked(db, now=NOW + MONTH + timedelta(seconds=1)) == 1

    assert await erase_due(db, now=NOW + MONTH) == 1
    assert await db.fetchval("select address from chat where id = $1", chat) is None
    assert await seen(db, chat) is None


async def test_who_has_an_account_or_was_heard_lately_is_not_forgotten(db: Connection) -> None:
    account = await make_account(db)
    await make_linked(db, "1", account)
    chat, resident, link = await make_linked(db, "2", account)
    await unlink(db, [Unlink(resident, link, NOW)])
    await db.execute("update chat set last_seen_at = $2 where id = $1", chat, NOW + MONTH)

    assert await forget_unlinked(db, now=NOW + MONTH + timedelta(days=1)) == 0
