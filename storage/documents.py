"""What documents show, read for many accounts at once: bills with all that stands on them, charts of a year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import asyncpg

from core.documents import (
    BankOrder,
    BillSheet,
    HouseVolume,
    Office,
    Premises,
    Recipient,
    SheetLine,
    SheetMeter,
)
from core.due_dates import DueRules, due_on
from core.messages import BillDocument, Month, PaymentQr
from core.money import NOTHING, Money
from core.privacy import masked_address
from core.requisites import Requisites
from storage.database import Connection

# What a house's volumes are told of: resources that are measured, not square metres and months.
RESOURCE_UNITS: Final = ("м³", "м3", "куб.м", "кВт·ч", "кВтч", "Гкал")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues bills, where they are paid to, and when they are due."""

    office: Office
    payee: Requisites | None
    dues: DueRules


# --- Bills -----------------------------------------------------------------------------------------

# The bills that are asked for, with whose they are and of which premises.
HEADS: Final = """
select b.account_id, b.period, b.opening, b.payments_counted, b.counted_until, b.penalty, b.total_due,
  b.gis_document_id, a.number, coalesce(a.gis_account_id, '') as gis_account_id, a.payer_name_masked,
  h.id as house_id, h.kind as house_kind, h.city, h.street, h.house, h.block, h.area_total as house_area_total,
  h.area_common as house_area_common, p.flat, p.room, p.area_total, p.area_living, p.area_heated,
  p.registered_count, p.resident_count
from unnest($1::bigint[], $2::date[]) as asked (account_id, period)
join bill b using (account_id, period)
join account a on a.id = b.account_id
join premises p on p.id = a.premises_id
join house h on h.id = p.house_id
"""

# Their lines in the order of the form, each with its service and provider.
LINES: Final = """
select c.*, s.kind, s.name as service_name, s.unit, p.name as provider_name, p.inn, p.bank_account, p.bik
from unnest($1::bigint[], $2::date[]) as asked (account_id, period)
join charge c using (account_id, period)
join service s on s.code = c.service_code
join provider p on p.id = c.provider_id
order by c.account_id, c.period, s.sort, c.service_code, c.provider_id
"""

# Their meters that were open in the month, a row a register: the month's reading and the one before it.
DIALS: Final = """
select asked.account_id, asked.period, s.name as service_name, s.unit, m.place, m.serial, m.ratio,
  m.integer_digits, m.verification_due_on, coalesce(m.register_labels[register_no], '') as label,
  latest.value as now, latest.taken_on as now_on, earlier.value as before
from unnest($1::bigint[], $2::date[]) as asked (account_id, period)
join meter m on m.account_id = asked.account_id and (m.closed_on is null or m.closed_on >= asked.period)
join service s on s.code = m.service_code
cross join generate_series(1, m.registers) as register_no
left join lateral (
  select r.value, r.taken_on from reading r
  where r.meter_id = m.id and r.register_no = register_no.register_no and r.counted_period = asked.period
    and r.status in ('received', 'accepted', 'locked')
  order by r.id desc limit 1
) latest on true
left join lateral (
  select r.value from reading r
  where r.meter_id = m.id and r.register_no = register_no.register_no and r.counted_period < asked.period
    and r.status in ('received', 'accepted', 'locked')
  order by r.counted_period desc, r.id desc limit 1
) earlier on true
order by asked.account_id, asked.period, s.sort, m.place, m.id, register_no
"""

# What whole houses used of each resource in these months.
HOUSES: Final = """
select asked.house_id, asked.period, s.name as service_name, s.unit,
  sum(c.volume_individual) as individual, sum(c.volume_common) as common
from unnest($1::text[], $2::date[]) as asked (house_id, period)
join premises p on p.house_id = asked.house_id
join account a on a.premises_id = p.id
join charge c on c.account_id = a.id and c.period = asked.period
join service s on s.code = c.service_code and s.unit = any($3)
group by asked.house_id, asked.period, s.sort, s.code, s.name, s.unit
having sum(c.volume_individual) <> 0 or sum(c.volume_common) <> 0
order by asked.house_id, asked.period, s.sort
"""

Key = tuple[int, object]


async def bill_sheets(
    db: Connection, asked: Sequence[BillDocument], issuer: Issuer, *, masked: bool
) -> list[BillSheet | None]:
    """The bills that are *asked* for, in four statements; None where there is no such bill.

    *masked*: the address as a messenger may carry it. The QR asks for the bill's total.
    """
    pairs = [(document.account, document.period.first_day) for document in asked]
    accounts, periods = [account for account, _ in pairs], [period for _, period in pairs]
    heads = {(row["account_id"], row["period"]): row for row in await db.fetch(HEADS, accounts, periods)}
    lines = _by_bill(await db.fetch(LINES, accounts, periods))
    dials = _by_bill(await db.fetch(DIALS, accounts, periods))
    houses = await _house_volumes(db, heads.values())
    return [
        _sheet(
            heads[pair],
            lines[pair],
            dials[pair],
            houses[_house_of(heads[pair])],
            issuer=issuer,
            masked=masked,
        )
        if pair in heads
        else None
        for pair in pairs
    ]


