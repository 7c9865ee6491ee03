"""A proof is checked within limits that do not tell which accounts there are."""

import asyncio
from datetime import timedelta

import pytest

from core.money import Money
from core.questions import Blocked, ByCode, ByTotal, NotProven, Proof, Proven, TryProof
from core.tries import CHANNEL_HOLD_FIRST, CHANNEL_HOUR_MAX, CHAT_HOUR_MAX, NUMBER_DAY_MAX
from storage.database import Connection, Pool
from storage.proofs import forget_tries, lift_hold, try_proof
from tests.storage.making_residents import (
    CODE,
    KEYS,
    NOW,
    NUMBER,
    a_try,
    by_meter,
    make_account,
    make_chat,
    make_meter,
)

HOUR = timedelta(hours=1)


async def tried(db: Connection, *asked: TryProof) -> list[Proven | NotProven | Blocked]:
    return await try_proof(db, asked, keys=KEYS)


@pytest.mark.parametrize(
    ("proof", "fits"),
    [
        (CODE, True),
        (ByCode("7K42QZ"), False),
        (ByTotal(Money(432_109)), True),
        (ByTotal(Money(432_108)), False),
        (ByTotal(Money(200_000)), True),
        (ByTotal(Money(111_111)), False),  # the fourth bill back
        (ByTotal(Money(0)), False),  # a bill of nothing proves nothing
        (by_meter("56342", "123.4"), True),
        (by_meter("56342", "129.5"), True),
        (by_meter("56342", "117.3"), True),
        (by_meter("56342", "129.6"), False),
        (by_meter("56342", "117.2"), False),
        (by_meter("56342", "110"), False),  # the reading before the last
        (by_meter("9999", "123.4"), False),
    ],
)
async def test_each_proof_fits_its_own_account(db: Connection, proof: Proof, *, fits: bool) -> None:
    account = await make_account(db, totals=(111_111, 200_000, 0, 432_109))
    await make_meter(db, account, serial="А-11156342", readings=("110", "123.4"))
    await make_account(db, "0012345679", code="OTHER1", totals=(100,))
    chat = await make_chat(db, "1")

    assert await tried(db, a_try(chat, proof)) == [Proven(account) if fits else NotProven()]


async def test_a_reading_that_billing_has_not_accepted_is_no_proof(db: Connection) -> None:
    account = await make_account(db)
    await make_meter(db, account, serial="11156342", readings=("110", "200"))
    await db.execute("update reading set status = 'received' where value = 200")
    chat = await make_chat(db, "1")

    proofs = [by_meter("56342", "200"), by_meter("56342", "110")]
    assert await tried(db, *(a_try(chat, proof) for proof in proofs)) == [NotProven(), Proven(account)]


async def test_a_meter_that_never_moved_is_no_proof(db: Connection) -> None:
    account = await make_account(db)
    await make_meter(db, account, serial="11156342", readings=("0",))
    chat = await make_chat(db, "1")

    assert await tried(db, a_try(chat, by_meter("56342", "0"))) == [NotProven()]


async def test_a_number_that_does_not_exist_is_counted_like_one_that_does(db: Connection) -> None:
    await make_account(db)
    one, other = await make_chat(db, "1"), await make_chat(db, "2")

    known = [await tried(db, a_try(one)) for _ in range(CHAT_HOUR_MAX + 1)]
    unknown = [await tried(db, a_try(other, number="9999999999")) for _ in range(CHAT_HOUR_MAX + 1)]

    assert known == unknown
    assert known[-1] == [Blocked(NOW + HOUR)]


async def test_the_sixth_try_within_an_hour_waits_even_if_it_is_right(db: Connection) -> None:
    account = await make_account(db)
    chat = await make_chat(db, "1")
    for minute in range(CHAT_HOUR_MAX):
        await tried(db, a_try(chat, at=NOW + timedelta(minutes=minute)))

    assert await tried(db, a_try(chat, CODE, at=NOW + timedelta(minutes=5))) == [Blocked(NOW + HOUR)]
    assert await tried(db, a_try(chat, CODE, at=NOW + HOUR)) == [Proven(account)]


async def test_what_was_blocked_is_not_counted(db: Connection) -> None:
    await make_account(db)
    chat = await make_chat(db, "1")
    for _ in range(CHAT_HOUR_MAX + 3):
        await tried(db, a_try(chat))

    assert await db.fetchval("select count(*) from link_try") == CHAT_HOUR_MAX


