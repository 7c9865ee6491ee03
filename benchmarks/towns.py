"""A town of any size with bills of 20 services, put into the tables by SQL.

Importing one would take longer than the measurement. The newest month is owed by all, the one before by one
account in five, earlier ones are paid. What the ledger keeps of them (layers and balances) is there, their
postings are not: nothing that residents ask reads postings.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from storage.database import Connection

SERVICES: Final = 20

# $1: accounts; $2: services; $3: the first day of the newest month; $4: months of lines; $5: months of bills.
PLACES: Final = (
    (
        "insert into house (id, city, street, house) select 'h' || n, 'Зареченск', 'ул. Светлая', n::text"
        " from generate_series(0, $1::int / 100) n"
    ),
    (
        "insert into premises (id, house_id, flat) select 'p' || n, 'h' || n / 100, (n % 100 + 1)::text"
        " from generate_series(1, $1::int) n"
    ),
    (
        "insert into account (number, premises_id) select lpad(n::text, 10, '0'), 'p' || n"
        " from generate_series(1, $1::int) n"
    ),
)
SERVED: Final = (
    (
        "insert into service (code, name, unit, kind, sort) select 's' || n, 'Услуга ' || n, 'м³', 'utility', n"
        " from generate_series(1, $1::int) n"
    ),
    (
        "insert into provider (id, inn, name, kind, bank_account, bik, corr_account, contract_no, fee_percent)"
        " select 'r' || n, '7700000000', 'Поставщик ' || n, 'utility', '40702810000000000001', '044525000',"
        " '30101810000000000000', n::text, 1 from generate_series(1, $1::int) n"
    ),
)
KEPT: Final = """
insert into ledger_account (kind, account_id, service_code, provider_id)
select 'receivable', account.id, 's' || n, 'r' || n from account cross join generate_series(1, $1::int) n
"""
BALANCES: Final = """
insert into balance (account_id, owed)
select id, $1::int * 15000 * case when id % 5 = 0 then 2 else 1 end from account
"""
BILLS: Final = """
insert into bill (account_id, period, opening, payments_counted, counted_until, charged, recalculation,
  benefit, penalty, total_due)
select account.id, ($1::date - make_interval(months => n))::date, $3::int * 15000, 0,
  ($1::date - make_interval(months => n) + interval '25 days')::date, $3::int * 15000, 0, 0, 0, $3::int * 30000
from account cross join generate_series(0, $2::int - 1) n
"""
LINES: Final = """
insert into charge (account_id, period, service_code, provider_id, tariff, volume_individual, volume_common,
  method, charged_individual, charged_common, recalculation, benefit, payable, opening, penalty)
select account_id, ($1::date - make_interval(months => n))::date, service_code, provider_id, 43.21, 3.5, 0.1,
  'M', 15000, 0, 0, 0, 15000, 15000, 0
from ledger_account cross join generate_series(0, $2::int - 1) n
"""
LAYERS: Final = """
insert into layer (ledger_account_id, period, account_id, service_code, penalty, kopecks)
select id, ($1::date - make_interval(months => n))::date, account_id, service_code, false,
  case when n = 0 or (n = 1 and account_id % 5 = 0) then 15000 else 0 end
from ledger_account cross join generate_series(0, $2::int - 1) n
"""
# What was billed before was paid in the middle of the month after.
PAYMENTS: Final = """
insert into payment (posting_id, source_name, external_id, way, account_id, amount, paid_at, paid_on)
select row_number() over (), 'bank', account.id || '-' || n, 'bank', account.id, $3::int * 15000, day, day
from account cross join generate_series(1, $2::int - 1) n
cross join lateral (select ($1::date - make_interval(months => n - 1) + interval '14 days')::date as day) as paid
"""
UNPOSTED: Final = "alter table payment drop constraint payment_posting_id_fkey"

# Millions of rows go in several times faster when their keys are made, and checked, once they are in; and a guard
# would keep all rows of a statement to look at them.
KEYS: Final = """
select conrelid::regclass::text as name, conname, pg_get_constraintdef(oid) as meaning
from pg_constraint where conrelid = any (array['charge', 'layer', 'bill', 'payment']::regclass[])
  and contype in ('p', 'f') and conname <> 'payment_pkey'
order by contype desc, conname
"""


async def build(db: Connection, accounts: int) -> None:
    """Put places, services and providers in, and nothing that is owed."""
    # Set for this connection only, which is the bench's own: a crash would lose a town that is made again.
    await db.execute("set synchronous_commit = off")
    for each in PLACES:
        await db.execute(each, accounts)
    for each in SERVED:
        await db.execute(each, SERVICES)


async def fill(db: Connection, *, accounts: int, newest: date, months: int = 12, lines: int = 12) -> None:
    """Put a town in: *months* of bills up to *newest* (a first day), *lines* months with what they are made of."""
    await build(db, accounts)
    await db.execute(KEPT, SERVICES)
    await db.execute(BALANCES, SERVICES)
    await db.execute(UNPOSTED)
    keys = await db.fetch(KEYS)
    for name, key, _ in keys:
        await db.execute(f"alter table {name} drop constraint {key}")
    await db.execute("alter table charge disable trigger charge_insert_guarded")
    await db.execute(BILLS, newest, months, SERVICES)
    await db.execute(LINES, newest, lines)
    await db.execute("alter table charge enable trigger charge_insert_guarded")
    await db.execute(PAYMENTS, newest, months, SERVICES)
    await db.execute(LAYERS, newest, max(lines, 2))
    for name, key, meaning in keys:
        await db.execute(f"alter table {name} add constraint {key} {meaning}")
