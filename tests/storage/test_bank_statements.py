"""Statements of the bank in the books: each document once, and money that has come known as what it was paid for."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from core.bank_statements import Bank
from core.booking import Payment
from core.due_dates import due_rules
from core.money import Money
from core.postings import LedgerAccount
from core.settlement import Settlement
from storage.cases import close_payment_case
from storage.clearing import Cleared, NoBatches, NotWaiting, TooLittle, clear_by_hand, open_batches, waiting
from storage.database import Connection
from storage.exchange import import_files
from storage.exchange_protocol import AlreadyLoaded, Loaded, Outcome, Refused
from storage.proof import verify
from storage.receiving import Received, match_payments, receive_payments
from storage.seals import held_by
from storage.settlement import collected_in, settle_day
from tests.making_money import CENTRE
from tests.storage.making_books import MAY, ZONE, bill, make_town
from tests.storage.making_statements import BANK, CARDS, a_document, write_statement
from tests.storage.test_registers import make_flats
from tests.storage.test_settlement import PAYER

BODIES: Final = Path(__file__).parents[1] / "bodies" / "registers"
EPS: Final = "EPS100000001_1884712217_9800123456_40702810048000012345_033.y05"
STATEMENT: Final = "kl_to_1c.txt"
NOW: Final = datetime(2026, 10, 6, 6, tzinfo=UTC)
FIFTH: Final = date(2026, 10, 5)
BY_CARD: Final = LedgerAccount.in_transit(CARDS.way)
BY_SBER: Final = LedgerAccount.in_transit("bank:sber")
EXPENSE: Final = LedgerAccount.acquiring_expense()


async def load(db: Connection, *paths: Path, bank: Bank | None = BANK, now: datetime = NOW) -> list[Outcome]:
    return [one.outcome for one in await import_files(db, paths, now=now, zone=ZONE, bank=bank)]


async def held(db: Connection, *places: LedgerAccount) -> list[int]:
    return [sum_.kopecks for sum_ in (await held_by(db, places)).values()]


async def pay_by_card(db: Connection, account: int, kopecks: int, paid_at: datetime) -> int:
    payment = Payment("yookassa", f"{paid_at}", CARDS.way, account, Money(kopecks), paid_at)
    async with db.transaction():
        [received] = await receive_payments(db, [payment], now=paid_at, zone=ZONE)
    assert isinstance(received, Received)
    return received.payment


@pytest.fixture
async def account(db: Connection) -> int:
    """The account that the sample's resident pays for."""
    first, _ = await make_flats(db)
    return first


async def test_a_statement_books_what_came_and_knows_what_it_was_paid_for(
    db: Connection, account: int
) -> None:
    await pay_by_card(db, account, 235_040, datetime(2026, 10, 4, 12, tzinfo=UTC))

    *_, outcome = await load(db, BODIES / EPS, BODIES / STATEMENT)

    assert isinstance(outcome, Loaded)
    assert [note.reason.replace("\xa0", " ") for note in outcome.notes] == [
        "4 038,41 ₽ by document 487 of 2026-10-05: bank:sber 2026-10-05, 12,00 ₽ kept",
        "2 268,15 ₽ by document 9001 of 2026-10-05: acquirer:yookassa 2026-10-04, 82,25 ₽ kept",
    ]
    assert await held(db, LedgerAccount.bank(), BY_SBER, BY_CARD, EXPENSE) == [815_656, 0, 0, 9_425]
    assert await waiting(db) == []
    assert await open_batches(db, BANK.ways) == []
    assert await verify(db) == []


async def test_the_statement_first_and_the_register_after_it_give_the_same_books(
    db: Connection, account: int
) -> None:
    await pay_by_card(db, account, 235_040, datetime(2026, 10, 4, 12, tzinfo=UTC))

    [first] = await load(db, BODIES / STATEMENT)
    assert isinstance(first, Loaded)
    assert [one.number for one in await waiting(db)] == ["487"]
    await load(db, BODIES / EPS)

    assert await held(db, LedgerAccount.bank(), BY_SBER, BY_CARD, EXPENSE) == [815_656, 0, 0, 9_425]
    assert await waiting(db) == []
    assert await verify(db) == []


async def test_a_residents_own_transfer_is_a_payment_of_the_account_that_it_names(
    db: Connection, account: int
) -> None:
    await load(db, BODIES / STATEMENT)

    [paid] = await db.fetch("select account_id, amount, way, purpose from payment")
    assert tuple(paid) == (account, 185_000, "bank:transfer", "")
    assert await held(db, LedgerAccount.in_transit("bank:transfer")) == [0]


