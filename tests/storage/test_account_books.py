from core.messages import Month
from core.money import Money
from core.postings import Kind
from storage.account_books import Move, account_numbered, entries_of
from storage.database import Connection
from storage.receiving import Received, receive_payments
from storage.refunding import Asked, refund_payments
from tests.storage.making_books import APRIL, MAY, NOW, ZONE, a_payment, balances_of, bill, make_town


async def test_every_posting_is_told_with_what_it_moved(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(
        books, account, MAY, charged={"heating": 10_000}, fined={"heating": 300}, opened={"waste": 500}
    )
    await receive_payments(books, [a_payment(account, 11_000)], now=NOW, zone=ZONE)

    billed, paid, spread = await entries_of(books, account)

    assert billed.moves == (
        Move("waste", APRIL, False, Money(500)),
        Move("heating", MAY, True, Money(300)),
        Move("heating", MAY, False, Money(10_000)),
    )
    assert (paid.kind, paid.way, paid.change) == (Kind.PAYMENT, "cash", Money(-11_000))
    assert (spread.kind, spread.change, spread.payment) == (Kind.ALLOCATION, Money(0), paid.payment)


async def test_all_changes_together_are_what_is_due(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000, "waste": 70})
    [received] = await receive_payments(books, [a_payment(account, 12_000)], now=NOW, zone=ZONE)
    assert isinstance(received, Received)
    await refund_payments(
        books, [Asked(received.payment, "cash", "r", Money(5_000), NOW)], now=NOW, zone=ZONE
    )
    await bill(books, account, Month(2026, 6), charged={"heating": 300})

    entries = await entries_of(books, account)

    balance = (await balances_of(books, [account]))[account]
    assert sum(entry.change.kopecks for entry in entries) == balance.due.kopecks


async def test_an_account_is_found_by_its_number(books: Connection) -> None:
    [account] = await make_town(books)

    assert await account_numbered(books, "0000000001") == account
    assert await account_numbered(books, "1") is None
