"""A resident's side of any messenger: what a phone shows, and what its owner can do with it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from aiohttp import web

from core.errors import KvitokError

# A chat forgets its oldest messages beyond this, so that a long run does not fill the memory.
REMEMBERED_MAX: Final = 2000

JsonObject = dict[str, object]
ButtonKind = Literal["press", "link", "contact", "menu", "copy"]


@dataclass(frozen=True, slots=True)
class Button:
    """A button as it is shown: pressed, opened, shared by, typed for the resident, or copied."""

    id: str
    label: str
    kind: ButtonKind
    url: str | None = None
    style: str | None = None

    def to_json(self) -> dict[str, str]:
        extra = {"url": self.url, "style": self.style}
        given = {key: value for key, value in extra.items() if value is not None}
        return {"id": self.id, "label": self.label, "kind": self.kind} | given


@dataclass(frozen=True, slots=True)
class FileLink:
    """A picture or document of a message, and where the simulator serves it."""

    name: str
    type: str
    url: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message as a phone shows it; *html* is safe to put into a page.

    *menu* says what the message does to the keyboard at the bottom: its buttons of the kinds `menu` and
    `contact` are `shown`, shown for one press (`once`), or the keyboard is `removed`.
    """

    sender: Literal["bot", "resident"]
    at: datetime
    text: str = ""
    html: str = ""
    buttons: Sequence[Sequence[Button]] = ()
    files: Sequence[FileLink] = ()
    menu: Literal["", "shown", "once", "removed"] = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a messenger flashes over a chat: the answer to a press. An empty text only ends the waiting."""

    text: str
    alert: bool


@dataclass(slots=True)
class _Entry:
    id: int
    first: int
    said: Said
    edited: bool = False
    deleted: bool = False

    def to_json(self) -> JsonObject:
        said = self.said
        shown: JsonObject = {
            "id": self.id,
            "from": said.sender,
            "text": said.text,
            "html": said.html,
            "buttons": [[button.to_json() for button in row] for row in said.buttons],
            "files": [{"name": file.name, "type": file.type, "url": file.url} for file in said.files],
            "edited": self.edited,
            "at": said.at.isoformat(),
            "menu": said.menu,
        }
        if self.id != self.first:
            shown["replaces"] = self.first
        if self.deleted:
            shown["deleted"] = True
        return shown


class ChatLog:
    """Everything that a phone shows of one chat, in order.

    Ids grow by one for each thing that happens in the chat. An edited message is announced again under a
    new id with `edited: true` and `replaces`: the id under which it was first shown, which is also its
    place on the screen. So whoever asks for what came after the last id that he saw misses nothing.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._first_of: dict[int, int] = {}
        self._notices: list[tuple[int, Notice]] = []
        self._watchers: set[asyncio.Event] = set()
        self.last = 0
        """The id of the newest thing that happened."""

    def add(self, said: Said) -> int:
        entry = _Entry(self._next(), self.last, said)
        self._entries[entry.first] = entry
        self._first_of[entry.id] = entry.first
        while len(self._entries) > REMEMBERED_MAX:
            self._forget(next(iter(self._entries)))
        self._announce()
        return entry.id

    def change(self, first: int, said: Said) -> None:
        """The message first shown as *first* now reads *said*."""
        if entry := self._entries.get(first):
            entry.said, entry.edited = said, True
            self._renew(entry)

    def delete(self, first: int) -> None:
        if entry := self._entries.get(first):
            entry.said, entry.deleted = Said(entry.said.sender, entry.said.at), True
            self._renew(entry)

    def notify(self, notice: Notice) -> None:
        self._notices = [*self._notices[-50:], (self._next(), notice)]
        self._announce()

    def first(self, shown: int) -> int | None:
        """The first id of the message that was ever shown under the id *shown*."""
        return self._first_of.get(shown)

    def messages(self, after: int) -> list[JsonObject]:
        """What was said or changed after *after*; each message once, as it is now."""
        return [
            entry.to_json()
            for entry in sorted(self._entries.values(), key=lambda entry: entry.id)
            if entry.id > after and not (entry.deleted and entry.first > after)
        ]

    def notices(self, after: int) -> list[JsonObject]:
        return [{"text": notice.text, "alert": notice.alert} for at, notice in self._notices if at > after]

    def watch(self, watcher: asyncio.Event) -> None:
        self._watchers.add(watcher)

    def unwatch(self, watcher: asyncio.Event) -> None:
        self._watchers.discard(watcher)

    def _forget(self, first: int) -> None:
        del self._entries[first]
        for shown in [shown for shown, its_first in self._first_of.items() if its_first == first]:
            del self._first_of[shown]

    def _renew(self, entry: _Entry) -> None:
        entry.id = self._next()
        self._first_of[entry.id] = entry.first
        self._announce()

    def _next(self) -> int:
        self.last += 1
        return self.last

    def _announce(self) -> None:
        for watcher in self._watchers:
            watcher.set()


async def awaited(
    look: Callable[[], list[JsonObject]], logs: Iterable[ChatLog], wait_s: float
) -> list[JsonObject]:
    """What *look* finds as soon as something happens in one of *logs*; nothing if *wait_s* pass without."""
    happened = asyncio.Event()
    watched = list(logs)
    for log in watched:
        log.watch(happened)
    try:
        async with asyncio.timeout(wait_s):
            while not (found := look()):
                happened.clear()
                await happened.wait()
            return found
    except TimeoutError:
        return []
    finally:
        for log in watched:
            log.unwatch(happened)


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of a chat with its bytes."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """An entry of the menu that a messenger shows beside the field for typing."""

    command: str
    description: str


class ResidentRefusedError(KvitokError):
    """A resident asked of the simulator what no phone would let him do."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class Residents(Protocol):
    """One messenger as its residents use it; every messenger's stand-in fulfils this.

    *chat* is a resident's name for scripts, letters and digits. Each action puts the platform's own update
    in the way to the bot and returns at once; what a phone would not allow raises `ResidentRefusedError`.
    """

    @property
    def name(self) -> str:
        """The channel's short name, as in addresses: `telegram`."""

    @property
    def title(self) -> str:
        """What people call the messenger: «Telegram»."""

    @property
    def calls(self) -> Sequence[object]:
        """What the bot called last, whole, for tests."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """The platform's API, as the bot calls it."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def commands(self) -> Sequence[Command]: ...

    def log(self, chat: str) -> ChatLog:
        """What the phone shows; refused with 404 for a chat that nobody started."""

    def start(self, chat: str, payload: str) -> None: ...

    def say(self, chat: str, text: str) -> None: ...

    def press(self, chat: str, message: int, button: str) -> None: ...

    def contact(self, chat: str, phone: str) -> None: ...

    def photo(self, chat: str, picture: Picture, caption: str) -> None: ...

    def send(self, chat: str, kind: str) -> None:
        """Send something that is no text: `voice`, `sticker`, `location`, `document`."""

    def block(self, chat: str) -> None: ...

    def unblock(self, chat: str) -> None: ...

    def file(self, chat: str, name: str) -> Picture:
        """A file that some message of *chat* shows."""
