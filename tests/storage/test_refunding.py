from core.allocation import Share
from core.money import NOTHING, Money
from storage.database import Connection
from storage.proof import verify
from storage.receiving import Received, ReceivedBefore, ReceivedOtherwise, receive_payments
from storage.refunding import Asked, NotHeld, Refunded, refund_payments
from tests.storage.making_books import APRIL, MAY, NOW, ZONE, Balance, a_payment, balances_of, bill, make_town


async def received(books: Connection, account: int | None, kopecks: int) -> int:
    [verdict] = await receive_payments(books, [a_payment(account, kopecks)], now=NOW, zone=ZONE)
    assert isinstance(verdict, Received)
    return verdict.payment


def asked(payment: int, kopecks: int, external_id: str = "r1", *, storno: bool = False) -> Asked:
    return Asked(payment, "cash", external_id, Money(kopecks), NOW, storno)


async def test_a_refund_takes_back_from_services_the_newest_share_first(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, APRIL, charged={"heating": 1_000})
    await bill(books, account, MAY, charged={"waste": 2_000}, opening=1_000)
    payment = await received(books, account, 3_000)

    [refunded] = await refund_payments(books, [asked(payment, 2_500)], now=NOW, zone=ZONE)

    assert isinstance(refunded, Refunded)
    assert refunded.shares == (
        Share(MAY, "waste", "P02", Money(2_000)),
        Share(APRIL, "heating", "P01", Money(500)),
    )
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(2_500))}
    assert await verify(books) == []


async def test_an_advance_is_given_back_before_any_service_is_touched(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 1_000})
    payment = await received(books, account, 3_000)

    [refunded] = await refund_payments(books, [asked(payment, 2_000)], now=NOW, zone=ZONE)

    assert isinstance(refunded, Refunded)
    assert refunded.shares == ()
    assert await balances_of(books, [account]) == {account: Balance()}
    assert await verify(books) == []


async def test_another_advance_steps_in_for_what_was_taken_back(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 1_000})
    payment = await received(books, account, 1_000)
    await received(books, account, 800)

    await refund_payments(books, [asked(payment, 1_000)], now=NOW, zone=ZONE)

    assert await balances_of(books, [account]) == {account: Balance(owed=Money(200))}
    assert await verify(books) == []


async def test_more_than_is_held_is_not_given_back(books: Connection) -> None:
    [account] = await make_town(books)
    payment = await received(books, account, 1_000)

    verdicts = await refund_payments(
        books, [asked(payment, 700), asked(payment, 400, "r2"), asked(99, 1, "r3")], now=NOW, zone=ZONE
    )

    assert verdicts[1:] == [NotHeld(Money(300)), NotHeld(NOTHING)]
    assert await verify(books) == []


async def test_a_refund_that_comes_twice_is_posted_once(books: Connection) -> None:
    [account] = await make_town(books)
    payment = await received(books, account, 1_000)
    [first] = await refund_payments(books, [asked(payment, 700)], now=NOW, zone=ZONE)

    again = await refund_payments(books, [asked(payment, 700), asked(payment, 1)], now=NOW, zone=ZONE)

    assert isinstance(first, Refunded)
    assert again == [ReceivedBefore(first.refund), ReceivedOtherwise(first.refund)]


async def test_a_payment_that_never_came_is_reversed_whole_and_once(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 1_000})
    payment = await received(books, account, 1_500)

    verdicts = await refund_payments(
        books,
        [asked(payment, 1_500, "s1", storno=True), asked(payment, 1_500, "s2", storno=True)],
        now=NOW,
        zone=ZONE,
    )

    assert isinstance(verdicts[0], Refunded)
    assert verdicts[1] == NotHeld(NOTHING)
    assert await balances_of(books, [account]) == {account: Balance(owed=Money(1_000))}
    assert await verify(books) == []


async def test_money_put_aside_can_be_given_back(books: Connection) -> None:
    await make_town(books)
    payment = await received(books, None, 1_000)

    [refunded] = await refund_payments(books, [asked(payment, 1_000)], now=NOW, zone=ZONE)

    assert isinstance(refunded, Refunded)
    assert await verify(books) == []
