"""How meters and readings are shown: names, the card of all meters, the confirm card, the receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from zlib import crc32

from core.dialogues.terms import place_named, unit_named, zone_named
from core.messages import DataClass, Keyboard, Month, Phrase, PressButton, Reply, press, say, text
from core.meter_questions import Kept
from core.metering import hot_above_cold, verification_note
from core.meters import COLD_WATER, ELECTRICITY, GAS, HEATING, HOT_WATER, Meter, Register
from core.privacy import masked_serial
from core.reading_verdicts import (
    Corrects,
    LateForPeriod,
    Note,
    Reckoned,
    RolledOver,
    Use,
    VerificationExpired,
    VerificationSoon,
    ZeroAgain,
)
from core.turns import Turn

_SERVICES: Final[Mapping[str, tuple[str, str]]] = {
    COLD_WATER: ("meter-cold-water", "meter-cold-water-short"),
    HOT_WATER: ("meter-hot-water", "meter-hot-water-short"),
    ELECTRICITY: ("meter-electricity", "meter-electricity-short"),
    GAS: ("meter-gas", "meter-gas-short"),
    HEATING: ("meter-heating", "meter-heating-short"),
}
_OTHER: Final = ("meter-other", "meter-other-short")

MENU: Final = press("menu-button", "menu")
CANCEL: Final = press("cancel-button", "cancel")
BACK_TO_METERS: Final = press("back-button", "read")
WAYS_OUT: Final = (BACK_TO_METERS, CANCEL, MENU)


# --- Names -----------------------------------------------------------------------------------------


def full_name(meter: Meter) -> Phrase:
    """`Холодная вода, кухня, …6342`."""
    service, serial = text(_SERVICES.get(meter.service, _OTHER)[0]), masked_serial(meter.serial)
    if meter.place:
        return text("meter-name-place", service=service, place=place_named(meter.place), serial=serial)
    return text("meter-name", service=service, serial=serial)


def short_name(meter: Meter) -> Phrase:
    """`ХВС …6342`, which any channel may carry."""
    service = text(_SERVICES.get(meter.service, _OTHER)[1])
    return text("meter-name-short", service=service, serial=masked_serial(meter.serial))


def register_name(meter: Meter, number: int, *, short: bool = False) -> Phrase:
    """The meter's name, with its zone where it has several."""
    name = short_name(meter) if short else full_name(meter)
    if len(meter.registers) == 1:
        return name
    return text("meter-name-zone", name=name, zone=zone_named(register_of(meter, number).label, number))


def register_of(meter: Meter, number: int) -> Register:
    """The register of *meter* with this number. Raises LookupError if there is none."""
    for register in meter.registers:
        if register.number == number:
            return register
    raise LookupError(number)


def example_of(asked: Sequence[Meter]) -> Phrase:
    """How readings of these very meters may be typed: the first of two services, with a place where it matters."""
    services = list(dict.fromkeys(meter.service for meter in asked))[:2]
    parts = []
    for service, values in zip(services, ((123, 456, 789), (45, 67, 89)), strict=False):
        meter, *others = (one for one in asked if one.service == service)
        name = text(_SERVICES.get(service, _OTHER)[1])
        if others and meter.place:
            name = text("meter-example-place", service=name, place=place_named(meter.place))
        shown = values_of([Decimal(value) for value in values[: len(meter.registers)]])
        parts.append(text("meter-example", name=name, value=shown))
    return parts[0] if len(parts) == 1 else text("meter-example-two", first=parts[0], second=parts[1])


def mark_of(meter_id: str) -> str:
    """A short mark of a meter for payloads: ids of billing may be longer than a payload carries."""
    return f"{crc32(meter_id.encode()):08x}"


def meter_button(
    meter: Meter, month: Month, *, register: int = 0, key: str = "meter-button", token: str = ""
) -> PressButton:
    """A button that begins a reading of *meter*; of an earlier month it only shows the card anew.

    *token*: the question that the meter answers.
    """
    name = register_name(meter, register) if register else full_name(meter)
    short = register_name(meter, register, short=True) if register else short_name(meter)
    return press(
        key,
        f"meter:{mark_of(meter.id)}:{register}:{month}{token and f':{token}'}",
        data_class=DataClass.PERSONAL,
        neutral=text(key, name=short),
        name=name,
    )


# --- The card of all meters ------------------------------------------------------------------------


