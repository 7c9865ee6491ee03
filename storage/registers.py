"""Taking in registers of payments: matched to accounts, posted once a line, unmatched lines put aside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from core.allocation import Rule
from core.booking import Payment
from core.money import Money
from core.reading_windows import MovedWindow
from core.register_reading import at_moment, read_register
from core.registers import Profile, Register, RegisterRow, UnreadableRegisterError
from storage.database import Connection
from storage.exchange_money import UnmergeableError
from storage.exchange_protocol import BadRow, Complaints, Loaded
from storage.receiving import PaymentVerdict, Received, receive_payments
from storage.riding_readings import Ridden, Taken, take_readings

ROWS_AT_ONCE: Final = 1_000


class Known(msgspec.Struct, frozen=True):
    """A payment that an earlier register, or none, has brought for an operation."""

    number: int
    amount: Money


class RegisterFile(msgspec.Struct, frozen=True):
    """A file that a register was looked for in: what it says, or what is wrong with it."""

    sha256: bytes
    size: int
    says: Register | Complaints


def register_in(path: Path, profile: Profile) -> RegisterFile:
    """What the register at *path* says, or what is wrong with it."""
    content = path.read_bytes()
    says = _says(path, profile, content)
    return RegisterFile(sha256(content).digest(), len(content), says)


def _says(path: Path, profile: Profile, content: bytes) -> Register | Complaints:
    try:
        return read_register(profile, content, _control(path, profile), name=path.name)
    except UnreadableRegisterError as error:
        complaints = Complaints(path.name)
        for mistake in error.mistakes:
            complaints.add(mistake.line, "", mistake.reason)
        return complaints


def control_path(path: Path, profile: Profile) -> Path | None:
    """Where the control file of the register at *path* lies, if its profile has one."""
    form = profile.control
    if form is None or form.replace not in path.name:
        return None
    return path.with_name(path.name.replace(form.replace, form.by))


def _control(path: Path, profile: Profile) -> bytes | None:
    control = control_path(path, profile)
    return control.read_bytes() if control is not None and control.exists() else None


async def take_register(
    db: Connection,
    register: Register,
    profile: Profile,
    *,
    name: str,
    now: datetime,
    zone: tzinfo,
    rule: Rule,
    moved: tuple[MovedWindow, ...] = (),
) -> Loaded:
    """Post the payments of *register*, in one transaction with the readings that ride in it.

    An operation that is in the books is left out, whatever file brought it. Raises UnmergeableError where
    the books have another sum for it.
    """
    new = await _new_rows(db, register.rows, profile)
    numbers = {row.account for row in new if row.account}
    accounts = await accounts_numbered(db, numbers, prefix=profile.account_prefix)
    aside: list[BadRow] = []
    ridden: list[Ridden] = []
    for done in range(0, len(new), ROWS_AT_ONCE):
        chunk = new[done : done + ROWS_AT_ONCE]
        payments = [_payment(row, profile, accounts.get(row.account), zone) for row in chunk]
        verdicts = await receive_payments(db, payments, now=now, zone=zone, rule=rule)
        unmatched = {
            verdict.payment: row
            for row, payment, verdict in zip(chunk, payments, verdicts, strict=True)
            if isinstance(verdict, Received) and payment.account is None
        }
        await _tell_staff(db, unmatched, profile, now)
        await _keep_sent(db, chunk, verdicts)
        aside += [_aside(name, row, number) for number, row in unmatched.items()]
        ridden += [
            Ridden(row.line, payment.key, payment.account, payment.paid_at, row.readings)
            for row, payment in zip(chunk, payments, strict=True)
            if row.readings and payment.account is not None
        ]
    taken = await take_readings(db, ridden, now=now, moved=moved)
    return _loaded(name, register, new, aside, taken)


def _loaded(
    name: str, register: Register, new: Sequence[RegisterRow], aside: Sequence[BadRow], taken: Taken
) -> Loaded:
    repeated = [BadRow(name, line, "", "the same operation again: left out") for line in register.repeated]
    left = [BadRow(name, line, "reading", reason) for line, reason in taken.left]
    return Loaded(
        rows=len(register.rows) + len(register.repeated),
        added=len(new),
        aside=len(aside),
        readings=taken.kept,
        notes=tuple(sorted([*repeated, *aside, *left], key=lambda note: note.line)),
    )


def _aside(name: str, row: RegisterRow, payment: int) -> BadRow:
    return BadRow(
        name, row.line, "account", f"{row.account or 'none'} is not known: put aside as payment {payment}"
    )


def _payment(row: RegisterRow, profile: Profile, account: int | None, zone: tzinfo) -> Payment:
    return Payment(
        source=profile.source,
        external_id=row.operation,
        way=profile.way,
        account=account,
        amount=row.amount,
        paid_at=at_moment(row.paid_on, row.paid_at).replace(tzinfo=zone),
        named=row.named,
    )


# The payments that these operations of a source have brought.
KNOWN_PAYMENTS: Final = """
select external_id, id, amount from payment where source_name = $1 and external_id = any($2::text[])
"""


async def _new_rows(db: Connection, rows: Sequence[RegisterRow], profile: Profile) -> Sequence[RegisterRow]:
    found = await db.fetch(KNOWN_PAYMENTS, profile.source, [row.operation for row in rows])
    known = {row["external_id"]: Known(row["id"], Money(row["amount"])) for row in found}
    bad = [
        (
            row.line,
            "amount",
            f"the books have another sum for this operation, payment {known[row.operation].number}",
        )
        for row in rows
        if row.operation in known and known[row.operation].amount != row.amount
    ]
    if bad:
        raise UnmergeableError(bad)
    return [row for row in rows if row.operation not in known]


# Whose these numbers are: a payment code or an account's number as it is.
ACCOUNTS: Final = """
select asked.number, case when count(distinct a.id) = 1 then min(a.id) end as account
from unnest($1::text[]) as asked (number)
join (
    select id, number from account union all select id, payment_code from account where payment_code is not null
) a using (number)
group by asked.number
"""

# The same without the zeros in front, which are lost and added on the way; a number of zeros is nobody's.
BARE_ACCOUNTS: Final = """
select asked.number, case when count(distinct a.id) = 1 then min(a.id) end as account
from unnest($1::text[]) as asked (number)
join (
    select id, ltrim(number, '0') as bare from account
    union all select id, ltrim(payment_code, '0') from account where payment_code is not null
) a on a.bare = ltrim(asked.number, '0') and a.bare <> ''
group by asked.number
"""


async def accounts_numbered(
    db: Connection, numbers: Collection[str], *, prefix: str = ""
) -> Mapping[str, int]:
    """The accounts that these *numbers* can only be of, where they are given without *prefix*."""
    if not numbers:
        return {}
    full = {f"{prefix}{number}": number for number in sorted(numbers)}
    exact = {row["number"]: row["account"] for row in await db.fetch(ACCOUNTS, list(full))}
    missing = [number for number in full if number not in exact]
    loose = await db.fetch(BARE_ACCOUNTS, missing)
    found = exact | {row["number"]: row["account"] for row in loose}
    return {full[number]: account for number, account in found.items() if account is not None}


# How the money of payments is sent to us.
ADD_REMITTANCES: Final = """
insert into remittance (payment_id, order_no, sent) select * from unnest($1::bigint[], $2::text[], $3::bigint[])
"""


async def _keep_sent(db: Connection, rows: Sequence[RegisterRow], verdicts: Sequence[PaymentVerdict]) -> None:
    sent = [
        (verdict.payment, row.order, None if row.sent is None else row.sent.kopecks)
        for row, verdict in zip(rows, verdicts, strict=True)
        if isinstance(verdict, Received) and (row.order or row.sent is not None)
    ]
    if sent:
        await db.execute(ADD_REMITTANCES, *zip(*sent, strict=True))


# Cases about payments that were put aside.
OPEN_CASES: Final = """
insert into staff_case (kind, facts, opened_at)
select 'payment_aside',
    jsonb_build_object('payment', payment::text, 'account', account, 'register', $4::text, 'line', line::text), $3
from unnest($1::bigint[], $2::text[], $5::integer[]) as aside (payment, account, line)
"""


async def _tell_staff(
    db: Connection, unmatched: Mapping[int, RegisterRow], profile: Profile, now: datetime
) -> None:
    if unmatched:
        rows = list(unmatched.values())
        accounts, lines = [row.account for row in rows], [row.line for row in rows]
        await db.execute(OPEN_CASES, list(unmatched), accounts, now, profile.name, lines)
