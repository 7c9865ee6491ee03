"""What goes wrong on purpose at any stand-in: it hangs, a gateway before it answers, its answer gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from aiohttp import web

# What of a fault says when it strikes, and not what goes wrong.
_WHEN: Final = frozenset({"only", "times", "over"})


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong for the next *times* of the calls in *only* (empty: any call).

    `hang_s` waits before anything is done, unless it is `over` before; `bad_gateway` answers HTML with 502;
    `lose_answer` does what was asked and then drops the connection.
    """

    hang_s: float = 0.0
    bad_gateway: bool = False
    lose_answer: bool = False
    only: frozenset[str] = frozenset()
    times: int = 1_000_000_000
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def strike(self, *names: str) -> bool:
        """Whether a call of these *names* meets the fault; counts it."""
        meant = {name.lower() for name in self.only}
        if self.times <= 0 or (meant and meant.isdisjoint(name.lower() for name in names)):
            return False
        if not any(getattr(self, each.name) for each in fields(self) if each.name not in _WHEN):
            return False
        self.times -= 1
        return True

    async def hang(self) -> None:
        """Wait as long as the fault says."""
        if self.hang_s:
            try:
                async with asyncio.timeout(self.hang_s):
                    await self.over.wait()
            except TimeoutError:
                pass


def gateway_page(status: int = 502, headers: Mapping[str, str] | None = None) -> web.Response:
    """What stands before the API answers in its place."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>"
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)
