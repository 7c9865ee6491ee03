"""What is to be thought of a value that a resident sends: verdicts, never words.

The checks run in the order of `judge`; each verdict carries the facts to answer by. Sources: decree 354,
p. 33-34 (windows), 59 (averages), 81 (commissioning, verification); the bounds are the centre's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import combinations
from typing import Final

import msgspec

from core.meters import COLD_WATER, ELECTRICITY, GAS, HEATING, HOT_WATER, Meter, Register
from core.reading_verdicts import (
    AlreadySent,
    BelowLast,
    Closed,
    Corrects,
    Impossible,
    LateForPeriod,
    LockedByBill,
    LooksSwapped,
    Misfit,
    NotCommissioned,
    Note,
    Plausible,
    Reckoned,
    Refusal,
    RegisterMissing,
    RolledOver,
    SmartOnly,
    TooManyDigits,
    TooManyFractionDigits,
    UnusuallyHigh,
    Use,
    Verdict,
    VerificationExpired,
    VerificationSoon,
    ZeroAgain,
)

VERIFICATION_SOON: Final = timedelta(days=60)
ZERO_MONTHS_ASKED: Final = 2
# A dial may have passed through zero only from the last tenth of its range.
ROLLOVER_FROM: Final = Decimal("0.9")


class Bounds(msgspec.Struct, frozen=True):
    """Use in a month: above *soft* (or thrice the own average) it is doubted, above *hard* not believed."""

    soft: Decimal
    hard: Decimal


# Units of the service: m3, kWh, Gcal.
BOUNDS: Final[Mapping[str, Bounds]] = {
    COLD_WATER: Bounds(Decimal(15), Decimal(100)),
    HOT_WATER: Bounds(Decimal(12), Decimal(80)),
    ELECTRICITY: Bounds(Decimal(500), Decimal(6_000)),
    GAS: Bounds(Decimal(60), Decimal(1_500)),
    HEATING: Bounds(Decimal(3), Decimal(15)),
}
BOUNDS_OF_OTHERS: Final = Bounds(Decimal(10_000), Decimal(10_000))
AVERAGES_DOUBTED: Final = 3


def judge(meter: Meter, typed: Mapping[int, Decimal], *, sent_at: datetime) -> Verdict:
    """What is to be thought of *typed* (register → value on the dial), sent at *sent_at*.

    A correction is compared with the last value of an earlier period, not with what it replaces.
    """
    day = meter.window.local_day(sent_at)
    if refusal := _refusal(meter, day):
        return refusal
    values = {number: dial_value(meter, value) for number, value in typed.items()}
    if misfit := _misfit(meter, typed, values, sent_at):
        return misfit
    return _weighed(_reckoned(meter, values, sent_at), day)


def dial_value(meter: Meter, value: Decimal) -> Decimal:
    """*value* as the meter's readings are kept: without its red digits where fractions are not taken."""
    return value if meter.accepts_fraction else value.to_integral_value(ROUND_DOWN)


def consumed(*, value: Decimal, previous: Decimal, integer_digits: int) -> Decimal:
    """The way from *previous* to *value* on the dial, through zero if need be."""
    way = value - previous
    return way if way >= 0 else way + Decimal(10) ** integer_digits


def rolls_over(*, value: Decimal, previous: Decimal, integer_digits: int, soft_bound: Decimal) -> bool:
    """Whether a lower *value* is believed to have passed through zero: from near the end, not far beyond."""
    end = Decimal(10) ** integer_digits
    near_end = ROLLOVER_FROM * end <= previous < end
    return near_end and consumed(value=value, previous=previous, integer_digits=integer_digits) <= soft_bound


def bounds(meter: Meter, *, day: date) -> Bounds:
    """The bounds of *meter*'s use up to *day*: a month's, times the months since the last accepted value."""
    of_service = BOUNDS.get(meter.service, BOUNDS_OF_OTHERS)
    soft = max(AVERAGES_DOUBTED * (meter.average_monthly or Decimal(0)), of_service.soft)
    months = _months_since_last(meter, day)
    return Bounds(min(soft, of_service.hard) * months, of_service.hard * months)


def _months_since_last(meter: Meter, day: date) -> int:
    last_on = [register.last_on for register in meter.registers if register.last_on]
    if not last_on:
        return 1
    last = min(last_on)
    return max(1, (day.year - last.year) * 12 + day.month - last.month)


def _refusal(meter: Meter, day: date) -> Refusal | None:
    if meter.closed_on is not None and meter.closed_on <= day:
        return Closed(meter.closed_on)
    if meter.commissioned_on is None or meter.commissioned_on > day:
        return NotCommissioned(meter.commissioned_on)
    return SmartOnly() if meter.smart else None


def _misfit(
    meter: Meter, typed: Mapping[int, Decimal], values: Mapping[int, Decimal], sent_at: datetime
) -> Misfit | None:
    for number, value in sorted(typed.items()):
        if misfit := _misfit_of_dial(meter, number, value):
            return misfit
    missing = tuple(r for r in meter.registers if r.number not in values and r.sent is None)
    if missing:
        return RegisterMissing(missing)
    if repeat := _already_sent(meter, values, sent_at):
        return repeat
    soft_bound = bounds(meter, day=meter.window.local_day(sent_at)).soft
    for register in meter.registers:
        if misfit := _misfit_with_past(meter, register, values.get(register.number), soft_bound):
            return misfit
    return None


