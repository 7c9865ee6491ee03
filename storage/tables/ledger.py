"""To come."""

AFTER_TABLES: tuple[str, ...] = ()
APPEND_ONLY: tuple[str, ...] = ()
