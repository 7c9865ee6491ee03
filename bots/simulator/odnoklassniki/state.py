"""What Odnoklassniki keeps: chats, messages and uploads, as the Graph API writes them and as a phone shows them."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.odnoklassniki.outgoing import JsonObject
from bots.simulator.residents import Button, ChatLog, FileLink, Picture, Said

# Beyond these the oldest are forgotten, so that a long run does not fill the memory.
MESSAGES_MAX: Final = 1000
FILES_MAX: Final = 2000
SEQ_BITS: Final = 16

NAMES: Final = ("Марина Лугова", "Олег Ветров", "Светлана Озерова", "Тимур Ручьёв", "Галина Полянская")
STYLES: Final[Mapping[str, str]] = {"POSITIVE": "success", "NEGATIVE": "danger"}

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+")


@dataclass(slots=True)
class Upload:
    """A place for a file, and the file once it was put there; *ready_s* on the monotonic clock."""

    kind: str
    token: str
    picture: Picture | None = None
    ready_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a chat, of the group's where *sender* is its id."""

    seq: int
    mid: str
    at_ms: int
    sender: str
    text: str
    attachments: Sequence[Mapping[str, object]] = ()
    keyboard: Sequence[Sequence[JsonObject]] = ()
    files: Sequence[tuple[str, Picture]] = ()
    reply_to: str | None = None
    shown_as: int = 0


@dataclass(slots=True)
class Chat:
    """A resident's own chat with the group."""

    name: str
    blocked: bool = False
    closed: bool = False
    deactivated: bool = False
    gone: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)
    log: ChatLog = field(default_factory=ChatLog)
    last_ms: int = 0

    @property
    def _digest(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()

    @property
    def hex(self) -> str:
        return f"C{self._digest[:6].hex()}"

    @property
    def id(self) -> str:
        return f"chat:{self.hex}"

    @property
    def user_id(self) -> str:
        return f"user:571{int.from_bytes(self._digest[6:10]):010}"

    @property
    def phone(self) -> str:
        """The resident's number, of a range that no operator gives out."""
        return f"7900000{int.from_bytes(self._digest[:4]) % 10_000:04}"

    @property
    def person(self) -> JsonObject:
        return {"name": NAMES[self._digest[0] % len(NAMES)], "user_id": self.user_id}


class OkState:
    """All chats and uploads of one group; *clock* dates messages."""

    def __init__(self, chance: Random, *, group_id: str, title: str, clock: Callable[[], datetime]) -> None:
        self._chance = chance
        self.group_id = group_id
        self.title = title
        self.clock = clock
        self.chats: dict[str, Chat] = {}
        self.uploads: dict[str, Upload] = {}
        self.files: dict[str, Picture] = {}
        self._last_seq = 0

    def now_ms(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def chat(self, chat_id: str) -> Chat | None:
        return next((chat for chat in self.chats.values() if chat.id == chat_id and not chat.gone), None)

    def chat_of(self, user_id: str) -> Chat | None:
        number = user_id.removeprefix("user:")
        return next((chat for chat in self.chats.values() if chat.user_id == f"user:{number}"), None)

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
        upload = self.uploads[number] = Upload(kind, f"tok{kind}{number}")
        return number, upload

    def upload_of(self, token: str) -> Upload | None:
        return next((each for each in self.uploads.values() if each.token == token), None)

    def add_message(
        self,
        chat: Chat,
        sender: str,
        text: str,
        *,
        attachments: Sequence[Mapping[str, object]] = (),
        keyboard: Sequence[Sequence[JsonObject]] = (),
        files: Sequence[tuple[str, Picture]] = (),
        shown: str = "",
    ) -> Message:
        """A new message at the end of *chat*; the phone may show it as *shown*."""
        at_ms = self.now_ms()
        seq = self._next_seq(at_ms)
        mid = f"mid:{chat.hex}.{seq:x}"
        said = self._shown(chat, sender == self.group_id, shown or text, keyboard, files)
        entry = chat.log.add(said)
        message = Message(seq, mid, at_ms, sender, text, attachments, keyboard, files, shown_as=entry)
        chat.messages[mid] = message
        chat.shown[entry] = mid
        chat.last_ms = at_ms
        if len(chat.messages) > MESSAGES_MAX:
            oldest = chat.messages.pop(next(iter(chat.messages)))
            del chat.shown[oldest.shown_as]
        return message

    def _next_seq(self, at_ms: int) -> int:
        """Above its last sixteen bits the time; growing also where the clock was set back."""
        seq = at_ms << SEQ_BITS | self._chance.randint(0, 0x3FFF)
        self._last_seq = max(seq, self._last_seq + self._chance.randint(2, 0xFF))
        return self._last_seq

    def sender_json(self, chat: Chat, sender: str) -> JsonObject:
        return {"name": self.title, "user_id": self.group_id} if sender == self.group_id else chat.person

    def message_json(self, chat: Chat, message: Message) -> JsonObject:
        """The message as events and histories hold it."""
        body: JsonObject = {"text": message.text} if message.text else {}
        body["seq"] = message.seq
        if message.attachments:
            body["attachments"] = [dict(each) for each in message.attachments]
        body["mid"] = message.mid
        return {
            "sender": self.sender_json(chat, message.sender),
            "recipient": {"chat_id": chat.id},
            "message": body,
            "timestamp": message.at_ms,
        }

    def chat_json(self, chat: Chat) -> JsonObject:
        return {
            "type": "GROUP_CHAT",
            "status": "ACTIVE",
            "title": self.title,
            "icon": {"url": "https://st.mycdn.me/res/i/ok_logo.png"},
            "participants": {chat.user_id: chat.last_ms},
            "lastEventTime": chat.last_ms,
            "chat_id": chat.id,
            "owner_id": chat.user_id,
            "group_id": self.group_id,
        }

    def _shown(
        self,
        chat: Chat,
        from_group: bool,
        text: str,
        keyboard: Sequence[Sequence[JsonObject]],
        files: Sequence[tuple[str, Picture]],
    ) -> Said:
        return Said(
            sender="bot" if from_group else "resident",
            at=self.clock(),
            text=text,
            html=as_html(text),
            buttons=[
                [_button(button, f"{y}.{x}") for x, button in enumerate(row)]
                for y, row in enumerate(keyboard)
            ],
            files=[
                FileLink(picture.name, picture.type, f"/simulator/api/ok/{chat.name}/files/{name}")
                for name, picture in files
            ],
        )


def as_html(text: str) -> str:
    """Plain text as a phone shows it: nothing but addresses is marked up."""
    parts, at = [], 0
    for found in _ADDRESS.finditer(text):
        address = html.escape(found[0])
        parts += [
            html.escape(text[at : found.start()]),
            f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>',
        ]
        at = found.end()
    return "".join([*parts, html.escape(text[at:])])


def _button(button: JsonObject, place: str) -> Button:
    label, style = str(button["text"]), STYLES.get(str(button["intent"]))
    match button:
        case {"type": "CALLBACK", "payload": str(payload)}:
            return Button(payload, label, "press", style=style)
        case {"type": "LINK", "url": str(url)}:
            return Button(f"link {place}", label, "link", url, style)
        case {"type": "REQUEST_CONTACT"}:
            return Button(f"contact {place}", label, "contact", style=style)
        case _:
            return Button(f"place {place}", label, "press", style=style)
