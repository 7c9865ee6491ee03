"""How long a message takes, from webhook in to reply out, at half of the maximum rate.

Updates are posted at their own times, however we fare. Who posts, and who takes the replies, is this process: bare
sockets, a fraction of what a client and a server of HTTP would want of the cores that are measured.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import statistics
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, process_time
from typing import Final, cast

from benchmarks.asking import ASKING, Asking
from benchmarks.figures import Figure, Part, goal
from benchmarks.ground import Ground, wide_ground
from benchmarks.ports import free_port
from benchmarks.running import Loader, Running, kvitok, sinking
from benchmarks.throughput import ACCOUNTS, CHATS, EXPECTED_PER_S, SECONDS, WARM_S

# A percentile is moved by whatever else the machine does for a moment.
ROUNDS: Final = 7
LATE_S: Final = 20.0
CONNECTIONS: Final = 256
END: Final = b"\r\n\r\n"

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHAT: Final = re.compile(rb'"chat_id": ?(\d+)')


class _Messages(asyncio.Protocol, ABC):
    """One side of a connection of HTTP: heads and bodies as they come whole."""

    def __init__(self) -> None:
        self._come = self.head = self.body = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what has come whole."""
        self._come += data
        while (ends := self._come.find(END)) >= 0:
            self.head = self._come[:ends]
            length = _LENGTH.search(self.head)
            whole = ends + len(END) + (int(length[1]) if length else 0)
            if len(self._come) < whole:
                return
            self.body, self._come = self._come[ends + len(END) : whole], self._come[whole:]
            self.take()

    @abstractmethod
    def take(self) -> None:
        """Do with a message what this side does."""


class Stopwatch:
    """Takes replies as Telegram does, and notes when that to each chat came."""

    def __init__(self) -> None:
        self._came: dict[bytes, float] = {}
        self._wanted: frozenset[bytes] = frozenset()
        self._all = asyncio.Event()

    def expect(self, chats: frozenset[bytes]) -> None:
        """Begin anew, for a reply to each of *chats*; what comes to others is left over from an earlier load."""
        self._came.clear()
        self._wanted = chats
        self._all.clear()

    def note(self, chat: bytes) -> None:
        """A reply to *chat* has come."""
        if chat in self._wanted:
            self._came[chat] = monotonic()
        if len(self._came) == len(self._wanted):
            self._all.set()

    async def all_came(self) -> dict[bytes, float]:
        """When the reply of each chat came. Raises TimeoutError if they do not all."""
        async with asyncio.timeout(LATE_S):
            await self._all.wait()
        return self._came


class _Taking(_Messages):
    def __init__(self, stopwatch: Stopwatch) -> None:
        super().__init__()
        self._stopwatch = stopwatch
        body = json.dumps(ASKING["telegram"].answer).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._answer = head.encode() + END + body

    def take(self) -> None:
        """Note the chat, and answer."""
        if chat := _CHAT.search(self.body):
            self._stopwatch.note(chat[1])
        self.transport.write(self._answer)


class _Posting(_Messages):
    """A connection that posts, and is *idle* again once it was answered."""

    def __init__(self, idle: asyncio.Queue[_Posting]) -> None:
        super().__init__()
        self._idle = idle
        self.refused = 0

    def take(self) -> None:
        """Count an answer that is no 200."""
        self.refused += b" 200 " not in self.head[:16]
        self._idle.put_nowait(self)


async def latency() -> Part:
    """The maximum rate, and how long messages take at half of it."""
    asking = ASKING["telegram"]
    chats = asking.chats(CHATS)
    async with wide_ground(accounts=ACCOUNTS, chats=CHATS) as here, sinking() as sink:
        async with kvitok(here, sink.process.port, "telegram") as server:
            loader = Loader(sink, asking, chats)
            await loader.load([server], WARM_S, EXPECTED_PER_S)
            maximum = [await loader.load([server], SECONDS / 2, EXPECTED_PER_S) for _ in range(ROUNDS)]
        rate = statistics.median(each.per_s for each in maximum) / 2
        medians, p99s, ours = await timed(here, chats, loader.posted, rate)
    return Part(
        (
            Figure("maximum rate", "messages/s", tuple(each.per_s for each in maximum)),
            Figure("at half of it: median", "ms", tuple(medians)),
            Figure("at half of it: 99th percentile", "ms", tuple(p99s)),
        ),
        (
            goal("99th percentile, ms", statistics.median(p99s), most=50),
            f"posting and taking replies wanted {statistics.median(ours):.0%} of a core",
        ),
    )


async def timed(
    here: Ground, chats: Sequence[str], first: int, rate: float
) -> tuple[list[float], list[float], list[float]]:
    """Median and 99th percentile of each round in ms, and what of a core this process wanted."""
    stopwatch, port, loop = Stopwatch(), free_port(), asyncio.get_running_loop()
    medians, p99s, ours = [], [], []
    taking = await loop.create_server(lambda: _Taking(stopwatch), "127.0.0.1", port)
    async with taking, kvitok(here, port, "telegram") as server:
        idle: asyncio.Queue[_Posting] = asyncio.Queue()
        every = []
        for _ in range(CONNECTIONS):
            _, posting = await loop.create_connection(lambda: _Posting(idle), "127.0.0.1", server.port)
            idle.put_nowait(posting)
            every.append(posting)
        await _round(server, idle, stopwatch, chats, first=first, rate=rate, seconds=WARM_S)
        for _ in range(ROUNDS):
            first += int(rate * SECONDS) + 1000
            used_s, began_s = process_time(), monotonic()
            took_ms = await _round(server, idle, stopwatch, chats, first=first, rate=rate, seconds=SECONDS)
            ours.append((process_time() - used_s) / (monotonic() - began_s))
            medians.append(statistics.median(took_ms))
            p99s.append(statistics.quantiles(took_ms, n=100)[98])
        for each in every:
            each.transport.close()
    if refused := sum(each.refused for each in every):
        raise RuntimeError(f"{refused} updates were refused")
    return medians, p99s, ours


async def _round(
    server: Running,
    idle: asyncio.Queue[_Posting],
    stopwatch: Stopwatch,
    chats: Sequence[str],
    *,
    first: int,
    rate: float,
    seconds: float,
) -> list[float]:
    """How long each reply took, in ms, counted from when its update was to be posted."""
    count = min(int(rate * seconds), len(chats))
    requests = list(_written(ASKING["telegram"], server, chats, first, count))
    with _collector_at_rest():
        began = monotonic() + 0.1
        due = {chats[(first + place) % len(chats)].encode(): began + place / rate for place in range(count)}
        stopwatch.expect(frozenset(due))
        for request, at in zip(requests, due.values(), strict=True):
            if (wait_s := at - monotonic()) > 0:
                await asyncio.sleep(wait_s)
            (await idle.get()).transport.write(request)
        came = await stopwatch.all_came()
        return [(came[chat] - at) * 1000 for chat, at in due.items()]


def _written(
    asking: Asking, server: Running, chats: Sequence[str], first: int, count: int
) -> Iterator[bytes]:
    """Requests as they go over the wire."""
    for proof, body in asking.requests(chats, first, count):
        head = (
            f"POST {asking.path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{asking.header}: {proof}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}"
        )
        yield head.encode() + END + body


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Our own collector's pauses, with thousands of requests at hand, would be told as theirs."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
