"""A group's message as it was posted, checked as strictly as Odnoklassniki may check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bots.simulator.addresses import is_address
from bots.simulator.odnoklassniki.limits import (
    ATTACHMENTS_MAX,
    COLUMNS_MAX,
    LABEL_CHARS_MAX,
    PAYLOAD_BYTES_MAX,
    PICTURES_BY_ADDRESS_MAX,
    ROWS_MAX,
    URL_CHARS_MAX,
    wrong,
)

JsonObject = dict[str, object]

MESSAGE_FIELDS: Final = frozenset({"text", "attachment", "attachments", "privacyWarning", "reply_to"})
WARNINGS: Final = frozenset({"SCREENSHOT", "SCREENCAST"})
INTENTS: Final = frozenset({"DEFAULT", "POSITIVE", "NEGATIVE"})
UPLOADED: Final = frozenset({"IMAGE", "FILE", "VIDEO", "AUDIO"})
PICTURE_ENDS: Final = (".jpg", ".jpeg", ".png")
BUTTON_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "CALLBACK": frozenset({"payload"}),
    "LINK": frozenset({"url"}),
    "REQUEST_CONTACT": frozenset(),
    "REQUEST_GEO_LOCATION": frozenset({"quick"}),
}
ACTIONS: Final = frozenset({"mark_seen", "typing_on", "sending_photo", "sending_video", "sending_audio"})


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message: by the token of an upload, or a picture by its address."""

    kind: str
    token: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a group says."""

    text: str
    files: Sequence[Attached] = ()
    keyboard: Sequence[Sequence[JsonObject]] = ()


def read_message(raw: object, *, text_chars_max: int) -> Outgoing:
    """The message that *raw* describes; refused as Odnoklassniki refuses it."""
    if not isinstance(raw, Mapping):
        raise wrong("message is required")
    if unknown := set(raw) - MESSAGE_FIELDS:
        raise wrong(f"message has unknown fields {', '.join(sorted(unknown))}")
    text = raw.get("text")
    if not isinstance(text, str) or not text.strip():
        raise wrong("message.text is empty")
    if len(text) > text_chars_max:
        raise wrong("message.text is too long")
    if raw.get("privacyWarning", "SCREENSHOT") not in WARNINGS:
        raise wrong("message.privacyWarning is unknown")
    attachments = _attachments(raw)
    files = [_file(each) for each in attachments if each.get("type") != "INLINE_KEYBOARD"]
    if sum(bool(file.url) for file in files) > PICTURES_BY_ADDRESS_MAX:
        raise wrong("message.attachments has more than one picture by its address")
    keyboards = [each for each in attachments if each.get("type") == "INLINE_KEYBOARD"]
    if len(keyboards) > 1:
        raise wrong("message.attachments has more than one keyboard")
    return Outgoing(text, files, _keyboard(keyboards[0]) if keyboards else ())


def _attachments(raw: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    if "attachment" in raw and "attachments" in raw:
        raise wrong("message has both attachment and attachments")
    listed = [raw["attachment"]] if "attachment" in raw else raw.get("attachments", [])
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise wrong("message.attachments is not a list of objects")
    if len(listed) > ATTACHMENTS_MAX:
        raise wrong("message.attachments is too long")
    return listed


def _file(raw: Mapping[str, object]) -> Attached:
    kind, payload = raw.get("type"), raw.get("payload")
    if not isinstance(kind, str) or kind not in UPLOADED or not isinstance(payload, Mapping):
        raise wrong("attachment.type is unknown")
    match payload:
        case {"token": str(token)} if token and len(payload) == 1:
            return Attached(kind, token=token)
        case {"url": str(url)} if kind == "IMAGE" and len(payload) == 1:
            if not is_address(url) or not urlsplit(url).path.lower().endswith(PICTURE_ENDS):
                raise wrong("attachment.payload.url is not the address of a jpg or png")
            return Attached(kind, url=url)
        case _:
            raise wrong("attachment.payload is wrong")


def _keyboard(raw: Mapping[str, object]) -> Sequence[Sequence[JsonObject]]:
    match raw.get("payload"):
        case {"keyboard": {"buttons": list(rows)}} if all(isinstance(row, list) and row for row in rows):
            if not 1 <= len(rows) <= ROWS_MAX or any(len(row) > COLUMNS_MAX for row in rows):
                raise wrong("keyboard has too many buttons")
            return [[_button(button) for button in row] for row in rows]
        case _:
            raise wrong("keyboard.buttons is not a list of rows")


def _button(raw: object) -> JsonObject:
    if not isinstance(raw, Mapping) or raw.get("type") not in BUTTON_FIELDS:
        raise wrong("button.type is unknown")
    fields = BUTTON_FIELDS[str(raw["type"])]
    if set(raw) != {"type", "text", "intent"} | fields:
        raise wrong("button has wrong fields")
    text = raw["text"]
    if not isinstance(text, str) or not text.strip() or len(text) > LABEL_CHARS_MAX:
        raise wrong("button.text is empty or too long")
    if raw["intent"] not in INTENTS:
        raise wrong("button.intent is unknown")
    match raw["type"]:
        case "CALLBACK":
            payload = raw["payload"]
            if not isinstance(payload, str) or not 1 <= len(payload.encode()) <= PAYLOAD_BYTES_MAX:
                raise wrong("button.payload is empty or too long")
        case "LINK":
            url = raw["url"]
            if not isinstance(url, str) or not is_address(url) or len(url) > URL_CHARS_MAX:
                raise wrong("button.url is no address")
        case "REQUEST_GEO_LOCATION" if not isinstance(raw["quick"], bool):
            raise wrong("button.quick is neither true nor false")
        case _:
            pass
    return dict(raw)
