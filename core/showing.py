"""What a page of the centre shows in place of a chat that may not carry it: that very reply, with its documents."""

from __future__ import annotations

from itertools import chain

import msgspec

from core.messages import ContactButton, Document, Key, LinkButton, Message, PressButton, Reply, Span
from core.wording import Rows, Words


class Part(msgspec.Struct, frozen=True):
    """A paragraph by its *spans*, or a table by its *rows* of label and value."""

    spans: tuple[Span, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


class Shown(msgspec.Struct, frozen=True, tag="1"):
    """A worded reply as a page shows it.

    *links* are its buttons that open an address; *goes_on*: its other buttons stay in the chat. *documents*
    are made into files when they are looked at.
    """

    language: str
    parts: tuple[Part, ...]
    links: tuple[Key, ...] = ()
    goes_on: bool = False
    documents: tuple[Document, ...] = ()


def shown(reply: Reply, words: Words) -> Shown:
    """*reply* in words, whole: no lesser form, nothing made neutral, nothing cut to a channel's limits."""
    buttons = list(chain.from_iterable(reply.keyboard))
    return Shown(
        words.language,
        tuple(
            Part(rows=tuple(paragraph)) if isinstance(paragraph, Rows) else Part(spans=tuple(paragraph))
            for paragraph in words.paragraphs(reply.body)
        ),
        tuple(
            Key(words.plain(button.label), "link", button.url, button.data_class)
            for button in buttons
            if isinstance(button, LinkButton)
        ),
        any(isinstance(button, PressButton | ContactButton) for button in buttons),
        reply.documents,
    )


def shown_message(message: Message) -> Shown:
    """A fitted *message* as a page shows it: what was queued for a chat that may carry it no longer."""
    keys = list(chain.from_iterable(message.keyboard))
    return Shown(
        message.language,
        (Part(spans=message.spans),) if message.spans else (),
        tuple(key for key in keys if key.kind == "link"),
        any(key.kind != "link" for key in keys),
        message.documents,
    )