async def test_a_transfer_that_names_nobody_is_put_aside_and_may_be_matched_later(
    db: Connection, account: int, tmp_path: Path
) -> None:
    path = write_statement(tmp_path / "a.txt", a_document(5_000, purpose="за квартиру"), came=5_000)

    [outcome] = await load(db, path)

    assert isinstance(outcome, Loaded)
    assert outcome.aside == 1
    [case] = await db.fetch("select kind, facts from staff_case")
    assert (case["kind"], case["facts"]["purpose"]) == ("payment_aside", "за квартиру")
    assert await held(db, LedgerAccount.suspense(), LedgerAccount.bank()) == [-5_000, 5_000]
    payment = int(case["facts"]["payment"])
    async with db.transaction():
        await match_payments(db, {payment: account}, now=NOW, zone=ZONE)
        await close_payment_case(db, payment, now=NOW)
    assert "purpose" not in await db.fetchval("select facts from staff_case")
    assert await held(db, LedgerAccount.suspense()) == [0]
    assert await verify(db) == []


async def test_the_same_statement_again_changes_nothing(db: Connection, account: int, tmp_path: Path) -> None:
    await load(db, BODIES / STATEMENT)
    before = await db.fetchval("select count(*) from posting")

    assert await load(db, BODIES / STATEMENT) == [AlreadyLoaded(STATEMENT)]
    copy = tmp_path / "kl_to_1c_again.txt"
    shutil.copy(BODIES / "kl_to_1c_dos.txt", copy)
    [outcome] = await load(db, copy)

    assert isinstance(outcome, Loaded)
    assert (outcome.rows, outcome.added) == (4, 0)
    assert await db.fetchval("select count(*) from posting") == before


async def test_of_two_files_that_overlap_each_document_is_booked_once(
    db: Connection, account: int, tmp_path: Path
) -> None:
    early, both, late = (
        a_document(1_000, number=str(no), purpose="л/с 0581234567", day=FIFTH + timedelta(days=no))
        for no in range(3)
    )
    now = NOW + timedelta(days=3)

    await load(db, write_statement(tmp_path / "a.txt", early, both, came=2_000), now=now)
    [second] = await load(db, write_statement(tmp_path / "b.txt", both, late, came=2_000), now=now)

    assert isinstance(second, Loaded)
    assert (second.rows, second.added) == (2, 1)
    assert await held(db, LedgerAccount.bank()) == [3_000]
    assert await verify(db) == []


async def test_two_transfers_that_are_the_same_in_all_are_two(
    db: Connection, account: int, tmp_path: Path
) -> None:
    twin = a_document(1_000, purpose="л/с 0581234567")

    await load(db, write_statement(tmp_path / "a.txt", twin, twin, came=2_000))

    assert await held(db, LedgerAccount.bank()) == [2_000]


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("КонецФайла", ""),
        ("Сумма=1850.00", "Сумма=1850.01"),
        ("КонецРасчСчет\r\n", ""),
        ("РасчСчет=4", "РасчСчет=5"),
    ],
)
async def test_a_statement_that_does_not_add_up_is_refused_whole(
    db: Connection, tmp_path: Path, said: str, instead: str
) -> None:
    path = tmp_path / STATEMENT
    whole = (BODIES / STATEMENT).read_bytes().decode("cp1251")
    path.write_bytes(whole.replace(said, instead).encode("cp1251"))

    [outcome] = await load(db, path)

    assert isinstance(outcome, Refused)
    assert await db.fetchval("select count(*) from posting") == 0
    assert await db.fetchval("select count(*) from bank_document") == 0


async def test_without_the_centres_account_no_statement_is_taken(db: Connection) -> None:
    [outcome] = await load(db, BODIES / STATEMENT, bank=None)

    assert isinstance(outcome, Refused)
    assert outcome.bad[0].reason.startswith("centre.requisites is not set")


async def test_our_own_payment_orders_are_no_statement(db: Connection) -> None:
    [outcome] = await load(db, BODIES / "1c_to_kl.txt")

    assert isinstance(outcome, Refused)


async def test_a_fee_that_an_agent_takes_apart_is_its_expense(
    db: Connection, account: int, tmp_path: Path
) -> None:
    await pay_by_card(db, account, 10_000, datetime(2026, 10, 4, 12, tzinfo=UTC))
    whole = a_document(10_000, inn=CARDS.inn)
    fee = a_document(200, inn=CARDS.inn, purpose="Комиссия за эквайринг", incoming=False)

    await load(db, write_statement(tmp_path / "a.txt", whole, fee, came=10_000, went=200))

    assert await held(db, LedgerAccount.bank(), BY_CARD, EXPENSE) == [9_800, 0, 200]
    assert await verify(db) == []


async def test_what_a_transfer_says_of_its_payer_is_kept_no_longer_than_it_is_needed(
    db: Connection, account: int
) -> None:
    await load(db, BODIES / EPS, BODIES / STATEMENT)

    kept = await db.fetch("select number, purpose from bank_document where purpose is not null")
    assert [row["number"] for row in kept] == ["9001"]


# --- By hand ---------------------------------------------------------------------------------------


