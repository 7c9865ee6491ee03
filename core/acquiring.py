"""Paying through an acquirer: what it is asked and answers, and where a link and a go at paying it stand.

A go at paying (an attempt) is a state machine, `MAY_BECOME`. The acquirer's word is believed only when it
was asked for; what it says is judged here, and posted or brought before a person elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

import msgspec

from core.fiscal import Contact, Item, ReceiptNeed
from core.messages import Month
from core.money import NOTHING, Money
from core.refund_receipts import RefundAsked, RefundReceipt

ROUBLES: Final = "RUB"


class AttemptState(StrEnum):
    """Where a go at paying stands."""

    CREATED = "created"  # written down; the acquirer may not know of it yet
    PENDING = "pending"  # the acquirer waits for the payer
    UNKNOWN = "unknown"  # the acquirer was asked and did not answer
    PAID = "paid"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUNDED_IN_PART = "refunded_in_part"
    REFUNDED = "refunded"


_S = AttemptState
OPEN: Final = frozenset({_S.CREATED, _S.PENDING, _S.UNKNOWN})
POSTED: Final = frozenset({_S.PAID, _S.REFUNDED_IN_PART, _S.REFUNDED})

# Money may arrive late: what was taken for canceled or expired may yet be paid, never the other way round.
MAY_BECOME: Final[Mapping[AttemptState, frozenset[AttemptState]]] = {
    _S.CREATED: frozenset({_S.PENDING, _S.UNKNOWN, _S.PAID, _S.CANCELED, _S.EXPIRED}),
    _S.PENDING: frozenset({_S.UNKNOWN, _S.PAID, _S.CANCELED, _S.EXPIRED}),
    _S.UNKNOWN: frozenset({_S.PENDING, _S.PAID, _S.CANCELED, _S.EXPIRED}),
    _S.CANCELED: frozenset({_S.PAID}),
    _S.EXPIRED: frozenset({_S.PAID}),
    _S.PAID: frozenset({_S.REFUNDED_IN_PART, _S.REFUNDED}),
    _S.REFUNDED_IN_PART: frozenset({_S.REFUNDED}),
    _S.REFUNDED: frozenset(),
}

# An acquirer keeps an idempotence key for a day; the same key later would be a second payment.
REPEATED_FOR: Final = timedelta(hours=23)
# So long after it began, a go that its acquirer does not know is over: no acquirer's page lives that long.
GIVEN_UP_AFTER: Final = timedelta(hours=25)


# --- What an acquirer is asked and answers --------------------------------------------------------


class Details(msgspec.Struct, frozen=True):
    """What a payment is for, as it was when it was begun: a repeat must say the same to the byte.

    *unified* is the account's number in ГИС ЖКХ or ''; *items* are what its fiscal receipt prints; *language*
    is that of the acquirer's page.
    """

    number: str = ""
    unified: str = ""
    period: Month | None = None
    items: tuple[Item, ...] = ()
    language: str = "ru"


class Order(msgspec.Struct, frozen=True):
    """A payment to be created. *key* is ours, 32 hex digits: the same order again is the same payment."""

    key: str
    amount: Money
    description: str
    return_url: str
    details: Details = Details()
    contact: Contact | None = None


class Created(msgspec.Struct, frozen=True):
    """The acquirer has the payment. *url* None: it had it before and does not tell its page's address again."""

    operation: str
    url: str | None


class Refused(msgspec.Struct, frozen=True):
    """The acquirer will not have this payment; there is none."""

    reason: str


class Down(msgspec.Struct, frozen=True):
    """No answer that means anything: it may have done what it was asked, or not."""

    reason: str


class Found(msgspec.Struct, frozen=True):
    """What the acquirer says of a payment; *key* is ours as it was given at creation.

    *refunded* is all that was given back of it so far.
    """

    operation: str
    key: str
    state: AttemptState
    amount: Money
    currency: str = ROUBLES
    paid_at: datetime | None = None
    refunded: Money = NOTHING


