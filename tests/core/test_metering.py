"""What is thought of a submitted value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Month
from core.metering import (
    Bounds,
    bounds,
    consumed,
    hot_above_cold,
    judge,
    looks_swapped,
    rolls_over,
    verification_note,
)
from core.meters import ELECTRICITY, GAS, HEATING, HOT_WATER, Meter
from core.money import Money
from core.reading_verdicts import (
    AlreadySent,
    BelowLast,
    Closed,
    Corrects,
    Impossible,
    LateForPeriod,
    LockedByBill,
    LooksSwapped,
    NotCommissioned,
    Note,
    Plausible,
    Reckoned,
    RegisterMissing,
    RolledOver,
    SmartOnly,
    TooManyDigits,
    TooManyFractionDigits,
    UnusuallyHigh,
    Verdict,
    VerificationExpired,
    VerificationSoon,
    ZeroAgain,
)
from tests.making_meters import IN_MAY, a_meter, a_register, cold, electric, hot

LATE_IN_MAY = datetime(2026, 5, 26, 9, 0, tzinfo=UTC)


def judged(meter: Meter, *values: str, sent_at: datetime = IN_MAY) -> Verdict:
    typed = {number: Decimal(value) for number, value in enumerate(values, start=1)}
    return judge(meter, typed, sent_at=sent_at)


def plausible(meter: Meter, *values: str, sent_at: datetime = IN_MAY) -> Reckoned:
    verdict = judged(meter, *values, sent_at=sent_at)
    assert isinstance(verdict, Plausible)
    return verdict.reckoned


def test_a_usual_reading_is_plausible_with_its_use_cost_and_bill() -> None:
    reckoned = plausible(a_meter(last="120"), "125")

    assert reckoned.consumption == 5
    assert reckoned.cost == Money(20_000)
    assert reckoned.period == Month(2026, 5)
    assert reckoned.correctable_until.isoformat() == "2026-05-25T23:59:59+03:00"
    assert reckoned.notes == ()


def test_use_is_multiplied_by_the_transformer_ratio() -> None:
    assert plausible(electric(ratio=Decimal(20)), "10010").consumption == 200


def test_the_cost_of_a_use_of_several_zones_is_each_at_its_rate() -> None:
    zones = [a_register(1, last="100", rate="6.5"), a_register(2, last="50", rate="2.25")]

    assert plausible(electric(registers=zones), "200", "150").cost == Money(87_500)


def test_without_a_rate_there_is_no_cost() -> None:
    assert plausible(a_meter(registers=[a_register(rate=None)]), "125").cost is None


def test_a_first_reading_has_no_use_and_is_not_doubted() -> None:
    reckoned = plausible(a_meter(last=None), "99999")

    assert (reckoned.consumption, reckoned.cost) == (None, None)


@pytest.mark.parametrize(
    ("meter", "verdict"),
    [
        (a_meter(closed_on=date(2026, 5, 1)), Closed(date(2026, 5, 1))),
        (a_meter(commissioned_on=date(2026, 6, 1)), NotCommissioned(date(2026, 6, 1))),
        (a_meter(commissioned_on=None), NotCommissioned(None)),
        (a_meter(smart=True), SmartOnly()),
    ],
)
def test_a_meter_that_takes_no_readings_says_why_before_anything_else(meter: Meter, verdict: Verdict) -> None:
    assert judged(meter, "1") == verdict


def test_more_digits_than_the_dial_has_are_asked_for_again() -> None:
    assert judged(a_meter(), "100000") == TooManyDigits(1, Decimal(100_000), 5)
    assert judged(a_meter(), "123.4567") == TooManyFractionDigits(1, Decimal("123.4567"), 3)


@pytest.mark.parametrize(("accepts_fraction", "kept"), [(False, "123"), (True, "123.456")])
def test_red_digits_are_kept_only_where_they_are_taken(accepts_fraction: bool, kept: str) -> None:
    reckoned = plausible(a_meter(accepts_fraction=accepts_fraction), "123.456")

    assert reckoned.uses[0].value == Decimal(kept)


def test_every_register_of_a_meter_is_wanted() -> None:
    meter = electric(zones=2)

    assert judged(meter, "10100") == RegisterMissing((meter.registers[1],))


def test_a_register_that_was_sent_before_need_not_be_sent_again() -> None:
    meter = electric(registers=[a_register(1, last="100", sent="150"), a_register(2, last="50", sent="70")])

    uses = plausible(meter, "160").uses

    assert [(use.value, use.fresh) for use in uses] == [(Decimal(160), True), (Decimal(70), False)]


def test_the_same_value_again_is_already_taken() -> None:
    verdict = judged(a_meter(sent="125"), "125.400")

    assert verdict == AlreadySent(datetime(2026, 5, 20, 9, 0, tzinfo=UTC), Month(2026, 5))


def test_a_new_value_of_the_same_period_corrects_the_earlier_and_is_compared_with_april() -> None:
    reckoned = plausible(a_meter(last="120", sent="132"), "123")

    assert reckoned.consumption == 3
    assert reckoned.notes == (Corrects(1, Decimal(132)),)


def test_a_value_that_a_bill_was_made_of_is_changed_by_staff_only() -> None:
    assert judged(a_meter(sent="132", locked=True), "123") == LockedByBill(1, Decimal(123), Decimal(132))


def test_a_reading_below_the_last_one_is_asked_about() -> None:
    assert judged(a_meter(last="120"), "98") == BelowLast(1, Decimal(98), Decimal(120), date(2026, 4, 24))


@pytest.mark.parametrize(
    ("previous", "value", "way", "believed"),
    [
        ("99998", "3", 5, True),
        ("99987", "12", 25, True),
        ("45210", "44000", 98_790, False),
        ("99990", "05000", 5_010, False),
    ],
)
def test_a_dial_may_pass_through_zero_from_near_its_end(
    previous: str, value: str, way: int, *, believed: bool
) -> None:
    start, end = Decimal(previous), Decimal(value)

    assert consumed(value=end, previous=start, integer_digits=5) == way
    assert rolls_over(value=end, previous=start, integer_digits=5, soft_bound=Decimal(500)) is believed


def test_a_dial_that_passed_through_zero_is_said_to_have() -> None:
    reckoned = plausible(electric(registers=[a_register(last="99998")]), "3")

    assert reckoned.consumption == 5
    assert reckoned.notes == (RolledOver(1),)


def test_an_old_dial_of_four_digits_passes_through_zero_at_ten_thousand() -> None:
    gas = a_meter(service=GAS, integer_digits=4, last="9990")

    assert plausible(gas, "12").consumption == 22


def test_a_last_value_beyond_the_dial_is_no_reason_to_believe_in_a_passage_through_zero() -> None:
    assert isinstance(judged(a_meter(last="123456"), "5"), BelowLast)


@pytest.mark.parametrize(
    ("service", "average", "soft", "hard"),
    [
        ("cold_water", None, 15, 100),
        ("cold_water", "6", 18, 100),
        ("cold_water", "90", 100, 100),
        (HOT_WATER, "3", 12, 80),
        (ELECTRICITY, "200", 600, 6_000),
        (GAS, None, 60, 1_500),
        (HEATING, "0.5", 3, 15),
        ("sewerage", None, 10_000, 10_000),
    ],
)
def test_bounds_are_those_of_the_service_or_thrice_the_own_average(
    service: str, average: str | None, soft: int, hard: int
) -> None:
    meter = a_meter(service=service, average_monthly=None if average is None else Decimal(average))

    of_month = bounds(meter, day=date(2026, 5, 24))

    assert of_month == Bounds(Decimal(soft), Decimal(hard))


def test_bounds_grow_with_the_months_that_were_skipped() -> None:
    of_months = bounds(a_meter(), day=date(2026, 8, 24))

    assert of_months == Bounds(Decimal(60), Decimal(400))


@pytest.mark.parametrize(
    ("value", "verdict"),
    [("135", Plausible), ("136", UnusuallyHigh), ("220", UnusuallyHigh), ("221", Impossible)],
)
def test_much_use_is_doubted_and_too_much_is_not_believed(value: str, verdict: type[Verdict]) -> None:
    assert isinstance(judged(a_meter(last="120"), value), verdict)


@pytest.mark.parametrize(
    ("changes", "value", "sent_at", "note"),
    [
        ({"zero_months": 1}, "120", IN_MAY, ZeroAgain(2)),
        ({"verification_due_on": date(2026, 5, 23)}, "121", IN_MAY, VerificationExpired(date(2026, 5, 23))),
        ({"verification_due_on": date(2026, 7, 23)}, "121", IN_MAY, VerificationSoon(date(2026, 7, 23))),
        ({}, "121", LATE_IN_MAY, LateForPeriod(Month(2026, 5), Month(2026, 6))),
    ],
)
def test_a_plausible_reading_carries_what_should_be_said_beside_it(
    changes: dict[str, Any], value: str, sent_at: datetime, note: Note
) -> None:
    assert plausible(a_meter(**changes), value, sent_at=sent_at).notes == (note,)


def test_one_month_without_use_is_not_remarked_upon() -> None:
    assert plausible(a_meter(), "120").notes == ()


def test_a_verification_that_expires_after_sixty_days_is_not_mentioned_yet() -> None:
    assert verification_note(a_meter(verification_due_on=date(2026, 7, 24)), day=date(2026, 5, 24)) is None


def test_values_that_fit_the_other_meter_better_look_swapped() -> None:
    typed = [(cold(last="120"), Decimal(43)), (hot(last="40"), Decimal(124))]

    assert looks_swapped(typed, sent_at=IN_MAY) == LooksSwapped("cold", "hot")


def test_values_that_fit_their_own_meters_do_not_look_swapped() -> None:
    typed = [(cold(last="120"), Decimal(121)), (hot(last="118"), Decimal(124))]

    assert looks_swapped(typed, sent_at=IN_MAY) is None


def test_more_hot_water_than_cold_is_noticed() -> None:
    of_cold, of_hot = plausible(cold(last="120"), "122"), plausible(hot(last="40"), "46")

    assert hot_above_cold([of_cold, of_hot])
    assert not hot_above_cold([of_hot])


values = st.decimals(0, 99_999, places=3)


@given(last=values, typed=values, ratio=st.integers(1, 600), fractions=st.booleans())
def test_any_value_of_the_dial_gets_a_verdict_and_use_is_never_negative(
    last: Decimal, typed: Decimal, ratio: int, *, fractions: bool
) -> None:
    meter = a_meter(last=str(last), ratio=Decimal(ratio), accepts_fraction=fractions)

    verdict = judge(meter, {1: typed}, sent_at=IN_MAY)

    match verdict:
        case Plausible(reckoned) | UnusuallyHigh(reckoned) | Impossible(reckoned):
            assert reckoned.consumption is not None
            assert reckoned.consumption >= 0
        case _:
            assert isinstance(verdict, BelowLast)


def test_a_meter_survives_json() -> None:
    meter = electric(zones=3)

    assert msgspec.json.decode(msgspec.json.encode(meter), type=Meter) == meter
