"""The Bot API over HTTP: who may call, what goes wrong on purpose, and how answers are worded."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import BodyPartReader, web

from bots.simulator.max.limits import PAYLOAD, TOKEN, Faults, MaxRefusedError, wrong
from bots.simulator.max.methods import BotApi, Call
from bots.simulator.max.outgoing import JsonObject
from bots.simulator.max.state import MaxState
from bots.simulator.residents import Picture

CALLS_MAX: Final = 10_000
SIGNATURES: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
FORBIDDEN_ENDS: Final = (".exe", ".bat", ".msi", ".apk")
BAD_GATEWAY: Final = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


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
        if faults.hang_s:
            try:
                async with asyncio.timeout(faults.hang_s):
                    await faults.over.wait()
            except TimeoutError:
                pass
        if faults.bad_gateway:
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        if faults.unsuccessful:
            return web.json_response({"success": False, "message": faults.unsuccessful})
        if faults.code:
            raise MaxRefusedError(faults.code)
        return None

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Another server than the API's: the token has no business here, and errors are plain HTTP."""
        upload = self._state.uploads.get(request.match_info["number"])
        if (
            upload is None
            or upload.picture
            or "Authorization" in request.headers
            or request.content_type != "multipart/form-data"
        ):
            raise web.HTTPBadRequest
        part = await (await request.multipart()).next()
        if not isinstance(part, BodyPartReader) or part.name != "data" or not part.filename:
            raise web.HTTPBadRequest
        kind = part.headers.get("Content-Type", "application/octet-stream")
        content = bytes(await part.read(decode=True))
        if len(content) > self._bytes_max:
            raise web.HTTPRequestEntityTooLarge(self._bytes_max, len(content))
        if not content or part.filename.lower().endswith(FORBIDDEN_ENDS):
            raise web.HTTPBadRequest
        if upload.kind == "image" and not content.startswith(SIGNATURES.get(kind, b"\0")):
            raise web.HTTPBadRequest
        upload.picture = Picture(part.filename, kind, content)
        if upload.kind == "image":
            return web.json_response({"photos": {f"id{len(content)}": {"token": upload.token}}})
        return web.json_response({"fileId": 901_234, "token": upload.token})

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        picture = self._state.files.get(request.match_info["name"])
        if picture is None or not picture.type.startswith("image/") or "Authorization" in request.headers:
            raise web.HTTPNotFound
        return web.Response(body=picture.content, content_type=picture.type)


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
