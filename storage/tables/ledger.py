"""The books: ledger accounts, postings and their transfers, what is owed and what is left, payments, seals."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

from storage.tables.metadata import METADATA


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's 64-bit number of a transaction, which never comes again."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "xid8"


# A ledger account by its kind and by whom it is kept for; `key` is core.postings.LedgerAccount.key.
LEDGER_ACCOUNT: Final = Table(
    "ledger_account",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_id", ForeignKey("account.id")),
    Column("service_code", Text),
    Column("provider_id", Text),
    Column("way", Text),
    Column(
        "key",
        Text,
        Computed(
            "kind || coalesce(':' || account_id::text, '') || coalesce(':' || service_code, '')"
            " || coalesce(':' || provider_id, '') || coalesce(':' || way, '')",
            persisted=True,
        ),
        nullable=False,
        unique=True,
    ),
    # A service code ends where the provider begins: no two ledger accounts may spell one key.
    CheckConstraint("service_code not like '%:%'", name="service_code"),
)

# One event of the business. `xid` is the transaction that wrote it: no other may add transfers to it.
POSTING: Final = Table(
    "posting",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("content_hash", LargeBinary, nullable=False),
    Column("transfers", Integer, nullable=False),
    Column("happened_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("business_day", Date, nullable=False),
    Column("source", Text, nullable=False),
    Column("account_id", ForeignKey("account.id")),
    # The posting whose money this one spreads or gives back.
    Column("origin_id", ForeignKey("posting.id"), index=True),
    Column("reverses_id", ForeignKey("posting.id"), unique=True),
    Column("xid", TransactionId, nullable=False, server_default=text("pg_current_xact_id()")),
    Index("posting_account_idx", "account_id", "id"),
    Index("posting_business_day_idx", "business_day", "id"),
)

# Kopecks out of one ledger account into another. `line_check` tells which transfer was changed. What it refers
# to is never removed, and is looked up for all rows of a statement at once: see REFUSE_TRANSFERS.
TRANSFER: Final = Table(
    "transfer",
    METADATA,
    Column("posting_id", BigInteger, primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("from_id", BigInteger, nullable=False),
    Column("to_id", BigInteger, nullable=False),
    Column("kopecks", BigInteger, nullable=False),
    Column("period", Date),
    Column("service_code", Text),
    Column("line_check", LargeBinary, nullable=False),
    CheckConstraint("kopecks > 0", name="kopecks"),
    CheckConstraint("from_id <> to_id", name="to_itself"),
)

# What a ledger account of a resident owes for a month; kept in the transaction of its transfers.
LAYER: Final = Table(
    "layer",
    METADATA,
    Column("ledger_account_id", BigInteger, primary_key=True),
    Column("period", Date, primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    # What the ledger account is kept for, said again: a balance is told without twenty looks at as many of them.
    Column("service_code", Text, nullable=False),
    Column("penalty", Boolean, nullable=False),
    Column("kopecks", BigInteger, nullable=False),
)
Index("layer_open_idx", LAYER.c.account_id, postgresql_where=LAYER.c.kopecks != 0)

# Money of an account that is not spread yet, by the posting that brought it in.
ADVANCE: Final = Table(
    "advance",
    METADATA,
    Column("origin_id", ForeignKey("posting.id"), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    Column("kopecks", BigInteger, nullable=False),
    CheckConstraint("kopecks >= 0", name="kopecks"),
)
Index("advance_open_idx", ADVANCE.c.account_id, postgresql_where=ADVANCE.c.kopecks != 0)

# All that an account owes and all that is left on it: one row to read, and the row that is locked.
BALANCE: Final = Table(
    "balance",
    METADATA,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("owed", BigInteger, nullable=False, server_default="0"),
    Column("advance", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("advance >= 0", name="advance"),
)

# What a ledger account that everybody moves (a provider's, an acquirer's) held when a day was sealed.
CHECKPOINT: Final = Table(
    "checkpoint",
    METADATA,
    Column("ledger_account_id", ForeignKey("ledger_account.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kopecks", BigInteger, nullable=False),
)

# A day that is closed: the hash of its postings and of the seal before.
SEAL: Final = Table(
    "seal",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("postings", Integer, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
)

# Each proof of the books: when, how long it took, how much it found.
PROOF: Final = Table(
    "proof",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("took_s", Float, nullable=False),
    Column("faults", Integer, nullable=False),
)

# Money received (or, below zero, given back). Only the account may be filled in later, once.
PAYMENT: Final = Table(
    "payment",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("posting_id", ForeignKey("posting.id"), nullable=False, unique=True),
    Column("source_name", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("account_id", ForeignKey("account.id")),
    Column("amount", BigInteger, nullable=False),
    Column("paid_at", DateTime(timezone=True), nullable=False),
    # The day of `paid_at` where the centre is: billing counts payments by days.
    Column("paid_on", Date, nullable=False),
    Column("purpose", Text, nullable=False, server_default=""),
    # The services that the payer named, as core.allocation.Named.
    Column("named", JSONB, nullable=False, server_default=text("'[]'")),
    Column("reverses_payment_id", ForeignKey("payment.id"), index=True),
    UniqueConstraint("source_name", "external_id"),
    CheckConstraint(
        "case when reverses_payment_id is null then amount > 0 else amount < 0 end", name="amount"
    ),
    Index("payment_account_idx", "account_id", "paid_on"),
)

# What a service got of a payment (below zero: what was taken back); `no` is the transfer's.
# Without a payment: what was an advance before the books began, or a credit.
ALLOCATION: Final = Table(
    "allocation",
    METADATA,
    Column("posting_id", BigInteger, primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("payment_id", ForeignKey("payment.id"), index=True),
    Column("account_id", BigInteger, nullable=False, index=True),
    Column("period", Date, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("penalty", Boolean, nullable=False),
    Column("kopecks", BigInteger, nullable=False),
    Column("algorithm_version", SmallInteger, nullable=False),
    CheckConstraint("kopecks <> 0", name="kopecks"),
)

# What a provider was paid for a day, with everything that its register says: written once.
SETTLEMENT: Final = Table(
    "settlement",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("provider_id", ForeignKey("provider.id"), primary_key=True),
    Column("register_no", Integer, nullable=False, unique=True),
    # The first day of which it has the postings; *day* is the last one.
    Column("since", Date, nullable=False),
    Column("fee_percent", Numeric(7, 4), nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("corrections", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("carried", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("pay_on", Date, nullable=False),
    # Both as they were on that day: core.settlement.Payee, core.requisites.Requisites.
    Column("payee", JSONB, nullable=False),
    Column("payer", JSONB, nullable=False),
    Column("fee_posting_id", ForeignKey("posting.id"), unique=True),
    Column("payout_posting_id", ForeignKey("posting.id"), unique=True),
    CheckConstraint("gross >= 0 and corrections <= 0 and carried <= 0", name="signs"),
)

# An account as the registers print it, from the settlement of that day on: a row for each change.
SETTLED_ACCOUNT: Final = Table(
    "settled_account",
    METADATA,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("since", Date, primary_key=True),
    Column("number", Text, nullable=False),
    Column("address", Text, nullable=False),
)

APPEND_ONLY: Final[tuple[str, ...]] = (
    "settlement",
    "settled_account",
    "ledger_account",
    "posting",
    "transfer",
    "allocation",
    "clearance",
    "checkpoint",
    "seal",
    "proof",
)

REFUSE_CHANGE: Final = """
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is never changed: what was wrong is answered by another posting', tg_table_name
        using errcode = 'restrict_violation', constraint = 'append_only', table = tg_table_name;
