"""Turns that wait for the engine: bounded, one of a chat taken at a time, each chat's in its own order.

What one chat has us do is bounded twice: how much of it waits, and how much of it was run of late, for each turn
queues its replies in a lane that is emptied at a chat's pace. No person types so much.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from time import perf_counter, time
from typing import Final, TypeAlias

import msgspec

from bots.taking import Taken
from core.messages import Incoming, Said
from core.turns import Event, TooManyWaiting

WAITING_PER_CHAT_MAX: Final = 30
WAITING_MAX: Final = 20_000
# So many turns a chat may have at once, and one more in so many seconds.
TURNS_AT_ONCE_MAX: Final = 200
TURN_S: Final = 2.0
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
        """What no two turns of a batch may share; a chat's updates and its events are in lanes of their own."""
        return (self.channel, self.chat) if isinstance(self.chat, str) else self.chat


ChatQueue: TypeAlias = deque[Arrival]


class Arrivals:
    """The waiting turns, by chat, and a signal that some may be taken."""

    def __init__(self, *, address_hash: Callable[[str, str], bytes]) -> None:
        """*address_hash* names a chat, by its channel and address, where it is written down."""
        self._address_hash = address_hash
        self._queues: dict[Hashable, ChatQueue] = {}
        # Of each chat whose turn was taken and is not over: what waits until it is.
        self._behind: dict[Hashable, ChatQueue] = {}
        self._dropped_s: dict[Hashable, float] = {}
        # When each chat's turns of late will have been worth their time.
        self._spent_until_s: dict[Hashable, float] = {}
        self._waiting = 0
        self.some = asyncio.Event()

    def __len__(self) -> int:
        return self._waiting

    def add(self, arrival: Arrival) -> None:
        """Have *arrival* wait; its future tells at once where there is no room for it."""
        queue = self._behind.get(arrival.lane) or self._queues.get(arrival.lane)
        if self._waiting >= WAITING_MAX:
            arrival.taken.set_result(Taken.BUSY)
        elif arrival.event is None and self._floods(arrival.lane, queue):
            self._drop(arrival)
        else:
            self._append(arrival)

    def ran(self, arrival: Arrival) -> None:
        """Count *arrival*, whose turn is committed: what was not run, and comes again, costs its chat nothing."""
        now_s = asyncio.get_running_loop().time()
        until_s = max(self._spent_until_s.pop(arrival.lane, now_s), now_s) + TURN_S
        self._spent_until_s[arrival.lane] = until_s
        # Who has been silent for longest stands first.
        while self._spent_until_s[calm := next(iter(self._spent_until_s))] <= now_s:
            del self._spent_until_s[calm]

    def _floods(self, lane: Hashable, queue: ChatQueue | None) -> bool:
        """Whether *lane*, whose waiting turns are *queue*, has sent more than a person would."""
        if queue is not None and len(queue) >= WAITING_PER_CHAT_MAX:
            return True
        spent_s = self._spent_until_s.get(lane, 0.0) - asyncio.get_running_loop().time()
        return spent_s > TURNS_AT_ONCE_MAX * TURN_S

    def _append(self, arrival: Arrival) -> None:
        self._waiting += 1
        if (behind := self._behind.get(arrival.lane)) is not None:
            behind.append(arrival)
            return
        self._queues.setdefault(arrival.lane, deque()).append(arrival)
        self.some.set()

    def _drop(self, arrival: Arrival) -> None:
        """Drop what a flooding chat sends on, and tell it once.

        Other processes that see the same flood begin tell it under the same key, which is handled once; the clocks of
        two may stand in different windows, and then it is told twice. The next flood is in a later window.
        """
        arrival.taken.set_result(Taken.DROPPED)
        if self._is_told(arrival.lane):
            return
        flooding = self._address_hash(arrival.channel, str(arrival.chat)).hex()
        self._append(
            msgspec.structs.replace(
                arrival,
                key=f"flood:{flooding}:{int(time() // CALM_S)}",
                said=TooManyWaiting(),
                taken=asyncio.get_running_loop().create_future(),
                update=None,
            )
        )

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
        """Up to *most* turns, the oldest of each of as many chats; what else these have waits until `over`."""
        batch = []
        for lane in list(self._queues)[:most]:
            queue = self._queues.pop(lane)
            first = min(queue, key=_place)
            queue.remove(first)
            batch.append(first)
            self._behind[lane] = queue
        self._waiting -= len(batch)
        if not self._queues:
            self.some.clear()
        return batch

    def over(self, batch: Iterable[Arrival]) -> None:
        """The turns of *batch* were run, or cannot be: their chats join the end of the line, so that all take turns."""
        for arrival in batch:
            if queue := self._behind.pop(arrival.lane):
                self._queues[arrival.lane] = queue
                self.some.set()

    def rest(self) -> list[Arrival]:
        """All that waits, to be run no more."""
        waiting = [arrival for queue in (*self._queues.values(), *self._behind.values()) for arrival in queue]
        self._queues.clear()
        self._behind.clear()
        self._waiting = 0
        self.some.clear()
        return waiting


def _place(arrival: Arrival) -> int:
    return arrival.order
