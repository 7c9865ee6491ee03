"""Goes at paying that stay open, or are over and watched on: the longest unasked ones of each acquirer first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from core.acquiring import Attempt, AttemptState
from storage.attempts import MOVE_ATTEMPT, OPEN_CASE, attempt_from
from storage.database import Connection

# Goes at an acquirer that have stood still since before then, each with its link's source.
OPEN_ATTEMPTS: Final = """
select a.*, l.source_ref
from payment_attempt a join pay_link l on l.id = a.pay_link_id
where a.acquirer = $1 and a.state in ('created', 'pending', 'unknown') and a.case_id is null
  and a.changed_at < $2
order by a.asked_at, a.id limit $3
"""


async def open_attempts(
    db: Connection, acquirer: str, *, before: datetime, most: int
) -> list[tuple[Attempt, str]]:
    """Up to *most* goes that are open and did not change since *before*, each with its link's source."""
    rows = await db.fetch(OPEN_ATTEMPTS, acquirer, before, most)
    return [(attempt_from(row), row["source_ref"]) for row in rows]


# Goes that are over for us, begun since then and not heard of since that: money may arrive late, a refund be
# made in the acquirer's cabinet, and a notice of either get lost.
OVER: Final = """
select * from payment_attempt
where acquirer = $1 and state not in ('created', 'pending', 'unknown', 'refunded') and case_id is null
  and operation_id is not null and created_at > $2 and changed_at < $3
order by asked_at, id limit $4
"""


async def over_attempts(
    db: Connection, acquirer: str, *, since: datetime, before: datetime, most: int
) -> list[Attempt]:
    """Up to *most* goes that are over, begun after *since* and last heard of before *before*."""
    return [attempt_from(row) for row in await db.fetch(OVER, acquirer, since, before, most)]


# These were asked about, whatever came of it: all others come before them.
ASKED: Final = "update payment_attempt set asked_at = $2 where id = any($1::bigint[])"


async def note_asked(db: Connection, attempts: Sequence[int], *, now: datetime) -> None:
    """Note that *attempts* were asked about."""
    await db.execute(ASKED, sorted(attempts), now)


# Open goes, begun before then, of acquirers that are none of these.
STRAYS: Final = """
select a.*, l.account_id as account, l.chat_id as chat
from payment_attempt a join pay_link l on l.id = a.pay_link_id
where a.acquirer <> all($1::text[]) and a.state in ('created', 'pending', 'unknown') and a.case_id is null
  and a.created_at < $2
order by a.id for update of a skip locked
"""


async def call_about_strays(
    db: Connection, on: Sequence[str], *, before: datetime, now: datetime
) -> Mapping[str, int]:
    """Have a person look, once, at each go begun before *before* whose acquirer is not *on*; how many each had.

    One that its acquirer never took had no page that could be paid on: it is over.
    """
    rows = await db.fetch(STRAYS, on, before)
    for row in rows:
        attempt, case = attempt_from(row), None
        if attempt.operation is not None:
            facts = {
                "acquirer": attempt.acquirer,
                "operation": attempt.operation,
                "key": attempt.key,
                "attempt": str(attempt.id),
                "asked_kopecks": str(attempt.amount.kopecks),
            }
            case = await db.fetchval(OPEN_CASE, "payment_unasked", row["account"], row["chat"], facts, now)
        state = AttemptState.EXPIRED if case is None else attempt.state
        await db.execute(MOVE_ATTEMPT, attempt.id, state, None, None, None, case, now)
    return Counter(row["acquirer"] for row in rows)
