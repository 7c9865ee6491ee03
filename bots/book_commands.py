"""The commands about the books: sealing and settling days, an account's own books, penalties, payments put aside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bots.configuration import found
from bots.reaching import reached
from bots.settlement_files import write_settlements
from bots.staff import who_runs
from core.due_dates import due_rules
from core.errors import KvitokError
from core.messages import Month
from core.money import NOTHING, Money
from core.postings import Kind
from core.settlement import RegisterLine, Settlement, register_lines
from core.turns import Centre
from core.wording import money
from storage.account_books import BookEntry, Move, account_numbered, entries_of
from storage.cases import close_payment_case
from storage.database import Connection
from storage.exchange import CENTRE_TIME
from storage.penalties import penalty_differences
from storage.receiving import Matched, NotPutAside, match_payments
from storage.seals import seal_days
from storage.settlement import DayNotOverError, collected_in, settle_day, settled_with
from storage.staff_actions import record

out: Final = Console()


class NoAccountError(KvitokError):
    """No account has this number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"there is no account {number}")
        self.number = number


class NoRequisitesError(KvitokError):
    """The configuration does not say from which account providers are paid."""

    def __init__(self) -> None:
        super().__init__("centre.requisites is not set: payment orders need the centre's own account")


def _centre(config: Path) -> Centre:
    configuration = found(config)
    return configuration.as_centre if configuration else Centre(name="", zone=CENTRE_TIME)


async def _account(db: Connection, number: str) -> int:
    account = await account_numbered(db, number)
    if account is None:
        raise NoAccountError(number)
    return account


# --- Settling --------------------------------------------------------------------------------------


async def settle(day: date, folder: Path, *, config: Path, data: Path) -> int:
    """Settle *day* and write its registers and payment orders into *folder*."""
    configuration, centre = found(config), _centre(config)
    bank = configuration.as_bank if configuration else None
    if centre.requisites is None or bank is None:
        raise NoRequisitesError
    async with reached(data) as db:
        settlements = await settle_day(
            db,
            day,
            payer=centre.requisites,
            now=datetime.now(UTC),
            zone=centre.zone,
            rules=due_rules(centre),
            awaited=bank.ways,
        )
        if not settlements:
            other = await settled_with(db, day)
            out.print(f"{day} was settled with {other}." if other else f"{day}: nothing was collected.")
            return 0
        settled = [(one, await _lines(db, one)) for one in settlements]
    paths = write_settlements(folder, settled, zone=centre.zone)
    _print_settlements(settlements)
    out.print(f"{len(paths)} files in {folder}", soft_wrap=True)
    return 0


async def seal(day: date, *, config: Path, data: Path) -> int:
    """Seal the open days up to *day*, which is over."""
    now = datetime.now(UTC)
    if day >= now.astimezone(_centre(config).zone).date():
        raise DayNotOverError(day)
    async with reached(data) as db, db.transaction():
        seals = await seal_days(db, until=day, now=now)
    if not seals:
        out.print(f"All days up to {day} were sealed.")
        return 0
    out.print(
        f"Sealed: {seals[0].day} to {seals[-1].day}. The last seal: {seals[-1].hash.hex()}", soft_wrap=True
    )
    return 0


async def _lines(db: Connection, settlement: Settlement) -> list[RegisterLine]:
    return list(register_lines(await collected_in(db, settlement), settlement.contract_percent))


def _print_settlements(settlements: list[Settlement]) -> None:
    table = Table("N", "Provider", "Rows", "Collected", "Given back", "Fee", "Carried", "To pay")
    for one in settlements:
        sums = (one.gross, one.corrections, one.fee, one.carried, one.payout)
        table.add_row(str(one.number), one.payee.id, str(one.rows), *map(_sum, sums))
    out.print(table)
    out.print(f"Seal of {settlements[0].day}: {settlements[0].head.hex()}", soft_wrap=True)


def _sum(amount: Money) -> str:
    return f"−{money(-amount)}" if amount < NOTHING else money(amount)


# --- An account's books ----------------------------------------------------------------------------

WAYS: Final = {
    "acquirer": "карта или СБП",
    "bank": "банк",
    "post": "почта",
    "cash": "касса",
    "terminal": "терминал",
    "payroll": "удержание из зарплаты",
}


async def show_books(number: str, *, config: Path, data: Path) -> int:
    """Print the books of an account: what happened, what it moved, what was due afterwards."""
    async with reached(data) as db:
        account = await _account(db, number)
        entries = await entries_of(db, account)
        await record(db, "look", who=who_runs(), now=datetime.now(UTC), account=account)
    out.print(books_table(number, entries, _centre(config).zone))
    return 0


