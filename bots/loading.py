"""Rows of the outbox as they are to be sent now: read back, and marked where they may come twice."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from core.channel import Rejected
from core.messages import Message, MessageClass, Span, text
from core.wording import Words
from storage import outbox
from storage.lanes import Leased


def loaded(head: Leased) -> Message | Rejected:
    """The message in *head*, or why there is none to be sent."""
    if head.body is None:
        return Rejected("its text was erased")
    if head.uncertain and head.message_class is MessageClass.BROADCAST:
        return Rejected("perhaps delivered already")
    try:
        return outbox.DECODER.decode(head.body)
    except msgspec.ValidationError as unreadable:
        return Rejected(f"written by another release: {unreadable}")


def marked(message: Message, head: Leased, *, zone: ZoneInfo) -> Message:
    """*message* of *head*; a confirmation that was perhaps delivered says that it comes again."""
    if not head.uncertain or head.message_class is not MessageClass.CONFIRMATION:
        return message
    mark = Span(Words.of(message.language, zone).plain(text("sent-again")) + "\n")
    return msgspec.structs.replace(message, spans=(mark, *message.spans))
