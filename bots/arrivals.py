"""Turns that wait for the engine: bounded, at most one a chat at a time, each chat's in its own order."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Hashable
from datetime import datetime
from time import perf_counter
from typing import Final, TypeAlias

import msgspec

from bots.taking import Taken
from core.messages import Incoming, Said
from core.turns import Event, TooManyWaiting

WAITING_PER_CHAT_MAX: Final = 30
WAITING_MAX: Final = 20_000
# A flood is over once nothing of its chat was dropped for so long; of the next one the chat is told again.
CALM_S: Final = 60.0


class Arrival(msgspec.Struct, frozen=True, eq=False):
    """One turn to run: an update of a chat by its address, or an event for a chat by its number.

    *order* is the platform's within the chat; an event has none (-1). *position* is where a poller stands
    once this turn is committed. *arrived_s* is by the process's own counter, for measuring alone.
    """

    channel: str
    key: str
    chat: str | int
    order: int
    sent_at: datetime
    said: Said | Event
    taken: asyncio.Future[Taken]
    private: bool = True
    update: Incoming | None = None
    event: int | None = None
    position: tuple[str, str] | None = None
    arrived_s: float = msgspec.field(default_factory=perf_counter)

    @property
    def lane(self) -> Hashable:
        """What no two turns of a batch may share."""
        return (self.channel, self.chat) if isinstance(self.chat, str) else self.chat


ChatQueue: TypeAlias = deque[Arrival]


class Arrivals:
    """The waiting turns, by chat, and a signal that there are some."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, ChatQueue] = {}
        self._dropped_s: dict[Hashable, float] = {}
        self._waiting = 0
        self.some = asyncio.Event()

    def __len__(self) -> int:
        return self._waiting

    def add(self, arrival: Arrival) -> None:
        """Have *arrival* wait; its future tells at once where there is no room for it."""
        queue = self._queues.get(arrival.lane)
        if self._waiting >= WAITING_MAX:
            arrival.taken.set_result(Taken.BUSY)
        elif queue is not None and len(queue) >= WAITING_PER_CHAT_MAX:
            self._drop(arrival, queue)
        else:
            self._queues.setdefault(arrival.lane, deque()).append(arrival)
            self._waiting += 1
            self.some.set()

    def _drop(self, arrival: Arrival, queue: ChatQueue) -> None:
        """Drop what a flooding chat sends on, and tell it once."""
        arrival.taken.set_result(Taken.DROPPED)
        if self._is_told(arrival.lane):
            return
        queue.append(
            msgspec.structs.replace(
                arrival,
                key=f"flood:{arrival.key}",
                said=TooManyWaiting(),
                taken=asyncio.get_running_loop().create_future(),
                update=None,
            )
        )
        self._waiting += 1

    def _is_told(self, lane: Hashable) -> bool:
        """Whether *lane*, of which something is dropped now, was told of this flood already."""
        now_s = asyncio.get_running_loop().time()
        told = now_s - self._dropped_s.pop(lane, -math.inf) < CALM_S
        self._dropped_s[lane] = now_s
        # The floods that are over stand first.
        while now_s - self._dropped_s[calm := next(iter(self._dropped_s))] >= CALM_S:
            del self._dropped_s[calm]
        return told

    def next_batch(self, most: int) -> list[Arrival]:
        """Up to *most* turns, the oldest of each of as many chats; the rest wait on."""
        batch = []
        for lane in list(self._queues)[:most]:
            queue = self._queues.pop(lane)
            first = min(queue, key=_place)
            queue.remove(first)
            batch.append(first)
            if queue:
                # Back to the end of the line, so that chats take turns.
                self._queues[lane] = queue
        self._waiting -= len(batch)
        if not self._queues:
            self.some.clear()
        return batch


def _place(arrival: Arrival) -> int:
    return arrival.order
