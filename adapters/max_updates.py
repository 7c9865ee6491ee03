"""What MAX sends to a bot, read as what residents say.

Where it bites: the secret is a header and no signature of the body; an update has no id; what the API does not
show comes without its message; in a press the message is the bot's own, so the person stands elsewhere in each
kind; a press of a deleted message names no chat, which is why a chat is addressed by its person; `bot_stopped`
and `dialog_removed` come together and mean the same; a contact proves a phone only with the right hash.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from adapters import receiving
from core.channel import Received
from core.errors import UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable, Voice

NAME: Final = "max"
SECRET_HEADER: Final = "x-max-bot-api-secret"  # noqa: S105  # the name of a header

# https://dev.max.ru/docs-api/objects/Update
CREATED: Final = "message_created"
PRESSED: Final = "message_callback"
STARTED: Final = "bot_started"
STOPPED: Final = ("bot_stopped", "dialog_removed")
# What is read, and why nothing is done.
SILENT: Final[Mapping[str, str]] = {
    "message_edited": "an edited message: what was said stands, the resident may say it anew",
    "message_removed": "a removed message: what was said stands",
    # No ids are kept to edit but in a press; an edit of what is gone is refused, and sent anew.
    "dialog_cleared": "a cleared dialog: nothing is kept of it here",
    "dialog_muted": "a muted dialog: only its sound is off",
    "dialog_unmuted": "a dialog that is no longer muted",
}
# What happens in groups is not asked for, and left if it comes.
GROUPS: Final = frozenset(
    {
        "bot_added",
        "bot_removed",
        "user_added",
        "user_removed",
        "chat_title_changed",
        "message_chat_created",
    }
)
# What is asked for.
UPDATE_KINDS: Final = (CREATED, PRESSED, STARTED, *STOPPED, *SILENT)

PICTURE_NAMES: Final = (".jpg", ".jpeg", ".png")
# Attachments that are called otherwise in what residents are told.
KINDS: Final = {"file": "document"}
# A `seq` is the time in milliseconds with a counter below it.
SEQ_BITS: Final = 16

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Person: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,256}\Z")]
_Payload: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]{0,1024}\Z")]
_Ms: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**46)]
_Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _User(msgspec.Struct):
    user_id: _Person
    is_bot: bool | None = None


class _Recipient(msgspec.Struct):
    chat_type: str = "dialog"


class _Body(msgspec.Struct):
    mid: _Id
    seq: _Seq | None = None
    text: str | None = None
    attachments: tuple[Any, ...] | None = None


class _Link(msgspec.Struct):
    type: str | None = None


class _Message(msgspec.Struct):
    recipient: _Recipient
    timestamp: _Ms
    body: _Body
    sender: _User | None = None
    link: _Link | None = None


class _Created(msgspec.Struct):
    message: _Message | None = None
    user_locale: str | None = None


class _Callback(msgspec.Struct):
    timestamp: _Ms
    callback_id: _Id
    user: _User
    payload: _Payload | None = None


class _Pressed(msgspec.Struct):
    callback: _Callback
    message: _Message | None = None
    user_locale: str | None = None


class _Dialog(msgspec.Struct):
    chat_id: _Number
    user: _User
    timestamp: _Ms
    payload: _Payload | None = None
    user_locale: str | None = None


_Event = TypeVar("_Event", _Created, _Pressed, _Dialog)


def check(secret: str, headers: Mapping[str, str], *, before: str = "") -> None:
    """Raise ForgedWebhookError unless *headers* hold *secret*, or the one *before* it."""
    receiving.check_secret(NAME, secret, headers.get(SECRET_HEADER, ""), before=before)


parse: Final = partial(receiving.parse, NAME)


def decode(fields: object, *, token: str) -> Received:
    """One update as what it says; *token* signs the contacts that prove a phone.

    Raises UnusableUpdateError where a field that we need is missing or wrong.
    """
    if not isinstance(fields, dict):
        raise UnusableUpdateError(NAME, "the update is no object")
    kind = fields.get("update_type")
    if kind == CREATED:
        return _created(_event(fields, _Created), token)
    if kind == PRESSED:
        return _pressed(_event(fields, _Pressed))
    if kind == STARTED:
        return _began(_event(fields, _Dialog))
    if kind in STOPPED:
        return _ended(_event(fields, _Dialog))
    return Received((), ignored=_nothing(kind if isinstance(kind, str) else ""))


def _nothing(kind: str) -> str:
    """Why an update of *kind* says nothing to us."""
    if kind in GROUPS:
        return "what happens in a group"
    return SILENT.get(kind) or f"an update of another kind: {_word(kind) or 'nameless'}"


def dialog_in(fields: object) -> tuple[str, int] | None:
    """The person whom an update comes from and their dialog's own number; None where it names none."""
    match fields:
        case {
            "callback": {"user": {"user_id": int(person)}},
            "message": {"recipient": {"chat_id": int(dialog)}},
        } if dialog > 0:
            return str(person), dialog
        case {"callback": _}:
            return None
        case {"message": {"sender": {"user_id": int(person)}, "recipient": {"chat_id": int(dialog)}}} if (
            dialog > 0
        ):
            return str(person), dialog
        case {"chat_id": int(dialog), "user": {"user_id": int(person)}} if dialog > 0:
            return str(person), dialog
        case _:
            return None


def _event(fields: object, kind: type[_Event]) -> _Event:
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UnusableUpdateError(NAME, str(error)) from None


def _word(name: object) -> str:
    return re.sub(r"[^A-Za-z_]", "", name)[:40] if isinstance(name, str) else "nameless"


# --- Messages -------------------------------------------------------------------------------------


