"""Where pollers stand: saved in the transaction of the updates before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage.database import Connection

SAVE: Final = """
insert into position (channel, position) select * from unnest($1::text[], $2::text[])
on conflict (channel) do update set position = excluded.position
"""


async def save(db: Connection, positions: Mapping[str, str]) -> None:
    """Save where the pollers of these channels stand."""
    await db.execute(SAVE, list(positions), list(positions.values()))


async def position_of(db: Connection, channel: str) -> str:
    """Where *channel*'s poller stands; '' before its first update."""
    return await db.fetchval("select position from position where channel = $1", channel) or ""
