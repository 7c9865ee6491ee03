"""What Telegram posts to a bot, read as what residents say; needs no library of Telegram's.

Where it bites: optional fields are absent, never null; presses and messages come by separate queues, in no
order between them; a press carries no time; a phone is the sender's own only if the contact names the
sender; albums come as single photos; in a group that made the bot an administrator every word arrives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec

from adapters import receiving
from core.channel import Received
from core.errors import UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable, Voice

NAME: Final = "telegram"
SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
UPDATE_KINDS: Final = ("message", "edited_message", "callback_query", "my_chat_member")
# What a person sends and we do not read. An animation also has a document, a venue a location.
UNREAD_KINDS: Final = (
    *(
        "animation",
        "venue",
        "web_app_data",
        "sticker",
        "location",
        "document",
        "video",
        "video_note",
        "audio",
    ),
    *("poll", "dice", "story", "game", "paid_media", "checklist", "gift"),
)
WEEK_S: Final = 7 * 24 * 3600
UPDATE_ID_BITS: Final = 31

# https://core.telegram.org/bots/api#chat: ids have at most 52 significant bits.
_Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**52), le=2**52)]
_UnixTime: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class _User(msgspec.Struct):
    id: _Id
    language_code: str | None = None


class _Chat(msgspec.Struct):
    id: _Id
    type: str


class _File(msgspec.Struct):
    file_id: str
    duration: int = 0
    mime_type: str = ""


class _Contact(msgspec.Struct):
    phone_number: str
    user_id: int | None = None


class _RepliedTo(msgspec.Struct, rename={"sender": "from"}):
    sender: _User | None = None


class _Message(msgspec.Struct, rename={"sender": "from"}):
    message_id: int
    date: _UnixTime
    chat: _Chat
    sender: _User | None = None
    edit_date: _UnixTime | None = None
    text: str | None = None
    caption: str = ""
    photo: tuple[_File, ...] = ()
    document: _File | None = None
    voice: _File | None = None
    contact: _Contact | None = None
    reply_to_message: _RepliedTo | None = None
    migrate_to_chat_id: _Id | None = None


class _Query(msgspec.Struct, rename={"sender": "from"}):
    id: str
    sender: _User
    message: _Message | None = None
    data: str | None = None


class _Member(msgspec.Struct):
    status: str


class _Membership(msgspec.Struct, rename={"sender": "from"}):
    chat: _Chat
    sender: _User
    date: _UnixTime
    old_chat_member: _Member
    new_chat_member: _Member


class _Update(msgspec.Struct):
    update_id: Annotated[int, msgspec.Meta(ge=1, lt=2**UPDATE_ID_BITS)]
    message: _Message | None = None
    edited_message: _Message | None = None
    callback_query: _Query | None = None
    my_chat_member: _Membership | None = None


class _Meant(NamedTuple):
    chat: _Chat
    sender: _User
    said: Said
    at: datetime
    acknowledge: str | None = None


def check(secret: str, headers: Mapping[str, str], *, before: str = "") -> None:
    """Raise ForgedWebhookError unless the request carries *secret*, or the one *before* it."""
    receiving.check_secret(NAME, secret, headers.get(SECRET_HEADER, ""), before=before)


parse: Final = partial(receiving.parse, NAME)


def decode(fields: object, *, bot: int, now: datetime) -> Received:
    """One update as what it says; *now* dates a press, which carries no time of its own.

    Raises UnusableUpdateError where a field that we need is missing or of the wrong type.
    """
    try:
        update = msgspec.convert(fields, _Update)
    except msgspec.ValidationError as error:
        raise UnusableUpdateError(NAME, str(error)) from None
    assert isinstance(fields, dict)  # noqa: S101 - what was converted to an _Update is one
    meant = _meaning(update, fields, bot=bot, now=now)
    if isinstance(meant, str):
        return Received((), ignored=meant)
    return Received((_incoming(meant, update.update_id, bot),))


def _meaning(update: _Update, fields: Mapping[str, Any], *, bot: int, now: datetime) -> _Meant | str:
    """What an update says, or why it says nothing to us."""
    if update.message:
        return _message(update.message, fields["message"], bot)
    if update.edited_message:
        return _edit(update.edited_message, fields["edited_message"], bot)
    if update.callback_query:
        return _press(update.callback_query, now)
    if update.my_chat_member:
        return _membership(update.my_chat_member)
    kinds = ", ".join(sorted(str(key) for key in fields if key != "update_id"))
    return f"an update that we did not ask for: {kinds[:100]}"


def _message(message: _Message, fields: Mapping[str, Any], bot: int) -> _Meant | str:
    if message.migrate_to_chat_id is not None:
        return "the group has moved; it writes under its new id"
    if message.sender is None:
        return "a message of no one"
    if message.chat.type != "private" and not _is_for_us(message, bot):
        return "talk of a group"
    said = _said(message, fields)
    if said is None:
        return "a message that nobody wrote"
    return _Meant(message.chat, message.sender, said, _time(message.edit_date or message.date))


def _edit(message: _Message, fields: Mapping[str, Any], bot: int) -> _Meant | str:
    """A corrected text is read as if it were said now; a live place or a caption edits itself and is not."""
    if message.text is None:
        return "an edit of something other than text"
    return _message(message, fields, bot)


def _press(query: _Query, now: datetime) -> _Meant | str:
    carrier = query.message
    if carrier is None or query.data is None:
        return "a press on nothing of ours"
    # A message too old to be seen by the bot has no date; it cannot be edited either.
    said = Press(query.data, str(carrier.message_id) if carrier.date else None)
    return _Meant(carrier.chat, query.sender, said, now, query.id)


def _membership(change: _Membership) -> _Meant | str:
    """A resident who blocked the bot, or a group that put it out; and a resident who took it back."""
    said: Said
    if change.new_chat_member.status in {"kicked", "left"}:
        said = Stopped()
    elif change.chat.type == "private" and change.old_chat_member.status == "kicked":
        # The app writes /start itself where the resident presses «Restart»; that is what gets a greeting.
        said = Started(silent=True)
    else:
        return "a change of the bot's rights"
    return _Meant(change.chat, change.sender, said, _time(change.date))


def _is_for_us(message: _Message, bot: int) -> bool:
    """Whether a message in a group is a command or answers the bot; the rest is people's own talk."""
    replied = message.reply_to_message.sender if message.reply_to_message else None
    return (message.text or "").startswith("/") or (replied is not None and replied.id == bot)


