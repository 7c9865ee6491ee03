"""Question[T] and the questions that a dialogue may ask; those about meters are in core.meter_questions.

A question is a frozen value named for its answer. Awaiting it yields it to whoever drives the dialogue
and returns the answer. Reads come first in a batch; writes (`WRITES`) are answered in the order of turns.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Generic, TypeAlias, TypeVar

import msgspec

from core.due_dates import DueRules
from core.messages import Month
from core.money import Money
from core.statements import Bill, History, Statement
from core.turns import AccountLink, Event, Resident

T = TypeVar("T")


class Question(Generic[T]):
    """Something that a dialogue wants to know or have done; its answer is a T."""

    __slots__ = ()
    writes: ClassVar[bool] = False

    def __await__(self) -> Generator[Question[T], T, T]:
        return (yield self)


# --- What is due, and why --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatementOf(Question[Statement]):
    """What is due on *account* as of *on*, by the centre's due days."""

    account: int
    on: date
    dues: DueRules


@dataclass(frozen=True, slots=True)
class BillOf(Question[Bill | None]):
    """The bill of *period*, or the latest one; None if there is no such bill."""

    account: int
    dues: DueRules
    period: Month | None = None


@dataclass(frozen=True, slots=True)
class HistoryOf(Question[History]):
    """Bills and payments of the 12 months up to *until*."""

    account: int
    until: Month


# --- Consent and accounts --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GiveConsent(Question[Resident]):
    """Record consent to the text of *version* (*text_hash* its SHA-256) in this chat; makes the resident."""

    writes = True
    chat: int
    channel: str
    version: str
    text_hash: str
    at: datetime
    language: str


class ByTotal(msgspec.Struct, frozen=True, tag=True):
    """Proof: the exact total of one of the last three bills (a bill of 0.00 is none)."""

    total: Money


class ByCode(msgspec.Struct, frozen=True, tag=True):
    """Proof: the code printed on the paper bill."""

    code: str


class ByMeter(msgspec.Struct, frozen=True, tag=True):
    """Proof: the last digits of an open meter's serial and its last reading, ±5 %."""

    serial_end: str
    reading: Decimal


Proof: TypeAlias = ByTotal | ByCode | ByMeter


class Proven(msgspec.Struct, frozen=True):
    """The proof fits this account."""

    account: int


class NotProven(msgspec.Struct, frozen=True):
    """No such account, or the proof does not fit it: which of the two is never told."""


class Blocked(msgspec.Struct, frozen=True):
    """No more tries before *until*."""

    until: datetime


@dataclass(frozen=True, slots=True)
class TryProof(Question[Proven | NotProven | Blocked]):
    """Count a try for the typed *number*, whether it exists or not, and check *proof* within the limits."""

    writes = True
    chat: int
    channel: str
    number: str
    proof: Proof
    at: datetime


class Linked(msgspec.Struct, frozen=True):
    """The account is linked and current; *others* are the account's other chats, told by an event."""

    link: AccountLink
    others: int


class AlreadyLinked(msgspec.Struct, frozen=True):
    """The resident has the account already; it is current now."""

    link: AccountLink


class TooManyLinks(msgspec.Struct, frozen=True):
    """The resident has as many accounts as one may have."""

    accounts_max: int


class TooManyResidents(msgspec.Struct, frozen=True):
    """The account has as many residents as it may have."""

    residents_max: int


class LinkFrozen(msgspec.Struct, frozen=True):
    """Somebody who had the account before froze this resident's link to it: the centre decides."""


@dataclass(frozen=True, slots=True)
class LinkAccount(Question[Linked | AlreadyLinked | TooManyLinks | TooManyResidents | LinkFrozen]):
    """Link *account*, proven by *proof* ('total', 'code', 'meter', 'phone'), to *resident*."""

    writes = True
    resident: int
    chat: int
    channel: str
    account: int
    proof: str
    at: datetime
    accounts_max: int
    residents_max: int


