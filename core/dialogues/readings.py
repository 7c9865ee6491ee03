"""Handing in readings: the card of meters, free text at any point, a confirm card, a receipt.

Nothing typed in good faith is dropped: late values count for the next bill, doubtful ones are asked about,
impossible ones go to staff with a photo asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from core.conversation import EnteringReading, Idle, ReadingEntry
from core.dialogues.reading_cards import (
    BACK_TO_METERS_CARD,
    MENU,
    mark_of,
    meters_card,
    receipt,
    register_name,
    register_of,
)
from core.dialogues.reading_cases import hand_to_staff
from core.dialogues.reading_choices import (
    ask_which_again,
    for_meter,
    go_on_as_before,
    named_in,
    pass_value,
    take_choice,
    take_values,
    unplaced,
)
from core.dialogues.reading_lines import NOTHING, Lines, everywhere
from core.dialogues.reading_proposals import (
    ask_register,
    exchange,
    judge_all,
    latest_of,
    propose,
    token_of,
)
from core.dialogues.reading_stages import awaited, choosing, confirmed, entered_so_far
from core.driving import Handler
from core.messages import Month, Press, text
from core.meter_questions import Entry, Kept, MetersOf, Overtaken, SubmitReadings
from core.meters import Meter
from core.reading_text import (
    Consumption,
    Correction,
    Entries,
    Negative,
    NotReading,
    Slot,
    Unchanged,
    Unclear,
    Understood,
    WhichMeter,
    understand,
)
from core.reading_verdicts import Plausible, Reckoned, RolledOver, UnusuallyHigh
from core.reading_words import is_about_values, normalised
from core.turns import ReadingRejected, Told, Turn, told

_YES: Final = frozenset(
    {"да", "ага", "угу", "ок", "ok", "верно", "все верно", "сохранить", "сохрани", "yes", "save"}
)
_NO: Final = frozenset({"нет", "не верно", "неверно", "исправить", "не так", "no", "fix"})


# --- Buttons ---------------------------------------------------------------------------------------


async def show_meters(turn: Turn, args: Sequence[str] = ()) -> Told:  # noqa: ARG001  # every button's handler has them
    """The card with all meters of the account."""
    return _in_place(turn, told(Idle(), meters_card(turn, await _meters(turn))))


async def choose_meter(turn: Turn, args: Sequence[str]) -> Told:
    """A meter was pressed: its value is asked for, or the value that waits is meant for it.

    *args*: the meter's mark, a register or 0, the month of the button, the question that it answers.
    """
    meters = await _meters(turn)
    mark, register, month, token = (*args, "", "", "", "")[:4]
    meter = next((one for one in meters if mark_of(one.id) == mark), None)
    if meter is None or month != str(Month.of(turn.today)):
        return _outdated(turn, meters)
    number = int(register) if register.isdigit() else 0
    if (stage := choosing(turn)) and stage.waiting:
        return await take_choice(turn, meters, stage, meter, register=number, token=token)
    if token:
        return _outdated(turn, meters)
    wanted = [one for one in meter.registers if one.number == number]
    missing = [one for one in meter.registers if one.sent is None]
    return ask_register(turn, meter, (*wanted, *missing, *meter.registers)[0])


async def skip(turn: Turn, args: Sequence[str]) -> Told:
    """«Пропустить»: the next meter that is still missing; else the card."""
    meters = await _meters(turn)
    asked = [meter for meter in meters if meter.asked]
    at = next((at for at, meter in enumerate(asked) if args and mark_of(meter.id) == args[0]), len(asked))
    for meter in asked[at + 1 :]:
        missing = [register for register in meter.registers if register.sent is None]
        if missing:
            return ask_register(turn, meter, missing[0], entered_so_far(turn))
    waiting = entered_so_far(turn)
    complete = [entry for entry in waiting if not args or mark_of(entry.meter) != args[0]]
    if complete:
        return await propose(turn, meters, complete)
    return told(Idle(), meters_card(turn, meters))


async def let_go(turn: Turn, args: Sequence[str]) -> Told:
    """«Пропустить» where a value waits for its meter. *args*: the question's mark."""
    meters = await _meters(turn)
    if (stage := choosing(turn)) is None or not stage.waiting:
        return _outdated(turn, meters)
    return await pass_value(turn, meters, stage, args[0] if args else "")