def _by_bill(rows: Iterable[asyncpg.Record]) -> defaultdict[Key, list[asyncpg.Record]]:
    of: defaultdict[Key, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        of[row["account_id"], row["period"]].append(row)
    return of


def _house_of(head: asyncpg.Record) -> tuple[str, object]:
    return head["house_id"], head["period"]


async def _house_volumes(
    db: Connection, heads: Iterable[asyncpg.Record]
) -> Mapping[tuple[str, object], list[HouseVolume]]:
    of: defaultdict[tuple[str, object], list[HouseVolume]] = defaultdict(list)
    houses = sorted({_house_of(head) for head in heads if head["house_kind"] != "private_house"})
    ids, periods = [house for house, _ in houses], [period for _, period in houses]
    for row in await db.fetch(HOUSES, ids, periods, RESOURCE_UNITS):
        volume = HouseVolume(row["service_name"], row["unit"], row["individual"], row["common"])
        of[row["house_id"], row["period"]].append(volume)
    return of


def _sheet(
    head: asyncpg.Record,
    lines: Sequence[asyncpg.Record],
    dials: Sequence[asyncpg.Record],
    house: Sequence[HouseVolume],
    *,
    issuer: Issuer,
    masked: bool,
) -> BillSheet:
    period = Month.of(head["period"])
    recipients = {row["provider_id"]: _recipient(row) for row in lines}
    return BillSheet(
        office=issuer.office,
        payee=issuer.payee,
        number=head["number"],
        gis_account=head["gis_account_id"],
        gis_document=head["gis_document_id"],
        payer=head["payer_name_masked"],
        premises=_premises(head, masked=masked),
        period=period,
        opening=Money(head["opening"]),
        payments_counted=Money(head["payments_counted"]),
        counted_until=head["counted_until"],
        penalty=Money(head["penalty"]),
        total_due=Money(head["total_due"]),
        due_on=due_on(period, issuer.dues),
        lines=tuple(map(_line, lines)),
        recipients=tuple(recipients.values()),
        meters=tuple(map(_dial, dials)),
        house=tuple(house),
        qr_due=max(NOTHING, Money(head["total_due"])),
    )


def _premises(head: asyncpg.Record, *, masked: bool) -> Premises:
    parts = {name: head[name] for name in ("street", "house", "block", "flat", "room")}
    return Premises(
        address=masked_address(**parts) if masked else _address(head["city"], **parts),
        area_total=head["area_total"],
        area_living=head["area_living"],
        area_heated=head["area_heated"],
        registered=head["registered_count"],
        residents=head["resident_count"],
        house_area_total=head["house_area_total"],
        house_area_common=head["house_area_common"],
    )


def _address(city: str, *, street: str, house: str, block: str, flat: str, room: str) -> str:
    named = (("д.", house), ("корп.", block), ("кв.", flat), ("комн.", room))
    return ", ".join([city, street, *(f"{kind} {number}" for kind, number in named if number)])


def _line(row: asyncpg.Record) -> SheetLine:
    return SheetLine(
        kind=row["kind"],
        name=row["service_name"],
        unit=row["unit"],
        provider=row["provider_id"],
        tariff=row["tariff"],
        volume=row["volume_individual"],
        volume_common=row["volume_common"],
        method=row["method"],
        charged=Money(row["charged_individual"]),
        charged_common=Money(row["charged_common"]),
        multiplier=row["multiplier"],
        multiplier_sum=Money(row["multiplier_sum"]),
        recalculation=Money(row["recalculation"]),
        reason=row["recalculation_reason"],
        benefit=Money(row["benefit"]),
        payable=Money(row["payable"]),
        opening=Money(row["opening"]),
        penalty=Money(row["penalty"]),
    )


def _recipient(row: asyncpg.Record) -> Recipient:
    return Recipient(row["provider_id"], row["provider_name"], row["inn"], row["bank_account"], row["bik"])


def _dial(row: asyncpg.Record) -> SheetMeter:
    return SheetMeter(
        service=row["service_name"],
        place=row["place"],
        serial=row["serial"],
        label=row["label"],
        unit=row["unit"],
        before=row["before"],
        now=row["now"],
        now_on=row["now_on"],
        used=_used(row["before"], row["now"], digits=row["integer_digits"], ratio=row["ratio"]),
        verification_due_on=row["verification_due_on"],
    )


def _used(before: Decimal | None, now: Decimal | None, *, digits: int, ratio: Decimal) -> Decimal | None:
    """What a register turned between two readings; one that is lower has gone through all its digits."""
    if before is None or now is None:
        return None
    turned = now - before
    return (turned if turned >= 0 else turned + 10**digits) * ratio


# --- Payment by bank -------------------------------------------------------------------------------

# The numbers of these accounts, each with the month of its last bill.
ORDERED: Final = """
select a.id, a.number, (select max(b.period) from bill b where b.account_id = a.id) as billed
from account a where a.id = any($1::bigint[])
"""


async def bank_orders(db: Connection, asked: Sequence[PaymentQr], payee: Requisites) -> list[BankOrder]:
    """The transfers to *payee* that are *asked* for."""
    rows = {row["id"]: row for row in await db.fetch(ORDERED, [document.account for document in asked])}
    return [
        BankOrder(
            payee=payee,
            number=rows[document.account]["number"],
            due=document.due,
            period=Month.of(billed) if (billed := rows[document.account]["billed"]) else None,
        )
        for document in asked
    ]


# --- Bills of a whole town -------------------------------------------------------------------------

# Which accounts have a bill of a month: house by house, so that neighbours are read and printed together.
BILLED: Final = """
select b.account_id
from bill b
join account a on a.id = b.account_id
join premises p on p.id = a.premises_id
join house h on h.id = p.house_id
where b.period = $1
order by h.street, h.house, h.block, h.id, length(p.flat), p.flat, p.room, a.number
"""


async def billed_accounts(db: Connection, period: Month) -> list[int]:
    """The accounts that have a bill of *period*, in the order in which a postman walks."""
    return [row["account_id"] for row in await db.fetch(BILLED, period.first_day)]
