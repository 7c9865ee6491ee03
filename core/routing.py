"""Which dialogue a turn starts or goes on with: events, presses, words that mean a wish, and what a stage awaits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, assert_never

import msgspec

from core.conversation import (
    AskingStaff,
    ChoosingAmount,
    ChoosingMeter,
    ChoosingProof,
    ConfirmingReadings,
    Consenting,
    EnteringReading,
    GivingNumber,
    GivingProof,
    Idle,
    NamingAccount,
    ShowingMeter,
)
from core.deep_links import join_code_in, paper_link_in
from core.dialogues import (
    accounts,
    balance,
    consent,
    documents,
    events,
    help,  # noqa: A004  # the room's name is what it is for
    history,
    joining,
    linking,
    payments,
    reading_photos,
    readings,
    settings,
    staff,
)
from core.dialogues.menu import only_in_private
from core.driving import Dialogue, Handler
from core.fitting import PAGE_ACTION, Offered, choose
from core.intents import Intent, intent_of
from core.messages import (
    Contact,
    Key,
    Keyboard,
    LinkButton,
    Photo,
    Press,
    PressButton,
    Said,
    Started,
    Stopped,
    Text,
    Unreadable,
    Voice,
    say,
    text,
)
from core.questions import ResumeMessages
from core.turns import Event, Told, Turn

# What works without consent, what needs it, and what needs a linked account.
PUBLIC: Final[Mapping[str, Handler]] = {
    **help.PUBLIC,
    **settings.PUBLIC,
    **linking.PUBLIC,
    **events.PUBLIC,
}
CONSENTED: Final[Mapping[str, Handler]] = {
    **linking.CONSENTED,
    **accounts.CONSENTED,
    **joining.CONSENTED,
    **staff.CONSENTED,
}
OF_ACCOUNT: Final[Mapping[str, Handler]] = {
    **balance.OF_ACCOUNT,
    **documents.OF_ACCOUNT,
    **history.OF_ACCOUNT,
    **payments.OF_ACCOUNT,
    **readings.OF_ACCOUNT,
}

# The action that each typed wish is.
WISHES: Final[Mapping[Intent, str]] = {
    Intent.BALANCE: "bal",
    Intent.READINGS: "read",
    Intent.PAY: "pay",
    Intent.BILL: "bill",
    Intent.BILL_FILE: "pdf",
    Intent.BANK_QR: "qr",
    Intent.CHARTS: "charts",
    Intent.HISTORY: "hist",
    Intent.STAFF: "staff",
    Intent.HELP: "help",
    Intent.MENU: "menu",
    Intent.CANCEL: "cancel",
    Intent.LINK: "link",
    Intent.ACCOUNTS: "accounts",
    Intent.LANGUAGE: "lang",
    Intent.OTHER_MESSENGER: "invite",
    Intent.PRIVACY: "privacy",
    Intent.MY_DATA: "mydata",
    Intent.STOP: "stop",
    Intent.ERASE: "erase",
    Intent.UNLINK: "unlink",
    Intent.CONTACTS: "contacts",
    Intent.THANKS: "thanks",
}

# The sum in «оплатить 1 500,50 рублей»; a minus is part of it, so that nobody pays what they took off.
_SUM: Final = re.compile(r"(?:(?<!\w)[-–−])?\d[\d\s.,]*(?<=\d)")  # as keyboards write a minus

# Wishes that are heard wherever the talk stands.
ALWAYS_HEARD: Final = frozenset({Intent.MENU, Intent.CANCEL, Intent.STOP, Intent.HELP, Intent.CONTACTS})


def route(turn: Turn, offered: Offered) -> Dialogue:
    """The dialogue of *turn*; *offered* is what the chat was last given to choose from."""
    said = turn.said
    if not isinstance(said, Said):
        return _event(turn, said)
    if turn.stale:
        turn = msgspec.structs.replace(turn, stage=Idle())
    dialogue = _said(turn, said, offered)
    return _after_apology(dialogue) if turn.lost else dialogue


async def _after_apology(dialogue: Dialogue) -> Told:
    """What was begun under another release cannot be gone on with: say so, politely, and start afresh."""
    told = await dialogue
    return msgspec.structs.replace(told, replies=(say(text("stage-lost")), *told.replies))


def _event(turn: Turn, event: Event) -> Dialogue:
    return events.happened(turn, event)


def _said(turn: Turn, said: Said, offered: Offered) -> Dialogue:
    match said:
        case Press(payload=payload):
            return _pressed(turn, payload, offered)
        case Text(text=typed):
            return _typed(turn, said, typed.strip(), offered)
        case Started(silent=True):
            return _silently(turn)
        case Started():
            return help.greet(turn, ())
        case Stopped():
            return settings.gone(turn, ())
        case Photo():
            return _photo(turn, said)
        case Contact() if linking.awaits_phone(turn):
            return linking.take_contact(turn, said)
        case Voice() | Contact() | Unreadable():
            return help.not_understood(turn, ())
        case _:
            assert_never(said)


async def _silently(turn: Turn) -> Told:
    """A chat that may be written to again, in which nobody has said anything."""
    await ResumeMessages(turn.chat)
    return Told(turn.stage, ())


# --- Buttons --------------------------------------------------------------------------------------


def _pressed(turn: Turn, payload: str, offered: Offered) -> Dialogue:
    action, *args = payload.split(":")
    if action == PAGE_ACTION:
        return _turn_page(turn, args, offered)
    return _act(turn, action, args)


def _act(turn: Turn, action: str, args: list[str]) -> Dialogue:
    """Do *action* if this chat may; else first what it lacks: privacy, consent, an account."""
    if (public := PUBLIC.get(action)) is not None:
        return public(turn, args)
    handler = CONSENTED.get(action) or OF_ACCOUNT.get(action)
    if handler is None:
        return help.not_understood(turn, ())
    if not turn.private:
        return _only_in_private(turn)
    if turn.resident is None:
        return consent.ask_consent(turn, (action,))
    if action in OF_ACCOUNT and turn.account is None:
        return linking.link_first(turn, ())
    return handler(turn, args)


async def _only_in_private(turn: Turn) -> Told:
    return only_in_private(turn)


async def _turn_page(turn: Turn, args: list[str], offered: Offered) -> Told:
    """Another page of the choices that were last offered; those of an older message are let be."""
    if len(args) != 2 or not args[0].isdecimal() or args[1] != offered.tag:
        return await help.not_understood(turn, ())
    keyboard: Keyboard = tuple(tuple(_button(key) for key in row) for row in offered.rows)
    reply = msgspec.structs.replace(say(text("more-choices"), keyboard=keyboard), page=int(args[0]))
    return Told(turn.stage, (reply,))


def _button(key: Key) -> PressButton | LinkButton:
    label = text("verbatim", text=key.label)
    kind = LinkButton if key.kind == "link" else PressButton
    return kind(label, key.data, key.data_class)


# --- Words ----------------------------------------------------------------------------------------


def _typed(turn: Turn, said: Text, typed: str, offered: Offered) -> Dialogue:
    if not turn.stale and (payload := choose(offered, typed)) is not None:
        return _pressed(turn, payload, offered)
    wish = intent_of(typed)
    if wish in ALWAYS_HEARD:
        return _act(turn, WISHES[wish], [])
    if not turn.private:
        return _only_in_private(turn)
    if token := paper_link_in(typed):
        return help.open_paper_link(turn, (token,))
    if code := join_code_in(typed):
        return joining.take_code(turn, (code,))
    return _awaited(turn, said, typed, wish)


def _awaited(turn: Turn, said: Text, typed: str, wish: Intent | None) -> Dialogue:
    """What the stage awaits; a wish in words is heard where the stage awaits no words."""
    match turn.stage:
        case NamingAccount() as stage:
            return accounts.take_name(turn, stage, said)
        case AskingStaff() as stage:
            return staff.take_question(turn, stage, said)
        case Consenting() as stage:
            wish = None if linking.answers(stage, typed) else wish
            return _wish(turn, wish) or linking.take_consent(turn, stage, said)
        case ChoosingProof() as stage:
            # «Счётчик» here names a proof.
            return linking.take_choice(turn, stage, said)
        case GivingNumber() as stage:
            wish = None if linking.answers(stage, typed) else wish
            return _wish(turn, wish) or linking.take_number(turn, stage, said)
        case GivingProof() as stage:
            wish = None if linking.answers(stage, typed) else wish
            return _wish(turn, wish) or linking.take_proof(turn, stage, said)
        case ChoosingAmount() as stage if turn.account is not None:
            return _wish(turn, wish) or payments.take_amount(turn, stage, said)
        case (
            ChoosingAmount()
            | Idle()
            | EnteringReading()
            | ChoosingMeter()
            | ConfirmingReadings()
            | ShowingMeter()
        ):
            return _freely(turn, typed, wish)


def _wish(turn: Turn, wish: Intent | None) -> Dialogue | None:
    return None if wish is None else _act(turn, WISHES[wish], [])


async def _freely(turn: Turn, typed: str, wish: Intent | None) -> Told:
    """Readings are heard wherever no other words are awaited; then wishes; the rest is answered helpfully."""
    if wish is Intent.PAY and turn.account is not None and (amount := _SUM.search(typed)):
        return await payments.take_amount(turn, ChoosingAmount(turn.account.account), Text(amount.group()))
    if wish is not None and isinstance(turn.stage, Idle) and not any(map(str.isdigit, typed)):
        return await _act(turn, WISHES[wish], [])
    if turn.account is not None and (told := await readings.take_text(turn, typed)) is not None:
        return told
    if (wished := _wish(turn, wish)) is not None:
        return await wished
    if turn.account is None and (begun := linking.begin_with(turn, typed)) is not None:
        return begun
    if turn.account is not None and (asked := await readings.ask_again(turn)) is not None:
        return asked
    return await help.not_understood(turn, ())


def _photo(turn: Turn, photo: Photo) -> Dialogue:
    if turn.private and isinstance(turn.stage, AskingStaff):
        return staff.take_question(turn, turn.stage, photo)
    if turn.private and turn.account is not None:
        return reading_photos.take_photo(turn, photo)
    return help.not_understood(turn, ())
