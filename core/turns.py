"""A turn: one message or event with all that its dialogue may know at once, and what it comes to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from core.allocation import PROPORTIONAL, Rule
from core.conversation import Idle, Stage
from core.messages import MessageClass, Month, Reply, Said
from core.money import Money
from core.penalties import RULES, PenaltyRules
from core.reading_windows import MovedWindow
from core.requisites import Requisites


class AccountLink(msgspec.Struct, frozen=True):
    """A verified bond of a resident with an account. *address* is masked; *name* the resident's own or ''."""

    id: int
    account: int
    number: str
    name: str
    address: str
    current: bool
    frozen: bool = False


class Resident(msgspec.Struct, frozen=True):
    """Who has consented in this chat, with the accounts that they may see."""

    id: int
    links: tuple[AccountLink, ...] = ()

    @property
    def current(self) -> AccountLink | None:
        """The account that the talk is about; None before one is linked."""
        usable = [link for link in self.links if not link.frozen]
        return next((link for link in usable if link.current), usable[0] if usable else None)

    def link_of(self, account: int) -> AccountLink | None:
        """The usable link to *account*, if this resident has one."""
        return next((link for link in self.links if link.account == account and not link.frozen), None)


class Limits(msgspec.Struct, frozen=True):
    """The centre's numbers that dialogues speak of; sums in kopecks, privacy limits of the centre's policy."""

    payment_min: Money = Money(100)
    payment_other_min: Money = Money(1_000)
    payment_max: Money = Money(10_000_000)
    # The most that an acquirer takes at once; all that is due may be paid up to it.
    payment_all_max: Money = Money(35_000_000)
    accounts_per_resident: int = 10
    residents_per_account: int = 5


class DueDay(msgspec.Struct, frozen=True):
    """Bills for months from *since* on are due on this day of the following month (ЖК РФ art. 155 p. 1)."""

    since: Month
    day: int


class Centre(msgspec.Struct, frozen=True):
    """The settings of the billing centre that dialogues need."""

    name: str
    zone: ZoneInfo
    address: str = ""
    phone: str = ""
    hours: str = ""
    site: str = ""
    privacy_url: str = ""
    consent_version: str = "2026-11"
    # Where residents pay to by bank transfer; None: no payment QR is offered.
    requisites: Requisites | None = None
    # Whether a phone that billing has on file for an account proves it, where a messenger vouches for the phone.
    phone_proves: bool = False
    # Where each messenger's chat is opened with a code: the channel, and an address with `{code}` in it.
    chat_links: tuple[tuple[str, str], ...] = ()
    limits: Limits = Limits()
    due_days: tuple[DueDay, ...] = (DueDay(Month(2000, 1), 10), DueDay(Month(2026, 2), 15))
    # What the government moves each year: working days made days of rest, and days of rest made working days.
    days_off: tuple[date, ...] = ()
    days_worked: tuple[date, ...] = ()
    # Months whose readings are taken in on other days than those of the meters.
    moved_windows: tuple[MovedWindow, ...] = ()
    # How a payment is spread over what is due.
    allocation: Rule = PROPORTIONAL
    # What penalties are reckoned with in forecasts and comparisons.
    penalties: PenaltyRules = RULES


# --- Events: turns that no resident began ---------------------------------------------------------


class PaymentSettled(msgspec.Struct, frozen=True, tag=True):
    """A payment begun in this chat was confirmed by its acquirer and posted."""

    payment: int
    account: int
    amount: Money


class PaymentRefunded(msgspec.Struct, frozen=True, tag=True):
    """*amount* of a payment that was begun in this chat was given back, as the payment *refund* of the books."""

    payment: int
    refund: int
    account: int
    amount: Money


class LinkAdded(msgspec.Struct, frozen=True, tag=True):
    """Another chat was linked to an account that this chat is linked to."""

    link: int
    account: int
    channel: str


class LinkUnfrozen(msgspec.Struct, frozen=True, tag=True):
    """Staff gave this chat its account back, which another resident had frozen."""

    account: int


class ChatJoined(msgspec.Struct, frozen=True, tag=True):
    """*chat* of *channel* shares this chat's resident from now on."""

    chat: int
    channel: str


class ReadingRejected(msgspec.Struct, frozen=True, tag=True):
    """Billing rejected a reading that came from this chat: its receipt's number, and the register of which meter."""

    reading: int
    account: int
    reason: str
    meter: str = ""
    register: int = 0


class CaseAnswered(msgspec.Struct, frozen=True, tag=True):
    """A member of staff answered what was asked in this chat."""

    case: int
    answer: str


class TooManyWaiting(msgspec.Struct, frozen=True, tag=True):
    """Messages of this chat were dropped because too many were waiting."""


class Incident(msgspec.Struct, frozen=True, tag=True):
    """A turn of this chat failed by our fault; *number* stands in the log as well."""

    number: str


Event: TypeAlias = (
    PaymentSettled
    | PaymentRefunded
    | LinkAdded
    | LinkUnfrozen
    | ChatJoined
    | ReadingRejected
    | CaseAnswered
    | TooManyWaiting
    | Incident
)
# What one chat of a resident is told; of all else each of them hears by an event of its own.
TOLD_ONCE: Final = (PaymentSettled, PaymentRefunded, ReadingRejected, CaseAnswered)


# --- The turn itself ------------------------------------------------------------------------------


class Turn(msgspec.Struct, frozen=True):
    """What a dialogue is given.

    *sent_at* is the platform's time (windows, «принято»), *now* ours (limits, links). *resident* is None
    before consent. *stale*: older than what this chat last handled, so it is read from Idle and confirms
    nothing. *lost*: the kept stage could not be read. *event*: the number of the event that began the turn.
    *vouched*: this messenger vouches that a phone shared in it is the sender's, and the centre takes that for proof.
    """

    chat: int
    channel: str
    sent_at: datetime
    now: datetime
    said: Said | Event
    centre: Centre
    language: str = "ru"
    resident: Resident | None = None
    stage: Stage = Idle()
    private: bool = True
    stale: bool = False
    lost: bool = False
    key: str = ""
    event: int | None = None
    vouched: bool = False

    @property
    def account(self) -> AccountLink | None:
        """The account that the talk is about, if there is one."""
        return self.resident.current if self.resident else None

    @property
    def linked(self) -> AccountLink:
        """The same where routing has made sure that there is one. Raises LookupError where it has not."""
        if (link := self.account) is None:
            raise LookupError("this turn has no account")
        return link

    @property
    def today(self) -> date:
        """The day of *now* at the centre."""
        return self.now.astimezone(self.centre.zone).date()


class Notice(msgspec.Struct, frozen=True):
    """A reply for another chat; its buttons carry all that they need, and that chat's stage stays."""

    to: int
    reply: Reply
    message_class: MessageClass = MessageClass.NOTICE


class Told(msgspec.Struct, frozen=True):
    """What a turn comes to: where the talk stands now, and what is said.

    *language*: the language of this very turn's replies, where the turn changed it.
    *message_class*: how the replies of this turn are to be delivered.
    """

    stage: Stage
    replies: tuple[Reply, ...] = ()
    notices: tuple[Notice, ...] = ()
    message_class: MessageClass = MessageClass.REPLY
    language: str | None = None


def told(stage: Stage, *replies: Reply) -> Told:
    """*stage* and *replies* as what a turn comes to."""
    return Told(stage, replies)
