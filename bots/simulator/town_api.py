"""The accounts to try and the business clock, as the page and scripts ask for them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from aiohttp import web

from bots.simulator.resident_api import body_of, text_of
from bots.simulator.residents import ResidentRefusedError

Accounts = Callable[[], Awaitable[Sequence[object]]]
SetClock = Callable[[datetime], Awaitable[None]]

# The years that every part of the service can reckon with.
CLOCK_FROM = 2000
CLOCK_TO = 2100


class TownApi:
    """The accounts to try and the business clock."""

    def __init__(self, accounts: Accounts, clock: Callable[[], datetime], set_clock: SetClock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._set_clock = set_clock

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/simulator/api/accounts", self._get_accounts),
            web.get("/simulator/api/clock", self._get_clock),
            web.post("/simulator/api/clock", self._post_clock),
        ]

    async def _get_accounts(self, _: web.Request) -> web.Response:
        return web.json_response(list(await self._accounts()))

    async def _get_clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now": self._clock().isoformat()})

    async def _post_clock(self, request: web.Request) -> web.Response:
        now = text_of(await body_of(request), "now")
        try:
            moment = datetime.fromisoformat(now)
        except ValueError as error:
            raise ResidentRefusedError(
                400, f"{now!r} is not a time like 2026-03-20T09:00:00+03:00"
            ) from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._clock().tzinfo)
        if not CLOCK_FROM <= moment.year <= CLOCK_TO:
            raise ResidentRefusedError(400, f"the clock goes from {CLOCK_FROM} to {CLOCK_TO}")
        await self._set_clock(moment)
        return await self._get_clock(request)
