"""«Продолжить в другом мессенджере»: a one-time code joins another chat to the same resident, and can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.conversation import Consenting, Idle
from core.dialogues.consent import asked_consent
from core.dialogues.menu import MENU_ROW, WAYS_OUT_ROW, menu_keyboard, only_in_private
from core.driving import Handler
from core.joining import (
    Invitation,
    Inviter,
    InviterOf,
    JoinByCode,
    Joined,
    JoinedAlready,
    NoSuchCode,
    OpenInvitation,
    Unjoin,
)
from core.messages import Button, Keyboard, LinkButton, Phrase, press, say, text
from core.questions import TooManyLinks
from core.turns import ChatJoined, Notice, Told, Turn, told

_LEAVE: Final = press("join-leave-button", "leave")
_CHAT_DIGITS_MAX: Final = 18


# --- The invitation ----------------------------------------------------------------------------------


async def invite(turn: Turn, args: Sequence[str]) -> Told:
    """A code, and a link for each other messenger whose bot has a public address."""
    del args
    invitation = await OpenInvitation(turn.chat, turn.now)
    body = [text("join-invitation"), text("join-code", code=invitation.code)]
    body.append(text("join-until", until=invitation.until))
    ends: tuple[Button, ...] = MENU_ROW
    if invitation.joined:
        body += [text("join-with", channel=_channel(name)) for name in invitation.joined]
        ends = (_LEAVE, *MENU_ROW)
    return told(turn.stage, say(*body, keyboard=(*_links(turn, invitation), ends)))


def _links(turn: Turn, invitation: Invitation) -> Keyboard:
    return tuple(
        (LinkButton(_channel(channel), template.replace("{code}", invitation.code)),)
        for channel, template in turn.centre.chat_links
        if channel != turn.channel
    )


def _channel(name: str) -> Phrase:
    return text("channel-name", channel=name)


# --- The code, brought to another chat -----------------------------------------------------------------


async def take_code(turn: Turn, args: Sequence[str]) -> Told:
    """A code that was typed, pasted or came with a deep link: *args* hold it.

    Consent is each chat's own and comes first. A chat that brings accounts of its own is asked whether to,
    for they will be seen in the other chat: nobody may be talked into giving them away by a code.
    """
    code = args[0]
    if not turn.private:
        return only_in_private(turn)
    if turn.resident is not None and not turn.resident.links:
        return await join(turn, code)
    whose = await InviterOf(turn.chat, code, turn.now)
    match whose:
        case Inviter() if turn.resident is None:
            return asked_consent(turn, Consenting(code), text("join-consent-first"))
        case Inviter(channel=channel):
            keyboard: Keyboard = ((press("join-yes-button", f"joinyes:{code}"),), WAYS_OUT_ROW)
            return told(turn.stage, say(text("join-sure", channel=_channel(channel)), keyboard=keyboard))
        case JoinedAlready() | NoSuchCode():
            return _unchanged(turn, whose)


async def join_surely(turn: Turn, args: Sequence[str]) -> Told:
    """«Да, объединить»: *args* hold the code."""
    return await join(turn, args[0] if args else "")


async def join(turn: Turn, code: str, *first: Phrase) -> Told:
    """Join this chat, which has consented, by *code*; *first* is said before."""
    most = turn.centre.limits.accounts_per_resident
    joined = await JoinByCode(chat=turn.chat, code=code, at=turn.now, accounts_max=most)
    match joined:
        case Joined():
            return _joined(turn, joined, *first)
        case JoinedAlready() | TooManyLinks() | NoSuchCode():
            return _unchanged(turn, joined, *first)


def _joined(turn: Turn, joined: Joined, *first: Phrase) -> Told:
    # What was begun here goes on; only the question for consent has been answered.
    stage = Idle() if isinstance(turn.stage, Consenting) else turn.stage
    offers = (
        (press("menu-balance-button", "bal"), press("menu-readings-button", "read"))
        if joined.accounts
        else (press("menu-link-button", "link"),)
    )
    done = text("join-done", channel=_channel(joined.channel))
    count = text("join-accounts", count=joined.accounts)
    reply = say(*first, done, count, keyboard=(offers, (_LEAVE, *MENU_ROW)))
    return Told(stage, (reply,), language=joined.language)


def _unchanged(turn: Turn, why: JoinedAlready | TooManyLinks | NoSuchCode, *first: Phrase) -> Told:
    stage = Idle() if isinstance(turn.stage, Consenting) else turn.stage
    keyboard: Keyboard = (MENU_ROW,)
    match why:
        case JoinedAlready(own=True):
            word = text("join-own-code")
        case JoinedAlready():
            word = text("join-already")
        case TooManyLinks(accounts_max=most):
            word = text("join-too-many", most=most)
            keyboard = ((press("menu-accounts-button", "accounts"), *MENU_ROW),)
        case NoSuchCode():
            word = text("join-no-such-code")
    return told(stage, say(*first, word, keyboard=keyboard))


# --- Word to the other chats, and undoing ----------------------------------------------------------------


async def chat_joined(turn: Turn, event: ChatJoined) -> Told:
    """Another chat shares this one's resident now: «это вы?»."""
    if turn.resident is None:
        return told(turn.stage)
    keyboard: Keyboard = (
        (press("link-mine-button", "mine"), press("link-not-mine-button", f"unjoin:{event.chat}")),
        MENU_ROW,
    )
    return told(turn.stage, say(text("join-added", channel=_channel(event.channel)), keyboard=keyboard))


async def leave(turn: Turn, args: Sequence[str]) -> Told:
    """«Отсоединить этот чат»: says what goes, and asks whether to."""
    del args
    keyboard: Keyboard = ((press("join-leave-yes-button", f"unjoin:{turn.chat}"),), WAYS_OUT_ROW)
    return told(turn.stage, say(text("join-leave-sure"), keyboard=keyboard))


async def unjoin(turn: Turn, args: Sequence[str]) -> Told:
    """«Это не я» of another chat, or «Да, отсоединить» of this one: *args* hold the chat that is to go."""
    chat = _chat(args)
    if not await Unjoin(asker=turn.chat, chat=chat, at=turn.now):
        return told(turn.stage, say(text("join-nothing-to-undo"), keyboard=(MENU_ROW,)))
    fresh: Keyboard = (
        (press("menu-link-button", "link"), press("menu-contacts-button", "contacts")),
        MENU_ROW,
    )
    if chat == turn.chat:
        return told(Idle(), say(text("join-left"), keyboard=fresh))
    done = say(text("join-undone"), keyboard=menu_keyboard(turn))
    return Told(turn.stage, (done,), (Notice(chat, say(text("join-was-undone"), keyboard=fresh)),))


def _chat(args: Sequence[str]) -> int:
    """The chat's number in *args*; 0, which is no chat, where there is none."""
    typed = args[0] if args else ""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= _CHAT_DIGITS_MAX else 0


CONSENTED: Final[Mapping[str, Handler]] = {
    "invite": invite,
    "joinyes": join_surely,
    "leave": leave,
    "unjoin": unjoin,
}
