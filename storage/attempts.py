"""Goes at paying a link: begun, answered by the acquirer, settled once, and asked about while they are open.

Locks: chats, then links and goes (which nothing else holds), then what the books lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

import asyncpg
import msgspec

from core.acquiring import (
    POSTED,
    Attempt,
    AttemptState,
    Become,
    Contradiction,
    Created,
    Details,
    Down,
    Found,
    GiveBack,
    Judgement,
    PayLink,
    Post,
    Refused,
    Stay,
    Unreadable,
    judge,
    judge_missing,
    move,
    reusable,
)
from core.allocation import PROPORTIONAL, Rule
from core.booking import Payment
from core.fiscal import named
from core.money import Money
from core.refund_receipts import RefundAsked
from core.turns import Event, PaymentRefunded, PaymentSettled
from storage import events
from storage.database import Connection
from storage.receiving import Received, ReceivedBefore, ReceivedOtherwise, receive_payments
from storage.refunding import Asked, NotHeld, Refunded, refund_payments


def attempt_from(row: asyncpg.Record) -> Attempt:
    """The go at paying that a row of `payment_attempt` is."""
    return Attempt(
        id=row["id"],
        acquirer=row["acquirer"],
        key=row["idempotence_key"],
        amount=Money(row["amount"]),
        description=row["description"],
        state=AttemptState(row["state"]),
        created_at=row["created_at"],
        operation=row["operation_id"],
        url=row["url"],
        case=row["case_id"],
        details=msgspec.json.decode(row["details"], type=Details),
        contact=row["contact"],
        paid_at=row["paid_at"],
        refunded=Money(row["refunded"]),
        refunds=msgspec.json.decode(row["refunds"], type=tuple[RefundAsked, ...]),
    )


# Against another press of the same button: a link has one open go for a sum at an acquirer.
LOCK_LINK: Final = "select from pay_link where id = $1 for update"

ATTEMPTS: Final = "select * from payment_attempt where pay_link_id = $1 order by id"

ADD_ATTEMPT: Final = """
insert into payment_attempt
    (pay_link_id, acquirer, idempotence_key, amount, description, details, contact, state, created_at, changed_at,
     asked_at)
values ($1, $2, $3, $4, $5, $6, $7, 'created', $8, $8, $8)
returning *
"""


class Wanted(msgspec.Struct, frozen=True):
    """A payment that is to be begun; *contact* is sealed."""

    acquirer: str
    amount: Money
    description: str
    details: Details = Details()
    contact: bytes | None = None


async def begin_attempt(db: Connection, link: PayLink, wanted: Wanted, *, now: datetime) -> Attempt | None:
    """The open go at paying *link* that may be gone on with, or a new one; to be committed before asking.

    None if something of the link was paid since it was read.
    """
    await db.execute(LOCK_LINK, link.id)
    attempts = [attempt_from(row) for row in await db.fetch(ATTEMPTS, link.id)]
    if _posted(attempts) != _posted(link.attempts):
        return None
    if (open_one := reusable(attempts, wanted.acquirer, wanted.amount, now=now)) is not None:
        return open_one
    [row] = await db.fetch(
        ADD_ATTEMPT,
        link.id,
        wanted.acquirer,
        secrets.token_hex(16),
        wanted.amount.kopecks,
        wanted.description,
        msgspec.json.encode(wanted.details).decode(),
        wanted.contact,
        now,
    )
    return attempt_from(row)


def _posted(attempts: Sequence[Attempt]) -> set[int]:
    return {attempt.id for attempt in attempts if attempt.state in POSTED}


# --- What acquirers answer -------------------------------------------------------------------------

LOCK_ATTEMPT: Final = "select * from payment_attempt where id = $1 for update"

# A go as it stands now; what is known of the acquirer's payment is never forgotten, and where the receipt is
# sent is forgotten as soon as nothing has to be repeated.
MOVE_ATTEMPT: Final = """
update payment_attempt
set state = $2, operation_id = coalesce($3, operation_id), url = coalesce($4, url),
    payment_id = coalesce($5, payment_id), case_id = coalesce($6, case_id), changed_at = $7,
    contact = case when $2 in ('created', 'unknown') and coalesce($3, operation_id) is null then contact end
