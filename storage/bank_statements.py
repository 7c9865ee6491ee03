"""Taking in a bank's statement: every document once, however many files it comes in.

An agent's transfer is booked and its payments are looked for; a resident's own transfer is a payment that has
arrived, for the account that its purpose names or put aside. What we paid is noted and moves nothing: payouts
are booked as they are ordered, and the rest is no business of these books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from core.allocation import Rule
from core.bank_statement_reading import is_statement, read_statement
from core.bank_statements import (
    BY_TRANSFER,
    Bank,
    BankDocument,
    BankStatement,
    Charge,
    Outgoing,
    Own,
    Remittance,
    Sorted,
    Transfer,
    sort,
)
from core.booking import Payment
from core.money import NOTHING
from core.postings import Posting
from core.registers import UnreadableRegisterError
from core.wording import money
from storage.clearing import Cleared, add_clearances, clear_waiting, clearing_posting, waiting
from storage.database import Connection
from storage.exchange_protocol import BadRow, Complaints, Loaded
from storage.ledger import post
from storage.receiving import Received, receive_payments
from storage.registers import accounts_numbered

SOURCE: Final = "bank:statement"
HEAD_BYTES: Final = 64


class StatementFile(msgspec.Struct, frozen=True):
    """A file that a statement was looked for in: what it says, or what is wrong with it."""

    sha256: bytes
    size: int
    says: BankStatement | Complaints


def holds_statement(path: Path) -> bool:
    """Whether the file at *path* begins as a statement does, whatever its name."""
    with path.open("rb") as file:
        return is_statement(file.read(HEAD_BYTES))


def statement_in(path: Path, bank: Bank | None) -> StatementFile:
    """What the statement at *path* says of our account, or what is wrong with it."""
    content = path.read_bytes()
    return StatementFile(sha256(content).digest(), len(content), _says(path, content, bank))


def _says(path: Path, content: bytes, bank: Bank | None) -> BankStatement | Complaints:
    complaints = Complaints(path.name)
    if bank is None:
        complaints.add(0, "", "centre.requisites is not set: which account of the statement is ours?")
        return complaints
    try:
        return read_statement(content, account=bank.account)
    except UnreadableRegisterError as error:
        for mistake in error.mistakes:
            complaints.add(mistake.line, "", mistake.reason)
        return complaints


class _Line(msgspec.Struct, frozen=True):
    """A document that is new, under its key, and whose money it is about."""

    document: BankDocument
    key: str
    about: Sorted


# Which documents are known.
KNOWN: Final = "select key from bank_document where key = any($1::text[])"


async def take_statement(
    db: Connection,
    statement: BankStatement,
    bank: Bank,
    *,
    name: str,
    now: datetime,
    zone: tzinfo,
    rule: Rule,
) -> Loaded:
    """Book what is new in *statement*, the caller's transaction, and look for the payments of what waits."""
    keys = [document.key(bank.account) for document in statement.documents]
    known = {row["key"] for row in await db.fetch(KNOWN, keys)}
    new = [
        _Line(document, key, sort(document, bank))
        for document, key in zip(statement.documents, keys, strict=True)
        if key not in known
    ]
    aside = await _take_transfers(db, new, name=name, now=now, zone=zone, rule=rule)
    await _book(db, [line for line in new if not isinstance(line.about, Transfer)], now=now, zone=zone)
    cleared = await clear_waiting(db, bank, now=now, zone=zone)
    notes = [*aside, *cleared_notes(name, cleared), *await _unmatched_notes(db, name, new)]
    return Loaded(
        rows=len(statement.documents) + statement.others,
        added=len(new),
        aside=len(aside),
        notes=tuple(sorted(notes, key=lambda note: note.line)),
    )


# --- What residents send by themselves -------------------------------------------------------------

# Cases about transfers that were put aside; whoever looks into one sees what it says.
OPEN_CASES: Final = """
insert into staff_case (kind, facts, opened_at)
select 'payment_aside', jsonb_build_object(
           'payment', payment::text, 'account', account, 'bank_document', number, 'day', day::text, 'purpose', purpose
       ), $6
from unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::text[])
    as aside (payment, account, number, day, purpose)
"""


async def _take_transfers(
    db: Connection, new: Sequence[_Line], *, name: str, now: datetime, zone: tzinfo, rule: Rule
) -> list[BadRow]:
    """Book residents' own transfers: paid and arrived at once; notes on those that were put aside."""
    lines = [(line, line.about.number) for line in new if isinstance(line.about, Transfer)]
    if not lines:
        return []
    accounts = await accounts_numbered(db, {number for _, number in lines if number})
    payments = [_payment(line, accounts.get(number), zone) for line, number in lines]
    verdicts = await receive_payments(db, payments, now=now, zone=zone, rule=rule)
    numbers = [verdict.payment for verdict in verdicts if isinstance(verdict, Received)]
    documents = await _book(db, [line for line, _ in lines], now=now, zone=zone)
    await add_clearances(
        db,
        (
            (payment, min(line.document.day, now.astimezone(zone).date()), document)
            for payment, (line, _), document in zip(numbers, lines, documents, strict=True)
        ),
    )
    unmatched = [
        (payment, number, line.document)
        for payment, (line, number) in zip(numbers, lines, strict=True)
        if number not in accounts
    ]
    if unmatched:
        told = [(one, no, doc.number, doc.day, doc.purpose) for one, no, doc in unmatched]
        await db.execute(OPEN_CASES, *zip(*told, strict=True), now)
    return [_aside(name, *each) for each in unmatched]