end
$$
"""

# Two transactions may post at once; sealing waits for them and they for it.
REFUSE_POSTINGS: Final = """
create function refuse_postings() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared('seal'::regclass::oid::bigint);
    if exists (select from added where xid <> pg_current_xact_id()) then
        raise exception 'a posting belongs to the transaction that writes it'
            using errcode = 'restrict_violation', constraint = 'posting_of_another_transaction';
    end if;
    if exists (select from added where business_day <= (select max(day) from seal)) then
        raise exception 'a sealed day takes no more postings'
            using errcode = 'restrict_violation', constraint = 'posting_of_a_sealed_day';
    end if;
    return null;
end
$$
"""

REFUSE_TRANSFERS: Final = """
create function refuse_transfers() returns trigger language plpgsql as $$
begin
    if exists (
        select from (select distinct posting_id from added) a
        left join posting p on p.id = a.posting_id
        where p.xid is distinct from pg_current_xact_id()
    ) then
        raise exception 'a transfer belongs to the transaction of its posting'
            using errcode = 'restrict_violation', constraint = 'transfer_of_another_transaction';
    end if;
    if exists (
        select from (select from_id as id from added union select to_id from added) a
        where not exists (select from ledger_account l where l.id = a.id)
    ) then
        raise exception 'a transfer is between ledger accounts'
            using errcode = 'restrict_violation', constraint = 'transfer_of_no_ledger_account';
    end if;
    return null;
end
$$
"""

REFUSE_SEALS: Final = """
create function refuse_seals() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock('seal'::regclass::oid::bigint);
    if exists (
        select from added a
        where a.day <= (select max(s.day) from seal s where not exists (select from added b where b.day = s.day))
    ) then
        raise exception 'days are sealed in their order'
            using errcode = 'restrict_violation', constraint = 'seal_out_of_order';
    end if;
    return null;
end
$$
"""

REFUSE_PAYMENT_CHANGE: Final = """
create function refuse_payment_change() returns trigger language plpgsql as $$
begin
    if exists (
        select from was join became using (id)
        where was.account_id is not null or to_jsonb(was) - 'account_id' <> to_jsonb(became) - 'account_id'
    ) or (select count(*) from was join became using (id)) <> (select count(*) from was) then
        raise exception 'a payment is never changed; only its account may be filled in, once'
            using errcode = 'restrict_violation', constraint = 'append_only', table = tg_table_name;
    end if;
    return null;
end
$$
"""


def _never_changed(table: str) -> str:
    return f"""
create trigger {table}_never_changed before update or delete or truncate on {table}
for each statement execute function refuse_change()
"""


def _guarded(table: str, function: str) -> str:
    return f"""
create trigger {table}_guarded after insert on {table} referencing new table as added
for each statement execute function {function}()
"""


AFTER_TABLES: Final[tuple[str, ...]] = (
    REFUSE_CHANGE,
    REFUSE_POSTINGS,
    REFUSE_TRANSFERS,
    REFUSE_SEALS,
    REFUSE_PAYMENT_CHANGE,
    *map(_never_changed, APPEND_ONLY),
    _guarded("posting", "refuse_postings"),
    _guarded("transfer", "refuse_transfers"),
    _guarded("seal", "refuse_seals"),
    """
create trigger payment_never_removed before delete or truncate on payment
for each statement execute function refuse_change()
""",
    """
create trigger payment_never_changed after update on payment referencing old table as was new table as became
for each statement execute function refuse_payment_change()
""",
)