def _said(message: _Message, fields: Mapping[str, Any]) -> Said | None:
    if message.text is not None:
        return _words(message.text)
    if message.photo:
        return Photo(message.photo[-1].file_id, message.caption)  # sizes ascend
    if message.document and message.document.mime_type.startswith("image/"):
        return Photo(message.document.file_id, message.caption)
    if message.voice:
        return Voice(message.voice.duration)
    if message.contact and message.sender:
        # The platform fills in user_id for its own users alone, so an equal one proves the phone.
        digits = re.sub(r"\D", "", message.contact.phone_number)
        return Contact(f"+{digits}", own=message.contact.user_id == message.sender.id)
    kind = next((kind for kind in UNREAD_KINDS if kind in fields), None)
    return Unreadable(kind) if kind else None


def _words(text: str) -> Text | Started:
    """A typed text; `/start payload` opens the chat, and `/menu@our_bot` is `/menu`."""
    if not text.startswith("/"):
        return Text(text)
    command, *rest = text.split(maxsplit=1)
    command = command.partition("@")[0]
    if command == "/start":
        return Started(rest[0].strip() if rest else "")
    return Text(" ".join([command, *rest]))


def _incoming(meant: _Meant, update_id: int, bot: int) -> Incoming:
    return Incoming(
        channel=NAME,
        chat=str(meant.chat.id),
        sender=str(meant.sender.id),
        key=f"{bot}:{update_id}",
        order=order(update_id, meant.at),
        sent_at=meant.at,
        said=meant.said,
        private=meant.chat.type == "private",
        language=meant.sender.language_code,
        acknowledge=meant.acknowledge,
    )


def order(update_id: int, at: datetime) -> int:
    """Where an update stands among those of its chat, presses and messages alike.

    `message_id` would not do: a press carries its message's, which is older than texts typed since. Update
    ids grow across all queues of the bot, but begin anew at random after a week without updates: so the
    week comes first and the id within it.
    """
    return int(at.timestamp()) // WEEK_S << UPDATE_ID_BITS | update_id


def _time(unix: int) -> datetime:
    return datetime.fromtimestamp(unix, UTC)