async def save(turn: Turn, args: Sequence[str]) -> Told:
    """«Сохранить»: keep what the confirm card showed, unless something changed since. *args*: the card's mark."""
    meters = await _meters(turn)
    if (stage := confirmed(turn)) is None:
        return _outdated(turn, meters)
    judged = judge_all(turn, meters, stage.entries)
    reckoned = [one.reckoned for _, one in judged if isinstance(one, Plausible | UnusuallyHigh)]
    doubted = {meter.id for meter, one in judged if isinstance(one, UnusuallyHigh)}
    token = token_of(stage, reckoned)
    if len(reckoned) < len(judged) or latest_of(reckoned) != stage.judged_on or (args and args[0] != token):
        changed = everywhere(text("reading-overtaken"))
        return await propose(turn, meters, stage.entries, opening=changed, may_swap=False)
    match await _submit(turn, reckoned, doubted):
        case Kept() as kept:
            saved = {one.meter.id for one in reckoned}
            left = [one for one in meters if one.asked and one.id not in saved and _is_missing(one)]
            answer = receipt(turn, kept, reckoned, left=left, number_name=turn.linked.name)
            return _in_place(turn, told(Idle(), answer))
        case Overtaken():
            changed = everywhere(text("reading-overtaken"))
            return await propose(turn, await _meters(turn), stage.entries, opening=changed, may_swap=False)


async def fix(turn: Turn, args: Sequence[str]) -> Told:  # noqa: ARG001  # every button's handler has them
    """«Исправить»: ask for the only value again, or for all in one message."""
    meters = await _meters(turn)
    if (stage := confirmed(turn)) is None:
        return _outdated(turn, meters)
    by_id = {meter.id: meter for meter in meters}
    if len(stage.entries) == 1 and (meter := by_id.get(stage.entries[0].meter)):
        return ask_register(turn, meter, register_of(meter, stage.entries[0].register))
    return told(Idle(), meters_card(turn, meters, opening=[text("reading-type-again")]))


async def as_typed(turn: Turn, args: Sequence[str]) -> Told:
    """«Оставить как есть»: the two values that were exchanged go back. *args*: the card's mark, two meters."""
    meters = await _meters(turn)
    stage = confirmed(turn)
    pair = [meter.id for meter in meters if mark_of(meter.id) in args[1:]]
    if stage is None or len(pair) != 2 or not set(pair) <= {entry.meter for entry in stage.entries}:
        return _outdated(turn, meters)
    return await propose(turn, meters, exchange(stage.entries, (pair[0], pair[1])), may_swap=False)


async def insist(turn: Turn, args: Sequence[str]) -> Told:
    """«Всё верно»: a value that the rules refuse goes to staff. *args*: meter, register, value, month."""
    meters = await _meters(turn)
    mark, register, typed, month = (*args, "", "", "", "")[:4]
    meter = next((one for one in meters if mark_of(one.id) == mark), None)
    numbers = [one.number for one in meter.registers] if meter else []
    value = _decimal(typed)
    if not meter or month != str(Month.of(turn.today)) or value is None or register not in map(str, numbers):
        return _outdated(turn, meters)
    return await hand_to_staff(turn, meter, int(register), value)


OF_ACCOUNT: Final[dict[str, Handler]] = {
    "read": show_meters,
    "meter": choose_meter,
    "reading-skip": skip,
    "reading-pass": let_go,
    "reading-save": save,
    "reading-fix": fix,
    "reading-as-typed": as_typed,
    "reading-staff": insist,
}


# --- Words -----------------------------------------------------------------------------------------


