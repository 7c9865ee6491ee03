"""Greeting, help, contacts, and a helpful word for whatever is not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from core.conversation import Consenting, Idle
from core.deep_links import join_code_in, paper_link_in
from core.dialogues.consent import asked_consent
from core.dialogues.joining import take_code
from core.dialogues.linking import link
from core.dialogues.menu import (
    MENU_ROW,
    WAYS_OUT_ROW,
    cancel,
    menu_keyboard,
    menu_reply,
    only_in_private,
    show_menu,
)
from core.driving import Handler
from core.messages import (
    Contact,
    Keyboard,
    Photo,
    Phrase,
    Press,
    Started,
    Text,
    Unreadable,
    Voice,
    press,
    say,
    text,
)
from core.questions import ResumeMessages
from core.turns import Told, Turn, told

# Longer texts are told apart in the answer, for nobody reads them here.
LONG_TEXT_CHARS: Final = 1_000


async def greet(turn: Turn, args: Sequence[str]) -> Told:
    """A chat was opened, perhaps by the paper bill's link or with a joining code, or opened again."""
    del args
    if not turn.private:
        return only_in_private(turn)
    await ResumeMessages(turn.chat)
    payload = turn.said.payload if isinstance(turn.said, Started) else ""
    if code := join_code_in(payload):
        return await take_code(turn, (code,))
    token = paper_link_in(payload)
    greeting = text("help-greeting", centre=turn.centre.name)
    if token and turn.resident is None:
        return asked_consent(turn, Consenting(token), greeting)
    if token:
        return await link(turn, (token,))
    if turn.account:
        return told(Idle(), menu_reply(turn))
    return told(Idle(), say(greeting, text("help-greeting-more"), keyboard=menu_keyboard(turn)))


async def open_paper_link(turn: Turn, args: Sequence[str]) -> Told:
    """The paper bill's link, typed or pasted as text: *args* hold its token."""
    if not turn.private:
        return only_in_private(turn)
    return asked_consent(turn, Consenting(args[0])) if turn.resident is None else await link(turn, args)


async def show_help(turn: Turn, args: Sequence[str]) -> Told:
    """«Помощь»: what may be asked for, with examples; what was begun goes on."""
    del args
    keyboard: Keyboard = ((press("menu-contacts-button", "contacts"),),)
    if not turn.private:
        return told(Idle(), say(text("help-in-group"), keyboard=keyboard))
    keyboard = (
        (press("menu-contacts-button", "contacts"), press("help-staff-button", "staff")),
        (press("menu-language-button", "lang"), press("menu-privacy-button", "privacy")),
        (press("join-button", "invite"),),
        MENU_ROW if isinstance(turn.stage, Idle) else WAYS_OUT_ROW,
    )
    return told(turn.stage, say(text("help-text"), keyboard=keyboard))


async def show_contacts(turn: Turn, args: Sequence[str]) -> Told:
    """«Контакты» of the centre, as the configuration has them; what was begun goes on."""
    del args
    row = MENU_ROW if isinstance(turn.stage, Idle) else WAYS_OUT_ROW
    return told(turn.stage, say(*contact_lines(turn), keyboard=(row,)))


def contact_lines(turn: Turn) -> list[Phrase]:
    """The centre's name, and where and when it is reached."""
    centre = turn.centre
    lines = [text("contacts-name", name=centre.name)]
    if centre.phone:
        lines.append(text("contacts-phone", phone=centre.phone))
    if centre.address:
        lines.append(text("contacts-address", address=centre.address))
    if centre.hours:
        lines.append(text("contacts-hours", hours=centre.hours))
    if centre.site:
        lines.append(text("contacts-site", site=centre.site))
    return lines


async def take_thanks(turn: Turn, args: Sequence[str]) -> Told:
    """«Спасибо»: a kind word back; what was begun goes on."""
    del args
    keyboard = menu_keyboard(turn) if isinstance(turn.stage, Idle) else (WAYS_OUT_ROW,)
    return told(turn.stage, say(text("help-thanks"), keyboard=keyboard))


async def not_understood(turn: Turn, args: Sequence[str]) -> Told:
    """Whatever we cannot act on: says so, says what would help, and changes nothing."""
    del args
    if not turn.private:
        return only_in_private(turn)
    excuse = _excuse(turn.said) if isinstance(turn.said, _UNREAD) else text("help-unknown-text")
    if isinstance(turn.stage, Idle):
        return told(turn.stage, say(excuse, keyboard=menu_keyboard(turn)))
    return told(turn.stage, say(excuse, text("help-goes-on"), keyboard=(WAYS_OUT_ROW,)))


# What a resident may say that is no start and no stop.
_Unread: TypeAlias = Text | Press | Voice | Photo | Contact | Unreadable
_UNREAD: Final = (Text, Press, Voice, Photo, Contact, Unreadable)


def _excuse(said: _Unread) -> Phrase:
    match said:
        case Text(words):
            return text("help-long-text" if len(words) > LONG_TEXT_CHARS else "help-unknown-text")
        case Press():
            return text("help-old-button")
        case Voice():
            return text("help-voice")
        case Photo():
            return text("help-photo")
        case Contact():
            return text("help-contact")
        case Unreadable(kind):
            return text("help-unreadable", kind=kind)


PUBLIC: Final[Mapping[str, Handler]] = {
    "menu": show_menu,
    "cancel": cancel,
    "help": show_help,
    "contacts": show_contacts,
    "thanks": take_thanks,
}
