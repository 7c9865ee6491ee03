"""Settling accounts after their books have moved: credits are released, advances spread over what is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Final

from core import booking
from core.allocation import PROPORTIONAL, Applied, Rule, apply_advances, credits_in
from core.postings import Posting
from storage.database import Connection
from storage.ledger import advances_of, layers_of, lock_money, post

# Against whoever else changes these accounts; foreign keys to them are not held up.
LOCK_ACCOUNTS: Final = """
select count(*) from (
    select from account where id = any($1::bigint[]) order by id for no key update
) locked
"""


async def lock_accounts(db: Connection, accounts: Iterable[int]) -> None:
    """Have *accounts* and their money to ourselves until the transaction ends."""
    in_order = sorted(set(accounts))
    await db.execute(LOCK_ACCOUNTS, in_order)
    await lock_money(db, in_order)


# Which of these accounts have an advance, or a service credited beyond what it owes.
UNSETTLED: Final = """
select account_id from balance where account_id = any($1::bigint[]) and advance > 0
union
select account_id from layer where account_id = any($1::bigint[]) and kopecks < 0
"""


async def settle(
    db: Connection, occasions: Mapping[int, str], *, now: datetime, zone: tzinfo, rule: Rule = PROPORTIONAL
) -> dict[str, Applied]:
    """Settle accounts, which are locked, each on the occasion of a posting (its key); what was spread, by origin.

    *rule* is the centre's. Afterwards an account has either something due or an advance, not both.
    """
    unsettled = [row["account_id"] for row in await db.fetch(UNSETTLED, list(occasions))]
    if not unsettled:
        return {}
    lines = await layers_of(db, unsettled)
    released = [
        booking.release(account=account, occasion=occasions[account], credited=credited, happened_at=now)
        for account in unsettled
        if (credited := credits_in(lines[account]))
    ]
    if released:
        await post(db, released, now=now, zone=zone)
    advances = await advances_of(db, unsettled)
    applied = {account: apply_advances(advances[account], lines[account], rule) for account in unsettled}
    spread = [
        _allocation(account, part, occasions[account], now)
        for account, parts in applied.items()
        for part in parts
    ]
    if spread:
        await post(db, spread, now=now, zone=zone)
    return {part.origin: part for parts in applied.values() for part in parts}


def _allocation(account: int, part: Applied, occasion: str, now: datetime) -> Posting:
    return booking.allocation(
        account=account,
        origin=part.origin,
        occasion=occasion,
        shares=part.allocation.shares,
        happened_at=now,
    )
