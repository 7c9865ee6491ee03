"""The proof of the books: whatever can be worked out twice is worked out anew and compared.

One statement reads everything, so that all of it is one moment's; it takes its time, which the caller grants.
Each proof gives rows of (table, row, what is wrong, what the row says, what was found).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from storage.database import Connection

# What the proofs share: each transfer as it was hashed, and each side of it with its ledger account.
SHARED: Final = """
with said as (
    select t.posting_id, t.no, t.line_check, p.key as posting_key,
           t.no || '|' || f.key || '|' || i.key || '|' || t.kopecks || '|'
               || coalesce(to_char(t.period, 'YYYY-MM'), '') || '|' || coalesce(t.service_code, '') as line
    from transfer t
    left join posting p on p.id = t.posting_id
    left join ledger_account f on f.id = t.from_id
    left join ledger_account i on i.id = t.to_id
), moved as (
    select t.posting_id, t.no, side.ledger_account_id, side.kopecks, t.period, a.kind, a.account_id,
           a.service_code, a.provider_id
    from transfer t
    cross join lateral (values (t.to_id, t.kopecks), (t.from_id, -t.kopecks)) side (ledger_account_id, kopecks)
    join ledger_account a on a.id = side.ledger_account_id
), owed as (
    select * from moved where kind in ('receivable', 'penalty')
), unallocated as (
    select m.*, coalesce(p.origin_id, p.id) as origin_id
    from moved m
    join posting p on p.id = m.posting_id
    where m.kind = 'unallocated'
), counted as (
    -- What services got, on the first day on which it was spread and its money had arrived.
    select a.provider_id, greatest(p.business_day, c.day) as day, sum(a.kopecks) as kopecks
    from allocation a
    join posting p on p.id = a.posting_id
    left join clearance c on c.payment_id = a.payment_id
    where a.payment_id is null or c.payment_id is not null
    group by a.provider_id, greatest(p.business_day, c.day)
)
"""

# A changed transfer is told by the bytes that were kept beside it.
CHANGED_TRANSFERS: Final = """
select 'transfer', posting_id || '/' || no, 'is not what was posted', encode(line_check, 'hex'),
       encode(substr(sha256(convert_to(posting_key || '|' || line, 'UTF8')), 1, 8), 'hex')
from said
where line_check is distinct from substr(sha256(convert_to(posting_key || '|' || line, 'UTF8')), 1, 8)
"""

# A posting has as many transfers as it was made of.
MISSING_TRANSFERS: Final = """
select 'transfer', p.id || '/' || no, 'is missing', p.transfers::text, null
from posting p
cross join lateral generate_series(1, p.transfers) no
where not exists (select from transfer t where t.posting_id = p.id and t.no = no.no)
union all
select 'transfer', t.posting_id || '/' || t.no, 'does not belong to its posting', t.no::text, p.transfers::text
from transfer t
left join posting p on p.id = t.posting_id
where p.id is null or t.no > p.transfers
"""

# A posting's hash is that of its content: core.postings.content_hash.
CHANGED_POSTINGS: Final = """
select 'posting', id::text, 'is not what was posted', encode(content_hash, 'hex'), encode(found, 'hex')
from (
    select p.id, p.content_hash, sha256(convert_to(
        p.kind || '|' || p.key || '|' || (extract(epoch from p.happened_at) * 1000000)::bigint || '|' || p.source
            || '|' || coalesce(p.account_id::text, '') || '|' || coalesce(o.key, '') || '|' || coalesce(r.key, '')
            || coalesce(E'\\n' || s.lines, ''),
        'UTF8'
    )) as found
    from posting p
    left join (
        select posting_id, string_agg(line, E'\\n' order by no) as lines from said group by posting_id
    ) s on s.posting_id = p.id
    left join posting o on o.id = p.origin_id
    left join posting r on r.id = p.reverses_id
) posting
where content_hash is distinct from found
"""

# What is owed month by month is what transfers made it.
LAYERS: Final = """
select 'layer', coalesce(a.key, ledger_account_id::text) || ' ' || to_char(period, 'YYYY-MM'),
       'is not the sum of its transfers', l.kopecks::text, m.kopecks::text
from layer l
full join (
    select ledger_account_id, period, sum(kopecks) as kopecks from owed group by ledger_account_id, period
) m using (ledger_account_id, period)
left join ledger_account a on a.id = ledger_account_id
where coalesce(l.kopecks, 0) <> coalesce(m.kopecks, 0)
  or (l.account_id, l.service_code, l.penalty) <> (a.account_id, a.service_code, a.kind = 'penalty')
