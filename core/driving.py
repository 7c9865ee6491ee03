"""Stepping many dialogues side by side, and `replay` for tests.

Each dialogue runs until it awaits a question. All waiting questions of one type are answered together,
reads before writes, in the order of the turns; then the dialogues go on. No event loop is involved:
whoever drives asks for the next round of questions and sends the answers in.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.questions import Question
from core.turns import Told, Turn

Dialogue: TypeAlias = Coroutine[Question[Any], Any, Told]

# What a pressed button starts: the turn, and what follows the action in the payload.
Handler: TypeAlias = Callable[[Turn, Sequence[str]], Dialogue]


@dataclass(slots=True)
class Talk:
    """One dialogue on its way: what it waits for, whether it has asked a write, and how it ended."""

    dialogue: Dialogue
    waiting: Question[Any] | None = None
    wrote: bool = False
    told: Told | None = None
    failure: Exception | None = None

    def step(self, answer: object) -> None:
        """Run on with *answer* until the next question or the end."""
        try:
            self.waiting = self.dialogue.send(answer)
        except StopIteration as end:
            self.waiting, self.told = None, end.value
        except Exception as failure:  # noqa: BLE001  # whatever a dialogue raises belongs to its turn alone
            self.waiting, self.failure = None, failure


@dataclass(slots=True)
class Round:
    """The questions of one type that wait now, with the talks that wait for them, in the order of turns."""

    kind: type[Question[Any]]
    talks: list[Talk] = field(default_factory=list)

    @property
    def questions(self) -> list[Question[Any]]:
        """What the talks wait for; equal reads may repeat."""
        return [talk.waiting for talk in self.talks if talk.waiting is not None]

    def answer(self, answers: Sequence[object]) -> None:
        """Send each talk its answer and run it on. Raises ValueError if they are not as many."""
        for talk, given in zip(list(self.talks), answers, strict=True):
            talk.step(given)


def start(dialogues: Sequence[Dialogue]) -> list[Talk]:
    """The talks of *dialogues*, each run up to its first question."""
    talks = [Talk(dialogue) for dialogue in dialogues]
    for talk in talks:
        talk.step(None)
    return talks


def next_round(talks: Sequence[Talk]) -> Round | None:
    """The questions to answer next: of one type, any read before any write; None when all are done."""
    rounds: dict[type[Question[Any]], Round] = {}
    for talk in talks:
        if talk.waiting is not None:
            kind = type(talk.waiting)
            rounds.setdefault(kind, Round(kind)).talks.append(talk)
    if not rounds:
        return None
    chosen = min(rounds.values(), key=lambda candidate: candidate.kind.writes)
    if chosen.kind.writes:
        for talk in chosen.talks:
            talk.wrote = True
    return chosen


def replay(dialogue: Dialogue, answers: Mapping[Any, Any]) -> Told:
    """What *dialogue* comes to when its questions are answered from *answers*.

    A key is a question, or a type of question where the test does not care for the rest. Raises KeyError
    for a question that has no answer there.
    """
    (talk,) = start([dialogue])
    while (asked := talk.waiting) is not None:
        talk.step(answers[asked] if asked in answers else answers[type(asked)])
    if talk.failure is not None:
        raise talk.failure
    if talk.told is None:
        raise RuntimeError("the dialogue ended without telling anything")
    return talk.told
