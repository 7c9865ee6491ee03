"""Our messages as Odnoklassniki takes them: plain words, and up to five attachments of which one is a keyboard.

The platform publishes no limits of texts and keyboards: these are figures to work with until a live group
has shown better ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from adapters.markup import addressed
from core.channel import Capabilities, RenderedFile, Sending
from core.messages import Key

CAPABILITIES: Final = Capabilities(
    text_chars_max=2000,
    caption_chars_max=2000,
    rows_max=10,
    columns_max=3,
    buttons_max=30,
    label_chars_max=40,
    payload_bytes_max=64,
    keyboard="inline",
    photo=True,
    document=True,
)
# https://apiok.ru/dev/graph_api/methods/graph.user/graph.user.messages/post
ATTACHMENTS_MAX: Final = 5
PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg"})


def kind_of(file: RenderedFile) -> Literal["IMAGE", "FILE"]:
    """What the platform calls a file like this."""
    return "IMAGE" if file.media_type in PICTURE_TYPES else "FILE"


def words_of(sending: Sending, *, text_chars_max: int) -> str:
    """The text of a message: never empty, as the platform wants one, so a bare file says its name."""
    words = addressed(sending.message.spans)
    words = words if len(words) <= text_chars_max else sending.message.plain
    return words or ", ".join(file.name for file in sending.files)


def encode(sending: Sending, tokens: Mapping[str, str], *, text_chars_max: int) -> dict[str, Any]:
    """The body that sends a message; *tokens* name its files by their SHA-256.

    Raises ValueError for what no message can carry.
    """
    attachments: list[dict[str, Any]] = [
        {"type": kind_of(file), "payload": {"token": tokens[file.sha256]}} for file in sending.files
    ]
    if sending.message.keyboard:
        attachments.append(_keyboard(sending.message.keyboard))
    text = words_of(sending, text_chars_max=text_chars_max)
    if not text or len(attachments) > ATTACHMENTS_MAX:
        raise ValueError("no words, or too much attached")
    message: dict[str, Any] = {"text": text}
    if attachments:
        message["attachments"] = attachments
    return {"recipient": {"chat_id": sending.chat}, "message": message}


def _keyboard(rows: Sequence[Sequence[Key]]) -> dict[str, Any]:
    buttons = [[_button(key) for key in row] for row in rows]
    return {"type": "INLINE_KEYBOARD", "payload": {"keyboard": {"buttons": buttons}}}


def _button(key: Key) -> dict[str, str]:
    # Clients have been seen to need an intent always.
    common = {"text": key.label, "intent": "DEFAULT"}
    match key.kind:
        case "link":
            return {"type": "LINK", **common, "url": key.data}
        case "contact":
            return {"type": "REQUEST_CONTACT", **common}
        case _:
            return {"type": "CALLBACK", **common, "payload": key.data}
