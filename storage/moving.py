"""What transfers change: what is owed month by month, what is left of a payment, an account's balance.

It is kept in step in the transaction of the transfers, whose accounts `storage.ledger.post` has locked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Final, TypeAlias

from core.postings import PENALTY, UNALLOCATED, LedgerAccount, Transfer
from storage.database import Connection
from storage.postings import recorded

# What a ledger account, by its key, is owed for a month, by its first day.
Layer: TypeAlias = tuple[str, date]


def first_day(moved: Transfer) -> date | None:
    """The first day of the month that *moved* is for."""
    return None if moved.period is None else _day_of(moved.period)


# Few months are in the air at a time.
_day_of: Final = lru_cache(maxsize=256)(attrgetter("first_day"))


class Moves:
    """What transfers change, summed up before it is written; *places* are the ledger accounts by their keys."""

    def __init__(self) -> None:
        self.places: dict[str, LedgerAccount] = {}
        self.layers: defaultdict[Layer, int] = defaultdict(int)
        self.advances: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.owed: defaultdict[int, int] = defaultdict(int)
        self.advance: defaultdict[int, int] = defaultdict(int)

    def take(self, origin: str, moved: Transfer, keys: tuple[str, str]) -> None:
        """Count *moved*, whose posting spreads or brings in the money of *origin*."""
        day, kopecks = first_day(moved), moved.amount.kopecks
        for key, place, change in (keys[1], moved.into, kopecks), (keys[0], moved.out_of, -kopecks):
            self.places[key] = place
            if place.account is None:
                continue
            if place.kind == UNALLOCATED:
                self.advances[origin, place.account] -= change
                self.advance[place.account] -= change
            elif day is not None:
                self.layers[key, day] += change
                self.owed[place.account] += change


# Add to what is owed, month by month.
MOVE_LAYERS: Final = """
insert into layer (ledger_account_id, period, account_id, service_code, penalty, kopecks)
select * from unnest($1::bigint[], $2::date[], $3::bigint[], $4::text[], $5::bool[], $6::bigint[])
on conflict (ledger_account_id, period) do update set kopecks = layer.kopecks + excluded.kopecks
"""

LAYER_COLUMNS: Final = ("ledger_account_id", "period", "account_id", "service_code", "penalty", "kopecks")

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


async def keep_in_step(
    db: Connection, moves: Moves, numbers: Mapping[str, int], layered: Container[Layer]
) -> None:
    """Write what *moves* say; *numbers* are those of the places, *layered* the layers that are there."""
    await _move_layers(db, moves, numbers, layered)
    await _move_advances(db, moves)
    if accounts := sorted(moves.owed.keys() | moves.advance.keys()):
        owed, advance = [moves.owed[one] for one in accounts], [moves.advance[one] for one in accounts]
        await db.execute(MOVE_BALANCES, accounts, owed, advance)


async def _move_layers(
    db: Connection, moves: Moves, numbers: Mapping[str, int], layered: Container[Layer]
) -> None:
    rows = {
        layer: (numbers[layer[0]], layer[1], place.account, place.service, place.kind == PENALTY, kopecks)
        for layer, kopecks in moves.layers.items()
        for place in (moves.places[layer[0]],)
    }
    if moved := sorted(row for layer, row in rows.items() if layer in layered):
        await db.execute(MOVE_LAYERS, *zip(*moved, strict=True))
    # A month's bills begin as many layers as they have lines. Nobody else begins one of accounts that are locked.
    if begun := sorted(row for layer, row in rows.items() if layer not in layered):
        await db.copy_records_to_table("layer", records=begun, columns=LAYER_COLUMNS)


async def _move_advances(db: Connection, moves: Moves) -> None:
    moved = {origin: (account, kopecks) for (origin, account), kopecks in moves.advances.items() if kopecks}
    if not moved:
        return
    by_number = {number: moved[key] for key, (number, _) in (await recorded(db, sorted(moved))).items()}
    rows = await db.fetch(MOVE_ADVANCES, list(by_number), [kopecks for _, kopecks in by_number.values()])
    for row in rows:
        del by_number[row["origin_id"]]
    if begun := [(origin, account, kopecks) for origin, (account, kopecks) in by_number.items()]:
        await db.execute(ADD_ADVANCES, *zip(*begun, strict=True))
