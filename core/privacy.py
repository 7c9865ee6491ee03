"""What a reply discloses: masks for what names a person, and the ceiling of what a channel may carry."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from core.messages import (
    BillDocument,
    Button,
    ContactButton,
    DataClass,
    Document,
    Key,
    Keyboard,
    LinkButton,
    Message,
    PaymentQr,
    Phrase,
    PressButton,
    Reply,
    Span,
    UsageChart,
    text,
)
from core.wording import Words

# --- Masks: what may be shown to a linked resident in place of the whole -------------------------

_SHOWN_DIGITS: Final = 4
_HIDDEN: Final = "•"
_SHORT_WORD: Final = 4


def masked_number(number: str) -> str:
    """An account number by its last four digits: `•••• 4567`; fewer where four would be most of it."""
    shown = min(_SHOWN_DIGITS, len(number) // 2)
    return f"{_HIDDEN * 4} {number[len(number) - shown :]}".rstrip()


def masked_serial(serial: str) -> str:
    """A meter's serial by its last four characters: `…6342`; fewer where four would be most of it."""
    shown = min(_SHOWN_DIGITS, len(serial) // 2)
    return f"…{serial[len(serial) - shown :]}"


def masked_address(*, street: str, house: str, block: str = "", flat: str = "", room: str = "") -> str:
    """An address by its street's ends, the house, and the flat's last digit: `ул. С…ей, д. 4а, кв. •2`."""
    parts = [_masked_street(street), f"д. {house}"]
    if block:
        parts.append(f"корп. {block}")
    # Of a flat or room with one digit nothing may be shown, so it is not spoken of.
    parts += [
        f"{kind} {_masked_flat(number)}"
        for kind, number in (("кв.", flat), ("комн.", room))
        if len(number) > 1
    ]
    return ", ".join(parts)


def _masked_street(street: str) -> str:
    # «ул.», «пр-д» are kinds of street and tell nothing.
    return " ".join(word if _is_kind(word) else _masked_word(word) for word in street.split())


def _is_kind(word: str) -> bool:
    return word.endswith(".") or word.lower() in _STREET_KINDS


_STREET_KINDS: Final = frozenset({
    "улица", "ул", "проспект", "пр-т", "просп", "проезд", "пр-д", "переулок", "пер", "бульвар", "б-р", "площадь",
    "пл", "шоссе", "ш", "набережная", "наб", "тупик", "аллея", "микрорайон", "мкр", "квартал", "линия",
})  # fmt: skip


def _masked_word(word: str) -> str:
    return f"{word[0]}…{word[-2:]}" if len(word) > _SHORT_WORD else f"{word[0]}…"


def _masked_flat(flat: str) -> str:
    return re.sub(r"\w", _HIDDEN, flat[:-1]) + flat[-1]


# --- Ceilings: what a channel may carry ----------------------------------------------------------

# By the mode of a channel (149-ФЗ art. 10 p. 8-10): `strict` for messengers closed to personal and payment data.
CEILINGS: Final[Mapping[str, DataClass]] = {"open": DataClass.PAYMENT, "strict": DataClass.INTAKE}


class Ceiling(msgspec.Struct, frozen=True):
    """The highest class of data that a channel may carry."""

    highest: DataClass

    @classmethod
    def of(cls, mode: str) -> Ceiling:
        """The ceiling of a channel that is 'open' or 'strict'. Raises KeyError for another mode."""
        return cls(CEILINGS[mode])

    def carries(self, data_class: DataClass) -> bool:
        """Whether something of *data_class* may be said here."""
        return data_class <= self.highest


def permitted(reply: Reply, ceiling: Ceiling, *, elsewhere: LinkButton | None = None) -> Reply:
    """*reply* as a channel with this *ceiling* may carry it.

    Above the ceiling stands the reply's lesser form; where it has none, a neutral sentence with the
    button *elsewhere*, which leads to where that very reply may be shown. Documents above the ceiling
    are left out, and so are links; the labels of buttons above it become neutral.
    """
    reply = _carried_form(reply, ceiling)
    if not ceiling.carries(reply.data_class):
        reply = _neutral(reply, elsewhere)
    return msgspec.structs.replace(
        reply,
        keyboard=_permitted_keyboard(reply.keyboard, ceiling),
        documents=tuple(file for file in reply.documents if ceiling.carries(class_of(file))),
        lesser=None,
    )


def withheld(reply: Reply, ceiling: Ceiling) -> bool:
    """Whether neither *reply* nor a lesser form of it may be said under this *ceiling*."""
    return not ceiling.carries(_carried_form(reply, ceiling).data_class)


def _carried_form(reply: Reply, ceiling: Ceiling) -> Reply:
    """The first of *reply* and its lesser forms that may be said; the least if none may."""
    while not ceiling.carries(reply.data_class) and reply.lesser is not None:
        reply = reply.lesser
    return reply


def _neutral(reply: Reply, elsewhere: LinkButton | None) -> Reply:
    leading: Keyboard = ((elsewhere,),) if elsewhere else ()
    how = (text("privacy-shown-once"),) if elsewhere else ()
    return msgspec.structs.replace(
        reply,
        body=(text("privacy-not-here"), *how),
        keyboard=leading + reply.keyboard,
        documents=(),
        data_class=DataClass.PUBLIC,
    )


def class_of(document: Document) -> DataClass:
    """What a document discloses."""
    match document:
        case BillDocument() | PaymentQr():
            return DataClass.PAYMENT
        case UsageChart():
            return DataClass.PERSONAL


def _permitted_keyboard(keyboard: Keyboard, ceiling: Ceiling) -> Keyboard:
    if all(
        isinstance(key, ContactButton) or ceiling.carries(key.data_class) for row in keyboard for key in row
    ):
        return keyboard
    rows = (tuple(_permitted_buttons(row, ceiling)) for row in keyboard)
    return tuple(row for row in rows if row)


def _permitted_buttons(row: tuple[Button, ...], ceiling: Ceiling) -> list[Button]:
    kept: list[Button] = []
    for button in row:
        match button:
            case PressButton(data_class=above) if not ceiling.carries(above):
                label = button.neutral or text("privacy-show-button")
                kept.append(PressButton(label, button.payload))
            # The address of a link is what it discloses, whatever its label says.
            case LinkButton(data_class=above) if not ceiling.carries(above):
                continue
            case PressButton() | LinkButton() | ContactButton():
                kept.append(button)
    return kept


# --- Once more at sending: what was queued under another ceiling ----------------------------------


def still_permitted(
    message: Message,
    ceiling: Ceiling,
    words: Words,
    *,
    instead: Sequence[Phrase] = (text("privacy-not-here"),),
) -> Message:
    """*message* as a channel may carry it now, whatever it might when the message was queued.

    Above the ceiling the text becomes neutral, *instead*; labels become neutral, links and documents are
    left out. An edit stays an edit: what it replaces was said under the old ceiling.
    """
    carries_text = ceiling.carries(message.data_class)
    documents = tuple(file for file in message.documents if ceiling.carries(class_of(file)))
    kept = msgspec.structs.replace(
        message,
        spans=message.spans if carries_text else (),
        documents=documents if carries_text else (),
        keyboard=_permitted_keys(message.keyboard, ceiling, words),
        data_class=min(message.data_class, ceiling.highest),
    )
    if kept.spans or kept.documents:
        return kept
    return msgspec.structs.replace(kept, spans=(Span("\n".join(map(words.plain, instead))),))


def _permitted_keys(
    keyboard: tuple[tuple[Key, ...], ...], ceiling: Ceiling, words: Words
) -> tuple[tuple[Key, ...], ...]:
    neutral = words.plain(text("privacy-show-button"))
    rows = (
        tuple(
            key if ceiling.carries(key.data_class) else Key(neutral, key.kind, key.data)
            for key in row
            if ceiling.carries(key.data_class) or key.kind == "press"
        )
        for row in keyboard
    )
    return tuple(row for row in rows if row)