class Unreadable(msgspec.Struct, frozen=True):
    """What the acquirer says of a payment cannot be reckoned with, for *reason*: a person has to look.

    *key* is ours, or '' where it does not tell it; *said* is the sum in its own words.
    """

    operation: str
    key: str
    reason: str
    said: str = ""


class Missing(msgspec.Struct, frozen=True):
    """The acquirer knows no such payment."""


class Accepted(msgspec.Struct, frozen=True):
    """The acquirer gives the money back, or has begun to."""


class Unlisted(msgspec.Struct, frozen=True):
    """The acquirer has no list of payments that could be asked for."""


class Notice(msgspec.Struct, frozen=True):
    """A request that says it comes from an acquirer. *remote* is the address of who sent it."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    remote: str


class Acquirer(Protocol):
    """Whoever takes the money. *name* is in the books and in addresses, *title* on the pay page."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def receipt(self) -> ReceiptNeed: ...

    async def create(self, order: Order) -> Created | Refused | Down:
        """Create the payment of *order*, or give the one that was created under its key."""
        ...

    async def query(self, operation: str) -> Found | Missing | Down | Unreadable:
        """What has become of the payment *operation*."""
        ...

    @property
    def refund_needs_contact(self) -> bool:
        """Whether a refund's receipt has to say where it is sent; else that is known from the payment."""
        ...

    async def refund(
        self, operation: str, *, key: str, amount: Money, receipt: RefundReceipt | None = None
    ) -> Accepted | Refused | Down:
        """Give *amount* of the payment *operation* back; *key* is ours, at most 36 characters.

        *receipt*: of a part of a payment that had one. Of the whole one is made without being asked for.
        """
        ...

    async def listed(
        self, since: datetime, until: datetime
    ) -> Sequence[Found | Unreadable] | Unlisted | Down:
        """Every payment whose money arrived from *since* on and before *until*."""
        ...

    async def given_back(self, since: datetime, until: datetime) -> Sequence[str] | Unlisted | Down:
        """The operations of which some was given back from *since* on and before *until*, however old."""
        ...

    def notice(self, notice: Notice) -> str | None:
        """Which operation *notice* is about; None where it is about none. Raises ForgedWebhookError."""
        ...


# --- How what it says is judged -------------------------------------------------------------------


class Attempt(msgspec.Struct, frozen=True):
    """A go at paying, as we keep it. *case*: a person looks into it.

    *contact* is sealed, and there only while the order may have to be repeated. *paid_at* is said once and
    kept; *refunded* is what was given back as far as our books know, *refunds* what was asked to be, with receipts.
    """

    id: int
    acquirer: str
    key: str
    amount: Money
    description: str
    state: AttemptState
    created_at: datetime
    operation: str | None = None
    url: str | None = None
    case: int | None = None
    details: Details = Details()
    contact: bytes | None = None
    paid_at: datetime | None = None
    refunded: Money = NOTHING
    refunds: tuple[RefundAsked, ...] = ()


class Post(msgspec.Struct, frozen=True):
    """The money has arrived: post it."""


class GiveBack(msgspec.Struct, frozen=True):
    """Some of what was posted went back: so much more than we know of."""

    amount: Money


class Become(msgspec.Struct, frozen=True):
    """Nothing to post; it stands there now."""

    state: AttemptState


class Stay(msgspec.Struct, frozen=True):
    """Nothing new."""


class Contradiction(msgspec.Struct, frozen=True):
    """What the acquirer says is not what we asked for: *kind* is the kind of staff case."""

    kind: str


Judgement: TypeAlias = Post | GiveBack | Become | Stay | Contradiction


def judge(attempt: Attempt, found: Found) -> Judgement:
    """What follows from what the acquirer says. A wrong sum is never posted."""
    if attempt.case is not None:
        return Stay()
    if found.state in POSTED:
        return _judge_money(attempt, found)
    return move(attempt, found.state)


