"""Our message as the arguments of VK's messages.send or messages.edit.

Where it bites: nothing in a text is markup, bold is told beside it in UTF-16 units; one message brings either
a keyboard under it or the one at the bottom, which stays until another comes; an edit without a keyboard or
an attachment takes them away. Of vkbottle only the keyboards are used; however narrow its import is, it
takes 1.6 s and 60 MiB, so nothing else imports it and this module is imported only where VK is on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from vkbottle.tools.keyboard import Callback, Keyboard, KeyboardButtonColor, OpenLink, Text

from adapters.markup import addressed
from adapters.vk_updates import PAYLOAD_FIELD
from core.channel import Capabilities, Sending
from core.messages import Key, Span

# https://dev.vk.com/ru/method/messages.send and /ru/api/bots/development/keyboard. A link takes two of the
# five places of a row, so two columns are always right. VK counts up to 4096 characters, some of them as it
# escapes them.
CAPABILITIES: Final = Capabilities(
    text_chars_max=4000,
    caption_chars_max=4000,
    rows_max=6,
    columns_max=2,
    buttons_max=10,
    label_chars_max=40,
    payload_bytes_max=64,
    keyboard="inline",
    edits=True,
    bold=True,
    photo=True,
    document=True,
)
RANDOM_IDS: Final = 2**31 - 1
MENU: Final = "menu"
# What takes the keyboard under a message away.
NO_KEYBOARD: Final = '{"inline":true,"buttons":[]}'
STYLES: Final = {"b": "bold", "a": "url"}


def encode(sending: Sending) -> dict[str, Any]:
    """The arguments of an edit (it has a `cmid`) or of a send, to which files are still to be added.

    Raises ValueError for what no call of VK's can carry.
    """
    message, peer = sending.message, int(sending.chat)
    form: dict[str, Any] = {
        "message": addressed(message.spans) if sending.plain else message.plain,
        "dont_parse_links": 1,
    }
    if not sending.plain and (styled := _format(message.spans)):
        form["format_data"] = styled
    if message.replaces is not None and not sending.files:
        shown = _inline(message.keyboard) if message.keyboard else NO_KEYBOARD
        return form | {"peer_id": peer, "cmid": int(message.replaces), "keyboard": shown}
    # With the plural VK tells the message's place in the chat too, by which presses and edits name it.
    form |= {"peer_ids": peer, "random_id": random_id(sending.token), "disable_mentions": 1}
    if message.keyboard:
        lone = _only_menu(message.keyboard)
        form["keyboard"] = _standing(lone) if lone else _inline(message.keyboard)
    return form


def random_id(token: int) -> int:
    """The number by which VK knows a repeated send: 32 bits with a sign, never 0, the same for the same row."""
    return token % RANDOM_IDS + 1


def _format(spans: Sequence[Span]) -> str:
    """The styled parts as VK wants them told; '' where there are none."""
    items, offset = [], 0
    for span in spans:
        length = len(span.text.encode("utf-16-le")) // 2
        if span.style in STYLES and length:
            url = {"url": span.url} if span.style == "a" else {}
            items.append({"type": STYLES[span.style], "offset": offset, "length": length} | url)
        offset += length
    return json.dumps({"version": 1, "items": items}) if items else ""


def _only_menu(keyboard: Sequence[Sequence[Key]]) -> Key | None:
    """The «Меню» that is all there is to choose: it is better kept at the bottom, where it stays."""
    keys = [key for row in keyboard for key in row]
    return keys[0] if len(keys) == 1 and (keys[0].kind, keys[0].data) == ("press", MENU) else None


def _standing(key: Key) -> str:
    keyboard = Keyboard(one_time=False, inline=False)
    keyboard.add(Text(key.label, _payload(key.data)), KeyboardButtonColor.PRIMARY)
    return keyboard.get_json()


def _inline(keys: Sequence[Sequence[Key]]) -> str:
    """The buttons under a message. A client too old for them answers with a message, which is read as a press."""
    keyboard = Keyboard(inline=True)
    for row in keys:
        keyboard.row()
        for key in row:
            if key.kind == "link":
                keyboard.add(OpenLink(key.data, key.label))
            else:
                keyboard.add(Callback(key.label, _payload(key.data)), KeyboardButtonColor.SECONDARY)
    return keyboard.get_json()


def _payload(data: str) -> str:
    return json.dumps({PAYLOAD_FIELD: data}, ensure_ascii=False, separators=(",", ":"))
