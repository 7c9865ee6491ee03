"""An account's books, posting by posting, for a clerk to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

import asyncpg
import msgspec

from core.messages import Month
from core.money import Money, total
from core.postings import UNALLOCATED, Kind
from storage.database import Connection


class Move(msgspec.Struct, frozen=True):
    """What a posting changed of one thing: above zero, more is owed (or less is left of the advance).

    *service* and *period* are None for the advance.
    """

    service: str | None
    period: Month | None
    penalty: bool
    amount: Money


class BookEntry(msgspec.Struct, frozen=True):
    """A posting of an account. *booked_on*: the business day that it belongs to; *way*: of its payment."""

    posting: int
    kind: Kind
    happened_at: datetime
    booked_on: date
    payment: int | None
    way: str
    moves: tuple[Move, ...]

    @property
    def change(self) -> Money:
        """By how much more is due afterwards; below zero: less."""
        return total(move.amount for move in self.moves)


# The account of this number.
ACCOUNT: Final = "select id from account where number = $1"


async def account_numbered(db: Connection, number: str) -> int | None:
    """The account of this number; None if there is none."""
    found: int | None = await db.fetchval(ACCOUNT, number)
    return found


# What each posting of an account moved on its ledger accounts, in the order of recording.
ENTRIES: Final = """
select p.id, p.kind, p.happened_at, p.business_day, y.id as payment, coalesce(y.way, '') as way,
       a.kind as place, coalesce(s.name, a.service_code) as service, t.period, sum(side.kopecks)::bigint as kopecks
from posting p
join transfer t on t.posting_id = p.id
cross join lateral (values (t.to_id, t.kopecks), (t.from_id, -t.kopecks)) side (ledger_account_id, kopecks)
join ledger_account a on a.id = side.ledger_account_id and a.account_id = $1
left join service s on s.code = a.service_code
left join payment y on y.posting_id = coalesce(p.origin_id, p.id)
where p.account_id = $1
group by p.id, y.id, y.way, a.kind, s.name, s.sort, a.service_code, a.provider_id, t.period
order by p.id, t.period nulls first, s.sort, a.service_code, a.kind
"""


async def entries_of(db: Connection, account: int) -> list[BookEntry]:
    """The books of *account*, in the order in which they were written."""
    rows = await db.fetch(ENTRIES, account)
    return [_entry(list(of_posting)) for _, of_posting in groupby(rows, key=itemgetter("id"))]


def _entry(rows: Sequence[asyncpg.Record]) -> BookEntry:
    head = rows[0]
    return BookEntry(
        posting=head["id"],
        kind=Kind(head["kind"]),
        happened_at=head["happened_at"],
        booked_on=head["business_day"],
        payment=head["payment"],
        way=head["way"].partition(":")[0],
        moves=_moves(rows),
    )


def _moves(rows: Sequence[asyncpg.Record]) -> tuple[Move, ...]:
    """What was moved for services; what was moved of the advance is one move, whatever it was for."""
    advance = sum(row["kopecks"] for row in rows if row["place"] == UNALLOCATED)
    services = [
        Move(row["service"], Month.of(row["period"]), row["place"] == "penalty", Money(row["kopecks"]))
        for row in rows
        if row["place"] != UNALLOCATED
    ]
    return (*services, *([Move(None, None, False, Money(advance))] if advance else []))
