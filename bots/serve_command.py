"""`kvitok serve`, in a module of its own: what other commands import would delay each start by a second."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from bots import wiring
from bots.collector import spare_the_collector
from bots.configuration import Configuration, Secrets, load
from bots.listening import allow_many_connections, listening, stop_signal
from bots.logs import set_up_logs
from bots.serving import serving
from storage.database import open_pool


async def serve(config: Path, *, polling: bool, embedded: Path | None) -> int:
    """Serve residents until a signal says stop."""
    configuration = load(config)
    if polling:
        configuration = _polling(configuration)
    set_up_logs(pretty=False)
    allow_many_connections()
    stop = stop_signal()
    with ExitStack() as own:
        if embedded is not None:
            # Only here: Alembic is a third of what there is to import.
            from storage.embedded import EmbeddedPostgres  # noqa: PLC0415
            from storage.migrating import migrate  # noqa: PLC0415

            server = own.enter_context(EmbeddedPostgres(embedded))
            await migrate(server.url("owner"))
            url = server.url("app")
        else:
            url = Secrets(os.environ).need(wiring.DATABASE_URL, "the database")
        most, pooled = configuration.database.connections_max, configuration.database.pooled and not embedded
        async with open_pool(url, most=most, pooled=pooled) as pool, aiohttp.ClientSession() as http:
            parts = wiring.parts_of(configuration, Secrets(os.environ), pool=pool, http=http)
            app = web.Application()
            server_section = configuration.server
            async with (
                serving(parts, app) as service,
                listening(app, host=server_section.host, port=server_section.port),
            ):
                spare_the_collector()
                await service.until(stop)
    return 0


def _polling(configuration: Configuration) -> Configuration:
    """*configuration* with every channel polled."""
    channels = configuration.channels
    polled = {
        field.name: msgspec.structs.replace(section, polling=True)
        for field in msgspec.structs.fields(channels)
        if (section := getattr(channels, field.name)) is not None
    }
    return msgspec.structs.replace(configuration, channels=msgspec.structs.replace(channels, **polled))
