"""A payment is confirmed in the chat where it began, or in another one of the resident: in one of them, once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bots.engine import Engine
from bots.senders import Senders
from bots.turning import Turning, Voice
from core.channel import (
    Outcome,
    Sending,
    Sent,
    Unknown,
    Unreachable,
)
from core.joining import JoinByCode, OpenInvitation
from core.messages import DataClass
from core.money import Money
from core.privacy import Ceiling
from core.questions import EraseResident, PaymentOf, SetLanguage, Settled, StopMessages
from core.turns import LinkUnfrozen, PaymentSettled
from storage import events, outbox, paces
from storage.answers import answers
from storage.database import Connection, Pool
from storage.erasing import erase_resident
from storage.joining import join_by_code, open_invitation
from storage.payments import PaymentSettings
from storage.residents import set_language, stop_messages
from tests.bots.making_sending import FAST, ROOMY, a_delivery
from tests.making_people import CENTRE
from tests.storage.making_residents import KEYS, NOW, make_resident

PAID = PaymentSettled(payment=1, account=2, amount=Money(123_45))
EVERYTHING = answers(keys=KEYS, settings=PaymentSettings("http://127.0.0.1", b"k" * 32))


@dataclass
class Platform:
    """A messenger that answers sends as it is told, then takes them."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    capabilities = ROOMY
    pace = FAST

    async def send(self, sending: Sending) -> Outcome:
        outcome = self.outcomes.pop(0) if self.outcomes else Sent("1")
        if isinstance(outcome, Sent):
            self.taken.append(sending.message.plain)
        if not self.outcomes:
            self.asked.set()
        return outcome


async def deliver(pool: Pool, platform: Platform) -> None:
    """Send until *platform* has answered as it was told; whatever is on its way then is settled."""
    platform.asked.clear()
    async with pool.acquire() as db:
        await paces.set_pace(db, platform.name, FAST)
    delivery = a_delivery(pool, platform)
    delivery.wake(set())
    running = asyncio.create_task(delivery.run())
    await platform.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _settled(_: Connection, asked: Sequence[PaymentOf]) -> list[Settled]:
    return [Settled(Money(123_45), NOW, "77", Money(0)) for _each in asked]


@asynccontextmanager
async def an_engine(pool: Pool, *, vk: str = "open") -> AsyncIterator[Engine]:
    voices = {"telegram": Voice(ROOMY, Ceiling.of("open")), "vk": Voice(ROOMY, Ceiling.of(vk))}
    engine = Engine(
        pool,
        answers={**EVERYTHING, PaymentOf: _settled},
        channels={},
        keys=KEYS,
        turning=Turning(centre=CENTRE, voices=voices, public_url="https://centre.example"),
        now=lambda: NOW,
        senders=Senders({}),
    )
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def run_events(pool: Pool, *, vk: str = "open") -> None:
    """Run the events that wait as turns, and those that follow from them."""
    async with an_engine(pool, vk=vk) as engine, pool.acquire() as db:
        while waiting := await events.waiting(db, after=0, most=100):
            await asyncio.gather(
                *(engine.take_event(each.id, each.chat, each.event, NOW) for each in waiting)
            )


async def confirmed_in(db: Connection) -> list[tuple[int, str]]:
    """The chats in which a confirmation waits, and how it reads."""
    rows = await db.fetch(
        "select chat_id, body from outbox where message_class = 1 and state = 'queued' order by id"
    )
    return [(row["chat_id"], outbox.DECODER.decode(row["body"]).plain) for row in rows]


@pytest.fixture
async def chats(db: Connection) -> tuple[int, int]:
    """A resident's chats in Telegram, where the payment began, and in VK, which is spoken to in English."""
    first, _ = await make_resident(db, "one")
    second, _ = await make_resident(db, "two", channel="vk")
    [invitation] = await open_invitation(db, [OpenInvitation(first, NOW)])
    await join_by_code(db, [JoinByCode(second, invitation.code, NOW, 10)])
    await db.execute("delete from event")
    await set_language(db, [SetLanguage(second, "en")])
    return first, second


async def paid(db: Connection, chat: int) -> None:
    await events.add(db, [(chat, PAID)], now=NOW)


async def block(db: Connection, *chats: int) -> None:
    await stop_messages(db, [StopMessages(chat, NOW, gone=True) for chat in chats])


# --- Known before it is queued -------------------------------------------------------------------------


