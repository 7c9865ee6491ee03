"""The whole service with a wire before it that doubles, holds up and remembers what platforms post."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from typing import Any, Final, cast

import aiohttp
import msgspec
from aiohttp import web
from multidict import CIMultiDict

from benchmarks.ports import free_port
from bots.clock import BusinessClock
from bots.configuration import Configuration, Secrets
from bots.listening import listening
from bots.simulator.surroundings import HOST, Surroundings, simulated_configuration
from core.messages import Message, MessageClass, Span
from storage import outbox
from storage.database import Pool, open_pool
from storage.outbox import Outgoing
from tests.conftest import NOW, SECRETS, Town, copy_of
from tests.hurrying import hurried
from tests.phones import LOOK_AGAIN_MS, PATIENCE_S, Phone
from tests.platforms import PLATFORMS, Platform, Post, Struck
from tests.talking import Talk

_names = count(1)

# What a request brings that belongs to its connection and not to itself.
_HOP: Final = (
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "content-encoding",
)

# Messages that are not at their end.
UNDELIVERED: Final = """
select count(*) from outbox where channel = $1 and state in ('queued', 'sending', 'unknown')
"""
# Has everything of a channel that waits for its time be due, as if the time had passed.
PASSED: Final = (
    "update lane set due_at = clock_timestamp() where channel = $1 and due_at > clock_timestamp()",
    "update bucket set held_until = null where channel = $1",
)
# What the service knows.
KNOWN: Final = """
select (select count(*) from inbox) as keys, (select count(*) from chat) as chats,
  (select count(*) from outbox) as messages, (select count(*) from event) as events
