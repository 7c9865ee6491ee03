"""Free text about meters: what residents of several towns really type."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.meters import COLD_WATER, ELECTRICITY, HOT_WATER, Meter
from core.reading_text import (
    Assumption,
    Consumption,
    Correction,
    Doubt,
    Entered,
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
from tests.making_meters import cold, electric, hot

ACCOUNT_NUMBER = "0581234567"
KITCHEN, BATH = cold("kitchen"), cold("bath", place="санузел", serial="11117788")
COLD, HOT, LIGHT, ZONES = cold(), hot(), electric(), electric("zones", zones=2)
FLAT = [COLD, HOT, LIGHT]

Values = dict[tuple[str, int], str]


def read(text: str, *meters: Meter, awaited: str | None = None) -> Understood:
    return understand(text, meters, account_numbers=[ACCOUNT_NUMBER], awaited=awaited)


def values(understood: Understood) -> Values:
    assert isinstance(understood, Entries)
    return {(entry.slot.meter, entry.slot.register): str(entry.value) for entry in understood.entries}


def assumptions(understood: Understood) -> set[Assumption]:
    assert isinstance(understood, Entries)
    return {assumption for entry in understood.entries for assumption in entry.assumed}


def slots(meters: Sequence[Meter]) -> tuple[Slot, ...]:
    return tuple(Slot(meter.id, register.number) for meter in meters for register in meter.registers)


@pytest.mark.parametrize(
    ("text", "meters", "expected"),
    [
        ("ХВС 123, ГВС 45", FLAT, {("cold", 1): "123", ("hot", 1): "45"}),
        (
            "хвс кухня 12 ванна 7 гвс 5",
            [KITCHEN, BATH, HOT],
            {("kitchen", 1): "12", ("bath", 1): "7", ("hot", 1): "5"},
        ),
        ("cold 123, hot 45", FLAT, {("cold", 1): "123", ("hot", 1): "45"}),
        ("cold kitchen 12", [KITCHEN, BATH, HOT], {("kitchen", 1): "12"}),
        ("day 10234 night 4410", [COLD, ZONES], {("zones", 1): "10234", ("zones", 2): "4410"}),
        ("00123,456", [COLD], {("cold", 1): "123.456"}),
        ("т1 10234 т2 4410", [COLD, ZONES], {("zones", 1): "10234", ("zones", 2): "4410"}),
        ("10234/4410", [COLD, HOT, ZONES], {("zones", 1): "10234", ("zones", 2): "4410"}),
        ("10234 4410", [COLD, HOT, ZONES], {("zones", 1): "10234", ("zones", 2): "4410"}),
        ("свет 1 2 3 4 5", FLAT, {("light", 1): "12345"}),
        ("12З", [COLD], {("cold", 1): "123"}),
        ("1O5", [COLD], {("cold", 1): "105"}),
    ],
)
def test_what_the_table_of_free_text_says_is_read(text: str, meters: list[Meter], expected: Values) -> None:
    assert values(read(text, *meters)) == expected


@pytest.mark.parametrize(
    ("text", "meters", "expected"),
    [
        ("123", FLAT, WhichMeter((Doubt("123", slots(FLAT)),))),
        ("+5", FLAT, Consumption(("+5",))),
        ("-5", FLAT, Negative("5")),
        ("-5", [COLD], Negative("5")),
        ("−12,5 хвс", FLAT, Negative("12,5")),  # as phones write a minus
        ("хвс минус 5", FLAT, Negative("5")),
        ("прибавилось 5", FLAT, Consumption(("5",))),
        ("расход 5", [COLD], Consumption(("5",))),
        ("те же", FLAT, Unchanged(slots(FLAT))),
        ("без изменений", [COLD], Unchanged(slots([COLD]))),
        ("0", FLAT, Unchanged(slots(FLAT))),
        ("0 0 0", FLAT, Unchanged(slots(FLAT))),
        (
            "в прошлый раз ошибся, было 98",
            [COLD],
            Correction(Entries((Entered(Slot("cold", 1), Decimal(98), "98"),))),
        ),
        (
            "I made a mistake, it was 98",
            [COLD],
            Correction(Entries((Entered(Slot("cold", 1), Decimal(98), "98"),))),
        ),
        ("used 5", FLAT, Consumption(("5",))),
        ("в прошлый раз ошибся, было 98", FLAT, Correction(WhichMeter((Doubt("98", slots(FLAT)),)))),
        ("показания", FLAT, NotReading()),
    ],
)
def test_what_is_no_plain_value_is_told_apart(text: str, meters: list[Meter], expected: Understood) -> None:
    assert read(text, *meters) == expected


@pytest.mark.parametrize(
    ("text", "meters", "expected"),
    [
        (f"{ACCOUNT_NUMBER}#11116342#123", FLAT, {("cold", 1): "123"}),
        (
            f"{ACCOUNT_NUMBER}#33335555#10234#4410",
            [COLD, ZONES],
            {("zones", 1): "10234", ("zones", 2): "4410"},
        ),
        (
            f"ЛС {ACCOUNT_NUMBER} 1Э123 1Г45 1Х67",
            FLAT,
            {("light", 1): "123", ("hot", 1): "45", ("cold", 1): "67"},
        ),
        ("ЭД10234 ЭН4410", [COLD, ZONES], {("zones", 1): "10234", ("zones", 2): "4410"}),
        (f"{ACCOUNT_NUMBER} 10234 4410", [ZONES], {("zones", 1): "10234", ("zones", 2): "4410"}),
        ("95.000 200.000", [COLD, HOT], {("cold", 1): "95.000", ("hot", 1): "200.000"}),
        ("вода добавить 123 45", FLAT, {("cold", 1): "123", ("hot", 1): "45"}),
    ],
)
def test_what_other_operators_taught_residents_to_type_is_read(
    text: str, meters: list[Meter], expected: Values
) -> None:
    assert values(read(text, *meters)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xвс 123", {("cold", 1): "123"}),
        ("XBC 123", {("cold", 1): "123"}),
        ("Холодная: 123 м³; горячая = 45 м3", {("cold", 1): "123", ("hot", 1): "45"}),
        ("123 холодная, 45 горячая", {("cold", 1): "123", ("hot", 1): "45"}),
        ("Добрый день! хвс—123", {("cold", 1): "123"}),
        ("хвс-123 гвс-45", {("cold", 1): "123", ("hot", 1): "45"}),
        ("хвс - 123, гвс -45", {("cold", 1): "123", ("hot", 1): "45"}),
        ("- хвс 123\n- гвс 45", {("cold", 1): "123", ("hot", 1): "45"}),
        ("-123\n-45\n-10234", {("cold", 1): "123", ("hot", 1): "45", ("light", 1): "10234"}),
        ("123 - 45 - 10234", {("cold", 1): "123", ("hot", 1): "45", ("light", 1): "10234"}),
        ("хвс123 гвс45", {("cold", 1): "123", ("hot", 1): "45"}),
        ("хвс\u00a0123\u2009гвс 45", {("cold", 1): "123", ("hot", 1): "45"}),
        ("10234 кВт·ч", {("light", 1): "10234"}),
        ("свет 12 345", {("light", 1): "12345"}),
        ("…6342 123", {("cold", 1): "123"}),
        ("6342 123", {("cold", 1): "123"}),
        ("24 мая 2026, кв. 45: хвс 123", {("cold", 1): "123"}),
        ("24.05.2026 хвс 123", {("cold", 1): "123"}),
        ("хвс 123 гвс те же", {("cold", 1): "123", ("hot", 1): "40"}),
        ("123, 45, 10234", {("cold", 1): "123", ("hot", 1): "45", ("light", 1): "10234"}),
        ("1️⃣2️⃣3️⃣ хвс", {("cold", 1): "123"}),
    ],
)
def test_the_same_is_read_however_it_is_spelt(text: str, expected: Values) -> None:
    assert values(read(text, *FLAT)) == expected


@pytest.mark.parametrize(
    ("text", "meter", "expected"),
    [
        ("00123", COLD, "123"),
        ("00123456", COLD, "123.456"),
        ("123456", LIGHT, "12345.6"),
        ("012345", LIGHT, "1234.5"),
        ("123456", COLD, "123456"),
    ],
)
def test_all_digits_of_a_dial_typed_together_have_their_point_put_back(
    text: str, meter: Meter, expected: str
) -> None:
    assert values(read(text, meter)) == {(meter.id, 1): expected}


@pytest.mark.parametrize(
    ("text", "meters", "assumed"),
    [
        ("00123456", [COLD], {Assumption.RED_DIGITS}),
        ("12З", [COLD], {Assumption.MISPRINT}),
        ("свет 1 2 3 4 5", FLAT, {Assumption.READ_ALOUD}),
        ("123 45 10234", FLAT, {Assumption.IN_ORDER}),
        ("гвс те же", FLAT, {Assumption.SAME}),
        ("хвс 123", FLAT, set()),
    ],
)
def test_what_was_assumed_is_said(text: str, meters: list[Meter], assumed: set[Assumption]) -> None:
    assert assumptions(read(text, *meters)) == assumed


@pytest.mark.parametrize(
    "text",
    [
        ACCOUNT_NUMBER,
        "123456789",
        "+7 900 123-45-67",
        "8 900 123 45 67",
        "квартира 45 залита",
        "сколько стоит 1 куб?",
        "пришло 500 рублей",
        "баланс",
        "",
        "\x00",
        "24.05.2026",
    ],
)
def test_accounts_phones_sums_and_talk_are_no_readings(text: str) -> None:
    assert read(text, *FLAT) == NotReading()


def test_a_bare_number_is_meant_for_the_meter_that_was_asked_about() -> None:
    assert values(read("123", *FLAT, awaited="hot")) == {("hot", 1): "123"}
    assert values(read("хвс 123", *FLAT, awaited="hot")) == {("cold", 1): "123"}


def test_a_value_for_one_of_two_cold_meters_asks_which_and_keeps_the_rest() -> None:
    understood = read("хвс 123 гвс 45", KITCHEN, BATH, HOT)

    hot_entry = Entered(Slot("hot", 1), Decimal(45), "45")
    assert understood == WhichMeter((Doubt("123", slots([KITCHEN, BATH])),), (hot_entry,))


def test_each_value_that_may_be_of_several_meters_is_a_question_of_its_own_in_the_order_typed() -> None:
    hot_bath = hot("hot-bath", place="санузел", serial="22229999")

    understood = read("ХВС 123, ГВС 45, свет 10234", KITCHEN, BATH, HOT, hot_bath, LIGHT)

    doubts = (Doubt("123", slots([KITCHEN, BATH])), Doubt("45", slots([HOT, hot_bath])))
    assert understood == WhichMeter(doubts, (Entered(Slot("light", 1), Decimal(10234), "10234"),))


def test_fewer_bare_values_than_registers_are_asked_about_one_by_one() -> None:
    assert read("123 45", *FLAT) == WhichMeter((Doubt("123", slots(FLAT)), Doubt("45", slots(FLAT))))
    assert read("123 456", *FLAT) == WhichMeter((Doubt("123", slots(FLAT)), Doubt("456", slots(FLAT))))


def test_the_meter_that_is_named_exactly_is_not_asked_about_elsewhere() -> None:
    assert values(read("хвс 5, хвс кухня 7", KITCHEN, BATH)) == {("kitchen", 1): "7", ("bath", 1): "5"}


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("хвс 1234 5678", ("1234", "5678")),
        ("хвс 12 хвс 13", ("12", "13")),
        ("21 22 23 24", ("21", "22", "23", "24")),
    ],
)
def test_more_values_than_registers_are_not_guessed_at(text: str, typed: tuple[str, ...]) -> None:
    assert read(text, *FLAT) == Unclear(typed)


def test_what_is_clear_stays_clear_beside_what_is_not() -> None:
    hot_entry = Entered(Slot("hot", 1), Decimal(5), "5")

    assert read("гвс 5 хвс 12 13", *FLAT) == Unclear(("12", "13"), (hot_entry,))
    assert read("хвс 7 гвс 12 13", KITCHEN, BATH, HOT) == WhichMeter(
        (Doubt("7", slots([KITCHEN, BATH])),), (), ("12", "13")
    )


def test_smart_meters_are_not_asked_but_can_be_named() -> None:
    smart = electric(smart=True)

    assert values(read("123", COLD, smart)) == {("cold", 1): "123"}
    assert values(read("свет 123", COLD, smart)) == {("light", 1): "123"}


@pytest.mark.parametrize(
    "text", ["исправить хвс 123 на 132", "ошибся, хвс не 123, а 132", "неверно: хвс 132"]
)
def test_a_correction_takes_the_right_value(text: str) -> None:
    understood = read(text, *FLAT)

    assert isinstance(understood, Correction)
    assert values(understood.of) == {("cold", 1): "132"}


def test_zero_on_a_new_dial_is_a_reading() -> None:
    assert values(read("0", cold(last=None))) == {("cold", 1): "0"}


# --- Laws ------------------------------------------------------------------------------------------

WORDS = [
    "хвс",
    "гвс",
    "т1",
    "т2",
    "кухня",
    "свет",
    "те же",
    "+",
    "123",
    "00123,456",
    "12З",
    "…6342",
    "ошибся",
    "м3",
    "-5",
    "?",
]


@given(st.text() | st.lists(st.sampled_from(WORDS) | st.text(max_size=3)).map(" ".join))
@example("\x00" * 10_000)
@example("1" * 10_000)
@example("1,1." * 2_500)
@example("1 " * 5_000)
@example("хвс1" * 2_500)
@example("*" * 10_000)
@example("👩‍👩‍👧‍👦" * 1_000)
@example("\u202eхвс 123\u202c")
@example("м" + "\u0301" * 10_000)
@example("баланс ٣")
@example("хвс𐩀")
def test_any_text_is_understood_somehow(text: str) -> None:
    understand(text, [KITCHEN, BATH, HOT, ZONES], account_numbers=[ACCOUNT_NUMBER])


SPELT = {COLD_WATER: "хвс", HOT_WATER: "гвс", ELECTRICITY: "свет"}
HOME = [KITCHEN, BATH, HOT, ZONES]


def spelt(entries: dict[tuple[str, int], Decimal]) -> str:
    """*entries* as a careful resident would type them."""
    by_id = {meter.id: meter for meter in HOME}
    lines = []
    for (meter_id, register), value in entries.items():
        meter = by_id[meter_id]
        zone = f"т{register} " if len(meter.registers) > 1 else ""
        lines.append(f"{SPELT[meter.service]} {meter.place} {zone}{value:f}".replace(".", ","))
    return "\n".join(lines)


dial_values = st.integers(0, 99_999).map(Decimal) | st.decimals(0, 9_999, places=2)


@given(
    st.dictionaries(st.sampled_from([(s.meter, s.register) for s in slots(HOME)]), dial_values, min_size=1)
)
def test_what_is_spelt_out_is_read_back_as_it_was(entries: dict[tuple[str, int], Decimal]) -> None:
    understood = understand(spelt(entries), HOME)

    assert isinstance(understood, Entries)
    assert {(one.slot.meter, one.slot.register): one.value for one in understood.entries} == entries
