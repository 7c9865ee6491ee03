"""Which function answers a batch of each type of question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from core.questions import Question
from storage.database import Connection

# Takes the connection and questions of one type, gives their answers in the same order.
Answer: TypeAlias = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[object]]]
Answers: TypeAlias = Mapping[type[Question[Any]], Answer]
