"""What accounts owe and why: statements, the bills of a month, the history of a year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Final

import asyncpg
import msgspec

from core.due_dates import DueRules, due_on
from core.messages import Month
from core.money import Money
from core.questions import BillOf, HistoryOf, StatementOf
from core.statements import (
    Bill,
    BillLine,
    BillSummary,
    Facts,
    History,
    LastBill,
    OpenLine,
    OpenMonth,
    PaymentSummary,
    Statement,
    state,
)
from storage.database import Connection

MONTHS_OF_HISTORY: Final = 12
# More payments in a year than anybody makes; a page never waits for all that a robot did.
PAYMENTS_MAX: Final = 200

# Of each account: what is open by months (settled ones are not touched), its advance, its last bill, and what was
# received after the day until which that bill counts payments. Rows read: the account's own alone.
FACTS: Final = """
select asked.account, a.differs, coalesce(b.advance, 0) as advance, open.months,
       last.period, last.opening, last.payments_counted, last.counted_until, last.penalty, last.total_due,
       coalesce(since.paid, 0) as paid_since
from unnest($1::bigint[]) as asked (account)
join account a on a.id = asked.account
left join balance b on b.account_id = a.id
left join lateral (
    select * from bill where account_id = a.id order by period desc limit 1
) last on true
left join lateral (
    select sum(p.amount)::bigint as paid from payment p
    where p.account_id = a.id and p.paid_on > last.counted_until
) since on true
left join lateral (
    select json_agg(json_build_array(period, lines))::text as months
    from (
        select l.period, json_agg(json_build_array(
            l.service_code, l.kopecks, l.penalty, coalesce(s.optional, false)
        )) as lines
        from layer l
        left join service s on s.code = l.service_code
        where l.account_id = a.id and l.kopecks <> 0
        group by l.period
    ) month
) open on true
"""


_MONTHS: Final = msgspec.json.Decoder(list[tuple[str, tuple[OpenLine, ...]]])


async def statement_of(db: Connection, asked: Sequence[StatementOf]) -> list[Statement]:
    """What is due on each account that is *asked* for."""
    accounts = sorted({question.account for question in asked})
    facts = {row["account"]: _facts(row) for row in await db.fetch(FACTS, accounts)}
    return [state(facts[question.account], question.on, question.dues) for question in asked]


def _facts(row: asyncpg.Record) -> Facts:
    return Facts(
        account=row["account"],
        months=tuple(
            OpenMonth(_month(period), lines) for period, lines in _MONTHS.decode(row["months"] or "[]")
        ),
        advance=Money(row["advance"]),
        bill=_last_bill(row) if row["period"] else None,
        paid_since=Money(row["paid_since"]),
        differs=row["differs"],
    )


@lru_cache(maxsize=1024)
def _month(first_day: str) -> Month:
    return Month.of(date.fromisoformat(first_day))


def _last_bill(row: asyncpg.Record) -> LastBill:
    return LastBill(
        period=Month.of(row["period"]),
        opening=Money(row["opening"]),
        payments_counted=Money(row["payments_counted"]),
        counted_until=row["counted_until"],
        penalty=Money(row["penalty"]),
        total_due=Money(row["total_due"]),
    )


# --- The bill of a month ---------------------------------------------------------------------------

# Of each (account, period; none: the latest) the bill with its lines, in the order of the form.
BILLS: Final = """
select asked.n, b.*, c.tariff, c.volume_individual + c.volume_common as volume, c.method,
       c.charged_individual + c.charged_common + c.multiplier_sum as line_charged,
       c.recalculation as line_recalculation, c.recalculation_reason, c.benefit as line_benefit, c.payable,
       c.penalty as line_penalty, c.service_code, s.name as service_name, s.unit, p.name as provider_name
