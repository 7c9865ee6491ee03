"""Handing in readings, told as talks: what was asked of storage is fed in, what is said is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conversation import (
    ChoosingMeter,
    ConfirmingReadings,
    EnteringReading,
    Idle,
    ReadingEntry,
    ShowingMeter,
    Stage,
    WaitingValue,
)
from core.dialogues.reading_cards import example_of, full_name
from core.dialogues.reading_photos import take_photo
from core.dialogues.readings import OF_ACCOUNT, reading_rejected, show_meters, take_text
from core.driving import Dialogue, replay, start
from core.messages import Month, Photo, Press, PressButton, Reply, Text
from core.meter_questions import Entry, Kept, MetersOf, Overtaken, SubmitReadings
from core.meters import Meter, Sent
from core.privacy import Ceiling, permitted
from core.questions import AddToCase, OpenCase
from core.reading_windows import Days, MovedWindow
from core.turns import AccountLink, Centre, ReadingRejected, Resident, Told, Turn
from core.wording import Rows, Words
from tests.making_meters import ACCOUNT, IN_MAY, a_register, cold, electric, hot

IDLE, NOTHING_SAID = Idle(), Text("")
MOSCOW = ZoneInfo("Europe/Moscow")
LINK = AccountLink(id=1, account=ACCOUNT, number="0581234567", name="Дача", address="", current=True)
FLAT = (cold(), hot(), electric())
KITCHEN, BATH = cold("kitchen"), cold("bath", place="санузел", serial="11117788")
HOT, HOT_BATH = hot(), hot("hot-bath", place="санузел", serial="22229999")
HOME = (KITCHEN, BATH, HOT, HOT_BATH)
WAYS_OUT = ["Назад", "Отмена", "Меню"]


def a_turn(
    said: Any = NOTHING_SAID, stage: Stage = IDLE, *, sent_at: datetime = IN_MAY, stale: bool = False
) -> Turn:
    return Turn(
        chat=5,
        channel="telegram",
        sent_at=sent_at,
        now=sent_at,
        said=said,
        centre=Centre(name="Центр", zone=MOSCOW),
        resident=Resident(6, (LINK,)),
        stage=stage,
        stale=stale,
        key="77",
    )


def typed(text: str, *, meters: Sequence[Meter] = FLAT, stage: Stage = IDLE, **rest: Any) -> Told:
    told = typed_or_none(text, meters=meters, stage=stage, **rest)
    assert told is not None
    return told


def typed_or_none(
    text: str,
    *,
    meters: Sequence[Meter] = FLAT,
    stage: Stage = IDLE,
    answers: dict[Any, Any] | None = None,
    **rest: Any,
) -> Told | None:
    turn = a_turn(Text(text), stage, **rest)
    given = {MetersOf: tuple(meters), OpenCase: 31, **(answers or {})}
    [talk] = start([take_text(turn, text)])  # type: ignore[list-item]  # this one may tell nothing
    while talk.waiting is not None:
        talk.step(given[type(talk.waiting)])
    if talk.failure:
        raise talk.failure
    return talk.told


def pressed(
    payload: str,
    stage: Stage,
    *,
    meters: Sequence[Meter] = FLAT,
    answers: dict[Any, Any] | None = None,
    **rest: Any,
) -> Told:
    action, *args = payload.split(":")
    turn = a_turn(Press(payload), stage, **rest)
    dialogue: Dialogue = OF_ACCOUNT[action](turn, args)
    return replay(dialogue, {MetersOf: tuple(meters), OpenCase: 31, **(answers or {})})


def said(told: Told, *, strict: bool = False) -> str:
    """The text of the first reply, as a resident reads it."""
    reply = permitted(told.replies[0], Ceiling.of("strict" if strict else "open"))
    words = Words("ru", MOSCOW)
    blocks = words.paragraphs(reply.body)
    return "\n".join("".join(span.text for span in block) for block in blocks if not isinstance(block, Rows))


def buttons(told: Told | Reply) -> dict[str, str]:
    """Label → payload of the first reply's press buttons."""
    reply = told.replies[0] if isinstance(told, Told) else told
    words = Words("ru", MOSCOW)
    presses = [button for row in reply.keyboard for button in row if isinstance(button, PressButton)]
    return {words.plain(button.label): button.payload for button in presses}


def named(*meters: Meter) -> list[str]:
    """The labels of the buttons of *meters*."""
    words = Words("ru", MOSCOW)
    return [words.plain(full_name(meter)) for meter in meters]