"""

# What is left of money is what transfers left of it.
ADVANCES: Final = """
select 'advance', origin_id::text, 'is not what its transfers left', a.kopecks::text, m.kopecks::text
from advance a
full join (
    select origin_id, -sum(kopecks) as kopecks, min(account_id) as account_id, count(distinct account_id) as accounts
    from unallocated group by origin_id
) m using (origin_id)
where coalesce(a.kopecks, 0) <> coalesce(m.kopecks, 0) or a.account_id <> m.account_id or m.accounts > 1
"""

# An account's balance is what transfers made it.
BALANCES: Final = """
select 'balance', account_id::text, 'is not the sum of its transfers',
       b.owed || ' owed, ' || b.advance || ' advance',
       coalesce(m.owed, 0) || ' owed, ' || coalesce(m.advance, 0) || ' advance'
from balance b
full join (
    select account_id, sum(kopecks) filter (where kind <> 'unallocated') as owed,
           -sum(kopecks) filter (where kind = 'unallocated') as advance
    from moved where account_id is not null group by account_id
) m using (account_id)
where coalesce(b.owed, 0) <> coalesce(m.owed, 0) or coalesce(b.advance, 0) <> coalesce(m.advance, 0)
"""

# All balances together are nothing; so is what a provider claims, with what residents owe to it.
BOOKS: Final = """
select 'books', 'all', 'do not sum to zero', '0', found::text
from (
    select coalesce((select sum(owed - advance) from balance), 0)
        + coalesce((select sum(kopecks) from moved where account_id is null), 0) as found
) books
where found <> 0
union all
select 'books', 'claim:' || provider_id, 'is not what residents owe', claimed::text, owed::text
from (
    select provider_id, -sum(kopecks) as claimed from moved where kind = 'claim' group by provider_id
) claim
full join (
    select a.provider_id, sum(l.kopecks) as owed
    from layer l join ledger_account a on a.id = l.ledger_account_id
    group by a.provider_id
) layer using (provider_id)
where coalesce(claimed, 0) <> coalesce(owed, 0)
"""

# What was posted for a bill is its charges, line by line.
CHARGES: Final = """
select 'charge', account_id || ' ' || to_char(period, 'YYYY-MM') || ' ' || service_code || ' ' || provider_id,
       'is not what was posted', c.payable || ', penalty ' || c.penalty,
       coalesce(m.payable, 0) || ', penalty ' || coalesce(m.penalty, 0)
from (
    select c.account_id, c.period, c.service_code, c.provider_id, c.payable, c.penalty
    from charge c
    join bill b using (account_id, period)
    where b.posting_id is not null
) c
full join (
    select b.account_id, b.period, o.service_code, o.provider_id,
           sum(o.kopecks) filter (where o.kind = 'receivable') as payable,
           sum(o.kopecks) filter (where o.kind = 'penalty') as penalty
    from bill b
    join owed o on o.posting_id = b.posting_id and o.period = b.period
    group by b.account_id, b.period, o.service_code, o.provider_id
) m using (account_id, period, service_code, provider_id)
where coalesce(c.payable, 0) <> coalesce(m.payable, 0) or coalesce(c.penalty, 0) <> coalesce(m.penalty, 0)
"""

# A bill is the sum of its charges; its account's first one has posted its opening, no other has.
BILLS: Final = """
select 'bill', b.account_id || ' ' || to_char(b.period, 'YYYY-MM'), 'is not the sum of its charges',
       (b.total_due - b.opening + b.payments_counted)::text, coalesce(c.charged, 0)::text
from bill b
left join (
    select account_id, period, sum(payable + penalty) as charged from charge group by account_id, period
) c using (account_id, period)
where b.posting_id is not null and b.total_due - b.opening + b.payments_counted <> coalesce(c.charged, 0)
union all
select 'bill', account_id || ' ' || to_char(period, 'YYYY-MM'), 'has posted another opening', opening::text,
       coalesce(posted, 0)::text
