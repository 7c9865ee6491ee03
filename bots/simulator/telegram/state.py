"""What Telegram's servers keep: chats, messages and files, as the Bot API writes them and as a phone shows them."""

import base64
import hashlib
import mimetypes
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.residents import Button, ChatLog, Command, FileLink, Picture, Said
from bots.simulator.telegram.formatting import Formatted, to_html
from bots.simulator.telegram.limits import Markup

JsonObject = dict[str, object]

# Beyond these the oldest are forgotten, so that a long run does not fill the memory.
MESSAGES_MAX: Final = 1000
FILES_BYTES_MAX: Final = 256 * 1024 * 1024

FIRST_NAMES: Final = ("Марина", "Олег", "Светлана", "Тимур", "Галина", "Пётр", "Алсу", "Николай")
LAST_NAMES: Final = ("Лугова", "Ветров", "Озерова", "Ручьёв", "Полянская", "Каменев", "Речная", "Холмов")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on Telegram's servers; *width* and *height* are set for photos."""

    id: str
    unique_id: str
    path: str
    picture: Picture
    width: int = 0
    height: int = 0

    @property
    def is_photo(self) -> bool:
        return self.width > 0


@dataclass(slots=True)
class Message:
    """A message of a chat; *content* is its text, or its caption when it has a file."""

    id: int
    from_bot: bool
    sent_at: datetime
    content: Formatted = field(default_factory=lambda: Formatted(""))
    file: StoredFile | None = None
    markup: Markup = field(default_factory=Markup)
    extra: JsonObject = field(default_factory=dict)
    edited_at: datetime | None = None
    shown_as: int = 0
    offered: set[str] = field(default_factory=set)
    """Every callback_data that was ever under the message: an old screen can still send it."""


@dataclass(slots=True)
class Chat:
    """A chat with the bot: private, or a group where the id is negative."""

    id: int
    name: str
    blocked: bool = False
    deactivated: bool = False
    migrated_to: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    log: ChatLog = field(default_factory=ChatLog)

    @property
    def is_private(self) -> bool:
        return self.id > 0

    @property
    def user_id(self) -> int:
        return abs(self.id)

    @property
    def phone(self) -> str:
        """The resident's number, of a range that no operator gives out."""
        return f"7900000{self.user_id % 10_000:04}"

    def user_json(self) -> JsonObject:
        first, last = FIRST_NAMES[self.id % len(FIRST_NAMES)], LAST_NAMES[self.id % len(LAST_NAMES)]
        return {
            "id": self.user_id,
            "is_bot": False,
            "first_name": first,
            "last_name": last,
            "username": f"resident_{self.user_id}",
            "language_code": "ru",
        }

    def to_json(self) -> JsonObject:
        if not self.is_private:
            return {"id": self.id, "title": f"Дом {self.user_id % 100}", "type": "group"}
        user = self.user_json()
        return {key: user[key] for key in ("first_name", "last_name", "username")} | {
            "id": self.id,
            "type": "private",
        }


def chat_id_of(name: str) -> int:
    """Telegram's number of the chat that scripts call *name*: the number itself, or one made from the word."""
    try:
        return int(name)
    except ValueError:
        return 2_000_000_000 + zlib.crc32(name.encode())


