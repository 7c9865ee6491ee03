"""Any reply made to fit any channel: split, aligned, paged, spelled out; and the typed choice read back.

What comes out is within the channel's limits, and nothing that the resident could choose is lost: what
has no room on a keyboard is on its next page, and where there are no buttons they are spelled out.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import msgspec

from core.channel import Capabilities
from core.messages import (
    Button,
    ContactButton,
    DataClass,
    Key,
    LinkButton,
    Message,
    MessageClass,
    PressButton,
    Reply,
    Span,
    text,
)
from core.wording import Block, Rows, Words

PAGE_ACTION: Final = "page"
LETTERS: Final = "абвгдежзиклмнопрстуфхцчшщэюя"
TABLE_CHARS_MAX: Final = 34  # what a narrow phone shows of a monospaced line

_NOT_WORD: Final = re.compile(r"[\W_]+")

KeyRow = tuple[Key, ...]


class Offered(msgspec.Struct, frozen=True):
    """What the last message let the resident choose: all rows of keys, and how they were spelled out.

    *spelled*: '' on buttons, '1' by numbers, 'а' by letters.
    """

    rows: tuple[KeyRow, ...] = ()
    spelled: str = ""

    @property
    def tag(self) -> str:
        """A short mark of these very choices, so that an old page button is known for what it is."""
        return f"{zlib.crc32(repr(self.rows).encode()):08x}"


class Fitted(msgspec.Struct, frozen=True):
    """The messages that say a reply, in order, and what they offer (None: no choice was offered)."""

    messages: tuple[Message, ...]
    offered: Offered | None


def fit(
    reply: Reply,
    *,
    words: Words,
    within: Capabilities,
    replaces: str | None = None,
    message_class: MessageClass = MessageClass.REPLY,
) -> Fitted:
    """*reply* as messages *within* a channel's limits; *replaces* is the message that a press came from."""
    rows = tuple(_row(row, words, within) for row in reply.keyboard)
    offered = Offered(tuple(row for row in rows if row), _spelling(reply, within))
    keyboard, spelled = _shown(offered, reply.page, words, within)
    spans = _spans(words.paragraphs(reply.body), within)
    parts = _split([*spans, *spelled], within)
    messages = _messages(reply, parts, keyboard, within)
    first = messages[0]
    edits = replaces if reply.replaces and within.edits and not first.documents else None
    return Fitted(
        tuple(
            msgspec.structs.replace(
                message,
                replaces=edits if message is first else None,
                data_class=_disclosed(reply, offered, within),
                message_class=message_class,
                language=words.language,
            )
            for message in messages
        ),
        offered if offered.rows else None,
    )


def led_by(message: Message, key: Key, words: Words, within: Capabilities) -> Message:
    """The fitted *message* with *key* before its other choices.

    A link that a keyboard has no room for stands in the text; a press is then left out.
    """
    rows = ((key,), *message.keyboard)
    has_buttons = within.keyboard != "none" and (within.link_button or key.kind != "link")
    if has_buttons and len(rows) <= within.rows_max and sum(map(len, rows)) <= within.buttons_max:
        return msgspec.structs.replace(message, keyboard=tuple(_distinct(rows, within)))
    if key.kind == "link":
        return msgspec.structs.replace(message, spans=(*message.spans, _link_line(key, words)))
    return message


def choose(offered: Offered, typed: str) -> str | None:
    """The payload of the choice that *typed* names: its number or letter if spelled out, or its label."""
    keys = [key for key in chain.from_iterable(offered.rows) if key.kind == "press"]
    if offered.spelled:
        marks = {mark: key.data for mark, key in zip(_marks(offered.spelled), keys, strict=False)}
        if (picked := marks.get(typed.strip().rstrip(".)").lower())) is not None:
            return picked
    wanted = _folded(typed)
    return next((key.data for key in keys if wanted and _folded(key.label) == wanted), None)


# --- Keyboards ------------------------------------------------------------------------------------


def _row(buttons: Sequence[Button], words: Words, within: Capabilities) -> KeyRow:
    return tuple(
        key
        for button in buttons
        if (key := _key(button, words, within)).kind != "contact" or within.contact_button
    )


def _key(button: Button, words: Words, within: Capabilities) -> Key:
    label = _clipped(words.plain(button.label), within.label_chars_max)
    match button:
        case PressButton(payload=payload, data_class=data_class):
            if len(payload.encode()) > within.payload_bytes_max:
                raise ValueError(f"the payload of {button.label.key!r} is longer than a channel carries")
            return Key(label, "press", payload, data_class)
        case LinkButton(url=url, data_class=data_class):
            return Key(label, "link", url, data_class)
        case ContactButton():
            return Key(label, "contact")


