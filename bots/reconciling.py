"""What acquirers say beside what our books say: a day compared, a payment given back."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import structlog

from bots.paying import LOOKS_AT_ONCE, PayDesk
from core.acquiring import (
    POSTED,
    Accepted,
    Acquirer,
    Attempt,
    Down,
    Found,
    Judgement,
    Missing,
    Post,
    Refused,
    Stay,
    Unlisted,
    Unreadable,
)
from core.fiscal import Contact, ReceiptNeed, suits
from core.money import NOTHING, Money
from core.refund_receipts import RefundReceipt
from core.wording import money
from storage.acquired import Acquired, acquired_on, attempt_of, begin_refund, begun_around, contact_of
from storage.reconciliations import begin_day, end_day

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

# So much of a digest names a refund: acquirers take 36 characters at most.
KEY_CHARS: Final = 32
# So many days that are over are compared by themselves: one, and what a service that stood still left out.
DAYS_COMPARED: Final = 3
# A refund may come to its end so long after it was asked for.
REFUNDS_TAKE: Final = timedelta(days=2)


# --- A day compared ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment of *acquirer* that is not the same there and here; *operation* is the acquirer's name of it."""

    acquirer: str
    operation: str
    what: str

    @property
    def unanswered(self) -> bool:
        """Whether it is that the acquirer did not say what it has."""
        return not self.operation

    def __str__(self) -> str:
        return f"{self.acquirer} {self.operation}: {self.what}".replace(" :", ":")


async def reconcile(desk: PayDesk, day: date) -> list[Difference]:
    """What differs between our books and the acquirers for *day*.

    What an acquirer has and we had not is posted at once, or brought before a person, and listed none the less.
    """
    differences: list[Difference] = []
    for acquirer in desk.acquirers.values():
        differences += [each async for each in _differences(desk, acquirer, day)]
    return differences


async def reconcile_daily(desk: PayDesk) -> None:
    """Compare the last days that are over, each once with each acquirer; differences are a case for staff.

    An acquirer that does not answer is asked again when this is called again.
    """
    today = desk.clock().astimezone(desk.centre.zone).date()
    for acquirer in desk.acquirers.values():
        for day in (today - timedelta(days=ago) for ago in range(DAYS_COMPARED, 0, -1)):
            async with desk.pool.acquire() as db:
                if not await begin_day(db, acquirer.name, day, now=desk.clock()):
                    continue
            found = [each async for each in _differences(desk, acquirer, day)]
            if any(each.unanswered for each in found):
                log.warning("payments.not_compared", acquirer=acquirer.name, day=str(day))
                continue
            lines = [f"{each.operation}: {each.what}" for each in found]
            async with desk.pool.acquire() as db, db.transaction():
                await end_day(db, acquirer.name, day, lines, now=desk.clock())
            log.info("payments.compared", acquirer=acquirer.name, day=str(day), differences=len(found))


async def _differences(desk: PayDesk, acquirer: Acquirer, day: date) -> AsyncIterator[Difference]:
    listed = await _listed(desk, acquirer, day)
    async with desk.pool.acquire() as db:
        ours = await acquired_on(db, acquirer.name, day)
    if isinstance(listed, Down):
        yield Difference(acquirer.name, "", f"did not answer ({listed.reason})")
        return
    for found in listed:
        if (difference := _difference(ours.pop(found.operation, None), found)) is not None:
            verdict = await desk.settle(acquirer, found)
            yield Difference(acquirer.name, found.operation, f"{difference}; {_done(verdict)}")
    for rest in ours.values():
        what = f"payment {rest.payment:06} of {money(rest.amount)} is not theirs on that day"
        yield Difference(acquirer.name, rest.operation, what)
    async for given_back in _refunds(desk, acquirer, day, {found.operation for found in listed}):
        yield given_back


async def _refunds(
    desk: PayDesk, acquirer: Acquirer, day: date, seen: Container[str]
) -> AsyncIterator[Difference]:
    """What was given back on *day* of older payments than its own, where the acquirer can list that."""
    since, until = _span(desk, day)
    given = await acquirer.given_back(since - REFUNDS_TAKE, until)
    if isinstance(given, Down):
        yield Difference(acquirer.name, "", f"did not answer about refunds ({given.reason})")
        return
    if isinstance(given, Unlisted):
        return
    for operation in sorted({each for each in given if each not in seen}):
        match await desk.query(acquirer, operation):
            case (Found() | Unreadable()) as answer:
                verdict = await desk.settle(acquirer, answer)
                if not isinstance(verdict, Stay):
                    what = f"a refund is not in our books; {_done(verdict)}"
                    yield Difference(acquirer.name, operation, what)
            case Missing():
                yield Difference(acquirer.name, operation, "a refund of a payment that is not theirs")
            case Down(reason):
                yield Difference(acquirer.name, "", f"did not answer about {operation} ({reason})")


def _done(verdict: Judgement) -> str:
    return "posted now" if isinstance(verdict, Post) else f"judged now: {type(verdict).__name__}"


def _difference(ours: Acquired | None, theirs: Found | Unreadable) -> str | None:
    if isinstance(theirs, Unreadable):
        return f"{theirs.reason} {theirs.said}".rstrip()
    if ours is None:
        return f"{money(theirs.amount)} is not in our books on that day"
    if ours.amount != theirs.amount:
        return f"{money(theirs.amount)} there, {money(ours.amount)} in our books"
    if ours.refunded != theirs.refunded:
        return f"{money(theirs.refunded)} given back there, {money(ours.refunded)} in our books"
    return None


