"""Sealing days: a hash over a day's postings and the seal before, so that nothing can be changed unseen.

A sealed day takes no more postings: what comes late is recorded for the next open day, with its true time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from core.money import NOTHING, Money
from core.postings import LedgerAccount
from storage.database import Connection


class Seal(msgspec.Struct, frozen=True):
    """The seal of a day: its *hash* is printed in each provider's register."""

    day: date
    postings: int
    hash: bytes


# Alone with the books: whoever posts for a day that is being sealed waits, and is recorded for the next one.
LOCK_BOOKS_ALONE: Final = "select pg_advisory_xact_lock('seal'::regclass::oid::bigint)"

# The days up to the given one that can be sealed: from the last seal, or the first posting, on.
OPEN_DAYS: Final = """
select day::date
from generate_series(
    coalesce((select max(day) + 1 from seal), (select min(business_day) from posting)), $1::date, interval '1 day'
) day
order by day
"""

# Seal a day: what is hashed is the seal before, the day, and the hash of each posting in its order.
SEAL_DAY: Final = """
with before as (
    select coalesce((select hash from seal order by day desc limit 1), ''::bytea) as hash
), of_day as (
    select count(*)::integer as postings, coalesce(string_agg(content_hash, ''::bytea order by id), ''::bytea) as hashes
    from posting where business_day = $1::date
)
insert into seal (day, postings, previous, hash, sealed_at)
select $1::date, of_day.postings, before.hash,
       sha256(before.hash || convert_to(to_char($1::date, 'YYYY-MM-DD'), 'UTF8') || of_day.hashes), $2::timestamptz
from before, of_day
returning day, postings, hash
"""

# What each ledger account that is nobody's account held at the end of the day: what it held before, and what
# the day moved.
CHECK_DAY: Final = """
with moved as (
    select side.ledger_account_id, sum(side.kopecks) as kopecks
    from posting p
    join transfer t on t.posting_id = p.id
    cross join lateral (values (t.to_id, t.kopecks), (t.from_id, -t.kopecks)) side (ledger_account_id, kopecks)
    where p.business_day = $1::date
    group by side.ledger_account_id
)
insert into checkpoint (ledger_account_id, day, kopecks)
select a.id, $1::date, moved.kopecks + coalesce(
    (select c.kopecks from checkpoint c where c.ledger_account_id = a.id order by c.day desc limit 1), 0
)
from moved
join ledger_account a on a.id = moved.ledger_account_id
where a.account_id is null
"""


async def seal_days(db: Connection, *, until: date, now: datetime) -> list[Seal]:
    """Seal every day that is open up to *until*, in order; the new seals. *now* is the business clock's."""
    await db.execute(LOCK_BOOKS_ALONE)
    seals = []
    for row in await db.fetch(OPEN_DAYS, until):
        [sealed] = await db.fetch(SEAL_DAY, row["day"], now)
        await db.execute(CHECK_DAY, row["day"])
        seals.append(Seal(sealed["day"], sealed["postings"], sealed["hash"]))
    return seals


LAST_SEALED: Final = "select max(day) from seal"


async def last_sealed(db: Connection) -> date | None:
    """The last day that is sealed."""
    day: date | None = await db.fetchval(LAST_SEALED)
    return day


# The seal of a day.
SEAL_OF: Final = "select day, postings, hash from seal where day = $1"


async def seal_of(db: Connection, day: date) -> Seal | None:
    """The seal of *day*; None while it is open."""
    row = await db.fetchrow(SEAL_OF, day)
    return None if row is None else Seal(row["day"], row["postings"], row["hash"])


# What ledger accounts that are nobody's account hold now: their last checkpoint, and what moved since.
HELD: Final = """
with open_days as (
    select id from posting where business_day > coalesce((select max(day) from seal), '-infinity')
), asked as (
    select id, key from ledger_account where key = any($1::text[])
), moved as (
    select side.id, sum(side.kopecks) as kopecks
    from open_days p
    join transfer t on t.posting_id = p.id
    cross join lateral (values (t.to_id, t.kopecks), (t.from_id, -t.kopecks)) side (id, kopecks)
    group by side.id
)
select asked.key, (coalesce(moved.kopecks, 0) + coalesce(
    (select c.kopecks from checkpoint c where c.ledger_account_id = asked.id order by c.day desc limit 1), 0
))::bigint as kopecks
from asked left join moved using (id)
"""


async def held_by(db: Connection, places: Sequence[LedgerAccount]) -> dict[LedgerAccount, Money]:
    """What each of *places* (providers', acquirers', the centre's own ledger accounts) holds now.

    Reads the open days only, however old the books are.
    """
    rows = await db.fetch(HELD, [place.key for place in places])
    held = {row["key"]: Money(row["kopecks"]) for row in rows}
    return {place: held.get(place.key, NOTHING) for place in places}
