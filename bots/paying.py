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
from functools import partial
from typing import Final, TypeAlias, TypeVar

import msgspec
import structlog

from bots import metrics
from bots.acquirer_calls import AcquirerCalls
from bots.asking import Run
from core.acquiring import (
    GIVEN_UP_AFTER,
    OPEN,
    Acquirer,
    Attempt,
    AttemptState,
    Created,
    Down,
    Found,
    GiveBack,
    Judgement,
    Missing,
    Notice,
    Order,
    PayLink,
    Post,
    Refused,
    Standing,
    Unreadable,
    may_repeat,
    payable,
    standing,
)
from core.due_dates import due_rules
from core.fiscal import Contact, ReceiptNeed, suits
from core.messages import text
from core.money import Money
from core.privacy import masked_number
from core.questions import StatementOf
from core.turns import Centre
from core.wording import Words
from storage.attempts import (
    Wanted,
    begin_attempt,
    note_created,
    note_missing,
    settle,
    settle_unreadable,
)
from storage.bills import statement_of
from storage.database import Connection, Pool
from storage.failures import PASSING
from storage.keys import Keys
from storage.open_attempts import call_about_strays, note_asked, open_attempts, over_attempts
from storage.payments import PaymentSettings, ReceiptWords, details_of, keep_contact, link_by_token

log: Final = structlog.get_logger(__name__)

T = TypeVar("T")

TRIES: Final = 4
# So many of an acquirer's calls at once are about what stays open: payers and notices are left the others.
LOOKS_AT_ONCE: Final = 2
# So long after a go began, the page that its creation answers is sure to be alive.
FRESH_FOR: Final = timedelta(minutes=15)
# What is over is still looked at so often, for so long: Sberbank tells of late money and of refunds three times
# at most, within minutes.
WATCHED_EVERY: Final = timedelta(days=1)
WATCHED_FOR: Final = timedelta(days=3)
# A go that stood still for so long is asked about; each run asks each acquirer about so many.
ASKED_AFTER: Final = timedelta(minutes=1)
ASKED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class View:
    """A link, where it stands, and the moment that this was so; *contact*: where its receipts go, if remembered."""

    link: PayLink
    standing: Standing
    now: datetime
    contact: Contact | None = None

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


@dataclass(frozen=True, slots=True)
class NeedsContact:
    """The acquirer sends a receipt and is to know where to."""

    need: ReceiptNeed


Begun: TypeAlias = GoTo | Unavailable | NotTaken | Changed | NeedsContact


@dataclass(frozen=True, slots=True)
class Choice:
    """What the payer chose on the page; *keep*: *contact* may be remembered for the next receipts."""

    acquirer: Acquirer
    amount: Money
    contact: Contact | None = None
    keep: bool = False


def _no_news() -> None:
    """Nobody waits for news."""


