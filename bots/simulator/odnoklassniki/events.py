"""Events on their way to the group's bot: to every subscribed webhook until it answers 200, or by long polling."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from bots.simulator.odnoklassniki.limits import INVALID_RESPONSE, OkRefusedError

# What Odnoklassniki waits before it sends an event again is not published.
RETRIES_S: Final = (5, 15, 60, 300)
REMOVED_AFTER_S: Final = 8 * 3600.0
POLL_S: Final = 30.0
PENDING_MAX: Final = 10_000

JsonObject = dict[str, object]
Lane = tuple[str, str]


def to_wire(event: Mapping[str, object]) -> bytes:
    """The bytes that are posted: one line, compact, Cyrillic as it is."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(slots=True)
class Subscription:
    """A webhook, and since when (of the monotonic clock) it has not answered as it should."""

    url: str
    time_ms: int
    failing_since_s: float | None = None


@dataclass(slots=True)
class Events:
    """All that the bot is to hear.

    Events of a chat set out in order, one at a time; one that was not acknowledged is sent again later and
    does not hold the others up. *retry_scale* shortens the waits. A webhook that failed for *removed_after_s*
    is forgotten without a word, and what then happens is in the history alone.
    """

    retry_scale: float = 1.0
    deadline_s: float = 5.0
    removed_after_s: float = REMOVED_AFTER_S
    poll_s: float = POLL_S
    twice: bool = False
    """Whether every event is delivered twice, as after an answer that got lost."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    polled: frozenset[str] = frozenset()
    _held: list[JsonObject] | None = None
    _queue: deque[tuple[int, JsonObject]] = field(default_factory=deque)
    _count: int = 0
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

    def subscribe(self, url: str, time_ms: int) -> None:
        self.subscriptions.setdefault(url, Subscription(url, time_ms))

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
            self._send((url, chat), [to_wire(event)] * (2 if self.twice else 1))
        self._announce()

    async def drained(self) -> None:
        """Return when every webhook has acknowledged everything, or was forgotten."""
        while self._tasks:
            await asyncio.wait(self._tasks)

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

    def _send(self, lane: Lane, bodies: Sequence[bytes]) -> None:
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
        tries = 0
        while url in self.subscriptions:
            await asyncio.sleep(RETRIES_S[min(tries, len(RETRIES_S) - 1)] * self.retry_scale)
            if await self._attempt(url, body):
                return
            tries += 1

    async def _attempt(self, url: str, body: bytes) -> bool:
        """Whether *body* need not be sent to *url* again."""
        subscription = self.subscriptions.get(url)
        if subscription is None:
            return True
        if await self._posted(url, body):
            subscription.failing_since_s = None
            return True
        now_s = time.monotonic()
        subscription.failing_since_s = subscription.failing_since_s or now_s
        if now_s - subscription.failing_since_s >= self.removed_after_s:
            self.unsubscribe(url)
        return False

    async def _posted(self, url: str, body: bytes) -> bool:
        # The stand-in goes nowhere but to this machine, whatever it was told.
        if self._session is None or URL(url).host not in {"127.0.0.1", "localhost", "::1"}:
            return False
        headers = {"Content-Type": "application/json;charset=utf-8"}
        timeout = aiohttp.ClientTimeout(total=self.deadline_s)
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False, timeout=timeout
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
