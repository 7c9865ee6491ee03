"""What the billing system tells us: houses, accounts, services, providers, tariffs, meters, readings, bills."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables.metadata import METADATA

HOUSE = Table(
    "house",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("fias_guid", Text),
    Column("city", Text, nullable=False),
    Column("street", Text, nullable=False),
    Column("house", Text, nullable=False),
    Column("block", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default="apartment_house"),
    Column("area_total", Numeric(14, 2)),
    Column("area_common", Numeric(14, 2)),
)

PREMISES = Table(
    "premises",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("house_id", ForeignKey("house.id"), nullable=False, index=True),
    Column("flat", Text, nullable=False, server_default=""),
    Column("room", Text, nullable=False, server_default=""),
    Column("area_total", Numeric(10, 2)),
    Column("area_living", Numeric(10, 2)),
    Column("area_heated", Numeric(10, 2)),
    Column("registered_count", Integer),
    Column("resident_count", Integer),
    Column("closed_on", Date),
)

# A billing account of one premises. `number` is text: leading zeros matter.
ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("payment_code", Text),
    Column("gis_account_id", Text),
    Column("premises_id", ForeignKey("premises.id"), nullable=False, index=True),
    Column("share_percent", Numeric(7, 4)),
    Column("payer_kind", Text, nullable=False, server_default="person"),
    Column("payer_name_masked", Text, nullable=False, server_default=""),
    Column("payer_name_hash", LargeBinary),
    Column("management_inn", Text),
    Column("opened_on", Date),
    Column("closed_on", Date),
    # HMAC-SHA256 of the code on the paper bill, with the key shared with billing.
    Column("link_secret_hash", LargeBinary),
    Column("phone_hashes", ARRAY(LargeBinary), nullable=False, server_default=text("'{}'")),
    Column("status", Text, nullable=False, server_default="open"),
    # Billing's balance and ours disagree: the resident sees the bill's total less later payments.
    Column("differs", Boolean, nullable=False, server_default=text("false")),
    Index("account_phone_hashes_idx", "phone_hashes", postgresql_using="gin"),
)

SERVICE = Table(
    "service",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("optional", Boolean, nullable=False, server_default=text("false")),
    Column("sort", Integer, nullable=False),
)

PROVIDER = Table(
    "provider",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("inn", Text, nullable=False),
    Column("kpp", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bank_account", Text, nullable=False),
    Column("bik", Text, nullable=False),
    Column("corr_account", Text, nullable=False),
    Column("bank_name", Text, nullable=False, server_default=""),
    Column("contract_no", Text, nullable=False),
    Column("fee_percent", Numeric(7, 4), nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

# The centre's fee by contract, from a day on; `provider` holds the newest.
PROVIDER_FEE = Table(
    "provider_fee",
    METADATA,
    Column("provider_id", ForeignKey("provider.id"), primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("fee_percent", Numeric(7, 4), nullable=False),
)

# Price of a unit, effective-dated. `register_no` 0: of meters with one register, and of what has no meter;
# 1 to 3: of that register of meters with several.
TARIFF = Table(
    "tariff",
    METADATA,
    Column("service_code", ForeignKey("service.code"), primary_key=True),
    Column("provider_id", ForeignKey("provider.id"), primary_key=True),
    Column("register_no", Integer, primary_key=True, server_default="0"),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),
    Column("rate", Numeric(14, 6), nullable=False),
)

METER = Table(
    "meter",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("service_code", ForeignKey("service.code"), nullable=False),
    Column("serial", Text, nullable=False),
    Column("brand", Text, nullable=False, server_default=""),
    Column("model", Text, nullable=False, server_default=""),
    Column("place", Text, nullable=False, server_default=""),
    Column("registers", Integer, nullable=False, server_default="1"),
    Column("register_labels", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("integer_digits", Integer, nullable=False),
    Column("fraction_digits", Integer, nullable=False),
    Column("accepts_fraction", Boolean, nullable=False, server_default=text("false")),
    Column("ratio", Numeric(10, 3), nullable=False, server_default="1"),
    Column("installed_on", Date),
    Column("commissioned_on", Date),
    Column("verified_on", Date),
    Column("verification_due_on", Date),
    Column("seal_no", Text, nullable=False, server_default=""),
    Column("smart", Boolean, nullable=False, server_default=text("false")),
    Column("closed_on", Date),
    Column("window_open", Integer, nullable=False, server_default="15"),
    Column("window_close", Integer, nullable=False, server_default="25"),
    CheckConstraint("registers between 1 and 3", name="registers"),
)

# Every value ever handed in. A correction is a new row that names the one it replaces.
READING = Table(
    "reading",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("meter_id", ForeignKey("meter.id"), nullable=False),
    Column("register_no", Integer, nullable=False),
    Column("value", Numeric(22, 7), nullable=False),
    Column("previous_value", Numeric(22, 7)),
    Column("taken_on", Date, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False, server_default="current"),
    # 'bot.telegram' ... 'inspector', 'cashier', 'bank_register', 'import'
    Column("source", Text, nullable=False),
    Column("source_ref", Text, nullable=False, unique=True),
    # What a submission stored together: its number is what the resident is told.
    Column("submission_no", BigInteger),
    Column("chat_id", BigInteger),
    Column("resident_id", BigInteger),
    # received, accepted, locked, superseded, rejected, needs_confirmation, disputed
    Column("status", Text, nullable=False),
    Column("counted_period", Date, nullable=False),
    Column("supersedes_id", ForeignKey("reading.id")),
    Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("reject_reason", Text),
    Column("billing_ref", Text),
    CheckConstraint("value >= 0", name="value"),
    Index("reading_meter_idx", "meter_id", "register_no", "counted_period", "id"),
    Index("reading_received_idx", "received_at"),
)

# The monthly bill of an account, as billing issued it. Kopecks; positive: the resident owes.
BILL = Table(
    "bill",
    METADATA,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("period", Date, primary_key=True),
    Column("opening", BigInteger, nullable=False),
    Column("payments_counted", BigInteger, nullable=False),
    Column("counted_until", Date, nullable=False),
    Column("charged", BigInteger, nullable=False),
    Column("recalculation", BigInteger, nullable=False),
    Column("benefit", BigInteger, nullable=False),
    Column("penalty", BigInteger, nullable=False),
    Column("total_due", BigInteger, nullable=False),
    Column("gis_document_id", Text, nullable=False, server_default=""),
    Column("pdf_ref", Text, nullable=False, server_default=""),
    Column("posting_id", BigInteger),
)

# A line of a bill: one service of one provider. Both are looked up for all rows of a statement at once, and are
# held as foreign keys would hold them, row by row, at three times the cost of a line: see REFUSE_CHARGES.
CHARGE = Table(
    "charge",
    METADATA,
    Column("account_id", BigInteger, primary_key=True),
    Column("period", Date, primary_key=True),
    Column("service_code", Text, primary_key=True),
    Column("provider_id", Text, primary_key=True),
    Column("tariff", Numeric(14, 6), nullable=False),
    Column("volume_individual", Numeric(14, 6), nullable=False),
    Column("volume_common", Numeric(14, 6), nullable=False),
    # M by meter, N by norm, O other, A by average
    Column("method", Text, nullable=False),
    Column("charged_individual", BigInteger, nullable=False),
    Column("charged_common", BigInteger, nullable=False),
    Column("multiplier", Numeric(7, 3), nullable=False, server_default="1"),
    Column("multiplier_sum", BigInteger, nullable=False, server_default="0"),
    Column("recalculation", BigInteger, nullable=False),
    Column("recalculation_reason", Text, nullable=False, server_default=""),
    Column("benefit", BigInteger, nullable=False),
    Column("payable", BigInteger, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("penalty", BigInteger, nullable=False),
)

# A file that was imported, by the hash of its bytes: the same file again is no work.
IMPORTED_FILE = Table(
    "imported_file",
    METADATA,
    Column("sha256", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("imported_at", DateTime(timezone=True), nullable=False),
)

REFUSE_CHARGES: Final = """
create function refuse_charges() returns trigger language plpgsql as $$
begin
    perform from service where code in (select service_code from added) for key share;
    perform from provider where id in (select provider_id from added) for key share;
    if exists (
        select from (select distinct service_code from added) a
        where not exists (select from service s where s.code = a.service_code)
    ) or exists (
        select from (select distinct provider_id from added) a
        where not exists (select from provider p where p.id = a.provider_id)
    ) then
        raise exception 'a charge is for a service of a provider'
            using errcode = 'foreign_key_violation', constraint = 'charge_of_nothing';
    end if;
    return null;
