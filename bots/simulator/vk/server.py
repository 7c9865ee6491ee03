"""VK's API over HTTP: who may call, what goes wrong on purpose, upload servers and Long Poll."""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bots.simulator.faults import gateway_page
from bots.simulator.residents import Picture
from bots.simulator.vk.community import CommunityApi
from bots.simulator.vk.events import Events
from bots.simulator.vk.limits import (
    DOCUMENT_BYTES_MAX,
    Faults,
    JsonObject,
    Pace,
    VkCallRefusedError,
    picture_sides,
)
from bots.simulator.vk.methods import Call, MessagesApi, Upload, hash_of
from bots.simulator.vk.state import VkState, media_type

CALLS_MAX: Final = 10_000
FORBIDDEN_ENDINGS: Final = (".mp3", ".exe", ".com", ".bat", ".apk")
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of the bot and what it was answered: 0, or VK's code with its words."""

    method: str
    fields: Mapping[str, object]
    code: int
    description: str


class ApiServer:
    """Routes of `/method/…`, and of `/vk/…` for what VK serves from other hosts."""

    def __init__(
        self,
        token: str,
        state: VkState,
        messages: MessagesApi,
        events: Events,
        *,
        confirmation: str,
        pace: Pace,
    ) -> None:
        self._token = token
        self._state = state
        self._messages = messages
        self._events = events
        self._community = CommunityApi(state, events, confirmation=confirmation, perform=self._perform)
        self._pace = pace
        self._closing = asyncio.Event()
        self.faults = Faults()
        self.origin = "http://127.0.0.1"
        """Where the bot reaches us, as its last call said."""
        self.calls: deque[Recorded] = deque(maxlen=CALLS_MAX)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.route("*", "/method/{method}", self._answer),
            web.post("/vk/upload/{kind}/{number}", self._upload),
            web.get("/vk/whp/{group}", self._poll),
            web.get("/vk/files/{name}", self._download),
        ]

    def close(self) -> None:
        """Let go of the calls that a fault keeps hanging and of the long polls."""
        self.faults.over.set()
        self._closing.set()
        self._events.wake()

    # --- Calls -----------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        struck = self.faults.strike(method)
        if struck and (broken := await self._broken(method)):
            await request.read()
            return broken
        fields = dict(request.query)
        if request.content_type in FORMS:  # a body of another kind is not read
            fields |= {name: str(value) for name, value in (await request.post()).items()}
        try:
            self._admit(request, fields)
            self.origin = str(request.url.origin())
            call = Call(fields, self.origin)
            result = await self._perform(method, call)
        except VkCallRefusedError as refused:
            self._record(method, fields, refused.code, str(refused))
            return _refusal(method, fields, refused)
        self._record(method, fields, 0, "")
        if struck and self.faults.lose_answer and request.transport:
            request.transport.abort()
        return web.json_response({"response": result})

    def _admit(self, request: web.Request, fields: Mapping[str, object]) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ") or fields.get("access_token")
        if not hmac.compare_digest(str(given or "").encode(), self._token.encode()):
            raise VkCallRefusedError(5)
        if not str(fields.get("v", "")).startswith("5."):
            raise VkCallRefusedError(8, "v (version) is required")
        self._pace.spend()

    async def _perform(self, method: str, call: Call) -> object:
        if (simple := self._messages.methods.get(method)) is not None:
            return simple(call)
        if (awaited := self._community.methods.get(method)) is not None:
            return await awaited(call)
        raise VkCallRefusedError(3)

    def _record(self, method: str, fields: Mapping[str, object], code: int, description: str) -> None:
        self.calls.append(Recorded(method, dict(fields), code, description))

    async def _broken(self, method: str) -> web.Response | None:
        """Play the fault that does not even read the call; None when the call goes on."""
        faults = self.faults
        await faults.hang()
        if faults.server_error or faults.bad_gateway:
            status = 500 if faults.server_error else 502
            return gateway_page(status)
        if faults.retry_after_s:
            return gateway_page(429, {"Retry-After": str(faults.retry_after_s)})
        if faults.code:
            refused = VkCallRefusedError(faults.code)
            self._record(method, {}, refused.code, str(refused))
            return _refusal(method, {}, refused)
        return None

    # --- What is on other hosts ------------------------------------------------------------------

    async def _upload(self, request: web.Request) -> web.Response:
        """The second step of an upload; takes no token, and answers in a shape of its own."""
        kind = request.match_info["kind"]
        part = (await request.post()).get("photo" if kind == "photo" else "file")
        if not isinstance(part, web.FileField):
            return web.json_response({"error": "no_file", "error_descr": "no file"})
        content = part.file.read()
        if kind == "photo":
            kind = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
            return self._take_picture(Picture(part.filename, kind, content))
        forbidden = part.filename.lower().endswith(FORBIDDEN_ENDINGS) or "." not in part.filename
        if self.faults.upload or not content or forbidden or len(content) > DOCUMENT_BYTES_MAX:
            return web.json_response({"error": "bad_file", "error_descr": "unsupported file"})
        token = f"{self._state.group}|0|-1|{self._token_of_upload()}|{part.filename}"
        self._messages.keep_upload(
            token, Upload("doc", Picture(part.filename, media_type(part.filename), content))
        )
        return web.json_response({"file": token})

    def _take_picture(self, picture: Picture) -> web.Response:
        token = self._token_of_upload()
        sides = None if self.faults.upload else picture_sides(picture.content)
        if sides is None:
            return web.json_response({"server": 857236, "photo": "[]", "hash": hash_of(token)})
        self._messages.keep_upload(token, Upload("photo", picture, sides))
        photo = json.dumps([{"markers_restarted": True, "photo": token, "sizes": []}])
        return web.json_response({"server": 857236, "photo": photo, "hash": hash_of(token)})

    def _token_of_upload(self) -> str:
        return f"{self._state.chance.getrandbits(64):016x}"

    async def _poll(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("act") != "a_check":
            return web.json_response({"failed": 2})
        wait = query.get("wait", "25")
        wait_s = float(wait) if wait.isascii() and wait.isdigit() else 25.0
        answer = await self._events.check(
            query.get("key", ""), query.get("ts", ""), wait_s, closing=self._closing.is_set
        )
        return web.json_response(answer)

    async def _download(self, request: web.Request) -> web.Response:
        stored = self._state.file(request.match_info["name"])
        if stored is None:
            raise web.HTTPNotFound
        return web.Response(body=stored.picture.content, content_type=stored.picture.type)


def _refusal(method: str, fields: Mapping[str, object], refused: VkCallRefusedError) -> web.Response:
    asked = {"method": method, "oauth": "1"} | {name: str(value) for name, value in fields.items()}
    params = [{"key": name, "value": value} for name, value in asked.items() if name != "access_token"]
    error: JsonObject = {"error_code": refused.code, "error_msg": str(refused), "request_params": params}
    if refused.code == 14:
        error |= {"captcha_sid": "239633676097", "captcha_img": "https://api.vk.ru/captcha.php?sid=1"}
    return web.json_response({"error": error})
