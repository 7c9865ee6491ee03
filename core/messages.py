"""What can be said either way: a resident's message, our reply, and the documents that it may carry."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from functools import cache
from typing import TypeAlias

import msgspec

from core.money import Money

# --- What comes in -------------------------------------------------------------------------------


class Text(msgspec.Struct, frozen=True, tag=True):
    """Words that a resident typed."""

    text: str


class Press(msgspec.Struct, frozen=True, tag=True):
    """A pressed button. *message* is the platform's id of the message that carried it, where known."""

    payload: str
    message: str | None = None


class Contact(msgspec.Struct, frozen=True, tag=True):
    """A shared contact. *own*: the platform vouches that the phone is the sender's."""

    phone: str
    own: bool


class Photo(msgspec.Struct, frozen=True, tag=True):
    """A picture, by the platform's own reference to it."""

    file: str
    caption: str = ""


class Voice(msgspec.Struct, frozen=True, tag=True):
    """A voice message."""

    duration_s: int = 0


class Started(msgspec.Struct, frozen=True, tag=True):
    """The chat was opened, perhaps by a deep link with *payload*; *silent*: without a word, and none is awaited."""

    payload: str = ""
    silent: bool = False


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """The resident blocked or left the bot."""


class Unreadable(msgspec.Struct, frozen=True, tag=True):
    """Something that a person sent and we do not read: a sticker, a place, a file."""

    kind: str


Said: TypeAlias = Text | Press | Contact | Photo | Voice | Started | Stopped | Unreadable


class Incoming(msgspec.Struct, frozen=True):
    """One update of a platform, in our words.

    *chat* and *sender* are the platform's own ids; *key* is the update's key within the channel;
    *order* is the platform's order within the chat; *acknowledge* is what the acknowledgement of a
    press needs; *position* is where a poller stands once this update is committed.
    """

    channel: str
    chat: str
    sender: str
    key: str
    order: int
    sent_at: datetime
    said: Said
    private: bool = True
    language: str | None = None
    acknowledge: str | None = None


# --- What is said: phrases before wording --------------------------------------------------------

Value: TypeAlias = "str | int | Money | Decimal | date | datetime | Month | Phrase"


class Month(msgspec.Struct, frozen=True, order=True, tag=True):
    """A calendar month, a billing period."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @classmethod
    def of(cls, day: date) -> Month:
        """The month that *day* is in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """'2026-04' as a month. Raises ValueError on anything else."""
        first = date.fromisoformat(f"{text}-01")
        return cls.of(first)

    @property
    def first_day(self) -> date:
        """The month's first day."""
        return date(self.year, self.month, 1)

    def plus(self, months: int) -> Month:
        """The month *months* later (earlier, if negative)."""
        years, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(years, month + 1)


class Phrase(msgspec.Struct, frozen=True):
    """A key of the text catalogue with what fills it; put into words by `core.wording`."""

    key: str
    values: tuple[tuple[str, Value], ...] = ()


@cache
def _unfilled(key: str) -> Phrase:
    return Phrase(key)


def text(key: str, **values: Value) -> Phrase:
    """The phrase *key* of the catalogue; an argument `unit_price` is `$unit-price` in the catalogue."""
    if not values:
        return _unfilled(key)
    return Phrase(key, tuple((name.replace("_", "-"), value) for name, value in sorted(values.items())))


class Table(msgspec.Struct, frozen=True):
    """Rows of a label and a value: aligned where a channel has a monospaced block, else a line a row."""

    rows: tuple[tuple[Phrase | str, Value], ...]


Paragraph: TypeAlias = Phrase | Table


# --- What goes out -------------------------------------------------------------------------------


class DataClass(IntEnum):
    """What a reply discloses; a channel has a ceiling (149-ФЗ art. 10, 152-ФЗ)."""

    PUBLIC = 0
    INTAKE = 1
    PERSONAL = 2
    PAYMENT = 3
    SENSITIVE = 4


