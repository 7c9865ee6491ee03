"""Settling days with providers: sealed first, then reckoned from what is sealed, posted once, kept for ever."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final

import asyncpg
import msgspec

from core import booking
from core.due_dates import DueRules, next_working_day
from core.errors import KvitokError
from core.messages import Month
from core.money import Money
from core.postings import Conflict, Posting
from core.requisites import Requisites
from core.settlement import Collected, Payee, Settlement, fee_on
from storage.database import Connection
from storage.ledger import post
from storage.seals import seal_days, seal_of


class DayNotOverError(KvitokError):
    """A day that is not over cannot be settled: money may still come in."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} is not over yet: a day is settled from the next one on")
        self.day = day


class UnpayableProvidersError(KvitokError):
    """Providers are owed money and have no bank account that it could be paid to; nothing was posted."""

    def __init__(self, providers: Sequence[str]) -> None:
        super().__init__(
            f"no bank account with a right check digit: {', '.join(providers)}; correct them by an import of providers"
        )
        self.providers = providers


class UnwritableProvidersError(KvitokError):
    """Orders to providers say what the bank's client has no letters for; nothing was posted."""

    def __init__(self, letters: Mapping[str, str]) -> None:
        told = ", ".join(f"{provider} ({found!a})" for provider, found in letters.items())
        super().__init__(
            f"payment orders are in windows-1251, which has no such letters: {told}; correct the names of the"
            " provider, of its contract and bank by an import of providers, the centre's own in the config"
        )
        self.letters = letters


class AlreadyPostedError(KvitokError):
    """The books have a fee or a payout of this day that no settlement knows of."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the books have another posting {key}")
        self.key = key


# One settling at a time; waits for the other.
SETTLE_ALONE: Final = "select pg_advisory_xact_lock('settlement'::regclass::oid::bigint)"


async def settle_day(
    db: Connection,
    day: date,
    *,
    payer: Requisites,
    now: datetime,
    zone: tzinfo,
    rules: DueRules,
    awaited: Collection[str] = (),
) -> list[Settlement]:
    """Seal *day* and settle what was collected up to it; the settlements of *day*, by number.

    Money on the ways that are *awaited* is settled when the bank has told that it is there, all other at once.
    A day that is settled is only looked up, so this may be repeated; one that went with a later settlement, or
    on which nothing was collected, has none. The connection is in no transaction. *now* is the business
    clock's. Raises DayNotOverError, UnpayableProvidersError,
    UnwritableProvidersError, AlreadyPostedError.
    """
    if day >= now.astimezone(zone).date():
        raise DayNotOverError(day)
    # By itself, for whoever posts waits until the days are sealed.
    async with db.transaction():
        await seal_days(db, until=day, now=now)
    async with db.transaction():
        await db.execute(SETTLE_ALONE)
        if (last := await db.fetchval(LAST_SETTLED)) is None or last < day:
            await db.execute(CLEAR_AT_ONCE, day, sorted(awaited))
            await _settle(db, day, payer, now=now, zone=zone, pay_on=next_working_day(day, rules))
    return await settlements_of(db, day)


LAST_SETTLED: Final = "select max(day) from settlement"

# What services got, in the days from $1 to $2, of money that has arrived: spread in these days of what had arrived
# by then, or spread before of what arrived in them. An advance from before the books, and a credit, is of no
# payment and need not arrive.
COUNTED: Final = """
with counted as (
    select a.*
    from posting p
    join allocation a on a.posting_id = p.id
    left join clearance c on c.payment_id = a.payment_id
    where p.business_day between $1::date and $2::date and (a.payment_id is null or c.day <= $2::date)
    union all
    select a.*
    from clearance c
    join allocation a on a.payment_id = c.payment_id
    join posting p on p.id = a.posting_id
    where c.day between $1::date and $2::date and p.business_day < $1::date
)
"""

# The first day that is not settled.
FIRST_DAY: Final = (
    "select coalesce((select max(day) + 1 from settlement), (select min(business_day) from posting))"
)

# What each provider had collected for it in some days, its fee, and what it still owes from its last settlement.
COLLECTED: Final = f"""{COUNTED}, collected as (
    select provider_id, count(*)::integer as rows,
           coalesce(sum(kopecks) filter (where kopecks > 0), 0)::bigint as gross,
           coalesce(sum(kopecks) filter (where kopecks < 0), 0)::bigint as corrections
    from counted
    group by provider_id
)
select $1::date as since, c.*, v.name, v.inn, v.kpp, v.bank_account, v.bik, v.corr_account, v.contract_no,
       v.bank_name,
       coalesce((
           select f.fee_percent from provider_fee f
           where f.provider_id = v.id and f.valid_from <= $2::date
           order by f.valid_from desc limit 1
       ), v.fee_percent) as fee_percent,
       coalesce((
           select least(0, s.gross + s.corrections - s.fee + s.carried) from settlement s
           where s.provider_id = v.id order by s.day desc limit 1
       ), 0)::bigint as carried,
       (select coalesce(max(register_no), 0) from settlement)
           + row_number() over (order by c.provider_id) as number
