"""The senders of this process, as the engine sees them: what they have room for, and what they are to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bots.delivery import Delivery
from storage.lanes import Leased


class Senders:
    """The senders of this process by their channels; those of others find what is due by themselves."""

    def __init__(self, deliveries: Mapping[str, Delivery]) -> None:
        self._deliveries = deliveries

    def rooms(self) -> dict[str, int]:
        """How many messages each channel's sender could begin to send now."""
        return {name: delivery.room_at_once for name, delivery in self._deliveries.items()}

    def committed(self, due: Mapping[str, set[int]], leased: Sequence[Leased]) -> None:
        """Send what was *leased*, and what is *due* to other chats, by channel, as soon as it can be leased."""
        at_once = {head.chat: head for head in leased}
        for name, chats in due.items():
            if (delivery := self._deliveries.get(name)) is None:
                continue
            delivery.send([at_once[chat] for chat in chats if chat in at_once])
            if late := chats - at_once.keys():
                delivery.wake(late)
