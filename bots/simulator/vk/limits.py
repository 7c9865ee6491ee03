"""What VK refuses and under which code: keyboards, formatting, pictures, the pace, and faults that a test switches on."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bots.simulator import faults
from bots.simulator.telegram.formatting import Entity, Formatted, as_typed, units
from core.errors import KvitokError

# https://dev.vk.com/ru/method/messages.send, /ru/api/bots/development/keyboard and the upload guide.
TEXT_CHARS_MAX: Final = 4096
ATTACHMENTS_MAX: Final = 10
PEERS_MAX: Final = 100
NORMAL_ROWS_MAX: Final = 10
NORMAL_TOTAL_MAX: Final = 40
INLINE_ROWS_MAX: Final = 6
INLINE_TOTAL_MAX: Final = 10
ROW_CELLS_MAX: Final = 5
LABEL_CHARS_MAX: Final = 40
PAYLOAD_CHARS_MAX: Final = 255
EVENT_DATA_CHARS_MAX: Final = 1000
SNACKBAR_CHARS_MAX: Final = 90
PHOTO_BYTES_MAX: Final = 50 * 1024 * 1024
PHOTO_SIDES_MAX: Final = 14_000
PHOTO_RATIO_MAX: Final = 20
DOCUMENT_BYTES_MAX: Final = 200 * 1024 * 1024
CALLS_PER_S: Final = 20
MESSAGES_PER_HOUR_MAX: Final = 1000
EXECUTE_CALLS_MAX: Final = 25

WIDE_ACTIONS: Final = frozenset({"location", "vkpay", "open_app", "open_link"})
ACTIONS: Final = WIDE_ACTIONS | {"text", "callback"}
COLOURS: Final = frozenset({"primary", "secondary", "positive", "negative"})
ACTIVITIES: Final = frozenset({"typing", "audiomessage", "file", "photo", "video"})
FORMATS: Final = {"bold": "bold", "italic": "italic", "underline": "underline", "url": "text_link"}

# https://dev.vk.com/ru/reference/errors
MEANINGS: Final = {
    1: "Unknown error occurred",
    3: "Unknown method passed",
    5: "User authorization failed: invalid access_token (4).",
    6: "Too many requests per second",
    7: "Permission to perform this action is denied",
    8: "Invalid request",
    9: "Flood control: too much messages sent to user",
    10: "Internal server error",
    13: "Runtime error occurred during code invocation",
    14: "Captcha needed",
    15: "Access denied",
    18: "User was deleted or banned",
    27: "Group authorization failed: method is unavailable with group auth.",
    29: "Rate limit reached",
    36: "Method execution was interrupted due to timeout",
    900: "Can't send messages for users from blacklist",
    901: "Can't send messages for users without permission",
    902: "Can't send messages to this user due to their privacy settings",
    909: "Can't edit this message, because it's too old",
    911: "Keyboard format is invalid",
    912: "This is a chat bot feature, change this status in settings",
    914: "Message is too long",
    917: "You don't have access to this chat",
    936: "Contact not found",
    2000: "Servers number limit is reached",
}

_LINK: Final = re.compile(r"https?://[^\s/?#]+[^\s]*")

JsonObject = dict[str, object]


class VkCallRefusedError(KvitokError):
    """A call that VK would answer with an error."""

    def __init__(self, code: int, what: str = "") -> None:
        meaning = MEANINGS.get(code, "Unknown error occurred")
        super().__init__(f"{meaning}: {what}" if what else meaning)
        self.code = code


def bad_parameter(what: str) -> VkCallRefusedError:
    words = f"One of the parameters specified was missing or invalid: {what}"
    refused = VkCallRefusedError(100)
    refused.args = (words,)
    return refused


# --- Keyboards ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keys:
    """A keyboard: under its message, or the one at the bottom (without buttons: taken away)."""

    inline: bool = False
    once: bool = False
    rows: tuple[tuple[JsonObject, ...], ...] = ()


def read_keyboard(raw: str) -> Keys | None:
    """The keyboard that *raw*, a JSON text, describes; None where there is none. Refused with 911."""
    if not raw:
        return None
    try:
        fields = json.loads(raw)
    except ValueError as error:
        raise VkCallRefusedError(911, "keyboard is not valid JSON") from error
    if not isinstance(fields, Mapping):
        raise VkCallRefusedError(911, "keyboard should be an object")
    inline, once = fields.get("inline", False), fields.get("one_time", False)
    if not isinstance(inline, bool) or not isinstance(once, bool) or (inline and once):
        raise VkCallRefusedError(911, "one_time and inline should be booleans and not both be true")
    rows = _rows(fields.get("buttons"), inline=inline)
    return Keys(inline, once, rows)


def _rows(raw: object, *, inline: bool) -> tuple[tuple[JsonObject, ...], ...]:
    if not isinstance(raw, list) or not all(isinstance(row, list) and row for row in raw):
        raise VkCallRefusedError(911, "buttons should be an array of non-empty arrays")
    rows_max, total_max = (
        (INLINE_ROWS_MAX, INLINE_TOTAL_MAX) if inline else (NORMAL_ROWS_MAX, NORMAL_TOTAL_MAX)
    )
    if len(raw) > rows_max or sum(map(len, raw)) > total_max:
        raise VkCallRefusedError(911, "too many rows or buttons")
    rows = tuple(tuple(_button(button) for button in row) for row in raw)
    if any(sum(map(_cells, row)) > ROW_CELLS_MAX for row in rows):
        raise VkCallRefusedError(911, "a row is too wide")
    return rows


def _cells(button: JsonObject) -> int:
    action = button["action"]
    return 2 if isinstance(action, Mapping) and action.get("type") in WIDE_ACTIONS else 1


def _button(raw: object) -> JsonObject:
    action = raw.get("action") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(action, Mapping) or action.get("type") not in ACTIONS:
        raise VkCallRefusedError(911, "a button should have an action of a known type")
    kind = action["type"]
    if kind in {"text", "callback", "open_link", "open_app"}:
        label = action.get("label")
        if not isinstance(label, str) or not label.strip() or len(label) > LABEL_CHARS_MAX:
            raise VkCallRefusedError(911, f"label should be a text of 1 to {LABEL_CHARS_MAX} characters")
    if kind == "open_link" and not _LINK.fullmatch(str(action.get("link", ""))):
        raise VkCallRefusedError(911, "link should be an address")
    if "color" in raw and (kind in WIDE_ACTIONS or raw["color"] not in COLOURS):
        raise VkCallRefusedError(911, "color is unknown or not for this action")
    if kind == "callback" or "payload" in action:
        _check_payload(action.get("payload"))
    return {"action": dict(action)} | ({"color": raw["color"]} if "color" in raw else {})


def _check_payload(payload: object) -> None:
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    try:
        json.loads(text)
    except ValueError as error:
        raise VkCallRefusedError(911, "payload should be JSON") from error
    if len(text) > PAYLOAD_CHARS_MAX:
        raise VkCallRefusedError(911, f"payload is longer than {PAYLOAD_CHARS_MAX} characters")


# --- Text -----------------------------------------------------------------------------------------


def read_text(text: str, format_data: str) -> Formatted:
    """*text* with what *format_data* says of it; refused with 914 when too long, 100 when told wrong."""
    if len(text) > TEXT_CHARS_MAX:
        raise VkCallRefusedError(914)
    told = _entities(text, format_data)
    links = [entity for entity in told if entity.type == "text_link"]
    bare = [
        entity
        for entity in as_typed(text).entities
        if entity.type == "url"
        and not any(link.offset < entity.end and entity.offset < link.end for link in links)
    ]
    return Formatted(text, (*told, *bare))


def _entities(text: str, format_data: str) -> list[Entity]:
    if not format_data:
        return []
    try:
        fields = json.loads(format_data)
    except ValueError as error:
        raise bad_parameter("format_data is not valid JSON") from error
    match fields:
        case {"version": 1, "items": list(items)}:
            return [_entity(item, units(text)) for item in items]
        case _:
            raise bad_parameter("format_data should have version 1 and items")


def _entity(item: object, end: int) -> Entity:
    match item:
        case {"type": str(kind), "offset": int(offset), "length": int(length), **rest} if kind in FORMATS:
            url = rest.get("url")
            if not 0 <= offset < offset + length <= end or (kind == "url") != isinstance(url, str):
                raise bad_parameter("format_data has an item outside of the text or without its url")
            return Entity(FORMATS[kind], offset, length, url if isinstance(url, str) else None)
        case _:
            raise bad_parameter("format_data has an unknown item")


# --- Pictures -------------------------------------------------------------------------------------


def picture_sides(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG that VK would take as a photo; None if it would not."""
    sides = _png_sides(content) or _jpeg_sides(content)
    if sides is None or not all(sides) or len(content) > PHOTO_BYTES_MAX:
        return None
    fits = sum(sides) <= PHOTO_SIDES_MAX and max(sides) <= PHOTO_RATIO_MAX * min(sides)
    return sides if fits else None


def _png_sides(content: bytes) -> tuple[int, int] | None:
    if len(content) < 24 or not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg_sides(content: bytes) -> tuple[int, int] | None:
    at = 2 if content.startswith(b"\xff\xd8\xff") else len(content)
    while at + 9 <= len(content) and content[at] == 0xFF:
        if content[at + 1] in {0xC0, 0xC1, 0xC2, 0xC3}:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None


# --- Pace and faults ------------------------------------------------------------------------------


class Pace:
    """*per_s* calls a second of one community's key; the one too many is refused with 6."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._left = float(per_s)
        self._at_s = time.monotonic()

    def spend(self) -> None:
        now_s = time.monotonic()
        self._left = min(self._per_s, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            raise VkCallRefusedError(6)
        self._left -= 1


@dataclass(slots=True, kw_only=True)
class Faults(faults.Faults):
    """Faults of VK's: `code` is a refusal, `upload` makes the upload servers take nothing."""

    server_error: bool = False
    retry_after_s: int = 0
    code: int = 0
    upload: bool = False
