"""Linking an account: consent, its number, one proof, and word to those who had it before.

An unknown account and a wrong proof are asked the same questions and given the same replies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from core.conversation import ChoosingProof, Consenting, GivingNumber, GivingProof, Idle
from core.deep_links import join_code_in, paper_link_in
from core.dialogues import joining, staff
from core.dialogues.consent import asked_consent, consent_hash, decline_consent
from core.dialogues.menu import MENU_ROW, WAYS_OUT_ROW, account_phrase, menu_keyboard, only_in_private
from core.driving import Handler
from core.messages import (
    Button,
    Contact,
    ContactButton,
    DataClass,
    Keyboard,
    Phrase,
    Reply,
    Text,
    press,
    say,
    text,
)
from core.questions import (
    AccountsByPhone,
    AlreadyLinked,
    Blocked,
    FreezeLink,
    GiveConsent,
    LinkAccount,
    Linked,
    LinkFrozen,
    NotProven,
    NumberBehind,
    OpenCase,
    Proven,
    TooManyLinks,
    TooManyResidents,
    TryProof,
)
from core.turns import AccountLink, LinkAdded, LinkUnfrozen, Notice, Resident, Told, Turn, told
from core.typed_proofs import CODE, METER, PHONE, TOTAL, read_kind, read_number, read_proof

_AGREED: Final = frozenset({"согласен", "согласна", "да", "ок", "хорошо", "agree", "yes", "ok"})
_DECLINED: Final = frozenset({"нет", "нет спасибо", "не согласен", "не согласна", "no", "no thanks"})
_BACK: Final = frozenset({"назад", "back"})
_ASKS: Final[Mapping[str, str]] = {
    TOTAL: "link-ask-total",
    CODE: "link-ask-code",
    METER: "link-ask-meter",
}
_PROOFS: Final[Keyboard] = (
    (press("link-by-total-button", f"proof:{TOTAL}"),),
    (press("link-by-code-button", f"proof:{CODE}"),),
    (press("link-by-meter-button", f"proof:{METER}"),),
    (press("link-other-number-button", "link"),),
    WAYS_OUT_ROW,
)
_PHONE_ROW: Final[tuple[Button, ...]] = (ContactButton(text("link-phone-button")),)
_NOT_PROVEN: Final[Keyboard] = (
    (press("link-other-proof-button", "proof"), press("link-other-number-button", "link")),
    (press("menu-contacts-button", "contacts"), *WAYS_OUT_ROW),
)


# --- Consent ---------------------------------------------------------------------------------------


async def agree(turn: Turn, args: Sequence[str]) -> Told:
    """«Согласен»: recorded with the text's version and hash; an old text is shown anew."""
    if not turn.private:
        return only_in_private(turn)
    if turn.resident is not None:  # pressed twice
        return told(turn.stage, say(text("consent-already"), keyboard=(WAYS_OUT_ROW,)))
    stage = turn.stage if isinstance(turn.stage, Consenting) else Consenting()
    if tuple(args) != (turn.centre.consent_version,):
        return asked_consent(turn, stage, text("consent-changed"))
    await GiveConsent(
        chat=turn.chat,
        channel=turn.channel,
        version=turn.centre.consent_version,
        text_hash=consent_hash(turn),
        at=turn.now,
        language=turn.language,
    )
    thanks = text("consent-thanks")
    if code := join_code_in(stage.token):
        return await joining.join(turn, code, thanks)
    return staff.asked(thanks) if stage.wanted == staff.ACTION else await _begin(turn, stage.token, thanks)


async def take_consent(turn: Turn, stage: Consenting, said: Text) -> Told:
    """Consent in words; anything unclear is no consent."""
    answer = _folded(said.text)
    if answer in _AGREED:
        return await agree(turn, (turn.centre.consent_version,))
    if answer in _DECLINED:
        return await decline_consent(turn, ())
    return asked_consent(turn, stage, text("consent-unclear"))


