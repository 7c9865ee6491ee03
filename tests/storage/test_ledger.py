import asyncio
from collections.abc import Sequence
from datetime import date

import asyncpg
import msgspec
import pytest

from core import booking
from core.money import Money
from core.postings import Conflict, Kind, LedgerAccount, Posted, Posting, Repeat
from storage.database import Connection, Pool, connect
from storage.ledger import post
from storage.proof import verify
from storage.receiving import receive_payments
from storage.recording import UnknownPostingError
from storage.seals import seal_days
from storage.tables import APPEND_ONLY
from tests.conftest import Database
from tests.storage.making_books import MAY, NOW, ZONE, a_payment, bill, make_town


def a_payout(kopecks: int = 100, key: str = "1") -> Posting:
    return booking.payout(provider="P01", amount=Money(kopecks), key=key, happened_at=NOW)


# --- Once and for ever -----------------------------------------------------------------------------


async def test_the_same_key_and_content_is_a_repeat(books: Connection) -> None:
    [first] = await post(books, [a_payout()], now=NOW, zone=ZONE)

    again = await post(books, [a_payout(), a_payout()], now=NOW, zone=ZONE)

    assert again == [Repeat(first.posting)] * 2
    assert await books.fetchval("select count(*) from transfer") == 1


async def test_the_same_key_with_other_content_is_a_conflict(books: Connection) -> None:
    [first] = await post(books, [a_payout(100)], now=NOW, zone=ZONE)

    other = await post(books, [a_payout(101)], now=NOW, zone=ZONE)

    assert other == [Conflict(first.posting)]
    assert await books.fetchval("select sum(kopecks) from transfer") == 100


async def test_within_one_batch_the_first_of_a_key_is_posted(books: Connection) -> None:
    posted, repeated, conflicting = await post(
        books, [a_payout(100), a_payout(100), a_payout(101)], now=NOW, zone=ZONE
    )

    assert isinstance(posted, Posted)
    assert (repeated, conflicting) == (Repeat(posted.posting), Conflict(posted.posting))


async def test_a_posting_is_reversed_once(books: Connection) -> None:
    [posted] = await post(books, [a_payout()], now=NOW, zone=ZONE)
    back = [
        msgspec.structs.replace(a_payout(), key=key, kind=Kind.REVERSAL, reverses=a_payout().key)
        for key in ("b1", "b2")
    ]

    await post(books, back[:1], now=NOW, zone=ZONE)

    assert isinstance(posted, Posted)
    with pytest.raises(asyncpg.UniqueViolationError, match="posting_reverses_id_key"):
        await post(books, back[1:], now=NOW, zone=ZONE)


async def test_money_of_an_unknown_posting_is_not_spread(books: Connection) -> None:
    [account] = await make_town(books)
    spread = booking.allocation(account=account, origin="nobody", occasion="x", shares=(), happened_at=NOW)

    with pytest.raises(UnknownPostingError, match="nobody"):
        await post(books, [spread], now=NOW, zone=ZONE)


async def test_an_advance_never_falls_below_nothing(books: Connection) -> None:
    [account] = await make_town(books)
    payment = a_payment(account, 500)
    await receive_payments(books, [payment], now=NOW, zone=ZONE)
    too_much = booking.Refund(payment, "cash", "r1", Money(501), NOW)

    with pytest.raises(asyncpg.CheckViolationError, match="advance_kopecks_check"):
        await post(books, [booking.refund(too_much)], now=NOW, zone=ZONE)


async def test_what_comes_late_is_recorded_for_the_next_open_day(books: Connection) -> None:
    await post(books, [a_payout(key="1")], now=NOW, zone=ZONE)
    await seal_days(books, until=date(2026, 6, 5), now=NOW)

    [late] = await post(books, [a_payout(key="2")], now=NOW, zone=ZONE)

    row = await books.fetchrow("select business_day, happened_at from posting where id = $1", late.posting)
    assert row is not None
    assert tuple(row) == (date(2026, 6, 6), NOW)


async def test_the_database_spells_ledger_accounts_as_the_core_does(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, MAY, charged={"heating": 1_000}, fined={"heating": 5}, opening=-1)
    await receive_payments(books, [a_payment(account, 10), a_payment(None, 1)], now=NOW, zone=ZONE)

    keys = await books.fetch("select key from ledger_account order by key")

    assert [row["key"] for row in keys] == sorted(
        place.key
        for place in (
            LedgerAccount.claim("P01"),
            LedgerAccount.in_transit("cash"),
            LedgerAccount.opening(),
            LedgerAccount.payable("P01"),
            LedgerAccount.penalty(account, "heating", "P01"),
            LedgerAccount.receivable(account, "heating", "P01"),
            LedgerAccount.suspense(),
            LedgerAccount.unallocated(account),
        )
    )


# --- What the database refuses ---------------------------------------------------------------------


@pytest.fixture
async def written(database: Database) -> Database:
    """A database whose books have a bill, a payment, a seal."""
    async with connect(database.app) as db, db.transaction():
        [account] = await make_town(db)
        await bill(db, account, MAY, charged={"heating": 1_000})
        await receive_payments(db, [a_payment(account, 1_500)], now=NOW, zone=ZONE)
        await seal_days(db, until=date(2026, 6, 3), now=NOW)
    return database


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["update {} set {} = {}", "delete from {}", "truncate {} cascade"])
async def test_the_app_is_not_allowed_to_change_the_books(written: Database, table: str, change: str) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(await wording(db, change, table))


