"""Create every table of the first release."""

from alembic import op

from storage.migrating import declared

revision = "2026_11_24"
down_revision = None

# While nothing is installed anywhere these are whatever is declared; `python -m storage.migrations.freeze`
# writes them out here before the first release.
STATEMENTS = declared()


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
