"""Where billing's balance and the books disagree: marked on the account, listed for staff, never posted.

A bill says what was owed before it (`opening`) less the payments that billing had counted by `counted_until`;
the books say what they held at the end of that day without the bill. Both are compared for the latest bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from core.messages import Month
from core.money import Money
from storage.database import Connection

# Each account's latest bill in the books: what billing held when it had counted payments, and what we did.
COMPARED: Final = """
select a.id as account_id, a.number, bill.period, bill.counted_until,
       bill.opening - bill.payments_counted as billing,
       coalesce(balance.owed - balance.advance, 0) + later.paid
           - (bill.total_due - bill.opening + bill.payments_counted) as ledger
from account a
cross join lateral (
    select * from bill b
    where b.account_id = a.id and b.posting_id is not null
    order by b.period desc limit 1
) bill
left join balance on balance.account_id = a.id
cross join lateral (
    select coalesce(sum(p.amount), 0)::bigint as paid
    from payment p
    where p.account_id = a.id and p.paid_on > bill.counted_until
) later
"""

# Mark these accounts if they differ, and no longer if they do not.
MARK: Final = f"""
update account set differs = found.differs
from (select account_id, billing <> ledger as differs from ({COMPARED} where a.id = any($1::bigint[])) c) found
where account.id = found.account_id and account.differs <> found.differs
"""  # noqa: S608  # made of our own constants


async def mark_differences(db: Connection, accounts: Sequence[int]) -> None:
    """Mark those of *accounts*, which are locked, whose latest bill and the books disagree."""
    if accounts:
        await db.execute(MARK, accounts)


class Difference(msgspec.Struct, frozen=True):
    """What the bill of *period* and the books say was owed when billing had counted payments."""

    account: int
    number: str
    period: Month
    counted_until: date
    billing: Money
    ledger: Money


# The accounts that differ, by number.
DIFFERENCES: Final = f"select * from ({COMPARED}) compared where billing <> ledger order by number"  # noqa: S608  # made of our own constants


async def differences(db: Connection) -> list[Difference]:
    """Every account whose latest bill and the books disagree, with both sums."""
    return [
        Difference(
            account=row["account_id"],
            number=row["number"],
            period=Month.of(row["period"]),
            counted_until=row["counted_until"],
            billing=Money(row["billing"]),
            ledger=Money(row["ledger"]),
        )
        for row in await db.fetch(DIFFERENCES)
    ]
