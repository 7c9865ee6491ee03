"""Money that has arrived at the centre's bank: which payments an agent's transfer brought, and what was kept.

A transfer is booked when the bank tells of it; which payments it brought may be known only later, when their
register comes or the acquirer is asked. So whichever comes first, the books end up the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Final, TypeAlias

import asyncpg
import msgspec

from core import booking
from core.bank_statements import Agent, Bank, Batch, brought_by
from core.money import NOTHING, Money, total
from core.postings import Posting
from storage.database import Connection
from storage.ledger import post


class Arrived(msgspec.Struct, frozen=True):
    """An agent's transfer of money that was on *way*, as the bank's document has it."""

    id: int
    key: str
    number: str
    day: date
    way: str
    inn: str
    amount: Money
    purpose: str


class Cleared(msgspec.Struct, frozen=True, tag=True):
    """It is known which payments a transfer brought: those of *batches*; *kept* is what its agent kept of them."""

    arrived: Arrived
    batches: tuple[Batch, ...]

    @property
    def kept(self) -> Money:
        """What the agent kept of them; nothing is known where no payments are."""
        return total(batch.gross for batch in self.batches) - self.arrived.amount if self.batches else NOTHING


class NotWaiting(msgspec.Struct, frozen=True, tag=True):
    """No transfer of this number waits for its payments."""


class NoBatches(msgspec.Struct, frozen=True, tag=True):
    """These are no payments that have not arrived; *there* are those of the way."""

    names: tuple[str, ...]
    there: tuple[Batch, ...]


class TooLittle(msgspec.Struct, frozen=True, tag=True):
    """The payments are less than what came."""

    gross: Money


Match: TypeAlias = Cleared | NotWaiting | NoBatches | TooLittle

# What has not arrived of these ways, by the order of a register or by the day.
BATCHES: Final = """
select p.way, coalesce(nullif(r.order_no, ''), to_char(p.paid_on, 'YYYY-MM-DD')) as name, max(p.paid_on) as day,
       sum(p.amount)::bigint as gross,
       case when bool_and(r.sent is not null) then sum(r.sent)::bigint end as sent,
       array_agg(p.id order by p.id) as payments
from payment p
left join remittance r on r.payment_id = p.id
where p.way = any($1::text[]) and not exists (select from clearance c where c.payment_id = p.id)
group by p.way, name
order by p.way, day, name
"""


async def open_batches(db: Connection, ways: Collection[str]) -> list[Batch]:
    """Payments on *ways* whose money has not arrived, by the order of their register or by day."""
    return [
        Batch(
            way=row["way"],
            name=row["name"],
            day=row["day"],
            gross=Money(row["gross"]),
            sent=None if row["sent"] is None else Money(row["sent"]),
            payments=tuple(row["payments"]),
        )
        for row in await db.fetch(BATCHES, sorted(ways))
    ]


# Agents' transfers of which it is not known what they brought, to ourselves.
WAITING: Final = """
select id, key, number, day, way, inn, amount, coalesce(purpose, '') as purpose
from bank_document
where kind = 'remittance' and not matched and ($1::bigint is null or id = $1)
order by day, id for update
"""


async def waiting(db: Connection, document: int | None = None) -> list[Arrived]:
    """Agents' transfers of which it is not known what they brought; or only that of the number *document*."""
    return [_arrived(row) for row in await db.fetch(WAITING, document)]


def _arrived(row: asyncpg.Record) -> Arrived:
    values = dict(row)
    return Arrived(**values | {"amount": Money(row["amount"])})


async def clear_waiting(db: Connection, bank: Bank, *, now: datetime, zone: tzinfo) -> list[Cleared]:
    """Find the payments of every transfer that waits for them, where that is beyond doubt; what was found."""
    documents = await waiting(db)
    batches = await open_batches(db, {document.way for document in documents}) if documents else []
    agents: Mapping[tuple[str, str], Agent] = {(agent.way, agent.inn): agent for agent in bank.agents}
    found: list[Cleared] = []
    for document in documents:
        agent = agents.get((document.way, document.inn))
        if agent is None:
            continue
        brought = brought_by(
            number=document.number,
            day=document.day,
            amount=document.amount,
            purpose=document.purpose,
            agent=agent,
            batches=[batch for batch in batches if batch.way == document.way],
        )
        if brought:
            batches = [batch for batch in batches if batch not in brought]
            found.append(Cleared(document, brought))
    await _clear(db, found, now=now, zone=zone)
    return found


async def clear_by_hand(
    db: Connection, document: int, names: Sequence[str], *, now: datetime, zone: tzinfo
) -> Match:
    """Clear the batches of these *names* by the transfer of the number *document*, as a person says.

    Without names its payments were settled before statements were loaded, and it waits for none.
    """
    arrived = next(iter(await waiting(db, document)), None)
    if arrived is None:
        return NotWaiting()
    there = await open_batches(db, [arrived.way])
    named = tuple(batch for batch in there if batch.name in names)
    if unknown := tuple(name for name in names if name not in {batch.name for batch in named}):
        return NoBatches(unknown, tuple(there))
    cleared = Cleared(arrived, named)
    if cleared.kept < NOTHING:
        return TooLittle(total(batch.gross for batch in named))
    await _clear(db, [cleared], now=now, zone=zone)
    return cleared


# A document has its payments; what its purpose said is needed no more.
MATCH_DOCUMENTS: Final = """
update bank_document set matched = true, purpose = null, kept_posting_id = found.kept_posting_id
from unnest($1::bigint[], $2::bigint[]) as found (id, kept_posting_id)
where bank_document.id = found.id
"""

# The money of payments has arrived by a document, on that day or the first one that is not settled.
ADD_CLEARANCES: Final = """
insert into clearance (payment_id, day, document_id)
select payment_id, greatest(day, (select max(day) + 1 from seal)), document_id
from unnest($1::bigint[], $2::date[], $3::bigint[]) as arrived (payment_id, day, document_id)
"""


async def _clear(db: Connection, cleared: Sequence[Cleared], *, now: datetime, zone: tzinfo) -> None:
    kept: dict[int, int] = {}
    for one in cleared:
        if one.kept:
            key = f"{one.arrived.key}:kept"
            posting = clearing_posting(
                one.arrived.way, arrived=NOTHING, kept=one.kept, key=key, day=one.arrived.day, zone=zone
            )
            [verdict] = await post(db, [posting], now=now, zone=zone, day=one.arrived.day)
            kept[one.arrived.id] = verdict.posting
    documents = [one.arrived.id for one in cleared]
    if documents:
        await db.execute(MATCH_DOCUMENTS, documents, [kept.get(number) for number in documents])
        today = now.astimezone(zone).date()
        await add_clearances(
            db,
            [
                (payment, min(one.arrived.day, today), one.arrived.id)
                for one in cleared
                for batch in one.batches
                for payment in batch.payments
            ],
        )


def clearing_posting(way: str, *, arrived: Money, kept: Money, key: str, day: date, zone: tzinfo) -> Posting:
    """What came, or was kept, by the document of this *key*, at noon of its *day*."""
    happened_at = datetime.combine(day, time(12), zone)
    return booking.clearing(way=way, arrived=arrived, kept=kept, key=key, happened_at=happened_at)


async def add_clearances(db: Connection, rows: Iterable[tuple[int, date, int]]) -> None:
    """Note that the money of payments has arrived: the payment, the day, the bank's document."""
    if columns := list(zip(*rows, strict=True)):
        await db.execute(ADD_CLEARANCES, *columns)
