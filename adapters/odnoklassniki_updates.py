"""What Odnoklassniki posts to a group's bot, and what its history holds, read as what residents say.

Where it bites: nothing is signed, so a body is worth no more than the path that it came by, and a shared
contact proves nothing; the `mid` of a press is that of the message under the finger; ids are words; `seq` is
larger than a double holds; the oldest form of an event has no type; missed calls and presents are messages.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from adapters import receiving
from core.channel import Received
from core.errors import UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Text, Unreadable, Voice

NAME: Final = "ok"
# https://apiok.ru/dev/graph_api/methods/graph.user/graph.user.subscribe/post
CREATED: Final = "MESSAGE_CREATED"
PRESSED: Final = "MESSAGE_CALLBACK"
SYSTEM: Final = "CHAT_SYSTEM"
EVENT_KINDS: Final = (CREATED, PRESSED, SYSTEM)
STARTED: Final = "CHAT_STARTED"
PICTURE_NAMES: Final = (".jpg", ".jpeg", ".png")
# A `seq` is the time in milliseconds with a counter below it.
SEQ_BITS: Final = 16

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

CHAT: Final = re.compile(r"chat:C?[0-9A-Za-z]{1,40}")
_ChatId: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"\A{CHAT.pattern}\Z")]
_Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,256}\Z")]
_Payload: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]{0,1024}\Z")]
_Ms: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**46)]
_Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Sender(msgspec.Struct):
    user_id: _Id


class _Recipient(msgspec.Struct):
    chat_id: _ChatId


class _Attachment(msgspec.Struct):
    type: str
    payload: Any = None


class _Message(msgspec.Struct):
    mid: _Id
    seq: _Seq | None = None
    text: str | None = None
    attachments: tuple[_Attachment, ...] | None = None


class _Created(msgspec.Struct):
    sender: _Sender
    recipient: _Recipient
    message: _Message
    timestamp: _Ms


class _Pressed(msgspec.Struct, rename={"callback": "callbackId"}):
    sender: _Sender
    recipient: _Recipient
    callback: _Id
    payload: _Payload
    timestamp: _Ms
    mid: _Id | None = None


class _ChatStarted(msgspec.Struct):
    sender: _Sender
    recipient: _Recipient
    timestamp: _Ms


_Event = TypeVar("_Event", _Created, _Pressed, _ChatStarted)


check: Final = partial(receiving.check_secret, NAME)
parse: Final = partial(receiving.parse, NAME)


def decode(fields: object) -> Received:
    """One event as what it says. Raises UnusableUpdateError where a field that we need is missing or wrong."""
    if not isinstance(fields, dict):
        raise UnusableUpdateError(NAME, "the event is no object")
    kind = fields.get("webhookType") or (CREATED if fields.get("message") else None)
    if kind == CREATED:
        return _message(_event(fields, _Created))
    if kind == PRESSED:
        return Received((_press(_event(fields, _Pressed)),))
    if kind == SYSTEM and fields.get("type") == STARTED:
        return Received((_started(_event(fields, _ChatStarted)),))
    name = fields.get("type") if kind == SYSTEM else kind
    return Received((), ignored=f"an event of another kind: {_word(name)}")


def decode_history(fields: object, *, people: Collection[str]) -> Sequence[Incoming]:
    """A message of a chat's history, where one of *people* wrote it: the group's own stand there too.

    Raises UnusableUpdateError.
    """
    created = _event(fields, _Created)
    return _message(created).updates if created.sender.user_id in people else ()


def _event(fields: object, kind: type[_Event]) -> _Event:
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UnusableUpdateError(NAME, str(error)) from None


def _word(name: object) -> str:
    return re.sub(r"[^A-Za-z_]", "", name)[:40] if isinstance(name, str) else "nameless"


def _message(event: _Created) -> Received:
    if event.sender.user_id.startswith("group:"):
        return Received((), ignored="a message of the group itself")
    message = event.message
    heard = _heard((message.text or "").replace("\0", ""), message.attachments or ())
    if not heard:
        return Received((), ignored="an empty message")
    order = event.timestamp << SEQ_BITS if message.seq is None else message.seq
    # Pictures sent together are one message with one mid.
    keys = [message.mid, *(f"{message.mid}#{number}" for number in range(1, len(heard)))]
    return Received(
        tuple(_incoming(event, said, key=key, order=order) for key, said in zip(keys, heard, strict=True))
    )


def _heard(text: str, attachments: Sequence[_Attachment]) -> Sequence[Said]:
    """Pictures, or else words, or else the first thing attached."""
    pictures = [url for each in attachments if (url := _picture(each))]
    if pictures:
        first, *others = pictures
        return [Photo(first, text), *(Photo(url) for url in others)]
    if text:
        return [Text(text)]
    return [_attached(attachments[0])] if attachments else []


def _picture(attachment: _Attachment) -> str:
    """The address of a picture, also of one sent as a file; '' for anything else."""
    match attachment.type, attachment.payload:
        case "IMAGE", {"url": str(url)}:
            return url
        case "FILE", {"url": str(url), "name": str(name)} if name.lower().endswith(PICTURE_NAMES):
            return url
        case _:
            return ""


def _attached(attachment: _Attachment) -> Said:
    match attachment.type, attachment.payload:
        case "CONTACT", {"phone": str(phone)} if digits := re.sub(r"[^0-9]", "", phone):
            return Contact(f"+{digits}", own=False)  # nothing tells whose it is
        case "AUDIO", _:
            return Voice()
        case kind, _:
            return Unreadable(_word(kind).lower() or "something")


def _press(event: _Pressed) -> Incoming:
    """A press; whether its `callbackId` is new for each press is not known, so the time is in its key."""
    # The time of an event and that of a message may come from two clocks: it is newer than what it stands under.
    order = max(event.timestamp << SEQ_BITS, seq_in(event.mid or "") + 1)
    key = f"{event.callback}:{event.timestamp}"
    said = Press(event.payload, event.mid)
    return _incoming(event, said, key=key, order=order, acknowledge=event.callback)


def _started(event: _ChatStarted) -> Incoming:
    key = f"{STARTED}:{event.recipient.chat_id}:{event.timestamp}"
    return _incoming(event, Started(), key=key, order=event.timestamp << SEQ_BITS)


def seq_in(mid: str) -> int:
    """The `seq` that a message's id ends in, -1 where it ends in none."""
    found = re.search(r"\.([0-9a-f]{1,15})\Z", mid)
    return int(found[1], 16) if found else -1


def _incoming(
    event: _Created | _Pressed | _ChatStarted,
    said: Said,
    *,
    key: str,
    order: int,
    acknowledge: str | None = None,
) -> Incoming:
    return Incoming(
        channel=NAME,
        chat=event.recipient.chat_id,
        sender=event.sender.user_id,
        key=key,
        order=order,
        sent_at=EPOCH + timedelta(milliseconds=event.timestamp),
        said=said,
        acknowledge=acknowledge,
    )