"""


class Wire:
    """Passes on what is sent to the service; *times* each post, or none while it is *holding*."""

    def __init__(self, http: aiohttp.ClientSession, target: str) -> None:
        self._http = http
        self._target = target
        self.times = 1
        self.holding = False
        self.passed: list[tuple[str, Post]] = []
        """The posts to webhooks, with their addresses."""

    async def serve(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        post = Post(await request.read(), headers, request.raw_path)
        if not request.path.startswith("/webhooks/"):
            return await self._pass(request.method, post)
        self.passed.append((request.path, post))
        if self.holding:
            return web.Response(text="ok")
        answers = await asyncio.gather(*(self._pass(request.method, post) for _ in range(self.times)))
        return answers[0]

    async def again(self, *posts: Post) -> list[int]:
        """Post what was passed once more, one after the other; the statuses."""
        return [(await self._pass("POST", post)).status for post in posts]

    async def _pass(self, method: str, post: Post) -> web.Response:
        async with self._http.request(
            method,
            f"{self._target}{post.behind}",
            data=post.body,
            headers=post.headers,
            allow_redirects=False,
        ) as answer:
            headers = CIMultiDict(
                (name, value) for name, value in answer.headers.items() if name.lower() not in _HOP
            )
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


@dataclass(frozen=True)
class Bench:
    """A service that runs, and what is around it; *address* leads to it directly."""

    around: Surroundings
    configuration: Configuration
    pool: Pool
    http: aiohttp.ClientSession
    wire: Wire

    def channel(self, name: str) -> Tried:
        return Tried(self, PLATFORMS[name], cast("Struck", self.around.channels[name]))


@dataclass(frozen=True)
class Tried:
    """One channel of a service that runs."""

    bench: Bench
    platform: Platform
    stand_in: Struck
    _newcomers: list[Phone] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.platform.name

    # --- What platforms and residents do -------------------------------------------------------------

    async def post(self, post: Post) -> tuple[int, bytes]:
        """What the service answers to *post*."""
        address = f"{self.bench.around.address}/webhooks/{self.name}{post.behind}"
        async with self.bench.http.post(address, data=BytesIO(post.body), headers=post.headers) as answer:
            return answer.status, await answer.read()

    def talk(self) -> Talk:
        """A talk in a chat that nobody had yet."""
        talk = Talk(self.bench.around, self.bench.pool, self.bench.http, self.name)
        talk.phone = talk.chat(f"tester{next(_names)}")
        return talk

    async def newcomer(self) -> Phone:
        """A phone on which the chat was started and answered."""
        phone = self.talk().phone
        await phone.do("start")
        assert await phone.next() is not None
        await self.delivered()
        return phone

    async def greeted(self) -> None:
        """A resident says hello and is answered: the channel works."""
        phone = await self.newcomer()
        assert await heard(phone, "помощь")

    # --- What the service does ------------------------------------------------------------------------

    async def known(self) -> Mapping[str, int]:
        """How much the service remembers."""
        async with self.bench.pool.acquire() as db:
            [row] = await db.fetch(KNOWN)
            return dict(row)

    async def one(self, query: str, *args: object) -> Any:
        """The one value that *query* finds."""
        async with self.bench.pool.acquire() as db:
            return await db.fetchval(query, *args)

    async def last_chat(self) -> int:
        """The number of the newest chat."""
        return int(await self.one("select max(id) from chat where channel = $1", self.name))

    async def tell(self, chat: int, *words: str, message_class: MessageClass = MessageClass.NOTICE) -> None:
        """Write *words* to *chat*, unasked, each a message."""
        told = [Message((Span(each),), message_class=message_class) for each in words]
        await self.say(chat, told)

    async def say(self, chat: int, messages: Sequence[Message]) -> None:
        """Send *messages* to *chat*."""
        async with self.bench.pool.acquire() as db, db.transaction():
            await outbox.add(db, [Outgoing(chat, self.name, message) for message in messages])
        self.wake(chat)

    def wake(self, *chats: int) -> None:
        self.bench.around.service.deliveries[self.name].wake(set(chats))

    async def until(self, query: str, wanted: object, *args: object, hurry: bool = False) -> None:
        """Wait until *query* finds *wanted*; in a *hurry* whatever waits for its time is due at once."""
        found: object = None
        for _ in range(1000 * PATIENCE_S // LOOK_AGAIN_MS):
            if (found := await self.one(query, *args)) == wanted:
                return
            if hurry:
                await self.pass_time()
            await asyncio.sleep(LOOK_AGAIN_MS / 1000)
        raise AssertionError(f"{self.name}: {query} finds {found}")

    async def pass_time(self) -> None:
        """Have whatever waits for its time be due."""
        async with self.bench.pool.acquire() as db:
            for statement in PASSED:
                await db.execute(statement, self.name)
        self.wake()

    async def delivered(self, *, hurry: bool = False) -> None:
        """Wait until no message is on its way."""
        await self.until(UNDELIVERED, 0, self.name, hurry=hurry)


async def heard(phone: Phone, *said: str) -> list[str]:
    """What the bot answers to each of *said*, one after the other."""
    answers = []
    for words in said:
        await phone.do("say", text=words)
        message = await phone.next()
        assert message is not None, f"no answer to {words}"
        answers.append(message["text"])
    return answers


async def all_heard(phone: Phone) -> list[str]:
    """Whatever the bot said and was not read yet."""
    await phone.look()
    unread, phone.unread = phone.unread, []
    return [message["text"] for message in unread]


@asynccontextmanager
async def on_the_bench(town: Town) -> AsyncIterator[Bench]:
    """Run the whole service, and the wire before it, on a copy of *town*."""
    clock = BusinessClock()
    clock.set(NOW)
    port, before = free_port(), free_port()
    direct = simulated_configuration(port)
    server = msgspec.structs.replace(direct.server, public_url=f"http://{HOST}:{before}")
    configuration = msgspec.structs.replace(direct, server=server)
    app = web.Application()
    async with aiohttp.ClientSession() as http, copy_of(town) as copy, open_pool(copy.app) as pool:
        wire = Wire(http, f"http://{HOST}:{port}")
        app.router.add_route("*", "/{anywhere:.*}", wire.serve)
        async with (
            listening(app, host=HOST, port=before),
            hurried(configuration, Secrets(SECRETS), pool=pool, clock=clock, codes=town.codes) as around,
        ):
            direct_way = dataclasses.replace(around, address=f"http://{HOST}:{port}")
            yield Bench(direct_way, configuration, pool, http, wire)
