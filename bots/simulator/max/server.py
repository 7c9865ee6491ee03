"""The Bot API over HTTP: who may call, what goes wrong on purpose, and how answers are worded."""

from __future__ import annotations

import hmac
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bots.simulator.faults import gateway_page
from bots.simulator.max.limits import PAYLOAD, TOKEN, Faults, MaxRefusedError, wrong
from bots.simulator.max.methods import BotApi, Call
from bots.simulator.max.outgoing import JsonObject
from bots.simulator.max.state import MaxState
from bots.simulator.uploads import served, uploaded

CALLS_MAX: Final = 10_000
FORBIDDEN_ENDS: Final = (".exe", ".bat", ".msi", ".apk")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of the bot and what it was answered: 200, or the error's status with its code and words."""

    verb: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    code: str = ""
    words: str = ""


class ApiServer:
    """Routes of `/max/…`, of the upload server and of pictures that residents send."""

    def __init__(self, token: str, state: MaxState, api: BotApi, *, bytes_max: int) -> None:
        self._token = token
        self._state = state
        self._api = api
        self._bytes_max = bytes_max
        self.faults = Faults()
        self.base = ""
        """Where the bot reaches this server, once it has called."""
        self.calls: deque[Recorded] = deque(maxlen=CALLS_MAX)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.route("*", "/max/{path:.+}", self._answer),
            web.post("/max-upload/{number}", self._upload),
            web.get("/max-picture/{name}", self._picture),
        ]

    def close(self) -> None:
        """Let go of the calls that a fault keeps hanging."""
        self.faults.over.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        faults, struck = self.faults, self.faults.strike(f"{request.method} {path}")
        query = dict(request.query)
        try:
            self._check_token(request)
            if struck and (broken := await self._broken(faults)):
                return broken
            call = await _call_of(request, path, query)
            self.base = str(request.url.origin())
            answer = await self._api.call(call, base=self.base)
        except MaxRefusedError as refused:
            self.calls.append(
                Recorded(request.method, path, query, {}, refused.status, refused.code, refused.words)
            )
            return web.json_response(refused.to_json(), status=refused.status)
        failed = PAYLOAD if answer.get("success") is False else ""
        words = str(answer.get("message", "")) if failed else ""
        self.calls.append(Recorded(request.method, path, query, call.body, 200, failed, words))
        if struck and faults.lose_answer and request.transport:
            request.transport.abort()
        return web.json_response(answer)

    def _check_token(self, request: web.Request) -> None:
        given = request.headers.getall("Authorization", [])
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._token.encode()):
            raise MaxRefusedError(TOKEN)

    async def _broken(self, faults: Faults) -> web.Response | None:
        """Play the fault that does not even read the call; None when the call goes on."""
        await faults.hang()
        if faults.bad_gateway:
            return gateway_page()
        if faults.unsuccessful:
            return web.json_response({"success": False, "message": faults.unsuccessful})
        if faults.code:
            raise MaxRefusedError(faults.code)
        return None

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Another server than the API's: the token has no business here, and errors are plain HTTP."""
        upload = self._state.uploads.get(request.match_info["number"])
        if upload is None or upload.picture or "Authorization" in request.headers:
            raise web.HTTPBadRequest
        is_image = upload.kind == "image"
        file = await uploaded(request, part="data", picture=is_image, bytes_max=self._bytes_max)
        if file.name.lower().endswith(FORBIDDEN_ENDS):
            raise web.HTTPBadRequest
        upload.picture = file
        if is_image:
            return web.json_response({"photos": {f"id{len(file.content)}": {"token": upload.token}}})
        return web.json_response({"fileId": 901_234, "token": upload.token})

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        if "Authorization" in request.headers:
            raise web.HTTPNotFound
        return served(self._state.files, request.match_info["name"])


async def _call_of(request: web.Request, path: str, query: Mapping[str, str]) -> Call:
    raw = await request.read()
    if not raw:
        return Call(request.method, path.split("/"), query)
    if request.content_type != "application/json":
        raise wrong("body: must be JSON")
    try:
        body: JsonObject | object = json.loads(raw)
    except ValueError:
        raise wrong("body: must be JSON") from None
    if not isinstance(body, dict):
        raise wrong("body: must be an object")
    return Call(request.method, path.split("/"), query, body)
