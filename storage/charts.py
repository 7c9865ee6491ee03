"""What charts show, month by month: what was charged, and what each meter turned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

import asyncpg
import msgspec

from core.messages import Month, UsageChart
from storage.database import Connection

MONTHS: Final = 13


class MeterUse(msgspec.Struct, frozen=True):
    """What a meter turned in each month, all its registers together; None where it was not read."""

    service: str
    place: str
    serial: str
    unit: str
    used: tuple[Decimal | None, ...]


class Year(msgspec.Struct, frozen=True):
    """An account's 13 months: what each bill charged in roubles, and the use of each meter."""

    months: tuple[Month, ...]
    charged: tuple[Decimal | None, ...]
    meters: tuple[MeterUse, ...]


# Of each (account, first month, last month) what its bills charged: what the month itself added.
CHARGED: Final = """
select asked.n, b.period, b.charged + b.recalculation - b.benefit + b.penalty as kopecks
from unnest($1::bigint[], $2::date[], $3::date[]) with ordinality as asked (account_id, since, until, n)
join bill b on b.account_id = asked.account_id and b.period between asked.since and asked.until
"""

# Of each of them its meters, a row a register: the last live reading of each month, and the last one before.
TURNED: Final = """
select asked.n, m.id, s.name as service_name, s.unit, m.place, m.serial, m.integer_digits, m.ratio,
  register_no, stored.periods, stored.values
from unnest($1::bigint[], $2::date[], $3::date[]) with ordinality as asked (account_id, since, until, n)
join meter m on m.account_id = asked.account_id and (m.closed_on is null or m.closed_on >= asked.since)
join service s on s.code = m.service_code
cross join generate_series(1, m.registers) as register_no
join lateral (
  select array_agg(counted_period order by counted_period) as periods,
    array_agg(value order by counted_period) as values
  from (
    select distinct on (r.counted_period) r.counted_period, r.value from reading r
    where r.meter_id = m.id and r.register_no = register_no.register_no
      and r.counted_period between (asked.since - interval '1 year')::date and asked.until
      and r.status in ('received', 'accepted', 'locked')
    order by r.counted_period, r.id desc
  ) r
) stored on stored.periods is not null
order by asked.n, s.sort, m.place, m.id, register_no
"""


async def years_of(db: Connection, asked: Sequence[UsageChart]) -> list[Year]:
    """The 13 months up to its last one of each account that is *asked* for, in two statements."""
    spans = [tuple(chart.until.plus(shift) for shift in range(1 - MONTHS, 1)) for chart in asked]
    columns = (
        [chart.account for chart in asked],
        [months[0].first_day for months in spans],
        [months[-1].first_day for months in spans],
    )
    charged: defaultdict[int, dict[Month, Decimal]] = defaultdict(dict)
    for row in await db.fetch(CHARGED, *columns):
        charged[row["n"]][Month.of(row["period"])] = Decimal(row["kopecks"]).scaleb(-2)
    registers: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in await db.fetch(TURNED, *columns):
        registers[row["n"]].append(row)
    return [
        Year(
            months,
            tuple(charged[number].get(month) for month in months),
            tuple(_meters(registers[number], months)),
        )
        for number, months in enumerate(spans, start=1)
    ]


def _meters(registers: Iterable[asyncpg.Record], months: Sequence[Month]) -> Iterable[MeterUse]:
    of: dict[str, MeterUse] = {}
    for row in registers:
        turned = _turned(row)
        used = tuple(turned.get(month) for month in months)
        if (other := of.get(row["id"])) is not None:
            used = tuple(_together(one, two) for one, two in zip(other.used, used, strict=True))
        of[row["id"]] = MeterUse(row["service_name"], row["place"], row["serial"], row["unit"], used)
    return [meter for meter in of.values() if any(use is not None for use in meter.used)]


def _turned(row: asyncpg.Record) -> Mapping[Month, Decimal]:
    """What a register turned by each month's reading since the reading before it."""
    turned = {}
    readings = list(zip(row["periods"], row["values"], strict=True))
    for (_, before), (period, now) in pairwise(readings):
        gone = now - before if now >= before else now - before + 10 ** row["integer_digits"]
        turned[Month.of(period)] = gone * row["ratio"]
    return turned


def _together(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    return two if one is None else one if two is None else one + two
