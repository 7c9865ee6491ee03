"""The Graph API over HTTP: who may call, what goes wrong on purpose, and how answers are worded."""

from __future__ import annotations

import hmac
import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bots.simulator.faults import gateway_page
from bots.simulator.odnoklassniki.graph import Call, GraphApi
from bots.simulator.odnoklassniki.limits import BAD_REQUEST, SESSION_KEY, Faults, OkRefusedError
from bots.simulator.odnoklassniki.outgoing import JsonObject
from bots.simulator.odnoklassniki.state import OkState, Upload
from bots.simulator.uploads import served, uploaded

CALLS_MAX: Final = 10_000
CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of the bot and what it was answered: 0, or the error's code with its words."""

    verb: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)
    code: int = 0
    message: str = ""


class GraphServer:
    """Routes of `/graph/…`, of the upload server and of pictures that residents send."""

    def __init__(self, token: str, state: OkState, api: GraphApi, *, settle_s: float, bytes_max: int) -> None:
        self._token = token
        self._state = state
        self._api = api
        self._settle_s = settle_s
        self._bytes_max = bytes_max
        self.faults = Faults()
        self.base = ""
        """Where the bot reaches this server, once it has called."""
        self.calls: deque[Recorded] = deque(maxlen=CALLS_MAX)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/graph/{path:.+}", self._answer),
            web.post("/graph/{path:.+}", self._answer),
            web.post("/ok-upload/{number}", self._upload),
            web.get("/ok-picture/{name}", self._picture),
        ]

    def close(self) -> None:
        """Let go of the calls that a fault keeps hanging."""
        self.faults.over.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        faults, struck = self.faults, self.faults.strike(*path.split("/"))
        try:
            self._check_token(request)
            if struck and (broken := await self._broken(faults)):
                return broken
            call = await _call_of(request, path)
            self.base = str(request.url.origin())
            answer = await self._api.call(call, base=self.base)
        except OkRefusedError as refused:
            self.calls.append(Recorded(request.method, path, {}, refused.code, refused.message))
            headers = {"invocation-error": str(refused.code)}
            return _json(refused.to_json(), headers)
        self.calls.append(Recorded(request.method, path, call.body))
        if struck and faults.lose_answer and request.transport:
            request.transport.abort()
        return _json(answer, {})

    def _check_token(self, request: web.Request) -> None:
        given = request.query.getall("access_token", [])
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._token.encode()):
            raise OkRefusedError(SESSION_KEY)

    async def _broken(self, faults: Faults) -> web.Response | None:
        """Play the fault that does not even read the call; None when the call goes on."""
        await faults.hang()
        if faults.bad_gateway:
            return gateway_page()
        if faults.error_code:
            raise OkRefusedError(faults.error_code)
        return None

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Another server than the API's: the token has no business here, and errors are plain HTTP."""
        upload = self._state.uploads.get(request.match_info["number"])
        if upload is None or "access_token" in request.query:
            raise web.HTTPBadRequest
        is_image = upload.kind == "IMAGE"
        upload.picture = await uploaded(request, part="file", picture=is_image, bytes_max=self._bytes_max)
        upload.ready_s = time.monotonic() + self._settle_s
        return self._uploaded(request.match_info["number"], upload)

    def _uploaded(self, number: str, upload: Upload) -> web.Response:
        if upload.kind != "IMAGE":
            return web.Response()
        return _json({"photos": {number: {"token": upload.token}}}, {})

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        return served(self._state.files, request.match_info["name"])


async def _call_of(request: web.Request, path: str) -> Call:
    query = {name: value for name, value in request.query.items() if name != "access_token"}
    if request.method == "GET":
        return Call("GET", path.split("/"), query)
    if request.content_type != CONTENT_TYPE or (request.charset or "").lower() != "utf-8":
        raise OkRefusedError(BAD_REQUEST)
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise OkRefusedError(BAD_REQUEST) from None
    if not isinstance(body, dict):
        raise OkRefusedError(BAD_REQUEST)
    return Call("POST", path.split("/"), query, body)


def _json(body: JsonObject, headers: Mapping[str, str]) -> web.Response:
    kind = {"Content-Type": "application/json;charset=utf-8"}
    return web.Response(body=json.dumps(body, ensure_ascii=False).encode(), headers={**kind, **headers})