def _clipped(label: str, chars_max: int) -> str:
    return label if len(label) <= chars_max else label[: chars_max - 1].rstrip() + "…"


def _spelling(reply: Reply, within: Capabilities) -> str:
    if within.keyboard != "none":
        return ""
    return "а" if reply.numeric else "1"


def _marks(spelled: str) -> Iterator[str]:
    if spelled == "а":
        yield from LETTERS
        yield from (first + second for first in LETTERS for second in LETTERS)
    else:
        yield from (str(number) for number in range(1, 1000))


def _shown(
    offered: Offered, page: int, words: Words, within: Capabilities
) -> tuple[tuple[KeyRow, ...], list[Span]]:
    """The keyboard to show, and the choices to spell out in the text instead."""
    if not offered.rows:
        return (), []
    if within.keyboard == "none":
        return (), _spelled_out(offered, words)
    rows = [row for row in offered.rows if row]
    links: list[Span] = []
    if not within.link_button:
        links = [_link_line(key, words) for key in chain.from_iterable(rows) if key.kind == "link"]
        rows = [kept for row in rows if (kept := tuple(key for key in row if key.kind != "link"))]
    return _page(_wrapped(_distinct(rows, within), within), offered, page, words, within), links


def _disclosed(reply: Reply, offered: Offered, within: Capabilities) -> DataClass:
    """What the text discloses: a choice that is spelled out in it is a part of it."""
    in_text = [
        key.data_class
        for key in chain.from_iterable(offered.rows)
        if within.keyboard == "none" or (key.kind == "link" and not within.link_button)
    ]
    return max(reply.data_class, *in_text) if in_text else reply.data_class


def _spelled_out(offered: Offered, words: Words) -> list[Span]:
    marks = _marks(offered.spelled)
    lines = [Span("\n")]
    for key in chain.from_iterable(offered.rows):
        if key.kind == "link":
            lines.append(_link_line(key, words))
        else:
            line = text("choice-line", mark=f"{next(marks)}.", label=key.label)
            lines.append(Span("\n" + words.plain(line)))
    return lines


def _link_line(key: Key, words: Words) -> Span:
    return Span("\n" + words.plain(text("choice-link-line", label=key.label, url=key.data)))


def _wrapped(rows: Sequence[KeyRow], within: Capabilities) -> list[KeyRow]:
    return list(chain.from_iterable(_cut_row(row, _columns(row, within)) for row in rows))


