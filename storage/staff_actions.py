"""The record of what members of staff did and looked at: who, when, whose, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from storage.database import Connection

RECORD: Final = """
insert into staff_action (at, who, action, account_id, link_id, case_id, why) values ($1, $2, $3, $4, $5, $6, $7)
"""


async def record(
    db: Connection,
    action: str,
    *,
    who: str,
    now: datetime,
    account: int | None = None,
    link: int | None = None,
    case: int | None = None,
    why: str = "",
) -> None:
    """Keep that *who* did this; *account*, *link*, *case* are what it was done to."""
    await db.execute(RECORD, now, who, action, account, link, case, why)
