"""A bot's message as it was posted, checked as strictly as MAX checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bots.simulator.addresses import is_address
from bots.simulator.max.limits import (
    ATTACHMENTS_MAX,
    BUTTONS_MAX,
    COLUMNS_MAX,
    COLUMNS_OF_WIDE_MAX,
    LABEL_CHARS_MAX,
    PAYLOAD_CHARS_MAX,
    ROWS_MAX,
    TEXT_UNITS_MAX,
    URL_CHARS_MAX,
    wrong,
)
from bots.simulator.telegram.formatting import Formatted, as_typed, read, units
from bots.simulator.telegram.limits import TelegramRefusedError

JsonObject = dict[str, object]

MESSAGE_FIELDS: Final = frozenset({"text", "attachments", "link", "notify", "format"})
UPLOADED: Final = frozenset({"image", "video", "audio", "file"})
ALONE: Final = frozenset({"file", "audio"})
WIDE: Final = frozenset({"link", "open_app", "request_geo_location", "request_contact"})
BUTTON_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "callback": frozenset({"payload"}),
    "link": frozenset({"url"}),
    "request_contact": frozenset(),
    "request_geo_location": frozenset({"quick"}),
    "message": frozenset(),
    "clipboard": frozenset({"payload"}),
}
# https://dev.max.ru/docs-api/objects/NewMessageBody
TAGS: Final = frozenset(
    {"b", "strong", "i", "em", "s", "del", "u", "ins", "code", "pre", "a", "mark", "h1", "blockquote"}
)
_TAG: Final = re.compile(r"</?([^\s>/]*)")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message: by the token of an upload, or a picture by its address."""

    kind: str
    token: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a bot says; *text* or *attachments* None: what an edit leaves as it was."""

    text: Formatted | None
    files: Sequence[Attached] = ()
    keyboard: Sequence[Sequence[JsonObject]] = ()
    leaves_attachments: bool = False


def read_message(raw: object) -> Outgoing:
    """The message that *raw* describes; refused as MAX refuses it."""
    if not isinstance(raw, Mapping):
        raise wrong("message: must not be null")
    if unknown := set(raw) - MESSAGE_FIELDS:
        raise wrong(f"unknown fields: {', '.join(sorted(unknown))}")
    attachments = _attachments(raw.get("attachments"))
    files = [_file(each) for each in attachments if each.get("type") != "inline_keyboard"]
    if len(files) > 1 and any(each.kind in ALONE for each in files):
        raise wrong("attachments: must be the only attachment in message")
    keyboards = [each for each in attachments if each.get("type") == "inline_keyboard"]
    if len(keyboards) > 1:
        raise wrong("attachments: only one keyboard is allowed")
    text = _text(raw)
    if not attachments and (text is None or not text.text):
        raise wrong("text: must not be empty")
    keyboard = _keyboard(keyboards[0]) if keyboards else ()
    return Outgoing(text, files, keyboard, leaves_attachments=raw.get("attachments") is None)


def _text(raw: Mapping[str, object]) -> Formatted | None:
    text, markup = raw.get("text"), raw.get("format")
    if text is None:
        return None
    if not isinstance(text, str) or units(text) > TEXT_UNITS_MAX:
        raise wrong(f"text: size must be between 0 and {TEXT_UNITS_MAX}")
    if markup is None:
        return as_typed(text.strip())
    if markup != "html":
        # Markdown exists at MAX; this bot never writes it, so a use of it is a mistake.
        raise wrong("format: unknown value")
    if unknown := {tag.lower() for tag in _TAG.findall(text)} - TAGS:
        raise wrong(f"text: unknown tags {', '.join(sorted(unknown))}")
    try:
        return read(text, parse_mode="html", entities=None)
    except TelegramRefusedError:
        raise wrong("text: markup cannot be read") from None


def _attachments(raw: object) -> Sequence[Mapping[str, object]]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(each, Mapping) for each in raw):
        raise wrong("attachments: must be a list of objects")
    if len(raw) > ATTACHMENTS_MAX:
        raise wrong(f"attachments: size must be between 0 and {ATTACHMENTS_MAX}")
    return raw


def _file(raw: Mapping[str, object]) -> Attached:
    match raw:
        case {"type": str(kind), "payload": {"token": str(token)}} if kind in UPLOADED and token:
            return Attached(kind, token=token)
        case {"type": "image", "payload": {"photos": dict(photos)}} if len(photos) == 1:
            [photo] = photos.values()
            return _file({"type": "image", "payload": photo})
        case {"type": "image", "payload": {"url": str(url)}} if is_address(url):
            return Attached("image", url=url)
        case _:
            raise wrong("attachments: unknown type or payload")


def _keyboard(raw: Mapping[str, object]) -> Sequence[Sequence[JsonObject]]:
    match raw.get("payload"):
        case {"buttons": list(rows)} if rows and all(isinstance(row, list) and row for row in rows):
            buttons = [[_button(button) for button in row] for row in rows]
        case _:
            raise wrong("buttons: must be a list of rows")
    if len(buttons) > ROWS_MAX or sum(map(len, buttons)) > BUTTONS_MAX:
        raise wrong("buttons: too many")
    for row in buttons:
        wide = any(button["type"] in WIDE for button in row)
        if len(row) > (COLUMNS_OF_WIDE_MAX if wide else COLUMNS_MAX):
            raise wrong("buttons: too many in a row")
    return buttons


def _button(raw: object) -> JsonObject:
    if not isinstance(raw, Mapping) or raw.get("type") not in BUTTON_FIELDS:
        raise wrong("button: unknown type")
    kind = str(raw["type"])
    if set(raw) != {"type", "text"} | BUTTON_FIELDS[kind]:
        raise wrong("button: wrong fields")
    text = raw["text"]
    if not isinstance(text, str) or not text.strip() or len(text) > LABEL_CHARS_MAX:
        raise wrong(f"button.text: size must be between 1 and {LABEL_CHARS_MAX}")
    match kind:
        case "callback" | "clipboard":
            payload = raw["payload"]
            if not isinstance(payload, str) or not 1 <= len(payload) <= PAYLOAD_CHARS_MAX:
                raise wrong(f"button.payload: size must be between 1 and {PAYLOAD_CHARS_MAX}")
        case "link":
            url = raw["url"]
            if not isinstance(url, str) or not is_address(url) or len(url) > URL_CHARS_MAX:
                raise wrong("button.url: is no address")
        case "request_geo_location" if not isinstance(raw["quick"], bool):
            raise wrong("button.quick: must be true or false")
        case _:
            pass
    return dict(raw)
