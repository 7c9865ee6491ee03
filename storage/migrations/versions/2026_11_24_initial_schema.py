"""Create every table of the first release."""

from alembic import op

from storage.tables import AFTER_TABLES, METADATA

revision = "2026_11_24"
down_revision = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), checkfirst=False)
    for statement in AFTER_TABLES:
        op.get_bind().exec_driver_sql(statement)
