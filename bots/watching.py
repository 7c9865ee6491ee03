"""What operators' tools ask: whether this process may be sent requests, and how it has been doing.

Anyone may ask whether we are ready, and learns no more than that. Measures are given to networks that the
configuration names; to all others there is no such address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Final

import structlog
from aiohttp import web

from bots import metrics
from bots.webhooks import Networks, client_address
from storage.database import Pool
from storage.failures import AWAY, PASSING
from storage.observing import Observed, Standing, observe, standing

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

ANSWER_S: Final = 3.0
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# What a proxy adds, of which we were not told that it is ours: who really asks cannot be known then.
FORWARDED: Final = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")


class Watch:
    """Readiness and measures of one process. *now* is the business clock."""

    def __init__(
        self,
        pool: Pool,
        channels: Sequence[str],
        *,
        now: Callable[[], datetime],
        trusted_proxies: Networks,
        networks: Networks,
    ) -> None:
        """*networks* are those that measures are given to."""
        self._pool = pool
        self._channels = channels
        self._now = now
        self._trusted_proxies = trusted_proxies
        self._networks = networks
        metrics.begin(channels)

    def routes(self) -> list[web.RouteDef]:
        """`/readyz` and `/metrics`."""
        return [web.get("/readyz", self._ready), web.get("/metrics", self._measures)]

    async def _ready(self, _: web.Request) -> web.Response:
        """200 when this process can serve residents, 503 when it cannot, and why.

        A channel that its platform has stopped is named; we are not ready only where all of them are, for
        another process could do no better and the other channels' residents are to be served.
        """
        found = await self._standing()
        channels = {
            name: "stopped" if found is not None and found.stopped.get(name) else "open"
            for name in self._channels
        }
        migrated = found is not None and found.migrated
        ready = migrated and ("open" in channels.values() or not channels)
        return web.json_response(
            {
                "ready": ready,
                "database": "away" if found is None else "reached",
                "migrations": "unknown" if found is None else "applied" if migrated else "missing",
                "channels": channels if found is not None else {},
            },
            status=200 if ready else 503,
            headers={"Cache-Control": "no-store"},
        )

    async def _standing(self) -> Standing | None:
        try:
            async with asyncio.timeout(ANSWER_S), self._pool.acquire() as db:
                return await standing(db)
        except (TimeoutError, *AWAY, *PASSING) as away:
            log.warning("ready.database", why=type(away).__name__)
            return None

    async def _measures(self, request: web.Request) -> web.Response:
        if not self._may_be_told(request):
            raise web.HTTPNotFound
        body = metrics.exposed(self._pool, await self._observed())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    async def _observed(self) -> Observed | None:
        try:
            async with asyncio.timeout(ANSWER_S), self._pool.acquire() as db:
                return await observe(db, now=self._now())
        except (TimeoutError, *AWAY, *PASSING) as away:
            log.warning("metrics.database", why=type(away).__name__)
            return None

    def _may_be_told(self, request: web.Request) -> bool:
        peer = request.remote or ""
        client = client_address(request, trusted=self._trusted_proxies)
        if client == peer and any(name in request.headers for name in FORWARDED):
            return False
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
