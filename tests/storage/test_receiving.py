import msgspec

from core.allocation import Named, Share
from core.money import NOTHING, Money
from storage.database import Connection
from storage.ledger import layers_of
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
from tests.storage.making_books import APRIL, MAY, NOW, ZONE, Balance, a_payment, balances_of, bill, make_town


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
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(1_500))}
    assert await verify(books) == []


async def test_services_that_the_payer_named_are_paid_first(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000, "waste": 30_000})
    named = msgspec.structs.replace(a_payment(account, 8_000), named=(Named("heating", Money(8_000)),))

    [received] = await receive_payments(books, [named], now=NOW, zone=ZONE)

    assert isinstance(received, Received)
    assert received.shares == (Share(MAY, "heating", "P01", Money(8_000)),)


async def test_payments_of_one_register_are_spread_one_after_the_other(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000})
    register = [a_payment(account, 7_000), a_payment(account, 7_000)]

    received = await receive_payments(books, register, now=NOW, zone=ZONE)

    assert [one.left for one in received if isinstance(one, Received)] == [NOTHING, Money(4_000)]
    assert await verify(books) == []


async def test_a_payment_that_comes_twice_is_posted_once(books: Connection) -> None:
    [account] = await make_town(books)
    payment = a_payment(account, 5_000)
    [first] = await receive_payments(books, [payment], now=NOW, zone=ZONE)

    again = await receive_payments(books, [payment, payment], now=NOW, zone=ZONE)

    assert isinstance(first, Received)
    assert again == [ReceivedBefore(first.payment)] * 2
    assert await balances_of(books, [account]) == {account: Balance(advance=Money(5_000))}


async def test_another_sum_under_a_known_id_is_a_conflict(books: Connection) -> None:
    [account] = await make_town(books)
    [first] = await receive_payments(books, [a_payment(account, 5_000, external_id="7")], now=NOW, zone=ZONE)

    other = await receive_payments(books, [a_payment(account, 5_001, external_id="7")], now=NOW, zone=ZONE)

    assert isinstance(first, Received)
    assert other == [ReceivedOtherwise(first.payment)]
    assert await balances_of(books, [account]) == {account: Balance(advance=Money(5_000))}


async def test_one_id_with_two_sums_in_one_register_is_a_conflict_for_the_second(books: Connection) -> None:
    [account] = await make_town(books)
    register = [a_payment(account, kopecks, external_id="7") for kopecks in (100, 200)]

    first, second = await receive_payments(books, register, now=NOW, zone=ZONE)

    assert isinstance(first, Received)
    assert second == ReceivedOtherwise(first.payment)


# --- Put aside -------------------------------------------------------------------------------------


async def test_a_payment_put_aside_is_spread_when_its_account_is_found(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000})
    [aside] = await receive_payments(books, [a_payment(None, 12_000)], now=NOW, zone=ZONE)
    assert isinstance(aside, Received)

    matched = await match_payments(books, {aside.payment: account}, now=NOW, zone=ZONE)

    shares = (Share(MAY, "heating", "P01", Money(10_000)),)
    assert matched == {aside.payment: Matched(shares, left=Money(2_000))}
    assert await balances_of(books, [account]) == {account: Balance(advance=Money(2_000))}
    assert await verify(books) == []


async def test_a_payment_that_has_an_account_is_not_matched_to_another(books: Connection) -> None:
    [account, other] = await make_town(books, accounts=2)
    [aside] = await receive_payments(books, [a_payment(None, 500)], now=NOW, zone=ZONE)
    assert isinstance(aside, Received)
    await match_payments(books, {aside.payment: account}, now=NOW, zone=ZONE)

    again = await match_payments(books, {aside.payment: other, 99: other}, now=NOW, zone=ZONE)

    assert again == {aside.payment: NotPutAside(account), 99: NotPutAside(None)}
    assert await balances_of(books, [other]) == {other: Balance()}


# --- Reading ---------------------------------------------------------------------------------------


async def test_settled_months_are_not_read(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 10_000})
    await receive_payments(books, [a_payment(account, 10_000)], now=NOW, zone=ZONE)
    await bill(books, account, MAY, charged={"heating": 4_000}, opening=10_000, counted=10_000)

    layers = await layers_of(books, [account])

    assert [(line.period, line.due) for line in layers[account]] == [(MAY, Money(4_000))]


async def test_an_account_that_was_never_billed_owes_nothing(books: Connection) -> None:
    [account] = await make_town(books)

    assert await balances_of(books, [account]) == {account: Balance()}
    assert await layers_of(books, [account]) == {account: []}