def entries_of(told: Told) -> set[tuple[str, str]]:
    """What the confirm card would keep."""
    assert isinstance(told.stage, ConfirmingReadings)
    return {(entry.meter, entry.value) for entry in told.stage.entries}


def kept(*values: tuple[str, int, str]) -> Kept:
    return Kept(84213, IN_MAY, tuple((meter, register, Decimal(value)) for meter, register, value in values))


# --- The card --------------------------------------------------------------------------------------


def card(*meters: Meter, sent_at: datetime = IN_MAY) -> Told:
    return replay(show_meters(a_turn(sent_at=sent_at)), {MetersOf: meters})


def test_the_card_shows_each_meter_with_its_place_serial_last_value_and_state() -> None:
    shown = said(card(cold(last="120"), hot(sent="46")))

    assert "Холодная вода, кухня, …6342\n— за май 2026 ещё не передано, ждём до 25 мая 2026" in shown
    assert "Прошлое показание: 120 м³ (24 апреля 2026)" in shown
    assert (
        "Горячая вода, кухня, …1234\n✓ 46 м³, передано 20.05.2026 12:00, войдёт в квитанцию за май 2026"
        in shown
    )
    assert "Поверка до 1 января 2030" in shown


def test_the_card_warns_of_a_verification_that_ends() -> None:
    assert "Срок поверки истёк 1 мая 2026" in said(card(cold(verification_due_on=date(2026, 5, 1))))
    assert "Срок поверки истекает 1 июля 2026" in said(card(cold(verification_due_on=date(2026, 7, 1))))


def test_smart_and_closed_meters_are_shown_and_not_asked_for() -> None:
    told = card(cold(), electric(smart=True), hot(closed_on=date(2026, 4, 1)))

    assert "Передаёт показания сам" in said(told)
    assert "Снят 1 апреля 2026" in said(told)
    assert list(buttons(told)) == ["Холодная вода, кухня, …6342", "Меню"]


def test_rooms_are_named_in_the_residents_language() -> None:
    english = Words("en", MOSCOW)

    assert english.plain(full_name(BATH)) == "Cold water, bathroom, …7788"
    assert english.plain(full_name(cold(place="антресоль"))) == "Cold water, антресоль, …6342"
    assert english.plain(example_of(HOME)) == "Cold kitchen 123, Hot kitchen 45"


def test_where_personal_data_may_not_go_the_card_has_only_short_names() -> None:
    assert said(card(cold(last="120"), hot(sent="46")), strict=True).split("\n")[:3] == [
        "Счётчики",
        "— ХВС …6342",
        "✓ ГВС …1234",
    ]


def test_an_account_without_meters_says_so() -> None:
    assert "не подключены счётчики" in said(card())


# --- Free text and the confirm card ----------------------------------------------------------------


def test_free_text_ends_in_one_confirm_card_with_use_and_cost() -> None:
    told = typed("ХВС 125, ГВС 45")

    shown = said(told)
    assert "Холодная вода, кухня, …6342: 125 м³\nбыло 120, расход 5 м³\nПримерно 200,00\xa0₽" in shown
    assert "Горячая вода, кухня, …1234: 45 м³\nбыло 40, расход 5 м³" in shown
    assert list(buttons(told)) == ["Сохранить", "Исправить", "Назад", "Отмена", "Меню"]
    assert told.stage == ConfirmingReadings(
        ACCOUNT,
        (ReadingEntry("cold", 1, "125"), ReadingEntry("hot", 1, "45")),
        (ReadingEntry("cold", 1, "120"), ReadingEntry("hot", 1, "40")),
    )


def test_where_personal_data_may_not_go_the_confirm_card_has_no_cost_and_no_past() -> None:
    assert said(typed("ХВС 125"), strict=True) == "ХВС …6342: 125\nСохранить?"


@pytest.mark.parametrize("text", ["баланс", "квартира 45 залита", "0581234567", "спасибо"])
def test_what_is_about_something_else_is_left_to_others(text: str) -> None:
    assert typed_or_none(text) is None


def test_what_was_assumed_is_told_on_the_card() -> None:
    assert "Поняли «00125456» как 125,456." in said(typed("хвс 00125456"))
    assert "Разложили числа по порядку счётчиков." in said(typed("125 45 10100"))


