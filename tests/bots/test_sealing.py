from datetime import timedelta

from bots.schedule import seal
from storage.cases import list_cases
from storage.database import Pool
from storage.receiving import receive_payments
from storage.seals import seal_of
from tests.storage.making_books import NOW, ZONE, a_payment, make_town

TODAY = NOW.astimezone(ZONE).date()


async def test_days_that_are_over_are_sealed_and_today_is_not(pool: Pool) -> None:
    async with pool.acquire() as db, db.transaction():
        [account] = await make_town(db)
        await receive_payments(db, [a_payment(account, 100)], now=NOW, zone=ZONE)

    await seal(pool, lambda: NOW + timedelta(days=1), ZONE)

    async with pool.acquire() as db:
        sealed = await seal_of(db, TODAY)
        assert sealed is not None
        assert sealed.postings == 1
        assert await seal_of(db, TODAY + timedelta(days=1)) is None


async def test_a_clock_that_is_wrong_by_a_year_seals_nothing_and_staff_are_told_once(pool: Pool) -> None:
    right, wrong = NOW + timedelta(days=2), NOW + timedelta(days=365)
    async with pool.acquire() as db, db.transaction():
        [account] = await make_town(db)
        await receive_payments(db, [a_payment(account, 100)], now=NOW, zone=ZONE)
    await seal(pool, lambda: NOW + timedelta(days=1), ZONE)

    for _ in range(2):
        await seal(pool, lambda: wrong, ZONE)
    await seal(pool, lambda: right, ZONE)

    async with pool.acquire() as db, db.transaction():
        await receive_payments(db, [a_payment(account, 200)], now=right, zone=ZONE)
        assert await db.fetchval("select max(business_day) from posting") == right.astimezone(ZONE).date()
        assert [case.kind for case in await list_cases(db)] == ["days_unsealed"]
