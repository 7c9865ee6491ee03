"""A part of a payment with a receipt is given back with a receipt of its own, at every acquirer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bots.reconciling import refund
from bots.simulator.sberbank_rules import lines_of
from bots.simulator.yookassa import YookassaStandIn
from core.fiscal import Contact, Item
from core.money import Money
from core.refund_receipts import RefundReceipt
from storage.acquired import attempt_of
from storage.database import Pool
from tests.bots.making_banks import BANKS, Bank, a_bank

PAYER = Contact(email="resident@example.ru")


@pytest.fixture(params=BANKS)
async def bank(request: pytest.FixtureRequest, pool: Pool) -> AsyncIterator[Bank]:
    """A payment of 60.00 for heating and 40.00 for waste is in the books."""
    async with a_bank(request.param, pool, receipts=True) as bank:
        await bank.press(await bank.link(), contact=PAYER.email)
        bank.stand_in.pay(bank.operations[0])
        await bank.stand_in.teller.told()
        yield bank


async def number_of(bank: Bank) -> int:
    [row] = await bank.rows("select id from payment where amount > 0")
    return int(row["id"])


def returned(bank: Bank) -> dict[str, int]:
    """What the acquirer has taken back of each line, in kopecks."""
    stand_in = bank.stand_in
    if isinstance(stand_in, YookassaStandIn):
        sums: dict[str, int] = {}
        for line in stand_in.payments[bank.operations[0]].returned:
            kopecks = int(line["amount"]["value"].replace(".", ""))
            sums[line["description"]] = sums.get(line["description"], 0) + kopecks
        return sums
    order = stand_in.orders[bank.operations[0]]
    names = {item["itemCode"]: item["name"] for item in lines_of(order.asked, forms=False)}
    return {names[code]: kopecks for code, kopecks in order.returned.items()}


async def left_for(bank: Bank) -> dict[str, int]:
    rows = await bank.rows(
        "select service_code, sum(kopecks)::integer as kopecks from allocation group by service_code"
    )
    return {row["service_code"]: row["kopecks"] for row in rows}


async def test_the_lines_go_back_that_the_books_take_back_newest_first(bank: Bank) -> None:
    number = await number_of(bank)

    outcome = await refund(bank.desk, number, Money(5_000), PAYER)

    assert outcome.given, outcome.words
    assert returned(bank) == {"waste, 05.2026": 4_000, "heating, 05.2026": 1_000}
    assert await bank.books() == [10_000, -5_000]
    # What was taken from services and is still owed for them: nothing is paid twice.
    assert await left_for(bank) == {"heating": 5_000, "waste": 0}


async def test_the_rest_goes_back_as_what_is_left_of_the_receipt(bank: Bank) -> None:
    number = await number_of(bank)

    await refund(bank.desk, number, Money(5_000), PAYER)
    rest = await refund(bank.desk, number, None, PAYER)

    assert rest.given, rest.words
    assert returned(bank) == {"waste, 05.2026": 4_000, "heating, 05.2026": 6_000}
    assert await bank.books() == [10_000, -5_000, -5_000]


async def test_the_whole_goes_back_without_a_receipt_of_ours(bank: Bank) -> None:
    outcome = await refund(bank.desk, await number_of(bank), None)

    assert outcome.given, outcome.words
    assert returned(bank) == {}
    assert await bank.books() == [10_000, -10_000]


async def test_a_refund_that_was_not_answered_is_asked_for_in_the_same_words(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, asked = await number_of(bank), list[Any]()
    there = bank.acquirer.refund

    async def seen(operation: str, *, key: str, amount: Money, receipt: RefundReceipt | None = None) -> Any:
        asked.append((key, amount, receipt))
        return await there(operation, key=key, amount=amount, receipt=receipt)

    monkeypatch.setattr(bank.acquirer, "refund", seen)
    bank.stand_in.faults.refunds_down = 1
    first = await refund(bank.desk, number, Money(2_500), PAYER)
    second = await refund(bank.desk, number, Money(2_500), PAYER)

    assert (first.given, second.given) == (False, True)
    assert asked[0] == asked[1]
    assert await bank.books() == [10_000, -2_500]


async def test_a_part_without_its_receipt_is_refused_by_the_acquirer(bank: Bank) -> None:
    answer = await bank.acquirer.refund(bank.operations[0], key="r1", amount=Money(100))

    assert type(answer).__name__ in {"Refused", "Down"}
    assert returned(bank) == {}


@pytest.mark.parametrize("back", [(Money(0), Money(4_100)), (Money(50), Money(49))])
async def test_more_of_a_line_than_was_sold_or_another_sum_is_refused(
    bank: Bank, back: tuple[Money, ...]
) -> None:
    items = await items_of(bank)
    amount = Money(4_100 if back[0] == Money(0) else 100)

    answer = await bank.acquirer.refund(
        bank.operations[0], key="r1", amount=amount, receipt=RefundReceipt(items, back, PAYER)
    )

    assert type(answer).__name__ in {"Refused", "Down"}
    assert returned(bank) == {}


async def items_of(bank: Bank) -> tuple[Item, ...]:
    async with bank.pool.acquire() as db:
        attempt = await attempt_of(db, await number_of(bank))
    assert attempt is not None
    return attempt.details.items


async def test_where_no_contact_is_remembered_yookassa_needs_one(pool: Pool) -> None:
    async with a_bank("yookassa", pool, receipts=True) as bank:
        await bank.press(await bank.link(), contact=PAYER.email)
        bank.stand_in.pay(bank.operations[0])
        await bank.stand_in.teller.told()

        outcome = await refund(bank.desk, await number_of(bank), Money(100))

        assert not outcome.given
        assert outcome.words.endswith("give an e-mail or a phone of theirs by --to")


async def test_a_contact_that_is_remembered_gets_the_receipt(pool: Pool) -> None:
    async with a_bank("yookassa", pool, receipts=True) as bank:
        await bank.press(await bank.link(), contact=PAYER.email, keep="yes")
        bank.stand_in.pay(bank.operations[0])
        await bank.stand_in.teller.told()

        assert (await refund(bank.desk, await number_of(bank), Money(100))).given
