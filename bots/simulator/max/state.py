"""What MAX keeps: dialogs, messages and uploads, as the Bot API writes them and as a phone shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.max.outgoing import JsonObject
from bots.simulator.residents import Button, ChatLog, FileLink, Picture, Said
from bots.simulator.telegram.formatting import Formatted, to_html

# Beyond these the oldest are forgotten, so that a long run does not fill the memory.
MESSAGES_MAX: Final = 1000
FILES_MAX: Final = 2000
SEQ_BITS: Final = 16

FIRST_NAMES: Final = ("Марина", "Олег", "Светлана", "Тимур", "Галина")
LAST_NAMES: Final = ("Лугова", "Ветров", "Озерова", "Ручьёв", "Полянская")


@dataclass(slots=True)
class Upload:
    """A place for a file, and the file once it was put there; it is not ready for *unready* more tries."""

    kind: str
    token: str
    unready: int
    picture: Picture | None = None


@dataclass(slots=True)
class Message:
    """A message of a dialog; *attachments* are those that the API shows beside the keyboard."""

    seq: int
    mid: str
    at_ms: int
    from_bot: bool
    text: Formatted
    attachments: Sequence[Mapping[str, object]] = ()
    keyboard: Sequence[Sequence[JsonObject]] = ()
    files: Sequence[tuple[str, Picture]] = ()
    shown: str = ""
    shown_as: int = 0
    offered: list[JsonObject] = field(default_factory=list)
    """Every button that was ever under the message: an old screen can still press it."""


@dataclass(slots=True)
class Chat:
    """A resident's own dialog with the bot."""

    name: str
    stopped: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)
    log: ChatLog = field(default_factory=ChatLog)

    @property
    def _digest(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()

    @property
    def id(self) -> int:
        return 182_000_000_000 + int.from_bytes(self._digest[:4])

    @property
    def user_id(self) -> int:
        return 57_000_000_000 + int.from_bytes(self._digest[4:8])

    @property
    def phone(self) -> str:
        """The resident's number, of a range that no operator gives out."""
        return f"7900000{int.from_bytes(self._digest[:4]) % 10_000:04}"

    @property
    def person(self) -> JsonObject:
        first, last = FIRST_NAMES[self._digest[8] % 5], LAST_NAMES[self._digest[9] % 5]
        return {
            "user_id": self.user_id,
            "first_name": first,
            "last_name": last,
            "is_bot": False,
            "last_activity_time": 1_790_150_392_000,
            "name": f"{first} {last}",
        }


class MaxState:
    """All dialogs and uploads of one bot; *clock* dates messages."""

    def __init__(
        self, chance: Random, *, bot_id: int, title: str, clock: Callable[[], datetime], unready: int
    ) -> None:
        self._chance = chance
        self._unready = unready
        self.bot_id = bot_id
        self.title = title
        self.clock = clock
        self.chats: dict[str, Chat] = {}
        self.uploads: dict[str, Upload] = {}
        self.files: dict[str, Picture] = {}
        self._last_seq = 0

    @property
    def bot(self) -> JsonObject:
        return {
            "user_id": self.bot_id,
            "first_name": self.title,
            "username": "id5800000000_bot",
            "is_bot": True,
            "last_activity_time": self.now_ms(),
            "name": self.title,
        }

    def now_ms(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def chat_of(self, *, user: int | None = None, chat: int | None = None) -> Chat | None:
        """The dialog by its person or its own number."""
        return next((each for each in self.chats.values() if user == each.user_id or chat == each.id), None)

    def message_of(self, mid: str) -> tuple[Chat, Message] | None:
        found = ((chat, chat.messages.get(mid)) for chat in self.chats.values())
        return next(((chat, message) for chat, message in found if message), None)

    def add_file(self, picture: Picture) -> str:
        """A name under which the simulator serves *picture*."""
        name = f"{len(self.files):06}{self._chance.randint(0, 0xFFFFFF):06x}"
        self.files[name] = picture
        if len(self.files) > FILES_MAX:
            self.files.pop(next(iter(self.files)))
        return name

    def add_upload(self, kind: str) -> tuple[str, Upload]:
        """A new place to upload to, by its number."""
        number = f"{len(self.uploads) + 1:x}{self._chance.randint(0x1000, 0xFFFF):x}"
        upload = self.uploads[number] = Upload(kind, f"tok{kind}{number}", self._unready)
        return number, upload

    def upload_of(self, token: str) -> Upload | None:
        return next((each for each in self.uploads.values() if each.token == token), None)

    def add_message(
        self,
        chat: Chat,
        text: Formatted,
        *,
        from_bot: bool = False,
        attachments: Sequence[Mapping[str, object]] = (),
        keyboard: Sequence[Sequence[JsonObject]] = (),
        files: Sequence[tuple[str, Picture]] = (),
        shown: str = "",
    ) -> Message:
        """A new message at the end of *chat*; the phone may show it as *shown*."""
        at_ms = self.now_ms()
        seq = self._next_seq(at_ms)
        mid = f"mid.{chat.id:016x}{seq:016x}"
        message = Message(seq, mid, at_ms, from_bot, text, attachments, keyboard, files, shown)
        message.offered += [button for row in keyboard for button in row]
        message.shown_as = chat.log.add(self._said(chat, message))
        chat.messages[mid] = message
        chat.shown[message.shown_as] = mid
        if len(chat.messages) > MESSAGES_MAX:
            oldest = chat.messages.pop(next(iter(chat.messages)))
            del chat.shown[oldest.shown_as]
        return message

    def change(self, chat: Chat, message: Message) -> None:
        """Show *message* as it now is."""
        message.offered += [button for row in message.keyboard for button in row]
        chat.log.change(message.shown_as, self._said(chat, message))

    def delete(self, chat: Chat, message: Message) -> None:
        del chat.messages[message.mid]
        chat.log.delete(message.shown_as)

    def _next_seq(self, at_ms: int) -> int:
        """Above its last sixteen bits the time; growing also where the clock was set back."""
        seq = at_ms << SEQ_BITS | self._chance.randint(0, 0x3FFF)
        self._last_seq = max(seq, self._last_seq + self._chance.randint(2, 0xFF))
        return self._last_seq

    def message_json(self, chat: Chat, message: Message, *, callback: str = "") -> JsonObject:
        """The message as updates and histories hold it."""
        body: JsonObject = {"mid": message.mid, "seq": message.seq}
        if message.text.text or not message.attachments:
            body["text"] = message.text.text
        attachments = [dict(each) for each in message.attachments]
        if message.keyboard:
            named = {"callback_id": callback} if callback else {}
            buttons = {"buttons": [list(row) for row in message.keyboard]}
            attachments.append({**named, "type": "inline_keyboard", "payload": buttons})
        if attachments:
            body["attachments"] = attachments
        other = chat.user_id if message.from_bot else self.bot_id
        return {
            "recipient": {"chat_id": chat.id, "chat_type": "dialog", "user_id": other},
            "timestamp": message.at_ms,
            "body": body,
            "sender": self.bot if message.from_bot else chat.person,
        }

    def _said(self, chat: Chat, message: Message) -> Said:
        files = [
            FileLink(picture.name, picture.type, f"/simulator/api/max/{chat.name}/files/{name}")
            for name, picture in message.files
        ]
        shown = Formatted(message.shown) if message.shown else message.text
        return Said(
            sender="bot" if message.from_bot else "resident",
            at=self.clock(),
            text=shown.text,
            html=to_html(shown),
            buttons=[
                [_button(button, f"{y}.{x}") for x, button in enumerate(row)]
                for y, row in enumerate(message.keyboard)
            ],
            files=files,
        )


def _button(button: JsonObject, place: str) -> Button:
    label = str(button["text"])
    match button:
        case {"type": "callback", "payload": str(payload)}:
            return Button(payload, label, "press")
        case {"type": "link", "url": str(url)}:
            return Button(f"link {place}", label, "link", url)
        case {"type": "request_contact"}:
            return Button(f"contact {place}", label, "contact")
        case {"type": "clipboard", "payload": str(payload)}:
            return Button(payload, label, "copy")
        case _:
            return Button(f"{button['type']} {place}", label, "press")
