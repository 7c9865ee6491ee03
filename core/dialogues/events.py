"""What a chat is told of what happened without it: each event by the dialogue of its subject."""

from __future__ import annotations

from core.dialogues import linking, payments, readings, staff
from core.dialogues.menu import menu_keyboard
from core.messages import say, text
from core.turns import (
    CaseAnswered,
    Event,
    Incident,
    LinkAdded,
    PaymentSettled,
    ReadingRejected,
    Told,
    TooManyWaiting,
    Turn,
    told,
)


async def happened(turn: Turn, event: Event) -> Told:
    """Tell this chat of *event*; its talk stays where it stood."""
    match event:
        case PaymentSettled():
            return await payments.payment_settled(turn, event)
        case LinkAdded():
            return await linking.link_added(turn, event)
        case ReadingRejected():
            return readings.reading_rejected(turn, event)
        case CaseAnswered():
            return await staff.case_answered(turn, event)
        case TooManyWaiting():
            return told(turn.stage, say(text("too-many-waiting"), keyboard=menu_keyboard(turn)))
        case Incident(number=number):
            return told(turn.stage, say(text("incident", number=number), keyboard=menu_keyboard(turn)))
