"""What VK posts to a community's bot, read as what residents say; needs no library of VK's.

Where it bites: the proof of the sender is a field of the body, so a body that does not parse proves nothing;
a button's payload comes as an object in a press and as JSON text in a message; a press carries neither a time
nor a place of its own; the first message through a link, not the opening of the link, brings what it carried;
a client too old for callback buttons sends a message instead; a phone cannot be shared at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec

from adapters.receiving import check_secret
from core.channel import Received
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable, Voice

NAME: Final = "vk"
# Our own button's payload is an object of this one field; VK wants JSON there.
PAYLOAD_FIELD: Final = "p"
RETRY_HEADER: Final = "x-retry-counter"
CONFIRMATION: Final = "confirmation"
EVENT_KINDS: Final = (
    *("message_new", "message_event", "message_allow", "message_deny"),
    *("user_block", "user_unblock"),
)
# What only echoes ourselves.
UNWANTED_KINDS: Final = ("message_reply", "message_edit", "message_typing_state", "message_read")
# https://dev.vk.com/ru/api/community-messages/getting-started: chats of many people are numbered from here.
GROUP_CHATS_FROM: Final = 2_000_000_000
LANGUAGES: Final = {0: "ru", 3: "en"}
UNORDERED: Final = -1

MENTION: Final = re.compile(r"\[(?:id|club|public)\d+\|([^\]]*)\]")

_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**52), le=2**52)]
_Place: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**52)]
_UnixTime: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class _Size(msgspec.Struct):
    url: str = ""
    width: int = 0
    height: int = 0


class _Picture(msgspec.Struct):
    sizes: tuple[_Size, ...] = ()
    orig_photo: _Size | None = None


class _Recording(msgspec.Struct):
    duration: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0


class _File(msgspec.Struct):
    ext: str = ""
    url: str = ""


class _Attachment(msgspec.Struct):
    type: str
    photo: _Picture | None = None
    audio_message: _Recording | None = None
    doc: _File | None = None


class _RepliedTo(msgspec.Struct):
    from_id: _Number = 0


class _Message(msgspec.Struct):
    from_id: _Number
    peer_id: _Number
    date: _UnixTime
    conversation_message_id: _Place
    text: str = ""
    out: int = 0
    payload: str | None = None
    ref: str | None = None
    attachments: tuple[_Attachment, ...] = ()
    reply_message: _RepliedTo | None = None
    geo: dict[str, Any] | None = None
    action: dict[str, Any] | None = None
    admin_author_id: _Number | None = None


class _Client(msgspec.Struct):
    lang_id: int | None = None


class _New(msgspec.Struct):
    message: _Message
    client_info: _Client | None = None


class _Pressed(msgspec.Struct):
    user_id: _Number
    peer_id: _Number
    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    payload: Any = None
    conversation_message_id: _Place | None = None


class _Permission(msgspec.Struct):
    user_id: Annotated[int, msgspec.Meta(ge=1, le=2**52)]
    key: str | None = None


class _Envelope(msgspec.Struct):
    type: str
    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    object: dict[str, Any]


class _Meant(NamedTuple):
    chat: int
    sender: int
    said: Said
    at: datetime
    order: int = UNORDERED
    acknowledge: str | None = None
    language: str | None = None


def proven(body: bytes, *, group: int, secret: str, before: str = "") -> Mapping[str, Any]:
    """The envelope in *body*, which is of community *group* and knows *secret*, or the one *before* it.

    A confirmation may lack the secret, for it is asked before VK was told one. Raises ForgedWebhookError,
    also for a body that is no JSON object: nothing proves that it is VK's.
    """
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ForgedWebhookError(NAME) from None
    if not isinstance(fields, dict) or fields.get("group_id") != group or fields["group_id"] is True:
        raise ForgedWebhookError(NAME)
    if fields.get("type") == CONFIRMATION and "secret" not in fields:
        return fields
    given = fields.get("secret")
    if not isinstance(given, str):
        raise ForgedWebhookError(NAME)
    check_secret(NAME, secret, given, before=before)
    return fields


def decode(fields: object, *, group: int, now: datetime, again: bool = False) -> Received:
    """One event as what it says; *now* dates what carries no time, *again* marks a redelivery.

    Raises UnusableUpdateError where a field that we need is missing or of the wrong type.
    """
    try:
        event = msgspec.convert(fields, _Envelope)
        meant = _meaning(event, group=group, now=now, again=again)
    except msgspec.ValidationError as error:
        raise UnusableUpdateError(NAME, str(error)) from None
    if isinstance(meant, str):
        return Received((), ignored=meant)
    return Received((_incoming(meant, f"{group}:{event.event_id}"),))


def _meaning(event: _Envelope, *, group: int, now: datetime, again: bool) -> _Meant | str:
    """What an event says, or why it says nothing to us."""
    match event.type:
        case "message_new":
            return _message(msgspec.convert(event.object, _New), group)
        case "message_event":
            return _press(msgspec.convert(event.object, _Pressed), now, again=again)
        case "message_allow":
            return _allowed(msgspec.convert(event.object, _Permission), now)
        case "message_deny" | "user_block":
            user = msgspec.convert(event.object, _Permission).user_id
            return _Meant(user, user, Stopped(), now)
        case "user_unblock":
            return "a resident let out of the blacklist, who will write"
        case "message_reply" | "message_edit" | "message_typing_state" | "message_read":
            return "an echo of the community's own side"
        case kind:
            return f"an event that we did not ask for: {kind[:100]}"


def _message(new: _New, group: int) -> _Meant | str:
    message = new.message
    if message.out or message.from_id <= 0 or message.admin_author_id is not None:
        return "a message of a community"
    if message.action is not None:
        return "a message that nobody wrote"
    if message.peer_id >= GROUP_CHATS_FROM and not _is_for_us(message, group):
        return "talk of a group"
    language = LANGUAGES.get(new.client_info.lang_id or 0) if new.client_info else None
    return _Meant(
        message.peer_id,
        message.from_id,
        _said(message, group),
        datetime.fromtimestamp(message.date, UTC),
        order=message.conversation_message_id,
        language=language,
    )


def _is_for_us(message: _Message, group: int) -> bool:
    """Whether a message in a group names the bot, is a command or answers it; the rest is people's own talk."""
    replied = message.reply_message is not None and message.reply_message.from_id == -group
    return replied or message.text.startswith("/") or _our_mention(group).match(message.text) is not None


