"""Serving a web application on an address until a signal says stop."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bots.webhooks import web_runner
from core.errors import KvitokError


class AddressTakenError(KvitokError):
    """Nobody can listen on this address: another program does, or it is none of ours."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        why = (
            "is taken by another program"
            if error.errno == errno.EADDRINUSE
            else f"cannot be listened on: {error}"
        )
        super().__init__(f"{host}:{port} {why}; choose another port")
        self.port = port


def check_free(host: str, port: int) -> None:
    """Raise AddressTakenError where nobody can listen on *port* of the address *host* by now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTakenError(host, port, error) from error


@asynccontextmanager
async def listening(app: web.Application, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve *app* on *host*:*port* while the context lasts. Raises AddressTakenError."""
    runner = web_runner(app)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise AddressTakenError(host, port, error) from error
        yield
    finally:
        await runner.cleanup()


def stop_signal() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    return stop