where id = $1
"""


# A go was asked about and stands where it stood.
TOUCH_ATTEMPT: Final = "update payment_attempt set changed_at = $2 where id = $1"


async def note_created(
    db: Connection, attempt: Attempt, answer: Created | Refused | Down, *, now: datetime
) -> None:
    """Keep what the acquirer answered to being asked to create *attempt*; a notice may have overtaken it."""
    [row] = await db.fetch(LOCK_ATTEMPT, attempt.id)
    current = attempt_from(row)
    match answer:
        case Created(operation, url):
            state = _next(current, AttemptState.PENDING)
            await db.execute(MOVE_ATTEMPT, current.id, state, operation, url, None, None, now)
        case Refused():
            state = _next(current, AttemptState.CANCELED)
            await db.execute(MOVE_ATTEMPT, current.id, state, None, None, None, None, now)
        case Down():
            state = _next(current, AttemptState.UNKNOWN)
            await db.execute(MOVE_ATTEMPT, current.id, state, None, None, None, None, now)


def _next(attempt: Attempt, wanted: AttemptState) -> AttemptState:
    step = move(attempt, wanted)
    return step.state if isinstance(step, Become) else attempt.state


async def note_missing(db: Connection, attempt: Attempt, *, now: datetime) -> None:
    """The acquirer knows nothing of *attempt*: in the end it is over."""
    [row] = await db.fetch(LOCK_ATTEMPT, attempt.id)
    current = attempt_from(row)
    step = judge_missing(current, now)
    state = step.state if isinstance(step, Become) else current.state
    await db.execute(MOVE_ATTEMPT, current.id, state, None, None, None, None, now)


# Whose go this key is; keys never change, so that the chat can be locked before the go.
WHOSE: Final = """
select a.id, l.account_id as account, l.chat_id as chat
from payment_attempt a join pay_link l on l.id = a.pay_link_id
where a.acquirer = $1 and a.idempotence_key = $2
"""

# Against the chat's own turns and its other payments: whoever shared this lock while waiting for the account
# would keep the engine from the chat.
LOCK_CHAT: Final = "select from chat where id = $1 for no key update"


class _Told(msgspec.Struct, frozen=True):
    """What an acquirer said of a go of ours, when, and whose go it is."""

    attempt: Attempt
    found: Found
    account: int
    chat: int | None
    now: datetime
    rule: Rule


async def settle(
    db: Connection,
    acquirer: str,
    found: Found,
    *,
    now: datetime,
    zone: tzinfo,
    rule: Rule = PROPORTIONAL,
) -> Judgement:
    """Do what follows from what *acquirer* says, once: post the money and tell the chat, or call a person.

    What is posted, the go's state and the event for the chat are one transaction, the caller's.
    """
    whose = await db.fetchrow(WHOSE, acquirer, found.key)
    if whose is None:
        return await _settle_unknown(db, acquirer, found, now)
    await db.execute(LOCK_CHAT, whose["chat"])
    [row] = await db.fetch(LOCK_ATTEMPT, whose["id"])
    told = _Told(attempt_from(row), found, whose["account"], whose["chat"], now, rule)
    match judge(told.attempt, found):
        case Post():
            return await _post(db, told, zone)
        case GiveBack(amount):
            return await _give_back(db, told, row["payment_id"], amount, zone)
        case Become(state) as verdict:
            await db.execute(MOVE_ATTEMPT, told.attempt.id, state, found.operation, None, None, None, now)
            return verdict
        case Contradiction(kind) as verdict:
            await _call_staff(db, told, kind)
            return verdict
        case Stay() as verdict:
            await db.execute(TOUCH_ATTEMPT, told.attempt.id, now)
            return verdict


# Whose go this is, by our key or by the acquirer's name of it.
WHOSE_OPERATION: Final = """
select a.id, l.account_id as account, l.chat_id as chat
from payment_attempt a join pay_link l on l.id = a.pay_link_id
where a.acquirer = $1 and (a.idempotence_key = $2 or a.operation_id = $3)
order by a.idempotence_key = $2 desc limit 1
"""


async def settle_unreadable(
    db: Connection, acquirer: str, said: Unreadable, *, now: datetime
) -> Contradiction | Stay:
    """Have a person look at what *acquirer* says and cannot be reckoned with, once; nothing is posted."""
    facts = {"acquirer": acquirer, "operation": said.operation, "key": said.key}
    facts |= {"said": said.reason, "said_sum": said.said}
    whose = await db.fetchrow(WHOSE_OPERATION, acquirer, said.key, said.operation)
    if whose is None:
        return await _call_about_unknown(db, facts, now)
    await db.execute(LOCK_CHAT, whose["chat"])
    [row] = await db.fetch(LOCK_ATTEMPT, whose["id"])
    if (attempt := attempt_from(row)).case is not None:
        return Stay()
    facts |= {"attempt": str(attempt.id), "asked_kopecks": str(attempt.amount.kopecks)}
    case = await db.fetchval(OPEN_CASE, "payment_unreadable", whose["account"], whose["chat"], facts, now)
    await db.execute(MOVE_ATTEMPT, attempt.id, attempt.state, None, None, None, case, now)
    return Contradiction("payment_unreadable")


# When the money arrived, once and for ever.
PAID_AT: Final = """
update payment_attempt set paid_at = coalesce(paid_at, $2) where id = $1 returning paid_at
"""


async def _post(db: Connection, told: _Told, zone: tzinfo) -> Judgement:
    found, attempt = told.found, told.attempt
    received = Payment(
        source=attempt.acquirer,
        external_id=found.operation,
        way=f"acquirer:{attempt.acquirer}",
        account=told.account,
        amount=found.amount,
        paid_at=await db.fetchval(PAID_AT, attempt.id, found.paid_at or told.now),
        named=named(attempt.details.items),
    )
    [verdict] = await receive_payments(db, [received], now=told.now, zone=zone, rule=told.rule)
    match verdict:
        case Received(payment) | ReceivedBefore(payment):
            paid = AttemptState.PAID
            await db.execute(MOVE_ATTEMPT, attempt.id, paid, found.operation, None, payment, None, told.now)
            await _tell(db, told, PaymentSettled(payment, told.account, found.amount))
            if found.refunded:
                await _give_back(db, told, payment, found.refunded, zone)
            return Post()
        case ReceivedOtherwise():
            await _call_staff(db, told, "payment_mismatch")
            return Contradiction("payment_mismatch")


async def _tell(db: Connection, told: _Told, event: Event) -> None:
    if told.chat is not None:
        await events.add(db, [(told.chat, event)], now=told.now)


# So much of a go's money was given back in all.
SET_REFUNDED: Final = "update payment_attempt set refunded = $2 where id = $1"


async def _give_back(db: Connection, told: _Told, payment: int, amount: Money, zone: tzinfo) -> Judgement:
    found, attempt = told.found, told.attempt
    asked = Asked(
        payment=payment,
        source=attempt.acquirer,
        # The acquirer tells one sum that grows: what it grew to names the refund, whoever tells it first.
        external_id=f"{found.operation}:{found.refunded.kopecks}",
        amount=amount,
        refunded_at=told.now,
    )
    [verdict] = await refund_payments(db, [asked], now=told.now, zone=zone, rule=told.rule)
    match verdict:
        case Refunded(refund):
            whole = found.refunded == attempt.amount
            state = AttemptState.REFUNDED if whole else AttemptState.REFUNDED_IN_PART
            await db.execute(SET_REFUNDED, attempt.id, found.refunded.kopecks)
            await db.execute(MOVE_ATTEMPT, attempt.id, state, None, None, None, None, told.now)
            await _tell(db, told, PaymentRefunded(payment, refund, told.account, amount))
            return GiveBack(amount)
        case ReceivedBefore() | ReceivedOtherwise() | NotHeld():
            await _call_staff(db, told, "payment_mismatch")
            return Contradiction("payment_mismatch")


# --- What a person has to look into ---------------------------------------------------------------

OPEN_CASE: Final = """
insert into staff_case (kind, account_id, chat_id, facts, opened_at) values ($1, $2, $3, $4, $5) returning id
"""


async def _call_staff(db: Connection, told: _Told, kind: str) -> None:
    """A case about a go, which nothing moves by itself from now on."""
    attempt = told.attempt
    facts = _facts(attempt.acquirer, told.found) | {
        "attempt": str(attempt.id),
        "asked_kopecks": str(attempt.amount.kopecks),
    }
    case = await db.fetchval(OPEN_CASE, kind, told.account, told.chat, facts, told.now)
    state, operation = attempt.state, told.found.operation
    await db.execute(MOVE_ATTEMPT, attempt.id, state, operation, None, None, case, told.now)


# A case about money that no go of ours asked for, once an operation.
OPEN_UNKNOWN_CASE: Final = """
insert into staff_case (kind, facts, opened_at)
select 'payment_unknown', $1::jsonb, $2
where not exists (
    select from staff_case
    where kind = 'payment_unknown' and facts->>'acquirer' = $1::jsonb->>'acquirer'
      and facts->>'operation' = $1::jsonb->>'operation'
)
"""

# Against the same notice on another process.
ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(hashtext('unknown payment'))"


async def _settle_unknown(db: Connection, acquirer: str, found: Found, now: datetime) -> Judgement:
    return await _call_about_unknown(db, _facts(acquirer, found), now) if found.state in POSTED else Stay()


async def _call_about_unknown(db: Connection, facts: Mapping[str, str], now: datetime) -> Contradiction:
    await db.execute(ONE_AT_A_TIME)
    await db.execute(OPEN_UNKNOWN_CASE, facts, now)
    return Contradiction("payment_unknown")


def _facts(acquirer: str, found: Found) -> dict[str, str]:
    return {
        "acquirer": acquirer,
        "operation": found.operation,
        "key": found.key,
        "said": found.state,
        "said_kopecks": str(found.amount.kopecks),
        "said_currency": found.currency,
        "said_refunded_kopecks": str(found.refunded.kopecks),
    }