def test_a_value_of_several_meters_asks_which_and_the_press_answers() -> None:
    asked = typed("125")

    assert "От какого счётчика показание 125?" in said(asked)
    told = pressed(buttons(asked)["Холодная вода, кухня, …6342"], asked.stage)
    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("cold", 1, "125"),)


def test_the_meter_may_be_named_in_words_and_clear_values_wait() -> None:
    asked = typed("хвс 125 гвс 45", meters=(KITCHEN, BATH, hot()))

    told = typed("санузел", meters=(KITCHEN, BATH, hot()), stage=asked.stage)
    assert isinstance(told.stage, ConfirmingReadings)
    assert set(told.stage.entries) == {ReadingEntry("bath", 1, "125"), ReadingEntry("hot", 1, "45")}


def chosen(label: str, asked: Told, **rest: Any) -> Told:
    [payload] = [payload for name, payload in buttons(asked).items() if name.startswith(label)]
    return pressed(payload, asked.stage, meters=HOME, **rest)


def test_values_of_several_meters_are_asked_about_one_after_another_and_confirmed_together() -> None:
    first = typed("ХВС 125, ГВС 45", meters=HOME)
    second = chosen("Холодная вода, санузел", first)
    told = chosen("Горячая вода, кухня", second)

    assert list(buttons(first)) == [*named(KITCHEN, BATH), "Пропустить", *WAYS_OUT]
    assert said(second).split("\n") == [
        "✓ Холодная вода, санузел, …7788: 125",
        "От какого счётчика показание 45?",
    ]
    assert list(buttons(second)) == [*named(HOT, HOT_BATH), "Пропустить", *WAYS_OUT]
    assert entries_of(told) == {("bath", "125"), ("hot", "45")}


def test_where_personal_data_may_not_go_the_question_names_meters_briefly() -> None:
    second = chosen("Холодная вода, санузел", typed("ХВС 125, ГВС 45", meters=HOME))

    assert said(second, strict=True).split("\n")[0] == "✓ ХВС …7788: 125"


def test_a_register_that_has_its_value_is_not_offered_for_the_next() -> None:
    first = typed("125 45", meters=HOME)
    second = chosen("Холодная вода, кухня", first)

    assert list(buttons(second))[:3] == named(BATH, HOT, HOT_BATH)


def test_the_button_of_an_answered_question_answers_no_other() -> None:
    first = typed("125 45", meters=HOME)
    second = chosen("Холодная вода, кухня", first)

    again = pressed(buttons(first)[named(HOT)[0]], second.stage, meters=HOME)
    assert again.stage == second.stage
    assert "показание 45?" in said(again)


def test_a_value_that_nobody_can_place_may_be_passed_over() -> None:
    first = typed("ХВС 125, ГВС 45", meters=HOME)
    second = pressed(buttons(first)["Пропустить"], first.stage, meters=HOME)
    twice = pressed(buttons(first)["Пропустить"], second.stage, meters=HOME)

    assert "показание 45?" in said(second)
    assert twice.stage == second.stage
    assert entries_of(chosen("Горячая вода, кухня", second)) == {("hot", "45")}


def test_values_sent_one_by_one_wait_for_their_turn() -> None:
    first = typed("125", meters=HOME)
    still = typed("45", meters=HOME, stage=first.stage)
    second = typed("хвс кухня", meters=HOME, stage=still.stage)
    told = typed("1234", meters=HOME, stage=second.stage)

    assert said(still).split("\n")[0] == "Про 45 спросим следом."
    assert "показание 125?" in said(still)
    assert "показание 45?" in said(second)
    assert entries_of(told) == {("kitchen", "125"), ("hot", "45")}


def test_the_value_that_is_asked_about_typed_again_is_asked_about_once() -> None:
    first = typed("125", meters=HOME)

    assert typed("125", meters=HOME, stage=first.stage).stage == first.stage


def test_a_value_with_its_meter_answers_the_question_about_the_same_value() -> None:
    first = typed("ХВС 125, ГВС 45", meters=HOME)

    second = typed("хвс ванна 125, гвс ванна 47", meters=HOME, stage=first.stage)
    assert "показание 45?" in said(second)
    assert entries_of(chosen("Горячая вода, кухня", second)) == {
        ("bath", "125"),
        ("hot", "45"),
        ("hot-bath", "47"),
    }