from collected c
join provider v on v.id = c.provider_id
order by c.provider_id
"""  # noqa: S608  # the parts are constants of ours

# Money on ways that no agent of the bank is known for is not waited for: it counts from the day that it was
# booked, or the first one that is not settled.
CLEAR_AT_ONCE: Final = """
insert into clearance (payment_id, day)
select p.id, greatest(o.business_day, (select max(day) + 1 from settlement))
from payment p
join posting o on o.id = p.posting_id
where o.business_day <= $1 and p.way <> all($2::text[])
  and not exists (select from clearance c where c.payment_id = p.id)
"""


async def _settle(
    db: Connection, day: date, payer: Requisites, *, now: datetime, zone: tzinfo, pay_on: date
) -> None:
    seal = await seal_of(db, day)
    if seal is None:
        return  # nothing was ever posted
    rows = await db.fetch(COLLECTED, await db.fetchval(FIRST_DAY), day)
    settlements = [_reckoned(row, day, payer, seal.hash, pay_on) for row in rows]
    unpayable = [one.payee.id for one in settlements if one.payout and not one.payee.is_payable]
    if unpayable:
        raise UnpayableProvidersError(unpayable)
    if unwritable := {one.payee.id: one.unwritable for one in settlements if one.payout and one.unwritable}:
        raise UnwritableProvidersError(unwritable)
    over_at = datetime.combine(day + timedelta(days=1), time(), zone)
    posted = await _post(db, settlements, over_at, now=now, zone=zone)
    await _keep(db, settlements, posted)
    if settlements:
        await db.execute(KEEP_ACCOUNTS, settlements[0].since, day)


def _reckoned(row: asyncpg.Record, day: date, payer: Requisites, head: bytes, pay_on: date) -> Settlement:
    gross, corrections = Money(row["gross"]), Money(row["corrections"])
    return Settlement(
        number=row["number"],
        day=day,
        since=row["since"],
        payee=Payee(row["provider_id"], *(row[name] for name in Payee.__struct_fields__[1:])),
        payer=payer,
        contract_percent=row["fee_percent"],
        gross=gross,
        corrections=corrections,
        fee=fee_on(gross + corrections, row["fee_percent"]),
        carried=Money(row["carried"]),
        rows=row["rows"],
        head=head,
        pay_on=pay_on,
    )


async def _post(
    db: Connection, settlements: Sequence[Settlement], over_at: datetime, *, now: datetime, zone: tzinfo
) -> Mapping[str, int]:
    postings: list[Posting] = []
    for one in settlements:
        key = f"{one.day}:{one.payee.id}"
        if one.fee:
            fee = booking.fee(
                provider=one.payee.id, amount=one.fee, service=None, key=key, happened_at=over_at
            )
            postings.append(fee)
        if one.payout:
            payout = booking.payout(provider=one.payee.id, amount=one.payout, key=key, happened_at=over_at)
            postings.append(payout)
    verdicts = await post(db, postings, now=now, zone=zone)
    numbers = {}
    for posting, verdict in zip(postings, verdicts, strict=True):
        if isinstance(verdict, Conflict):
            raise AlreadyPostedError(posting.key)
        numbers[posting.key] = verdict.posting
    return numbers


# Keep settlements.
ADD_SETTLEMENTS: Final = """
insert into settlement (
    day, provider_id, register_no, since, fee_percent, gross, corrections, fee, carried, rows, head, pay_on, payee,
    payer, fee_posting_id, payout_posting_id
)
select * from unnest(
    $1::date[], $2::text[], $3::integer[], $4::date[], $5::numeric[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::integer[], $11::bytea[], $12::date[], $13::jsonb[], $14::jsonb[], $15::bigint[], $16::bigint[]
)
"""


async def _keep(db: Connection, settlements: Sequence[Settlement], posted: Mapping[str, int]) -> None:
    rows = [
        (
            one.day,
            one.payee.id,
            one.number,
            one.since,
            one.contract_percent,
            one.gross.kopecks,
            one.corrections.kopecks,
            one.fee.kopecks,
            one.carried.kopecks,
            one.rows,
            one.head,
            one.pay_on,
            one.payee,
            one.payer,
            posted.get(f"fee:{one.day}:{one.payee.id}"),
            posted.get(f"payout:{one.day}:{one.payee.id}"),
        )
        for one in settlements
    ]
    if rows:
        await db.execute(ADD_SETTLEMENTS, *zip(*rows, strict=True))


# The accounts of a settlement as its registers print them, where that changed since they were last settled: a
# register written again says what it said, whatever was corrected since.
KEEP_ACCOUNTS: Final = f"""{COUNTED}
insert into settled_account (account_id, since, number, address)
select acc.id, $2::date, acc.number, printed.address
from (select distinct account_id from counted) c
join account acc on acc.id = c.account_id
join premises r on r.id = acc.premises_id
join house h on h.id = r.house_id
cross join lateral (
    select concat_ws(
        ', ', h.city, h.street, 'д. ' || h.house || h.block, 'кв. ' || nullif(r.flat, '')
    ) as address
) printed
left join lateral (
    select s.number, s.address from settled_account s
    where s.account_id = acc.id order by s.since desc limit 1
) before on true
where (before.number, before.address) is distinct from (acc.number, printed.address)
"""  # noqa: S608  # the parts are constants of ours


# --- What was settled ------------------------------------------------------------------------------

# The settlements of a day.
SETTLEMENTS: Final = "select * from settlement where day = $1 order by register_no"


async def settlements_of(db: Connection, day: date) -> list[Settlement]:
    """The settlements of *day*, by number."""
    return [_settlement(row) for row in await db.fetch(SETTLEMENTS, day)]


def _settlement(row: asyncpg.Record) -> Settlement:
    return Settlement(
        number=row["register_no"],
        day=row["day"],
        since=row["since"],
        payee=msgspec.convert(row["payee"], Payee),
        payer=msgspec.convert(row["payer"], Requisites),
        contract_percent=Decimal(row["fee_percent"]),
        gross=Money(row["gross"]),
        corrections=Money(row["corrections"]),
        fee=Money(row["fee"]),
        carried=Money(row["carried"]),
        rows=row["rows"],
        head=row["head"],
        pay_on=row["pay_on"],
    )


# The day whose settlement has the postings of the given one.
SETTLED_WITH: Final = "select day from settlement where since <= $1 and day >= $1 order by day limit 1"


async def settled_with(db: Connection, day: date) -> date | None:
    """The day with whose settlement *day* was settled; None if it was not."""
    found: date | None = await db.fetchval(SETTLED_WITH, day)
    return found


# What was collected for a provider in some days, in the order of its register.
LINES: Final = f"""{COUNTED}
select printed.number, printed.address, a.service_code, a.period, a.payment_id, pay.paid_at,
       coalesce(split_part(pay.way, ':', 1), '') as channel, a.kopecks, a.penalty
from counted a
cross join lateral (
    select s.number, s.address from settled_account s
    where s.account_id = a.account_id and s.since <= $2::date order by s.since desc limit 1
) printed
left join payment pay on pay.id = a.payment_id
where a.provider_id = $3
order by a.service_code, printed.number, a.payment_id nulls first, a.period, a.penalty, a.posting_id, a.no
"""  # noqa: S608  # the parts are constants of ours


async def collected_in(db: Connection, settlement: Settlement) -> list[Collected]:
    """What *settlement* is the sum of, in the order of its register."""
    found = await db.fetch(LINES, settlement.since, settlement.day, settlement.payee.id)
    return [
        Collected(
            account=row["number"],
            address=row["address"],
            service=row["service_code"],
            period=Month.of(row["period"]),
            payment=row["payment_id"],
            paid_at=row["paid_at"],
            channel=row["channel"],
            gross=Money(row["kopecks"]),
            penalty=row["penalty"],
        )
        for row in found
    ]
