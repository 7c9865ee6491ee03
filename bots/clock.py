"""The business clock: the time that rules and residents go by. Only the simulator moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class BusinessClock:
    """Tells the time of the centre's business; aware, in UTC."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """The business time now."""
        return datetime.now(UTC) + self._ahead

    def set(self, now: datetime) -> None:
        """Have it be *now*, and run on from there. Leases, paces and retries do not go by this clock."""
        self._ahead = now - datetime.now(UTC)