@pytest.mark.parametrize("role", ["owner", "superuser"])
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["update {} set {} = {}", "delete from {}", "truncate {} cascade"])
async def test_not_even_their_owner_changes_the_books(
    written: Database, role: str, table: str, change: str
) -> None:
    async with connect(getattr(written, role)) as db:
        await db.execute("set search_path = kvitok")
        with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
            await db.execute(await wording(db, change, table))


async def wording(db: Connection, change: str, table: str) -> str:
    columns = "select attname from pg_attribute where attrelid = $1::text::regclass and attnum = 2"
    column = await db.fetchval(columns, table)
    return change.format(table, column, column)


@pytest.mark.parametrize(
    "change",
    [
        "update payment set amount = amount + 1",
        "update payment set account_id = null",
        "update payment set paid_on = paid_on - 1",
        "delete from payment",
    ],
)
async def test_a_payment_keeps_what_it_says(written: Database, change: str) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.RestrictViolationError, match="payment is never changed"):
            await db.execute(change)


@pytest.mark.parametrize("no", [2, 99])
async def test_a_transfer_is_not_added_to_a_posting_of_another_transaction(
    written: Database, no: int
) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.RestrictViolationError, match="transaction of its posting"):
            await db.execute(
                """
                insert into transfer (posting_id, no, from_id, to_id, kopecks, line_check)
                select posting_id, no + $1, from_id, to_id, kopecks, line_check from transfer limit 1
                """,
                no,
            )


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("0, from_id, to_id", "transfer_kopecks_check"),
        ("-5, from_id, to_id", "transfer_kopecks_check"),
        ("5, from_id, from_id", "transfer_to_itself_check"),
        ("5, from_id, 999999", "transfer_of_no_ledger_account"),
    ],
)
async def test_a_transfer_that_is_none_is_refused(written: Database, values: str, constraint: str) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await db.execute(
                f"""
                with new as (
                    insert into posting (
                        kind, key, content_hash, transfers, happened_at, recorded_at, business_day, source
                    )
                    values ('fee', 'x', '', 1, now(), now(), '2026-06-09', 'test') returning id
                ), sample as (select from_id, to_id from transfer limit 1)
                insert into transfer (posting_id, no, kopecks, from_id, to_id, line_check)
                select new.id, 1, {values}, '' from new, sample
                """
            )
    assert refused.value.constraint_name == constraint


async def test_a_posting_is_not_written_in_the_name_of_another_transaction(written: Database) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.RestrictViolationError, match="transaction that writes it"):
            await db.execute(
                """
                insert into posting (
                    kind, key, content_hash, transfers, happened_at, recorded_at, business_day, source, xid
                )
                select kind, 'x', content_hash, transfers, happened_at, recorded_at, '2026-06-09', source, xid
                from posting limit 1
                """
            )


async def test_a_sealed_day_takes_no_posting(written: Database) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.RestrictViolationError, match="sealed day"):
            await db.execute(
                """
                insert into posting (
                    kind, key, content_hash, transfers, happened_at, recorded_at, business_day, source
                )
                select kind, 'x', content_hash, 0, happened_at, recorded_at, business_day, source
                from posting limit 1
                """
            )


async def test_a_day_is_not_sealed_after_a_later_one(written: Database) -> None:
    async with connect(written.app) as db:
        with pytest.raises(asyncpg.RestrictViolationError, match="in their order"):
            await db.execute(
                "insert into seal (day, postings, previous, hash, sealed_at) values ('2026-06-01', 0, '', '', now())"
            )


# --- Side by side ----------------------------------------------------------------------------------


async def test_postings_of_two_connections_for_the_same_accounts_neither_deadlock_nor_get_lost(
    pool: Pool, database: Database
) -> None:
    async with connect(database.app) as db, db.transaction():
        accounts = await make_town(db, accounts=6)
        for account in accounts:
            await bill(db, account, MAY, charged={"heating": 1_000, "waste": 5_000})

    async def cashier(order: Sequence[int]) -> None:
        for _ in range(5):
            async with pool.acquire() as db, db.transaction():
                payments = [a_payment(account, 130) for account in order]
                await receive_payments(db, payments, now=NOW, zone=ZONE)

    await asyncio.gather(cashier(accounts), cashier(accounts[::-1]), cashier(accounts[2:] + accounts[:2]))

    async with connect(database.app) as db:
        assert {row["owed"] for row in await db.fetch("select owed from balance")} == {6_000 - 15 * 130}
        assert await verify(db) == []


async def test_a_payment_noticed_twice_at_once_is_posted_once(pool: Pool, database: Database) -> None:
    async with connect(database.app) as db, db.transaction():
        [account] = await make_town(db)
    payment = a_payment(account, 700)

    async def notice() -> str:
        async with pool.acquire() as db, db.transaction():
            [verdict] = await receive_payments(db, [payment], now=NOW, zone=ZONE)
            return type(verdict).__name__

    verdicts = await asyncio.gather(*(notice() for _ in range(5)))

    assert sorted(verdicts) == ["Received"] + ["ReceivedBefore"] * 4
