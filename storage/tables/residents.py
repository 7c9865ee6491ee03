"""Who talks to us: residents, chats, consents, links to accounts, tries, staff cases."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from storage.tables.metadata import METADATA

RESIDENT = Table(
    "resident",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("erased_at", DateTime(timezone=True)),
)

# The only place where a platform's chat address stands: encrypted, found by its keyed hash.
CHAT = Table(
    "chat",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("channel", Text, nullable=False),
    Column("address_hash", LargeBinary),
    Column("address", LargeBinary),
    Column("private", Boolean, nullable=False),
    Column("resident_id", ForeignKey("resident.id"), index=True),
    Column("language", Text, nullable=False, server_default="ru"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    # It blocked the bot; it asked to be left in peace.
    Column("unreachable_at", DateTime(timezone=True)),
    Column("muted_at", DateTime(timezone=True)),
    Column("erased_at", DateTime(timezone=True)),
    # Where the talk stands: the stage with its version, what was last offered, the last order handled.
    Column("stage", Text),
    Column("offered", Text),
    Column("last_order", BigInteger, nullable=False, server_default="-1"),
    Index("chat_address_key", "channel", "address_hash", unique=True),
)

# A chat's one-time code that joins another chat to its resident, by its hash; one a chat, gone once used.
INVITATION = Table(
    "invitation",
    METADATA,
    Column("chat_id", ForeignKey("chat.id"), primary_key=True),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

CONSENT = Table(
    "consent",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("resident_id", ForeignKey("resident.id"), nullable=False, index=True),
    Column("chat_id", ForeignKey("chat.id"), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("text_hash", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("withdrawn_at", DateTime(timezone=True)),
)

ACCOUNT_LINK = Table(
    "account_link",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("resident_id", ForeignKey("resident.id"), nullable=False, index=True),
    Column("account_id", ForeignKey("account.id"), nullable=False),
    Column("chat_id", ForeignKey("chat.id"), nullable=False, index=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("proof", Text, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    Column("frozen_at", DateTime(timezone=True)),
    # The hashes of the addresses that its resident had when it was frozen: the freeze holds for those chats,
    # whoever their resident is by then, until staff lift it.
    Column("frozen_hashes", ARRAY(LargeBinary), nullable=False, server_default="{}"),
    Column("unlinked_at", DateTime(timezone=True)),
    Index(
        "account_link_live_key",
        "resident_id",
        "account_id",
        unique=True,
        postgresql_where=text("unlinked_at is null"),
    ),
    Index("account_link_account_idx", "account_id", postgresql_where=text("unlinked_at is null")),
    Index("account_link_frozen_idx", "account_id", postgresql_where=text("frozen_at is not null")),
)

# A try to prove an account, by the keyed hash of the number that was typed, whether it exists or not.
LINK_TRY = Table(
    "link_try",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("chat_id", ForeignKey("chat.id")),
    # The hash of the chat's address: who erases a chat and comes back does not begin to count anew.
    Column("chat_hash", LargeBinary, nullable=False),
    Column("number_hash", LargeBinary, nullable=False),
    Column("proven", Boolean, nullable=False),
    Index("link_try_chat_idx", "chat_id", "at"),
    Index("link_try_chat_hash_idx", "chat_hash", "at"),
    Index("link_try_at_idx", "at"),
    Index("link_try_number_idx", "number_hash", "at"),
    Index("link_try_channel_idx", "channel", "at"),
)

# No tries before `until`: of a number (by its hash) or on a channel (by its name); the next hold of a channel
# is longer than `lasted_s`.
LINK_HOLD = Table(
    "link_hold",
    METADATA,
    Column("scope", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("lasted_s", BigInteger, nullable=False),
    CheckConstraint("scope in ('number', 'channel')", name="scope"),
)

# What needs a person. `state`: open, answered, closed.
STAFF_CASE = Table(
    "staff_case",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_id", ForeignKey("account.id")),
    Column("chat_id", ForeignKey("chat.id"), index=True),
    Column("facts", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("answer", Text),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("answered_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    CheckConstraint("state in ('open', 'answered', 'closed')", name="state"),
    Index("staff_case_open_idx", "id", postgresql_where=text("state = 'open'")),
)
