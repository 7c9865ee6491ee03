from datetime import UTC, date, datetime

import pytest

from core.money import Money
from storage.database import Connection
from storage.differences import Difference, differences
from storage.receiving import receive_payments
from tests.storage.making_books import APRIL, MAY, NOW, ZONE, Balance, a_payment, balances_of, bill, make_town

COUNTED_UNTIL = date(2026, 6, 5)
BEFORE = datetime(2026, 6, 5, 20, 59, tzinfo=UTC)
AFTER = datetime(2026, 6, 5, 21, 1, tzinfo=UTC)


async def marked(books: Connection, account: int) -> bool:
    differs: bool = await books.fetchval("select differs from account where id = $1", account)
    return differs


@pytest.mark.parametrize("bill_first", [True, False])
async def test_bill_and_bank_register_give_one_balance_in_either_order(
    books: Connection, *, bill_first: bool
) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 1_000})
    steps = [
        bill(
            books,
            account,
            MAY,
            charged={"heating": 500},
            opening=1_000,
            counted=700,
            counted_until=COUNTED_UNTIL,
        ),
        receive_payments(books, [a_payment(account, 700, paid_at=BEFORE)], now=NOW, zone=ZONE),
    ]

    for step in steps if bill_first else reversed(steps):
        await step

    assert await balances_of(books, [account]) == {account: Balance(owed=Money(800))}
    assert not await marked(books, account)
    assert await differences(books) == []


async def test_a_payment_that_billing_counted_and_we_have_not_marks_the_account(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 1_000})

    await bill(
        books, account, MAY, charged={"heating": 500}, opening=1_000, counted=700, counted_until=COUNTED_UNTIL
    )

    assert await marked(books, account)
    assert await differences(books) == [
        Difference(account, "0000000001", MAY, COUNTED_UNTIL, billing=Money(300), ledger=Money(1_000))
    ]
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(1_500))}


async def test_a_payment_after_that_day_makes_no_difference(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 1_000}, counted_until=COUNTED_UNTIL)

    await receive_payments(books, [a_payment(account, 700, paid_at=AFTER)], now=NOW, zone=ZONE)

    assert not await marked(books, account)


async def test_an_opening_that_is_not_ours_marks_the_account_and_posts_nothing(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 1_000})

    await bill(books, account, MAY, charged={"heating": 500}, opening=1_234)

    assert await marked(books, account)
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(1_500))}


async def test_the_mark_goes_when_a_later_bill_agrees(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 1_000}, counted=300)
    assert await marked(books, account)

    await bill(books, account, MAY, charged={"heating": 500}, opening=1_000)

    assert not await marked(books, account)
