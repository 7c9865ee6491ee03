from core.allocation import Line
from core.money import NOTHING, Money
from core.postings import Conflict, Posted, Repeat
from storage.billing import BeforeTheBooks, post_bills
from storage.database import Connection
from storage.ledger import layers_of
from storage.proof import verify
from storage.receiving import receive_payments
from tests.storage.making_books import (
    APRIL,
    JUNE,
    MAY,
    NOW,
    ZONE,
    Balance,
    a_payment,
    balances_of,
    bill,
    make_bill,
    make_town,
)


async def test_the_first_bill_brings_what_was_owed_before(books: Connection) -> None:
    [account] = await make_town(books)

    await bill(books, account, MAY, charged={"heating": 10_000}, opened={"heating": 3_000})

    assert await layers_of(books, [account]) == {
        account: [
            Line(APRIL, "heating", "P01", Money(3_000)),
            Line(MAY, "heating", "P01", Money(10_000)),
        ]
    }
    assert await verify(books) == []


async def test_the_next_bill_posts_its_charges_alone(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000}, opened={"heating": 3_000})

    await bill(books, account, JUNE, charged={"heating": 500}, opened={"heating": 13_000})

    assert await balances_of(books, [account]) == {account: Balance(owed=Money(13_500))}
    assert await verify(books) == []


async def test_a_bill_that_is_older_than_the_books_posts_nothing(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000}, opened={"heating": 3_000})

    verdict = await bill(books, account, APRIL, charged={"heating": 3_000})

    assert verdict == BeforeTheBooks()
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(13_000))}
    assert await verify(books) == []


async def test_a_years_bills_in_one_go_open_with_the_oldest(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, MAY, {"heating": 200}, opened={"heating": 1_100})
    await make_bill(books, account, APRIL, {"heating": 100}, opened={"heating": 1_000})

    await post_bills(books, [(account, MAY), (account, APRIL)], now=NOW, zone=ZONE)

    assert await balances_of(books, [account]) == {account: Balance(owed=Money(1_300))}
    assert await verify(books) == []


async def test_a_bill_posted_again_is_a_repeat(books: Connection) -> None:
    [account] = await make_town(books)
    first = await bill(books, account, MAY, charged={"heating": 10_000}, opened={"heating": 3_000})

    again = await post_bills(books, [(account, MAY)], now=NOW, zone=ZONE)

    assert isinstance(first, Posted)
    assert again == {(account, MAY): Repeat(first.posting)}
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(13_000))}


async def test_a_bill_that_says_something_else_now_is_a_conflict(books: Connection) -> None:
    [account] = await make_town(books)
    first = await bill(books, account, MAY, charged={"heating": 10_000})
    await books.execute("update charge set payable = 9000")

    verdict = await post_bills(books, [(account, MAY)], now=NOW, zone=ZONE)

    assert isinstance(first, Posted)
    assert verdict == {(account, MAY): Conflict(first.posting)}
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(10_000))}


async def test_a_bill_that_is_not_there_is_not_answered(books: Connection) -> None:
    [account] = await make_town(books)

    assert await post_bills(books, [(account, MAY)], now=NOW, zone=ZONE) == {}


async def test_a_service_credited_beyond_its_charge_pays_the_others(books: Connection) -> None:
    [account] = await make_town(books)

    await bill(
        books, account, MAY, charged={"heating": 1_000, "waste": 5_000}, recalculated={"heating": -3_000}
    )

    assert await layers_of(books, [account]) == {account: [Line(MAY, "waste", "P02", Money(3_000))]}
    assert await verify(books) == []


async def test_a_bill_below_zero_leaves_an_advance(books: Connection) -> None:
    [account] = await make_town(books)

    await bill(books, account, MAY, charged={"heating": 1_000}, recalculated={"heating": -3_000})

    assert await balances_of(books, [account]) == {account: Balance(advance=Money(2_000))}
    assert await verify(books) == []


async def test_an_advance_from_before_the_books_pays_the_first_bill(books: Connection) -> None:
    [account] = await make_town(books)

    await bill(books, account, MAY, charged={"heating": 1_000}, opening=-1_500)

    assert await balances_of(books, [account]) == {account: Balance(advance=Money(500))}
    assert await verify(books) == []


async def test_penalties_are_owed_apart_and_paid_last(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 1_000}, fined={"heating": 50})

    await receive_payments(books, [a_payment(account, 1_020)], now=NOW, zone=ZONE)

    assert await layers_of(books, [account]) == {
        account: [Line(MAY, "heating", "P01", Money(30), penalty=True)]
    }
    assert await verify(books) == []


async def test_a_bill_of_nothing_is_posted_all_the_same(books: Connection) -> None:
    [account] = await make_town(books)

    verdict = await bill(books, account, MAY, charged={"heating": 0})

    assert isinstance(verdict, Posted)
    assert (await balances_of(books, [account]))[account].due == NOTHING
    assert await verify(books) == []
