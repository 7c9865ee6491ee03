from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.due_dates import due_rules
from core.messages import Month
from core.money import NOTHING, Money
from core.questions import BillOf, HistoryOf, StatementOf
from core.statements import Statement
from storage.attempts import WHOSE
from storage.bills import BILLS, FACTS, HISTORIES, bill_of, history_of, statement_of
from storage.database import Connection
from storage.payments import LINK, PAYMENTS
from storage.receiving import receive_payments
from tests.making_money import CENTRE
from tests.storage.making_books import APRIL, JUNE, MAY, NOW, ZONE, a_payment, bill, make_bill, make_town

DUES = due_rules(CENTRE)
IN_TIME, TOO_LATE = date(2026, 6, 15), date(2026, 6, 16)


async def stated(db: Connection, account: int, on: date = IN_TIME) -> Statement:
    [statement] = await statement_of(db, [StatementOf(account, on, DUES)])
    return statement


async def test_a_bill_is_due_and_later_overdue(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000}, fined={"heating": 317})

    in_time, too_late = await stated(books, account), await stated(books, account, TOO_LATE)

    assert (in_time.due, in_time.overdue, in_time.penalty) == (Money(10_317), NOTHING, Money(317))
    assert (in_time.period, in_time.due_on) == (MAY, IN_TIME)
    assert too_late.overdue == Money(10_317)


async def test_what_the_first_bill_opens_with_is_overdue_at_once(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000}, opened={"heating": 2_500})

    statement = await stated(books, account)

    assert (statement.due, statement.overdue) == (Money(12_500), Money(2_500))


async def test_a_payment_lowers_what_is_due_and_becomes_an_advance(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000}, counted_until=date(2026, 6, 1))
    await receive_payments(books, [a_payment(account, 12_000)], now=NOW, zone=ZONE)

    assert (await stated(books, account)).due == Money(-2_000)


async def test_an_account_without_a_bill_owes_nothing(books: Connection) -> None:
    [account] = await make_town(books)

    statement = await stated(books, account)

    assert (statement.period, statement.due, statement.due_on) == (None, NOTHING, None)


async def test_where_the_books_differ_later_payments_count(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 10_000}, counted_until=date(2026, 6, 1))
    paid = [
        a_payment(account, 300, paid_at=datetime(2026, 6, 1, 9, 0, tzinfo=UTC)),
        a_payment(account, 4_000, paid_at=datetime(2026, 6, 2, 9, 0, tzinfo=UTC)),
    ]
    await receive_payments(books, paid, now=NOW, zone=ZONE)
    await books.execute("update account set differs = true where id = $1", account)

    statement = await stated(books, account)

    assert (statement.due, statement.paid_since) == (Money(6_000), Money(4_000))
    assert statement.counted_until == date(2026, 6, 1)


async def test_many_are_answered_together_in_their_order(books: Connection) -> None:
    first, second = await make_town(books, accounts=2)
    await bill(books, first, MAY, charged={"heating": 1})
    await bill(books, second, MAY, charged={"heating": 2})

    asked = [StatementOf(account, IN_TIME, DUES) for account in (second, first, second)]
    statements = await statement_of(books, asked)

    assert [statement.due.kopecks for statement in statements] == [2, 1, 2]


# --- Bills ----------------------------------------------------------------------------------------


async def test_a_bill_has_its_lines_in_the_order_of_the_form(books: Connection) -> None:
    [account] = await make_town(books)
    charged = {"waste": 200, "heating": 100, "cold_water": 300}
    await make_bill(books, account, MAY, charged=charged, opening=50, counted=20)

    [found] = await bill_of(books, [BillOf(account, DUES)])

    assert found is not None
    assert [line.service for line in found.lines] == ["heating", "waste", "cold_water"]
    assert (found.lines[0].volume, found.lines[0].method) == (Decimal(1), "N")
    assert (found.opening, found.payments_counted, found.total_due) == (Money(50), Money(20), Money(630))


async def test_a_month_is_found_or_not_and_the_latest_is_the_default(books: Connection) -> None:
    [account] = await make_town(books)
    for period in (APRIL, MAY):
        await make_bill(books, account, period, charged={"heating": 100})

    asked = [BillOf(account, DUES, JUNE), BillOf(account, DUES, APRIL), BillOf(account, DUES)]
    missing, april, latest = await bill_of(books, asked)

    assert missing is None
    assert april is not None
    assert latest is not None
    assert (april.period, latest.period) == (APRIL, MAY)


# --- History --------------------------------------------------------------------------------------


async def test_a_history_has_twelve_months_newest_first(books: Connection) -> None:
    [account] = await make_town(books)
    for back in range(14):
        await make_bill(books, account, MAY.plus(-back), charged={"heating": 100}, opening=back)
    await receive_payments(books, [a_payment(account, 70, way="bank:sber")], now=NOW, zone=ZONE)

    [history] = await history_of(books, [HistoryOf(account, MAY)])

    assert [summary.period for summary in history.bills] == [MAY.plus(-back) for back in range(12)]
    assert history.bills[3].charged == Money(100)
    assert [(paid.amount, paid.way) for paid in history.payments] == [(Money(70), "bank")]


async def test_payments_of_long_ago_are_left_out(books: Connection) -> None:
    [account] = await make_town(books)
    long_ago = a_payment(account, 70, paid_at=datetime(2025, 5, 31, 9, 0, tzinfo=UTC))
    await receive_payments(books, [long_ago], now=NOW, zone=ZONE)

    [history] = await history_of(books, [HistoryOf(account, MAY)])

    assert (history.bills, history.payments) == ((), ())


async def test_whoever_asks_about_a_month_that_never_was_gets_none(books: Connection) -> None:
    [account] = await make_town(books)

    assert await bill_of(books, [BillOf(account, DUES, Month(1999, 1))]) == [None]


# --- How much is read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        (FACTS, [[1]]),
        (BILLS, [[1], [None]]),
        (HISTORIES, [[1], [MAY.first_day], [MAY.first_day], 200]),
        (PAYMENTS, [[1]]),
        (LINK, [b"hash"]),
        (WHOSE, ["simulated", "key"]),
    ],
)
async def test_no_answer_reads_a_whole_table(
    books: Connection, statement: str, arguments: list[object]
) -> None:
    await books.execute("set local enable_seqscan = off")

    plan = await books.fetch(f"explain {statement}", *arguments)

    assert not [row[0] for row in plan if "Seq Scan" in row[0]]
