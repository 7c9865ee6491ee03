"""Every table and named constraint, as SQLAlchemy declares it: one file a subject."""

from typing import Final

from storage.tables import engine, files, ledger, payments, residents, showing, town
from storage.tables.metadata import METADATA

# Raw DDL that belongs to the tables: functions, triggers, partitions; run in this order after they are created.
AFTER_TABLES: Final[tuple[str, ...]] = (*engine.AFTER_TABLES, *ledger.AFTER_TABLES)

# Tables whose rows the app's role may add and never change or remove.
APPEND_ONLY: Final[tuple[str, ...]] = ledger.APPEND_ONLY

__all__ = ["AFTER_TABLES", "APPEND_ONLY", "METADATA", "files", "payments", "residents", "showing", "town"]
