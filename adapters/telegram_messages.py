"""Our message as the calls of Telegram's Bot API that say it.

Where it bites: one message has either an inline keyboard or one at the bottom, and only the latter can ask
for a contact; a text cannot become a file by an edit; HTML that does not parse is refused whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from adapters.markup import addressed, marked_up
from adapters.telegram_calls import EditMessageText, SendMessage, api, types
from core.channel import Capabilities, RenderedFile, Sending
from core.messages import Key, Span

# https://core.telegram.org/bots/api#sendmessage, #inlinekeyboardmarkup; rows and columns as its clients show
# them; a label has no stated limit, 64 characters are twice what a phone shows.
CAPABILITIES: Final = Capabilities(
    text_chars_max=4096,
    caption_chars_max=1024,
    rows_max=100,
    columns_max=8,
    buttons_max=100,
    label_chars_max=64,
    payload_bytes_max=64,
    keyboard="inline",
    edits=True,
    bold=True,
    monospaced=True,
    photo=True,
    document=True,
    contact_button=True,
)

# A call that answers with the message that it made; an edit may answer with a bare yes.
Step: TypeAlias = api.TelegramMethod[Any]
# A keyboard as the Bot API has it: https://core.telegram.org/bots/api#inlinekeyboardmarkup, #replykeyboardmarkup.
Markup: TypeAlias = dict[str, Any]

NO_PREVIEW: Final = {"is_disabled": True}


def encode(sending: Sending) -> tuple[Step, ...]:
    """The calls that deliver a message: an edit, a text, or files of which the last has the caption.

    Nothing is sent with `protect_content`: that forbids copying and screenshots too, and residents pass
    their own bill on to the one who pays it. Raises ValueError for what no call of Telegram's can carry.
    """
    message, chat = sending.message, int(sending.chat)
    text = _text(_with_stray_links(message.spans, message.keyboard), plain=sending.plain)
    mode = None if sending.plain else "HTML"
    markup = _markup(message.keyboard)
    if not sending.files:
        if message.replaces is not None and not _asks_contact(message.keyboard):
            return (_edit(chat, int(message.replaces), text, mode, markup),)
        return (_message(chat, text, mode, markup),)
    captioned = len(message.plain) <= CAPABILITIES.caption_chars_max
    *before, last = sending.files
    steps: list[Step] = [_file(chat, file, sending.known_files) for file in before]
    if captioned:
        last_step = _file(chat, last, sending.known_files, caption=text, parse_mode=mode, reply_markup=markup)
        return (*steps, last_step)
    return (*steps, _file(chat, last, sending.known_files), _message(chat, text, mode, markup))


def _message(chat: int, text: str, mode: str | None, markup: Markup | None) -> SendMessage:
    return SendMessage(
        chat_id=chat,
        text=text,
        parse_mode=mode,
        reply_markup=markup,
        link_preview_options=NO_PREVIEW,
    )


def _edit(chat: int, message: int, text: str, mode: str | None, markup: Markup | None) -> EditMessageText:
    return EditMessageText(
        chat_id=chat,
        message_id=message,
        text=text,
        parse_mode=mode,
        reply_markup=markup,
        link_preview_options=NO_PREVIEW,
    )


def _file(chat: int, file: RenderedFile, known: Mapping[str, str], **words: Any) -> Step:
    """A file by the id of an earlier upload, which is free, else by its bytes."""
    source = known.get(file.sha256) or types.BufferedInputFile(file.body, file.name)
    if file.media_type.startswith("image/"):
        return api.SendPhoto(chat_id=chat, photo=source, **words)
    return api.SendDocument(chat_id=chat, document=source, **words)


def _text(spans: Sequence[Span], *, plain: bool) -> str:
    return addressed(spans) if plain else marked_up(spans)


def _markup(keyboard: Sequence[Sequence[Key]]) -> Markup | None:
    """An inline keyboard; or, where a contact is asked for, one at the bottom that types its labels."""
    if not keyboard:
        return None
    if _asks_contact(keyboard):
        rows = [[_bottom_key(key) for key in row if key.kind != "link"] for row in keyboard]
        return {
            "keyboard": [row for row in rows if row],
            "resize_keyboard": True,
            "one_time_keyboard": True,
        }
    return {"inline_keyboard": [[_inline_key(key) for key in row] for row in keyboard]}


def _asks_contact(keyboard: Sequence[Sequence[Key]]) -> bool:
    return any(key.kind == "contact" for row in keyboard for key in row)


def _bottom_key(key: Key) -> dict[str, Any]:
    return {"text": key.label, "request_contact": True} if key.kind == "contact" else {"text": key.label}


def _inline_key(key: Key) -> dict[str, Any]:
    return {"text": key.label, "url" if key.kind == "link" else "callback_data": key.data}


def _with_stray_links(spans: Sequence[Span], keyboard: Sequence[Sequence[Key]]) -> Sequence[Span]:
    """*spans* and the link buttons that a keyboard at the bottom cannot hold."""
    if not _asks_contact(keyboard):
        return spans
    links = [key for row in keyboard for key in row if key.kind == "link"]
    return [*spans, *(part for key in links for part in (Span("\n"), Span(key.label, "a", key.data)))]
