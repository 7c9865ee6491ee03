"""Our messages as MAX takes them: words marked up in HTML, and attachments of which one may be a keyboard.

Where it bites: whether the 4000 of a text are counted with its markup is not published, so both must fit; a
document stands alone beside a keyboard, pictures stand together; an edit that names no attachments leaves
the old keyboard, so it always names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from adapters.calling import listed
from adapters.markup import addressed, marked_up
from core.channel import Capabilities, RenderedFile, Sending
from core.messages import Key, Message

# https://dev.max.ru/docs-api/objects/NewMessageBody, .../use-cases/sending-messages/keyboard. A row with a link
# or a contact holds 3 buttons and any other 7; of labels it shows about 20 characters in all, cut evenly.
TEXT_UNITS_MAX: Final = 4000
CAPABILITIES: Final = Capabilities(
    text_chars_max=TEXT_UNITS_MAX,
    caption_chars_max=TEXT_UNITS_MAX,
    rows_max=30,
    columns_max=2,
    buttons_max=60,
    label_chars_max=40,
    row_chars_max=20,
    payload_bytes_max=64,
    keyboard="inline",
    edits=True,
    bold=True,
    monospaced=True,
    photo=True,
    document=True,
    contact_button=True,
    utf16=True,
)
ATTACHMENTS_MAX: Final = 12
URL_CHARS_MAX: Final = 2048
PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg"})


def kind_of(file: RenderedFile) -> Literal["image", "file"]:
    """What the platform calls a file like this."""
    return "image" if file.media_type in PICTURE_TYPES else "file"


def encode(sending: Sending, tokens: Mapping[str, str]) -> dict[str, Any]:
    """The body that sends or rewrites a message; *tokens* name its files by their SHA-256.

    Raises ValueError for what no message can carry.
    """
    attachments: list[dict[str, Any]] = [
        {"type": kind_of(file), "payload": {"token": tokens[file.sha256]}} for file in sending.files
    ]
    if len(attachments) > 1 and any(each["type"] == "file" for each in attachments):
        raise ValueError("a document stands alone")
    if sending.message.keyboard:
        attachments.append(_keyboard(sending.message.keyboard))
    if len(attachments) > ATTACHMENTS_MAX:
        raise ValueError("too much attached")
    body = _words(sending)
    if not body["text"] and not attachments:
        raise ValueError("no words")
    return {**body, "attachments": attachments}


def is_said_by(body: Mapping[str, Any], message: Message, files: Sequence[RenderedFile]) -> bool:
    """Whether *body* of a dialog's history is *message* with *files*, however it was marked up.

    A picture is known by its kind alone, a document by its name too where the history gives it.
    """
    words = str(body.get("text") or "").strip()
    if words not in {message.plain.strip(), addressed(message.spans).strip()}:
        return False
    attached = [each for each in listed(body, "attachments") if each.get("type") != "inline_keyboard"]
    return len(attached) == len(files) and all(map(_is_of, attached, files))


def _is_of(attachment: Mapping[str, Any], file: RenderedFile) -> bool:
    named = attachment.get("filename")
    return attachment.get("type") == kind_of(file) and named in (None, file.name)


def _words(sending: Sending) -> dict[str, Any]:
    """The text with its markup if there is room for it, else without."""
    spans = sending.message.spans
    marked = marked_up(spans)
    if not sending.plain and any(span.style for span in spans) and _units(marked) <= TEXT_UNITS_MAX:
        return {"text": marked, "format": "html"}
    plain = addressed(spans)
    plain = plain if _units(plain) <= TEXT_UNITS_MAX else sending.message.plain
    return {"text": plain or None}


def _units(text: str) -> int:
    """The length of *text* in UTF-16: what is counted is not published, and this is the most it can be."""
    return len(text) + sum(character > "\uffff" for character in text)


def _keyboard(rows: Sequence[Sequence[Key]]) -> dict[str, Any]:
    buttons = [[_button(key) for key in row] for row in rows]
    return {"type": "inline_keyboard", "payload": {"buttons": buttons}}


def _button(key: Key) -> dict[str, str]:
    match key.kind:
        case "link":
            if len(key.data) > URL_CHARS_MAX:
                raise ValueError("an address is too long")
            return {"type": "link", "text": key.label, "url": key.data}
        case "contact":
            return {"type": "request_contact", "text": key.label}
        case _:
            return {"type": "callback", "text": key.label, "payload": key.data}
