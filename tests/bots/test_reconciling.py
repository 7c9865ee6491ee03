"""A day compared with the acquirer; a payment given back by staff."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from bots.reconciling import DAYS_COMPARED, Difference, reconcile, reconcile_daily, refund
from bots.simulator.yookassa import YookassaStandIn
from core.money import Money
from storage.database import Pool
from tests.bots.making_banks import BANKS, Bank, a_bank

DAY = date(2026, 6, 3)


@pytest.fixture(params=BANKS)
async def bank(request: pytest.FixtureRequest, pool: Pool) -> AsyncIterator[Bank]:
    async with a_bank(request.param, pool, notices=False) as bank:
        yield bank


async def a_posted_payment(bank: Bank, kopecks: int = 10_000) -> tuple[str, int]:
    """The acquirer's name of a payment in our books, and its number there."""
    operation = await bank.begin(kopecks)
    bank.stand_in.pay(operation)
    await bank.desk.ask(bank.acquirer, operation)
    return operation, (await bank.rows("select max(id) as number from payment"))[0]["number"]


async def test_a_day_that_agrees_has_no_differences(bank: Bank) -> None:
    await a_posted_payment(bank)
    await a_posted_payment(bank, 500)
    await bank.begin()

    assert await reconcile(bank.desk, DAY) == []
    assert await reconcile(bank.desk, DAY + timedelta(days=1)) == []


async def test_what_only_the_acquirer_has_is_listed_and_posted(bank: Bank) -> None:
    operation = await bank.begin()
    bank.stand_in.pay(operation)

    first, second = await reconcile(bank.desk, DAY), await reconcile(bank.desk, DAY)

    said = "100,00 ₽ is not in our books on that day; posted now"
    assert [str(each).replace("\N{NO-BREAK SPACE}", " ") for each in first] == [
        f"{bank.acquirer.name} {operation}: {said}"
    ]
    assert second == []
    assert await bank.books() == [10_000]


async def test_a_refund_that_we_missed_is_listed_and_booked(bank: Bank) -> None:
    operation, _ = await a_posted_payment(bank)
    bank.give_back(operation, 4_000)

    [difference] = await reconcile(bank.desk, DAY)

    assert "given back there" in difference.what
    assert await bank.books() == [10_000, -4_000]
    assert await reconcile(bank.desk, DAY) == []


async def test_what_only_our_books_have_is_listed(bank: Bank) -> None:
    operation, number = await a_posted_payment(bank)
    bank.clock.pass_hours(-48)
    await bank.begin()
    bank.clock.pass_hours(48)
    stand_in = bank.stand_in
    gone = getattr(stand_in, "payments", None) or getattr(stand_in, "orders", {})
    del gone[operation]

    [difference] = await reconcile(bank.desk, DAY)

    assert difference.operation == operation
    assert difference.what.startswith(f"payment {number:06} of ")


async def test_an_acquirer_that_does_not_answer_is_a_difference(bank: Bank) -> None:
    await a_posted_payment(bank)
    bank.stand_in.faults.down = True

    assert await reconcile(bank.desk, DAY) == [
        Difference(bank.acquirer.name, "", "did not answer (HTTP 502)")
    ]


async def test_a_payment_that_cannot_be_read_is_listed_and_hides_no_other(pool: Pool) -> None:
    async with a_bank("yookassa", pool, notices=False) as bank:
        first, second = await bank.begin(), await bank.begin(500)
        assert isinstance(bank.stand_in, YookassaStandIn)
        for operation in (first, second):
            bank.stand_in.pay(operation)
        bank.stand_in.payments[first].body["amount"]["value"] = "100.001"
        bank.stand_in.faults.decimals = 3

        unreadable, other = await reconcile(bank.desk, DAY)

        assert (unreadable.operation, other.operation) == (first, second)
        assert unreadable.what == "unreadable sum 100.001 / 0.00; judged now: Contradiction"
        assert await bank.books() == [500]