from (
    select b.account_id, b.period, m.posted,
           case when b.period = min(b.period) over (partition by b.account_id) then b.opening else 0 end as opening
    from bill b
    left join (
        select b.account_id, b.period, sum(m.kopecks) as posted
        from bill b
        join moved m on m.posting_id = b.posting_id and m.account_id = b.account_id
        where m.period is distinct from b.period
        group by b.account_id, b.period
    ) m using (account_id, period)
    where b.posting_id is not null
) opened
where opening <> coalesce(posted, 0)
union all
select 'posting', p.id::text, 'is of a bill that is not there', p.key, null
from posting p
where p.kind = 'bill' and not exists (select from bill b where b.posting_id = p.id)
"""

# A payment is what its posting moved, and what services hold of it with what is left.
PAYMENTS: Final = """
select 'payment', p.id::text, 'is not what was posted', p.amount::text, coalesce(m.kopecks, 0)::text
from payment p
left join (
    select posting_id, sum(kopecks) as kopecks from moved where kind = 'in_transit' group by posting_id
) m on m.posting_id = p.posting_id
where p.amount <> coalesce(m.kopecks, 0)
union all
select 'payment', p.id::text, 'is not its allocations with what is left', held::text, found::text
from (
    select p.id,
           case when p.account_id is null then 0 else p.amount + coalesce(refunds.kopecks, 0) end as held,
           coalesce(given.kopecks, 0) + coalesce(a.kopecks, 0) as found
    from payment p
    left join (
        select reverses_payment_id as id, sum(amount) as kopecks from payment group by reverses_payment_id
    ) refunds on refunds.id = p.id
    left join (
        select payment_id as id, sum(kopecks) as kopecks from allocation group by payment_id
    ) given on given.id = p.id
    left join advance a on a.origin_id = p.posting_id
    where p.amount > 0
) p
where held <> found
union all
select 'posting', p.id::text, 'is of a payment that is not there', p.key, null
from posting p
where p.kind in ('payment', 'refund') and not exists (select from payment y where y.posting_id = p.id)
"""

# An allocation is its transfer, and of the payment whose money was moved.
ALLOCATIONS: Final = """
select 'allocation', posting_id || '/' || no, 'is not its transfer',
       a.kopecks || ' ' || a.service_code || ' of payment ' || coalesce(a.payment_id::text, 'none'),
       m.kopecks || ' ' || m.service_code || ' of payment ' || coalesce(m.payment_id::text, 'none')
from allocation a
full join (
    select o.posting_id, o.no, -o.kopecks as kopecks, o.account_id, o.period, o.service_code, o.provider_id,
           o.kind = 'penalty' as penalty, y.id as payment_id
    from owed o
    join unallocated u on u.posting_id = o.posting_id and u.no = o.no
    left join payment y on y.posting_id = u.origin_id
) m using (posting_id, no)
where (a.kopecks, a.account_id, a.period, a.service_code, a.provider_id, a.penalty, a.payment_id)
    is distinct from (m.kopecks, m.account_id, m.period, m.service_code, m.provider_id, m.penalty, m.payment_id)
"""

# Each seal is over its day's postings and the seal before, and no day is left out.
SEALS: Final = """
select 'seal', day::text, 'does not hold', encode(hash, 'hex'), encode(found, 'hex')
from (
    select s.day, s.hash, s.postings, s.previous,
           lag(s.hash, 1, ''::bytea) over (order by s.day) as before,
           lag(s.day) over (order by s.day) as day_before,
           coalesce(p.postings, 0) as counted,
           sha256(s.previous || convert_to(to_char(s.day, 'YYYY-MM-DD'), 'UTF8') || coalesce(p.hashes, ''::bytea))
               as found
    from seal s
    left join (
        select business_day, count(*) as postings, string_agg(content_hash, ''::bytea order by id) as hashes
        from posting group by business_day
    ) p on p.business_day = s.day
) s
where hash <> found or previous <> before or postings <> counted or day <> day_before + 1
union all
select 'posting', p.id::text, 'is older than the first sealed day', p.business_day::text, first.day::text
from posting p
cross join (select min(day) as day from seal) first
where p.business_day < first.day
"""

# A checkpoint is what transfers up to its day made it; each sealed day that moved a ledger account has one.
CHECKPOINTS: Final = """
select 'checkpoint', coalesce(a.key, ledger_account_id::text) || ' ' || day, 'is not the sum of its transfers',
       c.kopecks::text, m.kopecks::text
