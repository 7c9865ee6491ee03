"""A month of a town's money, by all ways, that has to end with whole books: `python -m benchmarks.month`.

Bills are out; residents pay by card, through the bank (with readings), at the post and the cash desk, and from
their wages; some lines are nobody's, some money is given back; every day is cleared and settled; the next bills
come. Then the books are proved, and the providers' registers are added up.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bots.settlement_files import csv_register, payment_orders, xlsx_register
from bots.town.writing import write_town
from core import booking
from core.booking import Payment
from core.due_dates import due_rules
from core.messages import Month
from core.money import NOTHING, Money, total
from core.postings import LedgerAccount
from core.requisites import Requisites
from core.settlement import register_lines
from core.turns import Centre
from storage.billing import post_bills
from storage.database import Connection, connect
from storage.embedded import EmbeddedPostgres
from storage.exchange import import_files
from storage.exchange_protocol import Loaded
from storage.ledger import post
from storage.migrating import migrate
from storage.proof import verify
from storage.receiving import Received, match_payments, receive_payments
from storage.refunding import Asked, Refunded, refund_payments
from storage.seals import held_by
from storage.settlement import collected_in, settle_day

ZONE: Final = ZoneInfo("Europe/Moscow")
BEGIN: Final = date(2026, 11, 5)
DAYS: Final = 30
CENTRE: Final = Centre(name="ЕРКЦ", zone=ZONE)
PAYER: Final = Requisites(
    name="МУП ЕРКЦ",
    inn="7707083893",
    kpp="583801001",
    bank_account="40702810700000067890",
    bank_name="ПАО СБЕРБАНК",
    bik="044525225",
    corr_account="30101810400000000225",
)
WAYS: Final = ("acquirer", "sber", "sber", "post", "cash", "payroll")
# What is there for every month: what is older than the last bills was settled before these books.
MONTHLY: Final = ("charges_", "bill_totals_", "payments_", "readings_")
REFUNDED: Final = 0.02
UNKNOWN: Final = 0.01


@dataclass
class MonthBooks:
    """What the month ought to come to, by a simple sum."""

    paid: int = 0
    refunded: int = 0
    billed: int = 0
    payments: list[tuple[int, int]] = field(default_factory=list)
    readings: int = 0
    aside: int = 0
    gross: int = 0
    settlements: int = 0


@dataclass(frozen=True)
class Flat:
    """An account, what is due on it, and a meter with its last value, if it has one of one register."""

    account: int
    number: str
    due: int
    serial: str | None
    last: Decimal | None


# Every account with what is due on it, and one meter.
FLATS: Final = """
select a.id, a.number, coalesce(b.owed - b.advance, 0)::bigint as due, m.serial, m.last
from account a
left join balance b on b.account_id = a.id
left join lateral (
    select m.serial, max(r.value) as last
    from meter m join reading r on r.meter_id = m.id
    where m.account_id = a.id and m.registers = 1 and m.closed_on is null and not m.smart
        and m.commissioned_on is not null and r.status in ('accepted', 'locked', 'received')
    group by m.serial order by m.serial limit 1
) m on true
order by a.id
"""


async def live_a_month(db: Connection, folder: Path, *, days: int = DAYS, seed: int = 1) -> MonthBooks:
    """Live *days* days in the town that *db* holds, and prove all of it. Raises AssertionError where it fails."""
    rng = Random(seed)  # an invented month has no secrets
    flats = [Flat(*row) for row in await db.fetch(FLATS)]
    due_before = await _due(db)
    month = MonthBooks()
    payers = [flat for flat in flats if flat.due > 0]
    rng.shuffle(payers)
    for number in range(days):
        day = BEGIN + timedelta(days=number)
        noon = datetime.combine(day, datetime.min.time(), ZONE) + timedelta(hours=12)
        await _pay(db, payers[number::days], noon, folder=folder, rng=rng, month=month)
        await _give_back(db, noon, rng, month)
        await _clear(db, noon)
        if number == days - 2:
            month.billed += await _bill(db, noon)
        await _settle(db, day, noon + timedelta(days=1), month)
    await _prove(db, due_before, month)
    return month


async def _due(db: Connection) -> int:
    return int(await db.fetchval("select coalesce(sum(owed - advance), 0) from balance"))


# --- Paying ----------------------------------------------------------------------------------------


async def _pay(
    db: Connection,
    payers: Sequence[Flat],
    noon: datetime,
    *,
    folder: Path,
    rng: Random,
    month: MonthBooks,
) -> None:
    by_way: defaultdict[str, list[tuple[Flat, int]]] = defaultdict(list)
    for flat in payers:
        kopecks = flat.due if rng.random() < 0.8 else max(1, flat.due * rng.randint(10, 150) // 100)
        by_way[rng.choice(WAYS)].append((flat, kopecks))
    await _by_card(db, by_way.pop("acquirer", []), noon, month)
    for way, paid in by_way.items():
        path = folder / FILES[way].format(day=noon.date())
        path.write_text("\r\n".join(REGISTERS[way](paid, noon, rng)) + "\r\n", encoding="cp1251")
        [report] = await import_files(db, [path], now=noon, zone=ZONE)
        if not isinstance(report.outcome, Loaded) or report.outcome.added != len(paid):
            raise AssertionError(report)
        month.readings += report.outcome.readings
        month.aside += report.outcome.aside
        month.paid += sum(kopecks for _, kopecks in paid)
    await _find_owners(db, payers, noon)


async def _by_card(
    db: Connection, paid: Sequence[tuple[Flat, int]], noon: datetime, month: MonthBooks
) -> None:
    payments = [
        Payment(
            "yookassa", f"{noon:%Y%m%d}-{flat.account}", "acquirer:yookassa", flat.account, Money(sum_), noon
        )
        for flat, sum_ in paid
    ]
    async with db.transaction():
        # Every notice comes twice.
        verdicts = await receive_payments(db, payments * 2, now=noon, zone=ZONE)
    month.paid += sum(kopecks for _, kopecks in paid)
    month.payments += [
        (verdict.payment, payment.amount.kopecks)
        for verdict, payment in zip(verdicts, payments * 2, strict=True)
        if isinstance(verdict, Received)
    ]


# The payments that are put aside.
ASIDE: Final = "select id from payment where account_id is null and amount > 0 order by id"


async def _find_owners(db: Connection, payers: Sequence[Flat], noon: datetime) -> None:
    found = [row["id"] for row in await db.fetch(ASIDE)]
    owners = {payment: flat.account for payment, flat in zip(found, payers, strict=False)}
    if owners:
        async with db.transaction():
            await match_payments(db, owners, now=noon, zone=ZONE)


def _sber(paid: Sequence[tuple[Flat, int]], noon: datetime, rng: Random) -> Iterator[str]:
    sent = kept = 0
    for number, (flat, kopecks) in enumerate(paid, 1):
        fee = kopecks // 100
        sent, kept = sent + kopecks - fee, kept + fee
        account = "0000000001" if rng.random() < UNKNOWN else flat.number.lstrip("0")
        meter = f"{flat.serial};ХВС;1;{flat.last + 2:.0f};" if flat.serial and flat.last is not None else ""
        sums = f"{_comma(kopecks)};{_comma(kopecks - fee)};{_comma(fee)}"
        yield (
            f"{noon:%d-%m-%Y};12-00-00;9055;9055999V;{noon:%Y%m%d}{number:05};{account};{account};;"
            f"{noon:%m%Y};{meter}[!];;{sums}"
        )
    yield f"={len(paid)};{_comma(sent + kept)};{_comma(sent)};{_comma(kept)};{noon:%d};{noon:%d-%m-%Y} 00:00:00;"


def _post(paid: Sequence[tuple[Flat, int]], noon: datetime, _: Random) -> Iterator[str]:
    yield "Лицевой счет;Сумма платежа;ФИО;Адрес;Дата платежа;Период оплаты;Номер платежного поручения"
    for flat, kopecks in paid:
        yield f"{flat.number:0>12};{_comma(kopecks)};;;{noon:%d.%m.%Y};;{noon:%d%m}"


def _cash(paid: Sequence[tuple[Flat, int]], noon: datetime, _: Random) -> Iterator[str]:
    yield "account;amount;day;time;service;desk;receipt"
    for number, (flat, kopecks) in enumerate(paid, 1):
        yield f"{flat.number};{_comma(kopecks)};{noon:%Y-%m-%d};12:00:00;;1;{number}"


def _payroll(paid: Sequence[tuple[Flat, int]], noon: datetime, _: Random) -> Iterator[str]:
    yield "account;amount;day;order;employer;number"
    for number, (flat, kopecks) in enumerate(paid, 1):
        yield f"{flat.number};{_comma(kopecks)};{noon:%Y-%m-%d};{noon:%d%m};mayak;{number}"
    yield f"={len(paid)};{_comma(sum(kopecks for _, kopecks in paid))}"


def _comma(kopecks: int) -> str:
    return str(Money(kopecks).roubles).replace(".", ",")


Writer = Callable[[Sequence[tuple[Flat, int]], datetime, Random], Iterator[str]]
FILES: Final = {
    "sber": "EPS1_1_1_1_{day:%m%d}.y{day:%d}",
    "post": "post_{day}.csv",
    "cash": "cash_{day}.csv",
    "payroll": "payroll_{day}.csv",
}
REGISTERS: Final[dict[str, Writer]] = {"sber": _sber, "post": _post, "cash": _cash, "payroll": _payroll}


async def _give_back(db: Connection, noon: datetime, rng: Random, month: MonthBooks) -> None:
    """Some of what was paid by card goes back, whole or in part; most of it is settled with providers by then."""
    chosen = [payment for payment in month.payments if rng.random() < REFUNDED]
    month.payments = [payment for payment in month.payments if payment not in chosen]
    asked = [
        Asked(payment, "yookassa", f"r{payment}", Money(max(1, kopecks // rng.choice((1, 3)))), noon)
        for payment, kopecks in chosen
    ]
    if asked:
        async with db.transaction():
            verdicts = await refund_payments(db, asked, now=noon, zone=ZONE)
        if not all(isinstance(verdict, Refunded) for verdict in verdicts):
            raise AssertionError(verdicts)
        month.refunded += sum(one.amount.kopecks for one in asked)


# --- The centre's days -----------------------------------------------------------------------------

# Every way on which money may be.
MONEY_WAYS: Final = "select way from ledger_account where kind = 'in_transit' order by way"


async def _clear(db: Connection, noon: datetime) -> None:
    """All that is on its way arrives, less a hundredth that acquirers keep."""
    places = [LedgerAccount.in_transit(row["way"]) for row in await db.fetch(MONEY_WAYS)]
    postings = []
    for place, held in (await held_by(db, places)).items():
        if held > NOTHING and place.way is not None:
            kept = Money(held.kopecks // 100) if place.way.startswith("acquirer") else NOTHING
            key = f"{place.way}:{noon:%Y-%m-%d}"
            postings.append(
                booking.clearing(way=place.way, arrived=held - kept, kept=kept, key=key, happened_at=noon)
            )
    async with db.transaction():
        await post(db, postings, now=noon, zone=ZONE)


async def _settle(db: Connection, day: date, now: datetime, month: MonthBooks) -> None:
    settlements = await settle_day(db, day, payer=PAYER, now=now, zone=ZONE, rules=due_rules(CENTRE))
    for one in settlements:
        lines = list(register_lines(await collected_in(db, one), one.contract_percent))
        sums = (total(line.collected.gross for line in lines), total(line.fee for line in lines))
        if sums != (one.gross + one.corrections, one.fee) or len(lines) != one.rows:
            raise AssertionError(f"register {one.number} does not add up")
        csv_register(one, lines, zone=ZONE)
        month.gross += sums[0].kopecks
    month.settlements += len(settlements)
    if settlements:
        xlsx_register(settlements[0], [], zone=ZONE)
    if any(one.payout for one in settlements):
        orders = payment_orders(settlements).decode("cp1251").splitlines()
        ordered = sum(Decimal(line.removeprefix("Сумма=")) for line in orders if line.startswith("Сумма="))
        if ordered != total(one.payout for one in settlements).roubles:
            raise AssertionError(f"the orders of {day} do not add up")


# The last bill of every account once more, a month later: what was due is its opening.
NEXT_CHARGES: Final = """
insert into charge
select account_id, $1::date, service_code, provider_id, tariff, volume_individual, volume_common, method,
       charged_individual, charged_common, multiplier, multiplier_sum, recalculation, recalculation_reason, benefit,
       payable, 0, penalty
