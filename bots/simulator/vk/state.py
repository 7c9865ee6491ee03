"""What VK keeps of one community: dialogues, messages and files, as its API writes them and as a phone shows them."""

import json
import mimetypes
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.residents import Button, ChatLog, FileLink, Picture, Said
from bots.simulator.telegram.formatting import Formatted, to_html
from bots.simulator.vk.limits import JsonObject, Keys

MESSAGES_MAX: Final = 1000
FILES_MAX: Final = 500
# https://dev.vk.com/ru/method/messages.send: how long, and over how many messages, a random_id is known.
REPEATS_S: Final = 3600.0
REPEATS_MAX: Final = 100
GROUP_CHATS_FROM: Final = 2_000_000_000

STYLES: Final = {"primary": "primary", "positive": "success", "negative": "danger"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A photo (it has sides) or document on VK's servers."""

    kind: str
    owner: int
    id: int
    access_key: str
    picture: Picture
    sides: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """How a message attaches it, but for the key."""
        return f"{self.kind}{self.owner}_{self.id}"


@dataclass(slots=True)
class Message:
    """A message of a dialogue; *extra* is what it carries beside text and files."""

    id: int
    place: int
    from_bot: bool
    sent_at: datetime
    content: Formatted = field(default_factory=lambda: Formatted(""))
    files: Sequence[StoredFile] = ()
    keys: Keys | None = None
    random_id: int = 0
    extra: JsonObject = field(default_factory=dict)
    shown_as: int = 0
    offered: dict[str, JsonObject] = field(default_factory=dict)
    """Every button that was ever under the message by its name: an old screen can still send it."""


@dataclass(slots=True)
class Dialogue:
    """A dialogue with one resident, or a chat of many where the number is two thousand millions and more."""

    peer: int
    name: str
    allowed: bool = True
    blacklisted: bool = False
    private_settings: bool = False
    deleted: bool = False
    kicked: bool = False
    last_place: int = 0
    messages: dict[int, Message] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    repeats: deque[tuple[int, int, float]] = field(default_factory=lambda: deque(maxlen=REPEATS_MAX))
    sent_at_s: deque[float] = field(default_factory=deque)
    log: ChatLog = field(default_factory=ChatLog)

    @property
    def is_private(self) -> bool:
        return self.peer < GROUP_CHATS_FROM

    @property
    def user(self) -> int:
        return self.peer if self.is_private else 500_000_000 + self.peer % 1_000_000

    def repeated(self, random_id: int) -> int | None:
        """The message that was sent under *random_id* within the hour."""
        fresh = time.monotonic() - REPEATS_S
        return next((sent for known, sent, at_s in self.repeats if known == random_id and at_s > fresh), None)

    def forget_repeats(self) -> None:
        """As if an hour had passed."""
        self.repeats.clear()


def peer_of(name: str) -> int:
    """VK's number of the dialogue that scripts call *name*: the number itself, or one made from the word.

    A number below zero, which other messengers give to chats of many, is such a chat here too.
    """
    try:
        number = int(name)
    except ValueError:
        return 1_000_000_000 + zlib.crc32(name.encode()) % 900_000_000
    return number if number > 0 else GROUP_CHATS_FROM - number


class VkState:
    """All dialogues and files of one community."""

    def __init__(self, chance: Random, *, group: int, title: str, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.chance = chance
        self.group = group
        self.title = title
        self.dialogues: dict[int, Dialogue] = {}
        self._files: dict[str, StoredFile] = {}
        self._last_file = 457_239_000
        self._last_message = chance.randint(1000, 5000)

    def next_places(self, dialogue: Dialogue) -> tuple[int, int]:
        """The next id among the community's messages, which chats of many do not have, and within *dialogue*."""
        dialogue.last_place += 1
        if not dialogue.is_private:
            return 0, dialogue.last_place
        self._last_message += 1
        return self._last_message, dialogue.last_place

    def add(self, dialogue: Dialogue, message: Message, shown: str | None = None) -> None:
        """Keep *message* and show it on the phone, there perhaps as the words *shown*."""
        message.offered.update(_named(message.keys))
        dialogue.messages[message.place] = message
        message.shown_as = dialogue.log.add(self.shown(dialogue, message, shown))
        dialogue.shown[message.shown_as] = message.place
        if len(dialogue.messages) > MESSAGES_MAX:
            oldest = dialogue.messages.pop(next(iter(dialogue.messages)))
            dialogue.shown.pop(oldest.shown_as, None)

    def changed(self, dialogue: Dialogue, message: Message) -> None:
        message.offered.update(_named(message.keys))
        dialogue.log.change(message.shown_as, self.shown(dialogue, message))

    def store(self, kind: str, owner: int, picture: Picture, sides: tuple[int, int] = (0, 0)) -> StoredFile:
        self._last_file += 1
        key = f"{self.chance.getrandbits(64):016x}"
        stored = StoredFile(kind, owner, self._last_file, key, picture, sides)
        self._files[stored.name] = stored
        if len(self._files) > FILES_MAX:
            del self._files[next(iter(self._files))]
        return stored

    def file(self, name: str) -> StoredFile | None:
        """The file that `photo-1_2` or `photo-1_2_key` names; with a wrong key it is nobody's."""
        by_name = self._files.get("_".join(name.split("_")[:2]))
        known_as = {by_name.name, f"{by_name.name}_{by_name.access_key}"} if by_name else set()
        return by_name if name in known_as else None

    def forget_files(self) -> None:
        """As if VK had cleaned up."""
        self._files.clear()

    def message_json(self, dialogue: Dialogue, message: Message, origin: str = "") -> JsonObject:
        """The message as VK writes it."""
        return {
            "date": int(message.sent_at.timestamp()),
            "from_id": -self.group if message.from_bot else dialogue.user,
            "id": message.id,
            "version": 10_000_000 + message.id,
            "out": int(message.from_bot),
            "important": False,
            "is_hidden": False,
            "attachments": [attachment_json(file, origin) for file in message.files],
            "conversation_message_id": message.place,
            "fwd_messages": [],
            "text": message.content.text,
            "peer_id": dialogue.peer,
            "random_id": message.random_id,
        } | message.extra

    def shown(self, dialogue: Dialogue, message: Message, instead: str | None = None) -> Said:
        """The message as the phone shows it."""
        content = message.content if instead is None else Formatted(instead)
        keys = message.keys
        named = iter(_named(keys))
        rows = [[_shown_button(*next(named), keys) for _ in row] for row in keys.rows] if keys else []
        menu = "" if keys is None or keys.inline else "shown" if keys.rows else "removed"
        files = [
            FileLink(
                file.picture.name, file.picture.type, f"/simulator/api/vk/{dialogue.name}/files/{file.name}"
            )
            for file in message.files
        ]
        return Said(
            sender="bot" if message.from_bot else "resident",
            at=message.sent_at,
            text=content.text,
            html=to_html(content),
            buttons=rows,
            files=files,
            menu="once" if menu == "shown" and keys and keys.once else menu,  # type: ignore[arg-type]  # one of four
        )


def _named(keys: Keys | None) -> list[tuple[str, JsonObject]]:
    """The buttons of a keyboard by name, in order: their payload if it is one word, else where they stand."""
    return [
        (_name(button) or f"{_kind(button)} {y}.{x}", button)
        for y, row in enumerate(keys.rows if keys else ())
        for x, button in enumerate(row)
    ]


def _kind(button: JsonObject) -> str:
    action = button["action"]
    kind = str(action.get("type")) if isinstance(action, Mapping) else ""
    return "link" if kind == "open_link" else kind


def _name(button: JsonObject) -> str:
    """A payload that is an object of one text is known by that text, so that buttons are named alike everywhere."""
    match payload_of(button):
        case {**fields} if len(fields) == 1:
            (value,) = fields.values()
            return value if isinstance(value, str) else ""
        case _:
            return ""


def payload_of(button: JsonObject) -> object:
    action = button["action"]
    payload = action.get("payload") if isinstance(action, Mapping) else None
    return json.loads(payload) if isinstance(payload, str) else payload


def _shown_button(name: str, button: JsonObject, keys: Keys | None) -> Button:
    action = button["action"]
    fields: Mapping[str, object] = action if isinstance(action, Mapping) else {}
    label = str(fields.get("label", "Отправить местоположение"))
    style = STYLES.get(str(button.get("color")))
    match fields.get("type"):
        case "open_link":
            return Button(name, label, "link", str(fields["link"]), style)
        case "callback" | "text" | "location":
            return Button(name, label, "press" if keys and keys.inline else "menu", style=style)
        case _:
            return Button(name, label, "copy", style=style)


def attachment_json(file: StoredFile, origin: str) -> JsonObject:
    """A photo in its sizes, or a document, with addresses on the stand-in at *origin*."""
    url = f"{origin}/vk/files/{file.name}_{file.access_key}"
    fields: JsonObject = {"id": file.id, "owner_id": file.owner, "access_key": file.access_key}
    if file.kind == "doc":
        extension = file.picture.name.rpartition(".")[2]
        size = len(file.picture.content)
        return {
            "type": "doc",
            "doc": fields | {"title": file.picture.name, "size": size, "ext": extension, "url": url},
        }
    return {"type": "photo", "photo": fields | {"text": "", "has_tags": False, "sizes": _sizes(file, url)}}


def _sizes(file: StoredFile, url: str) -> list[JsonObject]:
    width, height = file.sides
    longest = max(width, height)
    shrunk = [(kind, side) for kind, side in (("m", 130), ("x", 604), ("y", 807)) if side < longest]
    return [
        {"type": kind, "url": url, "width": width * side // longest, "height": height * side // longest}
        for kind, side in [*shrunk, ("w", longest)]
    ]


def media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