def books_table(number: str, entries: list[BookEntry], zone: tzinfo) -> Table:
    """The books as a table in Russian; each service that a posting moved is a line of its own below it."""
    table = Table(title=f"Лицевой счёт {number}")
    for heading in ("Дата", "Что произошло", "Сумма", "К оплате"):
        table.add_column(heading, justify="left" if heading in {"Дата", "Что произошло"} else "right")
    due = NOTHING
    for entry in entries:
        due += entry.change
        changed = _sum(entry.change) if entry.change else ""
        day = f"{entry.happened_at.astimezone(zone):%d.%m.%Y}"
        table.add_row(day, event_words(entry), changed, _due(due))
        for move in entry.moves:
            if move.service is not None or len(entry.moves) > 1:
                table.add_row("", f"  [dim]{_move_words(move)}[/]", f"[dim]{_sum(move.amount)}[/]", "")
    return table


def _due(due: Money) -> str:
    return f"аванс {money(-due)}" if due < NOTHING else money(due)


EVENTS: Final = {
    Kind.BILL: "Квитанция{month}",
    Kind.PAYMENT: "Платёж{payment}, {way}",
    Kind.MATCHING: "Невыясненный платёж{payment} отнесён на этот счёт",
    Kind.ALLOCATION: "Платёж{payment} распределён по услугам",
    Kind.ADVANCE: "Аванс зачтён по услугам{from_payment}",
    Kind.RELEASE: "Переплата по услугам переведена в аванс",
    Kind.UNDOING: "Распределение платежа{payment} отменено для возврата",
    Kind.REFUND: "Возврат платежа{payment}",
    Kind.REVERSAL: "Платёж{payment} сторнирован: деньги не поступили",
    Kind.FEE: "Вознаграждение центра",
    Kind.PAYOUT: "Перечисление поставщику",
    Kind.CLEARING: "Зачисление на счёт центра",
}


def event_words(entry: BookEntry) -> str:
    """What a posting records, in words for a clerk."""
    months = [move.period for move in entry.moves if move.period is not None]
    payment = f" {entry.payment}" if entry.payment else ""
    return EVENTS[entry.kind].format(
        month=f" за {_month(max(months))}" if months else " без начислений",
        payment=payment,
        from_payment=f", платёж{payment}" if payment else "",
        way=WAYS.get(entry.way, entry.way),
    )


def _month(month: Month) -> str:
    return f"{month.first_day:%m.%Y}"


def _move_words(move: Move) -> str:
    if move.service is None or move.period is None:
        return "аванс"
    return escape(f"{move.service}{', пени' if move.penalty else ''}, {_month(move.period)}")


# --- Penalties -------------------------------------------------------------------------------------


async def compare_penalties(*, config: Path, data: Path) -> int:
    """List where billing's penalties and our reckoning differ; the status is 1 if they do anywhere."""
    centre = _centre(config)
    async with reached(data) as db:
        found = await penalty_differences(db, rules=centre.penalties, dues=due_rules(centre))
    if not found:
        out.print("[green]Billing's penalties are what we reckon.")
        return 0
    table = Table("Account", "Service", "Up to", "By billing", "By our reckoning")
    for one in found:
        table.add_row(
            one.number, one.service, one.charged_until.isoformat(), _sum(one.billing), _sum(one.ours)
        )
    out.print(table)
    return 1


# --- Payments that were put aside ------------------------------------------------------------------


async def match_payment(payment: int, number: str, *, config: Path, data: Path) -> int:
    """Give a payment that was put aside to an account; the status is 1 if it is not put aside."""
    centre = _centre(config)
    async with reached(data) as db, db.transaction():
        account = await _account(db, number)
        verdicts = await match_payments(
            db, {payment: account}, now=datetime.now(UTC), zone=centre.zone, rule=centre.allocation
        )
        if isinstance(verdicts[payment], Matched):
            await close_payment_case(db, payment, now=datetime.now(UTC))
    lines = list(_match_words(payment, number, verdicts[payment]))
    out.print("\n".join(lines), soft_wrap=True)
    return int(not isinstance(verdicts[payment], Matched))


def _match_words(payment: int, number: str, verdict: Matched | NotPutAside) -> Iterator[str]:
    match verdict:
        case Matched(shares=shares, left=left):
            yield f"Payment {payment} is account {number}'s now."
            spread = sum(share.amount.kopecks for share in shares)
            yield f"Spread over services: {money(Money(spread))}; advance: {money(left)}."
        case NotPutAside(account=None):
            yield f"There is no payment {payment} that is put aside."
        case NotPutAside():
            yield f"Payment {payment} belongs to an account already."