def test_what_fits_no_meter_is_told_and_the_rest_goes_on() -> None:
    told = typed("гвс 45 хвс 12 13", meters=[cold(), hot()])

    assert "от какого счётчика 12; 13. Пришлите это отдельно." in said(told)
    assert entries_of(told) == {("hot", "45")}


def test_what_is_no_value_does_not_end_what_was_begun() -> None:
    first = typed("ХВС 125, ГВС 45", meters=HOME)
    still = typed("+5", meters=HOME, stage=first.stage)

    assert "«+5» похоже на расход" in said(still)
    assert "показание 125?" in said(still)
    assert still.stage == first.stage


def test_a_missing_zone_is_asked_for_and_both_are_confirmed() -> None:
    meters = (cold(), electric(zones=2))

    asked = typed("т1 10100", meters=meters)
    told = typed("10050", meters=meters, stage=asked.stage)

    assert "Т2. Что сейчас на счётчике?" in said(asked)
    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("light", 1, "10100"), ReadingEntry("light", 2, "10050"))


def test_a_pressed_meter_asks_for_its_value_and_takes_a_bare_number() -> None:
    asked = pressed(buttons(card(*FLAT))["Горячая вода, кухня, …1234"], Idle())

    assert asked.stage == EnteringReading(ACCOUNT, "hot", 1)
    assert "Прошлое показание: 40 м³" in said(asked)
    told = typed("45", stage=asked.stage)
    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("hot", 1, "45"),)


def test_skipping_goes_on_to_the_next_missing_meter_and_ends_at_the_card() -> None:
    meters = (cold(), hot(sent="46"), electric())

    asked = pressed(buttons(card(*meters))["Холодная вода, кухня, …6342"], Idle(), meters=meters)
    second = pressed(buttons(asked)["Пропустить"], asked.stage, meters=meters)
    third = pressed(buttons(second)["Пропустить"], second.stage, meters=meters)

    assert second.stage == EnteringReading(ACCOUNT, "light", 1)
    assert third.stage == Idle()


@pytest.mark.parametrize("text", ["+5", "расход 5"])
def test_use_is_not_taken_for_a_reading(text: str) -> None:
    told = typed(text, meters=[cold()])

    assert told.stage == EnteringReading(ACCOUNT, "cold", 1)
    assert f"«{text.removeprefix('расход ')}» похоже на расход" in said(told)


def test_a_reading_below_zero_is_answered_helpfully() -> None:
    of_one, of_several = typed("-5", meters=[cold()]), typed("-5", meters=HOME)

    assert "Показание не бывает меньше нуля. Если на счётчике 5," in said(of_one)
    assert of_one.stage == EnteringReading(ACCOUNT, "cold", 1)
    assert "Показание не бывает меньше нуля" in said(of_several)
    assert of_several.stage == Idle()


def test_a_slip_while_a_zone_is_asked_for_keeps_the_other_zone() -> None:
    entered = EnteringReading(ACCOUNT, "light", 2, (ReadingEntry("light", 1, "10100"),))

    assert typed("-5", meters=[electric(zones=2)], stage=entered).stage == entered


def test_the_same_as_last_time_is_explained_and_confirmed() -> None:
    told = typed("те же", meters=[cold(), hot()])

    assert "расхода за месяц нет" in said(told)
    assert isinstance(told.stage, ConfirmingReadings)
    assert [entry.value for entry in told.stage.entries] == ["120", "40"]


def test_values_that_cannot_be_told_apart_bring_the_card_and_an_example() -> None:
    told = typed("125 45 10 11", meters=FLAT)

    assert "Не получилось понять" in said(told)
    assert told.stage == Idle()


# --- Doubts and refusals ---------------------------------------------------------------------------


def test_much_use_is_asked_about() -> None:
    told = typed("хвс 180")

    assert "Точно?" in said(told)
    assert "⚠ Расход 60 м³ намного больше обычного." in said(told)
    assert next(iter(buttons(told))) == "Да, всё верно"


def test_impossible_use_becomes_a_case_at_once_and_a_photo_is_asked_for() -> None:
    told = typed("хвс 12500")

    assert told.stage == ShowingMeter(ACCOUNT, 31)
    assert "обращение № 31. Пришлите, пожалуйста, фото" in said(told)


def test_an_impossible_value_does_not_hold_up_the_others() -> None:
    told = typed("хвс 12500 гвс 45")

    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("hot", 1, "45"),)
    assert "обращение № 31" in said(told)


