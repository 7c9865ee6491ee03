"""A bot without a library, calling the stand-in for Telegram by hand; for the tests of the stand-in."""

import io
import json
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from bots.simulator.telegram import TelegramStandIn

BODIES = Path(__file__).parent / "bodies" / "telegram"
TOKEN = "7012345678:made-up-for-tests"
RESIDENT = 412587349
BURST = 5


def a_picture(width: int = 800, height: int = 533, size: int = 0) -> bytes:
    """A PNG of the given sides, filled up to *size* bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    png += struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return png.ljust(size, b"\0")


@dataclass
class Clock:
    now: datetime = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bot:
    """A bot without a library: calls by hand."""

    session: aiohttp.ClientSession
    base: str
    telegram: TelegramStandIn
    clock: Clock

    async def call(self, method: str, **fields: object) -> tuple[int, dict[str, object]]:
        async with self.session.post(f"{self.base}/bot{TOKEN}/{method}", json=fields) as answer:
            return answer.status, await answer.json()

    async def done(self, method: str, **fields: object) -> dict[str, object]:
        status, answer = await self.call(method, **fields)
        assert (status, answer["ok"]) == (200, True), answer
        result = answer["result"]
        return result if isinstance(result, dict) else {"result": result}

    async def refused(self, method: str, **fields: object) -> tuple[int, str]:
        status, answer = await self.call(method, **fields)
        assert answer["ok"] is False
        assert answer["error_code"] == status
        return status, str(answer["description"])

    async def upload(
        self, method: str, part: str, name: str, content: bytes, **fields: str
    ) -> dict[str, object]:
        form = aiohttp.FormData(fields, quote_fields=False)
        form.add_field(part, io.BytesIO(content), filename=name, content_type="application/octet-stream")
        async with self.session.post(f"{self.base}/bot{TOKEN}/{method}", data=form) as answer:
            body = await answer.json()
            assert isinstance(body, dict)
            return body | {"status": answer.status}

    async def updates(self, offset: int = 0) -> list[dict[str, object]]:
        status, answer = await self.call("getUpdates", offset=offset, timeout=5)
        assert status == 200
        assert isinstance(answer["result"], list)
        return answer["result"]

    def shown(self, after: int = 0) -> list[dict[str, object]]:
        return self.telegram.log(str(RESIDENT)).messages(after)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_bot(**settings: object) -> AsyncIterator[Bot]:
    clock = Clock()
    made: dict[str, object] = {"retry_scale": 0.0, "chat_burst": BURST} | settings
    telegram = TelegramStandIn(token=TOKEN, clock=clock, **made)  # type: ignore[arg-type]  # settings by name
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes(telegram.routes())
    async with served(app) as base, aiohttp.ClientSession() as session:
        await telegram.open()
        try:
            yield Bot(session, base, telegram, clock)
        finally:
            await telegram.close()


async def begin(bot: Bot) -> None:
    bot.telegram.start(str(RESIDENT), "")
    [update] = await bot.updates()
    status, _ = await bot.call("getUpdates", offset=int(str(update["update_id"])) + 1)
    assert status == 200


def keyboard(*rows: int, data: str = "x") -> dict[str, object]:
    return {"inline_keyboard": [[{"text": "Да", "callback_data": data}] * buttons for buttons in rows]}


def inline(**button: object) -> dict[str, object]:
    return {"inline_keyboard": [[{"text": "Да"} | button]]}


def a_body(name: str) -> dict[str, object]:
    body = json.loads((BODIES / f"{name}.json").read_text())
    assert isinstance(body, dict)
    return body


async def a_press(bot: Bot) -> dict[str, object]:
    await bot.done("sendMessage", chat_id=RESIDENT, text="Да?", reply_markup=keyboard(1, data="yes"))
    bot.telegram.press(str(RESIDENT), int(str(bot.shown()[-1]["id"])), "yes")
    press = (await bot.updates())[-1]["callback_query"]
    assert isinstance(press, dict)
    return press


def shape_of(value: object) -> object:
    """Which keys and kinds of values there are, without the values."""
    match value:
        case dict():
            return {key: shape_of(inner) for key, inner in value.items()}
        case list():
            return [shape_of(inner) for inner in value[:1]]
        case _:
            return type(value).__name__