from unnest($1::bigint[], $2::date[]) with ordinality as asked (account, period, n)
join lateral (
    select * from bill
    where account_id = asked.account and (asked.period is null or period = asked.period)
    order by period desc limit 1
) b on true
left join charge c on c.account_id = b.account_id and c.period = b.period
left join service s on s.code = c.service_code
left join provider p on p.id = c.provider_id
order by asked.n, s.sort, c.service_code, c.provider_id
"""


async def bill_of(db: Connection, asked: Sequence[BillOf]) -> list[Bill | None]:
    """The bill of each account and month that is *asked* for; None where there is none."""
    accounts = [question.account for question in asked]
    periods = [question.period.first_day if question.period else None for question in asked]
    rows: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in await db.fetch(BILLS, accounts, periods):
        rows[row["n"]].append(row)
    return [
        _bill(rows[number], question.dues) if number in rows else None
        for number, question in enumerate(asked, start=1)
    ]


def _bill(rows: Sequence[asyncpg.Record], dues: DueRules) -> Bill:
    head = rows[0]
    period = Month.of(head["period"])
    return Bill(
        account=head["account_id"],
        period=period,
        opening=Money(head["opening"]),
        payments_counted=Money(head["payments_counted"]),
        counted_until=head["counted_until"],
        lines=tuple(_bill_line(row) for row in rows if row["service_code"] is not None),
        penalty=Money(head["penalty"]),
        total_due=Money(head["total_due"]),
        due_on=due_on(period, dues),
    )


def _bill_line(row: asyncpg.Record) -> BillLine:
    return BillLine(
        service=row["service_code"],
        name=row["service_name"],
        unit=row["unit"],
        provider=row["provider_name"],
        tariff=row["tariff"],
        volume=row["volume"],
        method=row["method"],
        charged=Money(row["line_charged"]),
        recalculation=Money(row["line_recalculation"]),
        reason=row["recalculation_reason"],
        benefit=Money(row["line_benefit"]),
        payable=Money(row["payable"]),
        penalty=Money(row["line_penalty"]),
    )


# --- The history of a year -------------------------------------------------------------------------

# Of each (account, first month, last month): its bills with what each added, and the payments since then.
HISTORIES: Final = """
select asked.n, b.period, b.total_due - b.opening + b.payments_counted as charged, b.total_due,
       null::timestamptz as paid_at, null::bigint as amount, null::text as way
from unnest($1::bigint[], $2::date[], $3::date[]) with ordinality as asked (account, since, until, n)
join bill b on b.account_id = asked.account and b.period between asked.since and asked.until
union all
select asked.n, null, null, null, p.paid_at, p.amount, p.way
from unnest($1::bigint[], $2::date[], $3::date[]) with ordinality as asked (account, since, until, n)
cross join lateral (
    select paid_at, amount, way from payment
    where account_id = asked.account and paid_on >= asked.since
    order by paid_on desc, id desc limit $4
) p
"""


async def history_of(db: Connection, asked: Sequence[HistoryOf]) -> list[History]:
    """The bills and payments of the 12 months of each account that is *asked* for, newest first."""
    rows = await db.fetch(
        HISTORIES,
        [question.account for question in asked],
        [question.until.plus(1 - MONTHS_OF_HISTORY).first_day for question in asked],
        [question.until.first_day for question in asked],
        PAYMENTS_MAX,
    )
    of: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        of[row["n"]].append(row)
    return [_history(question.account, of[number]) for number, question in enumerate(asked, start=1)]


def _history(account: int, rows: Iterable[asyncpg.Record]) -> History:
    bills, payments = [], []
    for row in rows:
        if row["period"] is None:
            # Ways are 'acquirer:yookassa', 'bank:sber'...: whom the money came through is not shown.
            way = row["way"].partition(":")[0]
            payments.append(PaymentSummary(row["paid_at"], Money(row["amount"]), way))
        else:
            period = Month.of(row["period"])
            bills.append(BillSummary(period, Money(row["charged"]), Money(row["total_due"])))
    bills.sort(key=lambda bill: bill.period, reverse=True)
    payments.sort(key=lambda payment: payment.paid_at, reverse=True)
    return History(account, tuple(bills), tuple(payments))