def meters_card(turn: Turn, meters: Sequence[Meter], *, opening: Sequence[Phrase] = ()) -> Reply:
    """All meters of the account with their state, and a button for each that is asked for."""
    if not meters:
        return say(*opening, text("meter-none"), keyboard=((MENU,),))
    asked = [meter for meter in meters if meter.asked]
    month = Month.of(turn.today)
    hint = (text("meter-card-hint", example=example_of(asked)),) if asked else ()
    keyboard: Keyboard = (
        *((meter_button(meter, month, key=_button_key(meter)),) for meter in asked),
        (MENU,),
    )
    lesser = say(
        *opening,
        text("meter-card-heading"),
        *(text(_lesser_key(meter), name=short_name(meter)) for meter in asked),
        *hint,
        keyboard=keyboard,
        data_class=DataClass.INTAKE,
        numeric=True,
    )
    lines = [line for meter in meters for line in _card_lines(turn, meter)]
    return say(
        *opening,
        text("meter-card-heading"),
        *lines,
        *hint,
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=lesser,
        numeric=True,
    )


def _is_sent(meter: Meter) -> bool:
    return all(register.sent for register in meter.registers)


def _button_key(meter: Meter) -> str:
    return "meter-button-sent" if _is_sent(meter) else "meter-button"


def _lesser_key(meter: Meter) -> str:
    return "meter-card-lesser-sent" if _is_sent(meter) else "meter-card-lesser-missing"


def _card_lines(turn: Turn, meter: Meter) -> Iterable[Phrase]:
    name, day = full_name(meter), meter.window.local_day(turn.sent_at)
    if meter.closed_on:
        yield text("meter-card-closed", name=name, closed_on=meter.closed_on)
        return
    sent = [register.sent for register in meter.registers if register.sent]
    period = meter.window.counted_period(turn.sent_at)
    if meter.smart:
        yield text("meter-card-smart", name=name)
    elif meter.commissioned_on is None or meter.commissioned_on > day:
        yield text("meter-card-not-commissioned", name=name)
    elif _is_sent(meter):
        values, at = values_of([one.value for one in sent]), max(one.received_at for one in sent)
        yield text(
            "meter-card-sent", name=name, values=values, unit=unit_named(meter.unit), at=at, period=period
        )
    else:
        closes_on = meter.window.days(period).closes_on
        yield text("meter-card-missing", name=name, period=period, closes_on=closes_on)
    yield from _last_line(meter)
    match verification_note(meter, day=day):
        case None if meter.verification_due_on:
            yield text("meter-card-verification", due_on=meter.verification_due_on)
        case None:
            pass
        case VerificationSoon() | VerificationExpired() as warning:
            yield _note_line(meter, warning)


def _last_line(meter: Meter) -> Iterable[Phrase]:
    last = [register.last for register in meter.registers if register.last is not None]
    days = [register.last_on for register in meter.registers if register.last_on]
    if last and days:
        yield text("meter-card-last", values=values_of(last), unit=unit_named(meter.unit), on=max(days))


def values_of(values: Sequence[Decimal]) -> Phrase:
    """One, two or three values of a meter beside each other."""
    first, second, third = (*values, Decimal(0), Decimal(0))[:3]
    match len(values):
        case 1:
            return text("meter-values-one", first=first)
        case 2:
            return text("meter-values-two", first=first, second=second)
        case _:
            return text("meter-values-three", first=first, second=second, third=third)


# --- The confirm card ------------------------------------------------------------------------------


def confirm_card(
    reckoned: Sequence[Reckoned],
    *,
    token: str,
    doubted: Sequence[str] = (),
    opening: Sequence[Phrase] = (),
    plain_opening: Sequence[Phrase] = (),
    swapped: Sequence[str] = (),
    more: Keyboard = (),
) -> Reply:
    """What would be kept, to be saved or put right.

    *doubted* are ids of meters whose use is doubtful, *plain_opening* is the *opening* for any channel,
    *swapped* are the marks of two that were exchanged,
    *more* are buttons for what cannot be kept.
    """
    lines = [line for one in reckoned for line in _confirm_lines(one, doubted=one.meter.id in doubted)]
    warning = [text("reading-hot-above-cold")] if hot_above_cold(reckoned) else []
    question = text("reading-sure" if doubted else "reading-save-question")
    keyboard = _confirm_keyboard(token, doubted=bool(doubted), swapped=swapped, more=more)
    lesser_lines = [
        text(
            "reading-confirm-lesser", name=register_name(one.meter, use.register, short=True), value=use.value
        )
        for one in reckoned
        for use in one.uses
    ]
    doubt = [text("reading-high-plainly")] if doubted else []
    lesser = say(
        *plain_opening,
        *lesser_lines,
        *doubt,
        question,
        keyboard=keyboard,
        data_class=DataClass.INTAKE,
        numeric=True,
    )
    body = (*opening, text("reading-confirm-heading"), *lines, *warning, question)
    return say(*body, keyboard=keyboard, data_class=DataClass.PERSONAL, lesser=lesser, numeric=True)


