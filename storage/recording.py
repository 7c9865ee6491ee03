"""Writing postings and their transfers, and keeping in step what is owed, what is left and the balances.

The part of the ledger behind `storage.ledger.post`, which has locked the balances: nobody else writes here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from core.allocation import ALGORITHM_VERSION
from core.errors import KvitokError
from core.postings import (
    UNALLOCATED,
    LedgerAccount,
    Posting,
    Transfer,
    content_hash,
    line_check,
)
from storage.database import Connection


class UnknownPostingError(KvitokError):
    """A posting names another, as its origin or as what it reverses, that is not in the books."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the books have no posting {key}")
        self.key = key


class Entry(msgspec.Struct, frozen=True):
    """A posting with what is hashed of it."""

    posting: Posting
    lines: list[str]
    hash: bytes

    @classmethod
    def of(cls, posting: Posting) -> Entry:
        """*posting*, hashed."""
        lines = [transfer.line(no) for no, transfer in enumerate(posting.transfers, 1)]
        return cls(posting, lines, content_hash(posting.head, lines))


# --- Postings --------------------------------------------------------------------------------------

# Record postings, for the given day or the first one that is not sealed; those whose key is known are left out.
ADD_POSTINGS: Final = """
insert into posting (
    kind, key, content_hash, transfers, happened_at, source, account_id, origin_id, reverses_id,
    recorded_at, business_day
)
select kind, key, content_hash, transfers, happened_at, source, account_id, origin_id, reverses_id,
       $10::timestamptz, greatest($11::date, (select max(day) + 1 from seal))
from unnest(
    $1::text[], $2::text[], $3::bytea[], $4::integer[], $5::timestamptz[], $6::text[], $7::bigint[],
    $8::bigint[], $9::bigint[]
) with ordinality as new (
    kind, key, content_hash, transfers, happened_at, source, account_id, origin_id, reverses_id, place
)
order by place
on conflict (key) do nothing
returning key, id
"""


async def add_postings(
    db: Connection, entries: Sequence[Entry], *, now: datetime, day: date
) -> dict[str, int]:
    """Record those of *entries* whose key is new; their numbers by key. Raises UnknownPostingError."""
    postings = [entry.posting for entry in entries]
    numbers = await _named_by(db, postings)
    rows = await db.fetch(
        ADD_POSTINGS,
        [posting.kind for posting in postings],
        [posting.key for posting in postings],
        [entry.hash for entry in entries],
        [len(posting.transfers) for posting in postings],
        [posting.happened_at for posting in postings],
        [posting.source for posting in postings],
        [posting.account for posting in postings],
        [numbers[posting.origin] for posting in postings],
        [numbers[posting.reverses] for posting in postings],
        now,
        day,
    )
    return {row["key"]: row["id"] for row in rows}


async def _named_by(db: Connection, postings: Iterable[Posting]) -> dict[str | None, int | None]:
    named = {key for posting in postings for key in (posting.origin, posting.reverses) if key is not None}
    numbers: dict[str | None, int | None] = {None: None}
    if named:
        numbers |= {key: number for key, (number, _) in (await recorded(db, sorted(named))).items()}
    for key in named:
        if key not in numbers:
            raise UnknownPostingError(key)
    return numbers


# The postings behind these keys, each with its hash.
RECORDED: Final = "select key, id, content_hash from posting where key = any($1::text[])"


