"""The menu, and the rows that other dialogues put under their replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.conversation import Idle
from core.messages import Button, DataClass, Keyboard, Phrase, Press, Reply, press, say, text
from core.privacy import masked_number
from core.turns import AccountLink, Told, Turn, told

MENU_ROW: Final[tuple[Button, ...]] = (press("menu-button", "menu"),)
CANCEL_ROW: Final[tuple[Button, ...]] = (press("cancel-button", "cancel"),)
WAYS_OUT_ROW: Final[tuple[Button, ...]] = (*CANCEL_ROW, *MENU_ROW)

_OF_ACCOUNT: Final[Keyboard] = (
    (press("menu-balance-button", "bal"), press("menu-pay-button", "pay")),
    (press("menu-readings-button", "read"), press("menu-history-button", "hist")),
    (press("menu-accounts-button", "accounts"), press("menu-help-button", "help")),
)
_OF_NOBODY: Final[Keyboard] = (
    (press("menu-link-button", "link"),),
    (press("menu-help-button", "help"), press("menu-contacts-button", "contacts")),
    (press("menu-language-button", "lang"), press("menu-privacy-button", "privacy")),
)
_OF_GROUP: Final[Keyboard] = ((press("menu-help-button", "help"), press("menu-contacts-button", "contacts")),)


def menu_keyboard(turn: Turn) -> Keyboard:
    """What may be begun in this chat: everything with an account, else what needs no consent."""
    if not turn.private:
        return _OF_GROUP
    return _OF_ACCOUNT if turn.account else _OF_NOBODY


def account_phrase(link: AccountLink) -> Phrase:
    """A linked account as its resident knows it: their own name for it, or the masked address."""
    return text(
        "account-named" if link.name else "account-unnamed",
        name=link.name,
        address=link.address,
        number=masked_number(link.number),
    )


def menu_reply(turn: Turn) -> Reply:
    """The menu, with the account that the talk is about."""
    keyboard = menu_keyboard(turn)
    if not turn.private:
        return say(text("menu-in-group"), keyboard=keyboard)
    if turn.account is None:
        return say(text("menu-unlinked"), keyboard=keyboard)
    return say(
        text("menu-linked", account=account_phrase(turn.account)),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text("menu-plain"), keyboard=keyboard),
    )


async def show_menu(turn: Turn, args: Sequence[str]) -> Told:
    """«Меню»: whatever was begun is let go."""
    del args
    return told(Idle(), menu_reply(turn))


async def cancel(turn: Turn, args: Sequence[str]) -> Told:
    """«Отмена»: back to the menu, nothing done. The button stands under a question even where no stage waits."""
    del args
    asked = isinstance(turn.said, Press) or not isinstance(turn.stage, Idle)
    key = "menu-cancelled" if asked else "menu-nothing-to-cancel"
    return told(Idle(), say(text(key), keyboard=menu_keyboard(turn)))


def only_in_private(turn: Turn) -> Told:
    """The answer in a group to whatever concerns one person."""
    return told(Idle(), say(text("menu-in-group"), keyboard=menu_keyboard(turn)))
