"""Files for platforms that take no bytes: served from addresses that cannot be guessed and that expire.

An address says nothing of whose the file is. Unknown, expired and erased look the same from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from aiohttp import web

from core.channel import RenderedFile
from storage import files
from storage.database import Pool

# Viber keeps a message two weeks for a phone that is off, and the phone fetches the file when it is on.
LIFETIME: Final = timedelta(days=15)

HEADERS: Final = {
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class Shelf:
    """Where files wait to be fetched. *now* is the business clock."""

    def __init__(self, pool: Pool, *, public_url: str, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._base = public_url.rstrip("/")
        self._now = now

    async def publish(self, chat: int, rendered: Sequence[RenderedFile]) -> Mapping[str, str]:
        """Put files of *chat* on the shelf; their new addresses, by sha256."""
        async with self._pool.acquire() as db:
            tokens = await files.keep(db, rendered, chat=chat, expires_at=self._now() + LIFETIME)
        named = {file.sha256: file.name for file in rendered}
        return {
            sha256: f"{self._base}/files/{token}/{quote(named[sha256], safe='')}"
            for sha256, token in tokens.items()
        }

    def routes(self) -> list[web.RouteDef]:
        """The one route that files are fetched by."""
        return [web.get("/files/{token}/{name}", self._give)]

    async def _give(self, request: web.Request) -> web.Response:
        async with self._pool.acquire() as db:
            found = await files.find(db, request.match_info["token"], now=self._now())
        # The name is a part of the address: under another the file would be whatever a reader wants it to be.
        if found is None or found.name != request.match_info["name"]:
            raise web.HTTPNotFound(headers=HEADERS)
        disposition = f"inline; filename*=UTF-8''{quote(found.name, safe='')}"
        return web.Response(
            body=found.body,
            content_type=found.media_type,
            headers=HEADERS | {"Content-Disposition": disposition},
        )
