"""Writing postings and their transfers.

The part of the ledger behind `storage.ledger.post`, which has locked the balances: nobody else writes here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from core.allocation import ALGORITHM_VERSION
from core.errors import KvitokError
from core.postings import (
    PENALTY,
    UNALLOCATED,
    LedgerAccount,
    Posting,
    Transfer,
    content_hash,
    line_check,
)
from storage.database import Connection
from storage.moving import Layer, Moves, first_day, keep_in_step
from storage.postings import recorded


class UnknownPostingError(KvitokError):
    """A posting names another, as its origin or as what it reverses, that is not in the books."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the books have no posting {key}")
        self.key = key


class Entry(msgspec.Struct, frozen=True):
    """A posting with what is hashed of it, and the keys of its ledger accounts, spelled once."""

    posting: Posting
    keys: list[tuple[str, str]]
    lines: list[str]
    hash: bytes

    @classmethod
    def of(cls, posting: Posting) -> Entry:
        """*posting*, hashed."""
        keys = [moved.keys for moved in posting.transfers]
        lines = [
            moved.line(no, named)
            for no, (moved, named) in enumerate(zip(posting.transfers, keys, strict=True), 1)
        ]
        return cls(posting, keys, lines, content_hash(posting.head, lines))

    @property
    def moved(self) -> Iterator[tuple[Transfer, tuple[str, str]]]:
        """Each transfer with the keys of what it goes out of and into."""
        return zip(self.posting.transfers, self.keys, strict=True)


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


# --- Ledger accounts -------------------------------------------------------------------------------

# The ledger accounts behind these keys, in their order, and whether each has a layer of this month. Each is looked up
# by itself: all the books are never read.
LEDGER_ACCOUNTS: Final = """
select array_agg(id order by place) as numbers, array_agg(layered order by place) as layered
from (
    select place, id,
        (select true from layer where layer.ledger_account_id = found.id and layer.period = found.period) as layered
    from (
        select place, period, (select id from ledger_account l where l.key = asked.key) as id
        from unnest($1::text[], $2::date[]) with ordinality as asked (key, period, place)
        offset 0
    ) found
) known
"""

# Open ledger accounts that anybody may be opening; those that somebody else has opened meanwhile are left out.
OPEN_LEDGER_ACCOUNTS: Final = """
insert into ledger_account (kind, account_id, service_code, provider_id, way)
select kind, account_id, service_code, provider_id, way
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    as new (key, kind, account_id, service_code, provider_id, way)
order by key
on conflict (key) do nothing
"""

LEDGER_ACCOUNT_COLUMNS: Final = ("kind", "account_id", "service_code", "provider_id", "way")


async def _found(
    db: Connection, places: Mapping[str, LedgerAccount], layers: Collection[Layer]
) -> tuple[dict[str, int], set[Layer]]:
    """The numbers of *places*, opened where they are not, and which of *layers* are there."""
    billed = {key for key, _ in layers}
    asked = [*layers, *((key, None) for key in places if key not in billed)]
    numbers, layered = await _looked_up(db, asked)
    if missing := [key for key in places if key not in numbers]:
        await _open(db, {key: places[key] for key in sorted(missing)})
        numbers |= (await _looked_up(db, [(key, None) for key in missing]))[0]
    return numbers, {layer for layer, there in zip(layers, layered, strict=False) if there}


async def _looked_up(
    db: Connection, asked: Sequence[tuple[str, date | None]]
) -> tuple[dict[str, int], list[bool | None]]:
    [found] = await db.fetch(LEDGER_ACCOUNTS, *zip(*asked, strict=True))
    numbers = {key: number for (key, _), number in zip(asked, found["numbers"], strict=True) if number}
    return numbers, found["layered"]


async def _open(db: Connection, places: Mapping[str, LedgerAccount]) -> None:
    # Those of accounts are ours alone to open, for they are locked; a town's first month opens them by the million.
    own = [place for place in places.values() if place.account is not None]
    if own:
        rows = [(place.kind, place.account, place.service, place.provider, place.way) for place in own]
        await db.copy_records_to_table("ledger_account", records=rows, columns=LEDGER_ACCOUNT_COLUMNS)
    shared = {key: place for key, place in places.items() if place.account is None}
    if shared:
        await db.execute(
            OPEN_LEDGER_ACCOUNTS,
            list(shared),
            [place.kind for place in shared.values()],
            [place.account for place in shared.values()],
            [place.service for place in shared.values()],
            [place.provider for place in shared.values()],
            [place.way for place in shared.values()],
        )


# --- Transfers -------------------------------------------------------------------------------------

TRANSFER_COLUMNS: Final = (
    "posting_id",
    "no",
    "from_id",
    "to_id",
    "kopecks",
    "period",
    "service_code",
    "line_check",
)

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
    moves = Moves()
    for entry in entries.values():
        origin = entry.posting.origin or entry.posting.key
        for moved, keys in entry.moved:
            moves.take(origin, moved, keys)
    if not moves.places:
        return
    numbers, layered = await _found(db, moves.places, moves.layers.keys())
    rows = (row for posting, entry in entries.items() for row in _rows(posting, entry, numbers))
    await db.copy_records_to_table("transfer", records=rows, columns=TRANSFER_COLUMNS)
    spread = [
        (posting, no, *_spread(moved))
        for posting, entry in entries.items()
        for no, moved in enumerate(entry.posting.transfers, 1)
        if UNALLOCATED in (moved.out_of.kind, moved.into.kind) and moved.period is not None
    ]
    if spread:
        await db.execute(ADD_ALLOCATIONS, *zip(*spread, strict=True), ALGORITHM_VERSION)
    await keep_in_step(db, moves, numbers, layered)


def _rows(posting: int, entry: Entry, numbers: Mapping[str, int]) -> Iterator[tuple[object, ...]]:
    key = entry.posting.key
    for no, ((moved, (out_of, into)), line) in enumerate(zip(entry.moved, entry.lines, strict=True), 1):
        yield (
            posting,
            no,
            numbers[out_of],
            numbers[into],
            moved.amount.kopecks,
            first_day(moved),
            moved.service,
            line_check(key, line),
        )


def _spread(moved: Transfer) -> tuple[int | None, date | None, str | None, str | None, bool, int]:
    given = moved.into.kind == UNALLOCATED
    line = moved.out_of if given else moved.into
    kopecks = moved.amount.kopecks if given else -moved.amount.kopecks
    return (line.account, first_day(moved), line.service, line.provider, line.kind == PENALTY, kopecks)
