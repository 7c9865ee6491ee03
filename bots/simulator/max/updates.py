"""Updates on their way to the bot: to every subscribed webhook until it answers 200, or by long polling."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

# https://dev.max.ru/docs-api/methods/POST/subscriptions: after a minute, then two and a half times as long.
RETRIES_S: Final = tuple(60.0 * 2.5**number for number in range(10))
DEADLINE_S: Final = 30.0
REMOVED_AFTER_S: Final = 8 * 3600.0
PENDING_MAX: Final = 10_000
SECRET_HEADER: Final = "X-Max-Bot-Api-Secret"  # noqa: S105  # the name of a header

JsonObject = dict[str, object]
Lane = tuple[str, int]


def to_wire(update: Mapping[str, object]) -> bytes:
    """The bytes that are posted: one line, compact, Cyrillic as it is."""
    return json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(slots=True)
class Subscription:
    """A webhook, and since when (of the monotonic clock) it has not answered as it should."""

    url: str
    time_ms: int
    update_types: tuple[str, ...] | None
    secret: str
    failing_since_s: float | None = None

    def to_json(self) -> JsonObject:
        types = {} if self.update_types is None else {"update_types": list(self.update_types)}
        return {"url": self.url, "time": self.time_ms} | types


@dataclass(slots=True)
class Updates:
    """All that the bot is to hear.

    Updates of a dialog set out in order, one at a time; one that was not acknowledged is sent again later and
    does not hold the others up. *retry_scale* shortens the waits. A webhook that failed for *removed_after_s*
    is forgotten without a word, and what then happens nobody is told but by long polling.
    """

    retry_scale: float = 1.0
    deadline_s: float = DEADLINE_S
    removed_after_s: float = REMOVED_AFTER_S
    twice: bool = False
    """Whether every update is delivered twice, as after an answer that got lost."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _held: list[tuple[int, JsonObject]] | None = None
    _queue: deque[tuple[int, JsonObject]] = field(default_factory=lambda: deque(maxlen=PENDING_MAX))
    _count: int = 25_493_900
    _lanes: dict[Lane, deque[bytes]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None
    _pulse: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

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
                self._send((subscription.url, chat), [to_wire(update)] * (2 if self.twice else 1))

    async def drained(self) -> None:
        """Return when every webhook has acknowledged everything, or was forgotten."""
        while self._tasks:
            await asyncio.wait(self._tasks)

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

    def _send(self, lane: Lane, bodies: list[bytes]) -> None:
        if lane in self._lanes:
            self._lanes[lane].extend(bodies)
            return
        self._lanes[lane] = deque(bodies)
        self._spawn(self._run(lane))

    async def _run(self, lane: Lane) -> None:
        waiting = self._lanes[lane]
        while waiting:
            body = waiting.popleft()
            if not await self._attempt(lane[0], body):
                self._spawn(self._again(lane[0], body))
        del self._lanes[lane]

    async def _again(self, url: str, body: bytes) -> None:
        for pause_s in RETRIES_S:
            await asyncio.sleep(pause_s * self.retry_scale)
            if await self._attempt(url, body):
                return

    async def _attempt(self, url: str, body: bytes) -> bool:
        """Whether *body* need not be sent to *url* again."""
        subscription = self.subscriptions.get(url)
        if subscription is None:
            return True
        if await self._posted(subscription, body):
            subscription.failing_since_s = None
            return True
        now_s = time.monotonic()
        subscription.failing_since_s = subscription.failing_since_s or now_s
        if now_s - subscription.failing_since_s >= self.removed_after_s:
            self.subscriptions.pop(url, None)
        return False

    async def _posted(self, subscription: Subscription, body: bytes) -> bool:
        # The stand-in goes nowhere but to this machine, whatever it was told.
        if self._session is None or not is_this_machine(subscription.url):
            return False
        headers = {"Content-Type": "application/json"}
        if subscription.secret:
            headers[SECRET_HEADER] = subscription.secret
        timeout = aiohttp.ClientTimeout(total=self.deadline_s)
        try:
            async with self._session.post(
                subscription.url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _announce(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()


def is_this_machine(url: str) -> bool:
    return URL(url).host in {"127.0.0.1", "localhost", "::1"}
