"""What a clerk sees of the bank account: what is late on either side, and a match by hand."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from bots import bank_commands
from bots.bank_commands import match_transfer, show_waiting
from bots.configuration import load
from core.booking import Payment
from core.money import Money
from storage.database import connect
from storage.exchange import import_files
from storage.receiving import receive_payments
from tests.bots.test_book_commands import CONFIG
from tests.conftest import Database
from tests.storage.making_books import ZONE, make_town
from tests.storage.making_statements import OURS, a_document, write_statement

AGENTS = """
agents:
  - {way: "acquirer:yookassa", inn: "9800999998", fee_percent: 4}
"""
NOW = datetime.now(UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    whole = CONFIG.replace("40702810700000067890", OURS).replace("044525225", "044525225") + AGENTS
    path.write_text(whole, encoding="utf-8")
    return path


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    paper = io.StringIO()
    monkeypatch.setattr(bank_commands, "out", Console(file=paper, width=160))
    return paper


@pytest.fixture
async def town(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with an account that has paid by card twice, long ago and today."""
    monkeypatch.setenv("KVITOK_DATABASE_URL", database.app)
    async with connect(database.app) as db, db.transaction():
        [account] = await make_town(db)
        for paid_at in (NOW - timedelta(days=20), NOW):
            payment = Payment("yookassa", f"{paid_at}", "acquirer:yookassa", account, Money(10_000), paid_at)
            await receive_payments(db, [payment], now=NOW, zone=ZONE)
    return database


async def bring(town: Database, config: Path, kopecks: int, tmp_path: Path) -> None:
    document = a_document(kopecks, inn="9800999998", day=NOW.astimezone(ZONE).date())
    path = write_statement(tmp_path / "kl_to_1c.txt", document, came=kopecks)
    async with connect(town.app) as db:
        await import_files(db, [path], now=NOW, zone=ZONE, bank=load(config).as_bank)


async def test_payments_whose_money_is_late_are_told_with_a_status(
    town: Database, config: Path, printed: io.StringIO, tmp_path: Path
) -> None:
    assert await show_waiting(config=config, data=tmp_path) == 1

    rows = [row for row in printed.getvalue().splitlines() if "acquirer:yookassa" in row]
    assert [("LATE" in row) for row in rows] == [True, False]


async def test_a_transfer_without_its_payments_waits_and_is_matched_by_hand(
    town: Database, config: Path, printed: io.StringIO, tmp_path: Path
) -> None:
    await bring(town, config, 9_800, tmp_path)
    await show_waiting(config=config, data=tmp_path)
    assert "Money without payments" in printed.getvalue()

    old = f"{(NOW - timedelta(days=20)).astimezone(ZONE):%Y-%m-%d}"
    assert await match_transfer(1, ["2000-01-01"], config=config, data=tmp_path) == 1
    assert await match_transfer(1, [old], config=config, data=tmp_path) == 0
    assert await match_transfer(1, [old], config=config, data=tmp_path) == 1

    assert "2,00\xa0₽ kept" in printed.getvalue()
    assert await show_waiting(config=config, data=tmp_path) == 0


async def test_when_everything_has_arrived_one_line_says_so(
    town: Database, config: Path, printed: io.StringIO, tmp_path: Path
) -> None:
    await bring(town, config, 19_600, tmp_path)

    assert await show_waiting(config=config, data=tmp_path) == 0
    assert "All money has arrived" in printed.getvalue()
