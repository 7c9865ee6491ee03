"""What a reply discloses: masks for what names a person, and the ceiling of what a channel may carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from core.messages import (
    BillDocument,
    Button,
    ContactButton,
    DataClass,
    Document,
    Keyboard,
    LinkButton,
    PaymentQr,
    PressButton,
    Reply,
    UsageChart,
    text,
)

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


def masked_name(name: str) -> str:
    """A person's name by its first letters: `И*** П***`."""
    return " ".join(f"{word[0]}***" for word in name.split())


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
    if not ceiling.carries(reply.data_class):
        if reply.lesser is not None:
            return permitted(reply.lesser, ceiling, elsewhere=elsewhere)
        reply = _neutral(reply, elsewhere)
    return msgspec.structs.replace(
        reply,
        keyboard=_permitted_keyboard(reply.keyboard, ceiling),
        documents=tuple(file for file in reply.documents if ceiling.carries(class_of(file))),
        lesser=None,
    )


def _neutral(reply: Reply, elsewhere: LinkButton | None) -> Reply:
    leading: Keyboard = ((elsewhere,),) if elsewhere else ()
    return msgspec.structs.replace(
        reply,
        body=(text("privacy-not-here"),),
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
