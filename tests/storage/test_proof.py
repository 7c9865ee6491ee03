from datetime import date, timedelta

import pytest

from core import booking
from core.money import Money
from storage.database import Connection, connect
from storage.ledger import post
from storage.proof import Fault, verify
from storage.receiving import Received, match_payments, receive_payments
from storage.refunding import Asked, refund_payments
from storage.seals import seal_days
from tests.conftest import Database
from tests.storage.making_books import APRIL, MAY, NOW, ZONE, a_payment, bill, make_town


@pytest.fixture
async def written(database: Database) -> Database:
    """Books with something of everything in them.

    Postings: 1 and 2 are bills of account 1, 3 is its payment of 12.00, 4 what that gave; 5 and 6 are a payment
    put aside and its matching to account 2, 7 a refund of it; 8 is a payout. Two days are sealed.
    """
    async with connect(database.app) as db, db.transaction():
        first, second = await make_town(db, accounts=2)
        await bill(
            db, first, APRIL, charged={"heating": 1_000}, opened={"heating": 200}, fined={"heating": 9}
        )
        await bill(db, first, MAY, charged={"waste": 500, "heating": 70}, opening=1_209)
        await receive_payments(db, [a_payment(first, 1_250)], now=NOW, zone=ZONE)
        [aside] = await receive_payments(db, [a_payment(None, 700)], now=NOW, zone=ZONE)
        assert isinstance(aside, Received)
        await match_payments(db, {aside.payment: second}, now=NOW, zone=ZONE)
        await refund_payments(db, [Asked(aside.payment, "cash", "r", Money(300), NOW)], now=NOW, zone=ZONE)
        payout = booking.payout(provider="P01", amount=Money(40), key="1", happened_at=NOW)
        await post(db, [payout], now=NOW + timedelta(days=1), zone=ZONE)
        await seal_days(db, until=date(2026, 6, 4), now=NOW)
    return database


async def plant(database: Database, *changes: str) -> None:
    """Change the books as only a superuser can who switches every trigger off."""
    async with connect(database.superuser) as db:
        await db.execute("set search_path = kvitok")
        await db.execute("set session_replication_role = replica")
        for change in changes:
            await db.execute(change)


async def faults(database: Database) -> set[tuple[str, str, str]]:
    async with connect(database.reader) as db:
        return {(fault.table, fault.row, fault.what) for fault in await verify(db)}


async def test_whole_books_have_no_fault(written: Database) -> None:
    assert await faults(written) == set()


async def test_empty_books_have_no_fault(db: Connection) -> None:
    assert await verify(db) == []


