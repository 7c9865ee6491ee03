"""Payments: received, put aside, found to be somebody's. Each is posted once and spread over what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final, TypeAlias

import asyncpg
import msgspec

from core import booking
from core.allocation import PROPORTIONAL, Named, Rule, Share
from core.booking import Payment
from core.money import Money, total
from core.postings import Posted, Repeat, Verdict
from storage.database import Connection
from storage.differences import mark_differences
from storage.ledger import post
from storage.settling import lock_accounts, settle


class Received(msgspec.Struct, frozen=True, tag=True):
    """The payment was posted: how it was spread, and what of it is *left* as an advance or put aside."""

    payment: int
    posting: int
    shares: tuple[Share, ...]
    left: Money


class ReceivedBefore(msgspec.Struct, frozen=True, tag=True):
    """The very same payment was posted before, as *payment*; nothing was changed."""

    payment: int


class ReceivedOtherwise(msgspec.Struct, frozen=True, tag=True):
    """Its external id belongs to a payment of other content, *payment*; nothing was changed."""

    payment: int


PaymentVerdict: TypeAlias = Received | ReceivedBefore | ReceivedOtherwise


async def receive_payments(
    db: Connection,
    payments: Sequence[Payment],
    *,
    now: datetime,
    zone: tzinfo,
    rule: Rule = PROPORTIONAL,
) -> list[PaymentVerdict]:
    """Post *payments* and spread them over what their accounts owe; one verdict each, in their order.

    *now* is the business clock's, *zone* and *rule* the centre's. A payment without an account is put aside.
    """
    await lock_accounts(db, [payment.account for payment in payments if payment.account is not None])
    verdicts = await post(db, [booking.payment(payment) for payment in payments], now=now, zone=zone)
    numbers = await _keep(db, list(zip(payments, verdicts, strict=True)), zone)
    fresh = [
        payment for payment, verdict in zip(payments, verdicts, strict=True) if isinstance(verdict, Posted)
    ]
    occasions = {payment.account: payment.key for payment in fresh if payment.account is not None}
    applied = await settle(db, occasions, now=now, zone=zone, rule=rule)
    await mark_differences(db, list(occasions))
    spread = {origin: part.allocation.shares for origin, part in applied.items()}
    return [
        _verdict(payment, verdict, numbers, spread)
        for payment, verdict in zip(payments, verdicts, strict=True)
    ]


def _verdict(
    payment: Payment,
    verdict: Verdict,
    numbers: Mapping[int, int],
    spread: Mapping[str, tuple[Share, ...]],
) -> PaymentVerdict:
    number = numbers[verdict.posting]
    if isinstance(verdict, Posted):
        shares = spread.get(payment.key, ())
        left = payment.amount - total(share.amount for share in shares)
        return Received(number, verdict.posting, shares, left)
    return ReceivedBefore(number) if isinstance(verdict, Repeat) else ReceivedOtherwise(number)


# Keep payments.
ADD_PAYMENTS: Final = """
insert into payment (
    posting_id, source_name, external_id, way, account_id, amount, paid_at, paid_on, purpose, named
)
select posting_id, source_name, external_id, way, account_id, amount, paid_at, paid_on, purpose, named::jsonb
from unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::date[],
    $9::text[], $10::text[]
) as new (
    posting_id, source_name, external_id, way, account_id, amount, paid_at, paid_on, purpose, named
)
"""

# The payments of these postings.
PAYMENTS_BY_POSTING: Final = "select posting_id, id from payment where posting_id = any($1::bigint[])"


async def _keep(db: Connection, received: Sequence[tuple[Payment, Verdict]], zone: tzinfo) -> dict[int, int]:
    rows = [
        (
            verdict.posting,
            payment.source,
            payment.external_id,
            payment.way,
            payment.account,
            payment.amount.kopecks,
            payment.paid_at,
            payment.paid_at.astimezone(zone).date(),
            payment.purpose,
            msgspec.json.encode(payment.named).decode(),
        )
        for payment, verdict in received
        if isinstance(verdict, Posted)
    ]
    if rows:
        await db.execute(ADD_PAYMENTS, *zip(*rows, strict=True))
    postings = [verdict.posting for _, verdict in received]
    return {row["posting_id"]: row["id"] for row in await db.fetch(PAYMENTS_BY_POSTING, postings)}


# --- Payments in the books -------------------------------------------------------------------------

# Against whoever else matches or refunds these payments.
LOCK_PAYMENTS: Final = """
select count(*) from (select from payment where id = any($1::bigint[]) order by id for update) locked
"""

# These payments as they were received, and what was given back of them since.
PAYMENTS: Final = """
select p.id, p.posting_id, p.source_name, p.external_id, p.way, p.account_id, p.amount, p.paid_at, p.named, p.purpose,
       (select coalesce(-sum(r.amount), 0)::bigint from payment r where r.reverses_payment_id = p.id) as refunded
