"""A question for staff, and their answer."""

from core.conversation import AskingStaff, Idle
from core.dialogues import staff
from core.driving import replay
from core.messages import DataClass, Photo
from core.questions import OpenCase
from core.turns import CaseAnswered
from tests.making_people import NOW, a_link, a_resident, keys_of, only, payloads, typed, words_of

ASKING = AskingStaff()


def test_staff_are_asked_in_the_next_message() -> None:
    told = replay(staff.call_staff(a_resident(), ()), {})

    assert told.stage == ASKING
    assert "cancel" in payloads(only(told))


def test_a_question_becomes_a_case_with_a_number() -> None:
    turn = a_resident(a_link())
    facts = (("question", "Почему так много?"), ("language", "ru"))

    told = replay(
        staff.take_question(turn, ASKING, typed(" Почему так много? ")),
        {OpenCase("question", 3, 71, facts, NOW): 12},
    )

    assert told.stage == Idle()
    assert "12" in words_of(only(told))


def test_a_picture_may_be_the_question() -> None:
    facts = (("photo", "file-1"), ("language", "ru"))

    told = replay(
        staff.take_question(a_resident(), ASKING, Photo("file-1")),
        {OpenCase("question", 3, None, facts, NOW): 12},
    )

    assert told.stage == Idle()


def test_an_empty_question_is_asked_for_again() -> None:
    assert replay(staff.take_question(a_resident(), ASKING, typed("  ")), {}).stage == ASKING


def test_a_very_long_question_is_cut_and_that_is_said() -> None:
    told = replay(staff.take_question(a_resident(), ASKING, typed("а" * 10_000)), {OpenCase: 12})

    assert keys_of(only(told)) == ["staff-asked", "staff-cut"]


def test_the_answer_comes_back_and_leaves_the_talk_where_it_stood() -> None:
    event = CaseAnswered(12, "Пересчитали *заново*.")

    told = replay(staff.case_answered(a_resident(said=event, stage=ASKING), event), {})

    reply = only(told)
    assert told.stage == ASKING
    assert "Пересчитали *заново*." in words_of(reply)
    assert reply.data_class == DataClass.PERSONAL
    assert reply.lesser is not None
    assert "Пересчитали" not in words_of(reply.lesser)
