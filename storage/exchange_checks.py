"""What rows of a staged file must agree on with one another and with what is there already.

Every query gives the lines that do not, each with the offending cell where that says something.
"""

from dataclasses import dataclass
from typing import Final

from storage.exchange_formats import Kind

ALWAYS: Final = "select true"


@dataclass(frozen=True, slots=True)
class Check:
    """*sql* gives `line` and `cell` of the rows that are wrong in *column* for *reason*.

    Where *suspected* is given, it says at less cost whether any row may be wrong; checks that share it ask once.
    """

    column: str
    reason: str
    sql: str
    suspected: str = ALWAYS


def repeated(kind: Kind) -> Check:
    """No two rows share the key of their kind."""
    key = ", ".join(kind.key)
    return Check(
        kind.key[-1],
        f"is there twice (by {key})",
        f"""
select line, null::text as cell
from (select line, row_number() over (partition by {key} order by line) as place from staged_{kind.name}) s
where place > 1
""",  # noqa: S608 -- the parts are constants of ours
    )


# Premises of a building that no file has described, and that are not described here.
HOMELESS: Final = """
select line, building_id as cell from staged_premises s
where (city = '' or street = '' or house = '') and not exists (select from house h where h.id = s.building_id)
"""

UNKNOWN_PREMISES: Final = """
select line, premises_id as cell from staged_accounts s
where not exists (select from premises p where p.id = s.premises_id)
"""

UNKNOWN_TARIFF_SERVICE: Final = """
select line, service_code as cell from staged_tariffs s
where not exists (select from service t where t.code = s.service_code)
"""

UNKNOWN_TARIFF_PROVIDER: Final = """
select line, provider_id as cell from staged_tariffs s
where not exists (select from provider p where p.id = s.provider_id)
"""

ENDLESS_TARIFF: Final = """
select line, valid_to::text as cell from staged_tariffs where valid_to < valid_from
"""

UNKNOWN_METER_ACCOUNT: Final = """
select line, account as cell from staged_meters s
where not exists (select from account a where a.number = s.account)
"""

UNKNOWN_METER_SERVICE: Final = """
select line, service_code as cell from staged_meters s
where not exists (select from service t where t.code = s.service_code)
"""

# A meter that moved would show its readings to other people.
MOVED_METER: Final = """
select s.line, s.account as cell from staged_meters s
join meter m on m.id = s.meter_id
join account a on a.id = m.account_id
where a.number <> s.account
"""

UNKNOWN_METER: Final = """
select line, meter_id as cell from staged_readings s
where not exists (select from meter m where m.id = s.meter_id)
"""

ANOTHERS_METER: Final = """
select s.line, s.account as cell from staged_readings s
join meter m on m.id = s.meter_id
join account a on a.id = m.account_id
where a.number <> s.account
"""

UNKNOWN_REGISTER: Final = """
select s.line, s.register::text as cell from staged_readings s
join meter m on m.id = s.meter_id
where s.register > m.registers
"""

TOO_MANY_DIGITS: Final = """
select s.line, s.value::text as cell from staged_readings s
join meter m on m.id = s.meter_id
where s.value >= power(10::numeric, m.integer_digits)
"""

# A reading that was loaded before with another value.
CHANGED_READING: Final = """
select s.line, s.reading_id as cell from staged_readings s
join reading r on r.source_ref = 'billing:' || s.reading_id
where r.value <> s.value or r.meter_id <> s.meter_id or r.register_no <> s.register
"""

# A payment that is in the books with another sum or time.
CHANGED_PAYMENT: Final = """
select s.line, s.external_id as cell from staged_payments s
join payment p using (source_name, external_id)
where p.amount <> s.amount or p.paid_at <> s.paid_at
"""

# What is given back was received neither before nor in this file.
UNKNOWN_REVERSED: Final = """
select s.line, s.reverses_payment_id as cell from staged_payments s
where s.reverses_payment_id is not null
  and not exists (
    select from payment p
    where p.source_name = s.source_name and p.external_id = s.reverses_payment_id and p.amount > 0
  )
  and not exists (
    select from staged_payments o
    where o.source_name = s.source_name and o.external_id = s.reverses_payment_id and o.amount > 0
  )
"""

UNKNOWN_CHARGED_ACCOUNT: Final = """
select line, account as cell from staged_charges s
where not exists (select from account a where a.number = s.account)
"""

UNKNOWN_CHARGED_SERVICE: Final = """
select line, service_code as cell from staged_charges s
where not exists (select from service t where t.code = s.service_code)
"""

UNKNOWN_CHARGED_PROVIDER: Final = """
select line, provider_id as cell from staged_charges s
where not exists (select from provider p where p.id = s.provider_id)
"""

# Lines of a bill that is out already, and that are not the ones it was made of.
CHANGED_CHARGE: Final = """
select s.line, to_char(s.period, 'YYYY-MM') as cell from staged_charges s
join account a on a.number = s.account
join bill b on b.account_id = a.id and b.period = s.period
where not exists (
    select from charge c
    where c.account_id = a.id and c.period = s.period and c.service_code = s.service_code
      and c.provider_id = s.provider_id and c.payable = s.payable and c.recalculation = s.recalculation
      and c.benefit = s.benefit and c.penalty = s.penalty and c.opening = s.opening
)
"""

UNKNOWN_BILLED_ACCOUNT: Final = """
select line, account as cell from staged_bill_totals s
where not exists (select from account a where a.number = s.account)
"""