def _folded(typed: str) -> str:
    return " ".join(typed.lower().replace(",", " ").strip(" .!").split())


def answers(stage: Consenting | GivingNumber | GivingProof, typed: str) -> bool:
    """Whether *typed* is plainly what *stage* awaits, so that no other wish is to be heard in it."""
    if isinstance(stage, Consenting):
        return _folded(typed) in _AGREED | _DECLINED
    if isinstance(stage, GivingNumber):
        return read_number(typed) is not None
    # Any word might be a code.
    return stage.kind != CODE and read_proof(stage.kind, typed) is not None


# --- The number --------------------------------------------------------------------------------------


async def link(turn: Turn, args: Sequence[str]) -> Told:
    """«Подключить счёт»; *args* may hold the paper bill's link."""
    return await _begin(turn, args[0] if args else "")


async def link_first(turn: Turn, args: Sequence[str]) -> Told:
    """What comes before anything about an account where there is none that may be used."""
    if turn.resident is not None and turn.resident.links:
        keyboard: Keyboard = (
            (press("menu-contacts-button", "contacts"), press("account-add-button", "link")),
            MENU_ROW,
        )
        return told(Idle(), say(text("account-frozen"), keyboard=keyboard))
    return await link(turn, args)


async def _begin(turn: Turn, token: str, *first: Phrase) -> Told:
    if token:
        number = await NumberBehind(token)
        if number is not None:
            return _ask_proof(number, *first, text("link-number-from-bill"))
        first = (*first, text("link-token-outlived"))
    return told(GivingNumber(), _ask_number(turn, *first))


def _ask_number(turn: Turn, *first: Phrase) -> Reply:
    asked = [*first, text("link-ask-number")]
    if not turn.vouched:
        return say(*asked, keyboard=(WAYS_OUT_ROW,), numeric=True)
    return say(*asked, text("link-or-phone"), keyboard=(_PHONE_ROW, WAYS_OUT_ROW), numeric=True)


def _ask_proof(number: str, *first: Phrase) -> Told:
    asked = say(*first, text("link-ask-proof"), keyboard=_PROOFS)
    return told(ChoosingProof(number), asked)


async def take_number(turn: Turn, stage: GivingNumber, said: Text) -> Told:
    """An account number, or the paper bill's link pasted in its place."""
    if token := paper_link_in(said.text):
        return await _begin(turn, token)
    number = read_number(said.text)
    if number is None:
        return told(stage, _ask_number(turn, text("link-no-number")))
    return _ask_proof(number)


def begin_with(turn: Turn, typed: str) -> Told | None:
    """An account number out of the blue, from the bill in hand, is begun with; None where *typed* has none."""
    number = read_number(typed)
    if number is None:
        return None
    return asked_consent(turn, Consenting()) if turn.resident is None else _ask_proof(number)


# --- The proof ---------------------------------------------------------------------------------------


async def choose_proof(turn: Turn, args: Sequence[str]) -> Told:
    """One of the three proofs was chosen, or with no *args*: to choose another."""
    stage = turn.stage
    if not isinstance(stage, ChoosingProof | GivingProof):
        return told(GivingNumber(), _ask_number(turn, text("link-begin-anew")))
    kind = args[0] if args else ""
    if kind not in _ASKS:
        return _ask_proof(stage.number)
    return _ask_for(stage.number, kind)


def _ask_for(number: str, kind: str, *first: Phrase) -> Told:
    keyboard: Keyboard = ((press("link-other-proof-button", "proof"),), WAYS_OUT_ROW)
    return told(GivingProof(number, kind), say(*first, text(_ASKS[kind]), keyboard=keyboard, numeric=True))


async def take_choice(turn: Turn, stage: ChoosingProof, said: Text) -> Told:
    """The proof named in words."""
    if _folded(said.text) in _BACK:
        return told(GivingNumber(), _ask_number(turn))
    kind = read_kind(said.text)
    return _ask_proof(stage.number, text("link-choose")) if kind is None else _ask_for(stage.number, kind)