async def _listed(desk: PayDesk, acquirer: Acquirer, day: date) -> Sequence[Found | Unreadable] | Down:
    """The acquirer's payments of *day*; where it has no list, each one that may be of that day is asked for."""
    listed = await acquirer.listed(*_span(desk, day))
    if not isinstance(listed, Unlisted):
        return listed
    async with desk.pool.acquire() as db:
        ours = await acquired_on(db, acquirer.name, day)
        asked = sorted({*ours, *await begun_around(db, acquirer.name, day)})
    # Few at a time: payers and notices wait for the same acquirer.
    few = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def query(operation: str) -> Found | Missing | Down | Unreadable:
        async with few:
            return await desk.query(acquirer, operation)

    answers = await asyncio.gather(*map(query, asked))
    if down := [answer for answer in answers if isinstance(answer, Down)]:
        return down[0]
    return [
        answer
        for answer in answers
        if isinstance(answer, Unreadable)
        or (isinstance(answer, Found) and answer.state in POSTED and _is_of(answer, ours, day, desk))
    ]


def _span(desk: PayDesk, day: date) -> tuple[datetime, datetime]:
    """When *day* begins and ends."""
    midnights = (datetime.combine(each, time(), desk.centre.zone) for each in (day, day + timedelta(days=1)))
    since, until = (each.astimezone(UTC) for each in midnights)
    return since, until


def _is_of(found: Found, ours: Container[str], day: date, desk: PayDesk) -> bool:
    at = found.paid_at
    return found.operation in ours or (at is not None and at.astimezone(desk.centre.zone).date() == day)


# --- A payment given back ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of giving a payment back; *words* are for whoever asked."""

    given: bool
    words: str


async def refund(
    desk: PayDesk, payment: int, amount: Money | None, contact: Contact | None = None
) -> Outcome:
    """Have *amount* (None: all that is left) of *payment* given back by its acquirer, and our books follow.

    *contact* is where the receipt of a part is sent, for a resident whose own is not remembered. Safe to run again whatever became of it before: the acquirer is asked first, and what it has given back
    that we did not know of is booked and said instead of giving more.
    """
    async with desk.pool.acquire() as db:
        before = await attempt_of(db, payment)
    if before is None or before.operation is None or before.acquirer not in desk.acquirers:
        return Outcome(given=False, words=f"payment {payment:06} did not come through an acquirer that is on")
    acquirer = desk.acquirers[before.acquirer]
    if not isinstance(await desk.ask(acquirer, before.operation), Found):
        return Outcome(given=False, words=f"{acquirer.name} does not answer; try again later")
    async with desk.pool.acquire() as db:
        attempt = await attempt_of(db, payment)
    assert attempt is not None  # noqa: S101  # a payment keeps the go that it was made by
    if attempt.refunded != before.refunded:
        known = attempt.refunded - before.refunded
        words = f"{money(known)} had been given back already and is booked now; run again to give back more"
        return Outcome(given=False, words=words)
    left = attempt.amount - attempt.refunded
    wanted = left if amount is None else amount
    if not NOTHING < wanted <= left:
        return Outcome(given=False, words=f"{money(left)} is left of it")
    receipt = None
    if wanted != attempt.amount and acquirer.receipt is not ReceiptNeed.NONE and attempt.details.items:
        made = await _receipt(desk, acquirer, Part(payment, attempt, wanted), contact)
        if isinstance(made, Outcome):
            return made
        receipt = made
    return await _refund(desk, acquirer, attempt, wanted, receipt)


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a payment that was made by *attempt*."""

    payment: int
    attempt: Attempt
    amount: Money


async def _receipt(
    desk: PayDesk, acquirer: Acquirer, part: Part, contact: Contact | None
) -> RefundReceipt | Outcome:
    """The receipt of a refund of *part*, written down; or why there is none."""
    async with desk.pool.acquire() as db:
        kept = await contact_of(db, part.attempt)
    contact = contact or desk.opened(kept)
    if acquirer.refund_needs_contact and not suits(contact, acquirer.receipt):
        need = "an e-mail" if acquirer.receipt is ReceiptNeed.EMAIL else "an e-mail or a phone"
        words = f"the receipt of the refund is sent to the payer: give {need} of theirs by --to"
        return Outcome(given=False, words=words)
    async with desk.pool.acquire() as db, db.transaction():
        back = await begin_refund(db, part.payment, part.attempt, part.amount)
    if back is None:
        return Outcome(given=False, words="some of it was given back meanwhile; run again")
    return RefundReceipt(part.attempt.details.items, back, contact)


async def _refund(
    desk: PayDesk, acquirer: Acquirer, attempt: Attempt, wanted: Money, receipt: RefundReceipt | None
) -> Outcome:
    operation = attempt.operation or ""
    named = f"{attempt.key}:{(attempt.refunded + wanted).kopecks}"
    key = hashlib.sha256(named.encode()).hexdigest()[:KEY_CHARS]
    answer = await acquirer.refund(operation, key=key, amount=wanted, receipt=receipt)
    await desk.ask(acquirer, operation)
    match answer:
        case Accepted():
            return Outcome(given=True, words=f"{money(wanted)} is given back")
        case Refused(reason):
            return Outcome(given=False, words=f"{acquirer.name} refuses: {reason}")
        case Down(reason):
            return Outcome(given=False, words=f"{acquirer.name} did not answer ({reason}); run again")