end
$$
"""


def _refuse_removal(table: str, key: str, charged_by: str, words: str) -> str:
    """The function that keeps rows of *table* which charges name, by their column *charged_by*."""
    return f"""
create function refuse_{table}s() returns trigger language plpgsql as $$
begin
    if exists (
        select from was
        where not exists (select from {table} {table[0]} where {table[0]}.{key} = was.{key})
            and exists (select from charge c where c.{charged_by} = was.{key})
    ) then
        raise exception '{words}'
            using errcode = 'foreign_key_violation', constraint = 'charge_of_nothing';
    end if;
    return null;
end
$$
"""  # noqa: S608  # the names are ours


REFUSE_SERVICES: Final = _refuse_removal(
    "service", "code", "service_code", "a service that was charged stays"
)
REFUSE_PROVIDERS: Final = _refuse_removal("provider", "id", "provider_id", "a provider that charged stays")


def _guarded(table: str, event: str, rows: str, function: str) -> str:
    return f"""
create trigger {table}_{event}_guarded after {event} on {table} referencing {rows}
for each statement execute function {function}()
"""


AFTER_TABLES: Final[tuple[str, ...]] = (
    REFUSE_CHARGES,
    REFUSE_SERVICES,
    REFUSE_PROVIDERS,
    _guarded("charge", "insert", "new table as added", "refuse_charges"),
    _guarded("charge", "update", "new table as added", "refuse_charges"),
    _guarded("service", "delete", "old table as was", "refuse_services"),
    _guarded("service", "update", "old table as was", "refuse_services"),
    _guarded("provider", "delete", "old table as was", "refuse_providers"),
    _guarded("provider", "update", "old table as was", "refuse_providers"),
)
