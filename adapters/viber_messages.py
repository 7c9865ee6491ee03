"""What Viber can carry, and our messages as bodies of its `send_message`.

Where it bites: most mistakes are found by the client, which then shows nothing; the keyboard is that of the
last message, so each message brings one; labels are a small HTML; there is no upload; a request is at most
30 KB, so it is written as UTF-8 and not as escapes. Of viberbot only the message types are used; importing
any of it brings requests and urllib3 along (0.4 s, 6 MiB), and nothing of it that logs is ever made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from viberbot.api.messages import (  # type: ignore[import-untyped]  # viberbot has no types
    FileMessage,
    PictureMessage,
    TextMessage,
)

from adapters.markup import addressed
from adapters.viber_updates import BEGUN, PRESSED
from core.channel import Capabilities, RenderedFile, Sending
from core.messages import Key, text
from core.wording import Words

# https://creators.viber.com/docs/bots-api/resources/messaging/ and its page on keyboards.
CAPABILITIES: Final = Capabilities(
    text_chars_max=7000,
    # Pictures may have a caption and files may not; a text of its own is one call, and no call is half done.
    caption_chars_max=0,
    rows_max=12,
    columns_max=2,
    buttons_max=24,
    # A label has room for 250 characters, and escaping makes five of one.
    label_chars_max=50,
    payload_bytes_max=64,
    keyboard="bottom",
    photo=True,
    document=True,
    files_by_address=True,
)
GRID: Final = 6
# The level of clients that know silent presses and the field for typing beside a keyboard.
API_LEVEL: Final = 7
CAPTION_CHARS_MAX: Final = 768
PICTURE_BYTES_MAX: Final = 1024 * 1024  # on an iPhone; Android takes 3 MB
FILE_BYTES_MAX: Final = 50 * 1024 * 1024
FILE_NAME_CHARS_MAX: Final = 256
PICTURE_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".gif")

Step: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who residents see as the author of messages: a name of at most 28 characters, and a picture."""

    name: str
    avatar: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """The sender as bodies name it."""
        return {"name": self.name} | ({"avatar": self.avatar} if self.avatar else {})


def encode(sending: Sending, sender: Sender) -> tuple[Step, ...]:
    """The bodies that deliver a message: its files, then its text unless a picture carries it.

    Raises ValueError, in words of ours, for what no body can carry.
    """
    message = sending.message
    words = addressed(message.spans)
    keyboard = _keyboard(message.keyboard) if message.keyboard else _standing(message.language)
    pictured = len(sending.files) == 1 and _is_picture(sending.files[0]) and len(words) <= CAPTION_CHARS_MAX
    caption = words if pictured else ""
    made = [_file(file, sending.address_of, caption) for file in sending.files]
    if words and not pictured:
        made.append(TextMessage(text=words))
    if not made:
        raise ValueError("a message says nothing")
    common = {"receiver": sending.chat, "sender": sender.fields, "min_api_version": API_LEVEL}
    return tuple(_body(each) | common | {"keyboard": keyboard} for each in made)


def welcome(sender: Sender, *, language: str | None, context: str) -> Step:
    """The one message to somebody who is no subscriber yet: the body of an HTTP answer, so with no receiver."""
    words = _words(language)
    begin = words.plain(text("viber-begin-button"))
    body = _body(TextMessage(text=words.plain(text("viber-welcome", name=sender.name))))
    buttons = [_button(begin, "reply", f"{BEGUN}{context}", columns=GRID)]
    return body | {
        "sender": sender.fields,
        "min_api_version": API_LEVEL,
        "keyboard": _board(buttons),
    }


def lowered(step: Step) -> Step:
    """*step* for a client of any age: without the button that only newer ones know."""
    keyboard = step["keyboard"]
    buttons = [each for each in keyboard["Buttons"] if each["ActionType"] != "share-phone"]
    board = {"keyboard": keyboard | {"Buttons": buttons}} if buttons else {}
    return {key: value for key, value in step.items() if key != "keyboard"} | board | {"min_api_version": 1}


def _body(message: Any) -> Step:
    """The fields of one of viberbot's messages, without those that it leaves empty."""
    return {name: value for name, value in message.to_dict().items() if value is not None}


def _is_picture(file: RenderedFile) -> bool:
    return file.name.lower().endswith(PICTURE_ENDINGS) and len(file.body) <= PICTURE_BYTES_MAX


def _file(file: RenderedFile, address_of: Mapping[str, str], caption: str) -> Any:
    """A picture, or a file where it is too large or no picture; by its public address."""
    address = address_of.get(file.sha256)
    if address is None:
        raise ValueError("a file has no public address")
    if len(file.body) > FILE_BYTES_MAX:
        raise ValueError("a file is too large")
    if _is_picture(file):
        return PictureMessage(media=address, text=caption)
    return FileMessage(media=address, size=len(file.body), file_name=file.name[-FILE_NAME_CHARS_MAX:])


# --- Keyboards ------------------------------------------------------------------------------------


def _keyboard(rows: Sequence[Sequence[Key]]) -> Step:
    return _board([button for row in rows for button in _row(row)])


def _standing(language: str) -> Step:
    """The keyboard of a message that has none of its own, for without one the client takes the last away."""
    return _keyboard(((Key(_words(language).plain(text("menu-button")), "press", "menu"),),))


def _board(buttons: Sequence[Step]) -> Step:
    return {
        "Type": "keyboard",
        "DefaultHeight": False,
        "InputFieldState": "regular",
        "Buttons": list(buttons),
    }


def _row(keys: Sequence[Key]) -> list[Step]:
    """Buttons flow from left to right and wrap, so those of a row fill the grid's width."""
    width, wider = divmod(GRID, len(keys))
    return [_key(key, width + (place < wider)) for place, key in enumerate(keys)]


def _key(key: Key, columns: int) -> Step:
    match key.kind:
        case "link":
            # Banks' pages and apps do not open in the messenger's own browser.
            external = {"OpenURLType": "external"}
            return _button(key.label, "open-url", key.data, columns=columns) | external
        case "contact":
            return _button(key.label, "share-phone", "share-phone", columns=columns)
        case _:
            return _button(key.label, "reply", f"{PRESSED}{key.data}", columns=columns)


def _button(label: str, action: str, body: str, *, columns: int) -> Step:
    """A button whose press is not shown in the chat: what it says is no word of a resident's."""
    return {
        "Columns": columns,
        "Rows": 1,
        "ActionType": action,
        "ActionBody": body,
        "Text": escape(label, quote=False),
        "TextSize": "regular",
        "Silent": True,
    }


def _words(language: str | None) -> Words:
    # Nothing here has a date; the zone is only asked for.
    return Words((language or "")[:2].lower(), ZoneInfo("UTC"))
