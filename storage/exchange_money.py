"""Merging charges, bills and payments; bills and payments are posted to the books in the same transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from operator import itemgetter
from typing import Final, TypeAlias

import asyncpg
import msgspec

from core.allocation import Named, Rule
from core.booking import Payment
from core.errors import KvitokError
from core.messages import Month
from core.money import Money
from storage.billing import post_bills
from storage.database import Connection
from storage.exchange_cells import NamedLine
from storage.exchange_protocol import Loaded
from storage.receiving import PaymentVerdict, Received, ReceivedBefore, ReceivedOtherwise, receive_payments
from storage.refunding import Asked, Refunded, refund_payments

ROWS_AT_ONCE: Final = 1_000

# Told how many rows of a file are merged so far.
Merged: TypeAlias = Callable[[int], None]


class UnmergeableError(KvitokError):
    """The books refuse rows of a file that looked right in staging; nothing of it is applied."""

    def __init__(self, bad: Sequence[tuple[int, str, str]]) -> None:
        super().__init__(f"{len(bad)} rows cannot be merged")
        self.bad = bad


# --- Charges ---------------------------------------------------------------------------------------

# Take away what an earlier file said of months that have no bill yet and that this file is about.
CLEAR_CHARGES: Final = """
delete from charge c
using (select distinct a.id, s.period from staged_charges s join account a on a.number = s.account) told
where c.account_id = told.id and c.period = told.period
    and not exists (select from bill b where b.account_id = c.account_id and b.period = c.period)
"""

ADD_CHARGES: Final = """
with added as (
    insert into charge (
        account_id, period, service_code, provider_id, tariff, volume_individual, volume_common, method,
        charged_individual, charged_common, multiplier, multiplier_sum, recalculation, recalculation_reason,
        benefit, payable, opening, penalty
    )
    select a.id, s.period, s.service_code, s.provider_id, s.tariff, s.volume_individual, s.volume_common,
        s.method, s.charged_individual, s.charged_common, s.multiplier, s.multiplier_sum, s.recalculation,
        s.recalculation_reason, s.benefit, s.payable, s.opening, s.penalty
    from staged_charges s
    join account a on a.number = s.account
    where not exists (select from bill b where b.account_id = a.id and b.period = s.period)
    returning 1
)
select count(*) from added
"""


async def merge_charges(db: Connection, rows: int) -> Loaded:
    """Merge a staged file of charges: they wait for their bills."""
    await db.execute(CLEAR_CHARGES)
    return Loaded(rows, await db.fetchval(ADD_CHARGES))


# --- Bills -----------------------------------------------------------------------------------------

ADD_BILLS: Final = """
insert into bill (
    account_id, period, opening, payments_counted, counted_until, charged, recalculation, benefit, penalty,
    total_due, gis_document_id, pdf_ref
)
select a.id, s.period, s.opening, s.payments_counted, s.counted_until, s.charged, s.recalculation, s.benefit,
    s.penalty, s.total_due, s.gis_document_id, s.pdf_ref
from staged_bill_totals s
join account a on a.number = s.account
order by a.id, s.period
on conflict (account_id, period) do nothing
returning account_id, period
"""

# A bill closes its month: what it was made of is not corrected any more.
LOCK_READINGS: Final = """
update reading r set status = 'locked'
from unnest($1::bigint[], $2::date[]) as billed (account_id, period)
join meter m on m.account_id = billed.account_id
where r.meter_id = m.id and r.counted_period <= billed.period and r.status in ('received', 'accepted')
"""


async def merge_bills(
    db: Connection, rows: int, *, now: datetime, zone: tzinfo, rule: Rule, merged: Merged
) -> Loaded:
    """Merge a staged file of bills: post them, and lock the readings that they were made of."""
    added = sorted(await db.fetch(ADD_BILLS), key=itemgetter("account_id", "period"))
    for done in range(0, len(added), ROWS_AT_ONCE):
        chunk = added[done : done + ROWS_AT_ONCE]
        accounts, periods = [row["account_id"] for row in chunk], [row["period"] for row in chunk]
        bills = list(zip(accounts, map(Month.of, periods), strict=True))
        await post_bills(db, bills, now=now, zone=zone, rule=rule)
        await db.execute(LOCK_READINGS, accounts, periods)
        merged(done + len(chunk))
    return Loaded(rows, len(added))


# --- Payments --------------------------------------------------------------------------------------

# Payments that are not in the books yet: those that came before those given back, accounts in order.
NEW_PAYMENTS: Final = """
select s.line, s.account, s.source_name, s.external_id, s.channel, a.id as account_id, s.amount, s.paid_at, s.purpose,
    s.payer_named_lines, s.reverses_payment_id
