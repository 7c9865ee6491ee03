"""The API over HTTP: who may call, what goes wrong on purpose, and how answers are worded."""

import hmac
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bots.simulator.faults import gateway_page
from bots.simulator.viber.limits import STATUSES, Faults, JsonObject, ViberRefusedError
from bots.simulator.viber.methods import BotApi
from bots.simulator.viber.state import HOST, ViberState

TOKEN_HEADER: Final = "X-Viber-Auth-Token"  # noqa: S105 - the header's name
CALLS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of the bot and what it was answered: 0, or Viber's number with what was wrong."""

    method: str
    fields: JsonObject
    status: int
    what: str


class ApiServer:
    """Routes of `/pa/…`, and of the files that residents send."""

    def __init__(self, token: str, state: ViberState, api: BotApi) -> None:
        self._token = token.encode()
        self._state = state
        self._api = api
        self.origin = ""
        """Where the bot reaches us, which is where it will fetch residents' files."""
        self.faults = Faults()
        self.calls: deque[Recorded] = deque(maxlen=CALLS_MAX)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.post("/pa/{method}", self._answer),
            web.get("/dl-media/{id}/{name}", self._download),
        ]

    def close(self) -> None:
        """Let go of the calls that a fault keeps hanging."""
        self.faults.over.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method, raw = request.match_info["method"], await request.read()
        self.origin = str(request.url.origin())
        if not self._api.knows(method):
            raise web.HTTPNotFound
        struck = self.faults.strike(method)
        if struck and (broken := await self._broken()):
            return broken
        fields = await self._try(request, method, raw, fault=self.faults.status if struck else 0)
        if struck and self.faults.lose_answer and request.transport:
            request.transport.abort()
        return web.json_response(fields)

    async def _try(self, request: web.Request, method: str, raw: bytes, *, fault: int) -> JsonObject:
        """The whole answer; refusals come with HTTP 200 as well."""
        try:
            self._check(request, fault)
            answer = await self._api.call(method, raw)
        except ViberRefusedError as refused:
            self._record(method, raw, refused.status, refused.what)
            words = STATUSES.get(refused.status, "generalError")
            return {"status": refused.status, "status_message": words, "chat_hostname": HOST}
        self._record(method, raw, 0, "")
        return {"status": 0, "status_message": "ok", "chat_hostname": HOST} | answer

    def _check(self, request: web.Request, fault: int) -> None:
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self._token):
            raise ViberRefusedError(2)
        if fault:
            raise ViberRefusedError(fault)

    def _record(self, method: str, raw: bytes, status: int, what: str) -> None:
        try:
            fields = json.loads(raw)
        except ValueError:
            fields = {}
        self.calls.append(Recorded(method, fields if isinstance(fields, dict) else {}, status, what))

    async def _broken(self) -> web.Response | None:
        """Play the fault that does not even read the call; None when the call goes on."""
        faults = self.faults
        await faults.hang()
        if faults.server_error:
            return web.Response(status=500, text="Internal Server Error")
        if faults.bad_gateway:
            return gateway_page()
        if faults.retry_after_s:
            return web.Response(status=429, headers={"Retry-After": str(faults.retry_after_s)})
        if faults.http_status:
            return gateway_page(faults.http_status)
        return None

    async def _download(self, request: web.Request) -> web.StreamResponse:
        stored = self._state.file(request.match_info["id"])
        if stored is None:
            raise web.HTTPNotFound
        return web.Response(body=stored.picture.content, content_type=stored.picture.type)
