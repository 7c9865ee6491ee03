"""What the ways in (webhooks, polling) ask of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from core.messages import Incoming


class Taken(Enum):
    """What became of an update that was handed to the engine."""

    DONE = "done"
    REPEATED = "repeated"
    """Its key was seen before; nothing changed."""
    DROPPED = "dropped"
    """Too many of its chat were waiting; the resident is told once."""
    BUSY = "busy"
    """Not taken: the queue is full or the database is away. The platform is to send it again."""


class Taker(Protocol):
    """The engine, as the ways in see it."""

    async def take(self, update: Incoming) -> Taken:
        """Run the turn of *update* and return once it is committed; a press is acknowledged by the engine."""

    async def take_polled(self, updates: Sequence[Incoming], *, channel: str, position: str) -> bool:
        """Run the turns of *updates* in order and save *position* in the last of their transactions.

        False: not taken as a whole, so the position stands where it was. With no updates, only the position
        is saved.
        """