async def recorded(db: Connection, keys: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """The number and the hash of each posting that is in the books, by key."""
    if not keys:
        return {}
    return {row["key"]: (row["id"], row["content_hash"]) for row in await db.fetch(RECORDED, keys)}


# --- Ledger accounts -------------------------------------------------------------------------------

# The ledger accounts behind these keys.
LEDGER_ACCOUNTS: Final = "select key, id from ledger_account where key = any($1::text[])"

# Open ledger accounts; those that somebody else has opened meanwhile are left out.
OPEN_LEDGER_ACCOUNTS: Final = """
insert into ledger_account (kind, account_id, service_code, provider_id, way)
select kind, account_id, service_code, provider_id, way
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    as new (key, kind, account_id, service_code, provider_id, way)
order by key
on conflict (key) do nothing
"""


async def _numbers_of(db: Connection, places: set[LedgerAccount]) -> dict[LedgerAccount, int]:
    by_key = {place.key: place for place in places}
    numbers = {row["key"]: row["id"] for row in await db.fetch(LEDGER_ACCOUNTS, list(by_key))}
    if missing := [key for key in by_key if key not in numbers]:
        opened = [by_key[key] for key in missing]
        await db.execute(
            OPEN_LEDGER_ACCOUNTS,
            missing,
            [place.kind for place in opened],
            [place.account for place in opened],
            [place.service for place in opened],
            [place.provider for place in opened],
            [place.way for place in opened],
        )
        numbers |= {row["key"]: row["id"] for row in await db.fetch(LEDGER_ACCOUNTS, missing)}
    return {place: numbers[key] for key, place in by_key.items()}


# --- Transfers -------------------------------------------------------------------------------------

# Record transfers.
ADD_TRANSFERS: Final = """
insert into transfer (posting_id, no, from_id, to_id, kopecks, period, service_code, line_check)
select * from unnest(
    $1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::date[], $7::text[], $8::bytea[]
)
"""

# Record what services got or gave back; the payment is the one whose posting is the origin.
ADD_ALLOCATIONS: Final = """
insert into allocation (
    posting_id, no, account_id, period, service_code, provider_id, penalty, kopecks, payment_id,
    algorithm_version
)
select new.*, payment.id, $9
from unnest(
    $1::bigint[], $2::integer[], $3::bigint[], $4::date[], $5::text[], $6::text[], $7::boolean[], $8::bigint[]
) as new (posting_id, no, account_id, period, service_code, provider_id, penalty, kopecks)
join posting on posting.id = new.posting_id
left join payment on payment.posting_id = posting.origin_id
"""


async def add_transfers(db: Connection, entries: Mapping[int, Entry]) -> None:
    """Record the transfers of postings that were just recorded, by their numbers, and what they change."""
    places = {
        place
        for entry in entries.values()
        for transfer in entry.posting.transfers
        for place in (transfer.out_of, transfer.into)
    }
    if not places:
        return
    numbers = await _numbers_of(db, places)
    rows = [
        (
            posting,
            no,
            numbers[moved.out_of],
            numbers[moved.into],
            moved.amount.kopecks,
            _first_day(moved),
            moved.service,
            line_check(entry.posting.key, line),
        )
        for posting, entry in entries.items()
        for no, (moved, line) in enumerate(zip(entry.posting.transfers, entry.lines, strict=True), 1)
    ]
    await db.execute(ADD_TRANSFERS, *zip(*rows, strict=True))
    spread = [
        (posting, no, *_spread(moved))
        for posting, entry in entries.items()
        for no, moved in enumerate(entry.posting.transfers, 1)
        if UNALLOCATED in (moved.out_of.kind, moved.into.kind) and moved.period is not None
    ]
    if spread:
        await db.execute(ADD_ALLOCATIONS, *zip(*spread, strict=True), ALGORITHM_VERSION)
    await _keep_in_step(db, entries, numbers)


def _first_day(moved: Transfer) -> date | None:
    return None if moved.period is None else moved.period.first_day


def _spread(moved: Transfer) -> tuple[int | None, date | None, str | None, str | None, bool, int]:
    given = moved.into.kind == UNALLOCATED
    line = moved.out_of if given else moved.into
    kopecks = moved.amount.kopecks if given else -moved.amount.kopecks
    return (line.account, _first_day(moved), line.service, line.provider, line.kind == "penalty", kopecks)


# --- What follows from transfers -------------------------------------------------------------------

# Add to what is owed, month by month.
MOVE_LAYERS: Final = """
insert into layer (ledger_account_id, period, account_id, kopecks)
select * from unnest($1::bigint[], $2::date[], $3::bigint[], $4::bigint[])
on conflict (ledger_account_id, period) do update set kopecks = layer.kopecks + excluded.kopecks
"""

# Begin advances.
ADD_ADVANCES: Final = """
insert into advance (origin_id, account_id, kopecks) select * from unnest($1::bigint[], $2::bigint[], $3::bigint[])
"""

# Add to the advances that are there; their origins.
MOVE_ADVANCES: Final = """
update advance set kopecks = advance.kopecks + moved.kopecks
from unnest($1::bigint[], $2::bigint[]) as moved (origin_id, kopecks)
where advance.origin_id = moved.origin_id
returning advance.origin_id
"""

# Add to balances.
MOVE_BALANCES: Final = """
update balance set owed = balance.owed + moved.owed, advance = balance.advance + moved.advance
from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as moved (account_id, owed, advance)
where balance.account_id = moved.account_id
"""


class _Moves:
    """What transfers change, summed up before it is written."""

    def __init__(self) -> None:
        self.layers: defaultdict[tuple[LedgerAccount, date], int] = defaultdict(int)
        self.advances: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.owed: defaultdict[int, int] = defaultdict(int)
        self.advance: defaultdict[int, int] = defaultdict(int)

    def take(self, origin: str, moved: Transfer) -> None:
        """Count *moved*, whose posting spreads or brings in the money of *origin*."""
        for place, kopecks in ((moved.into, moved.amount.kopecks), (moved.out_of, -moved.amount.kopecks)):
            if place.account is None:
                continue
            if place.kind == UNALLOCATED:
                self.advances[origin, place.account] -= kopecks
                self.advance[place.account] -= kopecks
            elif moved.period is not None:
                self.layers[place, moved.period.first_day] += kopecks
                self.owed[place.account] += kopecks


async def _keep_in_step(
    db: Connection, entries: Mapping[int, Entry], numbers: Mapping[LedgerAccount, int]
) -> None:
    moves = _Moves()
    for entry in entries.values():
        origin = entry.posting.origin or entry.posting.key
        for moved in entry.posting.transfers:
            moves.take(origin, moved)
    layers = sorted(
        (numbers[place], period, place.account, kopecks) for (place, period), kopecks in moves.layers.items()
    )
    if layers:
        await db.execute(MOVE_LAYERS, *zip(*layers, strict=True))
    await _move_advances(db, moves)
    if accounts := sorted(moves.owed.keys() | moves.advance.keys()):
        owed, advance = [moves.owed[one] for one in accounts], [moves.advance[one] for one in accounts]
        await db.execute(MOVE_BALANCES, accounts, owed, advance)


async def _move_advances(db: Connection, moves: _Moves) -> None:
    moved = {origin: (account, kopecks) for (origin, account), kopecks in moves.advances.items() if kopecks}
    if not moved:
        return
    by_number = {number: moved[key] for key, (number, _) in (await recorded(db, sorted(moved))).items()}
    rows = await db.fetch(MOVE_ADVANCES, list(by_number), [kopecks for _, kopecks in by_number.values()])
    for row in rows:
        del by_number[row["origin_id"]]
    if begun := [(origin, account, kopecks) for origin, (account, kopecks) in by_number.items()]:
        await db.execute(ADD_ADVANCES, *zip(*begun, strict=True))
