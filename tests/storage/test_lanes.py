"""Lanes keep each chat's order; leases fence senders; paces hold; nothing is lost or settled twice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from core.channel import Pace
from core.messages import Message, MessageClass, Span
from storage import lanes, outbox, paces, uploads
from storage.conversations import Address, lock
from storage.database import Connection, Pool
from storage.keys import Keys
from storage.lanes import Leased, Settled
from storage.outbox import Outgoing

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEYS = Keys.of(master=b"m" * 32, billing=b"b" * 32)
PACE = Pace(rate=1000, burst=1000, chat_rate=1000, chat_burst=10)


async def chats(db: Connection, *names: str) -> list[int]:
    addresses = [Address("telegram", name, private=True, language="ru") for name in names]
    async with db.transaction():
        by_address, _ = await lock(db, addresses, [], now=NOW, keys=KEYS)
    return [by_address["telegram", name].chat for name in names]


def a_message(words: str, message_class: MessageClass = MessageClass.REPLY) -> Message:
    return Message((Span(words),), message_class=message_class)


async def queue(
    db: Connection, chat: int, *words: str, message_class: MessageClass = MessageClass.REPLY
) -> None:
    messages = [Outgoing(chat, "telegram", a_message(each, message_class)) for each in words]
    async with db.transaction():
        await outbox.add(db, messages)


def words_of(heads: Sequence[Leased]) -> list[str]:
    return [outbox.DECODER.decode(head.body or "").plain for head in heads]


def sent(head: Leased) -> Settled:
    return Settled(head.id, head.chat, head.epoch, "sent", platform_message="1")


@pytest.fixture
async def lane(db: Connection) -> int:
    await paces.set_pace(db, "telegram", PACE)
    [chat] = await chats(db, "one")
    return chat


async def test_a_chats_messages_leave_one_at_a_time_in_order(db: Connection, lane: int) -> None:
    await queue(db, lane, "first", "second")

    left = []
    while heads := await lanes.lease(db, "telegram", most=10):
        assert await lanes.lease(db, "telegram", most=10) == []
        left += words_of(heads)
        await lanes.settle(db, [sent(head) for head in heads], pace=PACE)

    assert left == ["first", "second"]


async def test_what_is_queued_while_another_is_sent_waits_for_its_turn(db: Connection, lane: int) -> None:
    await queue(db, lane, "first")
    [head] = await lanes.lease(db, "telegram", most=10)
    await queue(db, lane, "second")

    await lanes.settle(db, [sent(head)], pace=PACE)

    assert words_of(await lanes.lease(db, "telegram", most=10)) == ["second"]


async def test_a_sender_that_lost_its_lease_cannot_settle(db: Connection, lane: int) -> None:
    await queue(db, lane, "first", "second")
    [slow] = await lanes.lease(db, "telegram", most=10, for_s=0)
    [quick] = await lanes.lease(db, "telegram", most=10)

    await lanes.settle(db, [sent(slow)], pace=PACE)

    assert (quick.id, quick.uncertain) == (slow.id, True)
    assert await db.fetchval("select state from outbox where id = $1", slow.id) == "sending"


async def test_of_two_leases_in_one_settlement_the_one_that_was_lost_changes_nothing(
    db: Connection, lane: int
) -> None:
    await queue(db, lane, "first")
    [slow] = await lanes.lease(db, "telegram", most=10, for_s=0)
    [quick] = await lanes.lease(db, "telegram", most=10)
    late = Settled(slow.id, slow.chat, slow.epoch, "dead", reason="too late")

    for settled in ([late, sent(quick)], [sent(quick), late]):
        await db.execute("update outbox set state = 'sending'")
        await db.execute("update lane set epoch = $1, leased_until = clock_timestamp()", quick.epoch)
        await lanes.settle(db, settled, pace=PACE)

        assert await db.fetchval("select state from outbox") == "sent"


WAITS = "select exists (select from pg_locks where not granted)"


# --- Leased as it is queued ------------------------------------------------------------------------


async def say(
    db: Connection,
    chats: Sequence[int],
    words: str,
    *,
    room: int = 10,
    kind: MessageClass = MessageClass.REPLY,
) -> list[Leased]:
    """Queue *words* for each of *chats* where a sender has *room*; what is its to send at once."""
    messages = [Outgoing(chat, "telegram", a_message(words, kind)) for chat in chats]
    async with db.transaction():
        return await outbox.add(db, messages, senders={"telegram": room})


async def lanes_at_rest(db: Connection, *names: str) -> list[int]:
    """Chats to each of which one message was sent."""
    numbers = await chats(db, *names)
    for chat in numbers:
        await queue(db, chat, "before")
    heads = await lanes.lease(db, "telegram", most=len(names))
    await lanes.settle(db, [sent(head) for head in heads], pace=PACE)
    return numbers


async def test_what_may_leave_at_once_is_its_senders_when_it_is_queued(db: Connection, lane: int) -> None:
    [chat] = await lanes_at_rest(db, "one")

    [head] = await say(db, [chat], "now")

    assert words_of([head]) == ["now"]
    assert await lanes.lease(db, "telegram", most=10) == []
    await lanes.settle(db, [sent(head)], pace=PACE)
    assert await db.fetchval("select state from outbox where id = $1", head.id) == "sent"


async def test_so_does_the_first_message_of_a_chat(db: Connection, lane: int) -> None:
    [head] = await say(db, [lane], "hello")
    await outbox.add(db, [Outgoing(lane, "telegram", a_message("and"))], senders={"telegram": 1})
    await lanes.settle(db, [sent(head)], pace=PACE)

    assert (head.epoch, words_of([head])) == (1, ["hello"])
    assert words_of(await lanes.lease(db, "telegram", most=10)) == ["and"]


async def test_of_two_who_begin_a_lane_at_once_one_waits_for_the_other(pool: Pool, lane: int) -> None:
    first, second = (Outgoing(lane, "telegram", a_message(words)) for words in ("first", "second"))
    async with pool.acquire() as one, pool.acquire() as two:
        async with one.transaction():
            [head] = await outbox.add(one, [first], senders={"telegram": 1})
            waiting = asyncio.create_task(outbox.add(two, [second], senders={"telegram": 1}))
            while not await one.fetchval(WAITS):  # noqa: ASYNC110  # a lock that is waited for sets no event
                await asyncio.sleep(0)
        assert await waiting == []
        assert await lanes.lease(two, "telegram", most=10) == []
        await lanes.settle(one, [sent(head)], pace=PACE)

        assert words_of(await lanes.lease(two, "telegram", most=10)) == ["second"]


async def test_what_was_leased_so_is_uncertain_once_its_lease_ends(db: Connection, lane: int) -> None:
    [chat] = await lanes_at_rest(db, "one")
    messages = [Outgoing(chat, "telegram", a_message("now"))]
    async with db.transaction():
        [lost] = await outbox.add(db, messages, senders={"telegram": 1}, for_s=0)

    [again] = await lanes.lease(db, "telegram", most=10)
    await lanes.settle(db, [sent(lost)], pace=PACE)

    assert (again.id, again.epoch, again.uncertain) == (lost.id, lost.epoch + 1, True)
    assert await db.fetchval("select state from outbox where id = $1", lost.id) == "sending"


async def test_who_waits_for_an_earlier_message_is_not_overtaken(db: Connection, lane: int) -> None:
    [chat] = await lanes_at_rest(db, "one")
    await queue(db, chat, "first")

    assert await say(db, [chat], "second") == []
    [head] = await lanes.lease(db, "telegram", most=10)
    assert await say(db, [chat], "third") == []
    assert words_of([head]) == ["first"]


async def test_of_several_messages_the_first_leaves_and_the_rest_follow(db: Connection, lane: int) -> None:
    [chat] = await lanes_at_rest(db, "one")

    heads = await say(db, [chat, chat], "word")
    await lanes.settle(db, [sent(head) for head in heads], pace=PACE)
    [rest] = await lanes.lease(db, "telegram", most=10)

    assert [head.id for head in heads] == [rest.id - 1]


async def test_no_more_is_leased_so_than_there_is_room_for_or_than_the_pace_allows(
    db: Connection, lane: int
) -> None:
    everyone = await lanes_at_rest(db, *"abcdef")

    crowded = await say(db, everyone[:3], "word", room=2)
    await db.execute("update bucket set rate = 0.001, tokens = 1")
    paced = await say(db, everyone[3:], "word")

    assert (len(crowded), len(paced)) == (2, 1)
    assert await db.fetchval("select tokens < 0.1 from bucket")
    assert await lanes.lease(db, "telegram", most=10) == []


async def test_nothing_is_leased_so_of_a_stopped_channel_nor_of_broadcasts(db: Connection, lane: int) -> None:
    one, two = await lanes_at_rest(db, "one", "two")

    assert await say(db, [one], "news", kind=MessageClass.BROADCAST) == []
    await paces.stop(db, "telegram", "token refused")
    assert await say(db, [two], "word") == []


async def test_a_chat_that_was_written_to_just_now_waits_for_its_own_pace(db: Connection, lane: int) -> None:
    slow = Pace(rate=1000, burst=1000, chat_rate=0.01, chat_burst=1)
    await queue(db, lane, "before")
    heads = await lanes.lease(db, "telegram", most=1)
    await lanes.settle(db, [sent(head) for head in heads], pace=slow)

    assert await say(db, [lane], "word") == []


# --- Two senders, and paces -------------------------------------------------------------------------


async def test_two_senders_never_lease_the_same_lane(pool: Pool, db: Connection) -> None:
    await paces.set_pace(db, "telegram", PACE)
    for chat in await chats(db, *(str(number) for number in range(20))):
        await queue(db, chat, "word")

    async with pool.acquire() as one, pool.acquire() as two:
        first = await lanes.lease(one, "telegram", most=15)
        second = await lanes.lease(two, "telegram", most=15)

    assert len({head.chat for head in [*first, *second]}) == len(first) + len(second) == 20


async def test_no_more_leave_than_the_channels_pace_allows(db: Connection) -> None:
    await paces.set_pace(db, "telegram", Pace(rate=0.001, burst=3, chat_rate=1))
    for chat in await chats(db, *"abcde"):
        await queue(db, chat, "word")

    assert len(await lanes.lease(db, "telegram", most=10)) == 3
    assert await lanes.lease(db, "telegram", most=10) == []


async def test_a_chat_is_not_written_to_faster_than_its_own_pace(db: Connection, lane: int) -> None:
    slow = Pace(rate=1000, burst=1000, chat_rate=0.01, chat_burst=2)
    await queue(db, lane, "first", "second", "third")

    waits = []
    for _ in range(2):
        [head] = await lanes.lease(db, "telegram", most=10)
        waits.append(await lanes.settle(db, [sent(head)], pace=slow))

    assert waits[0] is not None
    assert waits[0] <= 0
    assert waits[1] is not None
    assert waits[1] > 90
    assert await lanes.lease(db, "telegram", most=10) == []


async def test_replies_go_before_broadcasts(db: Connection) -> None:
    await paces.set_pace(db, "telegram", PACE)
    news, reply = await chats(db, "news", "reply")
    await queue(db, news, "news", message_class=MessageClass.BROADCAST)
    await queue(db, reply, "reply")

    assert words_of(await lanes.lease(db, "telegram", most=1)) == ["reply"]


async def test_a_held_channel_sends_nothing_and_loses_nothing(db: Connection, lane: int) -> None:
    await queue(db, lane, "word")
    await paces.stop(db, "telegram", "token refused")
    held = await lanes.lease(db, "telegram", most=10)

    await paces.set_pace(db, "telegram", PACE)

    assert held == []
    assert words_of(await lanes.lease(db, "telegram", most=10)) == ["word"]


async def test_what_waits_for_an_unreachable_chat_is_not_sent(db: Connection, lane: int) -> None:
    await queue(db, lane, "first", "second")
    [head] = await lanes.lease(db, "telegram", most=10)

    await outbox.mark_unreachable(db, [lane])
    dead = Settled(head.id, head.chat, head.epoch, "dead", reason="blocked")
    assert await lanes.settle(db, [dead], pace=PACE) is None

    assert await lanes.lease(db, "telegram", most=10) == []


async def test_a_message_that_is_put_off_waits_and_costs_no_try(db: Connection, lane: int) -> None:
    await queue(db, lane, "word")
    [head] = await lanes.lease(db, "telegram", most=10)

    later = Settled(head.id, head.chat, head.epoch, "queued", after_s=30.0, counts=False)
    wait = await lanes.settle(db, [later], pace=PACE)

    assert wait is not None
    assert wait > 25
    assert await db.fetchval("select attempts from outbox where id = $1", head.id) == 0


async def test_a_nul_in_a_message_does_not_stop_the_queue(db: Connection, lane: int) -> None:
    await queue(db, lane, "a\0b")

    assert words_of(await lanes.lease(db, "telegram", most=10)) == ["ab"]


async def test_uploads_are_remembered_by_content(db: Connection) -> None:
    await uploads.keep_uploads(db, "telegram", {"ab" * 32: "file-1"})
    await uploads.keep_uploads(db, "telegram", {"ab" * 32: "file-2"})

    assert await uploads.uploads_of(db, "telegram", ["ab" * 32, "cd" * 32]) == {"ab" * 32: "file-2"}


async def test_texts_sent_long_ago_are_emptied(db: Connection, lane: int) -> None:
    await queue(db, lane, "old", "new")
    [head] = await lanes.lease(db, "telegram", most=10)
    await lanes.settle(db, [sent(head)], pace=PACE)
    await db.execute("update outbox set sent_at = sent_at - interval '31 days' where id = $1", head.id)

    await outbox.empty_ended(db)

    rows = await db.fetch("select body is null as empty from outbox order by id")
    assert [row["empty"] for row in rows] == [True, False]
