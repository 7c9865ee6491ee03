"""Every table and named constraint, as SQLAlchemy declares it: one file a subject."""

from typing import Final

from storage.tables import bank, engine, files, ledger, payments, residents, showing, staff, town
from storage.tables.metadata import METADATA

# Raw DDL that belongs to the tables: functions, triggers, partitions; run in this order after they are created.
AFTER_TABLES: Final[tuple[str, ...]] = (
    *engine.AFTER_TABLES,
    *town.AFTER_TABLES,
    *ledger.AFTER_TABLES,
    *bank.AFTER_TABLES,
)

# Tables whose rows the app's role may add and never change or remove.
APPEND_ONLY: Final[tuple[str, ...]] = ledger.APPEND_ONLY

# Tables that the app's role only adds to, and whose owner may remove what is old.
ADDED_TO: Final[tuple[str, ...]] = staff.ADDED_TO

__all__ = [
    "ADDED_TO",
    "AFTER_TABLES",
    "APPEND_ONLY",
    "METADATA",
    "files",
    "payments",
    "residents",
    "showing",
    "staff",
    "town",
]
