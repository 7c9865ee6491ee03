"""An acquirer asked about one go at paying after the other, for as long as it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

# An acquirer that fails to answer so often in a run is left alone until the next one.
DOWNS_MAX: Final = 6


@dataclass(slots=True)
class Run:
    """One acquirer asked about each go of *line*, by `go_on` as often at once as that is called."""

    line: Iterator[tuple[int, Callable[[], Awaitable[bool]]]]
    asked: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    downs: int = 0

    async def go_on(self) -> None:
        """Ask about the next one until there is none, or the acquirer is down."""
        for attempt, answered in self.line:
            self.asked.append(attempt)
            try:
                self.downs += not await answered()
            except Exception as failure:  # noqa: BLE001  # raised when all others were asked about
                self.failures.append(failure)
            if self.downs >= DOWNS_MAX:
                return
