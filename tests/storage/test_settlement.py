"""Days settled with providers: what was collected less the fee, once, from what is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import asyncpg
import pytest

from core.due_dates import due_rules
from core.money import NOTHING, Money, total
from core.postings import LedgerAccount
from core.requisites import Requisites
from core.settlement import Settlement, register_lines
from storage.database import Connection
from storage.proof import verify
from storage.receiving import Received, receive_payments
from storage.refunding import Asked, refund_payments
from storage.seals import held_by, seal_of
from storage.settlement import (
    DayNotOverError,
    UnpayableProvidersError,
    UnwritableProvidersError,
    collected_in,
    settle_day,
    settled_with,
)
from tests.making_money import CENTRE
from tests.storage.making_books import MAY, NOW, ZONE, a_payment, bill, make_town

DAY = NOW.astimezone(ZONE).date()
NEXT = NOW + timedelta(days=1)
PAYER = Requisites(
    name="МУП ЕРКЦ",
    inn="5838000000",
    kpp="583801001",
    bank_account="40702810048000012345",
    bank_name="ПАО СБЕРБАНК",
    bik="044525225",
    corr_account="30101810400000000225",
)


async def a_town(db: Connection) -> int:
    """An account with a bill of two providers, who can be paid."""
    [account] = await make_town(db)
    await db.execute(
        "update provider set bank_account = '40702810700000067890', bik = '044525225', fee_percent = 1.5"
    )
    await bill(db, account, MAY, charged={"heating": 100_001, "waste": 50_000})
    return account


async def pay(db: Connection, account: int, kopecks: int, *, now: datetime = NOW) -> int:
    [received] = await receive_payments(db, [a_payment(account, kopecks)], now=now, zone=ZONE)
    assert isinstance(received, Received)
    return received.payment


async def settle(db: Connection, day: date = DAY, *, now: datetime = NEXT) -> list[Settlement]:
    return await settle_day(db, day, payer=PAYER, now=now, zone=ZONE, rules=due_rules(CENTRE))


def nets(settlements: Sequence[Settlement]) -> dict[str, int]:
    return {one.payee.id: one.net.kopecks for one in settlements}


async def test_a_day_is_split_by_provider_and_the_fee_is_kept(books: Connection) -> None:
    account = await a_town(books)
    await pay(books, account, 75_000)

    heating, waste = await settle(books)

    assert (heating.gross, heating.fee, heating.net) == (Money(50_000), Money(750), Money(49_250))
    assert (waste.gross, waste.fee, waste.net) == (Money(25_000), Money(375), Money(24_625))
    places = [LedgerAccount.payable("P01"), LedgerAccount.fee_income(), LedgerAccount.bank()]
    assert list((await held_by(books, places)).values()) == [NOTHING, Money(-1_125), Money(-73_875)]
    assert await verify(books) == []


async def test_settling_again_posts_nothing_and_says_the_same(books: Connection) -> None:
    account = await a_town(books)
    await pay(books, account, 75_000)
    first = await settle(books)

    again = await settle(books, now=NEXT + timedelta(days=30))

    assert again == first
    assert await books.fetchval("select count(*) from posting where kind in ('fee', 'payout')") == 4


async def test_the_day_is_sealed_and_the_seal_is_in_the_settlement(books: Connection) -> None:
    await pay(books, await a_town(books), 75_000)

    settled = await settle(books)

    seal = await seal_of(books, DAY)
    assert seal is not None
    assert {one.head for one in settled} == {seal.hash}


async def test_what_comes_late_goes_into_the_next_settlement(books: Connection) -> None:
    account = await a_town(books)
    await pay(books, account, 60_000)
    await settle(books)
    await pay(books, account, 30_000, now=NOW)

    assert nets(await settle(books)) == {"P01": 39_400, "P02": 19_700}
    later = await settle(books, DAY + timedelta(days=1), now=NEXT + timedelta(days=1))

    assert nets(later) == {"P01": 19_700, "P02": 9_850}
    assert {one.since for one in later} == {DAY + timedelta(days=1)}
    assert await verify(books) == []


async def test_a_day_that_was_left_out_is_in_the_next_settlement(books: Connection) -> None:
    account = await a_town(books)
    await pay(books, account, 75_000)

    settled = await settle(books, DAY + timedelta(days=2), now=NEXT + timedelta(days=2))

    assert [one.since for one in settled] == [DAY, DAY]
    assert await settle(books, now=NEXT + timedelta(days=2)) == []
    assert await settled_with(books, DAY) == DAY + timedelta(days=2)


async def test_a_register_adds_up_to_its_settlement(books: Connection) -> None:
    account = await a_town(books)
    for kopecks in (1, 33_333, 17):
        await pay(books, account, kopecks)

    for settlement in await settle(books):
        collected = await collected_in(books, settlement)
        lines = list(register_lines(collected, settlement.contract_percent))

        assert len(lines) == settlement.rows
        assert total(one.gross for one in collected) == settlement.gross
        assert total(line.fee for line in lines) == settlement.fee
        assert total(line.net for line in lines) == settlement.net


async def test_a_register_says_the_same_after_an_address_or_a_number_is_corrected(books: Connection) -> None:
    account = await a_town(books)
    await pay(books, account, 75_000)
    [first, _] = await settle(books)
    printed = await collected_in(books, first)

    await books.execute("update house set street = 'ул. Исправленная'")
    await books.execute("update account set number = '999' where id = $1", account)
    await pay(books, account, 7_500, now=NEXT)
    [second, _] = await settle(books, DAY + timedelta(days=1), now=NEXT + timedelta(days=1))

    assert await collected_in(books, first) == printed
    [line] = await collected_in(books, second)
    assert (line.account, "ул. Исправленная" in line.address) == ("999", True)


@pytest.mark.parametrize("column", ["name", "contract_no", "bank_name"])
async def test_letters_that_the_banks_client_has_not_stop_the_settling(
    books: Connection, column: str
) -> None:
    await pay(books, await a_town(books), 75_000)
    await books.execute(f"update provider set {column} = 'Șapte' where id = 'P02'")  # ours

    with pytest.raises(UnwritableProvidersError, match=r"P02 \('.u0218'\)"):
        await settle(books)

    assert await books.fetchval("select count(*) from posting where kind in ('fee', 'payout')") == 0


async def test_a_refund_after_the_payout_is_taken_from_the_next_one(books: Connection) -> None:
    account = await a_town(books)
    payment = await pay(books, account, 150_001)
    await settle(books)
    asked = Asked(payment, "cash", "r1", Money(150_001), NEXT)
    await refund_payments(books, [asked], now=NEXT, zone=ZONE)

    second = await settle(books, DAY + timedelta(days=1), now=NEXT + timedelta(days=1))
    await pay(books, account, 150_001, now=NEXT + timedelta(days=1))
    third = await settle(books, DAY + timedelta(days=2), now=NEXT + timedelta(days=2))

    assert [(one.gross, one.payout) for one in second] == [(NOTHING, NOTHING)] * 2
    assert [(one.carried, one.payout) for one in third] == [(one.net, NOTHING) for one in second]
    places = [LedgerAccount.payable("P01"), LedgerAccount.payable("P02")]
    assert set((await held_by(books, places)).values()) == {NOTHING}
    assert await verify(books) == []


async def test_the_fee_is_that_of_the_contract_on_the_day(books: Connection) -> None:
    account = await a_town(books)
    await books.execute(
        "insert into provider_fee values ('P01', '-infinity', 1), ('P01', $1, 2), ('P01', $2, 3)",
        DAY,
        DAY + timedelta(days=1),
    )
    await pay(books, account, 75_000)

    heating, _ = await settle(books)

    assert heating.fee == Money(1_000)


async def test_a_day_that_is_not_over_is_not_settled(books: Connection) -> None:
    await pay(books, await a_town(books), 75_000)

    with pytest.raises(DayNotOverError):
        await settle(books, now=NOW)
    assert await seal_of(books, DAY) is None


async def test_nobody_is_paid_on_an_account_that_cannot_be(books: Connection) -> None:
    await pay(books, await a_town(books), 75_000)
    await books.execute("update provider set bank_account = '40702810700000067891' where id = 'P02'")

    with pytest.raises(UnpayableProvidersError, match="P02"):
        await settle(books)
    assert await books.fetchval("select count(*) from posting where kind in ('fee', 'payout')") == 0


async def test_a_provider_that_moves_later_changes_no_settlement(books: Connection) -> None:
    await pay(books, await a_town(books), 75_000)
    before = await settle(books)
    await books.execute("update provider set name = 'Иной', bank_account = '', fee_percent = 9")

    assert await settle(books) == before


async def test_a_settlement_cannot_be_changed(books: Connection) -> None:
    await pay(books, await a_town(books), 75_000)
    await settle(books)

    with pytest.raises(asyncpg.PostgresError):
        await books.execute("update settlement set fee = 0")
