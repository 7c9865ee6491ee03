"""Messages that count as sent, until their platform says that they were not shown."""

from __future__ import annotations

from typing import Final

import msgspec

from storage.database import Connection


class Unshown(msgspec.Struct, frozen=True):
    """A message that its chat never saw."""

    id: int
    chat: int


# Has a message that was sent be dead. One that went out in several parts has the platform's number of each.
REFUSE: Final = """
update outbox set state = 'dead', reason = $4, sent_at = null
from chat
where chat.channel = $1 and chat.address_hash = $2 and outbox.chat_id = chat.id
  and outbox.state = 'sent' and $3 = any(string_to_array(outbox.platform_message, ' '))
returning outbox.id, outbox.chat_id
"""


async def refuse(
    db: Connection, channel: str, address_hash: bytes, *, message: str, why: str
) -> Unshown | None:
    """Turn the sent message that the platform calls *message* into a dead one; None if none of that chat is."""
    row = await db.fetchrow(REFUSE, channel, address_hash, message, why)
    return None if row is None else Unshown(*row)