from staged_payments s
left join account a on a.number = s.account
where not exists (
    select from payment p where p.source_name = s.source_name and p.external_id = s.external_id
)
order by s.amount < 0, a.id nulls first, s.paid_at, s.line
"""

# The payments that others in the file give back.
REVERSED: Final = """
select s.line, p.id, p.amount
from staged_payments s
join payment p on p.source_name = s.source_name and p.external_id = s.reverses_payment_id
where s.line = any($1::integer[])
"""


async def merge_payments(
    db: Connection, rows: int, *, now: datetime, zone: tzinfo, rule: Rule, merged: Merged
) -> Loaded:
    """Merge a staged file of payments; one of an unknown account is put aside, with a case for staff.

    Raises UnmergeableError.
    """
    new = await db.fetch(NEW_PAYMENTS)
    incoming = [row for row in new if row["amount"] > 0]
    aside = 0
    for done in range(0, len(incoming), ROWS_AT_ONCE):
        chunk = incoming[done : done + ROWS_AT_ONCE]
        verdicts = await receive_payments(db, [_payment(row) for row in chunk], now=now, zone=zone, rule=rule)
        numbers = [_number(row, verdict) for row, verdict in zip(chunk, verdicts, strict=True)]
        aside += await _tell_staff(db, dict(zip(numbers, chunk, strict=True)), now)
        merged(done + len(chunk))
    await _give_back(db, [row for row in new if row["amount"] < 0], now=now, zone=zone, rule=rule)
    return Loaded(rows, len(new), aside=aside)


def _number(row: asyncpg.Record, verdict: PaymentVerdict) -> int:
    match verdict:
        case Received(payment=number) | ReceivedBefore(payment=number):
            return number
        case ReceivedOtherwise():
            raise UnmergeableError([(row["line"], "external_id", "is recorded with another content")])


# Cases about payments that were put aside.
OPEN_CASES: Final = """
insert into staff_case (kind, facts, opened_at)
select 'payment_aside', jsonb_build_object('payment', payment::text, 'account', account), $3
from unnest($1::bigint[], $2::text[]) as aside (payment, account)
"""


async def _tell_staff(db: Connection, received: Mapping[int, asyncpg.Record], now: datetime) -> int:
    aside = {number: row["account"] for number, row in received.items() if row["account_id"] is None}
    if aside:
        await db.execute(OPEN_CASES, list(aside), list(aside.values()), now)
    return len(aside)


async def _give_back(
    db: Connection, rows: Sequence[asyncpg.Record], *, now: datetime, zone: tzinfo, rule: Rule
) -> None:
    found = {row["line"]: row for row in await db.fetch(REVERSED, [row["line"] for row in rows])}
    asked = [
        Asked(
            payment=found[row["line"]]["id"],
            source=row["source_name"],
            external_id=row["external_id"],
            amount=Money(-row["amount"]),
            refunded_at=row["paid_at"],
            storno=-row["amount"] == found[row["line"]]["amount"],
        )
        for row in rows
    ]
    if asked:
        verdicts = await refund_payments(db, asked, now=now, zone=zone, rule=rule)
        bad = [
            row["line"]
            for row, verdict in zip(rows, verdicts, strict=True)
            if not isinstance(verdict, Refunded)
        ]
        if bad:
            reason = "is more than is left of the payment that it reverses"
            raise UnmergeableError([(line, "amount", reason) for line in bad])


def _payment(row: asyncpg.Record) -> Payment:
    named = row["payer_named_lines"]
    way = row["channel"]
    return Payment(
        source=row["source_name"],
        external_id=row["external_id"],
        # Money from two banks is on its way twice; there is one post and one cash desk.
        way=f"{way}:{row['source_name']}" if way in {"bank", "acquirer"} else way,
        account=row["account_id"],
        amount=Money(row["amount"]),
        paid_at=row["paid_at"],
        named=tuple(_named(named)) if named else (),
        purpose=row["purpose"],
    )


def _named(lines: str) -> Iterator[Named]:
    for line in msgspec.json.decode(lines, type=list[NamedLine]):
        yield Named(line.service_code, Money.rounded(line.amount))