from payment p
where p.id = any($1::bigint[]) and p.amount > 0
"""


class Kept(msgspec.Struct, frozen=True):
    """A payment in the books: what was received, and how much of it was given back since."""

    number: int
    posting: int
    payment: Payment
    refunded: Money

    @property
    def held(self) -> Money:
        """What is still held of it."""
        return self.payment.amount - self.refunded


async def payments_of(db: Connection, numbers: Sequence[int]) -> dict[int, Kept]:
    """The payments of these *numbers*; refunds are none."""
    return {row["id"]: _kept(row) for row in await db.fetch(PAYMENTS, numbers)}


async def lock_payments(db: Connection, numbers: Sequence[int]) -> dict[int, Kept]:
    """The same, to ourselves until the transaction ends; their accounts are locked before."""
    await db.execute(LOCK_PAYMENTS, numbers)
    return await payments_of(db, numbers)


def _kept(row: asyncpg.Record) -> Kept:
    payment = Payment(
        source=row["source_name"],
        external_id=row["external_id"],
        way=row["way"],
        account=row["account_id"],
        amount=Money(row["amount"]),
        paid_at=row["paid_at"],
        named=msgspec.convert(row["named"], tuple[Named, ...]),
        purpose=row["purpose"],
    )
    return Kept(row["id"], row["posting_id"], payment, Money(row["refunded"]))


# --- Payments that were put aside ------------------------------------------------------------------


class Matched(msgspec.Struct, frozen=True, tag=True):
    """The payment is its account's now: how it was spread, and what is left of it as an advance."""

    shares: tuple[Share, ...]
    left: Money


class NotPutAside(msgspec.Struct, frozen=True, tag=True):
    """No such payment is put aside: it is *account*'s; or (None) it was given back or never came."""

    account: int | None


# Whose these payments are, once and for ever.
CLAIM_PAYMENTS: Final = """
update payment set account_id = found.account_id
from unnest($1::bigint[], $2::bigint[]) as found (id, account_id)
where payment.id = found.id
"""


async def match_payments(
    db: Connection, found: Mapping[int, int], *, now: datetime, zone: tzinfo, rule: Rule = PROPORTIONAL
) -> dict[int, Matched | NotPutAside]:
    """Give payments that were put aside, by their numbers, to the accounts that they are *found* to be for."""
    await lock_accounts(db, found.values())
    kept = await lock_payments(db, list(found))
    aside = {number: one for number, one in kept.items() if one.payment.account is None and one.held}
    postings = [
        booking.matching(one.payment, account=found[number], held=one.held, happened_at=now)
        for number, one in aside.items()
    ]
    await post(db, postings, now=now, zone=zone)
    if aside:
        await db.execute(CLAIM_PAYMENTS, list(aside), [found[number] for number in aside])
    occasions = {found[number]: posting.key for number, posting in zip(aside, postings, strict=True)}
    applied = await settle(db, occasions, now=now, zone=zone, rule=rule)
    await mark_differences(db, list(occasions))
    verdicts: dict[int, Matched | NotPutAside] = {}
    for number in found:
        if (one := aside.get(number)) is not None:
            part = applied.get(one.payment.key)
            shares = part.allocation.shares if part else ()
            verdicts[number] = Matched(shares, one.held - total(share.amount for share in shares))
        else:
            verdicts[number] = NotPutAside(kept[number].payment.account if number in kept else None)
    return verdicts