def _created(event: _Created, token: str) -> Received:
    message = event.message
    if message is None:
        return Received((), ignored="a message that the API does not show")
    if message.recipient.chat_type != "dialog":
        return Received((), ignored="a message in a group")
    sender = message.sender
    if sender is None or sender.is_bot:
        return Received((), ignored="a message of no person")
    heard = _heard(message, sender.user_id, token)
    if not heard:
        return Received((), ignored="an empty message")
    body = message.body
    # Pictures sent together are one message with one mid.
    keys = [body.mid, *(f"{body.mid}#{number}" for number in range(1, len(heard)))]
    return Received(
        tuple(
            _incoming(
                sender,
                said,
                key=key,
                order=_seq(message),
                at_ms=message.timestamp,
                language=event.user_locale,
            )
            for key, said in zip(keys, heard, strict=True)
        )
    )


def _seq(message: _Message) -> int:
    return message.timestamp << SEQ_BITS if message.body.seq is None else message.body.seq


def _heard(message: _Message, sender: int, token: str) -> Sequence[Said]:
    """Pictures, or else words, or else the first thing attached; what is passed on is not said by its sender."""
    attached = [each for each in message.body.attachments or () if isinstance(each, dict)]
    text = (message.body.text or "").replace("\0", "")
    pictures = [url for each in attached if (url := _picture(each))]
    if pictures:
        first, *others = pictures
        return [Photo(first, text), *(Photo(url) for url in others)]
    if text:
        return [Text(text)]
    if attached:
        return [_attached(attached[0], sender, token)]
    return [Unreadable(_word(message.link.type))] if message.link else []


def _picture(attachment: Mapping[str, Any]) -> str:
    """The address of a picture, also of one sent as a file; '' for anything else."""
    match attachment:
        case {"type": "image", "payload": {"url": str(url)}}:
            return url
        case {"type": "file", "payload": {"url": str(url)}, "filename": str(name)}:
            return url if name.lower().endswith(PICTURE_NAMES) else ""
        case _:
            return ""


def _attached(attachment: Mapping[str, Any], sender: int, token: str) -> Said:
    match attachment:
        case {"type": "contact", "payload": {"vcf_info": str(card)} as payload}:
            return _contact(card, payload, sender, token) or Unreadable("contact")
        case {"type": "audio"}:
            return Voice()
        case _:
            kind = _word(attachment.get("type")) or "something"
            return Unreadable(KINDS.get(kind, kind))


# --- The proof of a phone -------------------------------------------------------------------------

_PHONE: Final = re.compile(r"^TEL(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def _contact(card: str, payload: Mapping[str, Any], sender: int, token: str) -> Contact | None:
    """The phone on a *card*; the sender's own where the platform's hash is over this very card and is theirs.

    Clients have been seen to write the ends of its lines out; a name may hold what looks like another line.
    """
    unescaped = card.replace("\\r\\n", "\r\n")
    signed = next((form for form in (card, unescaped) if _is_signed(form, payload.get("hash"), token)), None)
    phones = _PHONE.findall(signed or unescaped)
    digits = re.sub(r"[^0-9]", "", phones[0]) if phones else ""
    if not digits:
        return None
    info = payload.get("max_info")
    theirs = isinstance(info, dict) and info.get("user_id") == sender
    return Contact(f"+{digits}", own=signed is not None and theirs and len(phones) == 1)


def _is_signed(card: str, digest: object, token: str) -> bool:
    # https://dev.max.ru/docs-api/use-cases/sending-messages/keyboard
    right = hmac.new(token.encode(), card.encode(errors="backslashreplace"), "sha256").hexdigest()
    given = digest.lower().encode(errors="backslashreplace") if isinstance(digest, str) else b""
    return hmac.compare_digest(given, right.encode())


# --- Presses, beginnings and ends -----------------------------------------------------------------


def _pressed(event: _Pressed) -> Received:
    """A press; whether each has a `callback_id` of its own is not known, so the time is in its key."""
    callback, message = event.callback, event.message
    if message is not None and message.recipient.chat_type != "dialog":
        return Received((), ignored="a press in a group")
    order = callback.timestamp << SEQ_BITS
    if message is not None:
        # The time of a press and that of a message may come from two clocks: it is newer than what it is under.
        order = max(order, _seq(message) + 1)
    incoming = _incoming(
        callback.user,
        Press(callback.payload or "", message.body.mid if message else None),
        key=f"{callback.callback_id}:{callback.timestamp}",
        order=order,
        at_ms=callback.timestamp,
        language=event.user_locale,
        acknowledge=callback.callback_id,
    )
    return Received((incoming,))


def _began(event: _Dialog) -> Received:
    return _of_dialog(event, "started", Started(event.payload or ""))


def _ended(event: _Dialog) -> Received:
    """A stop and a removal that come together are one end: they have one key."""
    return _of_dialog(event, "stopped", Stopped())


def _of_dialog(event: _Dialog, what: str, said: Said) -> Received:
    incoming = _incoming(
        event.user,
        said,
        key=f"{what}:{event.chat_id}:{event.user.user_id}:{event.timestamp}",
        order=event.timestamp << SEQ_BITS,
        at_ms=event.timestamp,
        language=event.user_locale,
    )
    return Received((incoming,))


def _incoming(
    person: _User,
    said: Said,
    *,
    key: str,
    order: int,
    at_ms: int,
    language: str | None,
    acknowledge: str | None = None,
) -> Incoming:
    return Incoming(
        channel=NAME,
        chat=str(person.user_id),
        sender=str(person.user_id),
        key=key,
        order=order,
        sent_at=EPOCH + timedelta(milliseconds=at_ms),
        said=said,
        language=language,
        acknowledge=acknowledge,
    )