LOST = "is missing"
CHANGED = "is not what was posted"
UNSUMMED = "is not the sum of its transfers"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            "update transfer set kopecks = kopecks + 1 where posting_id = 3 and no = 1",
            ("transfer", "3/1", CHANGED),
        ),
        (
            "update transfer set period = '2026-05-01' where posting_id = 4 and no = 2",
            ("transfer", "4/2", CHANGED),
        ),
        (
            "update transfer set from_id = to_id, to_id = from_id where posting_id = 8 and no = 1",
            ("transfer", "8/1", CHANGED),
        ),
        ("delete from transfer where posting_id = 2 and no = 2", ("transfer", "2/2", LOST)),
        (
            "insert into transfer (posting_id, no, from_id, to_id, kopecks, line_check) values (1, 9, 1, 2, 5, '')",
            ("transfer", "1/9", "does not belong to its posting"),
        ),
        (
            "update posting set happened_at = happened_at + interval '1 s' where id = 3",
            ("posting", "3", CHANGED),
        ),
        ("update posting set key = 'other' where id = 8", ("posting", "8", CHANGED)),
        ("delete from posting where id = 8", ("transfer", "8/1", "does not belong to its posting")),
        (
            "update layer set kopecks = kopecks - 100 where account_id = 1 and period = '2026-05-01' and kopecks > 100",
            ("layer", "receivable:1:waste:P02 2026-05", UNSUMMED),
        ),
        ("update balance set owed = owed + 100 where account_id = 1", ("balance", "1", UNSUMMED)),
        ("update balance set advance = advance + 100 where account_id = 2", ("balance", "2", UNSUMMED)),
        ("delete from balance where account_id = 2", ("balance", "2", UNSUMMED)),
        (
            "update advance set kopecks = kopecks + 5 where origin_id = 5",
            ("advance", "5", "is not what its transfers left"),
        ),
        (
            "update allocation set kopecks = kopecks + 1 where posting_id = 4 and no = 1",
            ("allocation", "4/1", "is not its transfer"),
        ),
        (
            "update allocation set payment_id = 2 where posting_id = 4 and no = 1",
            ("allocation", "4/1", "is not its transfer"),
        ),
        (
            "delete from allocation where posting_id = 4 and no = 3",
            ("allocation", "4/3", "is not its transfer"),
        ),
        (
            "update allocation set kopecks = kopecks + 1 where posting_id = 4 and no = 1",
            ("payment", "1", "is not its allocations with what is left"),
        ),
        ("update payment set amount = amount + 1 where id = 1", ("payment", "1", CHANGED)),
        ("update payment set amount = amount - 1 where id = 3", ("payment", "3", CHANGED)),
        ("delete from payment where id = 1", ("posting", "3", "is of a payment that is not there")),
        (
            "update payment set account_id = null where id = 1",
            ("payment", "1", "is not its allocations with what is left"),
        ),
        (
            "update charge set payable = payable + 1 where period = '2026-05-01' and service_code = 'waste'",
            ("charge", "1 2026-05 waste P02", CHANGED),
        ),
        (
            "delete from charge where period = '2026-05-01' and service_code = 'waste'",
            ("charge", "1 2026-05 waste P02", CHANGED),
        ),
        (
            "update charge set penalty = 0 where period = '2026-04-01'",
            ("charge", "1 2026-04 heating P01", CHANGED),
        ),
        (
            "update bill set total_due = total_due + 1 where period = '2026-05-01'",
            ("bill", "1 2026-05", "is not the sum of its charges"),
        ),
        (
            "update bill set opening = opening + 1, total_due = total_due + 1 where period = '2026-04-01'",
            ("bill", "1 2026-04", "has posted another opening"),
        ),
        ("delete from bill where period = '2026-05-01'", ("posting", "2", "is of a bill that is not there")),
        (
            "update seal set hash = sha256('x') where day = '2026-06-03'",
            ("seal", "2026-06-03", "does not hold"),
        ),
        (
            "update seal set hash = sha256('x') where day = '2026-06-03'",
            ("seal", "2026-06-04", "does not hold"),
        ),
        (
            "update posting set business_day = '2026-06-03' where id = 8",
            ("seal", "2026-06-04", "does not hold"),
        ),
        (
            "update posting set content_hash = sha256('x') where id = 8",
            ("seal", "2026-06-04", "does not hold"),
        ),
        (
            "update posting set business_day = '2026-06-01' where id = 8",
            ("posting", "8", "is older than the first sealed day"),
        ),
        (
            "update checkpoint set kopecks = kopecks + 1 where day = '2026-06-04' and kopecks < 0",
            ("checkpoint", "bank 2026-06-04", UNSUMMED),
        ),
        (
            "delete from checkpoint where day = '2026-06-04' and kopecks < 0",
            ("checkpoint", "bank 2026-06-04", UNSUMMED),
        ),
    ],
)
async def test_a_planted_fault_is_named_by_its_very_row(
    written: Database, change: str, fault: tuple[str, str, str]
) -> None:
    await plant(written, change)

    assert fault in await faults(written)


async def test_books_that_do_not_sum_to_zero_are_named(written: Database) -> None:
    await plant(written, "update balance set owed = owed + 100")

    assert ("books", "all", "do not sum to zero") in await faults(written)


async def test_a_provider_that_claims_what_nobody_owes_is_named(written: Database) -> None:
    await plant(written, "update layer set kopecks = kopecks + 1 where kopecks > 100")

    assert ("books", "claim:P02", "is not what residents owe") in await faults(written)


async def test_a_forger_who_fits_every_sum_and_hash_is_found_by_the_seal(written: Database) -> None:
    await plant(
        written,
        "update transfer set kopecks = 41 where posting_id = 8",
        """
        update transfer set line_check = substr(sha256(convert_to(
            'payout:1|1|bank|payable:P01|41||', 'UTF8')), 1, 8) where posting_id = 8
        """,
        """
        update posting set content_hash = sha256(convert_to(
            kind || '|' || key || '|' || (extract(epoch from happened_at) * 1000000)::bigint || '|' || source || '|||'
                || E'\\n1|bank|payable:P01|41||', 'UTF8')) where id = 8
        """,
        """
        update checkpoint c set kopecks = c.kopecks + case when a.key = 'bank' then -1 else 1 end
        from ledger_account a
        where a.id = c.ledger_account_id and a.key in ('bank', 'payable:P01') and c.day = '2026-06-04'
        """,
    )

    assert await faults(written) == {("seal", "2026-06-04", "does not hold")}


def test_a_fault_says_what_is_where() -> None:
    fault = Fault("balance", "17", "is not the sum of its transfers", "1 owed", "2 owed")

    assert str(fault) == "balance 17 is not the sum of its transfers: it says 1 owed, found 2 owed"