def test_a_reading_below_the_last_one_is_asked_for_again_or_handed_to_staff() -> None:
    told = typed("хвс 98")

    assert told.stage == EnteringReading(ACCOUNT, "cold", 1)
    assert "98 меньше прошлого показания (120 м³)" in said(told)
    insisted = pressed(buttons(told)["Всё верно, передать сотруднику"], told.stage)
    assert insisted.stage == ShowingMeter(ACCOUNT, 31)


def test_a_case_names_the_meter_and_the_values() -> None:
    [talk] = start([OF_ACCOUNT["reading-staff"](a_turn(), staff_args("98"))])
    talk.step((cold(),))

    assert isinstance(talk.waiting, OpenCase)
    assert talk.waiting.kind == "reading_below_last"
    assert dict(talk.waiting.facts) | {"sent_at": ""} == {
        "meter": "cold",
        "serial": "11116342",
        "service": "cold_water",
        "value_1": "98",
        "last_1": "120",
        "sent_at": "",
    }


def staff_args(value: str) -> list[str]:
    payload = buttons(typed(f"хвс {value}", meters=[cold()]))["Всё верно, передать сотруднику"]
    return payload.split(":")[1:]


@pytest.mark.parametrize(
    ("meter", "text", "answer"),
    [
        (cold(), "125000", "до запятой у него 5 цифр"),
        (cold(), "125,4567", "слишком много цифр после запятой"),
        (cold(sent="125"), "125", "125 м³ уже принято 20.05.2026 12:00, войдёт в квитанцию за май 2026"),
        (cold(sent="132", locked=True), "123", "132 м³ уже вошло в расчёт"),
        (cold(closed_on=date(2026, 5, 1)), "хвс 125", "счётчик снят 1 мая 2026"),
        (cold(commissioned_on=None), "125", "ещё не введён в эксплуатацию"),
        (cold(smart=True), "хвс 125", "передаёт показания сам"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_reason(meter: Meter, text: str, answer: str) -> None:
    assert answer in said(typed(text, meters=[meter]))


def test_swapped_values_are_exchanged_for_confirmation_and_may_be_left_as_typed() -> None:
    told = typed("хвс 45 гвс 125")

    assert "Похоже, показания перепутаны местами" in said(told)
    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("cold", 1, "125"), ReadingEntry("hot", 1, "45"))
    as_typed = pressed(buttons(told)["Оставить, как было"], told.stage)
    assert "45 меньше прошлого показания" in said(as_typed)


def test_more_hot_water_than_cold_is_remarked_upon_and_accepted() -> None:
    told = typed("хвс 121 гвс 45")

    assert "Горячей воды больше, чем холодной" in said(told)
    assert "Сохранить" in buttons(told)


def test_a_correction_of_this_period_shows_what_it_replaces() -> None:
    told = typed("ошибся, хвс 123", meters=[cold(sent="132"), hot()])

    assert "Заменит переданное раньше: 132." in said(told)


def test_a_correction_of_an_earlier_period_goes_to_staff() -> None:
    told = typed("в прошлый раз ошибся, было 98", meters=[cold()])

    assert "изменить его может только сотрудник" in said(told)
    insisted = pressed(buttons(told)["Всё верно, передать сотруднику"], told.stage, meters=[cold()])
    assert "обращение № 31" in said(insisted)


def test_a_correction_with_several_meters_asks_which_and_goes_the_way_of_corrections() -> None:
    meters = [cold(sent="132"), hot(), electric()]

    asked = typed("в прошлый раз ошибся, было 98", meters=meters)
    of_this_bill = typed("хвс", meters=meters, stage=typed("ошибся, было 125", meters=meters).stage)
    of_an_earlier_one = typed("гвс", meters=meters, stage=asked.stage)

    assert "На каком счётчике исправить показание на 98?" in said(asked)
    assert "Заменит переданное раньше: 132." in said(of_this_bill)
    assert "изменить его может только сотрудник" in said(of_an_earlier_one)
    assert "Всё верно, передать сотруднику" in buttons(of_an_earlier_one)


def test_of_two_corrections_one_is_confirmed_and_the_other_goes_to_staff() -> None:
    told = typed("ошибся, хвс 125 гвс 38", meters=[cold(sent="132"), hot()])

    assert entries_of(told) == {("cold", "125")}
    assert "Горячая вода, кухня, …1234: прошлое показание уже вошло в расчёт" in said(told)
    assert "Всё верно, передать сотруднику" in buttons(told)


def test_a_late_reading_counts_for_the_next_bill() -> None:
    told = typed("хвс 125", sent_at=datetime(2026, 5, 26, 9, 0, tzinfo=UTC))

    assert "Приём за май 2026 закончился: показание войдёт в квитанцию за июнь 2026." in said(told)


# --- Saving ----------------------------------------------------------------------------------------


def confirming() -> Told:
    return typed("хвс 125 гвс 45")


def saved(*answers: Any, meters: Sequence[Meter] = FLAT) -> Told:
    told = confirming()
    [answer] = answers
    return pressed(buttons(told)["Сохранить"], told.stage, meters=meters, answers={SubmitReadings: answer})


def test_the_receipt_says_when_under_which_number_for_which_bill_and_until_when() -> None:
    told = saved(kept(("cold", 1, "125"), ("hot", 1, "45")))

    lines = said(told).split("\n")
    assert lines[:4] == [
        "✅ Принято 24.05.2026 10:12, № 84213, войдёт в квитанцию за май 2026",
        "Исправить можно до 25.05.2026 23:59: просто пришлите новое значение.",
        "Холодная вода, кухня, …6342: 125 м³",
        "Горячая вода, кухня, …1234: 45 м³",
    ]
    assert told.stage == Idle()


def test_the_receipt_shows_what_is_stored_not_what_was_typed() -> None:
    assert "Холодная вода, кухня, …6342: 126 м³" in said(saved(kept(("cold", 1, "126"), ("hot", 1, "45"))))


def test_the_receipt_takes_the_place_of_the_card_and_offers_what_is_missing() -> None:
    told = saved(kept(("cold", 1, "125"), ("hot", 1, "45")))

    assert told.replies[0].replaces
    assert "Остался ещё 1 счётчик." in said(told)
    assert next(iter(buttons(told))) == "Электричество, коридор, …5555"


def test_meters_with_windows_of_their_own_name_each_its_bill() -> None:
    meters = (cold(), electric(window=cold().window.__class__(20, 23)))
    told = typed("хвс 125 свет 10100", meters=meters)

    answer = kept(("cold", 1, "125"), ("light", 1, "10100"))
    receipt = pressed(buttons(told)["Сохранить"], told.stage, meters=meters, answers={SubmitReadings: answer})

    assert "Войдёт в квитанцию за май 2026, исправить можно до 25.05.2026 23:59." in said(receipt)
    assert "Войдёт в квитанцию за июнь 2026, исправить можно до 23.06.2026 23:59." in said(receipt)


def test_what_is_submitted_says_what_it_was_judged_on_and_where_it_came_from() -> None:
    told = typed("хвс 180")
    [_, token] = buttons(told)["Да, всё верно"].split(":")
    [talk] = start([OF_ACCOUNT["reading-save"](a_turn(Press(""), told.stage), [token])])
    talk.step(FLAT)

    entry = Entry("cold", 1, Decimal(180), Decimal(120), Month(2026, 5), ("confirmed_high",))
    assert talk.waiting == SubmitReadings(
        account=ACCOUNT,
        entries=(entry,),
        received_at=IN_MAY,
        channel="telegram",
        chat=5,
        resident=6,
        source_ref="telegram:77",
    )


@pytest.mark.parametrize("text", ["да", "Сохранить", "ок!"])
def test_yes_in_words_saves(text: str) -> None:
    told = typed(
        text, stage=confirming().stage, answers={SubmitReadings: kept(("cold", 1, "125"), ("hot", 1, "45"))}
    )

    assert "№ 84213" in said(told)


def test_a_new_value_on_the_confirm_card_replaces_and_keeps_the_rest() -> None:
    told = typed("гвс 46", stage=confirming().stage)

    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("cold", 1, "125"), ReadingEntry("hot", 1, "46"))


def test_a_bare_number_after_a_card_of_one_meter_corrects_it() -> None:
    told = typed("126", stage=typed("хвс 125").stage)

    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("cold", 1, "126"),)


