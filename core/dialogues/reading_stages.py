"""Where a talk about readings stands: only of the account that it is about, never after newer messages."""

from __future__ import annotations

from core.conversation import ChoosingMeter, ConfirmingReadings, EnteringReading, ReadingEntry
from core.turns import Turn


def confirmed(turn: Turn) -> ConfirmingReadings | None:
    """The confirm card that an answer may be meant for: of this account, and not of an overtaken message."""
    stage = turn.stage
    if turn.stale or not isinstance(stage, ConfirmingReadings) or stage.account != turn.linked.account:
        return None
    return stage


def choosing(turn: Turn) -> ChoosingMeter | None:
    stage = turn.stage
    if turn.stale or not isinstance(stage, ChoosingMeter) or stage.account != turn.linked.account:
        return None
    return stage


def awaited(turn: Turn) -> str | None:
    """The meter that a bare number is meant for."""
    match turn.stage:
        case EnteringReading(account, meter) if account == turn.linked.account and not turn.stale:
            return meter
        case ConfirmingReadings(account, (ReadingEntry(meter),)) if (
            account == turn.linked.account and not turn.stale
        ):
            return meter
    return None


def entered_so_far(turn: Turn) -> tuple[ReadingEntry, ...]:
    """Values of the same go that are not kept yet."""
    match turn.stage:
        case (
            EnteringReading(account=account, entered=entered)
            | ChoosingMeter(account=account, entered=entered)
            | ConfirmingReadings(account=account, entries=entered)
        ) if account == turn.linked.account and not turn.stale:
            return entered
    return ()
