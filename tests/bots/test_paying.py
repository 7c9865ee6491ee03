import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import pytest

from bots.acquirer_calls import CALLS_AT_ONCE
from core.acquiring import Acquirer, Down
from core.fiscal import ReceiptNeed
from storage.database import Connection, Pool
from storage.proof import verify
from tests.bots.making_desk import World, a_world
from tests.storage.making_links import make_link


@pytest.fixture
async def world(pool: Pool) -> AsyncIterator[World]:
    """A world whose acquirer tells nothing by itself."""
    async with a_world(pool, notices=False) as world:
        yield world


async def pay_silently(world: World) -> str:
    """A payment that the acquirer has and we have not heard of; its operation."""
    _, card_page = await world.press_pay(await world.link())
    operation = card_page.rpartition("/")[2]
    world.acquirer.payments[operation].status = "paid"
    world.acquirer.payments[operation].paid_at = world.clock()
    return operation


async def proven(pool: Pool) -> bool:
    async with pool.acquire() as db:
        return await _clean(db)


async def _clean(db: Connection) -> bool:
    return await verify(db) == []


async def test_a_notice_is_believed_once_the_acquirer_says_so_too(world: World) -> None:
    operation = await pay_silently(world)

    assert await world.notify(operation) == 200
    assert await world.paid() == [10_000]
    assert await world.states() == ["paid"]


async def test_a_notice_that_lies_moves_nothing(world: World) -> None:
    _, card_page = await world.press_pay(await world.link())

    assert await world.notify(card_page.rpartition("/")[2]) == 200
    assert await world.paid() == []
    assert await world.states() == ["pending"]


@pytest.mark.parametrize("operation", ["nobody", "../payments", "", "a/b"])
async def test_a_notice_about_nothing_is_forgotten(world: World, operation: str) -> None:
    assert await world.notify(operation) == 200
    assert await world.rows("select from staff_case") == []


async def test_a_notice_that_cannot_be_read_is_forgotten(world: World) -> None:
    async with world.http.post(f"{world.url}/acquirers/simulated/notice", data=b"\x00") as response:
        assert response.status == 200


async def test_a_notice_that_never_ends_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.webhooks.BODY_S", 0.01)

    assert await world.post_unfinished(f"{world.url}/acquirers/simulated/notice") == 408


async def test_a_notice_while_the_acquirer_is_down_is_asked_for_again(world: World) -> None:
    operation = await pay_silently(world)
    world.acquirer.faults.down = True

    assert await world.notify(operation) == 503


async def test_many_notices_at_once_post_once_and_tell_the_chat_once(world: World) -> None:
    operation = await pay_silently(world)

    statuses = await asyncio.gather(*(world.notify(operation) for _ in range(8)))

    assert set(statuses) == {200}
    assert await world.paid() == [10_000]
    assert len(await world.rows("select from event")) == 1
    assert await proven(world.pool)


async def test_a_notice_before_our_own_creation_answer_is_posted_once(world: World) -> None:
    link = await world.link()
    world.acquirer.faults.cut_off = 1
    await world.press_pay(link)
    [payment] = world.acquirer.payments.values()
    payment.status, payment.paid_at = "paid", world.clock()

    await world.notify(payment.id)
    _, where = await world.press_pay(link)

    assert await world.states() == ["paid"]
    assert await world.paid() == [10_000]
    assert where.endswith("/done")


async def test_a_wrong_sum_is_for_a_person_and_never_posted(world: World) -> None:
    operation = await pay_silently(world)
    world.acquirer.faults.kopecks_off = -1

    await world.notify(operation)
    await world.notify(operation)

    [case] = await world.rows("select kind, account_id, facts from staff_case")
    assert (case["kind"], case["account_id"]) == ("payment_mismatch", world.account)
    assert (case["facts"]["said_kopecks"], case["facts"]["asked_kopecks"]) == ("9999", "10000")
    assert await world.paid() == []
    assert await world.rows("select from event") == []


