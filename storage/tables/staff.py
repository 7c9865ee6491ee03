"""What members of staff did and looked at."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Table, Text, text

from storage.tables.metadata import METADATA

# One row a deed; `who` is the name that the member of staff has on the centre's machine.
STAFF_ACTION = Table(
    "staff_action",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("account_id", ForeignKey("account.id")),
    Column("link_id", ForeignKey("account_link.id")),
    Column("case_id", ForeignKey("staff_case.id")),
    Column("why", Text, nullable=False, server_default=""),
    Index("staff_action_account_idx", "account_id", "id"),
    Index("staff_action_case_idx", "case_id", "id", postgresql_where=text("case_id is not null")),
)

# The app's role adds to it only; rows of more than three years are for the schema's owner to remove.
ADDED_TO: Final[tuple[str, ...]] = ("staff_action",)
