"""What a chat is told of what happened without it: each event by the dialogue of its subject.

Nobody asked, so nothing is led elsewhere by itself: where the chat may not carry the whole, a lesser form
says that there is news, and its button «Показать» asks for it by the event's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from core.dialogues import joining, linking, payments, readings, staff
from core.dialogues.menu import MENU_ROW, menu_keyboard, only_in_private
from core.driving import Handler
from core.messages import DataClass, Keyboard, MessageClass, Reply, press, say, text
from core.questions import EventOf
from core.turns import (
    CaseAnswered,
    ChatJoined,
    Event,
    Incident,
    LinkAdded,
    LinkUnfrozen,
    PaymentRefunded,
    PaymentSettled,
    ReadingRejected,
    Told,
    TooManyWaiting,
    Turn,
    told,
)


async def happened(turn: Turn, event: Event) -> Told:
    """Tell this chat of *event*; its talk stays where it stood."""
    news = await _told_of(turn, event)
    if turn.event is None:
        return news
    number = turn.event
    return msgspec.structs.replace(news, replies=tuple(_with_lesser(reply, number) for reply in news.replies))


async def _told_of(turn: Turn, event: Event) -> Told:
    match event:
        case PaymentSettled():
            return await payments.payment_settled(turn, event)
        case PaymentRefunded():
            return await payments.payment_refunded(turn, event)
        case LinkAdded():
            return await linking.link_added(turn, event)
        case LinkUnfrozen():
            return await linking.link_unfrozen(turn, event)
        case ChatJoined():
            return await joining.chat_joined(turn, event)
        case ReadingRejected():
            return await readings.reading_rejected(turn, event)
        case CaseAnswered():
            return await staff.case_answered(turn, event)
        case TooManyWaiting():
            return told(turn.stage, say(text("too-many-waiting"), keyboard=menu_keyboard(turn)))
        case Incident(number=number):
            return told(turn.stage, say(text("incident", number=number), keyboard=menu_keyboard(turn)))


def _with_lesser(reply: Reply, event: int) -> Reply:
    """*reply* with a lesser form that any chat may carry and by which the whole can be asked for."""
    if reply.data_class is DataClass.PUBLIC:
        return reply
    least = reply.lesser or say(text("privacy-news"), keyboard=reply.keyboard)
    show: Keyboard = ((press("privacy-show-button", f"show:{event}"),),)
    lesser = msgspec.structs.replace(least, keyboard=(*show, *least.keyboard))
    return msgspec.structs.replace(reply, lesser=lesser)


async def show(turn: Turn, args: Sequence[str]) -> Told:
    """«Показать»: what happened, whole, now that it was asked for. *args*: the event's number."""
    if not turn.private:
        return only_in_private(turn)
    number = int(args[0]) if args and _is_number(args[0]) else 0
    event = await EventOf(turn.chat, number)
    if event is None:
        return told(turn.stage, say(text("privacy-news-gone"), keyboard=(MENU_ROW,)))
    news = await _told_of(turn, event)
    whole = tuple(msgspec.structs.replace(reply, lesser=None) for reply in news.replies)
    if not whole:
        return told(turn.stage, say(text("privacy-news-gone"), keyboard=(MENU_ROW,)))
    return msgspec.structs.replace(news, replies=whole, message_class=MessageClass.REPLY)


def _is_number(typed: str) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) < 19


PUBLIC: Final[Mapping[str, Handler]] = {"show": show}
