"""The senders of this process, as the engine sees them: what they have room for, and what they are to send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from bots.delivery import Delivery
from storage.lanes import Leased


class Senders:
    """The senders of this process by their channels; those of others find what is due by themselves."""

    def __init__(self, deliveries: Mapping[str, Delivery]) -> None:
        self._deliveries = deliveries

    @contextmanager
    def promising(self, due: Mapping[str, set[int]]) -> Iterator[Mapping[str, int]]:
        """To how many of the chats that are *due* each channel's sender can begin to send when the context ends.

        Nobody else is promised that room meanwhile.
        """
        with ExitStack() as own:
            yield {
                name: own.enter_context(self._deliveries[name].promised_at_once(len(chats)))
                for name, chats in due.items()
                if name in self._deliveries
            }

    def committed(self, due: Mapping[str, set[int]], leased: Sequence[Leased]) -> None:
        """Send what was *leased*, and what is *due* to other chats, by channel, as soon as it can be leased."""
        at_once = {head.chat: head for head in leased}
        for name, chats in due.items():
            if (delivery := self._deliveries.get(name)) is None:
                continue
            delivery.send([at_once[chat] for chat in chats if chat in at_once])
            if late := chats - at_once.keys():
                delivery.wake(late)
