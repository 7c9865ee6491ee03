"""What is said before a card: in full, and in words that any channel may carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from core.dialogues.reading_cards import full_name, register_name, short_name
from core.messages import DataClass, Keyboard, Phrase, Reply, say, text
from core.meters import Meter
from core.reading_text import Assumption, Entered, Slot


class Lines(msgspec.Struct, frozen=True):
    """The same twice: *full* may speak of earlier readings and rooms, *plain* only of what was typed."""

    full: tuple[Phrase, ...] = ()
    plain: tuple[Phrase, ...] = ()

    def __add__(self, other: Lines) -> Lines:
        return Lines((*self.full, *other.full), (*self.plain, *other.plain))

    def said(self, keyboard: Keyboard, *, numeric: bool = False) -> Reply:
        """A reply of these lines; *numeric*: digits typed after it are a value and choose no button."""
        lesser = say(*self.plain, keyboard=keyboard, data_class=DataClass.INTAKE, numeric=numeric)
        return say(
            *self.full, keyboard=keyboard, data_class=DataClass.PERSONAL, lesser=lesser, numeric=numeric
        )


NOTHING = Lines()


def everywhere(*lines: Phrase) -> Lines:
    """Lines that any channel may carry."""
    return Lines(lines, lines)


def of_meter(key: str, meter: Meter) -> Lines:
    """The line *key* about *meter*, by its name."""
    return Lines((text(key, name=full_name(meter)),), (text(key, name=short_name(meter)),))


def assumed(meters: Mapping[str, Meter], entries: Sequence[Entered]) -> Lines:
    """What was taken for granted about *entries*, each thing once."""
    understood = [
        text("reading-understood-as", typed=entry.typed, value=entry.value)
        for entry in entries
        if {Assumption.MISPRINT, Assumption.RED_DIGITS, Assumption.READ_ALOUD} & set(entry.assumed)
    ]
    if any(Assumption.IN_ORDER in entry.assumed for entry in entries):
        understood.append(text("reading-in-order"))
    lines = everywhere(*understood)
    for entry in entries:
        if Assumption.SAME in entry.assumed:
            lines += of_meter("reading-same", meters[entry.slot.meter])
    return lines


def placed(meters: Mapping[str, Meter], values: Mapping[Slot, str]) -> Lines:
    """Values that have found their meters, a line each."""
    return Lines(
        tuple(
            text("reading-placed", name=register_name(meters[slot.meter], slot.register), value=value)
            for slot, value in values.items()
        ),
        tuple(
            text(
                "reading-placed",
                name=register_name(meters[slot.meter], slot.register, short=True),
                value=value,
            )
            for slot, value in values.items()
        ),
    )
