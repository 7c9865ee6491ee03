from __future__ import annotations

from datetime import UTC, date, datetime

from core.due_dates import due_rules
from core.messages import Month
from core.money import NOTHING, Money
from core.penalties import RULES
from storage.database import Connection
from storage.penalties import PenaltyDifference, penalty_differences
from storage.receiving import receive_payments
from tests.making_money import CENTRE
from tests.storage.making_books import NOW, ZONE, a_payment, bill, make_town

MARCH, JULY = Month(2026, 3), Month(2026, 7)
# The bill for July counts payments until 1 August: 108 days after 15 April.
UNTIL = date(2026, 8, 1)


async def found(db: Connection) -> list[PenaltyDifference]:
    return await penalty_differences(db, rules=RULES, dues=due_rules(CENTRE))


async def test_penalties_that_are_as_we_reckon_are_no_difference(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MARCH, charged={"heating": 1_000_000})
    await bill(books, account, JULY, charged={}, fined={"heating": 32_154}, counted_until=UNTIL)

    assert await found(books) == []


async def test_penalties_that_billing_forgot_or_made_up_are_listed(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MARCH, charged={"heating": 1_000_000})
    await bill(books, account, JULY, charged={}, fined={"waste": 77}, counted_until=UNTIL)

    assert await found(books) == [
        PenaltyDifference("0000000001", "heating", UNTIL, NOTHING, Money(32_154)),
        PenaltyDifference("0000000001", "waste", UNTIL, Money(77), NOTHING),
    ]


async def test_a_debt_paid_late_counts_up_to_the_day_on_which_it_was_paid(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MARCH, charged={"heating": 1_000_000})
    paid_at = datetime(2026, 6, 20, 9, tzinfo=UTC)
    await receive_payments(books, [a_payment(account, 1_000_000, paid_at=paid_at)], now=NOW, zone=ZONE)
    await bill(books, account, JULY, charged={}, fined={"heating": 11_400}, counted_until=UNTIL)

    assert await found(books) == []


async def test_a_debt_paid_in_time_has_no_penalty(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MARCH, charged={"heating": 1_000_000})
    paid_at = datetime(2026, 5, 15, 9, tzinfo=UTC)
    await receive_payments(books, [a_payment(account, 1_000_000, paid_at=paid_at)], now=NOW, zone=ZONE)
    await bill(books, account, JULY, charged={"waste": 1}, counted_until=UNTIL)

    assert await found(books) == []
