"""Events on their way to the group's bot: to every subscribed webhook until it answers 200, or by long polling."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from bots.simulator.odnoklassniki.limits import INVALID_RESPONSE, OkRefusedError
from bots.simulator.posting import Posting, Subscription

# What Odnoklassniki waits before it sends an event again is not published.
RETRIES_S: Final = (5.0, 15.0, 60.0, *[300.0] * 100)
DEADLINE_S: Final = 5.0
HEADERS: Final = {"Content-Type": "application/json;charset=utf-8"}
POLL_S: Final = 30.0
PENDING_MAX: Final = 10_000

JsonObject = dict[str, object]


class Events(Posting):
    """All that the bot is to hear; what no webhook hears is in the history alone. *retry_scale* shortens the waits."""

    def __init__(self, *, retry_scale: float = 1.0) -> None:
        super().__init__(RETRIES_S, retry_scale, DEADLINE_S)
        self.poll_s = POLL_S
        self.polled: frozenset[str] = frozenset()
        self._held: list[JsonObject] | None = None
        self._queue: deque[tuple[int, JsonObject]] = deque()
        self._count = 0
        self._pulse = asyncio.Event()

    def subscribe(self, url: str, time_ms: int) -> None:
        self.subscriptions.setdefault(url, Subscription(url, time_ms, HEADERS))

    def unsubscribe(self, url: str) -> bool:
        return self.subscriptions.pop(url, None) is not None

    def drop_subscriptions(self) -> None:
        """Forget all webhooks and the long polling, as after eight hours without a good answer."""
        self.subscriptions.clear()
        self.polled = frozenset()

    def hold(self) -> None:
        """Keep events back until they are released."""
        self._held = []

    def release(self, *, reverse: bool = False) -> None:
        """Send what was held, the newest first where *reverse* is set: no order is promised."""
        held, self._held = self._held or [], None
        for event in reversed(held) if reverse else held:
            self.put(event)

    def put(self, event: JsonObject) -> None:
        """Hand *event* to every webhook, and to the long polling if its kind was asked for."""
        if self._held is not None:
            self._held.append(event)
            return
        if event["webhookType"] in self.polled and len(self._queue) < PENDING_MAX:
            self._count += 1
            self._queue.append((self._count, event))
        recipient = event["recipient"]
        chat = str(recipient["chat_id"]) if isinstance(recipient, dict) else ""
        for url in self.subscriptions:
            self.send(url, chat, event)
        self._announce()

    async def poll(self, marker: int) -> JsonObject:
        """What came after *marker*, which confirms all up to it, as soon as there is something."""
        if not self.polled:
            raise OkRefusedError(INVALID_RESPONSE)
        while self._queue and self._queue[0][0] <= marker:
            self._queue.popleft()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.poll_s):
                while not self._queue:
                    await self._pulse.wait()
        updates: Sequence[JsonObject] = [event for _, event in self._queue]
        return {"updates": updates, "marker": self._queue[-1][0] if self._queue else marker}

    def _announce(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
