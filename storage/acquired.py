"""Payments that came through acquirers, as our books have them: to be compared, and to be given back."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from core.acquiring import Attempt
from core.allocation import PENALTY, Share
from core.fiscal import Supplier
from core.money import Money
from core.refund_receipts import RefundAsked, Taken, going_back
from storage import refunding
from storage.attempts import LOCK_ATTEMPT, attempt_from
from storage.database import Connection
from storage.payments import SUPPLIERS
from storage.receiving import payments_of


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


# --- A part of a payment with a receipt ------------------------------------------------------------

# Where the receipts of a go's payer are sent, sealed, if that may be remembered.
CONTACT_OF: Final = """
select rc.contact
from payment_attempt a
join pay_link l on l.id = a.pay_link_id
join chat c on c.id = l.chat_id
join receipt_contact rc on rc.resident_id = c.resident_id
where a.id = $1
"""


async def contact_of(db: Connection, attempt: Attempt) -> bytes | None:
    """Where the receipts of whoever paid by *attempt* are sent, sealed; None if that is not remembered."""
    contact: bytes | None = await db.fetchval(CONTACT_OF, attempt.id)
    return contact


# What an acquirer was asked to give back of a go, with receipts.
SET_REFUNDS: Final = "update payment_attempt set refunds = $2 where id = $1"


async def begin_refund(
    db: Connection, payment: int, attempt: Attempt, amount: Money
) -> tuple[Money, ...] | None:
    """How much of each line of its receipt goes back with *amount* of *payment*; to be committed before asking.

    The same again for a repeat. None if some of it was given back since *attempt* was read.
    """
    [row] = await db.fetch(LOCK_ATTEMPT, attempt.id)
    current = attempt_from(row)
    if current.refunded != attempt.refunded:
        return None
    upto = current.refunded + amount
    for asked in current.refunds:
        if (asked.upto, asked.amount) == (upto, amount):
            return asked.back
    back = going_back(
        current.details.items,
        amount=amount,
        taken=await _taken(db, payment, amount),
        earlier=[asked.back for asked in current.refunds if asked.upto <= current.refunded],
    )
    refunds = (*current.refunds, RefundAsked(upto, amount, back))
    await db.execute(SET_REFUNDS, current.id, msgspec.json.encode(refunds).decode())
    return back


async def _taken(db: Connection, payment: int, amount: Money) -> list[Taken]:
    """What the books would take back, as a receipt calls it."""
    kept = (await payments_of(db, [payment]))[payment]
    left, shares = await refunding.going_back(db, kept, amount)
    rows = await db.fetch(SUPPLIERS, sorted({share.provider for share in shares}))
    suppliers = {row["id"]: Supplier(row["name"], row["inn"]) for row in rows}
    advance = [Taken("", None, left)] if left else []
    return advance + [Taken(_code(share), suppliers.get(share.provider), share.amount) for share in shares]


def _code(share: Share) -> str:
    return PENALTY if share.penalty else share.service
