"""Replies that a page of the centre shows once, where a chat may not carry them."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, Table, text
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables.metadata import METADATA

# A reply behind a one-time link. `body` is sealed with the link's own token, of which only the hash is kept:
# who reads this table reads no reply. It is for the resident that the chat had, with the account links that
# were live then (`link_ids`).
SHOWN_PAGE = Table(
    "shown_page",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("chat_id", ForeignKey("chat.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("resident_id", ForeignKey("resident.id"), index=True),
    Column("link_ids", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("body", LargeBinary, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # Set by the one press that spends the link; the browser that pressed holds the cookie.
    Column("spent_at", DateTime(timezone=True)),
    Column("cookie_hash", LargeBinary),
    # How often a document of it was fetched since.
    Column("fetches", Integer, nullable=False, server_default="0"),
    Index("shown_page_expires_at_idx", "expires_at"),
)