def _confirm_keyboard(token: str, *, doubted: bool, swapped: Sequence[str], more: Keyboard) -> Keyboard:
    save = press("reading-sure-button" if doubted else "reading-save-button", f"reading-save:{token}")
    fix = press("reading-fix-button", f"reading-fix:{token}")
    as_is = (
        [press("reading-as-typed-button", f"reading-as-typed:{token}:{':'.join(swapped)}")] if swapped else []
    )
    return ((save, fix), *((button,) for button in as_is), *more, WAYS_OUT)


def _confirm_lines(reckoned: Reckoned, *, doubted: bool) -> Iterable[Phrase]:
    meter = reckoned.meter
    for use in reckoned.uses:
        yield _use_line(meter, use)
    if doubted and reckoned.consumption is not None:
        yield text("reading-high", consumption=reckoned.consumption, unit=unit_named(meter.unit))
    if reckoned.cost is not None and reckoned.cost.kopecks > 0:
        yield text("reading-cost", cost=reckoned.cost)
    for note in reckoned.notes:
        yield _note_line(meter, note)


def _use_line(meter: Meter, use: Use) -> Phrase:
    name = register_name(meter, use.register)
    if use.previous is None or use.consumption is None:
        return text("reading-use-first", name=name, value=use.value, unit=unit_named(meter.unit))
    return text(
        "reading-use",
        name=name,
        value=use.value,
        previous=use.previous,
        consumption=use.consumption,
        unit=unit_named(meter.unit),
    )


def _note_line(meter: Meter, note: Note) -> Phrase:
    match note:
        case ZeroAgain(months):
            return text("reading-zero-again", months=months)
        case VerificationExpired(due_on):
            return text("meter-verification-expired", due_on=due_on)
        case VerificationSoon(due_on):
            return text("meter-verification-soon", due_on=due_on)
        case LateForPeriod(missed, counted):
            return text("reading-late", missed=missed, counted=counted)
        case Corrects(_, earlier) if len(meter.registers) == 1:
            return text("reading-corrects", earlier=earlier)
        case Corrects(register, earlier):
            zone = zone_named(register_of(meter, register).label, register)
            return text("reading-corrects-zone", zone=zone, earlier=earlier)
        case RolledOver():
            return text("reading-rolled-over")


# --- The receipt -----------------------------------------------------------------------------------


def receipt(
    turn: Turn, kept: Kept, reckoned: Sequence[Reckoned], *, left: Sequence[Meter], number_name: str = ""
) -> Reply:
    """What was stored, as a fresh read returned it, with its number, bill and until when to correct it.

    *left* are meters that are still missing; *number_name* is the account by the resident's own name.
    """
    meters = {one.meter.id: one.meter for one in reckoned}
    bills = {(one.period, one.correctable_until) for one in reckoned}
    heading = _receipt_heading(kept, bills)
    tail = [text("reading-account", name=number_name)] if number_name else []
    notes = [line for one in reckoned for line in _notes_after(one)]
    if left:
        notes.append(text("reading-still-missing", count=len(left)))
    month = Month.of(turn.today)
    keyboard: Keyboard = (*((meter_button(meter, month),) for meter in left), (BACK_TO_METERS_CARD, MENU))
    lesser = say(
        *heading, *_kept_lines(meters, kept, short=True), keyboard=keyboard, data_class=DataClass.INTAKE
    )
    body = (*heading, *_kept_lines(meters, kept), *tail, *notes)
    return say(*body, keyboard=keyboard, data_class=DataClass.PERSONAL, lesser=lesser)


BACK_TO_METERS_CARD: Final = press("meter-all-button", "read")


def _receipt_heading(kept: Kept, bills: set[tuple[Month, datetime]]) -> list[Phrase]:
    if len(bills) == 1:
        ((period, until),) = bills
        return [
            text("reading-receipt", at=kept.received_at, number=str(kept.number), period=period),
            text("reading-correctable", until=until),
        ]
    accepted = text("reading-receipt-split", at=kept.received_at, number=str(kept.number))
    return [accepted, *(text("reading-receipt-bill", period=p, until=u) for p, u in sorted(bills))]


def _kept_lines(meters: Mapping[str, Meter], kept: Kept, *, short: bool = False) -> list[Phrase]:
    return [
        text(
            "reading-kept",
            name=register_name(meters[meter], register, short=short),
            value=value,
            unit=unit_named(meters[meter].unit),
        )
        for meter, register, value in sorted(
            kept.values, key=lambda one: (list(meters).index(one[0]), one[1])
        )
    ]


def _notes_after(reckoned: Reckoned) -> Iterable[Phrase]:
    """What still matters once the reading is saved."""
    values = {use.register: use.value for use in reckoned.uses}
    for note in reckoned.notes:
        match note:
            case RolledOver():
                pass
            case Corrects(register, earlier):
                name = register_name(reckoned.meter, register)
                yield text("reading-corrected", name=name, earlier=earlier, value=values[register])
            case ZeroAgain() | VerificationExpired() | VerificationSoon() | LateForPeriod():
                yield _note_line(reckoned.meter, note)