async def test_a_clerk_says_what_a_transfer_brought_where_it_is_not_beyond_doubt(
    db: Connection, account: int, tmp_path: Path
) -> None:
    for day in (3, 4):
        await pay_by_card(db, account, 10_000, datetime(2026, 10, day, 12, tzinfo=UTC))
    await load(db, write_statement(tmp_path / "a.txt", a_document(9_900, inn=CARDS.inn), came=9_900))
    [arrived] = await waiting(db)

    async with db.transaction():
        unknown = await clear_by_hand(db, arrived.id, ["2026-10-02"], now=NOW, zone=ZONE)
        cleared = await clear_by_hand(db, arrived.id, ["2026-10-03"], now=NOW, zone=ZONE)
        again = await clear_by_hand(db, arrived.id, ["2026-10-03"], now=NOW, zone=ZONE)

    assert isinstance(unknown, NoBatches)
    assert isinstance(cleared, Cleared)
    assert (cleared.kept, again) == (Money(100), NotWaiting())
    assert await held(db, BY_CARD, EXPENSE) == [10_000, 100]
    assert await verify(db) == []


async def test_less_than_what_came_is_not_what_it_brought(
    db: Connection, account: int, tmp_path: Path
) -> None:
    await pay_by_card(db, account, 5_000, datetime(2026, 10, 4, 12, tzinfo=UTC))
    await load(db, write_statement(tmp_path / "a.txt", a_document(9_900, inn=CARDS.inn), came=9_900))
    [arrived] = await waiting(db)

    async with db.transaction():
        verdict = await clear_by_hand(db, arrived.id, ["2026-10-04"], now=NOW, zone=ZONE)

    assert verdict == TooLittle(Money(5_000))


async def test_a_transfer_of_what_was_settled_before_waits_for_nothing(
    db: Connection, tmp_path: Path
) -> None:
    await load(db, write_statement(tmp_path / "a.txt", a_document(9_900, inn=CARDS.inn), came=9_900))
    [arrived] = await waiting(db)

    async with db.transaction():
        await clear_by_hand(db, arrived.id, [], now=NOW, zone=ZONE)

    assert await waiting(db) == []
    assert await verify(db) == []


# --- Settling what has arrived ---------------------------------------------------------------------


async def settle(db: Connection, day: date, *, awaited: Sequence[str] = BANK.ways) -> list[Settlement]:
    now = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=1)
    rules = due_rules(CENTRE)
    return await settle_day(db, day, payer=PAYER, now=now, zone=ZONE, rules=rules, awaited=awaited)


@pytest.fixture
async def billed(db: Connection) -> int:
    """An account with a bill of two providers, who can be paid, that paid 300 roubles by card on the fourth."""
    async with db.transaction():
        [account] = await make_town(db)
        await db.execute("update provider set bank_account = '40702810700000067890', bik = '044525225'")
        noon = datetime(2026, 10, 4, 9, tzinfo=UTC)
        await bill(db, account, MAY, now=noon, charged={"heating": 20_000, "waste": 20_000})
    await pay_by_card(db, account, 30_000, noon)
    return account


async def test_money_is_settled_when_it_has_arrived_and_not_before(
    db: Connection, billed: int, tmp_path: Path
) -> None:
    assert await settle(db, date(2026, 10, 4)) == []
    await load(db, write_statement(tmp_path / "a.txt", a_document(29_100, inn=CARDS.inn), came=29_100))

    heating, waste = await settle(db, FIFTH)

    assert (heating.gross, waste.gross) == (Money(15_000), Money(15_000))
    assert [one.gross for one in await collected_in(db, heating)] == [Money(15_000)]
    assert await settle(db, FIFTH) == [heating, waste]
    assert await verify(db) == []


async def test_money_of_a_statement_counts_for_the_day_on_which_it_came(
    db: Connection, billed: int, tmp_path: Path
) -> None:
    await load(db, write_statement(tmp_path / "a.txt", a_document(29_100, inn=CARDS.inn), came=29_100))

    assert {one.since for one in await settle(db, FIFTH)} == {date(2026, 10, 4)}


async def test_money_that_comes_for_a_sealed_day_goes_into_the_next_open_one(
    db: Connection, billed: int, tmp_path: Path
) -> None:
    await settle(db, date(2026, 10, 6))
    document = a_document(29_100, inn=CARDS.inn)
    await load(db, write_statement(tmp_path / "a.txt", document, came=29_100), now=NOW + timedelta(days=1))

    assert len(await settle(db, date(2026, 10, 7))) == 2
    assert await verify(db) == []


async def test_ways_of_which_no_bank_tells_are_settled_at_once(db: Connection, billed: int) -> None:
    assert len(await settle(db, date(2026, 10, 4), awaited=["bank:sber"])) == 2
    assert await settle(db, FIFTH, awaited=["bank:sber"]) == []
    assert await verify(db) == []


async def test_a_settled_day_clears_no_more_payments(db: Connection, billed: int) -> None:
    await settle(db, date(2026, 10, 4), awaited=[])

    late = await pay_by_card(db, billed, 100, NOW)

    with pytest.raises(asyncpg.RestrictViolationError, match="a settled day clears no more payments"):
        await db.execute("insert into clearance values ($1, '2026-10-04', null)", late)