async def take_proof(turn: Turn, stage: GivingProof, said: Text) -> Told:
    """The proof itself. Each one that could be a proof counts as a try."""
    if turn.resident is None:
        return asked_consent(turn, Consenting())
    if _folded(said.text) in _BACK:
        return _ask_proof(stage.number)
    proof = read_proof(stage.kind, said.text)
    if proof is None:
        return _ask_for(stage.number, stage.kind, text("link-proof-unreadable"))
    tried = await TryProof(turn.chat, turn.channel, stage.number, proof, turn.now)
    match tried:
        case Proven():
            return await _link(turn, tried.account, stage.kind)
        case NotProven():
            again = say(text("link-not-proven"), keyboard=_NOT_PROVEN, numeric=True)
            return told(stage, again)
        case Blocked():
            return told(Idle(), _blocked(turn, tried.until))


def _blocked(turn: Turn, until: datetime) -> Reply:
    body = [text("link-blocked", until=until)]
    if turn.centre.phone:
        body.append(text("contacts-phone", phone=turn.centre.phone))
    if turn.centre.address:
        body.append(text("contacts-address", address=turn.centre.address))
    return say(*body, keyboard=menu_keyboard(turn))


# --- The resident's own phone as a proof -------------------------------------------------------------


def awaits_phone(turn: Turn) -> bool:
    """Whether a shared phone may prove accounts here and now: nothing else is talked of, or linking is."""
    linking = isinstance(turn.stage, Consenting | GivingNumber | ChoosingProof | GivingProof)
    return turn.private and turn.vouched and (linking or (turn.stage == Idle() and turn.account is None))


async def take_contact(turn: Turn, contact: Contact) -> Told:
    """A shared phone: links every account that it is on file for. It is compared and not kept."""
    if turn.resident is None:
        return asked_consent(turn, turn.stage if isinstance(turn.stage, Consenting) else Consenting())
    if not contact.own:
        return _no_phone(turn, text("link-phone-not-yours"))
    accounts = await AccountsByPhone(contact.phone)
    if not 1 <= len(accounts) <= turn.centre.limits.accounts_per_resident:
        # On file for more accounts than one may have, it is nobody's own.
        return _no_phone(turn, text("link-phone-unknown"))
    answers = [await _ask_link(turn, turn.resident, account, PHONE) for account in accounts]
    done = [answer for answer in answers if isinstance(answer, Linked | AlreadyLinked)]
    if len(done) > 1:
        return told(Idle(), _all_linked([answer.link for answer in done]))
    return _told_of((done or answers)[0])


def _no_phone(turn: Turn, why: Phrase) -> Told:
    if isinstance(turn.stage, ChoosingProof | GivingProof):
        return _ask_proof(turn.stage.number, why)
    return told(GivingNumber(), say(why, text("link-ask-number"), keyboard=(WAYS_OUT_ROW,), numeric=True))


def _all_linked(links: Sequence[AccountLink]) -> Reply:
    keyboard: Keyboard = (
        (press("menu-balance-button", "bal"), press("menu-readings-button", "read")),
        (press("menu-accounts-button", "accounts"), *MENU_ROW),
    )
    lines = [
        text("account-line", place=place, account=account_phrase(link))
        for place, link in enumerate(links, start=1)
    ]
    done = text("link-done-several", count=len(links))
    return say(
        done,
        *lines,
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(done, keyboard=keyboard),
    )


# --- The link ----------------------------------------------------------------------------------------

_LinkAnswer: TypeAlias = Linked | AlreadyLinked | TooManyLinks | TooManyResidents | LinkFrozen


async def _link(turn: Turn, account: int, proof: str) -> Told:
    if turn.resident is None:
        return asked_consent(turn, Consenting())
    return _told_of(await _ask_link(turn, turn.resident, account, proof))


