"""Comparing the penalties that billing has charged with our own reckoning; nothing is posted of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Final

import asyncpg
import msgspec

from core.due_dates import DueRules, due_on
from core.messages import Month
from core.money import NOTHING, Money
from core.penalties import Debt, PenaltyRules, accrued, rounded
from storage.database import Connection

ROWS_AT_ONCE: Final = 5_000


class PenaltyDifference(msgspec.Struct, frozen=True):
    """What billing has charged in all for paying for *service* late, up to its latest bill, and what we reckon."""

    number: str
    service: str
    charged_until: date
    billing: Money
    ours: Money


# What was paid late of each service and month, or is late still, as of the day until which the account's latest
# bill counts payments. What was taken back of a payment counts as of the payment's own day, and so undoes it.
# Nothing is late before the middle of the month after, so that most rows need no look.
PARTS: Final = """
with latest as (
    select distinct on (account_id) account_id, counted_until
    from bill where posting_id is not null
    order by account_id, period desc
)
select l.account_id, l.counted_until, x.period, x.service_code, x.kopecks,
       least(coalesce(y.paid_on, p.business_day), l.counted_until) as paid_on
from latest l
join allocation x on x.account_id = l.account_id and not x.penalty
join posting p on p.id = x.posting_id
left join payment y on y.id = x.payment_id
left join service s on s.code = x.service_code
where coalesce(y.paid_on, p.business_day) > x.period + 60 and x.period < l.counted_until - 60
    and not coalesce(s.optional, false)
union all
select l.account_id, l.counted_until, o.period, o.service_code, o.kopecks, l.counted_until
from latest l
join layer o on o.account_id = l.account_id and not o.penalty and o.kopecks > 0 and o.period < l.counted_until - 60
left join service s on s.code = o.service_code
where not coalesce(s.optional, false)
"""

# The penalties that billing has charged in all, by account and service, with the day that they go up to.
CHARGED: Final = """
select c.account_id, c.service_code, sum(c.penalty)::bigint as kopecks, max(b.counted_until) as counted_until
from charge c
join bill b using (account_id, period)
where b.posting_id is not null
group by c.account_id, c.service_code
having sum(c.penalty) <> 0
"""

NUMBERS: Final = "select id, number from account where id = any($1::bigint[])"


async def penalty_differences(
    db: Connection, *, rules: PenaltyRules, dues: DueRules
) -> list[PenaltyDifference]:
    """Where billing's penalties and ours are not the same, by account and service."""
    ours: defaultdict[tuple[int, str], Fraction] = defaultdict(Fraction)
    until: dict[tuple[int, str], date] = {}
    async with db.transaction(readonly=True):
        async for row in db.cursor(PARTS, prefetch=ROWS_AT_ONCE):
            key = (row["account_id"], row["service_code"])
            until[key] = row["counted_until"]
            ours[key] += _accrued(row, rules, dues)
        charged = await db.fetch(CHARGED)
    billing = {(row["account_id"], row["service_code"]): Money(row["kopecks"]) for row in charged}
    until |= {(row["account_id"], row["service_code"]): row["counted_until"] for row in charged}
    reckoned = {key: rounded(kopecks) for key, kopecks in ours.items()}
    differing = [key for key in until if billing.get(key, NOTHING) != reckoned.get(key, NOTHING)]
    rows = await db.fetch(NUMBERS, sorted({account for account, _ in differing}))
    numbers = {row["id"]: row["number"] for row in rows}
    return sorted(_differences(differing, numbers, until, billing, reckoned), key=_place)


def _accrued(row: asyncpg.Record, rules: PenaltyRules, dues: DueRules) -> Fraction:
    debt = Debt(row["service_code"], Money(row["kopecks"]), due_on(Month.of(row["period"]), dues))
    return accrued(debt, row["paid_on"], rules)


def _differences(
    keys: list[tuple[int, str]],
    numbers: Mapping[int, str],
    until: Mapping[tuple[int, str], date],
    billing: Mapping[tuple[int, str], Money],
    ours: Mapping[tuple[int, str], Money],
) -> Iterator[PenaltyDifference]:
    for account, service in keys:
        key = (account, service)
        yield PenaltyDifference(
            numbers[account], service, until[key], billing.get(key, NOTHING), ours.get(key, NOTHING)
        )


def _place(difference: PenaltyDifference) -> tuple[str, str]:
    return (difference.number, difference.service)