def test_correcting_a_card_of_one_meter_asks_for_its_value_again() -> None:
    told = typed("хвс 125")

    assert pressed(buttons(told)["Исправить"], told.stage).stage == EnteringReading(ACCOUNT, "cold", 1)
    assert "ничего не сохранено" in said(pressed(buttons(confirming())["Исправить"], confirming().stage))


def test_values_that_another_turn_stored_meanwhile_are_shown_before_anything_is_saved() -> None:
    meanwhile = (cold(sent="124"), hot(), electric())
    told = confirming()

    again = pressed(buttons(told)["Сохранить"], told.stage, meters=meanwhile)

    assert "Пока вы отвечали, данные изменились" in said(again)
    assert "Заменит переданное раньше" in said(again)


def test_meters_are_asked_for_with_the_windows_that_the_centre_moved() -> None:
    moved = (MovedWindow(Month(2026, 5), Days(date(2026, 5, 15), date(2026, 6, 2))),)
    centre = Centre(name="Центр", zone=MOSCOW, moved_windows=moved)

    [talk] = start([show_meters(msgspec.structs.replace(a_turn(), centre=centre))])

    assert talk.waiting == MetersOf(ACCOUNT, date(2026, 5, 24), moved)


def test_an_overtaken_submission_is_decided_anew() -> None:
    told = confirming()
    [token] = buttons(told)["Сохранить"].split(":")[1:]
    [talk] = start([OF_ACCOUNT["reading-save"](a_turn(Press(""), told.stage), [token])])

    for answer in (FLAT, Overtaken(), (cold(sent="125"), hot(), electric())):
        talk.step(answer)

    again = talk.told
    assert again is not None
    assert "Пока вы отвечали, данные изменились" in said(again)
    assert "125 м³ уже принято" in said(again)
    assert isinstance(again.stage, ConfirmingReadings)
    assert again.stage.entries == (ReadingEntry("hot", 1, "45"),)


