"""What is said about a file that was given to us: loaded, known already, refused and why."""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

BAD_ROWS_SHOWN_MAX: Final = 100


class BadRow(msgspec.Struct, frozen=True):
    """What is wrong in a file and where; line 0 is the file as a whole, an empty column the whole line."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.column}: {self.reason}" if self.column else f"{place}: {self.reason}"


class Loaded(msgspec.Struct, frozen=True):
    """The file is in: of its *rows*, so many were new, so many changed what was there, the rest was known.

    *aside*: payments of accounts that we do not know, put aside for staff; *rejected*: readings that billing
    rejects, told to so many chats; *readings*: those that came with payments and were kept. *notes* say of
    lines that are no mistakes what a clerk should know.
    """

    rows: int
    added: int
    changed: int = 0
    aside: int = 0
    rejected: int = 0
    readings: int = 0
    notes: tuple[BadRow, ...] = ()


class AlreadyLoaded(msgspec.Struct, frozen=True):
    """A file with this very content was loaded before, as *name*."""

    name: str


class Refused(msgspec.Struct, frozen=True):
    """Nothing of the file was applied. *bad* are the first of *bad_total* complaints."""

    bad: tuple[BadRow, ...]
    bad_total: int


class NotOurs(msgspec.Struct, frozen=True):
    """Found in a folder beside what is to be loaded, and left alone: a folder, a note, a hidden file."""


Outcome: TypeAlias = Loaded | AlreadyLoaded | Refused | NotOurs


class FileReport(msgspec.Struct, frozen=True):
    """What became of a file."""

    file: str
    outcome: Outcome


class Progress(msgspec.Struct, frozen=True):
    """How far a file is in a *phase*, 'reading', 'checking' or 'merging': so many of its bytes."""

    file: str
    phase: str
    bytes_read: int
    bytes_total: int


Watcher: TypeAlias = Callable[[Progress], None]


class Complaints:
    """The complaints about a file: all counted, the first ones kept."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.total = 0
        self._kept: list[BadRow] = []

    def __bool__(self) -> bool:
        return self.total > 0

    def add(self, line: int, column: str, reason: str) -> None:
        """Note a complaint."""
        if len(self._kept) < BAD_ROWS_SHOWN_MAX:
            self._kept.append(BadRow(self.file, line, column, reason))
        self.total += 1

    def unseen(self, more: int) -> None:
        """Count so many more that nobody will list."""
        self.total += more

    @property
    def refused(self) -> Refused:
        """What they amount to, in the order of lines."""
        return Refused(tuple(sorted(self._kept, key=lambda bad: bad.line)), self.total)
