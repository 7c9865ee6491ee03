"""Whether the memory of `kvitok serve` stays flat over many messages (`make soak`).

A real process, on a durable PostgreSQL of its own, is posted Telegram's webhooks as fast as it takes them; its
replies go to a sink that answers as Telegram does. Memory is read from /proc after each hundredth of the
messages. Status 1 if the median of the last quarter is more than a tenth above that of the first.
SOAK_MESSAGES= and SOAK_MINUTES= change how many messages and how long at most.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, time
from typing import Any, Final

import aiohttp
import uvloop
import yaml
from aiohttp import web
from rich.console import Console

from benchmarks.ground import BILLING, FIRST_CHAT, MASTER, Ground, ground
from benchmarks.ports import free_port
from benchmarks.running import memory_kib

MESSAGES: Final = 100_000
MINUTES: Final = 25
ACCOUNTS: Final = 500
CHATS: Final = 2_000
POSTING_AT_ONCE: Final = 48
# So many replies may be on their way before no more is asked.
BACKLOG_MAX: Final = 1_000
SAMPLES: Final = 100
GROWTH_MAX: Final = 1.10
START_S: Final = 120
RESULTS: Final = Path(__file__).parent / "results" / "soak.json"

SERVE: Final = "from bots.cli import main; main()"
TOKEN: Final = "7012345678:token-of-the-sink-for-soaking"
SECRET: Final = "secret-of-the-sink"
SAID: Final = ("баланс", "показания", "история", "подробнее", "помощь", "оплатить", "что-то другое", "меню")


@dataclass
class Sink:
    """Takes what is sent, and answers as Telegram's servers do; each reply makes *room* for a message."""

    taken: int = 0
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BACKLOG_MAX))

    async def answer(self, request: web.Request) -> web.Response:
        call = await request.post() if request.content_type != "application/json" else await request.json()
        if request.match_info["method"].lower() != "sendmessage":
            return web.json_response({"ok": True, "result": True})
        self.taken += 1
        self.room.release()
        chat = {"id": int(str(call["chat_id"])), "type": "private"}
        sent = {"message_id": self.taken, "date": int(time()), "chat": chat, "text": "…"}
        return web.json_response({"ok": True, "result": sent})


@dataclass
class Soak:
    """What was asked so far, and how much memory the process had then, in KiB."""

    pid: int
    url: str
    messages: int
    sink: Sink
    posted: int = 0
    samples: list[int] = field(default_factory=list)

    async def run(self, minutes: float) -> None:
        """Post all messages, or as many as fit into *minutes*."""
        until = monotonic() + minutes * 60
        numbers = iter(range(self.messages))
        connector = aiohttp.TCPConnector(limit=POSTING_AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as http:
            await asyncio.gather(*(self._post_all(http, numbers, until) for _ in range(POSTING_AT_ONCE)))

    async def _post_all(self, http: aiohttp.ClientSession, numbers: Any, until: float) -> None:
        for number in numbers:
            try:
                async with asyncio.timeout(until - monotonic()):
                    await self.sink.room.acquire()
            except TimeoutError:
                return
            await self._post(http, number)
            self.posted += 1
            if self.posted % max(1, self.messages // SAMPLES) == 0:
                self.samples.append(memory_kib(self.pid))

    async def _post(self, http: aiohttp.ClientSession, number: int) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        while True:
            async with http.post(self.url, json=an_update(number), headers=headers) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.5)

    @property
    def quarters(self) -> tuple[float, float]:
        """The median memory of the first and of the last quarter of the messages, in KiB."""
        quarter = max(1, len(self.samples) // 4)
        return statistics.median(self.samples[:quarter]), statistics.median(self.samples[-quarter:])


def an_update(number: int) -> dict[str, Any]:
    """The *number*th message: each chat in turn says each thing in turn."""
    turn, place = divmod(number, CHATS)
    chat = FIRST_CHAT + place
    resident = {"id": chat, "is_bot": False, "first_name": "Галина", "language_code": "ru"}
    return {
        "update_id": 10_000_000 + number,
        "message": {
            "message_id": turn + 1,
            "from": resident,
            "chat": {"id": chat, "first_name": "Галина", "type": "private"},
            "date": int(time()),
            "text": SAID[(turn + place) % len(SAID)],
        },
    }


# --- The process ----------------------------------------------------------------------------------


@asynccontextmanager
async def sinking() -> AsyncIterator[tuple[Sink, int]]:
    """A sink on a port of its own."""
    sink = Sink()
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", sink.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield sink, int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def served(here: Ground, *, sink_port: int, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """`kvitok serve` on *port*, its Telegram on *sink_port*."""
    with TemporaryDirectory(prefix="kvitok-soak-") as folder:
        config, log = Path(folder) / "config.yaml", Path(folder) / "log"
        channel = {"mode": "open", "api_base": f"http://127.0.0.1:{sink_port}", "messages_per_s": 1000}
        content = {
            "centre": {"name": "ЕРКЦ"},
            "server": {"public_url": f"http://127.0.0.1:{port}", "port": port},
            "channels": {"telegram": channel},
        }
        config.write_text(yaml.safe_dump(content), encoding="utf-8")
        secrets = {
            "KVITOK_DATABASE_URL": here.server.url("app"),
            "KVITOK_SECRET_KEY": MASTER,
            "KVITOK_BILLING_KEY": BILLING,
            "KVITOK_TELEGRAM_TOKEN": TOKEN,
            "KVITOK_TELEGRAM_SECRET": SECRET,
        }
        command = (sys.executable, "-c", SERVE, "serve", "--config", str(config))
        with log.open("w") as stderr:
            process = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, **secrets}, stdout=stderr, stderr=stderr
            )
        try:
            await _ready(f"http://127.0.0.1:{port}/healthz", process, log)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(START_S):
        while True:
            if process.returncode is not None:
                raise RuntimeError(log.read_text(errors="replace")[-4000:])
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


# --- The result -----------------------------------------------------------------------------------


def main() -> int:
    """Soak, print, write down; the status is 1 if memory grew."""
    messages = int(os.environ.get("SOAK_MESSAGES", MESSAGES))
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        soaked, took_s = runner.run(soak(messages, minutes))
    first, last = soaked.quarters
    result = {
        "messages": soaked.posted,
        "replies": soaked.sink.taken,
        "seconds": round(took_s),
        "messages_per_s": round(soaked.posted / took_s, 1),
        "first_quarter_mib": round(first / 1024, 1),
        "last_quarter_mib": round(last / 1024, 1),
        "most_mib": round(max(soaked.samples) / 1024, 1),
        "ratio": round(last / first, 3),
        "samples_mib": [round(sample / 1024, 1) for sample in soaked.samples],
        "machine": machine(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    Console().print({name: value for name, value in result.items() if name != "samples_mib"})
    return int(last / first > GROWTH_MAX or soaked.posted < messages)


async def soak(messages: int, minutes: float) -> tuple[Soak, float]:
    """Soak a process of our own; returns what became of it and how long it took."""
    async with ground(accounts=ACCOUNTS, chats=CHATS) as here, sinking() as (sink, sink_port):
        port = free_port()
        async with served(here, sink_port=sink_port, port=port) as process:
            began = monotonic()
            url = f"http://127.0.0.1:{port}/webhooks/telegram"
            soaked = Soak(process.pid, url, messages, sink)
            await soaked.run(minutes)
            return soaked, monotonic() - began


def machine() -> dict[str, Any]:
    """What this was measured on."""
    return {
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[2], 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


if __name__ == "__main__":
    sys.exit(main())
