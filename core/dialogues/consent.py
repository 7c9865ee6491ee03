"""Consent to personal-data processing: asked before the first personal action, whichever it was."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from core.conversation import Consenting, Idle
from core.dialogues.menu import MENU_ROW, menu_keyboard, only_in_private
from core.messages import Keyboard, LinkButton, Phrase, press, say, text
from core.turns import Told, Turn, told
from core.wording import Words


def consent_phrase(turn: Turn) -> Phrase:
    """The consent's own text, of which the version and the hash are recorded."""
    return text("consent-text", centre=turn.centre.name, version=turn.centre.consent_version)


def consent_hash(turn: Turn) -> str:
    """SHA-256 of the consent's text as this resident reads it."""
    words = Words(turn.language, turn.centre.zone).plain(consent_phrase(turn))
    return sha256(words.encode()).hexdigest()


def asked_consent(turn: Turn, stage: Consenting, *first: Phrase) -> Told:
    """Ask for consent; *stage* keeps what to go on with, *first* is said before."""
    if not turn.private:
        return only_in_private(turn)
    keyboard: Keyboard = (
        (
            press("consent-agree-button", f"agree:{turn.centre.consent_version}"),
            press("consent-decline-button", "decline"),
        ),
    )
    if turn.centre.privacy_url:
        keyboard += ((LinkButton(text("consent-document-button"), turn.centre.privacy_url),),)
    # Looking around, help and the other language need no consent: they are in the menu.
    return told(stage, say(*first, consent_phrase(turn), keyboard=(*keyboard, MENU_ROW)))


async def ask_consent(turn: Turn, args: Sequence[str]) -> Told:
    """What comes before the first personal action; *args* may hold that action."""
    return asked_consent(turn, Consenting(wanted=args[0] if args else ""))


async def decline_consent(turn: Turn, args: Sequence[str]) -> Told:
    """«Нет, спасибо»: what needs no consent goes on working; nothing is kept."""
    del args
    return told(Idle(), say(text("consent-declined"), keyboard=menu_keyboard(turn)))
