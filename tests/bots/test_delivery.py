"""Delivery: whatever becomes of a message is written down, however many are on their way."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bots import delivery as delivery_module
from bots.senders import Senders
from core.channel import ChannelStopped, Outcome, Pace, Sending, Sent
from core.messages import Message, Span
from storage import outbox, paces
from storage.database import Connection, Pool
from storage.outbox import Outgoing
from tests.bots.making_sending import FAST, a_delivery, hurried_until, queue, send_until
from tests.storage.making_residents import make_chat

SENT = "select count(*) from outbox where state = 'sent'"


@dataclass
class Platform:
    """A messenger that answers one message at once and the other when it is told to."""

    answering: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "telegram"
    pace: Pace = FAST

    async def send(self, sending: Sending) -> Outcome:
        if sending.message.plain == "slow":
            await self.answering.wait()
            self.answered.set()
        return Sent("1")


async def test_a_slow_message_is_settled_as_well_as_a_quick_one_sent_beside_it(
    pool: Pool, db: Connection
) -> None:
    platform = Platform()
    await paces.set_pace(db, "telegram", FAST)
    said = {await make_chat(db, name): name for name in ("quick", "slow")}
    messages = [Outgoing(chat, "telegram", Message((Span(words),))) for chat, words in said.items()]
    async with db.transaction():
        await outbox.add(db, messages)
    delivery = a_delivery(pool, platform)
    delivery.wake(set(said))
    running = asyncio.create_task(delivery.run())
    while await db.fetchval(SENT) < 1:  # noqa: ASYNC110  # a row of the database sets no event
        await asyncio.sleep(0)
    platform.answering.set()
    await platform.answered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert await db.fetchval(SENT) == 2


async def test_what_has_no_room_leaves_as_soon_as_there_is_some(
    pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "AT_ONCE", 2)
    monkeypatch.setattr(delivery_module, "POLL_S", 3600.0)
    await paces.set_pace(db, "telegram", FAST)
    said = {await make_chat(db, name): name for name in "abcde"}
    async with db.transaction():
        await outbox.add(
            db, [Outgoing(chat, "telegram", Message((Span(words),))) for chat, words in said.items()]
        )
    delivery = a_delivery(pool, Platform())
    running = asyncio.create_task(delivery.run())
    delivery.wake(set(said))

    while await db.fetchval(SENT) < len(said):  # noqa: ASYNC110  # as above
        await asyncio.sleep(0)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_nobody_tells_of_leaves_also_while_others_are_told_of(
    pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "POLL_S", 0.01)
    await paces.set_pace(db, "telegram", FAST)
    unknown, *known = [await make_chat(db, name) for name in ("of a dead process", *map(str, range(50)))]
    delivery = a_delivery(pool, Platform())
    delivery._look_at_all = False
    delivery._looked_s = asyncio.get_running_loop().time()
    async with db.transaction():
        await outbox.add(db, [Outgoing(unknown, "telegram", Message((Span("word"),)))])
    running = asyncio.create_task(delivery.run())

    for chat in itertools.cycle(known):
        if await db.fetchval("select state = 'sent' from outbox where chat_id = $1", unknown):
            break
        async with db.transaction():
            await outbox.add(db, [Outgoing(chat, "telegram", Message((Span("word"),)))])
        delivery.wake({chat})

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_waits_for_a_slow_pace_is_not_overtaken_by_newcomers(pool: Pool, db: Connection) -> None:
    slow = Pace(rate=40, burst=1, chat_rate=10_000, chat_burst=10_000)
    await paces.set_pace(db, "telegram", slow)
    early = [await make_chat(db, f"early {number}") for number in range(10)]
    late = [await make_chat(db, f"late {number}") for number in range(100)]
    delivery = a_delivery(pool, Platform(pace=slow))
    senders = Senders({"telegram": delivery})

    async def say(chats: Sequence[int]) -> None:
        messages = [Outgoing(chat, "telegram", Message((Span("word"),))) for chat in chats]
        due = {"telegram": set(chats)}
        with senders.promising(due) as rooms:
            async with db.transaction():
                leased = await outbox.add(db, messages, senders=rooms)
        senders.committed(due, leased)

    running = asyncio.create_task(delivery.run())
    await say(early)
    for chat in late:
        if await db.fetchval(
            "select count(*) from outbox where chat_id = any($1) and state = 'sent'", early
        ) == len(early):
            break
        await say([chat])
        await asyncio.sleep(1 / slow.rate / 2)
    sent = [row["chat_id"] for row in await db.fetch("select chat_id from outbox where state = 'sent'")]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert set(early) <= set(sent)


async def test_two_batches_at_once_are_promised_no_more_room_than_there_is(pool: Pool) -> None:
    senders = Senders({"telegram": a_delivery(pool, Platform())})
    due = {"telegram": set(range(delivery_module.AT_ONCE - 10))}

    with senders.promising(due) as one, senders.promising(due) as other:
        promised = (one, other)
    with senders.promising(due) as again:
        pass

    assert promised == ({"telegram": delivery_module.AT_ONCE - 10}, {"telegram": 10})
    assert again == one


@dataclass
class Choosy:
    """A messenger that refuses the token for all messages, or for one alone."""

    refused: str
    name: str = "telegram"
    pace: Pace = FAST

    async def send(self, sending: Sending) -> Outcome:
        refuses = self.refused in ("all", sending.message.plain)
        return ChannelStopped("not known") if refuses else Sent("1")


STATES = "select state from outbox order by id"
IS_STOPPED = "select stopped_why is not null from bucket"
ALL_SENT = "select bool_and(state = 'sent') from outbox"
IS_BAD_DEAD = "select state = 'dead' from outbox order by id limit 1"


async def restarted(pool: Pool, db: Connection, platform: Choosy, *, until: str) -> list[str]:
    """What has become of all messages once a new process ran *until* this is true, waiting for nothing."""
    await send_until(pool, db, platform, until)
    return [row["state"] for row in await db.fetch(STATES)]


async def test_one_message_that_is_refused_as_the_whole_channel_does_not_stop_it_for_ever(
    pool: Pool, db: Connection
) -> None:
    platform = Choosy(refused="bad")
    await queue(db, "bad")
    first = await restarted(pool, db, platform, until=IS_STOPPED)
    await queue(db, "good")

    second = await restarted(pool, db, platform, until=IS_BAD_DEAD)

    assert (first, second) == (["queued"], ["dead", "sent"])
    assert await db.fetchval(IS_STOPPED) is False


async def test_a_token_that_is_still_refused_stops_the_channel_again_and_loses_nothing(
    pool: Pool, db: Connection
) -> None:
    platform = Choosy(refused="all")
    await queue(db, "one", "two")
    for _ in range(2):
        assert await restarted(pool, db, platform, until=IS_STOPPED) == ["queued", "queued"]

    assert await restarted(pool, db, Choosy(refused=""), until=ALL_SENT) == ["sent", "sent"]


IS_STOPPED_OR_LOST = f"select ({IS_STOPPED}) or exists (select from outbox where state = 'dead')"  # ours


async def test_a_stop_that_is_lifted_too_early_stops_again_and_loses_nothing(
    pool: Pool, db: Connection
) -> None:
    platform = Choosy(refused="")
    await paces.set_pace(db, "telegram", FAST)
    delivery = a_delivery(pool, platform)
    running = asyncio.create_task(delivery.run())

    await queue(db, "good")
    await hurried_until(db, delivery, ALL_SENT)
    platform.refused = "all"
    await queue(db, "late")
    await hurried_until(db, delivery, IS_STOPPED)
    await paces.lift(db, "telegram")
    await hurried_until(db, delivery, IS_STOPPED_OR_LOST)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert [row["state"] for row in await db.fetch(STATES)] == ["sent", "queued"]
