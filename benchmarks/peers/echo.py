"""A bare echo: takes a webhook, parses nothing, stores nothing, posts one reply."""

from __future__ import annotations

import asyncio
import os

import aiohttp
import uvloop
from aiohttp import web

REPLY: bytes = b'{"chat_id":100000000,"text":"' + ("б" * 180).encode() + b'"}'


async def serve() -> None:
    """Serve until ended."""
    address = f"{os.environ['API_BASE']}/bot{os.environ['TOKEN']}/sendMessage"
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as http:

        async def echo(request: web.Request) -> web.Response:
            await request.read()
            async with http.post(address, data=REPLY, headers=headers) as answer:
                await answer.read()
            return web.Response()

        async def ready(_: web.Request) -> web.Response:
            return web.Response(text="ok")

        app = web.Application()
        app.router.add_post("/webhooks/telegram", echo)
        app.router.add_get("/healthz", ready)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve())
