"""What Viber posts to a bot, read as what residents say.

Where it bites: a press comes as a text equal to the button's body, and a pressed link as a text equal to its
address; `message_token` is beyond 2^53 and now and then written as text; a shared phone looks like any other
contact; the trial call of `set_webhook` may come unsigned. viberbot's own parser is not used: it raises bare
exceptions on what it does not know, drops the token of `subscribed` and compares signatures with `==`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final, NamedTuple, TypeAlias, TypeVar

import msgspec

from adapters import receiving
from core.channel import Received, Refused
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable

NAME: Final = "viber"
SIGNATURE_HEADER: Final = "x-viber-content-signature"
TRIAL: Final = "webhook"
# Asked for; `message`, `subscribed` and `unsubscribed` always come. Receipts would double the traffic.
EVENT_KINDS: Final = ("failed", "conversation_started")

# What a button's body begins with, so that a press is told from typed text. No action begins with a slash.
PRESSED: Final = "m:"
BEGUN: Final = f"{PRESSED}/start:"

# A text that is an address and nothing else is what a pressed link says; people's links come as `url`.
_ADDRESS: Final = re.compile(r"(?:https?|viber)://\S+", re.IGNORECASE)
# The payload of a deep link; what else a link carries is not ours.
_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

T = TypeVar("T")

_UserId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Token: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}\Z")]
)
_Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**47)]


class _User(msgspec.Struct):
    id: _UserId
    language: str | None = None


class _Contact(msgspec.Struct):
    phone_number: str


class _Message(msgspec.Struct):
    type: str
    text: str | None = None
    media: str | None = None
    contact: _Contact | None = None


class _Event(msgspec.Struct):
    event: str
    timestamp: _Milliseconds | None = None
    message_token: _Token | None = None
    user: _User | None = None
    sender: _User | None = None
    user_id: _UserId | None = None
    message: _Message | None = None
    context: str | None = None
    subscribed: bool = False
    desc: str | None = None


class Opened(NamedTuple):
    """Somebody who may not be written to yet looks at the chat; a welcome may be the answer."""

    language: str | None
    context: str


def check(token: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise ForgedWebhookError unless *body* is signed with *token*, in constant time; a trial need not be."""
    given = headers.get(SIGNATURE_HEADER)
    if given is None and _is_trial(body):
        return
    signature = signed(token, body).encode()
    if not hmac.compare_digest((given or "").encode(errors="surrogateescape"), signature):
        raise ForgedWebhookError(NAME)


def signed(token: str, body: bytes) -> str:
    """The signature of *body*: https://developers.viber.com/docs/api/rest-bot-api/#callbacks."""
    return hmac.new(token.encode(), body, hashlib.sha256).hexdigest()


def _is_trial(body: bytes) -> bool:
    try:
        fields = parse(body)
    except UnusableUpdateError:
        return False
    return isinstance(fields, dict) and fields.get("event") == TRIAL


parse: Final = partial(receiving.parse, NAME)


def decode(fields: object) -> Received | Opened:
    """One event as what it says.

    Raises UnusableUpdateError where a field that we need is missing or of the wrong type.
    """
    try:
        event = msgspec.convert(fields, _Event)
    except msgspec.ValidationError as error:
        raise UnusableUpdateError(NAME, str(error)) from None
    match event.event:
        case "message":
            return _message(event)
        case "conversation_started":
            return _opened(event)
        case "subscribed":
            # Whoever subscribes does it by writing or pressing, and that comes besides.
            user = _needed(event.user, "user")
            return _heard(event, user.id, Started(silent=True), user.language)
        case "unsubscribed":
            return _heard(event, _needed(event.user_id, "user_id"), Stopped())
        case "failed":
            return Received((), refused=(_refused(event),))
        case "delivered" | "seen":
            return Received((), ignored=f"a receipt: {event.event}")
        case _ if event.event == TRIAL:
            return Received((), ignored="a trial call")
        case _:
            return Received((), ignored=f"an event that we did not ask for: {event.event[:40]}")


def _refused(event: _Event) -> Refused:
    """What a phone says of a message of ours, by the number that Viber gave it."""
    why = (event.desc or "").replace("\0", "")[:200]
    return Refused(
        _needed(event.user_id, "user_id"), _number(event), f"not shown: {why or 'no reason given'}"
    )


def _message(event: _Event) -> Received:
    sender, message = _needed(event.sender, "sender"), _needed(event.message, "message")
    said = _said(message)
    if said is None:
        return Received((), ignored="the echo of a pressed link")
    return _heard(event, sender.id, said, sender.language)


def _said(message: _Message) -> Said | None:
    match message.type:
        case "text":
            return _words(_needed(message.text, "message.text"))
        case "picture":
            return Photo(_needed(message.media, "message.media"), message.text or "")
        case "contact":
            # Shared or forwarded, it looks the same: it proves nothing.
            digits = re.sub(r"\D", "", _needed(message.contact, "message.contact").phone_number)
            return Contact(f"+{digits}", own=False)
        case kind:
            return Unreadable(kind[:40])


def _words(text: str) -> Text | Press | Started | None:
    """A press, a typed text, or None for what a pressed link says."""
    if text.startswith(BEGUN):
        return Started(_context(text.removeprefix(BEGUN)))
    if text.startswith(PRESSED):
        return Press(text.removeprefix(PRESSED))
    return None if _ADDRESS.fullmatch(text.strip()) else Text(text)


def _opened(event: _Event) -> Received | Opened:
    user, context = _needed(event.user, "user"), _context(event.context or "")
    if not event.subscribed:
        return Opened(user.language, context)
    if not context:
        return Received((), ignored="a subscriber looks at the chat")
    return _heard(event, user.id, Started(context), user.language)


def _context(given: str) -> str:
    return given if _CONTEXT.fullmatch(given) else ""


def _heard(event: _Event, user: str, said: Said, language: str | None = None) -> Received:
    sent_ms = _needed(event.timestamp, "timestamp")
    incoming = Incoming(
        channel=NAME,
        chat=user,
        sender=user,
        key=_number(event),
        order=sent_ms,
        sent_at=datetime.fromtimestamp(sent_ms / 1000, UTC),
        said=said,
        language=language,
    )
    return Received((incoming,))


def _number(event: _Event) -> str:
    """The number of a message, however it is written."""
    return _needed(None if event.message_token is None else str(int(event.message_token)), "message_token")


def _needed(value: T | None, name: str) -> T:
    if value is None:
        raise UnusableUpdateError(NAME, f"Object missing required field `{name}`")
    return value