@dataclass(frozen=True, slots=True)
class AccountsByPhone(Question[tuple[int, ...]]):
    """The open accounts that billing has *phone* on file for; proof where a messenger vouches for the phone."""

    phone: str


@dataclass(frozen=True, slots=True)
class NumberBehind(Question[str | None]):
    """The account number in a paper bill's deep link; None if it is forged or outlived. It proves nothing."""

    token: str


@dataclass(frozen=True, slots=True)
class ChooseLink(Question[bool]):
    """Make *link* the current one of *resident*."""

    writes = True
    resident: int
    link: int


@dataclass(frozen=True, slots=True)
class RenameLink(Question[bool]):
    """Give *link* the resident's own name ('' takes it away)."""

    writes = True
    resident: int
    link: int
    name: str


@dataclass(frozen=True, slots=True)
class Unlink(Question[bool]):
    """End *link*; its payments and readings stay with the account."""

    writes = True
    resident: int
    link: int
    at: datetime


class Frozen(msgspec.Struct, frozen=True):
    """The link may not be used until the centre has decided; *chats* are those that it served."""

    account: int
    chats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FreezeLink(Question[Frozen | None]):
    """«Это не я»: freeze *link*, asked by *resident*, who had the same account before.

    None where there is nothing to freeze: no later link to an account of theirs, or ended meanwhile.
    """

    writes = True
    resident: int
    link: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SetLanguage(Question[None]):
    """Speak *language* in this chat from now on."""

    writes = True
    chat: int
    language: str


class ConsentGiven(msgspec.Struct, frozen=True):
    """A consent on record."""

    version: str
    channel: str
    given_at: datetime
    withdrawn_at: datetime | None


class MyData(msgspec.Struct, frozen=True):
    """All that is kept about a resident, for «Какие данные обо мне». *receipts*: where receipts are sent."""

    links: tuple[AccountLink, ...]
    consents: tuple[ConsentGiven, ...]
    channels: tuple[str, ...]
    readings: int
    cases: int
    receipts: bool = False


@dataclass(frozen=True, slots=True)
class MyDataOf(Question[MyData]):
    """What is kept about *resident*."""

    resident: int


@dataclass(frozen=True, slots=True)
class EraseResident(Question[int]):
    """Withdraw consent, unlink everything and erase the resident's chats; returns the request's number."""

    writes = True
    resident: int
    chat: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StopMessages(Question[None]):
    """The chat is not to be written to unasked; *gone*: it blocked the bot, so not at all."""

    writes = True
    chat: int
    at: datetime
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ResumeMessages(Question[None]):
    """The chat came back and may be written to again."""

    writes = True
    chat: int


# --- Paying, staff ---------------------------------------------------------------------------------


class PaymentLink(msgspec.Struct, frozen=True):
    """The centre's own short link to pay by."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenPayment(Question[PaymentLink]):
    """A link to pay *amount* on *account*; *source_ref* makes a repeat return the same link.

    *whole*: the amount is all that is due, so the link is outlived once less is due.
    """

    writes = True
    account: int
    chat: int
    amount: Money
    whole: bool
    at: datetime
    source_ref: str


class Settled(msgspec.Struct, frozen=True):
    """A payment as posted: how much of it was spread over services, and what became an advance."""

    amount: Money
    paid_at: datetime
    number: str
    advance: Money


@dataclass(frozen=True, slots=True)
class PaymentOf(Question[Settled]):
    """A payment that was posted."""

    payment: int


@dataclass(frozen=True, slots=True)
class OpenCase(Question[int]):
    """Something for staff: *kind* with *facts*; returns the case's number. *chat* None: no chat brought it."""

    writes = True
    kind: str
    chat: int | None
    account: int | None
    facts: tuple[tuple[str, str], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class AddToCase(Question[bool]):
    """Add *facts* (a photo's reference, say) to *case* of this chat."""

    writes = True
    case: int
    chat: int
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EventOf(Question[Event | None]):
    """What happened under *number* in this chat or another one of its resident; None if it is not theirs."""

    chat: int
    number: int