class TelegramState:
    """All chats, messages and files of one bot."""

    def __init__(
        self, chance: Random, *, bot_id: int, username: str, title: str, clock: Callable[[], datetime]
    ) -> None:
        self.clock = clock
        self.bot_id = bot_id
        self.bot: JsonObject = {"id": bot_id, "is_bot": True, "first_name": title, "username": username}
        self.chats: dict[int, Chat] = {}
        self.commands: list[Command] = []
        self._files: dict[str, StoredFile] = {}
        self._files_by_path: dict[str, StoredFile] = {}
        self._files_bytes = 0
        self._files_count = 0
        self._message_id = chance.randint(100, 2000)

    def new_message(self, chat: Chat, message: Message, shown: Formatted | None = None) -> None:
        """Keep *message* in *chat* and show it on the phone, there perhaps as *shown*."""
        message.offered.update(_data_of(message.markup))
        chat.messages[message.id] = message
        message.shown_as = chat.log.add(self.shown(chat, message, shown))
        chat.shown[message.shown_as] = message.id
        if len(chat.messages) > MESSAGES_MAX:
            oldest = chat.messages.pop(next(iter(chat.messages)))
            chat.shown.pop(oldest.shown_as, None)

    def next_message_id(self) -> int:
        """The next id: private chats of one bot share the count."""
        self._message_id += 1
        return self._message_id

    def changed(self, chat: Chat, message: Message) -> None:
        message.edited_at = self.clock()
        message.offered.update(_data_of(message.markup))
        chat.log.change(message.shown_as, self.shown(chat, message))

    def deleted(self, chat: Chat, message: Message) -> None:
        del chat.messages[message.id], chat.shown[message.shown_as]
        chat.log.delete(message.shown_as)

    def add_file(self, picture: Picture, *, width: int = 0, height: int = 0) -> StoredFile:
        digest = hashlib.sha256(picture.content).digest()
        self._files_count = number = self._files_count + 1
        photo = width > 0
        unique = base64.urlsafe_b64encode(digest[:9]).decode()
        suffix = mimetypes.guess_extension(picture.type) or ""
        stored = StoredFile(
            id=("AgACAgIAAxkB" if photo else "BQACAgIAAxkB") + f"AAI{number:04x}{unique}",
            unique_id=("AQAD" if photo else "AgAD") + unique,
            path=f"photos/file_{number}.jpg" if photo else f"documents/file_{number}{suffix}",
            picture=picture,
            width=width,
            height=height,
        )
        self._files[stored.id] = self._files_by_path[stored.path] = stored
        self._files_bytes += len(picture.content)
        while self._files_bytes > FILES_BYTES_MAX and len(self._files) > 1:
            self._forget(next(iter(self._files.values())))
        return stored

    def _forget(self, stored: StoredFile) -> None:
        del self._files[stored.id], self._files_by_path[stored.path]
        self._files_bytes -= len(stored.picture.content)

    def file(self, file_id: str) -> StoredFile | None:
        """The file of *file_id*; every size of a photo has an id of its own, and all give the original here."""
        return self._files.get(file_id) or self._files.get(file_id.rsplit("-", 1)[0])

    def file_at(self, path: str) -> StoredFile | None:
        return self._files_by_path.get(path)

    def message_json(self, chat: Chat, message: Message) -> JsonObject:
        """The message as the Bot API writes it; what is not there is absent, never null."""
        return (
            {
                "message_id": message.id,
                "from": self.bot if message.from_bot else chat.user_json(),
                "chat": chat.to_json(),
                "date": int(message.sent_at.timestamp()),
            }
            | ({"edit_date": int(message.edited_at.timestamp())} if message.edited_at else {})
            | _content_json(message)
            | message.extra
            | ({"reply_markup": {"inline_keyboard": message.markup.inline}} if message.markup.inline else {})
        )

    def shown(self, chat: Chat, message: Message, instead: Formatted | None = None) -> Said:
        """The message as the phone shows it."""
        content = instead or message.content
        markup, file = message.markup, message.file
        rows = [
            [_inline_button(button, f"{y}.{x}") for x, button in enumerate(row)]
            for y, row in enumerate(markup.inline)
        ] or [[_reply_button(button) for button in row] for row in markup.reply]
        link = f"/simulator/api/telegram/{chat.name}/files/{file.id}" if file else ""
        return Said(
            sender="bot" if message.from_bot else "resident",
            at=message.sent_at,
            text=content.text,
            html=to_html(content),
            buttons=rows,
            files=[FileLink(file.picture.name, file.picture.type, link)] if file else [],
            menu="removed" if markup.removed else "once" if markup.once else "shown" if markup.reply else "",
        )


def _data_of(markup: Markup) -> set[str]:
    return {
        str(button["callback_data"]) for row in markup.inline for button in row if "callback_data" in button
    }


def _content_json(message: Message) -> JsonObject:
    text, entities = message.content.text, [entity.to_json() for entity in message.content.entities]
    if message.file is None:
        return ({"text": text} if text else {}) | ({"entities": entities} if entities else {})
    caption = ({"caption": text} if text else {}) | ({"caption_entities": entities} if entities else {})
    return file_json(message.file) | caption


def file_json(stored: StoredFile) -> JsonObject:
    """The photo, in ascending sizes, or the document of a message."""
    if not stored.is_photo:
        named = {"file_name": stored.picture.name, "mime_type": stored.picture.type}
        return {"document": named | _file_fields(stored, "")}
    longest = max(stored.width, stored.height)
    sides = [side for side in (90, 320, 800) if side < longest] + [longest]
    return {"photo": [_photo_size(stored, side, longest) for side in sides]}


def _photo_size(stored: StoredFile, side: int, longest: int) -> JsonObject:
    size = {"width": stored.width * side // longest or 1, "height": stored.height * side // longest or 1}
    return _file_fields(stored, "" if side == longest else f"-{side}") | size


def _file_fields(stored: StoredFile, size: str) -> JsonObject:
    fields = {"file_id": stored.id + size, "file_unique_id": stored.unique_id + size}
    return fields | {"file_size": len(stored.picture.content)}


def _inline_button(button: JsonObject, place: str) -> Button:
    label = str(button["text"])
    style = str(button["style"]) if "style" in button else None
    match button:
        case {"callback_data": str(data)}:
            return Button(data, label, "press", style=style)
        case {"url": str(url)} | {"web_app": {"url": str(url)}}:
            return Button(f"link {place}", label, "link", url, style)
        case {"copy_text": {"text": str(copied)}}:
            return Button(f"copy {copied}", label, "copy", style=style)
        case _:
            # Switching to another chat, paying with Stars and the like: shown, and nothing happens.
            return Button(f"other {place}", label, "copy", style=style)


def _reply_button(button: JsonObject) -> Button:
    label = str(button["text"])
    return Button(label, label, "contact" if button.get("request_contact") is True else "menu")
