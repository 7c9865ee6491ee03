"""Whatever an acquirer does, the resident is charged and credited once, and the books stay proved."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import msgspec
import pytest

from bots.simulator.sberbank import SberbankStandIn
from bots.simulator.yookassa import YookassaStandIn
from core.acquiring import Attempt, Down, Found, Refused
from core.money import Money
from storage.attempts import attempt_from, settle
from storage.database import Pool, open_pool
from tests.bots.making_banks import BANKS, Bank, a_bank
from tests.conftest import Database
from tests.making_money import CENTRE

SBERBANKS = [kind for kind in BANKS if kind != "yookassa"]


@pytest.fixture(params=BANKS)
async def bank(request: pytest.FixtureRequest, pool: Pool) -> AsyncIterator[Bank]:
    async with a_bank(request.param, pool) as bank:
        yield bank


@pytest.fixture(params=BANKS)
async def silent(request: pytest.FixtureRequest, pool: Pool) -> AsyncIterator[Bank]:
    """One that tells nothing by itself."""
    async with a_bank(request.param, pool, notices=False) as bank:
        yield bank


async def cases(bank: Bank) -> list[str]:
    return [row["kind"] for row in await bank.rows("select kind from staff_case order by id")]


async def heard(bank: Bank, operations: Iterable[str]) -> None:
    await asyncio.gather(*(bank.desk.ask(bank.acquirer, operation) for operation in operations))


async def test_a_resident_pays_and_the_chat_hears_of_it_once(bank: Bank) -> None:
    link = await bank.link()
    status, page = await bank.press(link)
    bank.stand_in.faults.notices = 3

    async with bank.http.post(page, data={"choice": "pay"}) as response:
        seen = await response.text()
    await bank.stand_in.teller.told()

    assert status == 303
    assert "Оплата получена" in seen
    assert await bank.states() == ["paid"]
    assert await bank.books() == [10_000]
    assert await bank.told() == ["PaymentSettled"]


async def test_a_refused_card_may_be_tried_again(bank: Bank) -> None:
    link = await bank.link()
    _, first = await bank.press(link)

    async with bank.http.post(first, data={"choice": "refuse"}) as response:
        seen = await response.text()
    _, second = await bank.press(link)

    assert "Оплата не прошла" in seen
    assert second != first
    assert await bank.states() == ["canceled", "pending"]


async def test_a_page_that_ran_out_is_made_anew(bank: Bank) -> None:
    link = await bank.link()
    _, first = await bank.press(link)
    bank.clock.pass_hours(1.1)

    _, second = await bank.press(link)

    assert second != first
    assert await bank.states() == ["expired", "pending"]


async def test_while_it_is_down_the_link_works_on(bank: Bank) -> None:
    link = await bank.link()
    bank.stand_in.faults.down = True
    status, said = await bank.press(link)
    bank.stand_in.faults.down = False

    again, _ = await bank.press(link)

    assert (status, again) == (503, 303)
    assert "Банк сейчас не отвечает" in said
    assert len(bank.operations) == 1
    assert await bank.states() == ["pending"]


async def test_what_timed_out_after_it_was_created_is_paid_once(bank: Bank) -> None:
    link = await bank.link()
    bank.stand_in.faults.cut_off = 1
    first, _ = await bank.press(link)

    second, page = await bank.press(link)
    async with bank.http.post(page, data={"choice": "pay"}):
        await bank.stand_in.teller.told()

    assert (first, second) == (503, 303)
    assert await bank.books() == [10_000]
    assert await bank.told() == ["PaymentSettled"]


async def test_a_notice_that_overtakes_our_creation_answer_is_posted_once(bank: Bank) -> None:
    link = await bank.link()
    bank.stand_in.faults.overtake = 1

    await bank.press(link)
    await bank.desk.settle_open()

    assert await bank.states() == ["paid"]
    assert await bank.books() == [10_000]
    assert await bank.told() == ["PaymentSettled"]


async def test_one_that_overtakes_an_answer_that_never_comes_is_posted_once(bank: Bank) -> None:
    link = await bank.link()
    bank.stand_in.faults.overtake = bank.stand_in.faults.cut_off = 1

    await bank.press(link)
    _, where = await bank.press(link)

    assert where.endswith("/done")
    assert await bank.states() == ["paid"]
    assert await bank.books() == [10_000]


async def test_two_notices_at_once_on_two_processes_post_once(silent: Bank, database: Database) -> None:
    operation = await silent.begin()
    silent.stand_in.pay(operation)
    async with open_pool(database.app) as other:
        desks = [silent.desk, replace(silent.desk, pool=other)] * 4

        await asyncio.gather(*(desk.ask(silent.acquirer, operation) for desk in desks))

    assert await silent.books() == [10_000]
    assert await silent.told() == ["PaymentSettled"]


async def test_a_process_killed_between_creating_and_noting_is_made_good(silent: Bank) -> None:
    await silent.begin()
    # Nothing of the answer was committed.
    await silent.rows("update payment_attempt set state = 'created', operation_id = null, url = null")
    silent.stand_in.pay(silent.operations[0])

    for _ in range(3):
        silent.clock.pass_hours(0.1)
        await silent.desk.settle_open()

    assert len(silent.operations) == 1
    assert await silent.states() == ["paid"]
    assert await silent.books() == [10_000]
    assert await silent.told() == ["PaymentSettled"]


async def test_what_is_older_than_a_day_is_never_created_again(silent: Bank) -> None:
    silent.stand_in.faults.cut_off = 1
    await silent.press(await silent.link())
    created = silent.operations
    silent.clock.pass_hours(23.5)

    await silent.desk.settle_open()
    silent.clock.pass_hours(2)
    await silent.desk.settle_open()

    assert silent.operations == created
    assert await silent.states() == ["expired"]


@pytest.mark.parametrize("kopecks", [-1, 1])
async def test_a_wrong_sum_is_for_a_person_and_never_posted(bank: Bank, kopecks: int) -> None:
    operation = await bank.begin()
    bank.stand_in.faults.kopecks_off = kopecks
    bank.stand_in.faults.notices = 3

    bank.stand_in.pay(operation)
    await bank.stand_in.teller.told()

    assert await cases(bank) == ["payment_mismatch"]
    assert await bank.books() == []
    assert await bank.told() == []


async def test_a_sum_that_cannot_be_read_is_one_case_and_never_posted(pool: Pool) -> None:
    async with a_bank("yookassa", pool) as bank:
        operation = await bank.begin()
        assert isinstance(bank.stand_in, YookassaStandIn)
        bank.stand_in.payments[operation].body["amount"]["value"] = "100.005"
        bank.stand_in.faults.decimals = 3

        bank.stand_in.pay(operation)
        await bank.stand_in.teller.told()
        await heard(bank, [operation])

        [case] = await bank.rows("select kind, account_id, facts from staff_case")
        assert (case["kind"], case["account_id"]) == ("payment_unreadable", bank.account)
        assert case["facts"]["said_sum"] == "100.005 / 0.00"
        assert await bank.books() == []
        assert await bank.told() == []


async def test_a_refund_of_an_untold_sum_is_one_case_and_never_posted(pool: Pool) -> None:
    async with a_bank("sberbank", pool, notices=False) as bank:
        operation = await bank.begin()
        bank.stand_in.pay(operation)
        await heard(bank, [operation])
        assert isinstance(bank.stand_in, SberbankStandIn)
        bank.stand_in.faults.untold = True
        bank.give_back(operation, 4_000)

        await heard(bank, [operation] * 3)

        assert await cases(bank) == ["payment_unreadable"]
        assert await bank.books() == [10_000]


async def test_a_wrong_currency_is_for_a_person_and_never_posted(bank: Bank) -> None:
    operation = await bank.begin()
    bank.become_another_currency()

    bank.stand_in.pay(operation)
    await bank.stand_in.teller.told()

    assert await cases(bank) == ["payment_mismatch"]
    assert await bank.books() == []


async def test_money_that_no_link_of_ours_asked_for_is_one_case(silent: Bank) -> None:
    operation = await silent.begin()
    await silent.rows("delete from payment_attempt")
    silent.stand_in.pay(operation)

    await heard(silent, [operation] * 4)

    assert await cases(silent) == ["payment_unknown"]
    assert await silent.books() == []


async def test_a_payment_that_nobody_told_of_is_found_by_asking(silent: Bank) -> None:
    silent.stand_in.pay(await silent.begin())
    silent.clock.pass_hours(0.1)

    await silent.desk.settle_open()

    assert await silent.books() == [10_000]


async def test_money_that_came_late_is_posted_although_its_page_was_over(silent: Bank) -> None:
    operation = await silent.begin()
    silent.clock.pass_hours(2)
    await silent.desk.settle_open()
    silent.stand_in.pay(operation)
    silent.clock.pass_hours(25)

    await silent.desk.settle_open()

    assert await silent.books() == [10_000]


# --- Refunds --------------------------------------------------------------------------------------


async def test_what_the_cabinet_gives_back_is_taken_from_services_and_told(bank: Bank) -> None:
    operation = await bank.paid_once()

    bank.give_back(operation, 3_000)
    await bank.stand_in.teller.told()
    partly = await bank.states()
    bank.give_back(operation, 7_000)
    await bank.stand_in.teller.told()

    assert (partly, await bank.states()) == (["refunded_in_part"], ["refunded"])
    assert await bank.books() == [10_000, -3_000, -7_000]
    assert await bank.told() == ["PaymentSettled", "PaymentRefunded", "PaymentRefunded"]
    [owed] = await bank.rows("select owed, advance from balance")
    assert owed == {"owed": 10_000, "advance": 0}


async def test_many_words_of_one_refund_give_it_back_once(silent: Bank) -> None:
    operation = await silent.begin()
    silent.stand_in.pay(operation)
    await heard(silent, [operation])
    silent.give_back(operation, 3_000)

    await heard(silent, [operation] * 6)

    assert await silent.books() == [10_000, -3_000]
    assert await silent.told() == ["PaymentSettled", "PaymentRefunded"]


async def test_what_was_paid_and_given_back_before_we_heard_is_booked_as_both(silent: Bank) -> None:
    operation = await silent.begin()
    silent.stand_in.pay(operation)
    silent.give_back(operation, 10_000)

    await heard(silent, [operation])

    assert await silent.states() == ["refunded"]
    assert await silent.books() == [10_000, -10_000]


async def test_a_refund_whose_notice_was_lost_is_seen_the_next_day(silent: Bank) -> None:
    operation = await silent.begin()
    silent.stand_in.pay(operation)
    await heard(silent, [operation])
    silent.give_back(operation, 10_000)
    silent.clock.pass_hours(25)

    await silent.desk.settle_open()

    assert await silent.books() == [10_000, -10_000]


# --- Each in its own way --------------------------------------------------------------------------


async def test_a_repeat_at_yookassa_is_the_same_payment_with_its_page(pool: Pool) -> None:
    async with a_bank("yookassa", pool) as bank:
        link = await bank.link()
        bank.stand_in.faults.cut_off = 1

        await bank.press(link)
        await bank.press(link)

        assert len(bank.operations) == 1
        assert await bank.states() == ["pending"]


@pytest.mark.parametrize("kind", SBERBANKS)
async def test_a_lost_page_at_sberbank_is_another_order_and_the_first_is_watched(
    kind: str, pool: Pool
) -> None:
    async with a_bank(kind, pool) as bank:
        link = await bank.link()
        bank.stand_in.faults.cut_off = 1

        await bank.press(link)
        status, page = await bank.press(link)

        assert status == 303
        assert page.endswith(bank.operations[1])
        rows = await bank.rows("select operation_id, url is null as lost from payment_attempt order by id")
        assert [(row["operation_id"], row["lost"]) for row in rows] == [
            (bank.operations[0], True),
            (bank.operations[1], False),
        ]


@pytest.mark.parametrize("kind", SBERBANKS)
async def test_a_refused_login_ends_no_payment(kind: str, pool: Pool) -> None:
    async with a_bank(kind, pool) as bank:
        operation = await bank.begin()
        bank.stand_in.faults.denied = True  # type: ignore[union-attr]  # it is Sberbank

        assert await bank.acquirer.query(operation) == Down("access denied")
        status, _ = await bank.press(await bank.link())

        assert status == 503
        assert await bank.states() == ["pending", "unknown"]


@pytest.mark.parametrize("kind", SBERBANKS)
@pytest.mark.parametrize("checksum", ["wrong", "missing"])
async def test_a_notice_that_is_not_signed_is_not_heard(kind: str, checksum: str, pool: Pool) -> None:
    async with a_bank(kind, pool) as bank:
        operation = await bank.begin()
        bank.stand_in.faults.checksum = checksum  # type: ignore[union-attr]  # as above

        bank.stand_in.pay(operation)
        await bank.stand_in.teller.told()

        assert await bank.states() == ["pending"]


async def test_a_notice_from_elsewhere_is_not_heard(pool: Pool) -> None:
    async with a_bank("yookassa", pool) as bank:
        operation = await bank.begin()
        bank.stand_in.faults.sender = "203.0.113.7"  # type: ignore[union-attr]  # it is YooKassa

        bank.stand_in.pay(operation)
        await bank.stand_in.teller.told()

        assert await bank.states() == ["pending"]


async def test_a_sum_beyond_what_it_takes_is_refused(pool: Pool) -> None:
    async with a_bank("yookassa", pool) as bank:
        status, said = await bank.press(await bank.link(70_000_100, whole=False), 70_000_100)

        assert (status, await bank.states()) == (200, ["canceled"])
        assert "Банк не принял платёж" in said


async def test_a_key_is_known_to_yookassa_for_a_day_and_then_begins_another_payment(pool: Pool) -> None:
    async with a_bank("yookassa", pool) as bank:
        await bank.begin()
        [row] = await bank.rows("select idempotence_key as key from payment_attempt")
        order = bank.desk._order(await the_attempt(bank), "made-up")
        other = await bank.acquirer.create(order)
        bank.clock.pass_hours(24)
        await bank.acquirer.create(order)

        assert order.key == row["key"]
        # The address to come back to is another one: the same key with another body.
        assert isinstance(other, Refused)
        assert len(bank.operations) == 2


async def the_attempt(bank: Bank) -> Attempt:
    async with bank.pool.acquire() as db:
        [row] = await db.fetch("select * from payment_attempt")
    return attempt_from(row)


async def test_more_than_is_left_is_not_given_back(bank: Bank) -> None:
    operation = await bank.paid_once()

    answer = await bank.acquirer.refund(operation, key="r1", amount=Money(10_001))

    assert isinstance(answer, Refused)
    assert await bank.books() == [10_000]


# --- Killed at every step -------------------------------------------------------------------------


class KilledError(Exception):
    """The process ends here."""


async def settle_and_die(bank: Bank, found: Found) -> None:
    async with bank.pool.acquire() as db, db.transaction():
        await settle(db, bank.acquirer.name, found, now=bank.clock(), zone=CENTRE.zone)
        raise KilledError


async def test_a_process_killed_before_it_asked_has_the_payment_created_later(silent: Bank) -> None:
    silent.stand_in.faults.down = True
    await silent.press(await silent.link())
    await silent.rows("update payment_attempt set state = 'created'")
    silent.stand_in.faults.down = False
    silent.clock.pass_hours(0.1)

    await silent.desk.settle_open()

    assert len(silent.operations) == 1
    assert await silent.states() == ["pending"]


async def test_a_process_killed_while_posting_has_posted_nothing_and_the_next_word_posts(
    silent: Bank,
) -> None:
    operation = await silent.begin()
    silent.stand_in.pay(operation)
    found = await silent.acquirer.query(operation)
    assert isinstance(found, Found)
    with pytest.raises(KilledError):
        await settle_and_die(silent, found)
    nothing = await silent.books()

    await heard(silent, [operation])

    assert nothing == []
    assert await silent.books() == [10_000]
    assert await silent.told() == ["PaymentSettled"]


async def test_the_time_of_a_payment_is_said_once(silent: Bank) -> None:
    operation = await silent.begin()
    silent.stand_in.pay(operation)
    found = await silent.acquirer.query(operation)
    assert isinstance(found, Found)
    untimed = msgspec.structs.replace(found, paid_at=None)
    await silent.desk.settle(silent.acquirer, untimed)
    # As if what the acquirer said had been posted, and our note of it lost.
    await silent.rows("update payment_attempt set state = 'pending', payment_id = null")
    silent.clock.pass_hours(1)

    await silent.desk.settle(silent.acquirer, untimed)

    assert await silent.states() == ["paid"]
    assert await cases(silent) == []
    assert await silent.books() == [10_000]
