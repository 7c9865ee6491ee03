"""A resident's accounts: which one the talk is about, what they are called, and letting one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.conversation import Idle, NamingAccount
from core.dialogues.menu import MENU_ROW, WAYS_OUT_ROW, account_phrase, menu_keyboard
from core.driving import Handler
from core.messages import Button, DataClass, Keyboard, Phrase, Reply, Text, press, say, text
from core.privacy import masked_number
from core.questions import ChooseLink, RenameLink, Unlink
from core.turns import AccountLink, Told, Turn, told

NAME_CHARS_MAX: Final = 30


def _links(turn: Turn) -> tuple[AccountLink, ...]:
    return turn.resident.links if turn.resident else ()


def _link_named(turn: Turn, args: Sequence[str]) -> AccountLink | None:
    return next((link for link in _links(turn) if args and str(link.id) == args[0]), None)


# --- The list ----------------------------------------------------------------------------------------


async def show_accounts(turn: Turn, args: Sequence[str]) -> Told:
    """«Мои счета»: all of them, the current one marked."""
    del args
    return told(Idle(), _accounts_card(turn))


def _accounts_card(turn: Turn, *first: Phrase) -> Reply:
    links = _links(turn)
    if not links:
        return say(text("account-none"), keyboard=((press("menu-link-button", "link"),), MENU_ROW))
    ends: Keyboard = ((press("account-add-button", "link"),), MENU_ROW)
    keyboard = tuple((_account_button(link, place),) for place, link in enumerate(links, 1)) + ends
    lines = [_line(turn, link, place) for place, link in enumerate(links, 1)]
    # Which of several is which only the whole list tells, so it has no lesser form: it is shown elsewhere.
    lesser = say(*first, text("account-one"), keyboard=keyboard) if len(links) == 1 else None
    return say(
        *first,
        text("account-list"),
        *lines,
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=lesser,
    )


def _line(turn: Turn, link: AccountLink, place: int) -> Phrase:
    account = account_phrase(link)
    if link.frozen:
        return text("account-line-frozen", place=place, account=account)
    if link == turn.account:
        return text("account-line-current", place=place, account=account)
    return text("account-line", place=place, account=account)


def _account_button(link: AccountLink, place: int, action: str = "acc") -> Button:
    return press(
        "account-button",
        f"{action}:{link.id}",
        data_class=DataClass.PERSONAL,
        neutral=text("account-button-neutral", place=place),
        label=link.name or f"{link.address} {masked_number(link.number)}".strip(),
    )


# --- One of them -------------------------------------------------------------------------------------


async def choose_account(turn: Turn, args: Sequence[str]) -> Told:
    """One account was pressed: the talk is about it from now on."""
    link = _link_named(turn, args)
    if link is None:
        return told(Idle(), _accounts_card(turn, text("account-gone")))
    if link.frozen:
        return told(Idle(), _frozen_card(link))
    await ChooseLink(_resident(turn), link.id)
    return told(Idle(), _card(link))


def _resident(turn: Turn) -> int:
    if turn.resident is None:
        raise LookupError("this turn has no resident")
    return turn.resident.id


def _card(link: AccountLink) -> Reply:
    keyboard: Keyboard = (
        (press("menu-balance-button", "bal"), press("menu-readings-button", "read")),
        (
            press("account-rename-button", f"rename:{link.id}"),
            press("account-unlink-button", f"unlink:{link.id}"),
        ),
        (press("menu-accounts-button", "accounts"), *MENU_ROW),
    )
    return say(
        text("account-chosen", account=account_phrase(link)),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text("account-chosen-plainly"), keyboard=keyboard),
    )


def _frozen_card(link: AccountLink) -> Reply:
    keyboard: Keyboard = (
        (press("menu-contacts-button", "contacts"), press("account-unlink-button", f"unlink:{link.id}")),
        MENU_ROW,
    )
    return say(text("account-frozen"), keyboard=keyboard)


# --- Its name ----------------------------------------------------------------------------------------


async def rename(turn: Turn, args: Sequence[str]) -> Told:
    """«Назвать»: asks for the resident's own name of an account."""
    link = _link_named(turn, args)
    if link is None:
        return told(Idle(), _accounts_card(turn, text("account-gone")))
    return told(NamingAccount(link.id), _ask_name(link))


