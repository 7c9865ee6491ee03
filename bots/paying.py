"""Between our books and the acquirers: a payment begun, a notice believed, what stays open asked about.

No transaction is open while an acquirer is asked: what it will be asked under is committed before, what it
answered is committed after, and whatever happens in between is found again by `settle_open`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar

import structlog

from core.acquiring import (
    GIVEN_UP_AFTER,
    OPEN,
    Acquirer,
    Attempt,
    AttemptState,
    Created,
    Down,
    Found,
    Judgement,
    Missing,
    Notice,
    Order,
    PayLink,
    Post,
    Refused,
    Standing,
    payable,
    standing,
)
from core.due_dates import due_rules
from core.messages import text
from core.money import Money
from core.privacy import masked_number
from core.questions import StatementOf
from core.turns import Centre
from core.wording import Words
from storage.attempts import begin_attempt, note_created, note_missing, open_attempts, settle
from storage.bills import statement_of
from storage.database import Connection, Pool
from storage.failures import PASSING
from storage.payments import PaymentSettings, link_by_token

log: Final = structlog.get_logger(__name__)

T = TypeVar("T")

TRIES: Final = 4
CALLS_AT_ONCE: Final = 5
# A go that stood still for so long is asked about; each run asks about so many.
ASKED_AFTER: Final = timedelta(minutes=1)
ASKED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class View:
    """A link, where it stands, and the moment that this was so."""

    link: PayLink
    standing: Standing
    now: datetime

    @property
    def waits(self) -> bool:
        """Whether an acquirer still waits for the payer, or has yet to say."""
        return any(attempt.state in OPEN for attempt in self.link.attempts)


@dataclass(frozen=True, slots=True)
class GoTo:
    """The acquirer's own page is there."""

    url: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The acquirer does not answer; the link works on."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The acquirer will not have this payment."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The link does not stand any more where the payer saw it."""


Begun: TypeAlias = GoTo | Unavailable | NotTaken | Changed


def _no_news() -> None:
    """Nobody waits for news."""


@dataclass(frozen=True, slots=True)
class PayDesk:
    """All that paying needs. *news* is called when a chat has something to hear of."""

    pool: Pool
    acquirers: Mapping[str, Acquirer]
    settings: PaymentSettings
    centre: Centre
    clock: Callable[[], datetime]
    news: Callable[[], None] = _no_news
    calls: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    # --- The payer ---------------------------------------------------------------------------------

    async def view(self, token: str) -> View | None:
        """The link of *token* and where it stands; None if it is nobody's."""
        now = self.clock()
        today = now.astimezone(self.centre.zone).date()
        async with self.pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
            link = await link_by_token(db, token)
            if link is None:
                return None
            [statement] = await statement_of(db, [StatementOf(link.account, today, due_rules(self.centre))])
        least = self.centre.limits.payment_min
        return View(link, standing(link, due=statement.due, least=least, now=now), now)

    async def pay(self, view: View, *, acquirer: Acquirer, amount: Money) -> Begun:
        """Begin paying *amount*, which the payer saw, or go on with what was begun."""
        if payable(view.standing) != amount:
            return Changed()
        for _ in range(TRIES):
            attempt = await self._begin(view.link, acquirer, amount)
            if attempt is None:
                return Changed()
            if attempt.operation is None:
                begun = await self._create(acquirer, attempt, view.link.source_ref)
            else:
                begun = await self._go_on(acquirer, attempt, attempt.operation)
            if begun is not None:
                return begun
        return Unavailable()

    async def _begin(self, link: PayLink, acquirer: Acquirer, amount: Money) -> Attempt | None:
        words = Words(link.language, self.centre.zone)
        description = words.plain(text("payment-description", number=masked_number(link.number)))

        async def begin(db: Connection) -> Attempt | None:
            return await begin_attempt(
                db,
                link,
                acquirer=acquirer.name,
                amount=amount,
                description=description,
                now=self.clock(),
            )

        return await self._committed(begin)

    async def _create(self, acquirer: Acquirer, attempt: Attempt, source_ref: str) -> Begun | None:
        """Have the payment created; None where its page's address is lost and another go is needed."""
        async with self.calls:
            answer = await acquirer.create(self._order(attempt, source_ref))
        await self._committed(lambda db: note_created(db, attempt, answer, now=self.clock()))
        log.info("payment.created", acquirer=acquirer.name, attempt=attempt.id, answer=type(answer).__name__)
        match answer:
            case Created(url=url):
                return None if url is None else GoTo(url)
            case Refused():
                return NotTaken()
            case Down():
                return Unavailable()

    async def _go_on(self, acquirer: Acquirer, attempt: Attempt, operation: str) -> Begun | None:
        """Go on with what was begun before; None where it has ended meanwhile and another go is needed."""
        match await self._ask(acquirer, operation):
            case Found(state=AttemptState.PENDING) if attempt.url is not None:
                return GoTo(attempt.url)
            case Found(state=AttemptState.CANCELED | AttemptState.EXPIRED):
                return None
            case Found():
                return Changed()
            case Missing() | Down():
                return Unavailable()

    def _order(self, attempt: Attempt, source_ref: str) -> Order:
        return Order(
            attempt.key, attempt.amount, attempt.description, f"{self.settings.url(source_ref)}/done"
        )

    async def refresh(self, link: PayLink) -> None:
        """Ask about what of *link* is open, for its payer has come back."""
        for attempt in link.attempts:
            acquirer = self.acquirers.get(attempt.acquirer)
            if acquirer and attempt.operation and attempt.state in OPEN:
                await self._ask(acquirer, attempt.operation)

    # --- The acquirers -----------------------------------------------------------------------------

    async def believe(self, acquirer: Acquirer, notice: Notice) -> bool:
        """Ask about what *notice* says; whether it may be forgotten. Raises ForgedWebhookError."""
        operation = acquirer.notice(notice)
        if operation is None:
            return True
        answer = await self._ask(acquirer, operation)
        if isinstance(answer, Missing):
            log.warning("notice.about_nothing", acquirer=acquirer.name)
        return not isinstance(answer, Down)

    async def _ask(self, acquirer: Acquirer, operation: str) -> Found | Missing | Down:
        """What the acquirer says of *operation*, and all that follows from it done."""
        async with self.calls:
            answer = await acquirer.query(operation)
        if isinstance(answer, Found):
            await self._settle(acquirer, answer)
        return answer

    async def _settle(self, acquirer: Acquirer, found: Found) -> None:
        def settled(db: Connection) -> Awaitable[Judgement]:
            return settle(db, acquirer.name, found, now=self.clock(), zone=self.centre.zone)

        verdict = await self._committed(settled)
        log.info("payment.settled", acquirer=acquirer.name, verdict=type(verdict).__name__)
        if isinstance(verdict, Post):
            self.news()

    async def settle_open(self) -> int:
        """Ask about what has stood still for a while; how many were asked about.

        One that fails does not keep the rest waiting: what it failed by is raised in the end.
        """
        before = self.clock() - ASKED_AFTER
        async with self.pool.acquire() as db:
            waiting = await open_attempts(db, before=before, most=ASKED_AT_ONCE)
        looked = (self._look_after(attempt, source_ref) for attempt, source_ref in waiting)
        failures = [end for end in await asyncio.gather(*looked, return_exceptions=True) if end is not None]
        if failures:
            raise failures[0]
        return len(waiting)

    async def _look_after(self, attempt: Attempt, source_ref: str) -> None:
        acquirer = self.acquirers.get(attempt.acquirer)
        given_up = self.clock() - attempt.created_at >= GIVEN_UP_AFTER
        if acquirer is None:
            log.warning("payment.without_acquirer", acquirer=attempt.acquirer, attempt=attempt.id)
        elif attempt.operation is None and not given_up:
            await self._create(acquirer, attempt, source_ref)
        elif attempt.operation is None or isinstance(await self._ask(acquirer, attempt.operation), Missing):
            await self._committed(lambda db: note_missing(db, attempt, now=self.clock()))

    async def _committed(self, do: Callable[[Connection], Awaitable[T]]) -> T:
        """What *do* gives, in a transaction of its own; anew where another's lock was in the way."""
        for _ in range(TRIES - 1):
            with suppress(*PASSING):
                return await self._committed_at_once(do)
        return await self._committed_at_once(do)

    async def _committed_at_once(self, do: Callable[[Connection], Awaitable[T]]) -> T:
        async with self.pool.acquire() as db, db.transaction():
            return await do(db)