async def test_nobody_is_asked_to_pay_again_while_a_person_looks(world: World) -> None:
    operation = await pay_silently(world)
    world.acquirer.faults.kopecks_off = 1
    await world.notify(operation)

    [payment] = world.acquirer.payments.values()
    _, said = await world.get(payment.order["return_url"])

    assert "Платёж проверяет сотрудник" in said


async def test_money_that_no_link_of_ours_asked_for_is_one_case(world: World) -> None:
    operation = await pay_silently(world)
    world.acquirer.payments[operation].key = "somebody-elses"

    await asyncio.gather(*(world.notify(operation) for _ in range(4)))

    [case] = await world.rows("select kind, facts from staff_case")
    assert (case["kind"], case["facts"]["operation"]) == ("payment_unknown", operation)
    assert await world.paid() == []


# --- What stays open ------------------------------------------------------------------------------


async def test_a_payment_without_a_notice_is_found_by_asking(world: World) -> None:
    await pay_silently(world)
    world.clock.pass_hours(0.1)

    assert await world.desk.settle_open() == 1
    assert await world.paid() == [10_000]
    assert await world.desk.settle_open() == 0


async def test_what_was_cut_off_is_created_again_and_is_the_same(world: World) -> None:
    world.acquirer.faults.cut_off = 1
    await world.press_pay(await world.link())
    world.clock.pass_hours(0.1)

    await world.desk.settle_open()

    assert await world.states() == ["pending"]
    assert len(world.acquirer.payments) == 1


async def test_what_nobody_paid_is_over_when_the_acquirer_says_so(world: World) -> None:
    await world.press_pay(await world.link())
    world.clock.pass_hours(1)

    await world.desk.settle_open()

    assert await world.states() == ["expired"]


async def test_what_an_acquirer_never_had_is_given_up_after_a_day(world: World) -> None:
    world.acquirer.faults.down = True
    await world.press_pay(await world.link())
    world.clock.pass_hours(1)
    await world.desk.settle_open()
    waiting = await world.states()
    world.clock.pass_hours(24)

    await world.desk.settle_open()

    assert (waiting, await world.states()) == (["unknown"], ["expired"])


# Twenty more goes like the one that is there.
COPIES = """
insert into payment_attempt (pay_link_id, acquirer, idempotence_key, operation_id, amount, description, state,
    created_at, changed_at, asked_at)
select pay_link_id, acquirer, idempotence_key || n, operation_id || n, amount, description, state,
    created_at, changed_at, asked_at
from payment_attempt, generate_series(1, 20) n
"""


class Hung:
    """An acquirer that does not answer until it is let."""

    title = "Банк"
    receipt = ReceiptNeed.NONE
    refund_needs_contact = False

    def __init__(self, name: str = "hung") -> None:
        self.name = name
        self.answers = asyncio.Event()
        self.asked: list[str] = []
        self.arrivals: asyncio.Queue[str] = asyncio.Queue()

    async def query(self, operation: str) -> Down:
        self.asked.append(operation)
        self.arrivals.put_nowait(operation)
        await self.answers.wait()
        return Down("made up")


async def test_an_acquirer_that_hangs_keeps_nobody_from_another(world: World) -> None:
    hung = Hung()
    waiting = [asyncio.create_task(world.desk.ask(cast("Acquirer", hung), "x")) for _ in range(20)]

    status, _ = await world.press_pay(await world.link())

    assert status == 303
    hung.answers.set()
    await asyncio.gather(*waiting)


async def test_an_acquirer_that_hangs_lets_nobody_queue_for_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.acquirer_calls.ROOM_S", 0.01)
    hung = Hung("simulated")
    payers = [asyncio.create_task(world.desk.ask(cast("Acquirer", hung), "x")) for _ in range(CALLS_AT_ONCE)]

    told = await asyncio.gather(*(world.desk.ask(cast("Acquirer", hung), "x") for _ in range(20)))
    status, said = await world.press_pay(await world.link())
    notified = await world.notify("x")

    assert told == [Down("busy")] * 20
    assert (status, "не отвечает" in said, notified) == (503, True, 503)
    assert hung.asked == ["x"] * CALLS_AT_ONCE
    hung.answers.set()
    await asyncio.gather(*payers)