async def test_tries_of_one_batch_count_for_each_other(db: Connection) -> None:
    await make_account(db)
    chat = await make_chat(db, "1")

    verdicts = await tried(db, *[a_try(chat)] * (CHAT_HOUR_MAX + 1))

    assert verdicts == [NotProven()] * CHAT_HOUR_MAX + [Blocked(NOW + HOUR)]


async def test_twenty_wrong_tries_a_day_are_enough_for_one_chat(db: Connection) -> None:
    chat = await make_chat(db, "1")
    for hour in range(5):
        for number in range(4):
            await tried(db, a_try(chat, number=f"10000{hour}{number}", at=NOW + hour * HOUR))

    assert await tried(db, a_try(chat, at=NOW + 6 * HOUR)) == [Blocked(NOW + 24 * HOUR)]


async def test_a_number_is_closed_for_a_day_after_ten_wrong_tries_from_any_chats(db: Connection) -> None:
    account = await make_account(db)
    for name in range(NUMBER_DAY_MAX):
        await tried(db, a_try(await make_chat(db, str(name)), at=NOW + timedelta(minutes=name)))
    closed = NOW + timedelta(minutes=NUMBER_DAY_MAX - 1) + timedelta(days=1)
    owner = await make_chat(db, "owner")

    assert await tried(db, a_try(owner, CODE, at=NOW + HOUR)) == [Blocked(closed)]
    assert await tried(db, a_try(owner, CODE, at=closed)) == [Proven(account)]


async def test_staff_may_open_a_closed_number(db: Connection) -> None:
    account = await make_account(db)
    for name in range(NUMBER_DAY_MAX):
        await tried(db, a_try(await make_chat(db, str(name))))
    owner = await make_chat(db, "owner")

    assert await lift_hold(db, NUMBER, keys=KEYS)

    assert await tried(db, a_try(owner, CODE)) == [Proven(account)]


async def test_a_channel_rests_after_two_hundred_wrong_tries_and_longer_the_next_time(db: Connection) -> None:
    chats = [await make_chat(db, str(name)) for name in range(2 * CHANNEL_HOUR_MAX)]
    late = NOW + CHANNEL_HOLD_FIRST

    first = [a_try(chat, number=f"1{chat:06}") for chat in chats[:CHANNEL_HOUR_MAX]]
    await tried(db, *first)
    again = await tried(db, a_try(chats[-1]), a_try(chats[-1], at=late))
    await tried(db, *(a_try(chat, number=f"1{chat:06}", at=late) for chat in chats[CHANNEL_HOUR_MAX:-1]))

    assert again == [Blocked(late), NotProven()]
    assert await tried(db, a_try(chats[-1], at=late)) == [Blocked(late + 2 * CHANNEL_HOLD_FIRST)]


async def test_other_channels_do_not_rest(db: Connection) -> None:
    chats = [await make_chat(db, str(name)) for name in range(CHANNEL_HOUR_MAX)]
    await tried(db, *(a_try(chat, number=f"1{chat:06}") for chat in chats))
    elsewhere = await make_chat(db, "1", channel="vk")

    assert await tried(db, a_try(elsewhere, channel="vk")) == [NotProven()]


async def test_staff_hear_once_of_many_wrong_tries(db: Connection) -> None:
    for name in range(60):
        await tried(db, a_try(await make_chat(db, str(name)), number=f"1{name:06}"))

    assert await db.fetchval("select count(*) from staff_case where kind = 'linking_flood'") == 1


async def test_tries_at_once_from_many_chats_are_counted_one_by_one(pool: Pool) -> None:
    async with pool.acquire() as db:
        await make_account(db)
        chats = [await make_chat(db, str(name)) for name in range(NUMBER_DAY_MAX + 8)]

    async def once(chat: int) -> Proven | NotProven | Blocked:
        async with pool.acquire() as db, db.transaction():
            await db.execute("set local lock_timeout = '20s'")  # a busy machine is no refusal
            [verdict] = await tried(db, a_try(chat))
            return verdict

    verdicts = await asyncio.gather(*map(once, chats))

    assert sum(verdict == NotProven() for verdict in verdicts) == NUMBER_DAY_MAX


async def test_no_typed_number_is_readable_in_the_database(db: Connection) -> None:
    await tried(db, a_try(await make_chat(db, "1"), number="5551234567"))

    kept = await db.fetchval("select string_agg(link_try::text, '') from link_try")

    assert "5551234567" not in kept


async def test_tries_are_forgotten_when_no_limit_looks_at_them(db: Connection) -> None:
    await tried(db, a_try(await make_chat(db, "1")))

    await forget_tries(db, now=NOW + timedelta(days=3))

    assert await db.fetchval("select count(*) from link_try") == 0
