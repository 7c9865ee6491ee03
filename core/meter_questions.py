"""What dialogues and registers ask about meters, and the keeping of readings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from core.messages import Month
from core.meters import Meter
from core.questions import Question
from core.reading_windows import MovedWindow


@dataclass(frozen=True, slots=True)
class MetersOf(Question[tuple[Meter, ...]]):
    """The meters of *account*, open ones first, as of *on*; *moved* are months with windows of their own."""

    account: int
    on: date
    moved: tuple[MovedWindow, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """A value to keep for a register, and the last accepted value that it was judged on."""

    meter: str
    register: int
    value: Decimal
    judged_on: Decimal | None
    counted_period: Month
    flags: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True):
    """The readings are stored: under this number, with what a fresh read returns for each register."""

    number: int
    received_at: datetime
    values: tuple[tuple[str, int, Decimal], ...]


class Overtaken(msgspec.Struct, frozen=True):
    """Another turn stored readings meanwhile: nothing is kept."""


@dataclass(frozen=True, slots=True)
class SubmitReadings(Question[Kept | Overtaken]):
    """Keep *entries* for *account*, all or none. *source_ref* makes a repeat harmless.

    Without a *chat* (and so without a *resident*) *channel* is what else brought them: 'bank_register'.
    """

    writes = True
    account: int
    entries: tuple[Entry, ...]
    received_at: datetime
    channel: str
    chat: int | None
    resident: int | None
    source_ref: str

    @property
    def source(self) -> str:
        """What is noted as the source of each reading."""
        return self.channel if self.chat is None else f"bot.{self.channel}"