class PressButton(msgspec.Struct, frozen=True, tag=True):
    """A button that comes back as a Press; *payload* at most 64 bytes.

    *neutral* is what the label becomes where the channel may not carry the label itself.
    """

    label: Phrase
    payload: str
    data_class: DataClass = DataClass.PUBLIC
    neutral: Phrase | None = None


class LinkButton(msgspec.Struct, frozen=True, tag=True):
    """A button that opens an address."""

    label: Phrase
    url: str
    data_class: DataClass = DataClass.PUBLIC
    neutral: Phrase | None = None


class ContactButton(msgspec.Struct, frozen=True, tag=True):
    """A button that shares the resident's own phone."""

    label: Phrase


Button: TypeAlias = PressButton | LinkButton | ContactButton
Keyboard: TypeAlias = tuple[tuple[Button, ...], ...]


class BillDocument(msgspec.Struct, frozen=True, tag=True):
    """The bill of a month, to be rendered just before sending."""

    account: int
    period: Month


class PaymentQr(msgspec.Struct, frozen=True, tag=True):
    """A bank QR for *due* on an account."""

    account: int
    due: Money


class UsageChart(msgspec.Struct, frozen=True, tag=True):
    """Use of an account's meters over the months up to *until*."""

    account: int
    until: Month


Document: TypeAlias = BillDocument | PaymentQr | UsageChart


class Reply(msgspec.Struct, frozen=True):
    """One thing that we say, before wording and fitting.

    *replaces*: where the channel can, the message that the press came from is edited instead.
    *lesser*: the same in a form that discloses less, for channels with a lower ceiling.
    *numeric*: a number is awaited next, so choices that must be spelled out are lettered. *page*: which
    page of the keyboard to show where it does not fit at once.
    """

    body: tuple[Paragraph, ...]
    keyboard: Keyboard = ()
    documents: tuple[Document, ...] = ()
    replaces: bool = False
    data_class: DataClass = DataClass.PUBLIC
    lesser: Reply | None = None
    numeric: bool = False
    page: int = 0


def say(
    *body: Paragraph,
    keyboard: Keyboard = (),
    data_class: DataClass = DataClass.PUBLIC,
    replaces: bool = False,
    documents: tuple[Document, ...] = (),
    lesser: Reply | None = None,
    numeric: bool = False,
) -> Reply:
    """A reply of *body*, paragraph after paragraph."""
    return Reply(body, keyboard, documents, replaces, data_class, lesser, numeric)


def press(
    key: str,
    payload: str,
    *,
    data_class: DataClass = DataClass.PUBLIC,
    neutral: Phrase | None = None,
    **values: Value,
) -> PressButton:
    """A press button whose label is the phrase *key*."""
    return PressButton(text(key, **values), payload, data_class, neutral)


class MessageClass(IntEnum):
    """How a message is treated when its delivery is uncertain, and what goes first."""

    REPLY = 0
    CONFIRMATION = 1
    NOTICE = 2
    BROADCAST = 3


# --- Fitted: channel-neutral and final, as the outbox keeps it ----------------------------------


class Span(msgspec.Struct, frozen=True, array_like=True):
    """A run of text in one style: '' plain, 'b' bold, 'c' code, 'pre' a monospaced block, 'a' a link to *url*."""

    text: str
    style: str = ""
    url: str = ""


class Key(msgspec.Struct, frozen=True, array_like=True):
    """A fitted button: *kind* is 'press', 'link' or 'contact'; *data* its payload or address.

    *data_class* is what the label or the address discloses.
    """

    label: str
    kind: str
    data: str = ""
    data_class: DataClass = DataClass.PUBLIC


class Message(msgspec.Struct, frozen=True, tag="1"):
    """What a channel is asked to send: already worded, permitted and within its limits."""

    spans: tuple[Span, ...]
    keyboard: tuple[tuple[Key, ...], ...] = ()
    documents: tuple[Document, ...] = ()
    replaces: str | None = None
    data_class: DataClass = DataClass.PUBLIC
    message_class: MessageClass = MessageClass.REPLY
    language: str = "ru"

    @property
    def plain(self) -> str:
        """The visible text without markup."""
        return "".join(span.text for span in self.spans)
