"""The commands about the centre's bank account: what waits for its money, or for its payments; a match by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, assert_never

from rich.console import Console
from rich.table import Table

from bots.book_commands import NoRequisitesError
from bots.configuration import load
from bots.reaching import reached
from core.bank_statements import Bank, Batch
from core.due_dates import DueRules, due_rules, next_working_day
from core.money import Money
from core.turns import Centre
from core.wording import money
from storage.bank_statements import cleared_words
from storage.clearing import (
    Arrived,
    Cleared,
    Match,
    NoBatches,
    NotWaiting,
    TooLittle,
    clear_by_hand,
    clear_waiting,
    open_batches,
    waiting,
)

out: Final = Console()

# So many working days a transfer may wait for its register, and payments for their money.
REGISTER_LATE: Final = 2
MONEY_LATE: Final = 5
LATE: Final = "LATE"


async def show_waiting(*, config: Path, data: Path) -> int:
    """List transfers without payments and payments without money; the status is 1 if any is late."""
    centre, bank = _bank(config)
    now = datetime.now(UTC)
    async with reached(data) as db, db.transaction():
        for cleared in await clear_waiting(db, bank, now=now, zone=centre.zone):
            out.print(f"Found: {cleared_words(cleared)}", soft_wrap=True, markup=False)
        documents = await waiting(db)
        batches = await open_batches(db, bank.ways)
    late = _Late(now.astimezone(centre.zone).date(), due_rules(centre))
    if documents:
        out.print(_transfers(documents, late))
    if batches:
        out.print(_payments(batches, late))
    if not documents and not batches:
        out.print("[green]All money has arrived, and it is known what it is for.")
    overdue = [one for one in documents if late.is_since(one.day, REGISTER_LATE)]
    return int(bool(overdue) or any(late.is_since(batch.day, MONEY_LATE) for batch in batches))


def _bank(config: Path) -> tuple[Centre, Bank]:
    configuration = load(config)
    bank = configuration.as_bank
    if bank is None:
        raise NoRequisitesError
    return configuration.as_centre, bank


class _Late:
    """What is late on *today*, by working days."""

    def __init__(self, today: date, rules: DueRules) -> None:
        self._today = today
        self._rules = rules

    def is_since(self, day: date, days: int) -> bool:
        """Whether more than so many working *days* have gone by since *day*."""
        for _ in range(days):
            day = next_working_day(day, self._rules)
        return day < self._today


def _transfers(documents: Sequence[Arrived], late: _Late) -> Table:
    table = Table("N", "Document", "Day", "Way", "Came", "Purpose", "", title="Money without payments")
    for one in documents:
        told = LATE if late.is_since(one.day, REGISTER_LATE) else ""
        cells = (str(one.id), one.number, one.day.isoformat(), one.way, money(one.amount), one.purpose, told)
        table.add_row(*cells)
    return table


def _payments(batches: Iterable[Batch], late: _Late) -> Table:
    table = Table(
        "Way", "Name", "Last day", "Paid", "To come", "Payments", "", title="Payments without money"
    )
    for batch in batches:
        told = LATE if late.is_since(batch.day, MONEY_LATE) else ""
        sent = "" if batch.sent is None else _sum(batch.sent)
        cells = (batch.way, batch.name, batch.day.isoformat(), _sum(batch.gross), sent)
        table.add_row(*cells, str(len(batch.payments)), told)
    return table


def _sum(amount: Money) -> str:
    return f"−{money(-amount)}" if amount < Money(0) else money(amount)


async def match_transfer(document: int, names: Sequence[str], *, config: Path, data: Path) -> int:
    """Say which payments a transfer brought; the status is 1 if they cannot be."""
    centre, _ = _bank(config)
    async with reached(data) as db, db.transaction():
        match = await clear_by_hand(db, document, names, now=datetime.now(UTC), zone=centre.zone)
    out.print(_match_words(document, match), soft_wrap=True, markup=False)
    return int(not isinstance(match, Cleared))


def _match_words(document: int, match: Match) -> str:
    match match:
        case Cleared(batches=()):
            return f"Transfer {document} waits for no payments any more."
        case Cleared():
            return cleared_words(match)
        case NotWaiting():
            return f"No transfer {document} waits for its payments; see: kvitok bank waiting"
        case NoBatches(names, there):
            known = ", ".join(batch.name for batch in there) or "none"
            return f"No payments that have not arrived are called {', '.join(names)}; there are: {known}"
        case TooLittle(gross):
            return f"These payments are only {money(gross)}: less than what came."
    assert_never(match)
