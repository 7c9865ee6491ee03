"""Ways to pay: the centre's own short links, and each go at paying one through an acquirer."""

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
    Table,
    Text,
    text,
)

from storage.tables.metadata import METADATA

# The centre's own short link to pay by; only the hash of its token is kept.
PAY_LINK = Table(
    "pay_link",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("source_ref", Text, nullable=False, unique=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("chat_id", ForeignKey("chat.id"), index=True),
    Column("amount", BigInteger, nullable=False),
    # Made for all that was due, and so outlived as soon as less is due; else a sum of the resident's choice.
    Column("whole", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("amount > 0", name="amount"),
)

# One go at paying a link: a state machine with `unknown` as a state of its own.
PAYMENT_ATTEMPT = Table(
    "payment_attempt",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("pay_link_id", ForeignKey("pay_link.id"), nullable=False, index=True),
    Column("acquirer", Text, nullable=False),
    # Under this key the acquirer's payment is created and found again: 32 random hex digits, committed before
    # the acquirer is asked, so that a repeat is one and a database restored from a copy reuses none.
    Column("idempotence_key", Text, nullable=False, unique=True),
    Column("operation_id", Text),
    Column("url", Text),
    Column("amount", BigInteger, nullable=False),
    # What the acquirer was told to show; a repeat must say the same to the byte.
    Column("description", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    # When it was last asked about of ourselves, whatever came of that: its place in the line.
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("payment_id", BigInteger, index=True),
    # What the payment is for and what its receipt prints (core.acquiring.Details), as it was at the beginning.
    Column("details", Text, nullable=False, server_default="{}"),
    # Where the receipt is sent, sealed; only while the acquirer may have to be asked again to create the payment.
    Column("contact", LargeBinary),
    # When the money arrived: said once, so that a repeated notice says the same.
    Column("paid_at", DateTime(timezone=True)),
    Column("refunded", BigInteger, nullable=False, server_default="0"),
    # The refunds of parts with a receipt that were asked for (core.refund_receipts.RefundAsked).
    Column("refunds", Text, nullable=False, server_default="[]"),
    # What the acquirer said contradicts us: a person looks, nothing more is posted by itself.
    Column("case_id", ForeignKey("staff_case.id")),
    CheckConstraint(
        "state in ('created', 'pending', 'unknown', 'paid', 'canceled', 'expired', 'refunded_in_part', 'refunded')",
        name="state",
    ),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("refunded between 0 and amount", name="refunded"),
    Index("payment_attempt_operation_key", "acquirer", "operation_id", unique=True),
    Index(
        "payment_attempt_open_idx",
        "acquirer",
        "asked_at",
        postgresql_where=text("state in ('created', 'pending', 'unknown') and case_id is null"),
    ),
    Index("payment_attempt_created_idx", "created_at"),
)

# Each day compared with an acquirer by itself: begun by one process, over once there are `differences` or none.
RECONCILIATION = Table(
    "reconciliation",
    METADATA,
    Column("acquirer", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("differences", Integer),
)

# Where a resident wants fiscal receipts to be sent: kept by a consent of its own, sealed, gone with the resident.
RECEIPT_CONTACT = Table(
    "receipt_contact",
    METADATA,
    Column("resident_id", ForeignKey("resident.id"), primary_key=True),
    Column("contact", LargeBinary, nullable=False),
    Column("consented_at", DateTime(timezone=True), nullable=False),
)