@dataclass(frozen=True, slots=True)
class PayDesk:
    """All that paying needs. *news* is called when a chat has something to hear of."""

    pool: Pool
    acquirers: Mapping[str, Acquirer]
    settings: PaymentSettings
    keys: Keys
    centre: Centre
    clock: Callable[[], datetime]
    news: Callable[[], None] = _no_news
    calls: AcquirerCalls = field(default_factory=AcquirerCalls)

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
        stands = standing(link, due=statement.due, least=least, now=now)
        return View(link, stands, now, self.opened(link.contact))

    async def pay(self, view: View, choice: Choice) -> Begun:
        """Begin paying the sum of *choice*, which the payer saw, or go on with what was begun."""
        if payable(view.standing) != choice.amount:
            return Changed()
        acquirer, contact = choice.acquirer, choice.contact or view.contact
        if not suits(contact, acquirer.receipt):
            return NeedsContact(acquirer.receipt)
        for _ in range(TRIES):
            attempt = await self._begin(view.link, choice, contact)
            if attempt is None:
                return Changed()
            if attempt.operation is None:
                begun = await self._create(acquirer, attempt, view.link.source_ref)
            else:
                begun = await self._go_on(acquirer, attempt.operation, attempt.url)
            if begun is not None:
                return begun
        return Unavailable()

    async def _begin(self, link: PayLink, choice: Choice, contact: Contact | None) -> Attempt | None:
        words = Words.of(link.language, self.centre.zone)
        receipt = choice.acquirer.receipt is not ReceiptNeed.NONE
        sealed = self._sealed(contact) if receipt and contact else None
        keep = receipt and choice.keep and choice.contact is not None
        made = self._receipt_words() if receipt else None

        async def begin(db: Connection) -> Attempt | None:
            if keep and sealed is not None and link.resident is not None:
                await keep_contact(db, link.resident, sealed, now=self.clock())
            details = await details_of(db, link.account, choice.amount, made)
            details = msgspec.structs.replace(details, language=words.language)
            wanted = Wanted(
                acquirer=choice.acquirer.name,
                amount=choice.amount,
                description=words.plain(text("payment-description", number=masked_number(link.number))),
                details=details,
                contact=sealed,
            )
            return await begin_attempt(db, link, wanted, now=self.clock())

        return await self._committed(begin)

    async def _create(self, acquirer: Acquirer, attempt: Attempt, source_ref: str) -> Begun | None:
        """Have the payment created; None where another go is needed."""
        order = self._order(attempt, source_ref)
        answer = await self.calls.make(acquirer.name, partial(acquirer.create, order))
        await self._committed(lambda db: note_created(db, attempt, answer, now=self.clock()))
        log.info("payment.created", acquirer=acquirer.name, attempt=attempt.id, answer=type(answer).__name__)
        match answer:
            case Created(operation=operation, url=url):
                if url is not None and self.clock() - attempt.created_at < FRESH_FOR:
                    return GoTo(url)
                return await self._go_on(acquirer, operation, url)
            case Refused(reason=reason):
                log.warning("payment.refused", acquirer=acquirer.name, attempt=attempt.id, reason=reason)
                return NotTaken()
            case Down(reason=reason):
                log.warning("acquirer.down", acquirer=acquirer.name, attempt=attempt.id, reason=reason)
                return Unavailable()

    async def _go_on(self, acquirer: Acquirer, operation: str, url: str | None) -> Begun | None:
        """Go on with what was begun before; None where it has ended, or its page is lost: another go is needed."""
        match await self.ask(acquirer, operation):
            case Found(state=AttemptState.PENDING | AttemptState.UNKNOWN):
                return None if url is None else GoTo(url)
            case Found(state=AttemptState.CANCELED | AttemptState.EXPIRED):
                return None
            case Found() | Unreadable():
                return Changed()
            case Missing() | Down():
                return Unavailable()

    def _order(self, attempt: Attempt, source_ref: str) -> Order:
        return Order(
            key=attempt.key,
            amount=attempt.amount,
            description=attempt.description,
            return_url=f"{self.settings.url(source_ref)}/done",
            details=attempt.details,
            contact=self.opened(attempt.contact),
        )

    def _receipt_words(self) -> ReceiptWords:
        """A receipt is Russian whoever pays, and spreads the money as the books will."""
        russian = Words.of("ru", self.centre.zone)
        return ReceiptWords(
            penalty=russian.plain(text("receipt-penalty")),
            advance=russian.plain(text("receipt-advance")),
            rule=self.centre.allocation,
        )

    def _sealed(self, contact: Contact) -> bytes:
        return self.keys.sealed_contact(msgspec.json.encode(contact).decode())

    def opened(self, sealed: bytes | None) -> Contact | None:
        """The contact that was *sealed*; None for none."""
        plain = None if sealed is None else self.keys.opened_contact(sealed)
        return None if plain is None else msgspec.json.decode(plain, type=Contact)

    async def refresh(self, link: PayLink) -> None:
        """Ask about what of *link* is open, for its payer has come back."""
        for attempt in link.attempts:
            acquirer = self.acquirers.get(attempt.acquirer)
            if acquirer and attempt.operation and attempt.state in OPEN:
                await self.ask(acquirer, attempt.operation)

    # --- The acquirers -----------------------------------------------------------------------------

    async def believe(self, acquirer: Acquirer, notice: Notice) -> bool:
        """Ask about what *notice* says; whether it may be forgotten. Raises ForgedWebhookError."""
        operation = acquirer.notice(notice)
        if operation is None:
            return True
        answer = await self.ask(acquirer, operation)
        if isinstance(answer, Missing):
            log.warning("notice.about_nothing", acquirer=acquirer.name)
        return not isinstance(answer, Down)

    async def query(self, acquirer: Acquirer, operation: str) -> Found | Missing | Down | Unreadable:
        """What the acquirer says of *operation*, and nothing done about it."""
        return await self.calls.make(acquirer.name, partial(acquirer.query, operation))

    async def ask(self, acquirer: Acquirer, operation: str) -> Found | Missing | Down | Unreadable:
        """What the acquirer says of *operation*, and all that follows from it done."""
        answer = await self.query(acquirer, operation)
        if isinstance(answer, Found | Unreadable):
            await self.settle(acquirer, answer)
        return answer

    async def settle(self, acquirer: Acquirer, found: Found | Unreadable) -> Judgement:
        """Do what follows from what *acquirer* said, and give what that was."""

        def settled(db: Connection) -> Awaitable[Judgement]:
            if isinstance(found, Unreadable):
                return settle_unreadable(db, acquirer.name, found, now=self.clock())
            return settle(
                db, acquirer.name, found, now=self.clock(), zone=self.centre.zone, rule=self.centre.allocation
            )

        verdict = await self._committed(settled)
        log.info("payment.settled", acquirer=acquirer.name, verdict=type(verdict).__name__)
        metrics.payment_judged(acquirer.name, type(verdict).__name__)
        if isinstance(verdict, Post | GiveBack):
            self.news()
        return verdict

    async def settle_open(self) -> int:
        """Ask about what has stood still for a while; how many were asked about.

        One that fails does not keep the rest waiting: what it failed by is raised in the end. What was asked
        about goes to the end of its acquirer's line, whatever came of it.
        """
        await self._call_about_strays()
        runs = await asyncio.gather(*map(self._settle_open_at, self.acquirers.values()))
        if failures := [failure for run in runs for failure in run.failures]:
            raise failures[0]
        return sum(len(run.asked) for run in runs)

    async def _settle_open_at(self, acquirer: Acquirer) -> Run:
        """Ask *acquirer* about what has stood still."""
        now, name = self.clock(), acquirer.name
        since, before = now - WATCHED_FOR, now - WATCHED_EVERY
        async with self.pool.acquire() as db:
            waiting = await open_attempts(db, name, before=now - ASKED_AFTER, most=ASKED_AT_ONCE)
            over = await over_attempts(db, name, since=since, before=before, most=ASKED_AT_ONCE)
        looks = [(each.id, partial(self._look_after, acquirer, each, ref)) for each, ref in waiting]
        run = Run(iter([*looks, *((each.id, partial(self._look_again, acquirer, each)) for each in over)]))
        await asyncio.gather(*(run.go_on() for _ in range(LOOKS_AT_ONCE)))
        await self._committed(lambda db: note_asked(db, run.asked, now=now))
        return run

    async def _look_after(self, acquirer: Acquirer, attempt: Attempt, source_ref: str) -> bool:
        """At a go that is open; whether *acquirer* answered."""
        now = self.clock()
        if attempt.operation is not None:
            answer = await self.ask(acquirer, attempt.operation)
            if isinstance(answer, Missing):
                await self._committed(lambda db: note_missing(db, attempt, now=now))
            return not isinstance(answer, Down)
        if may_repeat(attempt, now):
            return not isinstance(await self._create(acquirer, attempt, source_ref), Unavailable)
        if now - attempt.created_at >= GIVEN_UP_AFTER:
            await self._committed(lambda db: note_missing(db, attempt, now=now))
        return True

    async def _look_again(self, acquirer: Acquirer, attempt: Attempt) -> bool:
        """At a go that is over: its money may be late, or have been given back in the acquirer's cabinet."""
        return not isinstance(await self.ask(acquirer, attempt.operation or ""), Down)

    async def _call_about_strays(self) -> None:
        """What an acquirer has that is switched off nobody can ask about: once it is old, a person looks."""
        now = self.clock()
        strays = await self._committed(
            lambda db: call_about_strays(db, [*self.acquirers], before=now - GIVEN_UP_AFTER, now=now)
        )
        for acquirer, attempts in strays.items():
            log.warning("payments.without_acquirer", acquirer=acquirer, attempts=attempts)

    async def _committed(self, do: Callable[[Connection], Awaitable[T]]) -> T:
        """What *do* gives, in a transaction of its own; anew where another's lock was in the way."""
        for _ in range(TRIES - 1):
            with suppress(*PASSING):
                return await self._committed_at_once(do)
        return await self._committed_at_once(do)

    async def _committed_at_once(self, do: Callable[[Connection], Awaitable[T]]) -> T:
        async with self.pool.acquire() as db, db.transaction():
            return await do(db)
