"""The mode of each channel as the page and scripts switch it, live: what the service may say there."""

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from bots.channel_sections import Mode
from bots.serving import Serving
from bots.simulator.resident_api import body_of, text_of
from bots.simulator.residents import ResidentRefusedError

PATH: Final = "/simulator/api/{channel}/mode"


class ModeApi:
    """`GET` tells and `POST {"mode": "open" | "strict"}` sets the mode of a channel; both answer `{"mode"}`."""

    def __init__(self, service: Serving) -> None:
        self._service = service

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.get(PATH, self._get), web.post(PATH, self._post)]

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response({"mode": self._service.mode_of(self._channel(request))})

    async def _post(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        wanted = text_of(await body_of(request), "mode")
        try:
            mode: Mode = msgspec.convert(wanted, Mode)
        except msgspec.ValidationError as error:
            raise ResidentRefusedError(400, f"{wanted!r} is neither 'open' nor 'strict'") from error
        self._service.set_mode(channel, mode)
        return await self._get(request)

    def _channel(self, request: web.Request) -> str:
        name = request.match_info["channel"]
        if name not in self._service.deliveries:
            raise ResidentRefusedError(404, f"no channel is called {name!r}")
        return name
