"""The plan's table of docs/scaling.md, reckoned from the rounded figures that stand there: `python -m benchmarks.scaling_plan`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final

# What was measured, rounded; docs/scaling.md says by which part of the bench.
SERVE_MS: Final = 1.0
POSTGRES_MS: Final = 0.4
WAL_KB: Final = 4.0
PROCESS_MIB: Final = 120
SESSION_MIB: Final = 8
LINE_KB: Final = 1.5
TRANSFERS_A_LINE: Final = 3.3
IMPORTED_PER_S: Final = 25_000
PROVEN_PER_S: Final = 40_000

# What is assumed of a bill and of residents.
SERVICES: Final = 20
MONTHS: Final = 12
ACCOUNTS_A_MESSAGE_PER_S: Final = 5_000
PROCESSES: Final = 2


@dataclass(frozen=True)
class Place:
    """What is planned for: its accounts, billing centres, groups of database servers, connections of a process."""

    accounts: int
    centres: int
    groups: int
    connections: int

    @property
    def messages(self) -> float:
        """A second, at the peak."""
        return self.accounts / ACCOUNTS_A_MESSAGE_PER_S

    @property
    def lines(self) -> float:
        """A month."""
        return self.accounts * SERVICES

    @property
    def proof_s(self) -> float:
        """Seconds of a core that all proofs of a day take after a year."""
        return self.lines * MONTHS * TRANSFERS_A_LINE / PROVEN_PER_S

    @property
    def sessions(self) -> int:
        """On each group's primary."""
        return self.centres * PROCESSES * self.connections // self.groups


PLACES: Final = (
    Place(accounts=15_315, centres=1, groups=1, connections=10),
    Place(accounts=2_000_000, centres=35, groups=1, connections=3),
    Place(accounts=60_000_000, centres=1_000, groups=20, connections=3),
)
ROWS: Final[Sequence[tuple[str, Callable[[Place], str]]]] = (
    ("accounts", lambda of: f"{of.accounts:,}".replace(",", " ")),
    ("billing centres", lambda of: str(of.centres)),
    ("groups of database servers", lambda of: str(of.groups)),
    ("peak, messages/s", lambda of: _short(of.messages)),
    ("cores of `serve` at the peak", lambda of: _short(of.messages * SERVE_MS / 1e3)),
    ("cores of PostgreSQL at the peak", lambda of: _short(of.messages * POSTGRES_MS / 1e3)),
    ("WAL at the peak", lambda of: _size(of.messages * WAL_KB * 1e3) + "/s"),
    ("data a year, of a group", lambda of: _size(of.lines * MONTHS * LINE_KB * 1e3 / of.groups)),
    ("a month's bill lines, of a group", lambda of: f"{_short(of.lines / of.groups / 1e6)} million"),
    ("their import, one process a group", lambda of: _time(of.lines / of.groups / IMPORTED_PER_S)),
    ("daily proof of a centre, after a year", lambda of: _time(of.proof_s / of.centres)),
    ("… of a group, time of one core", lambda of: _time(of.proof_s / of.groups)),
    ("processes of `serve`", lambda of: str(of.centres * PROCESSES)),
    ("their memory", lambda of: _size(of.centres * PROCESSES * PROCESS_MIB * 2**20)),
    ("sessions of a group", lambda of: str(of.sessions)),
    ("their memory in PostgreSQL", lambda of: _size(of.sessions * SESSION_MIB * 2**20)),
)


def lines() -> Iterator[str]:
    """The rows of the table, as Markdown."""
    for name, reckoned in ROWS:
        yield f"| {name} | {' | '.join(reckoned(place) for place in PLACES)} |"


def _short(value: float) -> str:
    """Two digits that count."""
    rounded = round(value, 1 - floor(log10(value)))
    return f"{rounded:,.0f}".replace(",", " ") if rounded >= 10 else f"{rounded:g}"


def _size(value: float) -> str:
    unit, name = next((unit, name) for unit, name in UNITS if value >= unit)
    return f"{_short(value / unit)} {name}"


def _time(seconds: float) -> str:
    unit, name = next((unit, name) for unit, name in TIMES if seconds >= 2 * unit or unit == 1)
    return f"{_short(seconds / unit)} {name}"


UNITS: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"))
TIMES: Final = ((3600, "h"), (60, "min"), (1, "s"))

if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
