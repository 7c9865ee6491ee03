"""A made-up API of a platform, as a server."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web


class Answering(Protocol):
    """Answers whatever it is asked."""

    async def answer(self, request: web.Request) -> web.StreamResponse: ...


def serving(api: Answering) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.+}", api.answer)
    return app