from checkpoint c
full join (
    select ledger_account_id, business_day as day,
           sum(sum(kopecks)) over (partition by ledger_account_id order by business_day) as kopecks
    from moved join posting p on p.id = posting_id
    where moved.account_id is null and p.business_day <= (select max(day) from seal)
    group by ledger_account_id, business_day
) m using (ledger_account_id, day)
left join ledger_account a on a.id = ledger_account_id
where c.kopecks is distinct from m.kopecks
"""

# A settlement is what was collected in its days, and what was posted for it; no day is left out or settled twice.
SETTLEMENTS: Final = """
select 'settlement', s.day || ' ' || s.provider_id, 'is not what was collected',
       (s.gross + s.corrections)::text, coalesce(found.kopecks, 0)::text
from settlement s
left join lateral (
    select sum(kopecks) as kopecks from counted c
    where c.day between s.since and s.day and c.provider_id = s.provider_id
) found on true
where s.gross + s.corrections <> coalesce(found.kopecks, 0)
union all
select 'settlement', s.day || ' ' || s.provider_id, 'is not what was posted',
       (s.fee + greatest(0, s.gross + s.corrections - s.fee + s.carried))::text, coalesce(posted.kopecks, 0)::text
from settlement s
left join lateral (
    select sum(m.kopecks) as kopecks from moved m
    where m.posting_id in (s.fee_posting_id, s.payout_posting_id) and m.kind = 'payable'
        and m.provider_id = s.provider_id
) posted on true
where s.fee + greatest(0, s.gross + s.corrections - s.fee + s.carried) <> coalesce(posted.kopecks, 0)
union all
select 'settlement', s.day::text, 'has another seal', encode(s.head, 'hex'), encode(seal.hash, 'hex')
from settlement s
left join seal using (day)
where s.head is distinct from seal.hash
"""

# A document of the bank moved its sum; what it brought are payments of that sum with what was kept of them, on
# its way.
BANK: Final = """
select 'bank_document', d.id::text, 'is not what was posted',
       (case when d.incoming then d.amount else -d.amount end)::text, coalesce(m.kopecks, 0)::text
from bank_document d
left join (
    select posting_id, sum(kopecks) as kopecks from moved where kind = 'bank' group by posting_id
) m using (posting_id)
where d.kind not in ('outgoing', 'own')
    and coalesce(m.kopecks, 0) <> case when d.incoming then d.amount else -d.amount end
union all
select 'bank_document', d.id::text, 'is not its payments less what was kept',
       (d.amount + coalesce(kept.kopecks, 0))::text, brought.kopecks::text
from bank_document d
left join (
    select posting_id, sum(kopecks) as kopecks from moved where kind = 'acquiring_expense' group by posting_id
) kept on kept.posting_id = d.kept_posting_id
join (
    select c.document_id as id, sum(p.amount) as kopecks,
           bool_and(p.way = coalesce(d.way, 'bank:transfer')) as on_its_way
    from clearance c
    join payment p on p.id = c.payment_id
    join bank_document d on d.id = c.document_id
    group by c.document_id
) brought using (id)
where d.kind in ('remittance', 'transfer') and d.matched
    and (d.amount + coalesce(kept.kopecks, 0) <> brought.kopecks or not brought.on_its_way)
union all
select 'payment', c.payment_id::text, 'has arrived by a document whose payments are not known', c.day::text, null
from clearance c
join bank_document d on d.id = c.document_id
where not d.matched
"""

PROOFS: Final = (
    SETTLEMENTS,
    BANK,
    CHANGED_TRANSFERS,
    MISSING_TRANSFERS,
    CHANGED_POSTINGS,
    LAYERS,
    ADVANCES,
    BALANCES,
    BOOKS,
    CHARGES,
    BILLS,
    PAYMENTS,
    ALLOCATIONS,
    SEALS,
    CHECKPOINTS,
)
VERIFY: Final = SHARED + "union all".join(PROOFS)


class Fault(msgspec.Struct, frozen=True, order=True):
    """A *row* of a *table* that cannot be right, and why: what it *says*, and what was *found* instead."""

    table: str
    row: str
    what: str
    says: str | None
    found: str | None

    def __str__(self) -> str:
        return f"{self.table} {self.row} {self.what}: it says {self.says}, found {self.found}"


async def verify(db: Connection) -> Sequence[Fault]:
    """Prove the books; what cannot be right in them, each with its row. Nothing: they are whole."""
    return sorted((Fault(*row) for row in await db.fetch(VERIFY)), key=lambda fault: (fault.table, fault.row))
