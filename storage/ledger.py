"""Recording postings, and reading what accounts owe line by line and what is not spread yet.

Whatever moves money comes through `post`: what a posting says is decided in `core.booking`. Order of locks:
accounts, the books (shared; sealing takes them alone), balances, each in one statement and in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Final

import msgspec

from core.allocation import Advance, Line, Named
from core.messages import Month
from core.money import Money
from core.postings import Conflict, Posted, Posting, Repeat, Verdict
from storage.database import Connection
from storage.postings import recorded
from storage.recording import Entry, add_postings, add_transfers

# --- Reading ---------------------------------------------------------------------------------------

# What these accounts owe by month, service and provider; settled months are not touched.
LAYERS: Final = """
select l.account_id, l.period, a.service_code, a.provider_id, l.kopecks,
       a.kind = 'penalty' as penalty, coalesce(s.optional, false) as optional
from layer l
join ledger_account a on a.id = l.ledger_account_id
left join service s on s.code = a.service_code
where l.account_id = any($1::bigint[]) and l.kopecks <> 0
order by l.account_id, l.period, a.service_code, a.provider_id, a.kind
"""


async def layers_of(db: Connection, accounts: Sequence[int]) -> dict[int, list[Line]]:
    """What each of *accounts* owes, line by line, the oldest month first; nothing for what is paid."""
    layers: dict[int, list[Line]] = {account: [] for account in accounts}
    for row in await db.fetch(LAYERS, accounts):
        layers[row["account_id"]].append(
            Line(
                period=Month.of(row["period"]),
                service=row["service_code"],
                provider=row["provider_id"],
                due=Money(row["kopecks"]),
                penalty=row["penalty"],
                optional=row["optional"],
            )
        )
    return layers


# The money of these accounts that is not spread yet, the oldest first, and what its payer named.
ADVANCES: Final = """
select a.account_id, o.key, a.kopecks, p.named
from advance a
join posting o on o.id = a.origin_id
left join payment p on p.posting_id = a.origin_id
where a.account_id = any($1::bigint[]) and a.kopecks <> 0
order by a.account_id, o.happened_at, o.id
"""


async def advances_of(db: Connection, accounts: Sequence[int]) -> dict[int, list[Advance]]:
    """The advances of each of *accounts*, by the posting that brought them in, the oldest first."""
    advances: dict[int, list[Advance]] = {account: [] for account in accounts}
    for row in await db.fetch(ADVANCES, accounts):
        named = msgspec.convert(row["named"] or [], tuple[Named, ...])
        advances[row["account_id"]].append(Advance(row["key"], Money(row["kopecks"]), named))
    return advances


# --- Locking ---------------------------------------------------------------------------------------

# Against sealing: the day that a posting is recorded for stays open until its transaction ends.
LOCK_BOOKS: Final = "select pg_advisory_xact_lock_shared('seal'::regclass::oid::bigint)"

# A balance for each of these accounts that has none.
ADD_BALANCES: Final = """
insert into balance (account_id)
select account from unnest($1::bigint[]) account
where not exists (select from balance b where b.account_id = account)
order by account
on conflict do nothing
"""

# Against everybody else who would move money of these accounts.
LOCK_BALANCES: Final = """
select count(*) from (
    select from balance where account_id = any($1::bigint[]) order by account_id for no key update
) locked
"""


async def lock_money(db: Connection, accounts: Iterable[int]) -> None:
    """Have the money of *accounts* to ourselves until the transaction ends, and the day stay open."""
    await db.execute(LOCK_BOOKS)
    if in_order := sorted(set(accounts)):
        await db.execute(ADD_BALANCES, in_order)
        await db.execute(LOCK_BALANCES, in_order)


# --- Recording -------------------------------------------------------------------------------------


async def post(
    db: Connection, postings: Sequence[Posting], *, now: datetime, zone: tzinfo, day: date | None = None
) -> list[Verdict]:
    """Record *postings*, in their order, and move what they move; one verdict each.

    They are recorded for *day*, else for the day that it is *now* in the centre's *zone*, or, where that is
    sealed, for the next open one. An origin is recorded before what names it. Raises UnknownPostingError.
    """
    today = now.astimezone(zone).date()
    await lock_money(db, _accounts_of(postings))
    entries: dict[str, Entry] = {}
    for posting in postings:
        if posting.key not in entries:
            entries[posting.key] = Entry.of(posting)
    added = await add_postings(db, list(entries.values()), now=now, day=min(day or today, today))
    await add_transfers(db, {number: entries[key] for key, number in added.items()})
    known = await recorded(db, [key for key in entries if key not in added])
    known |= {key: (number, entries[key].hash) for key, number in added.items()}
    return list(_verdicts(postings, entries, known, fresh=set(added)))


def _accounts_of(postings: Iterable[Posting]) -> set[int]:
    return {
        place.account
        for posting in postings
        for transfer in posting.transfers
        for place in (transfer.out_of, transfer.into)
        if place.account is not None
    }


def _verdicts(
    postings: Iterable[Posting],
    entries: Mapping[str, Entry],
    known: Mapping[str, tuple[int, bytes]],
    *,
    fresh: set[str],
) -> Iterator[Verdict]:
    for posting in postings:
        number, said = known[posting.key]
        entry = entries[posting.key]
        if entry.posting is posting and posting.key in fresh:
            yield Posted(number)
        elif said == (entry if entry.posting is posting else Entry.of(posting)).hash:
            yield Repeat(number)
        else:
            yield Conflict(number)