async def take_text(turn: Turn, typed: str) -> Told | None:
    """What *typed* says about meters, wherever the talk stands; None if it is about something else."""
    stage = turn.stage
    if confirmed(turn):
        folded = " ".join(normalised(typed).split()).strip(" .!,")
        if folded in _YES | _NO:
            return await (save if folded in _YES else fix)(turn, ())
    choice = choosing(turn)
    choice = choice if choice and choice.waiting else None
    if not is_about_values(typed) and not choice:
        return None
    meters = await _meters(turn)
    numbers = [link.number for link in turn.resident.links] if turn.resident else []
    if choice and (named := named_in(typed, meters, choice)):
        return await take_values(turn, meters, [named], corrects=choice.waiting[0].corrects)
    understood = understand(typed, meters, account_numbers=numbers, awaited=awaited(turn))
    if isinstance(understood, WhichMeter) and isinstance(stage, EnteringReading):
        understood = _for_awaited(stage, meters, understood)
    return await _answer(turn, meters, understood)


async def ask_again(turn: Turn) -> Told | None:
    """Words that nobody understood, where a value waits for its meter: the question again; elsewhere None."""
    stage = choosing(turn)
    return await ask_which_again(turn, await _meters(turn)) if stage and stage.waiting else None


async def _answer(turn: Turn, meters: Sequence[Meter], understood: Understood) -> Told | None:
    match understood:
        case Entries() | WhichMeter() | Unclear():
            return await _take(turn, meters, understood)
        case Unchanged(slots):
            return await _unchanged(turn, meters, slots)
        case Correction(of):
            return await _take(turn, meters, of, corrects=True)
        case Consumption(typed):
            wrong = everywhere(text("reading-not-consumption", typed="; ".join(typed).replace(".", ",")))
        case Negative(number):
            wrong = everywhere(text("reading-negative", value=number.replace(".", ",")))
        case NotReading():
            return None
    return _ask_for_dial(turn, meters, wrong) or await go_on_as_before(turn, meters, wrong)


async def _take(
    turn: Turn, meters: Sequence[Meter], of: Entries | WhichMeter | Unclear, *, corrects: bool = False
) -> Told:
    """What is clear is kept on the way to the confirm card, whatever the rest of the text was."""
    match of:
        case Entries(entries):
            return await take_values(turn, meters, entries, corrects=corrects)
        case WhichMeter(doubts, entries, unclear):
            lines = unplaced(unclear) if unclear else NOTHING
            return await take_values(turn, meters, entries, doubts, corrects=corrects, opening=lines)
        case Unclear(unclear, entries) if entries and unclear:
            return await take_values(turn, meters, entries, corrects=corrects, opening=unplaced(unclear))
        case Unclear():
            return await go_on_as_before(turn, meters, everywhere(text("reading-unclear")))


async def _unchanged(turn: Turn, meters: Sequence[Meter], slots: Sequence[Slot]) -> Told:
    """«Те же»: the last values again, with what that means."""
    by_id = {meter.id: meter for meter in meters}
    registers = [(slot, register_of(by_id[slot.meter], slot.register)) for slot in slots]
    entries = [
        ReadingEntry(slot.meter, slot.register, f"{register.last:f}")
        for slot, register in registers
        if register.last is not None and register.sent is None
    ]
    if not entries:
        return told(Idle(), meters_card(turn, meters, opening=[text("reading-nothing-left")]))
    return await propose(turn, meters, entries, opening=everywhere(text("reading-unchanged")))


def _ask_for_dial(turn: Turn, meters: Sequence[Meter], wrong: Lines) -> Told | None:
    """*wrong* is no value of a dial: the one that was asked for, or the only one, is asked for again."""
    asked = [meter for meter in meters if meter.asked]
    meant = next((meter for meter in asked if meter.id == awaited(turn) or len(asked) == 1), None)
    if meant is None:
        return None
    number = turn.stage.register if isinstance(turn.stage, EnteringReading) else 0
    register = next((one for one in meant.registers if one.number == number), meant.registers[0])
    return ask_register(turn, meant, register, entered_so_far(turn), opening=wrong)


