"""Dialogues run side by side; their questions are answered in batches, reads before writes."""

from dataclasses import dataclass

import pytest

from core.conversation import Idle
from core.driving import next_round, replay, start
from core.questions import Question
from core.turns import Told, told


@dataclass(frozen=True, slots=True)
class Read(Question[int]):
    number: int


@dataclass(frozen=True, slots=True)
class Write(Question[str]):
    writes = True
    number: int


async def reads_and_writes(number: int) -> Told:
    await Read(number)
    await Write(number)
    return told(Idle())


async def writes(number: int) -> Told:
    await Write(number)
    return told(Idle())


async def fails_after_writing() -> Told:
    await Write(1)
    raise ValueError("after a write")


async def fails_at_once() -> Told:
    raise ValueError("before anything")


def test_all_reads_of_a_type_are_asked_together_and_before_any_write() -> None:
    talks = start([writes(0), reads_and_writes(1), reads_and_writes(2)])

    first = next_round(talks)
    assert first is not None
    assert first.questions == [Read(1), Read(2)]
    first.answer([10, 20])

    second = next_round(talks)
    assert second is not None
    assert second.questions == [Write(0), Write(1), Write(2)]
    second.answer(["a", "b", "c"])

    assert next_round(talks) is None
    assert all(talk.told == told(Idle()) for talk in talks)


def test_a_dialogue_that_fails_leaves_the_others_be() -> None:
    talks = start([fails_at_once(), fails_after_writing(), writes(0)])
    asked = next_round(talks)
    assert asked is not None
    asked.answer(["a", "b"])

    assert [(talk.wrote, type(talk.failure), talk.told) for talk in talks] == [
        (False, ValueError, None),
        (True, ValueError, None),
        (True, type(None), told(Idle())),
    ]


def test_replay_answers_by_question_or_by_its_type() -> None:
    assert replay(reads_and_writes(7), {Read(7): 1, Write: "kept"}) == told(Idle())


def test_replay_raises_what_the_dialogue_raises() -> None:
    with pytest.raises(ValueError, match="after a write"):
        replay(fails_after_writing(), {Write: "kept"})


def test_replay_names_a_question_without_an_answer() -> None:
    with pytest.raises(KeyError):
        replay(writes(1), {})
