"""The Bot API over HTTP: who may call, what goes wrong on purpose, and how answers are worded."""

import hmac
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bots.simulator.faults import gateway_page
from bots.simulator.telegram.limits import Faults, TelegramRefusedError, too_many_requests
from bots.simulator.telegram.methods import BotApi, Result
from bots.simulator.telegram.requests import Call, read_call
from bots.simulator.telegram.state import JsonObject, TelegramState

CALLS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of the bot and what it was answered: 200, or Telegram's code with its description."""

    method: str
    fields: JsonObject
    code: int
    description: str


class ApiServer:
    """Routes of `/bot<token>/…` and `/file/bot<token>/…`."""

    def __init__(self, token: str, state: TelegramState, api: BotApi, *, bytes_max: int) -> None:
        self._token = token
        self._state = state
        self._api = api
        self._bytes_max = bytes_max
        self.faults = Faults()
        self.calls: deque[Recorded] = deque(maxlen=CALLS_MAX)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.route("*", "/bot{token}/{method}", self._answer),
            web.get("/file/bot{token}/{path:.+}", self._download),
        ]

    def close(self) -> None:
        """Let go of the calls that a fault keeps hanging."""
        self.faults.over.set()

    async def execute(self, fields: JsonObject) -> None:
        """Do the call that the answer to a webhook carried; how it went is told to nobody."""
        call = Call(
            str(fields["method"]), {name: value for name, value in fields.items() if name != "method"}
        )
        await self._try(call)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if not self._authentic(request):
            return _refusal(TelegramRefusedError(401, "Unauthorized"))
        struck = self.faults.strike(method)
        if struck and (broken := await self._broken()):
            await request.read()
            return broken
        try:
            call = await read_call(request, method, bytes_max=self._bytes_max)
        except TelegramRefusedError as refused:
            self._record(Call(method, {}), refused.code, refused.description)
            return _refusal(refused)
        outcome = await self._try(call)
        if struck and self.faults.lose_answer and request.transport:
            request.transport.abort()
        if isinstance(outcome, TelegramRefusedError):
            return _refusal(outcome)
        remark = {} if outcome.description is None else {"description": outcome.description}
        return web.json_response({"ok": True, "result": outcome.value} | remark)

    async def _try(self, call: Call) -> Result | TelegramRefusedError:
        try:
            result = await self._api.call(call)
        except TelegramRefusedError as refused:
            self._record(call, refused.code, refused.description)
            return refused
        self._record(call, 200, "")
        return result

    def _record(self, call: Call, code: int, description: str) -> None:
        files: JsonObject = {name: upload.name for name, upload in call.uploads.items()}
        self.calls.append(Recorded(call.method, call.fields | files, code, description))

    async def _broken(self) -> web.Response | None:
        """Play the fault that does not even read the call; None when the call goes on."""
        faults = self.faults
        await faults.hang()
        if faults.unauthorized:
            return _refusal(TelegramRefusedError(401, "Unauthorized"))
        if faults.server_error:
            return _refusal(TelegramRefusedError(500, "Internal Server Error: restart"))
        if faults.bad_gateway:
            return gateway_page()
        if faults.retry_after_s:
            return _refusal(too_many_requests(faults.retry_after_s))
        return None

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if not self._authentic(request):
            return _refusal(TelegramRefusedError(401, "Unauthorized"))
        stored = self._state.file_at(request.match_info["path"])
        if stored is None:
            return _refusal(TelegramRefusedError(404, "Not Found"))
        return web.Response(body=stored.picture.content, content_type="application/octet-stream")

    def _authentic(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.match_info["token"].encode(), self._token.encode())


def _refusal(refused: TelegramRefusedError) -> web.Response:
    body: JsonObject = {"ok": False, "error_code": refused.code, "description": refused.description}
    headers = {}
    if refused.parameters:
        body["parameters"] = refused.parameters
    if "retry_after" in refused.parameters:
        headers["Retry-After"] = str(refused.parameters["retry_after"])
    return web.json_response(body, status=refused.code, headers=headers)