async def test_a_refund_of_an_old_payment_is_listed_and_booked_once(pool: Pool) -> None:
    async with a_bank("yookassa", pool, notices=False) as bank:
        operation, _ = await a_posted_payment(bank)
        bank.clock.pass_hours(24 * 10)
        bank.give_back(operation, 4_000)
        later = DAY + timedelta(days=10)

        first, again = await reconcile(bank.desk, later), await reconcile(bank.desk, later)

        said = "a refund is not in our books; judged now: GiveBack"
        assert first == [Difference("yookassa", operation, said)]
        assert again == []
        assert await bank.books() == [10_000, -4_000]


async def test_yesterday_is_compared_once_by_itself_and_differences_are_one_case(bank: Bank) -> None:
    operation = await bank.begin()
    bank.stand_in.pay(operation)
    await bank.begin(500)
    bank.clock.pass_hours(24)

    await asyncio.gather(reconcile_daily(bank.desk), reconcile_daily(bank.desk))
    bank.clock.pass_hours(2)
    await reconcile_daily(bank.desk)

    assert await bank.books() == [10_000]
    [case] = await bank.rows("select kind, facts from staff_case")
    assert (case["kind"], case["facts"]["day"]) == ("payments_differ", str(DAY))
    assert case["facts"]["difference_1"].startswith(f"{operation}: ")
    assert len(await bank.rows("select from reconciliation where differences is not null")) == DAYS_COMPARED


async def test_a_day_that_was_not_answered_about_is_compared_later(bank: Bank) -> None:
    await a_posted_payment(bank)
    bank.clock.pass_hours(24)
    bank.stand_in.faults.down = True
    await reconcile_daily(bank.desk)
    open_days = await bank.rows("select from reconciliation where differences is null")
    bank.stand_in.faults.down = False
    bank.clock.pass_hours(1)

    await reconcile_daily(bank.desk)

    assert open_days
    assert await bank.rows("select from reconciliation where differences is distinct from 0") == []
    assert await bank.rows("select from staff_case") == []


async def test_a_list_of_many_pages_is_read_to_its_end(pool: Pool) -> None:
    async with a_bank("yookassa", pool, notices=False) as bank:
        operation = await bank.begin()
        bank.stand_in.pay(operation)
        payments = bank.stand_in.payments  # type: ignore[union-attr]  # it is YooKassa
        for number in range(249):
            payments[f"other-{number}"] = payments[operation]

        listed = await bank.acquirer.listed(bank.clock(), bank.clock() + timedelta(hours=1))

        assert len(listed) == 250  # type: ignore[arg-type]  # it answers with a list


# --- Giving back ----------------------------------------------------------------------------------


async def test_staff_give_a_part_back_and_then_the_rest(bank: Bank) -> None:
    _, number = await a_posted_payment(bank)

    part = await refund(bank.desk, number, Money(2_500))
    rest = await refund(bank.desk, number, None)

    assert (part.given, rest.given) == (True, True)
    assert await bank.books() == [10_000, -2_500, -7_500]
    assert await bank.told() == ["PaymentSettled", "PaymentRefunded", "PaymentRefunded"]


async def test_what_the_cabinet_gave_back_meanwhile_is_not_given_once_more(bank: Bank) -> None:
    operation, number = await a_posted_payment(bank)
    bank.give_back(operation, 2_500)

    outcome = await refund(bank.desk, number, Money(2_500))

    assert not outcome.given
    assert "had been given back already" in outcome.words
    assert await bank.books() == [10_000, -2_500]


@pytest.mark.parametrize("kopecks", [0, 10_001])
async def test_more_than_is_left_or_nothing_is_not_given_back(bank: Bank, kopecks: int) -> None:
    _, number = await a_posted_payment(bank)

    outcome = await refund(bank.desk, number, Money(kopecks))

    assert not outcome.given
    assert await bank.books() == [10_000]


async def test_a_payment_that_came_otherwise_is_not_given_back_here(bank: Bank) -> None:
    assert not (await refund(bank.desk, 999, None)).given


async def test_an_acquirer_that_is_away_gives_nothing_back(bank: Bank) -> None:
    _, number = await a_posted_payment(bank)
    bank.stand_in.faults.down = True

    assert not (await refund(bank.desk, number, None)).given
    assert await bank.books() == [10_000]
