"""The lane of one chat, leased for the answer to its own request: channels that can be told nothing else."""

from __future__ import annotations

from typing import Final

from storage.database import Connection
from storage.lanes import HEADS, LEASE_S, RELEASE, Leased, leased_from

# Leases the lane of one chat, due or not, unless another holds it.
LEASE_CHAT: Final = """
update lane set epoch = epoch + 1, leased_until = clock_timestamp() + make_interval(secs => $3)
from chat
where chat.channel = $1 and chat.address_hash = $2 and lane.chat_id = chat.id and lane.due_at is not null
  and (lane.leased_until is null or lane.leased_until <= clock_timestamp())
returning lane.chat_id, lane.epoch
"""


async def lease_chat(
    db: Connection, channel: str, address_hash: bytes, *, most: int, for_s: float = LEASE_S
) -> list[Leased]:
    """Lease one chat's lane and take up to *most* of what waits in it, in order, due or not.

    For a channel that is spoken to in answers alone: nobody else takes its lanes.
    """
    async with db.transaction():
        lanes = await db.fetch(LEASE_CHAT, channel, address_hash, for_s)
        if not lanes:
            return []
        numbers, epochs = [row["chat_id"] for row in lanes], [row["epoch"] for row in lanes]
        heads = [leased_from(row) for row in await db.fetch(HEADS, numbers, epochs, most)]
        if not heads:
            await db.execute(RELEASE, numbers, epochs)
        return sorted(heads, key=lambda head: head.id)