def test_the_window_that_closed_before_the_press_is_told_before_saving() -> None:
    told = confirming()

    again = pressed(
        buttons(told)["Сохранить"], told.stage, sent_at=datetime(2026, 5, 25, 21, 0, 1, tzinfo=UTC)
    )

    assert "показание войдёт в квитанцию за июнь 2026" in said(again)
    assert isinstance(again.stage, ConfirmingReadings)


@pytest.mark.parametrize("stage", [Idle(), EnteringReading(ACCOUNT, "cold")])
def test_the_button_of_an_old_card_saves_nothing(stage: Stage) -> None:
    told = pressed(buttons(confirming())["Сохранить"], stage)

    assert "Эта кнопка от старого сообщения" in said(told)


def test_the_button_of_another_card_shows_the_present_one_first() -> None:
    old = buttons(typed("хвс 124"))["Сохранить"]

    told = pressed(old, confirming().stage)

    assert "данные изменились" in said(told)


def test_a_message_that_newer_ones_have_overtaken_confirms_nothing() -> None:
    told = pressed(buttons(confirming())["Сохранить"], confirming().stage, stale=True)

    assert "Эта кнопка от старого сообщения" in said(told)


def test_a_meter_button_of_an_earlier_month_brings_a_fresh_card() -> None:
    old = buttons(card(*FLAT, sent_at=datetime(2026, 4, 20, 9, 0, tzinfo=UTC)))["Холодная вода, кухня, …6342"]

    assert "Эта кнопка от старого сообщения" in said(pressed(old, Idle()))


@pytest.mark.parametrize("action", sorted(OF_ACCOUNT))
@pytest.mark.parametrize(
    "args", ["", "x", "::", "deadbeef:9:-1:2026-05", "a:b:c:d:e:f", "\x00:1:NaN:2026-05"]
)
def test_made_up_payloads_bring_a_card_and_change_nothing(action: str, args: str) -> None:
    told = pressed(f"{action}:{args}", Idle())

    assert told.stage == Idle()


def test_every_payload_fits_into_64_bytes() -> None:
    meter = cold("a-very-long-identifier-of-the-billing-system-0001")
    payloads = [
        *buttons(card(meter)).values(),
        *buttons(typed("хвс 98,123", meters=[meter])).values(),
        *buttons(typed("хвс 45 гвс 125")).values(),
    ]
    assert max(len(payload.encode()) for payload in payloads) <= 64


# --- Photos and rejections -------------------------------------------------------------------------


def photographed(stage: Stage, **answers: Any) -> Told:
    turn = a_turn(Photo("file-1"), stage)
    return replay(take_photo(turn, Photo("file-1")), {OpenCase: 32, AddToCase: answers.get("added", True)})


def test_a_photo_is_kept_for_staff_and_the_number_is_asked_for() -> None:
    told = photographed(Idle())

    assert said(told) == (
        "Фото сохранено для сотрудника, обращение № 32.\nЧтобы показание вошло в квитанцию, напишите его цифрами."
    )


