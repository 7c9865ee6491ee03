"""A group's bot without our adapter, calling the stand-in for Odnoklassniki by hand; for the tests of the stand-in."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bots.simulator.odnoklassniki import OdnoklassnikiStandIn
from tests.making_telegram import Clock, served

BODIES = Path(__file__).parent / "bodies" / "ok"
TOKEN = "tknMADEUPforTESTS:CMADEUPMADEUP"
SECRET = "aVeryLongSecretOfTheTests-42"
RESIDENT = "marina"
NOW = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)
JSON = "application/json;charset=utf-8"


def a_body(name: str) -> dict[str, Any]:
    body = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(body, dict)
    return body


@dataclass
class Heard:
    """A webhook that keeps what it is sent and answers as told."""

    events: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What to answer next; 200 when there is nothing left."""
    pause: asyncio.Event | None = None
    again: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once something came a second time."""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body in self.bodies:
            self.again.set()
        self.bodies.append(body)
        self.events.append(json.loads(body))
        if self.pause:
            await self.pause.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@dataclass
class Group:
    """A group's bot without a library: calls by hand."""

    session: aiohttp.ClientSession
    base: str
    ok: OdnoklassnikiStandIn
    clock: Clock
    heard: Heard

    @property
    def chat(self) -> str:
        """The resident's chat as the platform names it."""
        return str(self.ok._state.chats[RESIDENT].id)

    @property
    def webhook(self) -> str:
        return f"{self.base}/hook/{SECRET}"

    async def call(
        self, verb: str, path: str, body: object = None, *, token: str | None = TOKEN, **query: str
    ) -> dict[str, Any]:
        params = {**({"access_token": token} if token is not None else {}), **query}
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": JSON}
        url = f"{self.base}/graph/{path}"
        async with self.session.request(verb, url, params=params, data=data, headers=headers) as answer:
            assert answer.status == 200
            found = await answer.json()
            assert isinstance(found, dict)
            assert answer.headers.get("invocation-error", "0") == str(found.get("error_code", 0))
            return found

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        return await self.call("GET", path, **query)

    async def post(self, path: str, body: object, **query: str) -> dict[str, Any]:
        return await self.call("POST", path, body, **query)

    async def send(self, text: str = "Здравствуйте", **message: object) -> dict[str, Any]:
        body = {"recipient": {"chat_id": self.chat}, "message": {"text": text} | message}
        return await self.post(f"me/messages/{self.chat}", body)

    async def upload(self, kind: str, content: bytes, media_type: str, name: str = "a.pdf") -> str:
        """The token of an uploaded file."""
        place = await self.get("me/fileUploadUrl", type=kind)
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("file", content, filename=name, content_type=media_type)
        async with self.session.post(place["url"], data=form) as answer:
            assert answer.status == 200
            body = await answer.read()
        if kind != "IMAGE":
            assert body == b""
            return str(place["token"])
        return str(json.loads(body)["photos"][place["file_id"]]["token"])

    def shown(self, after: int = 0) -> Sequence[dict[str, Any]]:
        return self.ok.log(RESIDENT).messages(after)

    async def subscribe(self) -> None:
        assert await self.post("me/subscribe", {"url": self.webhook}) == {"success": True}


@asynccontextmanager
async def a_group(**settings: Any) -> AsyncIterator[Group]:
    clock, heard = Clock(NOW), Heard()
    ok = OdnoklassnikiStandIn(token=TOKEN, clock=clock, **{"retry_scale": 0.0, "settle_s": 0.0} | settings)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes([*ok.routes(), web.post("/hook/{path:.+}", heard.answer)])
    async with served(app) as base, aiohttp.ClientSession() as session:
        await ok.open()
        ok.start(RESIDENT, "")
        try:
            yield Group(session, base, ok, clock, heard)
        finally:
            await ok.close()


def keyboard(*rows: Sequence[dict[str, object]]) -> dict[str, object]:
    return {"type": "INLINE_KEYBOARD", "payload": {"keyboard": {"buttons": list(rows)}}}


def a_button(**fields: object) -> dict[str, object]:
    return {"type": "CALLBACK", "text": "Да", "intent": "DEFAULT", "payload": "yes"} | fields


def a_link(**fields: object) -> dict[str, object]:
    return {"type": "LINK", "text": "Да", "intent": "DEFAULT", "url": "https://example.org"} | fields


def param(what: str) -> dict[str, object]:
    """The refusal of a wrong argument."""
    return {"error_code": 100, "error_msg": f"PARAM : {what}", "error_data": None}
