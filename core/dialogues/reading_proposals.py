"""Values on their way to being kept: judged, shown on a confirm card, or answered with what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias
from zlib import crc32

import msgspec

from core.conversation import ConfirmingReadings, EnteringReading, Idle, ReadingEntry, ShowingMeter, Stage
from core.dialogues.reading_cards import (
    BACK_TO_METERS_CARD,
    CANCEL,
    MENU,
    WAYS_OUT,
    confirm_card,
    full_name,
    mark_of,
    register_name,
    register_of,
    short_name,
    values_of,
)
from core.dialogues.reading_cases import open_impossible, staff_button
from core.dialogues.reading_lines import NOTHING, Lines
from core.dialogues.terms import unit_named
from core.messages import Keyboard, Phrase, press, text
from core.metering import judge, looks_swapped
from core.meters import Meter, Register
from core.reading_verdicts import (
    AlreadySent,
    BelowLast,
    Closed,
    Impossible,
    LockedByBill,
    NotCommissioned,
    Plausible,
    Reckoned,
    RegisterMissing,
    SmartOnly,
    TooManyDigits,
    TooManyFractionDigits,
    UnusuallyHigh,
    Verdict,
)
from core.turns import Told, Turn, told

Judged: TypeAlias = tuple[Meter, Verdict]


async def propose(
    turn: Turn,
    meters: Sequence[Meter],
    entries: Sequence[ReadingEntry],
    *,
    opening: Lines = NOTHING,
    more: Keyboard = (),
    may_swap: bool = True,
) -> Told:
    """What *entries* come to: a question for what is missing, a confirm card, complaints, cases for staff.

    *opening* is said before, *more* are buttons that go with it.
    """
    exchanged = _exchanged(turn, meters, entries) if may_swap else None
    if exchanged:
        entries = exchange(entries, exchanged)
        opening += _exchange_lines(meters, exchanged)
    judged = judge_all(turn, meters, entries)
    for meter, verdict in judged:
        if isinstance(verdict, RegisterMissing):
            return ask_register(turn, meter, verdict.registers[0], entries, opening=opening, more=more)
    complaints = [line for meter, verdict in judged for line in _complaint(meter, verdict)]
    plainly = [line for meter, verdict in judged for line in _plain_complaint(meter, verdict)]
    cases = [await open_impossible(turn, verdict) for _, verdict in judged if isinstance(verdict, Impossible)]
    opening += Lines(
        (*complaints, *(case.line for case in cases)), (*plainly, *(case.plain_line for case in cases))
    )
    more = (*more, *_staff_rows(turn, judged))
    kept = [verdict.reckoned for _, verdict in judged if isinstance(verdict, Plausible | UnusuallyHigh)]
    if not kept:
        return _nothing_to_keep(turn, judged, opening, [case.number for case in cases], more)
    doubted = [meter.id for meter, verdict in judged if isinstance(verdict, UnusuallyHigh)]
    stage = _confirming(turn, kept, doubtful=bool(doubted))
    marks = [mark_of(meter_id) for meter_id in exchanged or ()]
    card = confirm_card(
        kept,
        token=token_of(stage, kept),
        doubted=doubted,
        opening=opening.full,
        plain_opening=opening.plain,
        swapped=marks,
        more=more,
    )
    return told(stage, card)


def judge_all(turn: Turn, meters: Sequence[Meter], entries: Sequence[ReadingEntry]) -> list[Judged]:
    """The verdict on each meter that *entries* name, in the order of *meters*."""
    typed: dict[str, dict[int, Decimal]] = {}
    for entry in entries:
        typed.setdefault(entry.meter, {})[entry.register] = Decimal(entry.value)
    return [
        (meter, judge(meter, typed[meter.id], sent_at=turn.sent_at)) for meter in meters if meter.id in typed
    ]


def latest_of(reckoned: Sequence[Reckoned]) -> tuple[ReadingEntry, ...]:
    """The newest stored value of each register that is to be kept; '' where there is none."""
    return tuple(
        ReadingEntry(one.meter.id, use.register, "" if latest is None else str(latest))
        for one in reckoned
        for use in one.uses
        if use.fresh
        for latest in (register_of(one.meter, use.register).latest,)
    )


def token_of(stage: ConfirmingReadings, reckoned: Sequence[Reckoned]) -> str:
    """A short mark of a confirm card, so that the button of an earlier one is known for what it is."""
    periods = [str(one.period) for one in reckoned]
    return f"{crc32(repr((stage.entries, stage.judged_on, periods)).encode()):08x}"


def _confirming(turn: Turn, reckoned: Sequence[Reckoned], *, doubtful: bool) -> ConfirmingReadings:
    entries = tuple(
        ReadingEntry(one.meter.id, use.register, str(use.value))
        for one in reckoned
        for use in one.uses
        if use.fresh
    )
    return ConfirmingReadings(turn.linked.account, entries, latest_of(reckoned), doubtful)


def _exchanged(
    turn: Turn, meters: Sequence[Meter], entries: Sequence[ReadingEntry]
) -> tuple[str, str] | None:
    """The ids of two meters whose values fit better the other way round."""
    by_id = {meter.id: meter for meter in meters}
    typed = [(by_id[entry.meter], Decimal(entry.value)) for entry in entries if entry.meter in by_id]
    pair = looks_swapped(typed, sent_at=turn.sent_at)
    return (pair.first, pair.second) if pair else None


def exchange(entries: Sequence[ReadingEntry], pair: tuple[str, str]) -> tuple[ReadingEntry, ...]:
    """*entries* with the values of the two meters of *pair* exchanged."""
    other = dict(zip(pair, reversed(pair), strict=True))
    values = {entry.meter: entry.value for entry in entries}
    return tuple(
        msgspec.structs.replace(entry, value=values[other[entry.meter]]) if entry.meter in other else entry
        for entry in entries
    )


def _exchange_lines(meters: Sequence[Meter], pair: tuple[str, str]) -> Lines:
    first, second = (meter for meter in meters if meter.id in pair)
    full = text("reading-swapped", first=full_name(first), second=full_name(second))
    plain = text("reading-swapped", first=short_name(first), second=short_name(second))
    return Lines((full,), (plain,))


# --- What is asked for -----------------------------------------------------------------------------


def ask_register(
    turn: Turn,
    meter: Meter,
    register: Register,
    entered: Sequence[ReadingEntry] = (),
    *,
    opening: Lines = NOTHING,
    more: Keyboard = (),
) -> Told:
    """The value of *register* is asked for; *entered* wait for it."""
    name = register_name(meter, register.number)
    short = register_name(meter, register.number, short=True)
    before = []
    if register.sent:
        before.append(text("reading-ask-sent", value=register.sent.value, unit=unit_named(meter.unit)))
    if register.last is not None and register.last_on is not None:
        before.append(
            text("reading-ask-last", value=register.last, unit=unit_named(meter.unit), on=register.last_on)
        )
    how = text("reading-ask-fraction" if meter.accepts_fraction else "reading-ask-whole")
    skip = press("reading-skip-button", f"reading-skip:{mark_of(meter.id)}")
    asked = Lines((text("reading-ask", name=name), *before, how), (text("reading-ask", name=short), how))
    reply = (opening + asked).said(((skip,), *more, WAYS_OUT), numeric=True)
    return told(EnteringReading(turn.linked.account, meter.id, register.number, tuple(entered)), reply)


# --- What is wrong ---------------------------------------------------------------------------------


def _complaint(meter: Meter, verdict: Verdict) -> list[Phrase]:
    name = full_name(meter)
    match verdict:
        case Closed(closed_on):
            return [text("reading-closed", name=name, closed_on=closed_on)]
        case NotCommissioned():
            return [text("reading-not-commissioned", name=name)]
        case SmartOnly():
            return [text("reading-smart", name=name)]
        case TooManyDigits(register, value, digits):
            return [
                text(
                    "reading-too-many-digits", name=register_name(meter, register), value=value, digits=digits
                )
            ]
        case TooManyFractionDigits(register, value, digits):
            return [
                text("reading-too-many-red", name=register_name(meter, register), value=value, digits=digits)
            ]
        case AlreadySent(received_at, period):
            sent = [register.sent.value for register in meter.registers if register.sent]
            values = values_of(sent)
            return [
                text(
                    "reading-already",
                    name=name,
                    values=values,
                    unit=unit_named(meter.unit),
                    at=received_at,
                    period=period,
                )
            ]
        case LockedByBill(register, _, stored):
            return [
                text(
                    "reading-locked",
                    name=register_name(meter, register),
                    value=stored,
                    unit=unit_named(meter.unit),
                )
            ]
        case BelowLast(register, value, last):
            fresh = register_name(meter, register)
            return [
                text("reading-below-last", name=fresh, value=value, last=last, unit=unit_named(meter.unit))
            ]
        case RegisterMissing() | Plausible() | UnusuallyHigh() | Impossible():
            return []


def _plain_complaint(meter: Meter, verdict: Verdict) -> list[Phrase]:
    """The same in words that any channel may carry: nothing but what the resident typed."""
    name = short_name(meter)
    match verdict:
        case Closed():
            return [text("reading-closed-plainly", name=name)]
        case NotCommissioned():
            return [text("reading-not-commissioned", name=name)]
        case SmartOnly():
            return [text("reading-smart", name=name)]
        case TooManyDigits(register, value, digits):
            zone = register_name(meter, register, short=True)
            return [text("reading-too-many-digits", name=zone, value=value, digits=digits)]
        case TooManyFractionDigits(register, value, digits):
            zone = register_name(meter, register, short=True)
            return [text("reading-too-many-red", name=zone, value=value, digits=digits)]
        case AlreadySent():
            return [text("reading-already-plainly", name=name)]
        case LockedByBill(register):
            return [text("reading-locked-plainly", name=register_name(meter, register, short=True))]
        case BelowLast(register, value):
            zone = register_name(meter, register, short=True)
            return [text("reading-below-last-plainly", name=zone, value=value)]
        case RegisterMissing() | Plausible() | UnusuallyHigh() | Impossible():
            return []


def _nothing_to_keep(
    turn: Turn,
    judged: Sequence[Judged],
    lines: Lines,
    cases: Sequence[int],
    more: Keyboard,
) -> Told:
    """Only complaints: the first that can be put right is asked for again, a photo where staff must look."""
    account = turn.linked.account
    stage: Stage = ShowingMeter(account, cases[0]) if cases else Idle()
    for meter, verdict in judged:
        if isinstance(verdict, TooManyDigits | TooManyFractionDigits | BelowLast) and stage == Idle():
            stage = EnteringReading(account, meter.id, verdict.register)
    ways_out = (BACK_TO_METERS_CARD, MENU) if stage == Idle() else (BACK_TO_METERS_CARD, CANCEL, MENU)
    return told(stage, lines.said((*more, ways_out), numeric=True))


def _staff_rows(turn: Turn, judged: Sequence[Judged]) -> Keyboard:
    """A button to hand each value to staff that the rules refuse and the resident may insist on."""
    return tuple(
        (staff_button(turn, meter, verdict.register, verdict.value),)
        for meter, verdict in judged
        if isinstance(verdict, BelowLast | LockedByBill)
    )
