"""Which days were compared with which acquirer, once however many processes there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from core.questions import OpenCase
from storage.cases import open_case
from storage.database import Connection

# Whoever began and did not come to an end in so long has died.
GIVEN_UP_AFTER: Final = timedelta(minutes=50)
LISTED_MAX: Final = 20

# Begin a day, unless it is over or another process is at it.
BEGIN: Final = """
insert into reconciliation (acquirer, day, began_at) values ($1, $2, $3)
on conflict (acquirer, day) do update set began_at = excluded.began_at
    where reconciliation.differences is null and reconciliation.began_at <= $4
returning true
"""


async def begin_day(db: Connection, acquirer: str, day: date, *, now: datetime) -> bool:
    """Whether *day* is to be compared with *acquirer* by the caller now; to be committed before asking."""
    return await db.fetchval(BEGIN, acquirer, day, now, now - GIVEN_UP_AFTER) is not None


END: Final = (
    "update reconciliation set differences = $3 where acquirer = $1 and day = $2 and differences is null"
)


async def end_day(
    db: Connection, acquirer: str, day: date, differences: Sequence[str], *, now: datetime
) -> None:
    """Note what was found; any *differences* are one case for staff."""
    if (await db.execute(END, acquirer, day, len(differences))).endswith(" 0") or not differences:
        return
    facts = [("acquirer", acquirer), ("day", str(day)), ("differences", str(len(differences)))]
    facts += [(f"difference_{place}", each) for place, each in enumerate(differences[:LISTED_MAX], 1)]
    facts.append(("see", f"kvitok payments reconcile --date {day}"))
    await open_case(db, [OpenCase("payments_differ", None, None, tuple(facts), now)])
