"""What a clerk reads of the books, and what the commands about them do."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bots import book_commands
from bots.book_commands import (
    EVENTS,
    NoAccountError,
    NoRequisitesError,
    books_table,
    match_payment,
    seal,
    settle,
)
from core.money import Money
from core.postings import Kind
from storage.account_books import entries_of
from storage.database import connect
from storage.receiving import Received, receive_payments
from storage.seals import seal_of
from storage.settlement import DayNotOverError
from tests.conftest import Database
from tests.storage.making_books import MAY, NOW, ZONE, Balance, a_payment, balances_of, bill, make_town

CONFIG = """
centre:
  name: МУП ЕРКЦ
  requisites:
    name: МУП ЕРКЦ
    inn: "7707083893"
    kpp: "583801001"
    bank_account: "40702810700000067890"
    bank_name: ПАО СБЕРБАНК
    bik: "044525225"
    corr_account: "30101810400000000225"
server: {public_url: "https://kvitok.example"}
"""


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    paper = io.StringIO()
    monkeypatch.setattr(book_commands, "out", Console(file=paper, width=120))
    return paper


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
async def account(database: Database, monkeypatch: pytest.MonkeyPatch) -> int:
    """An account with a bill, and providers that can be paid."""
    monkeypatch.setenv("KVITOK_DATABASE_URL", database.app)
    async with connect(database.app) as db, db.transaction():
        [account] = await make_town(db)
        await db.execute("update provider set bank_account = '40702810700000067890', bik = '044525225'")
        await bill(db, account, MAY, charged={"heating": 10_000})
    return account


async def pay(database: Database, account: int | None, kopecks: int) -> int:
    async with connect(database.app) as db, db.transaction():
        [received] = await receive_payments(db, [a_payment(account, kopecks)], now=NOW, zone=ZONE)
    assert isinstance(received, Received)
    return received.payment


def test_every_kind_of_posting_has_its_words() -> None:
    assert set(EVENTS) == set(Kind)


async def test_the_books_of_an_account_are_told_in_words_with_a_running_balance(
    database: Database, account: int, printed: io.StringIO
) -> None:
    payment = await pay(database, account, 12_000)
    async with connect(database.app) as db:
        entries = await entries_of(db, account)

    Console(file=printed, width=120).print(books_table("0000000001", entries, ZONE))

    lines = [line.strip("│ ") for line in printed.getvalue().replace("\xa0", " ").splitlines()]
    cells = [[cell.strip() for cell in line.split("│")] for line in lines]
    assert ["01.06.2026", "Квитанция за 05.2026", "100,00 ₽", "100,00 ₽"] in cells
    assert ["03.06.2026", f"Платёж {payment}, касса", "−120,00 ₽", "аванс 20,00 ₽"] in cells
    assert ["heating, 05.2026", "−100,00 ₽"] in [[cell for cell in row if cell] for row in cells]


async def test_a_day_is_settled_into_files_and_again_into_the_same(
    database: Database, account: int, printed: io.StringIO, config: Path, tmp_path: Path
) -> None:
    await pay(database, account, 10_000)
    day = NOW.astimezone(ZONE).date()

    first = await settle(day, tmp_path / "first", config=config, data=tmp_path)
    again = await settle(day, tmp_path / "again", config=config, data=tmp_path)

    assert (first, again) == (0, 0)
    files = {path.name: path.read_bytes() for path in (tmp_path / "first").iterdir()}
    assert sorted(path.rpartition(".")[2] for path in files) == ["csv", "ctl", "txt", "xlsx"]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    async with connect(database.app) as db:
        seal = await seal_of(db, day)
    assert seal is not None
    assert seal.hash.hex() in printed.getvalue().replace("\n", "")


async def test_without_the_centres_requisites_nothing_is_settled(
    account: int, tmp_path: Path, config: Path
) -> None:
    config.write_text(
        CONFIG[: CONFIG.index("  requisites")] + CONFIG[CONFIG.index("server") :], encoding="utf-8"
    )

    with pytest.raises(NoRequisitesError):
        await settle(datetime(2026, 6, 3, tzinfo=UTC).date(), tmp_path, config=config, data=tmp_path)


async def test_open_days_are_sealed_by_hand(
    database: Database, account: int, printed: io.StringIO, config: Path, tmp_path: Path
) -> None:
    await pay(database, account, 10_500)
    day = NOW.astimezone(ZONE).date()

    for _ in range(2):
        assert await seal(day, config=config, data=tmp_path) == 0

    async with connect(database.app) as db:
        sealed = await seal_of(db, day)
    assert sealed is not None
    assert sealed.hash.hex() in printed.getvalue()
    assert f"All days up to {day} were sealed." in printed.getvalue()


async def test_a_day_that_is_not_over_is_not_sealed_by_hand(config: Path, tmp_path: Path) -> None:
    with pytest.raises(DayNotOverError):
        await seal(datetime(2999, 1, 1, tzinfo=UTC).date(), config=config, data=tmp_path)


async def test_a_payment_that_was_put_aside_is_given_to_its_account(
    database: Database, account: int, printed: io.StringIO, config: Path, tmp_path: Path
) -> None:
    payment = await pay(database, None, 10_500)

    first = await match_payment(payment, "0000000001", config=config, data=tmp_path)
    again = await match_payment(payment, "0000000001", config=config, data=tmp_path)

    assert (first, again) == (0, 1)
    async with connect(database.app) as db:
        assert await balances_of(db, [account]) == {account: Balance(advance=Money(500))}
    assert "Spread over services: 100,00 ₽; advance: 5,00 ₽." in printed.getvalue().replace("\xa0", " ")


async def test_a_payment_is_given_to_no_account_that_is_not_there(
    database: Database, account: int, config: Path, tmp_path: Path
) -> None:
    payment = await pay(database, None, 10_500)

    with pytest.raises(NoAccountError):
        await match_payment(payment, "77", config=config, data=tmp_path)
