"""What Viber keeps: people, their chats and messages, files; as the API writes them and as a phone shows them."""

import base64
import hashlib
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.residents import Button, ChatLog, FileLink, Picture, Said
from bots.simulator.viber.limits import JsonObject, rows_of

MESSAGES_MAX: Final = 1000
FILES_BYTES_MAX: Final = 256 * 1024 * 1024
HOST: Final = "SN-CHAT-05_"
NAMES: Final = ("Марина Лугова", "Олег Ветров", "Светлана Озерова", "Тимур Ручьёв", "Галина Полянская")


@dataclass(slots=True)
class Chat:
    """A person and the bot."""

    name: str
    user: str
    subscribed: bool = False
    blocked: bool = False
    keyboards: dict[int, dict[str, JsonObject]] = field(default_factory=dict)
    """The buttons of each message, by the message's first id in the log and the button's own."""
    log: ChatLog = field(default_factory=ChatLog)

    @property
    def number(self) -> int:
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4])

    @property
    def phone(self) -> str:
        """The resident's number, of a range that no operator gives out."""
        return f"7900000{self.number % 10_000:04}"

    @property
    def person(self) -> str:
        return NAMES[self.number % len(NAMES)]

    def to_json(self) -> JsonObject:
        return {
            "id": self.user,
            "name": self.person,
            "avatar": "https://media-direct.cdn.viber.com/download_photo?dlid=demo&fltp=jpg",
            "country": "RU",
            "language": "ru",
            "api_version": 10,
        }


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: str
    picture: Picture


class ViberState:
    """All chats, messages and files of one bot.

    *mark* is what the bot's own buttons begin with; scripts press them by what follows it.
    """

    def __init__(self, chance: Random, *, clock: Callable[[], datetime], mark: str) -> None:
        self.clock = clock
        self._mark = mark
        self._token = 5_912_661_846_655_000_000 + chance.randint(0, 10**12)
        self._chance = chance
        self._last_ms = 0
        self.chats: dict[str, Chat] = {}
        self._by_user: dict[str, Chat] = {}
        self._files: dict[str, StoredFile] = {}
        self._files_bytes = 0

    def chat(self, name: str) -> Chat:
        """The chat that scripts call *name*, made when it is first asked for."""
        if name not in self.chats:
            user = base64.b64encode(hashlib.sha256(f"viber {name}".encode()).digest()[:16]).decode()
            self.chats[name] = self._by_user[user] = Chat(name, user)
        return self.chats[name]

    def of_user(self, user: str) -> Chat | None:
        return self._by_user.get(user)

    def next_token(self) -> int:
        self._token += self._chance.randint(1, 10_000)
        return self._token

    def event(self, kind: str, fields: JsonObject, *, token: int | None = None) -> JsonObject:
        """An event's body; each is dated later than the one before."""
        self._last_ms = max(self._last_ms + 1, int(self.clock().timestamp() * 1000))
        return {
            "event": kind,
            "timestamp": self._last_ms,
            "chat_hostname": HOST,
            "message_token": self.next_token() if token is None else token,
        } | fields

    def add_file(self, picture: Picture) -> StoredFile:
        digest = hashlib.sha256(picture.content).hexdigest()[:16]
        stored = StoredFile(f"{len(self._files):x}{digest}", picture)
        self._files[stored.id] = stored
        self._files_bytes += len(picture.content)
        while self._files_bytes > FILES_BYTES_MAX and len(self._files) > 1:
            oldest = self._files.pop(next(iter(self._files)))
            self._files_bytes -= len(oldest.picture.content)
        return stored

    def file(self, file_id: str) -> StoredFile | None:
        return self._files.get(file_id)

    # --- On the phone ----------------------------------------------------------------------------

    def show_bot(self, chat: Chat, body: JsonObject, file: StoredFile | None = None) -> None:
        """Show a message of the bot; its keyboard takes the place of the one before, none takes it away."""
        rows = rows_of(body.get("keyboard"))
        buttons = [[self._button(one, f"{y}.{x}") for x, one in enumerate(row)] for y, row in enumerate(rows)]
        text = _text_of(body)
        shown = chat.log.add(
            Said(
                sender="bot",
                at=self.clock(),
                text=text,
                html=html.escape(text),
                buttons=buttons,
                files=[self._link(chat, file)] if file else [],
                menu="shown" if buttons else "removed",
            )
        )
        pairs = zip(
            [key for row in buttons for key in row], [one for row in rows for one in row], strict=True
        )
        chat.keyboards[shown] = {key.id: one for key, one in pairs}
        if len(chat.keyboards) > MESSAGES_MAX:
            del chat.keyboards[next(iter(chat.keyboards))]

    def show_resident(self, chat: Chat, text: str, file: StoredFile | None = None) -> None:
        link = [self._link(chat, file)] if file else []
        chat.log.add(Said("resident", self.clock(), text, html.escape(text), files=link))

    def _link(self, chat: Chat, file: StoredFile) -> FileLink:
        address = f"/simulator/api/viber/{chat.name}/files/{file.id}"
        return FileLink(file.picture.name, file.picture.type, address)

    def _button(self, button: JsonObject, place: str) -> Button:
        label, body = html.unescape(str(button.get("Text", ""))), str(button["ActionBody"])
        match button.get("ActionType", "reply"):
            case "open-url":
                return Button(f"link {place}", label, "link", body)
            case "share-phone":
                return Button(f"share {place}", label, "contact")
            case "reply":
                return Button(body.removeprefix(self._mark), label, "press")
            case _:
                return Button(f"other {place}", label, "press")


def _text_of(body: JsonObject) -> str:
    match body:
        case {"type": "contact", "contact": {"name": name, "phone_number": phone}}:
            return f"👤 {name}, {phone}"
        case {"type": "url", "media": media}:
            return str(media)
        case {"type": "location"}:
            return "📍 Геопозиция"
        case _:
            return str(body.get("text", ""))