def _columns(row: KeyRow, within: Capabilities) -> int:
    """How many keys of *row* stand side by side: no more than show their labels whole."""
    if not within.row_chars_max:
        return within.columns_max
    longest = max(len(key.label) for key in row)
    return max(1, min(within.columns_max, within.row_chars_max // max(1, longest)))


def _cut_row(row: KeyRow, columns: int) -> list[KeyRow]:
    if len(row) <= columns:
        return [row]
    return [row[start : start + columns] for start in range(0, len(row), columns)]


def _distinct(rows: Sequence[KeyRow], within: Capabilities) -> list[KeyRow]:
    """*rows* with labels that clipping made equal told apart by a number."""
    labels = [key.label for row in rows for key in row]
    if len(set(labels)) == len(labels):
        return list(rows)
    seen: dict[str, int] = {}
    result = []
    for row in rows:
        keys = []
        for key in row:
            seen[key.label] = count = seen.get(key.label, 0) + 1
            mark = f" {count}" if count > 1 else ""
            label = key.label[: within.label_chars_max - len(mark)] + mark
            keys.append(msgspec.structs.replace(key, label=label))
        result.append(tuple(keys))
    return result


def _page(
    rows: Sequence[KeyRow], offered: Offered, page: int, words: Words, within: Capabilities
) -> tuple[KeyRow, ...]:
    """The rows of *page*; where they do not all fit, with a way on and the last row (the way out) kept."""
    if len(rows) <= within.rows_max and sum(map(len, rows)) <= within.buttons_max:
        return tuple(rows)
    *choices, way_out = rows
    if len(way_out) > within.buttons_max - 2:
        # Too wide a last row to stand on every page: its last key is the way out.
        choices, way_out = [*choices, way_out[:-1]], way_out[-1:]
    room_rows = within.rows_max - 2
    room_buttons = within.buttons_max - len(way_out) - 1
    pages: list[list[KeyRow]] = [[]]
    for row in chain.from_iterable(
        _cut_row(row, max(1, min(within.columns_max, room_buttons))) for row in choices
    ):
        full = len(pages[-1]) == room_rows or sum(map(len, pages[-1])) + len(row) > room_buttons
        if full and pages[-1]:
            pages.append([])
        pages[-1].append(row)
    shown = pages[page % len(pages)]
    onward = Key(
        _clipped(words.plain(text("more-button")), within.label_chars_max),
        "press",
        f"{PAGE_ACTION}:{(page + 1) % len(pages)}:{offered.tag}",
    )
    return (*shown, (onward,), way_out)


# Most labels are the same in all chats.
@lru_cache(maxsize=1024)
def _folded(label: str) -> str:
    return _NOT_WORD.sub(" ", label.casefold().replace("ё", "е")).strip()


# --- Text -----------------------------------------------------------------------------------------


def _spans(paragraphs: Sequence[Block | Rows], within: Capabilities) -> list[Span]:
    spans: list[Span] = []
    for paragraph in paragraphs:
        if spans:
            spans.append(Span("\n"))
        if isinstance(paragraph, Rows):
            spans.extend(_table(paragraph, within))
        else:
            spans.extend(_styled(span, within) for span in paragraph)
    return spans


def _styled(span: Span, within: Capabilities) -> Span:
    """*span* with the styles that the channel has."""
    plain = (span.style == "b" and not within.bold) or (span.style == "c" and not within.monospaced)
    return Span(span.text) if plain else span


def _table(rows: Rows, within: Capabilities) -> list[Span]:
    if not within.monospaced:
        return [Span("\n".join(f"{label}: {value}" for label, value in rows))]
    return [Span("\n".join(chain.from_iterable(_aligned(label, value) for label, value in rows)), "pre")]


def _aligned(label: str, value: str) -> list[str]:
    room = TABLE_CHARS_MAX - len(value) - 1
    if len(label) <= room:
        return [f"{label}{' ' * (room + 1 - len(label))}{value}"]
    return [label, value.rjust(TABLE_CHARS_MAX)]


def _split(spans: Sequence[Span], within: Capabilities) -> list[list[Span]]:
    """*spans* in parts that the channel's texts have room for, cut at paragraph ends where it can be."""
    whole = "".join(span.text for span in spans)
    if _length(whole, within) <= within.text_chars_max:
        return [part] if (part := _trimmed(list(spans))) else []
    parts: list[list[Span]] = []
    start = 0
    while (limit := _reach(whole, start, within)) < len(whole):
        end = _cut(whole, start, limit)
        parts.append(_slice(spans, start, end))
        start = end
    parts.append(_slice(spans, start, len(whole)))
    return [trimmed for part in parts if (trimmed := _trimmed(part))]


def _reach(whole: str, start: int, within: Capabilities) -> int:
    """How far a text that begins at *start* may go."""
    limit = min(start + within.text_chars_max, len(whole))
    while within.utf16 and (over := _length(whole[start:limit], within) - within.text_chars_max) > 0:
        limit -= max(1, over // 2)
    return limit


def _length(text: str, within: Capabilities) -> int:
    """The length of *text* as the channel counts it."""
    beyond = sum(character > "\uffff" for character in text) if within.utf16 else 0
    return len(text) + beyond


def _cut(whole: str, start: int, limit: int) -> int:
    """Where to cut: after the last paragraph's end before *limit*, else a line's, a word's, or right there."""
    for end in ("\n\n", "\n", " "):
        at = whole.rfind(end, start + 1, limit)
        if at > start + (limit - start) // 2:
            return at + len(end)
    return limit


def _slice(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    part, at = [], 0
    for span in spans:
        low, high = max(start - at, 0), min(end - at, len(span.text))
        if low < high:
            part.append(Span(span.text[low:high], span.style, span.url))
        at += len(span.text)
    return part


def _trimmed(part: list[Span]) -> list[Span]:
    """*part* without blank space at its ends, which platforms cut off and count differently."""
    while part and not (stripped := part[0].text.lstrip()):
        part = part[1:]
    if not part:
        return part
    part[0] = Span(
        stripped if part[0].style != "pre" else part[0].text.lstrip("\n"), part[0].style, part[0].url
    )
    while part and not (stripped := part[-1].text.rstrip()):
        part = part[:-1]
    part[-1] = Span(stripped, part[-1].style, part[-1].url)
    return part


def _messages(
    reply: Reply, parts: list[list[Span]], keyboard: tuple[KeyRow, ...], within: Capabilities
) -> list[Message]:
    captioned = (
        len(reply.documents) == 1
        and len(parts) == 1
        and sum(_length(span.text, within) for span in parts[0]) <= within.caption_chars_max
    )
    if captioned:
        return [Message(tuple(parts[0]), keyboard, reply.documents)]
    documents = [Message((), (), (document,)) for document in reply.documents]
    texts = [Message(tuple(part)) for part in parts]
    if texts:
        texts[-1] = msgspec.structs.replace(texts[-1], keyboard=keyboard)
    if not documents and not texts:
        raise ValueError("a reply says nothing")
    return [*documents, *texts]
