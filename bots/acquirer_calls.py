"""Calls of acquirers: so many of each at once, and nobody waits for long until theirs is made."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from core.acquiring import Down

T = TypeVar("T")

# So many at once: who waits at a page, and a notice, queue neither behind what stays open nor behind another acquirer.
CALLS_AT_ONCE: Final = 5
# An acquirer that has kept all of these for so long hangs: whoever else would call it is told so.
ROOM_S: Final = 8.0


class AcquirerCalls:
    """The calls that each acquirer has to answer now."""

    def __init__(self) -> None:
        self._rooms: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(CALLS_AT_ONCE)
        )

    async def make(self, acquirer: str, call: Callable[[], Awaitable[T]]) -> T | Down:
        """What *acquirer* answers to *call*; Down, and no call, where others are not answered for long."""
        room = self._rooms[acquirer]
        try:
            async with asyncio.timeout(ROOM_S):
                await room.acquire()
        except TimeoutError:
            return Down("busy")
        try:
            return await call()
        finally:
            room.release()