async def test_a_payment_is_confirmed_in_the_chat_where_it_began(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await paid(db, chats[0])
    await run_events(pool)

    [(chat, words)] = await confirmed_in(db)
    assert (chat, "123,45" in words) == (chats[0], True)


async def test_a_chat_that_blocked_us_leaves_it_to_another_one_in_that_ones_words(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await block(db, chats[0])
    await paid(db, chats[0])
    await run_events(pool)

    [(chat, words)] = await confirmed_in(db)
    assert chat == chats[1]
    assert "Payment" in words


async def test_the_other_chat_keeps_to_its_own_ceiling(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await block(db, chats[0])
    await paid(db, chats[0])
    await run_events(pool, vk="strict")

    [row] = await db.fetch("select body from outbox where message_class = 1")
    message = outbox.DECODER.decode(row["body"])
    assert message.data_class <= DataClass.INTAKE
    assert "123" not in message.plain


async def test_where_no_chat_can_be_reached_nobody_is_told_and_nothing_goes_round(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await block(db, *chats)
    await paid(db, chats[0])
    await run_events(pool)

    assert await confirmed_in(db) == []


async def test_an_erased_resident_is_told_nothing(pool: Pool, db: Connection, chats: tuple[int, int]) -> None:
    resident = await db.fetchval("select resident_id from chat where id = $1", chats[0])
    async with db.transaction():
        await erase_resident(db, [EraseResident(resident, chats[0], NOW)])
    await paid(db, chats[0])
    await run_events(pool)

    assert await confirmed_in(db) == []


async def test_a_channel_that_is_off_leaves_it_to_a_chat_whose_channel_is_on(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await db.execute("update chat set channel = 'icq' where id = $1", chats[0])
    await paid(db, chats[0])
    await run_events(pool)

    [(chat, words)] = await confirmed_in(db)
    assert chat == chats[1]
    assert "Payment" in words


async def test_where_all_channels_are_off_nobody_is_told_and_nothing_goes_round(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await db.execute("update chat set channel = 'icq'")
    await paid(db, chats[0])
    await run_events(pool)

    assert await db.fetchval("select count(*) from event") == 1
    assert await confirmed_in(db) == []


async def test_a_chat_that_blocked_us_leaves_it_to_none_whose_channel_is_off(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await db.execute("update chat set channel = 'icq' where id = $1", chats[1])
    await block(db, chats[0])
    await paid(db, chats[0])
    await run_events(pool)

    assert await db.fetchval("select count(*) from event") == 1


async def test_what_each_chat_is_told_is_not_told_twice_where_one_channel_is_off(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await db.execute("update chat set channel = 'icq' where id = $1", chats[0])
    await events.add(db, [(chat, LinkUnfrozen(account=2)) for chat in chats], now=NOW)
    await run_events(pool)

    assert await db.fetchval("select count(*) from event") == 2


# --- Found out only at sending -------------------------------------------------------------------------


async def test_a_confirmation_that_cannot_be_delivered_is_moved(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    telegram, vk = Platform("telegram", [Unreachable("blocked")]), Platform("vk")
    await paid(db, chats[0])
    await run_events(pool)

    await deliver(pool, telegram)
    await run_events(pool)
    await deliver(pool, vk)

    assert telegram.taken == []
    [words] = vk.taken
    assert "Payment" in words
    states = await db.fetch("select chat_id, state from outbox order by id")
    assert [tuple(row) for row in states] == [(chats[0], "dead"), (chats[1], "sent")]


async def test_a_confirmation_that_was_delivered_stays_where_it_is(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    telegram = Platform("telegram")
    await paid(db, chats[0])
    await run_events(pool)
    await deliver(pool, telegram)

    async with db.transaction():
        lost = await outbox.mark_unreachable(db, [chats[0]])

    assert (lost, len(telegram.taken)) == ([], 1)


async def test_a_confirmation_behind_the_message_that_found_it_out_is_moved_too(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    telegram = Platform("telegram", [Unreachable("blocked")])
    for _ in range(2):
        await paid(db, chats[0])
    await run_events(pool)

    await deliver(pool, telegram)
    await run_events(pool)

    assert [chat for chat, _ in await confirmed_in(db)] == [chats[1]] * 2


async def test_a_sender_that_finds_it_out_twice_moves_it_once(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await paid(db, chats[0])
    await run_events(pool)

    lost = [await outbox.mark_unreachable(db, [chats[0]]) for _ in range(2)]

    assert [len(each) for each in lost] == [1, 0]


async def test_one_that_may_have_been_delivered_is_rather_told_twice_than_never(
    pool: Pool, db: Connection, chats: tuple[int, int]
) -> None:
    await paid(db, chats[0])
    await run_events(pool)

    await deliver(pool, Platform("telegram", [Unknown("no answer")]))
    await db.execute("update lane set due_at = clock_timestamp()")
    await deliver(pool, Platform("telegram", [Unreachable("blocked")]))
    await run_events(pool)

    assert [chat for chat, _ in await confirmed_in(db)] == [chats[1]]
