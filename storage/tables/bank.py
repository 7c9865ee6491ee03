"""The centre's bank account: documents of its statements, and which payments' money has arrived there."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)

from storage.tables.metadata import METADATA

# A document of a statement, once however many files it comes in: `key` is core.bank_statements.BankDocument.key.
BANK_DOCUMENT: Final = Table(
    "bank_document",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("day", Date, nullable=False),
    Column("number", Text, nullable=False),
    Column("incoming", Boolean, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    # Of an agent's transfer or charge: on which way its money was.
    Column("way", Text),
    # The other side's taxpayer's number; and what the transfer says, as long as its payments are looked for.
    Column("inn", Text, nullable=False),
    Column("purpose", Text),
    # It is known which payments it has brought.
    Column("matched", Boolean, nullable=False),
    # What it moved, and what its agent was found to have kept of it.
    Column("posting_id", ForeignKey("posting.id"), unique=True),
    Column("kept_posting_id", ForeignKey("posting.id"), unique=True),
    CheckConstraint("kind in ('remittance', 'transfer', 'charge', 'outgoing', 'own')", name="kind"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("(kind in ('remittance', 'charge')) = (way is not null)", name="way"),
    Index(
        "bank_document_waiting_idx",
        "id",
        postgresql_where=text("kind = 'remittance' and not matched"),
    ),
)

# How the money of a payment is sent to us, as its register says: by which order, and how much of it.
REMITTANCE: Final = Table(
    "remittance",
    METADATA,
    Column("payment_id", ForeignKey("payment.id"), primary_key=True),
    Column("order_no", Text, nullable=False),
    Column("sent", BigInteger),
)

# A payment whose money is ours to split, from that business day on; without a document: it is not waited for.
CLEARANCE: Final = Table(
    "clearance",
    METADATA,
    Column("payment_id", ForeignKey("payment.id"), primary_key=True),
    Column("day", Date, nullable=False, index=True),
    Column("document_id", ForeignKey("bank_document.id"), index=True),
)

REFUSE_CLEARANCE: Final = """
create function refuse_clearance() returns trigger language plpgsql as $$
begin
    if exists (select from added where day <= (select max(day) from settlement)) then
        raise exception 'a settled day clears no more payments'
            using errcode = 'restrict_violation', constraint = 'clearance_of_a_settled_day';
    end if;
    return null;
end
$$
"""

AFTER_TABLES: Final[tuple[str, ...]] = (
    REFUSE_CLEARANCE,
    """
create trigger clearance_guarded after insert on clearance referencing new table as added
for each statement execute function refuse_clearance()
""",
)