def _press(pressed: _Pressed, now: datetime, *, again: bool) -> _Meant:
    """A press takes its place by its arrival, for it carries only the place of its message, older than texts typed since.

    One that VK delivers again comes late: it stands where its message stands and so never confirms or
    cancels what newer messages began.
    """
    carrier = pressed.conversation_message_id
    ours = _ours(pressed.payload)
    foreign = msgspec.json.encode(pressed.payload).decode()
    said = Press(foreign if ours is None else ours, None if carrier is None else str(carrier))
    order = (carrier or 0) if again else UNORDERED
    return _Meant(pressed.peer_id, pressed.user_id, said, now, order, pressed.event_id)


def _allowed(permission: _Permission, now: datetime) -> _Meant:
    """A permission; with the key of a widget it opens the chat, without one the resident's own message follows."""
    said = Started(permission.key) if permission.key else Started(silent=True)
    return _Meant(permission.user_id, permission.user_id, said, now)


def _said(message: _Message, group: int) -> Said:
    button = _button(message.payload)
    if message.ref or button == "start":
        return Started(message.ref or "")
    if isinstance(button, Press):
        return button
    words = _words(message.text, group)
    picture = next((url for each in message.attachments if (url := _picture(each))), None)
    if picture is not None:
        return Photo(picture, words)
    if words:
        return Text(words)
    return _wordless(message)


def _wordless(message: _Message) -> Said:
    for attachment in message.attachments:
        if attachment.audio_message is not None:
            return Voice(attachment.audio_message.duration)
    if message.geo is not None:
        return Unreadable("location")
    kind = message.attachments[0].type if message.attachments else "nothing"
    return Unreadable({"doc": "document"}.get(kind, kind[:40]))


def _picture(attachment: _Attachment) -> str | None:
    """The address of a photo in its largest size, or of a file that is a picture."""
    if attachment.photo is not None:
        original = (attachment.photo.orig_photo,) if attachment.photo.orig_photo else ()
        sizes = [size for size in (*attachment.photo.sizes, *original) if size.url]
        return max(sizes, key=lambda size: size.width * size.height).url if sizes else None
    if attachment.doc is not None and attachment.doc.ext.lower() in {"jpg", "jpeg", "png", "heic", "webp"}:
        return attachment.doc.url or None
    return None


def _words(text: str, group: int) -> str:
    """What was typed: without a mention of us at its start, and other mentions as they are shown."""
    return MENTION.sub(r"\1", _our_mention(group).sub("", text, count=1)).strip()


def _our_mention(group: int) -> re.Pattern[str]:
    return re.compile(rf"\s*(?:\[(?:club|public){group}\|[^\]]*\]|@(?:club|public){group}\b)[\s,:]*")


def _button(payload: str | None) -> Press | str | None:
    """The button that a message came from: ours, VK's own ('start'), or none that we know."""
    fields = _parsed(payload)
    match fields:
        case {"command": "start"}:
            return "start"
        case {"command": "not_supported_button", "payload": nested}:
            fields = nested
        case _:
            pass
    ours = _ours(fields)
    return None if ours is None else Press(ours)


def _ours(payload: object) -> str | None:
    match _parsed(payload):
        case {"p": str(ours)}:
            return ours
        case _:
            return None


def _parsed(payload: object) -> object:
    """*payload* as a value, whether it came as one or as JSON text."""
    if not isinstance(payload, str):
        return payload
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _incoming(meant: _Meant, key: str) -> Incoming:
    return Incoming(
        channel=NAME,
        chat=str(meant.chat),
        sender=str(meant.sender),
        key=key,
        order=meant.order,
        sent_at=meant.at,
        said=meant.said,
        private=meant.chat < GROUP_CHATS_FROM,
        language=meant.language,
        acknowledge=meant.acknowledge,
    )