async def reading_rejected(turn: Turn, event: ReadingRejected) -> Told:
    """Billing does not take a reading: of which meter, the reason, and the way to send it anew."""
    meters = await MetersOf(event.account, _day(turn), turn.centre.moved_windows) if event.meter else ()
    meter = next((one for one in meters if one.id == event.meter), None)
    number = str(event.reading)
    if meter and any(register.number == event.register for register in meter.registers):
        # One receipt is often of several meters: its number alone does not tell which of them.
        name = register_name(meter, event.register)
        short = register_name(meter, event.register, short=True)
        lines = [text("reading-rejected-of", number=number, name=name, reason=event.reason)]
        lesser = [text("reading-rejected-of-lesser", number=number, name=short)]
    else:
        lines = [text("reading-rejected", number=number, reason=event.reason)]
        lesser = [text("reading-rejected-lesser", number=number)]
    return told(turn.stage, Lines(tuple(lines), tuple(lesser)).said(((BACK_TO_METERS_CARD, MENU),)))


# --- Bare values ----------------------------------------------------------------------------------


def _for_awaited(stage: EnteringReading, meters: Sequence[Meter], which: WhichMeter) -> Entries | WhichMeter:
    """A bare value for the register that was asked for, where the meter has several."""
    meter = next((one for one in meters if one.id == stage.meter), None)
    slots = {slot.meter for doubt in which.doubts for slot in doubt.candidates}
    if meter is None or slots != {meter.id} or len(which.doubts) > 1:
        return which
    entered = for_meter(meter, stage.register, which.doubts[0].typed)
    return Entries((*which.entries, entered)) if entered else which


def _is_missing(meter: Meter) -> bool:
    return any(register.sent is None for register in meter.registers)


def _outdated(turn: Turn, meters: Sequence[Meter]) -> Told:
    return told(Idle(), meters_card(turn, meters, opening=[text("reading-old-button")]))


def _in_place(turn: Turn, answer: Told) -> Told:
    """*answer* instead of the message whose button was pressed, so that no spent button is left."""
    first, *rest = answer.replies
    replaced = msgspec.structs.replace(first, replaces=isinstance(turn.said, Press))
    return msgspec.structs.replace(answer, replies=(replaced, *rest))


# --- What is asked of storage ----------------------------------------------------------------------


async def _meters(turn: Turn) -> tuple[Meter, ...]:
    return _at_centre(turn, await MetersOf(turn.linked.account, _day(turn), turn.centre.moved_windows))


def _day(turn: Turn) -> date:
    return turn.sent_at.astimezone(turn.centre.zone).date()


def _at_centre(turn: Turn, meters: Sequence[Meter]) -> tuple[Meter, ...]:
    """*meters* with their windows by the centre's clock."""
    zone = str(turn.centre.zone)
    return tuple(
        msgspec.structs.replace(meter, window=msgspec.structs.replace(meter.window, timezone=zone))
        for meter in meters
    )


async def _submit(turn: Turn, reckoned: Sequence[Reckoned], doubted: Collection[str]) -> Kept | Overtaken:
    entries = tuple(
        Entry(
            meter=one.meter.id,
            register=use.register,
            value=use.value,
            judged_on=register_of(one.meter, use.register).latest,
            counted_period=one.period,
            flags=_flags(one, doubted=doubted),
        )
        for one in reckoned
        for use in one.uses
        if use.fresh
    )
    return await SubmitReadings(
        account=turn.linked.account,
        entries=entries,
        received_at=turn.sent_at.astimezone(turn.centre.zone),
        channel=turn.channel,
        chat=turn.chat,
        resident=turn.resident.id if turn.resident else 0,
        source_ref=f"{turn.channel}:{turn.key}",
    )


def _flags(reckoned: Reckoned, *, doubted: Collection[str]) -> tuple[str, ...]:
    rolled = any(isinstance(note, RolledOver) for note in reckoned.notes)
    return (
        *(("confirmed_high",) if reckoned.meter.id in doubted else ()),
        *(("rollover",) if rolled else ()),
    )


def _decimal(typed: str) -> Decimal | None:
    """A value out of a payload, which anyone could have made up."""
    try:
        value = Decimal(typed)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < 10**9 else None
