"""A bot without a library, calling the stand-in for Viber by hand and hearing it; for the tests of the stand-in."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bots.simulator.viber import ViberStandIn

BODIES = Path(__file__).parent / "bodies" / "viber"
TOKEN = "demo0000demo0000-demo0000demo0000-demo0000demo0000"
RESIDENT = "marina"
NOW = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def a_body(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return body


@dataclass
class Heard:
    """An event as it was posted."""

    body: dict[str, Any]
    raw: bytes
    signature: str
    sig: str

    @property
    def kind(self) -> str:
        return str(self.body["event"])


@dataclass
class Bot:
    """A bot without a library. `answers` are what it answers events with, the last one for ever: status, body."""

    session: aiohttp.ClientSession
    base: str
    viber: ViberStandIn
    heard: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "")])
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    async def call(self, method: str, token: str = TOKEN, **fields: Any) -> dict[str, Any]:
        headers = {"X-Viber-Auth-Token": token}
        # Written as escapes, 7000 Russian letters would be more than the 30 KB of a request.
        body = json.dumps(fields, ensure_ascii=False).encode()
        async with self.session.post(f"{self.base}/pa/{method}", data=body, headers=headers) as answer:
            assert answer.status == 200
            answered: dict[str, Any] = await answer.json()
            return answered

    async def done(self, method: str, **fields: Any) -> dict[str, Any]:
        answer = await self.call(method, **fields)
        assert answer["status"] == 0, self.viber.calls[-1]
        return answer

    async def status(self, method: str, **fields: Any) -> int:
        """What Viber answers by its number."""
        number: int = (await self.call(method, **fields))["status"]
        return number

    async def send(self, **fields: object) -> dict[str, Any]:
        return await self.call("send_message", **self.a_message(**fields))

    def a_message(self, **fields: object) -> dict[str, Any]:
        usual = {
            "receiver": self.viber.user(RESIDENT),
            "sender": {"name": "ЕРКЦ"},
            "type": "text",
            "text": "Да?",
        }
        return {key: value for key, value in (usual | fields).items() if value is not None}

    async def next(self, kind: str) -> Heard:
        """The next event of this *kind*; what comes before it is passed over."""
        async with asyncio.timeout(10):
            while (event := await self.heard.get()).kind != kind:
                pass
        return event

    def shown(self) -> list[dict[str, Any]]:
        return self.viber.log(RESIDENT).messages(0)

    async def hook(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.heard.put_nowait(
            Heard(
                json.loads(raw),
                raw,
                request.headers.get("X-Viber-Content-Signature", ""),
                request.query.get("sig", ""),
            )
        )
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, text=body)

    async def give(self, request: web.Request) -> web.Response:
        kind, content = self.files[request.match_info["name"]]
        return web.Response(body=content, content_type=kind)


def signature_of(raw: bytes) -> str:
    return hmac.new(TOKEN.encode(), raw, "sha256").hexdigest()


@asynccontextmanager
async def a_bot(**settings: Any) -> AsyncIterator[Bot]:
    """A bot with its webhook set."""
    viber = ViberStandIn(token=TOKEN, clock=lambda: NOW, **({"retry_scale": 0.0} | settings))
    app = web.Application()
    app.add_routes(viber.routes())
    async with aiohttp.ClientSession() as session:
        bot = Bot(session, "", viber)
        app.add_routes([web.post("/hook", bot.hook), web.get("/files/{name}", bot.give)])
        async with TestServer(app) as server:
            bot.base = str(server.make_url("/")).rstrip("/")
            await viber.open()
            await bot.done("set_webhook", url=f"{bot.base}/hook")
            await bot.next("webhook")
            yield bot
            await viber.close()


async def begin(bot: Bot) -> None:
    """Have the resident write his first word."""
    bot.viber.look(RESIDENT, "")
    bot.viber.say(RESIDENT, "Здравствуйте")
    await bot.next("message")


def a_keyboard(*buttons: dict[str, object], **fields: object) -> dict[str, object]:
    return {"Type": "keyboard", "Buttons": list(buttons) or [a_button()]} | fields


def a_button(**fields: object) -> dict[str, object]:
    return {"ActionBody": "m:x", "Text": "Да", "Columns": 6, "Rows": 1} | fields
