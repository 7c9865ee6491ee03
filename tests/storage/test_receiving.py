from core.allocation import Named, Share
from core.money import NOTHING, Money
from storage.billing import post_bills
from storage.database import Connection
from storage.ledger import Balance, balances_of, layers_of
from storage.proof import verify
from storage.receiving import (
    Matched,
    NotPutAside,
    Received,
    ReceivedBefore,
    ReceivedOtherwise,
    match_payments,
    receive_payments,
)
from tests.storage.making_books import APRIL, MAY, NOW, ZONE, a_payment, bill, make_bill, make_town


async def test_a_payment_is_spread_over_what_is_due(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000, "waste": 30_000})

    [received] = await receive_payments(books, [a_payment(account, 20_000)], now=NOW, zone=ZONE)

    assert isinstance(received, Received)
    assert received.shares == (
        Share(MAY, "heating", "P01", Money(5_000)),
        Share(MAY, "waste", "P02", Money(15_000)),
    )
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(20_000))}
    assert await verify(books) == []


async def test_what_is_paid_beyond_what_is_due_waits_for_the_next_bill(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 10_000})

    [received] = await receive_payments(books, [a_payment(account, 12_500)], now=NOW, zone=ZONE)
    await bill(books, account, MAY, charged={"heating": 4_000}, opening=10_000, counted=12_500)

    assert isinstance(received, Received)
    assert received.left == Money(2_500)
    assert [line.due for line in (await layers_of(books, [account]))[account]] == [Money(1_500)]
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(1_500))}
    assert await verify(books) == []