def _misfit_of_dial(meter: Meter, number: int, value: Decimal) -> Misfit | None:
    if value >= Decimal(10) ** meter.integer_digits:
        return TooManyDigits(number, value, meter.integer_digits)
    red_digits = value.scaleb(meter.fraction_digits)
    if red_digits != red_digits.to_integral_value():
        return TooManyFractionDigits(number, value, meter.fraction_digits)
    return None


def _already_sent(meter: Meter, values: Mapping[int, Decimal], sent_at: datetime) -> AlreadySent | None:
    sent = {register.number: register.sent for register in meter.registers if register.sent}
    stored = [
        sent[number] for number, value in values.items() if number in sent and sent[number].value == value
    ]
    if len(stored) < len(values) or not stored:
        return None
    return AlreadySent(max(one.received_at for one in stored), meter.window.counted_period(sent_at))


def _misfit_with_past(
    meter: Meter, register: Register, value: Decimal | None, soft_bound: Decimal
) -> LockedByBill | BelowLast | None:
    if value is None or (register.sent and register.sent.value == value):
        return None
    if register.sent and register.sent.locked:
        return LockedByBill(register.number, value, register.sent.value)
    if register.last is None or value >= register.last:
        return None
    if rolls_over(
        value=value,
        previous=register.last,
        integer_digits=meter.integer_digits,
        soft_bound=soft_bound / meter.ratio,
    ):
        return None
    return BelowLast(register.number, value, register.last, register.last_on)


def _reckoned(meter: Meter, values: Mapping[int, Decimal], sent_at: datetime) -> Reckoned:
    uses = tuple(_use(meter, register, values.get(register.number)) for register in meter.registers)
    period = meter.window.counted_period(sent_at)
    reckoned = Reckoned(meter, uses, period, meter.window.closes_at(period))
    return msgspec.structs.replace(reckoned, notes=tuple(_notes(reckoned, sent_at)))


def _use(meter: Meter, register: Register, typed: Decimal | None) -> Use:
    sent = register.sent.value if register.sent else None
    value = sent if typed is None else typed
    if value is None:  # a register neither typed nor sent is a RegisterMissing before we come here
        raise AssertionError(register.number)
    consumption = None
    if register.last is not None:
        way = consumed(value=value, previous=register.last, integer_digits=meter.integer_digits)
        consumption = way * meter.ratio
    return Use(register.number, value, register.last, consumption, fresh=value != sent)


def _notes(reckoned: Reckoned, sent_at: datetime) -> list[Note]:
    meter, notes = reckoned.meter, list[Note]()
    for use, register in zip(reckoned.uses, meter.registers, strict=True):
        if use.fresh and register.sent:
            notes.append(Corrects(use.register, register.sent.value))
        if use.previous is not None and use.value < use.previous:
            notes.append(RolledOver(use.register))
    if reckoned.consumption == 0 and meter.zero_months + 1 >= ZERO_MONTHS_ASKED:
        notes.append(ZeroAgain(meter.zero_months + 1))
    if verification := verification_note(meter, day=meter.window.local_day(sent_at)):
        notes.append(verification)
    if missed := meter.window.missed_period(sent_at):
        notes.append(LateForPeriod(missed, reckoned.period))
    return notes


def verification_note(meter: Meter, *, day: date) -> VerificationExpired | VerificationSoon | None:
    """The warning that is due on *day*, if any: expired, or expiring within sixty days."""
    due_on = meter.verification_due_on
    if due_on is None or due_on - day > VERIFICATION_SOON:
        return None
    return VerificationExpired(due_on) if due_on < day else VerificationSoon(due_on)


def _weighed(reckoned: Reckoned, day: date) -> UnusuallyHigh | Impossible | Plausible:
    consumption, bound = reckoned.consumption, bounds(reckoned.meter, day=day)
    if consumption is None:
        return Plausible(reckoned)
    if consumption > bound.hard:
        return Impossible(reckoned, consumption, bound.hard)
    if consumption > bound.soft:
        return UnusuallyHigh(reckoned, consumption, bound.soft)
    return Plausible(reckoned)


def looks_swapped(typed: Sequence[tuple[Meter, Decimal]], *, sent_at: datetime) -> LooksSwapped | None:
    """The first two meters of one register each whose values, doubtful as typed, are plausible exchanged."""
    for (first, first_value), (second, second_value) in combinations(typed, 2):
        as_typed = _fits(first, first_value, sent_at) and _fits(second, second_value, sent_at)
        exchanged = _fits(first, second_value, sent_at) and _fits(second, first_value, sent_at)
        if exchanged and not as_typed:
            return LooksSwapped(first.id, second.id)
    return None


def _fits(meter: Meter, value: Decimal, sent_at: datetime) -> bool:
    if len(meter.registers) != 1 or meter.registers[0].last is None:
        return False
    verdict = judge(meter, {meter.registers[0].number: value}, sent_at=sent_at)
    return isinstance(verdict, Plausible | AlreadySent)


def hot_above_cold(reckoned: Sequence[Reckoned]) -> bool:
    """Whether more hot water than cold was used: unusual, lawful, worth a word and no more."""
    used = {COLD_WATER: Decimal(0), HOT_WATER: Decimal(0)}
    met = set[str]()
    for one in reckoned:
        if one.meter.service in used and one.consumption is not None:
            used[one.meter.service] += one.consumption
            met.add(one.meter.service)
    return len(met) == len(used) and used[HOT_WATER] > used[COLD_WATER]
