"""Readings that ride in registers of payments: judged as any other, on the day of the payment; nobody to ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, assert_never

import msgspec

from core.meter_questions import Entry, Kept, MetersOf, SubmitReadings
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
    Reckoned,
    RegisterMissing,
    SmartOnly,
    TooManyDigits,
    TooManyFractionDigits,
    UnusuallyHigh,
    Verdict,
)
from core.reading_windows import MovedWindow
from core.registers import RidingReading
from storage.cases import open_case
from storage.database import Connection
from storage.meters import meters_of, submit_readings

SOURCE: Final = "bank_register"


class Ridden(msgspec.Struct, frozen=True):
    """The readings that came with one payment of *account*; *key* tells the payment from all others."""

    line: int
    key: str
    account: int
    paid_at: datetime
    readings: tuple[RidingReading, ...]


class Taken(msgspec.Struct, frozen=True):
    """How many values were kept, and why others were not, by line."""

    kept: int = 0
    left: tuple[tuple[int, str], ...] = ()


async def take_readings(
    db: Connection, ridden: Sequence[Ridden], *, now: datetime, moved: tuple[MovedWindow, ...] = ()
) -> Taken:
    """Keep what can be kept of readings, a payment after the other in the order of their moments.

    *moved* are months whose readings are taken in on other days than usual.
    An impossible value opens a case; of whatever else is not kept only the report tells.
    """
    kept, left = 0, list[tuple[int, str]]()
    for wave in _waves(ridden):
        found = await meters_of(db, [MetersOf(one.account, one.paid_at.date(), moved) for one in wave])
        submissions = []
        for one, meters in zip(wave, found, strict=True):
            asked, complaints, cases = _judged(one, meters, now)
            left += [(one.line, complaint) for complaint in complaints]
            submissions += asked
            if cases:
                await open_case(db, cases)
        answers = await submit_readings(db, submissions)
        kept += sum(len(answer.values) for answer in answers if isinstance(answer, Kept))
    return Taken(kept, tuple(left))


def _waves(ridden: Sequence[Ridden]) -> Iterator[list[Ridden]]:
    """Payments of different accounts each: of two for one account, the second is judged on what the first left."""
    waves: list[list[Ridden]] = []
    turn_of: defaultdict[int, int] = defaultdict(int)
    for one in sorted(ridden, key=lambda one: (one.paid_at, one.line)):
        wave = turn_of[one.account]
        turn_of[one.account] += 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(one)
    yield from waves


def _judged(
    one: Ridden, meters: Sequence[Meter], now: datetime
) -> tuple[list[SubmitReadings], list[str], list[OpenCase]]:
    submissions, complaints, cases = list[SubmitReadings](), list[str](), list[OpenCase]()
    for name, typed in _by_meter(one.readings).items():
        meter = _meter_named(name, meters)
        if meter is None:
            complaints.append(f"the account has no meter {name}")
            continue
        if _is_older(meter, one.paid_at):
            complaints.append(f"meter {name} has a later reading")
            continue
        verdict = judge(meter, typed, sent_at=one.paid_at)
        reckoned = _acceptable(verdict)
        if reckoned is not None:
            submissions.append(_submission(one, meter, reckoned))
        elif not isinstance(verdict, AlreadySent):
            complaints.append(f"meter {name}: {_reason(verdict)}")
        if isinstance(verdict, Impossible):
            cases.append(_case(one, meter, typed, now))
    return submissions, complaints, cases


def _by_meter(readings: Sequence[RidingReading]) -> Mapping[str, dict[int, Decimal]]:
    by_meter: defaultdict[str, dict[int, Decimal]] = defaultdict(dict)
    for reading in readings:
        by_meter[reading.meter][reading.zone] = reading.value
    return by_meter


def _meter_named(name: str, meters: Sequence[Meter]) -> Meter | None:
    """The meter of this serial number (zeros in front are lost and added on the way) or id, if it is one only."""
    bare = name.lstrip("0")
    found = [meter for meter in meters if name == meter.id or bare == meter.serial.lstrip("0")]
    return found[0] if len(found) == 1 else None


def _is_older(meter: Meter, paid_at: datetime) -> bool:
    """Whether something was handed in after the payment: a register comes days later."""
    return any(register.sent and register.sent.received_at > paid_at for register in meter.registers)


def _acceptable(verdict: Verdict) -> Reckoned | None:
    """What can be kept: the plausible, and the unusual, which is marked for billing to look at."""
    return verdict.reckoned if isinstance(verdict, Plausible | UnusuallyHigh) else None


def _submission(one: Ridden, meter: Meter, reckoned: Reckoned) -> SubmitReadings:
    latest = {register.number: register.latest for register in meter.registers}
    entries = tuple(
        Entry(
            meter=meter.id,
            register=use.register,
            value=use.value,
            judged_on=latest[use.register],
            counted_period=reckoned.period,
        )
        for use in reckoned.uses
        if use.fresh
    )
    return SubmitReadings(
        account=one.account,
        entries=entries,
        received_at=one.paid_at,
        channel=SOURCE,
        chat=None,
        resident=None,
        source_ref=one.key,
    )


def _case(one: Ridden, meter: Meter, typed: Mapping[int, Decimal], now: datetime) -> OpenCase:
    facts = [("meter", meter.id), ("serial", meter.serial), ("paid_at", one.paid_at.isoformat())]
    facts += [(f"value_{number}", f"{value:f}") for number, value in typed.items()]
    return OpenCase("reading_impossible", None, one.account, tuple(facts), now)


def _reason(verdict: Verdict) -> str:
    match verdict:
        case BelowLast(value=value, last=last):
            return f"{value:f} is below the last value {last:f}"
        case Impossible(consumption=consumption, bound=bound):
            return f"a use of {consumption:f} is more than {bound:f}: a case was opened"
        case TooManyDigits() | TooManyFractionDigits():
            return "more digits than the dial has"
        case RegisterMissing():
            return "not all its zones were given"
        case LockedByBill():
            return "a bill was made of another value"
        case Closed() | NotCommissioned():
            return "it was not in use on that day"
        case SmartOnly():
            return "it sends its readings itself"
        case AlreadySent() | Plausible() | UnusuallyHigh():
            return "nothing is wrong"
        case _:
            assert_never(verdict)