def _ask_name(link: AccountLink, *first: Phrase) -> Reply:
    keyboard: Keyboard = (WAYS_OUT_ROW,)
    if link.name:
        keyboard = ((press("account-no-name-button", f"noname:{link.id}"),), WAYS_OUT_ROW)
    return say(*first, text("account-ask-name", most=NAME_CHARS_MAX), keyboard=keyboard)


async def take_name(turn: Turn, stage: NamingAccount, said: Text) -> Told:
    """A name for the account."""
    link = _link_named(turn, (str(stage.link),))
    if link is None:
        return told(Idle(), _accounts_card(turn, text("account-gone")))
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in said.text).split())
    if not name or len(name) > NAME_CHARS_MAX:
        return told(stage, _ask_name(link, text("account-name-unfit", most=NAME_CHARS_MAX)))
    await RenameLink(_resident(turn), link.id, name)
    named = say(
        text("account-renamed", name=name),
        keyboard=menu_keyboard(turn),
        data_class=DataClass.PERSONAL,
        lesser=say(text("account-renamed-plainly"), keyboard=menu_keyboard(turn)),
    )
    return told(Idle(), named)


async def take_name_away(turn: Turn, args: Sequence[str]) -> Told:
    """«Без названия»: the account is shown by its address again."""
    link = _link_named(turn, args)
    if link is None:
        return told(Idle(), _accounts_card(turn, text("account-gone")))
    await RenameLink(_resident(turn), link.id, "")
    return told(Idle(), say(text("account-name-taken-away"), keyboard=menu_keyboard(turn)))


# --- Letting it go -----------------------------------------------------------------------------------


async def unlink(turn: Turn, args: Sequence[str]) -> Told:
    """«Отвязать»: asks whether to; without *args* and with several accounts, asks which."""
    link = _link_named(turn, args) if args else _only_link(turn)
    if link is None:
        several = not args and len(_links(turn)) > 1
        return told(Idle(), _which_to_unlink(turn) if several else _accounts_card(turn, text("account-gone")))
    keyboard: Keyboard = (
        (press("account-unlink-yes-button", f"unlinkyes:{link.id}"),),
        WAYS_OUT_ROW,
    )
    sure = say(
        text("account-unlink-sure", account=account_phrase(link)),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text("account-unlink-sure-plainly"), keyboard=keyboard),
    )
    return told(Idle(), sure)


def _which_to_unlink(turn: Turn) -> Reply:
    links = _links(turn)
    buttons = ((_account_button(link, place, "unlink"),) for place, link in enumerate(links, 1))
    keyboard: Keyboard = (*buttons, WAYS_OUT_ROW)
    return say(
        text("account-unlink-which"),
        *(_line(turn, link, place) for place, link in enumerate(links, 1)),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
    )


def _only_link(turn: Turn) -> AccountLink | None:
    links = _links(turn)
    return links[0] if len(links) == 1 else None


async def unlink_surely(turn: Turn, args: Sequence[str]) -> Told:
    """«Да, отвязать»: ended; what was paid and sent stays with the account."""
    link = _link_named(turn, args)
    if link is None or not await Unlink(_resident(turn), link.id, turn.now):
        return told(Idle(), _accounts_card(turn, text("account-gone")))
    keyboard: Keyboard = ((press("menu-accounts-button", "accounts"), *MENU_ROW),)
    return told(Idle(), say(text("account-unlinked"), keyboard=keyboard))


CONSENTED: Final[Mapping[str, Handler]] = {
    "accounts": show_accounts,
    "acc": choose_account,
    "rename": rename,
    "noname": take_name_away,
    "unlink": unlink,
    "unlinkyes": unlink_surely,
}
