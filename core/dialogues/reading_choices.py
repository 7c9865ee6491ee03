"""Values that may be meant for several meters: asked about one after another; what is clear waits meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec

from core.conversation import ChoosingMeter, Idle, ReadingEntry, WaitingValue
from core.dialogues.reading_cards import (
    BACK_TO_METERS_CARD,
    MENU,
    WAYS_OUT,
    meter_button,
    meters_card,
    register_of,
)
from core.dialogues.reading_cases import staff_button
from core.dialogues.reading_lines import NOTHING, Lines, assumed, everywhere, of_meter, placed
from core.dialogues.reading_proposals import propose
from core.dialogues.reading_stages import choosing, entered_so_far
from core.messages import Keyboard, Month, press, text
from core.meters import Meter
from core.reading_text import Doubt, Entered, Entries, Slot, understand
from core.reading_words import SERIAL_END_DIGITS_MIN
from core.turns import Told, Turn, told

# More values than any flat has registers are not waited for.
WAITING_MAX: Final = 20


async def take_values(
    turn: Turn,
    meters: Sequence[Meter],
    entries: Sequence[Entered],
    doubts: Sequence[Doubt] = (),
    *,
    corrects: bool = False,
    opening: Lines = NOTHING,
) -> Told:
    """Clear *entries* join what was entered before in the same go, *doubts* join what is to be asked about.

    *corrects*: they are right where earlier ones were wrong; what a bill was made of only staff can change.
    """
    by_id = {meter.id: meter for meter in meters}
    for_bill, for_staff = list[Entered](), list[Entered]()
    for one in entries:
        of_this_bill = register_of(by_id[one.slot.meter], one.slot.register).sent is not None
        (for_bill if of_this_bill or not corrects else for_staff).append(one)
    before = choosing(turn)
    asked_about = {value.typed for value in before.waiting} if before else set[str]()
    new = [doubt for doubt in doubts if doubt.typed not in asked_about]
    if asked_about and new:
        opening += everywhere(text("reading-queued", typed="; ".join(_shown(doubt.typed) for doubt in new)))
    waiting = _still_waiting(turn, entries, new, corrects=corrects)
    homeless = [value.typed for value in waiting if not value.candidates]
    if homeless:
        opening += unplaced(homeless)
    stage = ChoosingMeter(
        turn.linked.account,
        tuple(value for value in waiting if value.candidates)[:WAITING_MAX],
        _entered(turn, by_id, for_bill),
    )
    opening += assumed(by_id, for_bill)
    staff: Keyboard = ()
    for one in for_staff:
        meter = by_id[one.slot.meter]
        opening += of_meter("reading-correct-earlier", meter)
        staff += ((staff_button(turn, meter, one.slot.register, one.value),),)
    return await go_on(turn, meters, stage, opening=opening, more=staff)


def _still_waiting(
    turn: Turn, entries: Sequence[Entered], doubts: Sequence[Doubt], *, corrects: bool
) -> list[WaitingValue]:
    """What waited and is not answered by *entries*, and *doubts* after it; a register that has its value is out."""
    stage = choosing(turn)
    waiting = list(stage.waiting) if stage else []
    for one in entries:
        slot = (one.slot.meter, one.slot.register)
        answered = [value for value in waiting if value.typed == one.typed and slot in value.candidates][:1]
        waiting = [
            msgspec.structs.replace(
                value, candidates=tuple(each for each in value.candidates if each != slot)
            )
            for value in waiting
            if value not in answered
        ]
    new = [
        WaitingValue(doubt.typed, tuple((slot.meter, slot.register) for slot in doubt.candidates), corrects)
        for doubt in doubts
    ]
    return [*waiting, *new]


def _entered(turn: Turn, meters: dict[str, Meter], entries: Sequence[Entered]) -> tuple[ReadingEntry, ...]:
    new = [ReadingEntry(one.slot.meter, one.slot.register, f"{one.value:f}") for one in entries]
    named = {(one.meter, one.register) for one in new}
    kept = [
        one for one in entered_so_far(turn) if (one.meter, one.register) not in named and one.meter in meters
    ]
    return (*kept, *new)


async def go_on(
    turn: Turn,
    meters: Sequence[Meter],
    stage: ChoosingMeter,
    *,
    opening: Lines = NOTHING,
    more: Keyboard = (),
) -> Told:
    """Ask about the first value that waits; once none does, show all on one card. *more* are further buttons."""
    if stage.waiting:
        return _ask_which(turn, meters, stage, opening, more)
    if stage.entered:
        return await propose(turn, meters, stage.entered, opening=opening, more=more)
    if more:
        return told(Idle(), opening.said((*more, (BACK_TO_METERS_CARD, MENU))))
    return told(Idle(), meters_card(turn, meters, opening=opening.plain))


async def go_on_as_before(turn: Turn, meters: Sequence[Meter], opening: Lines) -> Told:
    """What was begun goes on after *opening*: the same question or card again; else the card of all meters."""
    stage = choosing(turn)
    waiting = stage.waiting if stage else ()
    return await go_on(
        turn,
        meters,
        ChoosingMeter(turn.linked.account, waiting, entered_so_far(turn)),
        opening=opening,
    )


async def ask_which_again(turn: Turn, meters: Sequence[Meter]) -> Told:
    """The question about the first waiting value once more, after words that answer nothing."""
    return await go_on_as_before(turn, meters, everywhere(text("reading-choose")))


def unplaced(typed: Sequence[str]) -> Lines:
    """Values of which nobody can tell what meter they are of."""
    return everywhere(text("reading-unplaced", typed="; ".join(map(_shown, typed))))


# --- The question ----------------------------------------------------------------------------------


def _ask_which(
    turn: Turn, meters: Sequence[Meter], stage: ChoosingMeter, opening: Lines, more: Keyboard
) -> Told:
    by_id, month = {meter.id: meter for meter in meters}, Month.of(turn.today)
    first = stage.waiting[0]
    buttons = [
        (meter_button(by_id[meter], month, register=number, key="meter-choice-button", token=_token(first)),)
        for meter, number in first.candidates
        if meter in by_id
    ]
    values = {
        Slot(one.meter, one.register): one.value.replace(".", ",")
        for one in stage.entered
        if one.meter in by_id
    }
    question = "reading-which-to-correct" if first.corrects else "reading-which-meter"
    lines = opening + placed(by_id, values) + everywhere(text(question, typed=_shown(first.typed)))
    others = len(stage.waiting) > 1 or stage.entered
    skip = ((press("reading-skip-button", f"reading-pass:{_token(first)}"),),) if others else ()
    return told(stage, lines.said((*buttons, *skip, *more, WAYS_OUT), numeric=True))


def _shown(typed: str) -> str:
    return typed.replace(".", ",")


def _token(value: WaitingValue) -> str:
    """A short mark of a question, so that the button of an answered one is known for what it is."""
    return f"{crc32(repr(value).encode()):08x}"


# --- The answer ------------------------------------------------------------------------------------


async def take_choice(
    turn: Turn, meters: Sequence[Meter], stage: ChoosingMeter, meter: Meter, *, register: int, token: str
) -> Told:
    """A meter was pressed. *token* is of the question that it stood under, '' if under none."""
    first = stage.waiting[0]
    among = register == 0 or (meter.id, register) in first.candidates
    entered = for_meter(meter, register, first.typed) if among and token in {"", _token(first)} else None
    if entered is None or (entered.slot.meter, entered.slot.register) not in first.candidates:
        return await go_on(turn, meters, stage)
    return await take_values(turn, meters, [entered], corrects=first.corrects)


async def pass_value(turn: Turn, meters: Sequence[Meter], stage: ChoosingMeter, token: str) -> Told:
    """«Пропустить»: the value that is asked about is let go."""
    left = stage.waiting[1:] if token == _token(stage.waiting[0]) else stage.waiting
    return await go_on(turn, meters, msgspec.structs.replace(stage, waiting=left))


def named_in(typed: str, meters: Sequence[Meter], stage: ChoosingMeter) -> Entered | None:
    """The waiting value for the meter that *typed* names: by a room, a service or the end of its serial."""
    first = stage.waiting[0]
    by_id = {meter.id: meter for meter in meters}
    asked_about = {
        meter: _narrowed(by_id[meter], [number for owner, number in first.candidates if owner == meter])
        for meter, _ in first.candidates
        if meter in by_id
    }
    end = typed.strip()
    is_end = end.isdecimal() and len(end) >= SERIAL_END_DIGITS_MIN
    for name in (typed, f"*{end}") if is_end else (typed,):
        understood = understand(f"{name} {first.typed}", tuple(asked_about.values()))
        if isinstance(understood, Entries) and [one.typed for one in understood.entries] == [first.typed]:
            return understood.entries[0]
    return None


def for_meter(meter: Meter, register: int, typed: str) -> Entered | None:
    """*typed* as a value of *meter*, of its *register* or of the only one."""
    numbers = [one.number for one in meter.registers if register in {0, one.number}]
    understood = understand(typed, [_narrowed(meter, numbers)], awaited=meter.id)
    return understood.entries[0] if isinstance(understood, Entries) and len(numbers) == 1 else None


def _narrowed(meter: Meter, numbers: Sequence[int]) -> Meter:
    registers = tuple(one for one in meter.registers if one.number in numbers)
    return msgspec.structs.replace(meter, registers=registers, smart=False, closed_on=None)
