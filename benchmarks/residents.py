"""What residents of a bench's town say by turns: a reading, that it is right, and what they owe; what must come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.asking import ASKING, SAID
from benchmarks.ground import FIRST_CHAT
from storage.database import Connection

YES: Final = "да"

# Each chat, from the first on, with a meter of its account that one number is read from.
RESIDENTS: Final = """
select row_number() over (order by account_link.chat_id) - 1 as place, account_link.account_id,
  account_link.chat_id, meter.serial, floor(meter.last)::bigint as last
from account_link
left join lateral (
  select meter.serial, max(reading.value) as last
  from meter join reading on reading.meter_id = meter.id
  where meter.account_id = account_link.account_id and meter.registers = 1 and not meter.smart
    and meter.closed_on is null and meter.commissioned_on is not null
    and reading.status in ('received', 'accepted', 'locked')
  group by meter.id order by meter.id limit 1
) meter on true
order by place
"""

# The readings that came by a chat, each with the place of the chat.
KEPT: Final = """
select place, reading.value::bigint as value
from reading join (
  select chat_id, row_number() over (order by chat_id) - 1 as place from account_link
) chats using (chat_id)
"""


@dataclass(frozen=True)
class Resident:
    """A resident of a chat, and the meter that readings of theirs are of, if there is one."""

    place: int
    account: int
    chat: int
    serial: str | None
    last: int | None

    def says(self, visit: int) -> str:
        """What the resident says at each *visit*: where each begins differs, so that all is said at any time."""
        if (value := self._value(visit)) is None:
            return SAID
        return (f"{self.serial} {value}", YES, SAID)[(visit + self.place) % 3]

    def kept(self, visit: int) -> int | None:
        """The reading that must be kept once *visit*, and all before it, was taken."""
        return self._value(visit) if visit > 0 and self.says(visit) == YES else None

    def update(self, visit: int, number: int) -> Mapping[str, Any]:
        """Telegram's update of this *number* with what the resident says."""
        update = ASKING["telegram"].update(str(FIRST_CHAT + self.place), number)
        return {**update, "message": {**update["message"], "text": self.says(visit)}}

    def _value(self, visit: int) -> int | None:
        return None if self.last is None else self.last + 1 + (visit + self.place % 3) // 3


async def residents_of(db: Connection) -> Sequence[Resident]:
    """All who are linked to an account."""
    return [Resident(*row) for row in await db.fetch(RESIDENTS)]


async def kept_readings(db: Connection) -> Sequence[tuple[int, int]]:
    """The place and the value of each reading that came by a chat."""
    return [(row["place"], row["value"]) for row in await db.fetch(KEPT)]