# A bill that is out already with other sums.
CHANGED_BILL: Final = """
select s.line, to_char(s.period, 'YYYY-MM') as cell from staged_bill_totals s
join account a on a.number = s.account
join bill b on b.account_id = a.id and b.period = s.period
where (b.opening, b.payments_counted, b.counted_until, b.charged, b.recalculation, b.benefit, b.penalty, b.total_due)
    <> (s.opening, s.payments_counted, s.counted_until, s.charged, s.recalculation, s.benefit, s.penalty, s.total_due)
"""

WITHOUT_CHARGES: Final = """
select s.line, to_char(s.period, 'YYYY-MM') as cell from staged_bill_totals s
join account a on a.number = s.account
where not exists (select from charge c where c.account_id = a.id and c.period = s.period)
"""


# Whether any bill and its lines disagree in any way: one look at the lines of each.
UNEVEN_SOMEHOW: Final = """
select exists (
    select from staged_bill_totals s
    join account a on a.number = s.account
    cross join lateral (
        select sum(c.charged_individual + c.charged_common + c.multiplier_sum) as charged,
            sum(c.recalculation) as recalculation, sum(c.benefit) as benefit, sum(c.penalty) as penalty,
            sum(c.opening) as opening, max(c.payable - c.recalculation) as most
        from charge c where c.account_id = a.id and c.period = s.period
    ) lines
    where (lines.charged, lines.recalculation, lines.benefit, lines.penalty)
            is distinct from (s.charged, s.recalculation, s.benefit, s.penalty)
        or s.opening > lines.opening and lines.most <= 0
)
"""

# An account's first bill opens with a debt that no line could carry.
UNPLACED_OPENING: Final = """
select s.line, (s.opening / 100.0)::numeric(14, 2)::text as cell from staged_bill_totals s
join account a on a.number = s.account
cross join lateral (
  select sum(c.opening) as opening, max(c.payable - c.recalculation) as most from charge c
  where c.account_id = a.id and c.period = s.period
) lines
where s.opening > lines.opening and lines.most <= 0
  and not exists (select from bill b where b.account_id = a.id and b.posting_id is not null)
"""


def _uneven(column: str, summed: str) -> Check:
    """The lines of a bill add up to its total, to the kopeck.

    Each bill's lines are looked up by themselves: in a first import PostgreSQL knows nothing of the tables yet,
    and a plain join was seen to pair every bill of a month with every line of it.
    """
    return Check(
        column,
        "is not the sum of the lines in charges",
        f"""
select s.line, (s.{column} / 100.0)::numeric(14, 2)::text as cell from staged_bill_totals s
join account a on a.number = s.account
cross join lateral (
  select sum({summed}) as summed from charge c where c.account_id = a.id and c.period = s.period
) lines
where lines.summed <> s.{column}
""",  # noqa: S608 -- the parts are constants of ours
        suspected=UNEVEN_SOMEHOW,
    )


UNKNOWN_READING: Final = """
select line, reading_id::text as cell from staged_reading_acks s
where not exists (select from reading r where r.id = s.reading_id)
"""

UNKNOWN: Final = "is unknown"

CHECKS: Final[dict[str, tuple[Check, ...]]] = {
    "services": (),
    "providers": (),
    "houses": (),
    "premises": (
        Check("building_id", "is in no file `houses`, so city, street and house are needed", HOMELESS),
    ),
    "accounts": (Check("premises_id", UNKNOWN, UNKNOWN_PREMISES),),
    "tariffs": (
        Check("service_code", UNKNOWN, UNKNOWN_TARIFF_SERVICE),
        Check("provider_id", UNKNOWN, UNKNOWN_TARIFF_PROVIDER),
        Check("valid_to", "is before valid_from", ENDLESS_TARIFF),
    ),
    "meters": (
        Check("account", UNKNOWN, UNKNOWN_METER_ACCOUNT),
        Check("service_code", UNKNOWN, UNKNOWN_METER_SERVICE),
        Check("account", "is not the account that this meter belongs to", MOVED_METER),
    ),
    "readings": (
        Check("meter_id", UNKNOWN, UNKNOWN_METER),
        Check("account", "is not the account that this meter belongs to", ANOTHERS_METER),
        Check("register", "is no register of this meter", UNKNOWN_REGISTER),
        Check("value", "has more digits than this meter", TOO_MANY_DIGITS),
        Check("reading_id", "was loaded with another value", CHANGED_READING),
    ),
    "payments": (
        Check("external_id", "is recorded with another sum or time", CHANGED_PAYMENT),
        Check("reverses_payment_id", "was not received from this source", UNKNOWN_REVERSED),
    ),
    "charges": (
        Check("account", UNKNOWN, UNKNOWN_CHARGED_ACCOUNT),
        Check("service_code", UNKNOWN, UNKNOWN_CHARGED_SERVICE),
        Check("provider_id", UNKNOWN, UNKNOWN_CHARGED_PROVIDER),
        Check(
            "period", "has its bill already; what changes is a recalculation of a later one", CHANGED_CHARGE
        ),
    ),
    "bill_totals": (
        Check("account", UNKNOWN, UNKNOWN_BILLED_ACCOUNT),
        Check("period", "has another bill already", CHANGED_BILL),
        Check("period", "has no lines in charges", WITHOUT_CHARGES, suspected=UNEVEN_SOMEHOW),
        Check("opening", "is on no line in charges", UNPLACED_OPENING, suspected=UNEVEN_SOMEHOW),
        _uneven("charged", "c.charged_individual + c.charged_common + c.multiplier_sum"),
        _uneven("recalculation", "c.recalculation"),
        _uneven("benefit", "c.benefit"),
        _uneven("penalty", "c.penalty"),
    ),
    "reading_acks": (Check("reading_id", UNKNOWN, UNKNOWN_READING),),
}