def test_what_the_caption_of_a_photo_says_is_read() -> None:
    photo = Photo("file-1", "хвс 125")

    told = replay(take_photo(a_turn(photo), photo), {OpenCase: 32, MetersOf: FLAT})

    assert "Фото сохранено для сотрудника" in said(told)
    assert isinstance(told.stage, ConfirmingReadings)
    assert told.stage.entries == (ReadingEntry("cold", 1, "125"),)


def test_a_photo_that_was_asked_for_joins_its_case() -> None:
    assert "обращению № 31" in said(photographed(ShowingMeter(ACCOUNT, 31)))
    assert "обращение № 32" in said(photographed(ShowingMeter(ACCOUNT, 31), added=False))


def test_a_reading_that_billing_rejects_is_told_with_the_reason() -> None:
    told = replay(reading_rejected(a_turn(), ReadingRejected(84213, ACCOUNT, "снята пломба")), {})

    assert "Показание № 84213 не принято в расчёт: снята пломба." in said(told)
    assert "снята пломба" not in said(told, strict=True)


def test_a_rejected_reading_names_its_meter_since_a_receipt_may_be_of_several() -> None:
    rejected = ReadingRejected(84213, ACCOUNT, "снята пломба", KITCHEN.id, 1)
    told = replay(reading_rejected(a_turn(), rejected), {MetersOf: (BATH, KITCHEN)})

    assert "№ 84213 не принято в расчёт (Холодная вода, кухня, …" in said(told)
    assert "№ 84213 не принято в расчёт (ХВС …" in said(told, strict=True)


def test_every_zone_of_three_is_shown_beside_the_others() -> None:
    zones = [a_register(n, last="10") for n in (1, 2, 3)]
    sent = [a_register(n, last="10", sent=str(10 + n)) for n in (1, 2, 3)]

    assert "Прошлое показание: 10 / 10 / 10 кВт·ч" in said(card(electric(registers=zones)))
    assert "✓ 11 / 12 / 13 кВт·ч" in said(card(electric(registers=sent)))
    assert isinstance(sent[0].sent, Sent)


# --- Laws ------------------------------------------------------------------------------------------

SAYINGS = [
    "хвс",
    "гвс",
    "свет",
    "т1",
    "кухня",
    "те же",
    "ошибся",
    "да",
    "нет",
    "0",
    "125",
    "45",
    "98",
    "12500",
    "+5",
    "-5",
    "125 45",
]
STAGES: list[Stage] = [
    Idle(),
    EnteringReading(ACCOUNT, "light", 2, (ReadingEntry("light", 1, "10100"),)),
    EnteringReading(ACCOUNT, "gone"),
    EnteringReading(999, "cold"),
    ChoosingMeter(
        ACCOUNT,
        (WaitingValue("125", (("cold", 1), ("gone", 1))), WaitingValue("98", (("hot", 1),), corrects=True)),
        (ReadingEntry("hot", 1, "45"),),
    ),
    ChoosingMeter(ACCOUNT),
    ConfirmingReadings(ACCOUNT, (ReadingEntry("cold", 1, "125"),), (ReadingEntry("cold", 1, "120"),)),
    ConfirmingReadings(ACCOUNT, (ReadingEntry("gone", 1, "125"),), (ReadingEntry("gone", 1, ""),)),
    ShowingMeter(ACCOUNT, 31),
]


@given(
    text=st.lists(st.sampled_from(SAYINGS) | st.text(max_size=4), max_size=6).map(" ".join),
    stage=st.sampled_from(STAGES),
    language=st.sampled_from(["ru", "en"]),
    ceiling=st.sampled_from(["open", "strict"]),
)
def test_whatever_is_typed_wherever_the_talk_stands_is_answered_in_words(
    text: str, stage: Stage, language: str, ceiling: str
) -> None:
    meters = (cold(sent="123"), hot(), electric(zones=2), cold("bath", place="санузел", smart=True))

    told = typed_or_none(text, meters=meters, stage=stage, answers={SubmitReadings: Overtaken()})

    words = Words(language, MOSCOW)
    for reply in told.replies if told else ():
        allowed = permitted(reply, Ceiling.of(ceiling))
        assert words.paragraphs(allowed.body)
        assert all(len(payload.encode()) <= 64 for payload in buttons(allowed).values())