def _ask_link(turn: Turn, resident: Resident, account: int, proof: str) -> LinkAccount:
    limits = turn.centre.limits
    return LinkAccount(
        resident=resident.id,
        chat=turn.chat,
        channel=turn.channel,
        account=account,
        proof=proof,
        at=turn.now,
        accounts_max=limits.accounts_per_resident,
        residents_max=limits.residents_per_account,
    )


def _told_of(linked: _LinkAnswer) -> Told:
    match linked:
        case Linked():
            return told(Idle(), _linked(linked.link, "link-done", "link-done-plainly"))
        case AlreadyLinked():
            return told(Idle(), _linked(linked.link, "link-already", "link-already-plainly"))
        case TooManyLinks():
            refusal = text("link-too-many-accounts", most=linked.accounts_max)
        case TooManyResidents():
            refusal = text("link-too-many-residents", most=linked.residents_max)
        case LinkFrozen():
            refusal = text("link-frozen")
    return told(Idle(), say(refusal, keyboard=((press("menu-contacts-button", "contacts"),), MENU_ROW)))


def _linked(link: AccountLink, key: str, lesser_key: str) -> Reply:
    keyboard: Keyboard = (
        (press("menu-balance-button", "bal"), press("menu-readings-button", "read")),
        (press("account-rename-button", f"rename:{link.id}"), *MENU_ROW),
    )
    return say(
        text(key, account=account_phrase(link)),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text(lesser_key), keyboard=keyboard),
    )


# --- Word to those who had the account before --------------------------------------------------------


async def link_added(turn: Turn, event: LinkAdded) -> Told:
    """Another chat was linked to an account of this one: «это вы?»."""
    link = turn.resident.link_of(event.account) if turn.resident else None
    if link is None:
        return told(turn.stage)
    keyboard: Keyboard = (
        (press("link-mine-button", "mine"), press("link-not-mine-button", f"notme:{event.link}")),
        MENU_ROW,
    )
    channel = text("channel-name", channel=event.channel)
    asked = say(
        text("link-added", account=account_phrase(link), channel=channel),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text("link-added-plainly", channel=channel), keyboard=keyboard),
    )
    return told(turn.stage, asked)


async def was_me(turn: Turn, args: Sequence[str]) -> Told:
    """«Это я»: all is well."""
    del args
    return told(turn.stage, say(text("link-mine"), keyboard=(MENU_ROW,)))


async def was_not_me(turn: Turn, args: Sequence[str]) -> Told:
    """«Это не я»: the newer link is frozen, both are told, staff decide."""
    frozen = None
    if turn.resident is not None and args and args[0].isdecimal():
        frozen = await FreezeLink(turn.resident.id, int(args[0]), turn.now)
    if frozen is None:
        return told(turn.stage, say(text("link-nothing-to-freeze"), keyboard=(MENU_ROW,)))
    facts = (("link", args[0]),)
    case = await OpenCase("foreign_link", turn.chat, frozen.account, facts, turn.now)
    word = say(text("link-was-frozen"), keyboard=((press("menu-contacts-button", "contacts"),), MENU_ROW))
    return Told(
        turn.stage,
        (say(text("link-frozen-now", case=str(case)), keyboard=(MENU_ROW,)),),
        tuple(Notice(chat, word) for chat in frozen.chats),
    )


async def link_unfrozen(turn: Turn, event: LinkUnfrozen) -> Told:
    """Staff found that the frozen chat was no stranger's."""
    link = turn.resident.link_of(event.account) if turn.resident else None
    if link is None:
        return told(turn.stage)
    lesser = say(text("link-unfrozen-plainly"), keyboard=(MENU_ROW,))
    again = say(
        text("link-unfrozen", account=account_phrase(link)),
        keyboard=(MENU_ROW,),
        data_class=DataClass.PERSONAL,
        lesser=lesser,
    )
    return told(turn.stage, again)


PUBLIC: Final[Mapping[str, Handler]] = {"agree": agree, "decline": decline_consent}
CONSENTED: Final[Mapping[str, Handler]] = {
    "link": link,
    "proof": choose_proof,
    "mine": was_me,
    "notme": was_not_me,
}
