"""Updates on their way to the bot: to every subscribed webhook until it answers 200, or by long polling."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from bots.simulator.posting import Posting

# https://dev.max.ru/docs-api/methods/POST/subscriptions: after a minute, then two and a half times as long.
RETRIES_S: Final = tuple(60.0 * 2.5**number for number in range(10))
DEADLINE_S: Final = 30.0
PENDING_MAX: Final = 10_000

JsonObject = dict[str, object]


class Updates(Posting):
    """All that the bot is to hear; once no webhook is left, only by long polling. *retry_scale* shortens the waits."""

    def __init__(self, *, retry_scale: float = 1.0) -> None:
        super().__init__(RETRIES_S, retry_scale, DEADLINE_S)
        self._held: list[tuple[int, JsonObject]] | None = None
        self._queue: deque[tuple[int, JsonObject]] = deque(maxlen=PENDING_MAX)
        self._count = 25_493_900
        self._pulse = asyncio.Event()

    def drop_subscriptions(self) -> None:
        """Forget all webhooks, as after eight hours without a good answer."""
        self.subscriptions.clear()

    def hold(self) -> None:
        """Keep updates back until they are released."""
        self._held = []

    def release(self, *, reverse: bool = False) -> None:
        """Send what was held, the newest first where *reverse* is set: no order is promised."""
        held, self._held = self._held or [], None
        for chat, update in reversed(held) if reverse else held:
            self.put(chat, update)

    def put(self, chat: int, update: JsonObject) -> None:
        """Hand *update* of a dialog to every webhook that wants its kind, else to the long polling."""
        if self._held is not None:
            self._held.append((chat, update))
            return
        if not self.subscriptions:
            self._count += 1
            self._queue.append((self._count, update))
            self._announce()
        for subscription in self.subscriptions.values():
            wanted = subscription.update_types
            if wanted is None or update["update_type"] in wanted:
                self.send(subscription.url, chat, update)

    async def poll(
        self, marker: int | None, *, limit: int, timeout_s: float, types: frozenset[str]
    ) -> JsonObject:
        """What came after *marker*, which confirms all up to it; without one the last update alone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not (found := self._waiting(marker, types)):
                    await self._pulse.wait()
        found = self._waiting(marker, types)
        chosen = found[-1:] if marker is None else found[:limit]
        reached = chosen[-1][0] if chosen else self._count if marker is None else marker
        return {"updates": [update for _, update in chosen], "marker": reached}

    def _waiting(self, marker: int | None, types: frozenset[str]) -> list[tuple[int, JsonObject]]:
        if self.subscriptions:
            return []
        while marker is not None and self._queue and self._queue[0][0] <= marker:
            self._queue.popleft()
        return [each for each in self._queue if not types or each[1]["update_type"] in types]

    def _announce(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
