"""A bot without our adapter, calling the stand-in for MAX by hand; for the tests of the stand-in."""

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

from bots.simulator.max import MaxStandIn
from tests.making_telegram import Clock, served

BODIES = Path(__file__).parent / "bodies" / "max"
# The token that signed the contacts among the sample bodies.
TOKEN = "demo-max-token-not-a-secret"
SECRET = "demo-max-webhook-secret-0001"
RESIDENT = "marina"
NOW = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)


def a_body(name: str) -> dict[str, Any]:
    body = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(body, dict)
    return body


@dataclass
class Heard:
    """A webhook that keeps what it is sent and answers as told."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What to answer next; 200 when there is nothing left."""
    again: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once something came a second time."""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body in self.bodies:
            self.again.set()
        self.bodies.append(body)
        self.updates.append(json.loads(body))
        self.secrets.append(request.headers.get("X-Max-Bot-Api-Secret"))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@dataclass
class Bot:
    """A bot without a library: calls by hand."""

    session: aiohttp.ClientSession
    base: str
    max: MaxStandIn
    clock: Clock
    heard: Heard
    token: str | None = TOKEN

    @property
    def person(self) -> int:
        """The resident as the platform names them."""
        return self.max._state.chats[RESIDENT].user_id

    @property
    def dialog(self) -> int:
        return self.max._state.chats[RESIDENT].id

    @property
    def webhook(self) -> str:
        return f"{self.base}/webhooks/max"

    async def call(
        self, verb: str, path: str, body: object = None, **query: object
    ) -> tuple[int, dict[str, Any]]:
        headers = {} if self.token is None else {"Authorization": self.token}
        params = {name: str(value) for name, value in query.items()}
        url = f"{self.base}/max/{path}"
        async with self.session.request(verb, url, params=params, json=body, headers=headers) as answer:
            found = await answer.json()
            assert isinstance(found, dict)
            return answer.status, found

    async def done(self, verb: str, path: str, body: object = None, **query: object) -> dict[str, Any]:
        status, answer = await self.call(verb, path, body, **query)
        assert status == 200, answer
        return answer

    async def send(self, text: str | None = "Здравствуйте", **fields: object) -> tuple[int, dict[str, Any]]:
        return await self.call("POST", "messages", {"text": text} | fields, user_id=self.person)

    async def sent(self, text: str | None = "Здравствуйте", **fields: object) -> str:
        """The id of a message that is taken."""
        status, answer = await self.send(text, **fields)
        assert status == 200, answer
        return str(answer["message"]["body"]["mid"])

    async def upload(self, kind: str, content: bytes, media_type: str, name: str = "a.pdf") -> str:
        """The token of an uploaded file."""
        place = await self.done("POST", "uploads", type=kind)
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("data", content, filename=name, content_type=media_type)
        async with self.session.post(place["url"], data=form) as answer:
            assert answer.status == 200
            body = await answer.json()
        [token] = [each["token"] for each in body["photos"].values()] if kind == "image" else [body["token"]]
        return str(token)

    def shown(self, after: int = 0) -> Sequence[dict[str, Any]]:
        return self.max.log(RESIDENT).messages(after)

    async def subscribe(self) -> None:
        wanted = {"url": self.webhook, "secret": SECRET}
        assert await self.done("POST", "subscriptions", wanted) == {"success": True}


@asynccontextmanager
async def a_bot(**settings: Any) -> AsyncIterator[Bot]:
    clock, heard = Clock(NOW), Heard()
    usual = {"retry_scale": 0.0, "unready": 0, "calls_per_s": 10_000, "chat_per_s": 10_000}
    stand_in = MaxStandIn(token=TOKEN, clock=clock, **usual | settings)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes([*stand_in.routes(), web.post("/webhooks/max", heard.answer)])
    async with served(app) as base, aiohttp.ClientSession() as session:
        await stand_in.open()
        stand_in.start(RESIDENT, "")
        try:
            yield Bot(session, base, stand_in, clock, heard)
        finally:
            await stand_in.close()


def keyboard(*rows: Sequence[dict[str, object]]) -> dict[str, object]:
    return {"type": "inline_keyboard", "payload": {"buttons": list(rows)}}


def a_button(**fields: object) -> dict[str, object]:
    return {"type": "callback", "text": "Да", "payload": "yes"} | fields


def a_link(**fields: object) -> dict[str, object]:
    return {"type": "link", "text": "Да", "url": "https://example.org"} | fields
