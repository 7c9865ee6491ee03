import asyncio
from datetime import date, timedelta
from hashlib import sha256

from core import booking
from core.money import Money
from core.postings import LedgerAccount
from storage.database import Connection, Pool, connect
from storage.ledger import post
from storage.proof import verify
from storage.seals import Seal, held_by, seal_days, seal_of
from tests.conftest import Database
from tests.storage.making_books import NOW, ZONE

TODAY = date(2026, 6, 3)
TOMORROW = TODAY + timedelta(days=1)


async def pay_out(books: Connection, kopecks: int, key: str, *, days_later: int = 0) -> None:
    posting = booking.payout(provider="P01", amount=Money(kopecks), key=key, happened_at=NOW)
    await post(books, [posting], now=NOW + timedelta(days=days_later), zone=ZONE)


async def test_a_seal_is_a_hash_over_the_days_postings_and_the_seal_before(books: Connection) -> None:
    await pay_out(books, 100, "1")
    await pay_out(books, 200, "2", days_later=1)

    [first, second] = await seal_days(books, until=TOMORROW, now=NOW)

    hashes = [
        row["content_hash"] for row in await books.fetch("select content_hash from posting order by id")
    ]
    assert first == Seal(TODAY, 1, sha256(b"2026-06-03" + hashes[0]).digest())
    assert second == Seal(TOMORROW, 1, sha256(first.hash + b"2026-06-04" + hashes[1]).digest())
    assert await verify(books) == []


async def test_a_day_is_sealed_once(books: Connection) -> None:
    await pay_out(books, 100, "1")
    [sealed] = await seal_days(books, until=TODAY, now=NOW)

    assert await seal_days(books, until=TODAY, now=NOW) == []
    assert await seal_of(books, TODAY) == sealed
    assert await seal_of(books, TOMORROW) is None


async def test_days_without_postings_are_sealed_too(books: Connection) -> None:
    await pay_out(books, 100, "1")

    seals = await seal_days(books, until=TODAY + timedelta(days=3), now=NOW)

    assert [seal.postings for seal in seals] == [1, 0, 0, 0]
    assert await verify(books) == []


async def test_empty_books_have_nothing_to_seal(books: Connection) -> None:
    assert await seal_days(books, until=TODAY, now=NOW) == []


async def test_what_a_provider_is_owed_is_read_from_the_last_checkpoint_on(books: Connection) -> None:
    await pay_out(books, 100, "1")
    await seal_days(books, until=TOMORROW, now=NOW)
    await pay_out(books, 30, "2", days_later=2)

    held = await held_by(books, [LedgerAccount.payable("P01"), LedgerAccount.payable("P02")])

    assert held == {LedgerAccount.payable("P01"): Money(130), LedgerAccount.payable("P02"): Money(0)}
    assert await books.fetchval("select count(*) from checkpoint") == 2


async def test_a_posting_that_waits_for_the_sealing_goes_into_the_next_day(
    pool: Pool, database: Database
) -> None:
    async with connect(database.app) as sealer, pool.acquire() as cashier:
        async with sealer.transaction():
            await pay_out(sealer, 100, "1")
        async with sealer.transaction():
            await seal_days(sealer, until=TODAY, now=NOW)
            late = asyncio.ensure_future(_alone(cashier))
            await _until_somebody_waits(database)
        await late

        assert [row[0] for row in await sealer.fetch("select business_day from posting order by id")] == [
            TODAY,
            TOMORROW,
        ]
        assert await verify(sealer) == []


async def _alone(db: Connection) -> None:
    async with db.transaction():
        await db.execute("set local lock_timeout = 0")
        await pay_out(db, 50, "2")


async def _until_somebody_waits(database: Database) -> None:
    waiting = "select exists (select from pg_locks where not granted)"
    async with connect(database.superuser) as looker:
        while not await looker.fetchval(waiting):
            pass
