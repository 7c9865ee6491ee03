"""Payments that came through acquirers, as our books have them: to be compared, and to be given back."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from core.acquiring import Attempt
from core.money import Money
from storage.attempts import attempt_from
from storage.database import Connection


class Acquired(msgspec.Struct, frozen=True):
    """A payment of the number *payment*, by the acquirer's name of it, and what of it was given back."""

    payment: int
    operation: str
    amount: Money
    refunded: Money


# What came through an acquirer on a day.
ACQUIRED: Final = """
select p.id, p.external_id, p.amount,
       (select coalesce(-sum(r.amount), 0)::bigint from payment r where r.reverses_payment_id = p.id) as refunded
from payment p
where p.source_name = $1 and p.way = 'acquirer:' || $1 and p.amount > 0 and p.paid_on = $2
order by p.id
"""


async def acquired_on(db: Connection, acquirer: str, day: date) -> dict[str, Acquired]:
    """What the books received through *acquirer* on *day*, by the acquirer's names of it."""
    rows = await db.fetch(ACQUIRED, acquirer, day)
    return {
        row["external_id"]: Acquired(
            row["id"], row["external_id"], Money(row["amount"]), Money(row["refunded"])
        )
        for row in rows
    }


# Goes that an acquirer knows and that were begun or asked about around a day, whatever came of them.
BEGUN: Final = """
select operation_id from payment_attempt
where acquirer = $1 and operation_id is not null
  and created_at >= ($2::date - 1)::timestamptz and created_at < ($2::date + 2)::timestamptz
order by id
"""


async def begun_around(db: Connection, acquirer: str, day: date) -> list[str]:
    """The acquirer's names of what was begun a day before *day* or on it: what may have been paid then."""
    return [row["operation_id"] for row in await db.fetch(BEGUN, acquirer, day)]


# The go by which a payment was made.
ATTEMPT_OF: Final = "select * from payment_attempt where payment_id = $1"


async def attempt_of(db: Connection, payment: int) -> Attempt | None:
    """The go by which *payment* was made; None for one that came otherwise."""
    row = await db.fetchrow(ATTEMPT_OF, payment)
    return attempt_from(row) if row else None
