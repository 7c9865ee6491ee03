"""Language, what is kept about a resident, erasing it, and being left in peace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.conversation import Idle
from core.dialogues.menu import MENU_ROW, WAYS_OUT_ROW, account_phrase, menu_keyboard, only_in_private
from core.driving import Handler
from core.messages import DataClass, Keyboard, LinkButton, Phrase, press, say, text
from core.questions import ConsentGiven, EraseResident, MyDataOf, ResumeMessages, SetLanguage, StopMessages
from core.turns import Told, Turn, told
from core.wording import LANGUAGES

# --- Language ----------------------------------------------------------------------------------------


async def speak(turn: Turn, args: Sequence[str]) -> Told:
    """«Язык»: a choice, or the one that was chosen."""
    if not args or args[0] not in LANGUAGES:
        keyboard: Keyboard = (
            (press("settings-russian-button", "lang:ru"), press("settings-english-button", "lang:en")),
            MENU_ROW,
        )
        return told(Idle(), say(text("settings-language"), keyboard=keyboard))
    await SetLanguage(turn.chat, args[0])
    return Told(Idle(), (say(text("settings-language-set"), keyboard=menu_keyboard(turn)),), language=args[0])


# --- Privacy -----------------------------------------------------------------------------------------


async def show_privacy(turn: Turn, args: Sequence[str]) -> Told:
    """`/privacy`: what is kept and how to have it erased."""
    del args
    keyboard: Keyboard = ()
    if turn.centre.privacy_url:
        keyboard += ((LinkButton(text("settings-policy-button"), turn.centre.privacy_url),),)
    if turn.private:
        keyboard += ((press("settings-data-button", "mydata"),), (press("settings-erase-button", "erase"),))
    body = text("settings-privacy", centre=turn.centre.name, version=turn.centre.consent_version)
    return told(Idle(), say(body, keyboard=(*keyboard, MENU_ROW)))


async def show_my_data(turn: Turn, args: Sequence[str]) -> Told:
    """«Какие данные обо мне»: accounts, consents, messengers, and how much was sent."""
    del args
    if not turn.private:
        return only_in_private(turn)
    if turn.resident is None:
        return told(Idle(), say(text("settings-data-none"), keyboard=menu_keyboard(turn)))
    data = await MyDataOf(turn.resident.id)
    counts = (
        text("settings-data-readings", count=data.readings),
        text("settings-data-cases", count=data.cases),
        *((text("settings-data-receipts"),) if data.receipts else ()),
        text("settings-data-billing"),
    )
    keyboard: Keyboard = ((press("settings-erase-button", "erase"),), MENU_ROW)
    accounts = [text("settings-data-account", account=account_phrase(link)) for link in data.links]
    channels = [text("settings-data-channel", channel=_channel(name)) for name in data.channels]
    consents = [_consent(consent) for consent in data.consents]
    whole = say(
        text("settings-data"),
        *accounts,
        *channels,
        *consents,
        *counts,
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text("settings-data"), *channels, *consents, *counts, keyboard=keyboard),
    )
    return told(Idle(), whole)


def _channel(name: str) -> Phrase:
    return text("channel-name", channel=name)


def _consent(consent: ConsentGiven) -> Phrase:
    channel = _channel(consent.channel)
    if consent.withdrawn_at is not None:
        return text(
            "settings-data-consent-withdrawn",
            version=consent.version,
            given=consent.given_at,
            withdrawn=consent.withdrawn_at,
            channel=channel,
        )
    return text("settings-data-consent", version=consent.version, given=consent.given_at, channel=channel)


# --- Erasing -----------------------------------------------------------------------------------------


async def erase(turn: Turn, args: Sequence[str]) -> Told:
    """«Удалить мои данные»: says what goes and what stays by law, and asks whether to."""
    del args
    if not turn.private:
        return only_in_private(turn)
    if turn.resident is None:
        return told(Idle(), say(text("settings-data-none"), keyboard=menu_keyboard(turn)))
    keyboard: Keyboard = (
        (press("settings-erase-yes-button", f"eraseyes:{turn.resident.id}"),),
        WAYS_OUT_ROW,
    )
    return told(Idle(), say(text("settings-erase-sure"), text("settings-erase-stays"), keyboard=keyboard))


async def erase_surely(turn: Turn, args: Sequence[str]) -> Told:
    """«Да, удалить»: done, with the request's number; a button of an earlier resident does nothing."""
    if not turn.private:
        return only_in_private(turn)
    if turn.resident is None or tuple(args) != (str(turn.resident.id),):
        return await erase(turn, ())
    number = await EraseResident(turn.resident.id, turn.chat, turn.now)
    farewell = say(
        text("settings-erased", number=str(number)), text("settings-erase-stays"), keyboard=(MENU_ROW,)
    )
    return told(Idle(), farewell)


# --- Being left in peace -----------------------------------------------------------------------------


async def stop(turn: Turn, args: Sequence[str]) -> Told:
    """«Стоп»: nothing unasked from now on; says how to unlink and erase."""
    del args
    if not turn.private:
        return only_in_private(turn)
    await StopMessages(turn.chat, turn.now)
    keyboard: Keyboard = ((press("settings-resume-button", "resume"),),)
    if turn.resident is not None and turn.resident.links:
        keyboard += ((press("account-unlink-button", "unlink"), press("settings-erase-button", "erase")),)
    return told(Idle(), say(text("settings-stopped"), keyboard=(*keyboard, MENU_ROW)))


async def resume(turn: Turn, args: Sequence[str]) -> Told:
    """«Писать снова»: takes «Стоп» back."""
    del args
    await ResumeMessages(turn.chat)
    return told(Idle(), say(text("settings-resumed"), keyboard=menu_keyboard(turn)))


async def gone(turn: Turn, args: Sequence[str]) -> Told:
    """The resident blocked the bot: noted, and nothing is said to nobody."""
    del args
    await StopMessages(turn.chat, turn.now, gone=True)
    return told(Idle())


PUBLIC: Final[Mapping[str, Handler]] = {
    "lang": speak,
    "privacy": show_privacy,
    "mydata": show_my_data,
    "erase": erase,
    "eraseyes": erase_surely,
    "stop": stop,
    "resume": resume,
}
