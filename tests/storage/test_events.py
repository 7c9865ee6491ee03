"""What happened is for the chat that it happened to, and for the other chats of its resident."""

from core.questions import EventOf
from core.turns import CaseAnswered
from storage import events
from storage.database import Connection
from tests.storage.making_residents import NOW, make_chat, make_resident

EVENT = CaseAnswered(1, "Пересчитали.")


async def kept(db: Connection, chat: int) -> int:
    await events.add(db, [(chat, EVENT)], now=NOW)
    number: int = await db.fetchval("select max(id) from event")
    return number


async def test_an_event_is_found_by_its_chat_and_by_nobody_else(db: Connection) -> None:
    mine, theirs = await make_chat(db, "one"), await make_chat(db, "other")
    number = await kept(db, mine)

    found = await events.event_of(db, [EventOf(theirs, number), EventOf(mine, number), EventOf(mine, 0)])

    assert found == [None, EVENT, None]


async def test_an_event_is_found_by_another_chat_of_its_resident(db: Connection) -> None:
    mine, resident = await make_resident(db, "one")
    other = await make_chat(db, "other", channel="vk")
    await db.execute("update chat set resident_id = $1 where id = $2", resident, other)
    number = await kept(db, mine)

    assert await events.event_of(db, [EventOf(other, number)]) == [EVENT]


async def test_an_erased_chats_event_is_nobodys(db: Connection) -> None:
    mine, _ = await make_resident(db, "one")
    number = await kept(db, mine)

    await db.execute("update chat set erased_at = now()")

    assert await events.event_of(db, [EventOf(mine, number)]) == [None]


async def test_an_event_of_another_release_is_nobodys_and_hides_no_other(db: Connection) -> None:
    mine = await make_chat(db, "one")
    first, second = await kept(db, mine), await kept(db, mine)
    await db.execute("""update event set body = '{"type": "OfAnotherRelease"}' where id = $1""", first)

    assert await events.event_of(db, [EventOf(mine, first), EventOf(mine, second)]) == [None, EVENT]