def _payment(line: _Line, account: int | None, zone: tzinfo) -> Payment:
    """What a transfer says of its payer stays out of the books, which are never changed."""
    document = line.document
    return Payment(
        source=SOURCE,
        external_id=line.key,
        way=BY_TRANSFER,
        account=account,
        amount=document.amount,
        paid_at=datetime.combine(document.day, time(12), zone),
    )


def _aside(name: str, payment: int, number: str, document: BankDocument) -> BadRow:
    whose = f"account {number} is not known" if number else "it names no account"
    reason = (
        f"{money(document.amount)} by document {document.number}: {whose}; put aside as payment {payment}"
    )
    return BadRow(name, document.line, "", reason)


# --- Documents and what they move ----------------------------------------------------------------


# Keep documents; their numbers come in the order of their keys' places.
ADD_DOCUMENTS: Final = """
with added as (
    insert into bank_document (key, day, number, incoming, amount, kind, way, inn, purpose, matched, posting_id)
    select key, day, number, incoming, amount, kind, way, inn, purpose, kind <> 'remittance', posting_id
    from unnest(
        $1::text[], $2::date[], $3::text[], $4::boolean[], $5::bigint[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::bigint[]
    ) with ordinality as new (
        key, day, number, incoming, amount, kind, way, inn, purpose, posting_id, place
    )
    order by place
    returning id, key
)
select id from added order by array_position($1::text[], key)
"""


async def _book(db: Connection, lines: Sequence[_Line], *, now: datetime, zone: tzinfo) -> list[int]:
    """Keep the documents of *lines* with what they move; their numbers, in order."""
    rows = []
    for line in lines:
        document, (kind, way) = line.document, _kind(line.about)
        posting = _posting(line, zone)
        moved = None
        if posting is not None:
            [verdict] = await post(db, [posting], now=now, zone=zone, day=document.day)
            moved = verdict.posting
        # Only what has to be looked into is kept of what a transfer says.
        purpose = document.purpose if kind == "remittance" else None
        head = (line.key, document.day, document.number, document.incoming, document.amount.kopecks)
        rows.append((*head, kind, way, document.inn, purpose, moved))
    if not rows:
        return []
    return [row["id"] for row in await db.fetch(ADD_DOCUMENTS, *zip(*rows, strict=True))]


def _kind(about: Sorted) -> tuple[str, str | None]:
    match about:
        case Remittance(agent):
            return "remittance", agent.way
        case Charge(agent):
            return "charge", agent.way
        case Transfer():
            return "transfer", None
        case Outgoing():
            return "outgoing", None
        case Own():
            return "own", None


def _posting(line: _Line, zone: tzinfo) -> Posting | None:
    amount = line.document.amount
    match line.about:
        case Remittance(agent):
            way, arrived, kept = agent.way, amount, NOTHING
        case Transfer():
            way, arrived, kept = BY_TRANSFER, amount, NOTHING
        case Charge(agent):
            way, arrived, kept = agent.way, -amount, amount
        case Outgoing() | Own():
            return None
    return clearing_posting(way, arrived=arrived, kept=kept, key=line.key, day=line.document.day, zone=zone)


# --- What a clerk should know ----------------------------------------------------------------------


def cleared_notes(name: str, cleared: Sequence[Cleared]) -> list[BadRow]:
    """What was found of transfers, each a line."""
    return [BadRow(name, 0, "", cleared_words(one)) for one in cleared]


def cleared_words(cleared: Cleared) -> str:
    """Which payments a transfer brought, and what was kept of them."""
    arrived = cleared.arrived
    names = ", ".join(batch.name for batch in cleared.batches)
    kept = f", {money(cleared.kept)} kept" if cleared.kept > NOTHING else ""
    return (
        f"{money(arrived.amount)} by document {arrived.number} of {arrived.day}: {arrived.way} {names}{kept}"
    )


async def _unmatched_notes(db: Connection, name: str, new: Sequence[_Line]) -> list[BadRow]:
    lines: Mapping[str, int] = {line.key: line.document.line for line in new}
    return [
        BadRow(name, lines[one.key], "", f"{money(one.amount)} on {one.way}: its payments are not here yet")
        for one in await waiting(db)
        if one.key in lines
    ]
