"""Notices of stand-ins for acquirers: told until they are heard, or given up, as each acquirer does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

TIMEOUT = aiohttp.ClientTimeout(total=30)

# Sends one notice and gives the status that it was answered with.
Send = Callable[[aiohttp.ClientSession], Awaitable[int]]


@dataclass(slots=True)
class Teller:
    """Repeats what is not answered with 200 after so many seconds each time."""

    retries_s: tuple[float, ...]
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, send: Send) -> None:
        """Begin to tell."""
        task = asyncio.create_task(self._until_heard(send))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def told(self) -> None:
        """Wait until every notice so far was heard or given up."""
        while self._telling:
            await asyncio.gather(*self._telling, return_exceptions=True)

    async def stop(self, _app: web.Application) -> AsyncIterator[None]:
        """Tell nothing more once the application has ended."""
        yield
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _until_heard(self, send: Send) -> None:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            for pause_s in (*self.retries_s, None):
                with suppress(aiohttp.ClientError, TimeoutError):
                    if await send(http) == 200:
                        return
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
