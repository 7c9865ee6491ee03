"""A synchronous channel: what is said goes into the answer to the request, once, or waits for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bots.answering import Answering
from bots.taking import Taken
from bots.webhooks import Webhooks
from core.channel import Channel, Pace, Received, Refused, Synchronous, Webhook
from core.messages import DataClass, Incoming, Message, MessageClass, Span, Text
from core.privacy import Ceiling
from storage import outbox
from storage.database import Connection, Pool
from storage.outbox import Outgoing
from tests.bots.making_sending import a_withholding
from tests.making_people import CENTRE
from tests.storage.making_residents import KEYS, NOW, make_chat

STATES = "select array_agg(state order by id) from outbox"
UNSETTLED = "select count(*) from outbox where state = 'sending'"


FAST = Pace(rate=1000, burst=1000, chat_rate=1000)


@dataclass
class Voice:
    """A channel of words: a request is what was said, its answer what is said back."""

    name: str = "voice"
    pace: Pace = FAST
    ack_s: float = 0.0
    accepted: bytes = b""
    answer_within_s: float = 60.0

    def receive(self, webhook: Webhook) -> Received:
        words = webhook.body.decode()
        return Received((Incoming(self.name, "one", "one", words, 1, NOW, Text(words)),))

    def answer(self, webhook: Webhook, messages: Sequence[Message]) -> bytes:
        said = "\n".join(message.plain for message in messages)
        return said.encode() or b"one moment, " + webhook.body


@dataclass
class Engine:
    """Repeats each word that it is told, once, when it *may*."""

    pool: Pool
    may: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[str] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, update: Incoming) -> Taken:
        repeated = update.key in self.heard
        self.heard.append(update.key)
        await self.may.wait()
        if not repeated:
            async with self.pool.acquire() as db:
                await said(db, f"{update.key}!")
        self.done.set()
        return Taken.REPEATED if repeated else Taken.DONE

    async def take_polled(self, updates: Sequence[Incoming], *, channel: str, position: str) -> bool:
        raise NotImplementedError


async def said(db: Connection, words: str, **what: object) -> None:
    """Have *words* wait for the chat."""
    chat = await db.fetchval("select id from chat where channel = 'voice'") or await make_chat(
        db, "one", channel="voice"
    )
    message = Message((Span(words),), **what)  # type: ignore[arg-type]  # whatever a message has
    async with db.transaction():
        await outbox.add(db, [Outgoing(chat, "voice", message)])


@dataclass
class Call:
    """A talk over the channel."""

    client: TestClient[web.Request, web.Application]
    voice: Voice
    engine: Engine
    answering: Answering
    pool: Pool

    async def ask(self, words: str) -> str:
        """What is answered to *words*, once what became of it is written down."""
        async with self.client.post("/webhooks/voice", data=words.encode()) as response:
            assert response.status == 200
            answer = await response.text()
        async with self.pool.acquire() as db:
            while await db.fetchval(UNSETTLED):  # noqa: ASYNC110  # a row of the database sets no event
                await asyncio.sleep(0)
        return answer


async def nothing_refused(channel: str, refused: Sequence[Refused]) -> None:
    raise NotImplementedError


@asynccontextmanager
async def a_call(pool: Pool, *, ceiling: str = "open") -> AsyncIterator[Call]:
    voice, engine = Voice(), Engine(pool)
    engine.may.set()
    assert isinstance(voice, Synchronous)
    answering = Answering(
        pool,
        voice,
        keys=KEYS,
        ceiling=Ceiling.of(ceiling),
        withholding=a_withholding(pool),
        zone=CENTRE.zone,
    )
    app = web.Application()
    Webhooks(
        {"voice": cast("Channel", voice)}, engine, refused=nothing_refused, answering={"voice": answering}
    ).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield Call(client, voice, engine, answering, pool)


async def test_what_is_said_is_in_the_answer_and_is_sent(pool: Pool, db: Connection) -> None:
    async with a_call(pool) as call:
        answer = await call.ask("one")

    assert answer == "one!"
    assert await db.fetchval(STATES) == ["sent"]


async def test_what_is_too_late_is_asked_patience_for_and_comes_with_the_next_answer(
    pool: Pool, db: Connection
) -> None:
    async with a_call(pool) as call:
        call.voice.answer_within_s = 0.0
        call.engine.may.clear()
        first = await call.ask("one")
        call.engine.may.set()
        await call.engine.done.wait()
        call.voice.answer_within_s = 60.0
        second = await call.ask("two")

    assert (first, second) == ("one moment, one", "one!\ntwo!")
    assert await db.fetchval(STATES) == ["sent", "sent"]


async def test_what_was_said_already_is_not_said_again(pool: Pool) -> None:
    async with a_call(pool) as call:
        answers = [await call.ask("one") for _ in range(2)]

    assert answers == ["one!", "one moment, one"]


async def test_two_requests_at_once_do_not_say_the_same(pool: Pool) -> None:
    async with a_call(pool) as call:
        answers = await asyncio.gather(*(call.ask(words) for words in ("one", "two")))

        heard = "\n".join([*answers, await call.ask("three")]).split("\n")

    assert sorted(word for word in heard if word.endswith("!")) == ["one!", "three!", "two!"]


async def test_an_answer_that_could_not_be_written_is_given_again(pool: Pool, db: Connection) -> None:
    async with a_call(pool) as call:
        await said(db, "Оплата получена", message_class=MessageClass.CONFIRMATION)
        call.engine.heard.append("again")
        with pytest.raises(ConnectionResetError):
            async with call.answering.waiting_for("one") as messages:
                raise ConnectionResetError(len(messages))

        answer = await call.ask("again")

    assert answer == "Повторяем сообщение: мы не уверены, что оно дошло.\nОплата получена"


async def test_what_may_no_longer_be_said_is_not_said(pool: Pool, db: Connection) -> None:
    async with a_call(pool, ceiling="strict") as call:
        await said(db, "1 234,56 ₽", data_class=DataClass.PERSONAL)
        call.engine.heard.append("again")

        assert "1 234,56" not in await call.ask("again")


async def test_what_cannot_be_read_is_put_aside_and_holds_up_nothing(pool: Pool, db: Connection) -> None:
    async with a_call(pool) as call:
        await said(db, "old")
        await db.execute("update outbox set body = '[\"another release\"]'")

        assert await call.ask("one") == "one!"
    assert await db.fetchval(STATES) == ["dead", "sent"]
