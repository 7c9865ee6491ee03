"""The simulator as a web application for this machine alone: the page, the residents' JSON and the stand-ins."""

from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from bots.simulator.resident_api import PAGE, ResidentApi
from bots.simulator.residents import ResidentRefusedError, Residents
from bots.simulator.town_api import Accounts, SetClock, TownApi

# A document of 50 MB is the largest thing that any messenger takes, and its envelope comes on top.
BODY_BYTES_MAX: Final = 64 * 1024 * 1024

# The page is whole in itself: its own files, pictures of chats, and nothing from elsewhere.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def simulator_app(
    channels: Sequence[Residents],
    *,
    accounts: Accounts,
    clock: Callable[[], datetime],
    set_clock: SetClock,
) -> web.Application:
    """The whole simulator.

    *accounts* gives the accounts to try as JSON values; *clock* tells the business time and *set_clock* moves it.
    """
    app = web.Application(middlewares=[only_this_machine, errors_as_json], client_max_size=BODY_BYTES_MAX)
    residents = ResidentApi(channels)
    for channel in channels:
        app.router.add_routes(channel.routes())
    app.router.add_routes([*residents.routes(), *TownApi(accounts, clock, set_clock).routes()])
    app.router.add_routes([web.get("/", _index), web.get("/page/{name}", _asset)])

    async def open_channels(_: web.Application) -> None:
        for channel in channels:
            await channel.open()

    async def close_channels(_: web.Application) -> None:
        # Before the server waits for its last answers, or the long polls would hold it for a minute.
        residents.close()
        for channel in channels:
            await channel.close()

    app.on_startup.append(open_channels)
    app.on_shutdown.append(close_channels)
    return app


@web.middleware
async def only_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another machine, or a page of another site in a browser here, asks for.

    A name of a foreign site that resolves to this machine still stands in `Host`, and a foreign page's
    request still carries its `Origin`.
    """
    origin = request.headers.get("Origin")
    if not is_loopback(URL(f"//{request.host}").host) or (origin and not is_loopback(URL(origin).host)):
        return web.json_response({"error": "the simulator answers this machine only"}, status=403)
    return await handler(request)


def is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Word every refusal of the residents' interface as `{"error": …}`."""
    try:
        return await handler(request)
    except ResidentRefusedError as refused:
        return web.json_response({"error": str(refused)}, status=refused.status)
    except web.HTTPException as refused:
        if request.path.startswith("/simulator/api/") and refused.status >= 400:
            return web.json_response({"error": refused.reason}, status=refused.status)
        raise


async def _index(_: web.Request) -> web.StreamResponse:
    return _page_file("index.html")


async def _asset(request: web.Request) -> web.StreamResponse:
    return _page_file(request.match_info["name"])


def _page_file(name: str) -> web.StreamResponse:
    known = {path.name: path for path in PAGE.iterdir()}
    if name not in known:
        raise web.HTTPNotFound
    headers = {
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
    }
    return web.FileResponse(known[name], headers=headers)