def _judge_money(attempt: Attempt, found: Found) -> Judgement:
    if not _is_what_we_asked(attempt, found) or found.refunded > found.amount:
        return Contradiction("payment_mismatch")
    if attempt.state not in POSTED:
        return Post()
    # What was given back is told as one sum that only grows: an older answer may overtake a newer one.
    return GiveBack(more) if (more := found.refunded - attempt.refunded) > NOTHING else Stay()


def _is_what_we_asked(attempt: Attempt, found: Found) -> bool:
    same_sum = found.amount == attempt.amount and found.currency == ROUBLES
    # A key that is used again after its acquirer has forgotten it would be a second payment.
    return same_sum and found.key == attempt.key and attempt.operation in {None, found.operation}


def move(attempt: Attempt, state: AttemptState) -> Become | Stay:
    """To *state*, if it may follow."""
    return Become(state) if state in MAY_BECOME[attempt.state] else Stay()


def judge_missing(attempt: Attempt, now: datetime) -> Become | Stay:
    """What follows where the acquirer knows nothing of it: in the end it is over."""
    if now - attempt.created_at < GIVEN_UP_AFTER:
        return Stay()
    return move(attempt, AttemptState.EXPIRED)


# --- Where a link stands --------------------------------------------------------------------------


class PayLink(msgspec.Struct, frozen=True):
    """The centre's own link with all goes at paying it, the oldest first. *number* is the account's.

    *bound*: the chat that it was made for still has the account; without, the link is void and tells nothing.
    *contact* is where *resident* wants receipts to be sent, sealed, if that may be remembered.
    """

    id: int
    account: int
    number: str
    language: str
    source_ref: str
    amount: Money
    whole: bool
    expires_at: datetime
    bound: bool = True
    resident: int | None = None
    contact: bytes | None = None
    attempts: tuple[Attempt, ...] = ()


class Payable(msgspec.Struct, frozen=True):
    """It may be paid."""

    amount: Money


class AlreadyPaid(msgspec.Struct, frozen=True):
    """It was paid; *then* may be paid next, if anything."""

    then: Money | None


class Outlived(msgspec.Struct, frozen=True):
    """What it was made for was paid otherwise; *then* may be paid instead, if anything."""

    then: Money | None


class Expired(msgspec.Struct, frozen=True):
    """Its time is over, or the account is not linked any more."""


class UnderCheck(msgspec.Struct, frozen=True):
    """A person looks into a payment of it: nobody is to pay again."""


Standing: TypeAlias = Payable | AlreadyPaid | Outlived | Expired | UnderCheck


def standing(link: PayLink, *, due: Money, least: Money, now: datetime) -> Standing:
    """Where *link* stands, *due* being due on its account and *least* the least that may be paid."""
    over = now >= link.expires_at or not link.bound
    then = due if due >= least and not over else None
    if any(attempt.case is not None for attempt in link.attempts):
        return UnderCheck()
    if any(attempt.state in POSTED for attempt in link.attempts):
        return AlreadyPaid(then)
    if over:
        return Expired()
    if link.whole and due < link.amount:
        return Outlived(then)
    return Payable(link.amount)


def payable(link_standing: Standing) -> Money | None:
    """The sum that may be paid by a link that stands so."""
    match link_standing:
        case Payable(amount):
            return amount
        case AlreadyPaid(then) | Outlived(then):
            return then
        case Expired() | UnderCheck():
            return None


def reusable(attempts: Sequence[Attempt], acquirer: str, amount: Money, *, now: datetime) -> Attempt | None:
    """The newest go that may be gone on with: open, the same sum, and its page's address not lost."""
    for attempt in reversed(attempts):
        same = attempt.acquirer == acquirer and attempt.amount == amount
        lost = attempt.operation is not None and attempt.url is None
        if same and attempt.state in OPEN and not lost and (attempt.operation or may_repeat(attempt, now)):
            return attempt
    return None


def may_repeat(attempt: Attempt, now: datetime) -> bool:
    """Whether creating *attempt* again would still be the same payment at its acquirer."""
    return now - attempt.created_at < REPEATED_FOR
