"""Files that a platform fetches from us: bytes by their content, and addresses that expire."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, text

from storage.tables.metadata import METADATA

# A file's bytes, once however many addresses lead to them. `kept_at` is the database's own time.
STORED_FILE = Table(
    "stored_file",
    METADATA,
    Column("sha256", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
)

# An address that was given out to a chat's messenger; only the hash of its token is kept.
FILE_ADDRESS = Table(
    "file_address",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("sha256", ForeignKey("stored_file.sha256"), nullable=False, index=True),
    Column("chat_id", ForeignKey("chat.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("file_address_expires_at_idx", "expires_at"),
)
