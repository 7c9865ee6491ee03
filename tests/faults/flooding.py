"""Floods: far more requests than residents make, from one chat and from many, slow ones and huge ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Any, Final

import aiohttp

from benchmarks.running import memory_kib
from bots.messengers import TELEGRAM_SECRET
from bots.simulator.telegram.state import Chat
from storage.database import connect
from tests.conftest import SECRETS
from tests.faults.ground import HOST, Engine, Neighbourhood
from tests.faults.living import Resident, residents_of

AT_ONCE: Final = 200
AMID_S: Final = 0.3
# Beside what a process takes for its first messages, a flood may cost so much.
GROWTH_MIB_MAX: Final = 64
FLOODER: Final = 500_000_000
HUGE_BYTES: Final = 20 * 1024 * 1024
DROP_S: Final = 30
HEADERS: Final = {"X-Telegram-Bot-Api-Secret-Token": SECRETS[TELEGRAM_SECRET]}

# How often a chat was told to slow down.
TOLD: Final = "select count(*) from inbox where key like 'flood:%'"

_numbers: Iterator[int] = count(1)

# Replies that the flood has still to be sent, at the pace of a chat.
QUEUED: Final = "select count(*) from outbox where state = 'queued'"


@dataclass(frozen=True, slots=True)
class Flooded:
    """What a flood came to: answers by status, how often a chat was told to slow down, how long a resident
    waited amid it, how many replies are still to be sent, how many MiB the process grew, and how many presses
    were acknowledged.
    """

    statuses: Counter[int]
    told: int
    others_waited_s: float
    queued: int
    grown_mib: float
    took_s: float
    acknowledged: int


async def flood(
    here: Neighbourhood, engine: Engine, *, messages: int, chats: int, pressed: bool = False
) -> Flooded:
    """Post *messages*, or presses, of so many *chats* as fast as can be; a resident asks for the balance meanwhile."""
    update_of = a_press if pressed else an_update
    bystander = (await residents_of(here, most=1))[0]
    here.telegram.start(bystander.chat, "")
    await bystander.hears(lambda message: bool(message["buttons"]))
    for number in range(FLOODER, FLOODER + chats):
        here.telegram._state.chats[number] = Chat(number, str(number))
    before, began = memory_kib(_pid(engine)), monotonic()
    statuses: Counter[int] = Counter()
    numbers = iter(range(messages))
    most = 0

    async def post(http: aiohttp.ClientSession) -> None:
        nonlocal most
        for number in numbers:
            statuses[await _post(http, engine, update_of(FLOODER + number % chats))] += 1
            if number % 200 == 0:
                most = max(most, memory_kib(_pid(engine)))

    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as http:
        waiting = asyncio.create_task(_waits(bystander))
        await asyncio.gather(*(post(http) for _ in range(AT_ONCE)))
        took_s = monotonic() - began
        waited_s = await waiting
    async with connect(here.database.app) as db:
        told, queued = await db.fetchval(TOLD), await db.fetchval(QUEUED)
    acknowledged = sum(call.method == "answerCallbackQuery" for call in here.telegram.calls)
    return Flooded(statuses, told, waited_s, queued, (most - before) / 1024, took_s, acknowledged)


async def _waits(bystander: Resident) -> float:
    """Ask for the balance amid the flood; how long the answer took."""
    await asyncio.sleep(AMID_S)
    began = monotonic()
    bystander.say("баланс")
    await bystander.hears(lambda message: bool(message["buttons"]))
    return monotonic() - began


def an_update(chat: int) -> dict[str, Any]:
    """A message of *chat*, never the same twice."""
    number = next(_numbers)
    person = {"id": chat, "is_bot": False, "first_name": "Олег", "language_code": "ru"}
    message = {
        "message_id": number,
        "from": person,
        "chat": {"id": chat, "first_name": "Олег", "type": "private"},
        "date": 1_795_000_000,
        "text": "баланс",
    }
    return {"update_id": 900_000_000 + number, "message": message}


def a_press(chat: int) -> dict[str, Any]:
    """A press of *chat* on the newest message that it has, never the same twice."""
    update = an_update(chat)
    message = update["message"]
    query = {
        "id": str(message["message_id"]),
        "from": message["from"],
        "message": message,
        "chat_instance": "1",
        "data": "bal",
    }
    return {"update_id": update["update_id"], "callback_query": query}


async def _post(http: aiohttp.ClientSession, engine: Engine, update: dict[str, Any]) -> int:
    async with http.post(url_of(engine), json=update) as answer:
        return answer.status


def url_of(engine: Engine) -> str:
    return f"http://{HOST}:{engine.port}/webhooks/telegram"


def _pid(engine: Engine) -> int:
    assert engine.process.pid is not None
    return engine.process.pid


# --- Slow and huge ----------------------------------------------------------------------------------


async def dribble(engine: Engine, path: str = "/webhooks/telegram") -> int:
    """Send a request whose body never ends, a byte at a time; the status that it is answered with at last."""
    reader, writer = await asyncio.open_connection(HOST, engine.port)
    secret = f"X-Telegram-Bot-Api-Secret-Token: {SECRETS[TELEGRAM_SECRET]}"
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{secret}\r\n{form}\r\n\r\n".encode())
    dribbling = asyncio.create_task(_dribble(writer))
    try:
        async with asyncio.timeout(DROP_S):
            line = await reader.readline()
        return int(line.split()[1]) if line else 0
    finally:
        dribbling.cancel()
        writer.close()


async def _dribble(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.2)


async def post_huge(engine: Engine, *, chunked: bool) -> int:
    """Post 20 MB, said at once or piece by piece; the status that they are answered with, 0 if cut off."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(HUGE_BYTES // 65536):
            yield b" " * 65536

    length = {} if chunked else {"Content-Length": str(HUGE_BYTES)}
    async with aiohttp.ClientSession(headers=HEADERS | length) as http:
        try:
            async with http.post(url_of(engine), data=pieces()) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


def rss_mib(engine: Engine) -> float:
    return memory_kib(_pid(engine)) / 1024
