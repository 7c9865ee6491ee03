"""Webhooks of MAX and Odnoklassniki, one house's: what was not acknowledged comes again, who fails is forgotten."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from bots.simulator.addresses import is_this_machine

REMOVED_AFTER_S: Final = 8 * 3600.0

Lane = tuple[str, object]


def to_wire(update: Mapping[str, object]) -> bytes:
    """The bytes that are posted: one line, compact, Cyrillic as it is."""
    return json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(slots=True)
class Subscription:
    """A webhook, and since when (of the monotonic clock) it has not answered as it should."""

    url: str
    time_ms: int
    headers: Mapping[str, str]
    update_types: tuple[str, ...] | None = None
    failing_since_s: float | None = None


@dataclass(slots=True)
class Posting:
    """Bodies on their way to every subscribed webhook until it answers 200.

    Those of a chat set out in order, one at a time; one that was not acknowledged is sent again after each of
    *pauses_s* and does not hold the others up. *retry_scale* shortens the pauses. A webhook that failed for
    *removed_after_s* is forgotten without a word.
    """

    pauses_s: Iterable[float]
    retry_scale: float
    deadline_s: float
    removed_after_s: float = REMOVED_AFTER_S
    twice: bool = False
    """Whether everything is delivered twice, as after an answer that got lost."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _lanes: dict[Lane, deque[bytes]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    async def drained(self) -> None:
        """Return when every webhook has acknowledged everything, or was forgotten."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def send(self, url: str, chat: object, update: Mapping[str, object]) -> None:
        """Put *update* of *chat* on its way to the webhook at *url*."""
        lane, bodies = (url, chat), [to_wire(update)] * (2 if self.twice else 1)
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
        for pause_s in self.pauses_s:
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

    async def _posted(self, to: Subscription, body: bytes) -> bool:
        if self._session is None or not is_this_machine(to.url):
            return False
        timeout = aiohttp.ClientTimeout(total=self.deadline_s)
        try:
            async with self._session.post(
                to.url, data=body, headers=to.headers, allow_redirects=False, timeout=timeout
            ) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