async def test_what_stays_open_is_asked_about_by_few_and_leaves_room_for_payers(world: World) -> None:
    hung = Hung()
    await pay_silently(world)
    await world.rows("update payment_attempt set acquirer = 'hung'")
    await world.rows(COPIES)
    world.clock.pass_hours(0.1)
    desk = replace(world.desk, acquirers={"hung": cast("Acquirer", hung)})

    run = asyncio.create_task(desk.settle_open())
    by_itself = [await hung.arrivals.get() for _ in range(2)]
    payers = [asyncio.create_task(desk.ask(cast("Acquirer", hung), "payer")) for _ in range(3)]
    theirs = [await hung.arrivals.get() for _ in range(3)]

    assert (len(by_itself), theirs) == (2, ["payer"] * 3)
    hung.answers.set()
    await asyncio.gather(run, *payers)


async def test_what_an_acquirer_does_not_answer_about_goes_to_the_end_of_the_line(world: World) -> None:
    hung = Hung()
    hung.answers.set()
    await pay_silently(world)
    await world.rows("update payment_attempt set acquirer = 'hung'")
    await world.rows(COPIES)
    desk = replace(world.desk, acquirers={"hung": cast("Acquirer", hung)})

    for _ in range(5):
        world.clock.pass_hours(0.1)
        await desk.settle_open()

    assert len(set(hung.asked)) == 21


async def test_what_an_acquirer_has_that_is_off_is_one_case_once_it_is_old(world: World) -> None:
    await pay_silently(world)
    desk = replace(world.desk, acquirers={})
    world.clock.pass_hours(24)
    await desk.settle_open()
    young = await world.rows("select from staff_case")
    world.clock.pass_hours(2)

    for _ in range(2):
        await desk.settle_open()

    assert young == []
    [case] = await world.rows("select kind, account_id, facts from staff_case")
    assert (case["kind"], case["account_id"]) == ("payment_unasked", world.account)
    assert case["facts"]["acquirer"] == "simulated"


async def test_what_was_just_begun_is_left_alone(world: World) -> None:
    await world.press_pay(await world.link())

    assert await world.desk.settle_open() == 0


async def test_a_payment_that_dies_between_asking_and_noting_is_found_again(world: World) -> None:
    link = await world.link()
    await world.press_pay(link)
    # As if the process had been killed before it could note the answer.
    await world.rows("update payment_attempt set state = 'created', operation_id = null, url = null")
    [payment] = world.acquirer.payments.values()
    payment.status, payment.paid_at = "paid", world.clock()
    world.clock.pass_hours(0.1)

    await world.desk.settle_open()
    world.clock.pass_hours(0.1)
    await world.desk.settle_open()

    assert await world.states() == ["paid"]
    assert await world.paid() == [10_000]
    assert await proven(world.pool)


# --- Side by side ---------------------------------------------------------------------------------


async def test_talking_and_paying_at_once_never_stand_in_each_others_way(world: World) -> None:
    links = [await world.link(1_000 + number, whole=False) for number in range(4)]
    pages = [(await world.press_pay(link, 1_000 + number))[1] for number, link in enumerate(links)]
    for payment in world.acquirer.payments.values():
        payment.status, payment.paid_at = "paid", world.clock()

    async def talk(db: Connection) -> None:
        """A turn of the chat as the engine takes it: the chat is locked first, then a link is opened."""
        await db.execute("select from chat where id = $1 for update", world.chat)
        await make_link(db, world.account, chat=world.chat)

    await asyncio.gather(
        *(world.desk._committed(talk) for _ in range(6)),
        *(world.notify(page.rpartition("/")[2]) for page in pages * 2),
        world.desk.settle_open(),
    )

    assert sorted(await world.paid()) == [1_000 + number for number in range(4)]
    assert len(await world.rows("select from event")) == 4
    assert await proven(world.pool)
