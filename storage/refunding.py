"""Giving payments back: what services got of them is taken back, newest first, then the money goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final, TypeAlias

import msgspec

from core import booking
from core.allocation import PROPORTIONAL, Rule, Share, undo
from core.booking import Refund
from core.errors import KvitokError
from core.messages import Month
from core.money import NOTHING, Money
from storage.database import Connection
from storage.differences import mark_differences
from storage.ledger import post
from storage.postings import recorded
from storage.receiving import Kept, ReceivedBefore, ReceivedOtherwise, lock_payments, payments_of
from storage.recording import Entry
from storage.settling import lock_accounts, settle


class PaymentMovedError(KvitokError):
    """A payment was matched to an account while its refund waited; the refund may be tried again."""

    def __init__(self, payment: int) -> None:
        super().__init__(f"payment {payment} was matched to an account meanwhile")
        self.payment = payment


class Asked(msgspec.Struct, frozen=True):
    """A refund of *amount* (positive) of the payment of that number; *storno*: all of it, for it never came."""

    payment: int
    source: str
    external_id: str
    amount: Money
    refunded_at: datetime
    storno: bool = False


class Refunded(msgspec.Struct, frozen=True, tag=True):
    """It was given back, as the payment of the number *refund*: what was taken back from services for it."""

    refund: int
    posting: int
    shares: tuple[Share, ...]


class NotHeld(msgspec.Struct, frozen=True, tag=True):
    """More was asked than is *held* of the payment (or, to storno it, some was given back); nothing changed."""

    held: Money


RefundVerdict: TypeAlias = Refunded | ReceivedBefore | ReceivedOtherwise | NotHeld


async def refund_payments(
    db: Connection, asked: Sequence[Asked], *, now: datetime, zone: tzinfo, rule: Rule = PROPORTIONAL
) -> list[RefundVerdict]:
    """Give back what is *asked*, one after the other; one verdict each, in their order.

    Raises PaymentMovedError.
    """
    numbers = sorted({one.payment for one in asked})
    before = await payments_of(db, numbers)
    accounts = {number: kept.payment.account for number, kept in before.items()}
    await lock_accounts(db, [account for account in accounts.values() if account is not None])
    for number, kept in (await lock_payments(db, numbers)).items():
        if kept.payment.account != accounts.get(number):
            raise PaymentMovedError(number)
    return [await _refund(db, one, now=now, zone=zone, rule=rule) for one in asked]


async def _refund(db: Connection, asked: Asked, *, now: datetime, zone: tzinfo, rule: Rule) -> RefundVerdict:
    kept = (await payments_of(db, [asked.payment])).get(asked.payment)
    if kept is None:
        return NotHeld(NOTHING)
    refund = Refund(
        kept.payment, asked.source, asked.external_id, asked.amount, asked.refunded_at, asked.storno
    )
    if known := await _known(db, refund):
        return known
    if asked.amount > kept.held or (asked.storno and asked.amount != kept.payment.amount):
        return NotHeld(kept.held)
    shares = await _take_back(db, kept, refund, now=now, zone=zone)
    [verdict] = await post(db, [booking.refund(refund)], now=now, zone=zone)
    number = await _keep(db, kept, refund, verdict.posting, zone)
    if kept.payment.account is not None:
        await settle(db, {kept.payment.account: refund.key}, now=now, zone=zone, rule=rule)
        await mark_differences(db, [kept.payment.account])
    return Refunded(number, verdict.posting, shares)


# The payment of a posting.
PAYMENT_BY_POSTING: Final = "select id from payment where posting_id = $1"


async def _known(db: Connection, refund: Refund) -> ReceivedBefore | ReceivedOtherwise | None:
    there = (await recorded(db, [refund.key])).get(refund.key)
    if there is None:
        return None
    posting, said = there
    number = await db.fetchval(PAYMENT_BY_POSTING, posting)
    same = said == Entry.of(booking.refund(refund)).hash
    return ReceivedBefore(number) if same else ReceivedOtherwise(number)


# What is left of a payment as an advance.
LEFT: Final = "select kopecks from advance where origin_id = $1"

# What services hold of a payment, in the order in which they got it.
GIVEN: Final = """
select period, service_code, provider_id, penalty, sum(kopecks)::bigint as kopecks
from allocation
where payment_id = $1
group by period, service_code, provider_id, penalty
having sum(kopecks) > 0
order by max(array[posting_id, no]) filter (where kopecks > 0)
"""


async def going_back(db: Connection, kept: Kept, amount: Money) -> tuple[Money, tuple[Share, ...]]:
    """What a refund of *amount* would take: so much of the advance, and of services, the newest first."""
    left = min(amount, Money(await db.fetchval(LEFT, kept.posting) or 0))
    if kept.payment.account is None or left == amount:
        return left, ()
    given = [
        Share(
            Month.of(row["period"]),
            row["service_code"],
            row["provider_id"],
            Money(row["kopecks"]),
            row["penalty"],
        )
        for row in await db.fetch(GIVEN, kept.number)
    ]
    return left, undo(given, back=amount - left).shares


async def _take_back(
    db: Connection, kept: Kept, refund: Refund, *, now: datetime, zone: tzinfo
) -> tuple[Share, ...]:
    account = kept.payment.account
    _, shares = await going_back(db, kept, refund.amount)
    if account is not None and shares:
        await post(db, [booking.undoing(refund, account=account, shares=shares)], now=now, zone=zone)
    return shares


# Keep a refund as a payment below zero.
ADD_REFUND: Final = """
insert into payment (
    posting_id, source_name, external_id, way, account_id, amount, paid_at, paid_on, reverses_payment_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
returning id
"""


async def _keep(db: Connection, kept: Kept, refund: Refund, posting: int, zone: tzinfo) -> int:
    number: int = await db.fetchval(
        ADD_REFUND,
        posting,
        refund.source,
        refund.external_id,
        kept.payment.way,
        kept.payment.account,
        -refund.amount.kopecks,
        refund.refunded_at,
        refund.refunded_at.astimezone(zone).date(),
        kept.number,
    )
    return number
