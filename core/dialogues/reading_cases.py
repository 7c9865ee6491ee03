"""Readings and photos that a member of staff must look at: cases, and the photo that is asked for."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from core.conversation import ShowingMeter
from core.dialogues.reading_cards import (
    BACK_TO_METERS_CARD,
    CANCEL,
    MENU,
    full_name,
    mark_of,
    register_of,
    short_name,
)
from core.dialogues.terms import unit_named
from core.messages import DataClass, Keyboard, Month, Phrase, PressButton, press, say, text
from core.metering import judge
from core.meters import Meter
from core.questions import OpenCase
from core.reading_verdicts import (
    AlreadySent,
    BelowLast,
    Closed,
    Impossible,
    LockedByBill,
    NotCommissioned,
    Plausible,
    RegisterMissing,
    SmartOnly,
    TooManyDigits,
    TooManyFractionDigits,
    UnusuallyHigh,
    Verdict,
)
from core.turns import Told, Turn, told

_PHOTO_KEYBOARD: Keyboard = ((BACK_TO_METERS_CARD, CANCEL, MENU),)


def staff_button(turn: Turn, meter: Meter, register: int, value: Decimal) -> PressButton:
    """«Всё верно»: hand *value*, which the rules do not take, to staff."""
    return press(
        "reading-staff-button",
        f"reading-staff:{mark_of(meter.id)}:{register}:{value:f}:{Month.of(turn.today)}",
    )


class Handed(msgspec.Struct, frozen=True):
    """A case for staff by its number, and what is said of it; *plain_line* is for any channel."""

    number: int
    line: Phrase
    plain_line: Phrase


async def open_impossible(turn: Turn, verdict: Impossible) -> Handed:
    """Hand a reading that cannot be believed to staff at once, and ask for a photo."""
    meter = verdict.reckoned.meter
    values = {use.register: use.value for use in verdict.reckoned.uses if use.fresh}
    case = await _open(turn, "reading_impossible", meter, values, consumption=verdict.consumption)
    line = text(
        "reading-impossible",
        name=full_name(meter),
        consumption=verdict.consumption,
        unit=unit_named(meter.unit),
        number=str(case),
    )
    plainly = text("reading-impossible-plainly", name=short_name(meter), number=str(case))
    return Handed(case, line, plainly)


async def hand_to_staff(turn: Turn, meter: Meter, register: int, value: Decimal) -> Told:
    """The resident insists on *value*: a case, and a photo is asked for."""
    alone = msgspec.structs.replace(meter, registers=(register_of(meter, register),))
    kind = _kind_of(judge(alone, {register: value}, sent_at=turn.sent_at))
    case = await _open(turn, kind, meter, {register: value})
    number = text("reading-case", number=str(case))
    lesser = say(
        number,
        text("reading-photo-please", name=short_name(meter)),
        keyboard=_PHOTO_KEYBOARD,
        data_class=DataClass.INTAKE,
    )
    reply = say(
        number,
        text("reading-photo-please", name=full_name(meter)),
        keyboard=_PHOTO_KEYBOARD,
        data_class=DataClass.PERSONAL,
        lesser=lesser,
    )
    return told(ShowingMeter(turn.linked.account, case), reply)


async def _open(
    turn: Turn, kind: str, meter: Meter, values: dict[int, Decimal], *, consumption: Decimal | None = None
) -> int:
    facts = [("meter", meter.id), ("serial", meter.serial), ("service", meter.service)]
    for number, value in values.items():
        last = register_of(meter, number).last
        facts += [(f"value_{number}", f"{value:f}"), (f"last_{number}", "" if last is None else f"{last:f}")]
    if consumption is not None:
        facts.append(("consumption", f"{consumption:f}"))
    facts.append(("sent_at", turn.sent_at.isoformat()))
    return await OpenCase(
        kind=kind, chat=turn.chat, account=turn.linked.account, facts=tuple(facts), at=turn.now
    )


def _kind_of(verdict: Verdict) -> str:
    match verdict:
        case BelowLast():
            return "reading_below_last"
        case LockedByBill():
            return "reading_locked"
        case Impossible():
            return "reading_impossible"
        case Plausible() | UnusuallyHigh() | AlreadySent() | RegisterMissing():
            return "reading_correction"
        case Closed() | NotCommissioned() | SmartOnly() | TooManyDigits() | TooManyFractionDigits():
            return "reading_refused"
