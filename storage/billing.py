"""Posting bills whose rows the import has put in place: many accounts at once, each month's once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from core import booking
from core.allocation import PROPORTIONAL, Rule
from core.booking import BilledLine
from core.messages import Month
from core.money import Money
from core.postings import Conflict, Posted, Posting, Repeat
from storage.database import Connection
from storage.differences import mark_differences
from storage.ledger import post
from storage.settling import lock_accounts, settle

# Accounts whose bills are in memory at once.
CHUNK: Final = 1_000

# A bill by its account and month.
Key: TypeAlias = tuple[int, Month]


class BeforeTheBooks(msgspec.Struct, frozen=True, tag=True):
    """The bill is older than its account's first one in the books, whose opening has its sums."""


BillVerdict: TypeAlias = Posted | Repeat | Conflict | BeforeTheBooks


async def post_bills(
    db: Connection, bills: Sequence[Key], *, now: datetime, zone: tzinfo, rule: Rule = PROPORTIONAL
) -> dict[Key, BillVerdict]:
    """Post *bills*, whose rows and charges are in place; settle and compare their accounts.

    The first bill of an account posts its opening, too. A bill that has no row is not answered. *now* is the
    business clock's, *zone* and *rule* the centre's. Raises UnevenBillError.
    """
    months: defaultdict[int, list[Month]] = defaultdict(list)
    for account, period in bills:
        months[account].append(period)
    await lock_accounts(db, months)
    verdicts: dict[Key, BillVerdict] = {}
    accounts = iter(sorted(months))
    while chunk := list(islice(accounts, CHUNK)):
        asked = [(account, period.first_day) for account in chunk for period in months[account]]
        verdicts |= await _post_chunk(db, asked, now=now, zone=zone, rule=rule)
    return verdicts


async def _post_chunk(
    db: Connection, asked: Sequence[tuple[int, date]], *, now: datetime, zone: tzinfo, rule: Rule
) -> dict[Key, BillVerdict]:
    postings, verdicts = await _postings_of(db, asked, zone)
    found = await post(db, list(postings.values()), now=now, zone=zone)
    posted = {bill: verdict.posting for bill, verdict in zip(postings, found, strict=True) if _new(verdict)}
    await _note(db, posted)
    occasions = {account: postings[account, period].key for account, period in posted}
    await settle(db, occasions, now=now, zone=zone, rule=rule)
    await mark_differences(db, list(occasions))
    return verdicts | dict(zip(postings, found, strict=True))


def _new(verdict: Posted | Repeat | Conflict) -> bool:
    return isinstance(verdict, Posted)


# These bills, oldest first, and the month of the first bill of their account that is in the books.
BILLS: Final = """
select b.account_id, b.period, b.opening,
       (select min(f.period) from bill f where f.account_id = b.account_id and f.posting_id is not null) as first
from unnest($1::bigint[], $2::date[]) as asked (account_id, period)
join bill b using (account_id, period)
order by b.account_id, b.period
"""


async def _postings_of(
    db: Connection, asked: Sequence[tuple[int, date]], zone: tzinfo
) -> tuple[dict[Key, Posting], dict[Key, BillVerdict]]:
    lines = await _lines_of(db, asked)
    postings: dict[Key, Posting] = {}
    verdicts: dict[Key, BillVerdict] = {}
    begun: dict[int, date] = {}
    for row in await db.fetch(BILLS, *zip(*asked, strict=True)):
        account, period = bill = (row["account_id"], Month.of(row["period"]))
        first = begun.setdefault(account, row["first"] or row["period"])
        if row["period"] < first:
            verdicts[bill] = BeforeTheBooks()
            continue
        postings[bill] = booking.bill(
            account=account,
            period=period,
            lines=lines.get(bill, ()),
            opening=Money(row["opening"]) if row["period"] == first else None,
            happened_at=datetime.combine(period.plus(1).first_day, time(), zone),
        )
    return postings, verdicts


# The lines of these bills: each column of a bill is a list, in the order of services and providers.
LINES: Final = """
select account_id, period, lines.*
from unnest($1::bigint[], $2::date[]) as asked (account_id, period)
cross join lateral (
    select array_agg(service_code) as services, array_agg(provider_id) as providers,
        array_agg(payable - recalculation) as charged, array_agg(recalculation) as recalculated,
        array_agg(penalty) as fined, array_agg(opening) as opened
    from (
        select * from charge c
        where c.account_id = asked.account_id and c.period = asked.period
        order by service_code, provider_id
    ) in_order
) lines
where services is not null
"""


async def _lines_of(db: Connection, asked: Sequence[tuple[int, date]]) -> Mapping[Key, list[BilledLine]]:
    return {
        (account, Month.of(period)): [
            BilledLine(service, provider, Money(charged), Money(again), Money(fined), Money(opened))
            for service, provider, charged, again, fined, opened in zip(*columns, strict=True)
        ]
        for account, period, *columns in await db.fetch(LINES, *zip(*asked, strict=True))
    }


# Note in which posting a bill is.
NOTE_POSTINGS: Final = """
update bill set posting_id = posted.posting_id
from unnest($1::bigint[], $2::date[], $3::bigint[]) as posted (account_id, period, posting_id)
where bill.account_id = posted.account_id and bill.period = posted.period
"""


async def _note(db: Connection, posted: Mapping[Key, int]) -> None:
    rows = [(account, period.first_day, posting) for (account, period), posting in posted.items()]
    if rows:
        await db.execute(NOTE_POSTINGS, *zip(*rows, strict=True))
