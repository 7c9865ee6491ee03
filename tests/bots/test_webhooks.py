"""The web server that messengers post to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bots.taking import Taken
from bots.webhooks import BODY_BYTES_MAX, NoteRefused, Webhooks, address_behind, client_address, web_runner
from core.channel import Capabilities, Identity, Outcome, Pace, Received, Refused, Sending, Webhook
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Incoming, Text

NOW = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)


class ToyChannel:
    """A channel whose bodies are words: `forged`, `broken`, `news`, `hello`, or the texts of updates."""

    name = "toy"
    capabilities = Capabilities(
        text_chars_max=100, caption_chars_max=0, rows_max=1, columns_max=1, buttons_max=1, label_chars_max=20
    )
    pace = Pace(rate=1, burst=1, chat_rate=1)
    accepted = b"ok"

    def __init__(self, ack_s: float = 60.0) -> None:
        self.ack_s = ack_s

    def receive(self, webhook: Webhook) -> Received:
        if webhook.secret == "wrong" or webhook.headers.get("x-secret") == "wrong":
            raise ForgedWebhookError(self.name)
        match webhook.body.decode():
            case "broken":
                raise UnusableUpdateError(self.name, "there is no date")
            case "news":
                return Received((), ignored="news")
            case "unseen":
                return Received((), refused=(Refused("1", "17", "not shown"),))
            case "hello":
                return Received((), answer=b'{"hello": "resident"}')
            case words:
                return Received(tuple(an_update(word) for word in words.split()))

    async def send(self, sending: Sending) -> Outcome:
        raise NotImplementedError

    async def acknowledge(self, update: Incoming) -> None:
        raise NotImplementedError

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        raise NotImplementedError

    async def download(self, file: str) -> bytes:
        raise NotImplementedError

    async def identify(self) -> Identity:
        raise NotImplementedError

    async def subscribe(self, url: str) -> None:
        raise NotImplementedError

    async def unsubscribe(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


@dataclass
class Engine:
    """Takes what comes once it *may*, and remembers it."""

    answer: Taken = Taken.DONE
    may: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[str] = field(default_factory=list)

    async def take(self, update: Incoming) -> Taken:
        self.begun.set()
        if update.key == "bug":
            raise ZeroDivisionError
        await self.may.wait()
        self.taken.append(update.key)
        self.done.set()
        return self.answer

    async def take_polled(self, updates: Sequence[Incoming], *, channel: str, position: str) -> bool:
        raise NotImplementedError


def an_update(key: str) -> Incoming:
    return Incoming("toy", "1", "1", key, 1, NOW, Text("баланс"))


def an_engine(answer: Taken = Taken.DONE) -> Engine:
    engine = Engine(answer)
    engine.may.set()
    return engine


async def nothing_refused(channel: str, refused: Sequence[Refused]) -> None:
    raise NotImplementedError


@asynccontextmanager
async def serving(
    engine: Engine, channel: ToyChannel | None = None, *, refused: NoteRefused = nothing_refused
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    Webhooks({"toy": channel or ToyChannel()}, engine, refused=refused).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_a_webhook_is_accepted_once_its_turns_are_committed() -> None:
    engine = Engine()
    async with serving(engine) as client:
        posted = asyncio.create_task(client.post("/webhooks/toy", data=b"17 18"))
        await engine.begun.wait()
        assert not posted.done()

        engine.may.set()
        response = await posted

        assert (response.status, await response.read()) == (200, b"ok")
        assert engine.taken == ["17", "18"]


@pytest.mark.parametrize("answer", [Taken.REPEATED, Taken.DROPPED])
async def test_what_was_done_before_or_dropped_is_not_wanted_again(answer: Taken) -> None:
    async with serving(an_engine(answer)) as client:
        response = await client.post("/webhooks/toy", data=b"17")

        assert response.status == 200


async def test_what_could_not_be_taken_is_welcome_later() -> None:
    async with serving(an_engine(Taken.BUSY)) as client:
        response = await client.post("/webhooks/toy", data=b"17")

        assert (response.status, response.headers["Retry-After"]) == (503, "5")


async def test_a_turn_that_takes_too_long_goes_on_after_we_asked_for_patience() -> None:
    engine = Engine()
    async with serving(engine, ToyChannel(ack_s=0.01)) as client:
        response = await client.post("/webhooks/toy", data=b"17")
        assert response.status == 503

        engine.may.set()
        await engine.done.wait()

        assert engine.taken == ["17"]


async def test_a_sender_that_hangs_up_does_not_stop_its_turn() -> None:
    engine = Engine()
    async with serving(engine) as client:
        posted = asyncio.create_task(client.post("/webhooks/toy", data=b"17"))
        await engine.begun.wait()
        posted.cancel()
        await asyncio.gather(posted, return_exceptions=True)

        engine.may.set()
        await engine.done.wait()

        assert engine.taken == ["17"]


async def test_a_server_that_stops_sees_its_turns_through() -> None:
    engine = Engine()
    async with serving(engine, ToyChannel(ack_s=0.01)) as client:
        await client.post("/webhooks/toy", data=b"17")
        asyncio.get_running_loop().call_soon(engine.may.set)

    assert engine.taken == ["17"]


async def test_an_engine_that_breaks_asks_for_the_update_again() -> None:
    async with serving(an_engine()) as client:
        with capture_logs() as logged:
            response = await client.post("/webhooks/toy", data=b"bug")

    assert response.status == 503
    assert logged[0]["event"] == "turn.lost"


@pytest.mark.parametrize(("path", "secret"), [("/webhooks/toy/wrong", "right"), ("/webhooks/toy", "wrong")])
async def test_a_forged_webhook_is_forbidden_and_nothing_is_taken(path: str, secret: str) -> None:
    engine = an_engine()
    async with serving(engine) as client:
        with capture_logs() as logged:
            response = await client.post(path, data=b"17", headers={"X-Secret": secret})

    assert (response.status, engine.taken) == (403, [])
    assert logged == [
        {"event": "webhook.forged", "log_level": "warning", "channel": "toy", "address": "127.0.0.1"}
    ]


@pytest.mark.parametrize(
    ("body", "event", "reason"),
    [(b"broken", "update.unusable", "there is no date"), (b"news", "update.ignored", "news")],
)
async def test_what_cannot_be_used_is_accepted_with_one_line_in_the_log(
    body: bytes, event: str, reason: str
) -> None:
    async with serving(an_engine()) as client:
        with capture_logs() as logged:
            response = await client.post("/webhooks/toy", data=body)

        assert (response.status, await response.read()) == (200, b"ok")
    assert [(line["event"], line["reason"]) for line in logged] == [(event, reason)]


async def test_an_answer_that_the_platform_expects_is_given() -> None:
    async with serving(an_engine()) as client:
        response = await client.post("/webhooks/toy", data=b"hello")

        assert await response.json() == {"hello": "resident"}


async def test_what_turned_out_not_to_be_shown_is_noted_and_said_again_if_it_cannot_be() -> None:
    noted = []

    async def once_away(channel: str, refused: Sequence[Refused]) -> None:
        noted.append((channel, *refused))
        if len(noted) == 1:
            raise ConnectionResetError

    async with serving(an_engine(), refused=once_away) as client:
        statuses = [(await client.post("/webhooks/toy", data=b"unseen")).status for _ in range(2)]

    assert statuses == [503, 200]
    assert noted == [("toy", Refused("1", "17", "not shown"))] * 2


async def test_a_body_that_is_too_large_is_refused_unread() -> None:
    async with serving(an_engine()) as client:
        response = await client.post("/webhooks/toy", data=BytesIO(bytes(BODY_BYTES_MAX + 1)))

        assert response.status == 413


async def test_a_body_that_does_not_say_how_large_it_is_is_refused_too() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(BODY_BYTES_MAX // 10)

    async with serving(an_engine()) as client:
        response = await client.post("/webhooks/toy", data=endless())

        assert response.status == 413


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.webhooks.BODY_S", 0.01)
    async with serving(an_engine()) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"POST /webhooks/toy HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\nbegun")

        assert (await reader.readline()).split()[1] == b"408"
        writer.close()


async def test_headers_that_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.webhooks.KEEPALIVE_S", 0.01)
    runner = web_runner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"POST /webhooks/toy HTTP/1.1\r\nHost: ")

    assert await reader.read() == b""
    writer.close()
    await runner.cleanup()


async def test_a_channel_that_is_not_on_is_not_found() -> None:
    async with serving(an_engine()) as client:
        assert (await client.post("/webhooks/vk", data=b"17")).status == 404


async def test_a_watcher_is_told_that_we_live() -> None:
    async with serving(an_engine()) as client:
        assert await (await client.get("/healthz")).text() == "ok"


# --- Who is behind the proxies --------------------------------------------------------------------

OURS = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["127.0.0.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", " 10.0.0.2"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:185.71.76.5"], "185.71.76.5"),
        ("::ffff:185.71.76.5", [], "185.71.76.5"),
        ("::1", ["not an address"], "::1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_only_our_proxies_are_believed_about_who_sent(peer: str, forwarded: list[str], client: str) -> None:
    assert address_behind(peer, forwarded, trusted=OURS) == client


async def test_the_address_of_a_request_is_the_one_that_our_proxy_names() -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=client_address(request, trusted=(ip_network("127.0.0.0/8"),)))

    app = web.Application()
    app.router.add_get("/", tell)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/", headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.1"})

        assert await response.text() == "198.51.100.1"
