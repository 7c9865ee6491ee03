"""Writing what billing is to take over: readings that residents sent, payments and how they were spread."""

from collections.abc import AsyncIterable, Callable, Sequence
from datetime import date, datetime, time, tzinfo
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from core.allocation import Named
from core.messages import Month
from core.money import Money
from storage.database import Connection
from storage.exchange_cells import CENTRE_TIME, NamedLine
from storage.exchange_formats import KINDS
from storage.exchange_writing import ExchangeFile, guarded, plain_number

ALLOCATION_COLUMNS: Final = (
    "payment_id",
    "account",
    "service_code",
    "provider_id",
    "period",
    "amount",
    "algorithm_version",
    "penalty",
)
CENTRE: Final = "kvitok"

Row = tuple[Sequence[str], int]

# Readings that were sent to us since a moment and that nothing has replaced.
READINGS: Final = """
select r.id, r.meter_id, a.number, m.service_code, m.serial, r.register_no, r.value, r.previous_value,
    r.taken_on, r.received_at, r.source, r.kind, r.counted_period, r.flags
from reading r
join meter m on m.id = r.meter_id
join account a on a.id = m.account_id
where r.received_at >= $1 and r.status in ('received', 'accepted', 'locked')
    and r.source_ref not like 'billing:%' and r.source_ref not like 'meters:%'
order by r.id
"""


async def export_readings(
    db: Connection,
    *,
    folder: Path,
    since: date,
    now: datetime,
    zone: tzinfo = CENTRE_TIME,
    centre: str = CENTRE,
) -> dict[Path, int]:
    """Write the readings that were received since the beginning of a day; the file, and its rows.

    Billing answers with a file `reading_acks` by their `reading_id`.
    """
    files = _Files(folder, centre, now.astimezone(zone))
    async with db.transaction(readonly=True):
        await files.write(
            "readings", KINDS["readings"].header, db.cursor(READINGS, _from(since, zone)), _reading_row(zone)
        )
    return files.rows


def _from(since: date, zone: tzinfo) -> datetime:
    return datetime.combine(since, time(), zone)


def _reading_row(zone: tzinfo) -> Callable[[asyncpg.Record], Row]:
    def row(found: asyncpg.Record) -> Row:
        cells = (
            guarded(found["meter_id"]),
            guarded(found["number"]),
            guarded(found["service_code"]),
            guarded(found["serial"]),
            str(found["register_no"]),
            plain_number(found["value"]),
            "" if found["previous_value"] is None else plain_number(found["previous_value"]),
            found["taken_on"].isoformat(),
            found["received_at"].astimezone(zone).isoformat(timespec="seconds"),
            guarded(found["source"]),
            str(found["id"]),
            found["kind"],
            str(Month.of(found["counted_period"])),
            guarded(",".join(found["flags"])),
        )
        return cells, 0

    return row


# Payments that were recorded since a moment, given back ones included, and which they give back.
PAYMENTS: Final = """
select p.id, coalesce(a.number, '') as number, p.paid_at, o.business_day, p.amount, p.way, p.source_name,
    p.external_id, p.purpose, p.named, back.external_id as reverses
from payment p
join posting o on o.id = p.posting_id
left join account a on a.id = p.account_id
left join payment back on back.id = p.reverses_payment_id
where o.recorded_at >= $1
order by p.id
"""

# What services got of payments, or gave back, since a moment.
ALLOCATIONS: Final = """
select l.payment_id, a.number, l.service_code, l.provider_id, l.period, l.kopecks, l.algorithm_version, l.penalty
from allocation l
join posting o on o.id = l.posting_id
join account a on a.id = l.account_id
where o.recorded_at >= $1 and l.payment_id is not null
order by l.payment_id, l.posting_id, l.no
"""


async def export_payments(
    db: Connection,
    *,
    folder: Path,
    since: date,
    now: datetime,
    zone: tzinfo = CENTRE_TIME,
    centre: str = CENTRE,
) -> dict[Path, int]:
    """Write the payments recorded since the beginning of a day, and how they were spread; files with rows."""
    files = _Files(folder, centre, now.astimezone(zone))
    async with db.transaction(isolation="repeatable_read", readonly=True):
        moment = _from(since, zone)
        await files.write(
            "payments", KINDS["payments"].header, db.cursor(PAYMENTS, moment), _payment_row(zone)
        )
        await files.write("allocations", ALLOCATION_COLUMNS, db.cursor(ALLOCATIONS, moment), _allocation_row)
    return files.rows


def _payment_row(zone: tzinfo) -> Callable[[asyncpg.Record], Row]:
    def row(found: asyncpg.Record) -> Row:
        amount = Money(found["amount"])
        cells = (
            str(found["id"]),
            guarded(found["number"]),
            found["paid_at"].astimezone(zone).isoformat(timespec="seconds"),
            found["business_day"].isoformat(),
            str(amount.roubles),
            found["way"].partition(":")[0],
            guarded(found["source_name"]),
            guarded(found["external_id"]),
            "",
            "",
            guarded(found["purpose"]),
            _named(found["named"]),
            guarded(found["reverses"] or ""),
        )
        return cells, amount.kopecks

    return row


def _named(lines: object) -> str:
    named = msgspec.convert(lines, tuple[Named, ...])
    back = [NamedLine(line.service, line.amount.roubles) for line in named]
    return msgspec.json.encode(back).decode() if back else ""


def _allocation_row(found: asyncpg.Record) -> Row:
    amount = Money(found["kopecks"])
    cells = (
        str(found["payment_id"]),
        guarded(found["number"]),
        guarded(found["service_code"]),
        guarded(found["provider_id"]),
        str(Month.of(found["period"])),
        str(amount.roubles),
        str(found["algorithm_version"]),
        "1" if found["penalty"] else "0",
    )
    return cells, amount.kopecks


class _Files:
    """The files of one export, in a folder where none is written over."""

    def __init__(self, folder: Path, centre: str, now: datetime) -> None:
        self._folder = folder
        self._centre = centre
        self._now = now
        self.rows: dict[Path, int] = {}

    async def write(
        self,
        kind: str,
        columns: Sequence[str],
        found: AsyncIterable[asyncpg.Record],
        row: Callable[[asyncpg.Record], Row],
    ) -> None:
        """Write all that is *found* into the next free file of *kind*."""
        path = self._free(kind)
        written = 0
        with ExchangeFile(path, columns, summed=kind != "readings", generated_at=self._now) as file:
            async for one in found:
                file.row(*row(one))
                written += 1
        self.rows[path] = written

    def _free(self, kind: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        names = (f"{kind}_{self._centre}_{self._now.date()}_{number}.csv" for number in count(1))
        return next(path for name in names if not (path := self._folder / name).exists())