from charge where period = $2::date
"""
NEXT_BILLS: Final = """
insert into bill
select account_id, $1::date, 0, 0, $3::date, charged, recalculation, benefit, penalty,
       total_due - opening + payments_counted
from bill where period = $2::date
returning account_id, total_due
"""


async def _bill(db: Connection, noon: datetime) -> int:
    last = await db.fetchval("select max(period) from bill")
    following = Month.of(last).plus(1)
    async with db.transaction():
        await db.execute(NEXT_CHARGES, following.first_day, last)
        rows = await db.fetch(NEXT_BILLS, following.first_day, last, noon.date())
        await post_bills(db, [(row["account_id"], following) for row in rows], now=noon, zone=ZONE)
    return sum(row["total_due"] for row in rows)


async def _prove(db: Connection, due_before: int, month: MonthBooks) -> None:
    if faults := await verify(db):
        raise AssertionError("\n".join(map(str, faults[:20])))
    aside = (await held_by(db, [LedgerAccount.suspense()]))[LedgerAccount.suspense()].kopecks
    expected = due_before + month.billed - month.paid + month.refunded - aside
    if (due := await _due(db)) != expected:
        raise AssertionError(f"residents owe {due}, by a simple sum {expected}")
    providers = [row["id"] for row in await db.fetch("select id from provider order by id")]
    owed = await held_by(db, [LedgerAccount.payable(provider) for provider in providers])
    if any(held < NOTHING for held in owed.values()):
        raise AssertionError("a provider was not paid in full")


# --- Running ---------------------------------------------------------------------------------------


async def build_town(db: Connection, folder: Path, *, accounts: int) -> None:
    """Import a generated town whose last bills have just come: its books begin with them."""
    written = write_town(folder, accounts=accounts, seed=1, today=BEGIN, key=b"b" * 64)
    last = str(Month.of(BEGIN).plus(-1))
    files = [path for path in written if not path.name.startswith(MONTHLY) or last in path.name]
    now = datetime.combine(BEGIN, datetime.min.time(), ZONE) + timedelta(hours=6)
    await import_files(db, files, now=now, zone=ZONE)
    await db.execute("analyze")


async def main(accounts: int) -> None:
    """A town of so many *accounts*, and a month of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with TemporaryDirectory(prefix="kvitok-month-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder) as server:
            await migrate(server.url("owner"))
            async with connect(server.url("app")) as db:
                began = time.monotonic()
                await build_town(db, folder / "town", accounts=accounts)
                built = time.monotonic()
                month = await live_a_month(db, folder)
                lived = time.monotonic()
    print(f"{accounts} accounts; the town {built - began:.0f} s, the month {lived - built:.0f} s")
    print(f"paid {month.paid / 100:,.2f}, given back {month.refunded / 100:,.2f}, readings {month.readings}")
    print(f"{month.settlements} registers of {month.gross / 100:,.2f} add up; the books are whole")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
