"""Finding postings by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storage.database import Connection

# The postings behind these keys, each with its hash.
RECORDED: Final = "select key, id, content_hash from posting where key = any($1::text[])"


async def recorded(db: Connection, keys: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """The number and the hash of each posting that is in the books, by key."""
    if not keys:
        return {}
    return {row["key"]: (row["id"], row["content_hash"]) for row in await db.fetch(RECORDED, keys)}
