"""Calls to a messenger's servers, as all its adapters make them: bounded, and never led elsewhere.

Where it bites: a redirect would carry a token to another host; an upload goes to another host than the API's;
a resident's picture is at an address that came from outside, and may name any place.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from core.channel import ChannelStopped, Outcome, Rejected, RenderedFile, RetryLater, Unknown
from core.errors import ChannelFailedError, KvitokError

CONNECT_S: Final = 5
SECOND_S: Final = 1.05  # a little more than one, for calls that catch up with each other on their way
UPLOAD_S: Final = 40
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
DOWNLOAD_BYTES_MAX: Final = 20 * 1024 * 1024

# How long to wait where a gateway did not pass a request on.
GATEWAY_PAUSE_S: Final = 10.0

# No connection was made, so nothing has left us.
NOTHING_LEFT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


class GarbledAnswerError(KvitokError):
    """An answer with no meaning: the page of a server in between, or nothing that we know."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status} and no answer of the API")
        self.status = status


def unspoken(error: GarbledAnswerError) -> Outcome:
    """What a status with no answer of the API means for a message; what passes differs by platform, and is told before.

    Only what says that the token is not known, or that no API stands here, stops a channel; what a gateway has
    against one request is against one message.
    """
    match error.status:
        case 413:
            return Rejected("the message is too large")
        case 407 | 408 | 425:
            # It was not passed on: a proxy wants to know us, it came too slowly, or too early.
            return RetryLater(GATEWAY_PAUSE_S, scope="channel" if error.status == 407 else "lane")
        case 401 | 404 | 301 | 302 | 303 | 307 | 308:
            return ChannelStopped(str(error))
        case status if 400 <= status < 500 and status != 499:
            return Rejected(str(error))
        case _:
            return Unknown(str(error))


class UploadError(KvitokError):
    """A file was not put on the platform's servers, so nothing was sent; *final*: it never will be."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(f"upload: {why}")
        self.final = final


class Turns:
    """So many calls within any second: who comes too early waits. The queue's own pace knows only of messages."""

    def __init__(self, per_s: int) -> None:
        self._at_s: deque[float] = deque(maxlen=per_s)

    def take(self, now_s: float) -> float:
        """The moment of the next call, *now_s* or later, which is then taken."""
        full = len(self._at_s) == self._at_s.maxlen
        turn_s = max(now_s, self._at_s[0] + SECOND_S) if full else now_s
        self._at_s.append(turn_s)
        return turn_s

    async def wait(self) -> None:
        """Wait for the next turn."""
        now_s = monotonic()
        if (wait_s := self.take(now_s) - now_s) > 0:
            await asyncio.sleep(wait_s)


class Calls:
    """Requests to one platform, by its *name* in errors; *tls*: whom we believe."""

    def __init__(self, name: str, *, proxy: str | None, tls: ssl.SSLContext | None = None) -> None:
        self._name = name
        self._proxy = proxy
        self._tls: ssl.SSLContext | bool = True if tls is None else tls
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def request(
        self, verb: str, address: str | URL, *, timeout_s: float, **what: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request, never redirected."""
        if self._session is None:
            # Made where a loop runs, which need not be so where the channel is made.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.request(
            verb,
            address,
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S),
            proxy=self._proxy,
            ssl=self._tls,
            allow_redirects=False,
            **what,
        ) as answer:
            yield answer

    async def put(self, address: URL, file: RenderedFile, *, part: str) -> Any:
        """What the upload server at *address* answers to *file*; it gets no token. Raises UploadError."""
        form = aiohttp.FormData(quote_fields=False)  # Russian names as they are, like a browser's
        form.add_field(part, file.body, filename=file.name, content_type=file.media_type)
        async with self.request("POST", address, timeout_s=UPLOAD_S, data=form) as answer:
            status, body = answer.status, await read(answer)
        if status != 200:
            raise UploadError(f"HTTP {status}", final=400 <= status < 500 and status != 429)
        return decoded(body)

    async def download(self, file: str, *, base: str, hosts: Sequence[str]) -> bytes:
        """The bytes of what a resident sent, which is on the API's host *base* or on one of *hosts*.

        Raises ChannelFailedError, and what the network raises.
        """
        if not keeps_files(file, base=base, hosts=hosts):
            raise ChannelFailedError(self._name, "the file is not on a server of the platform's")
        async with self.request("GET", URL(file), timeout_s=UPLOAD_S) as answer:
            if answer.status != 200:
                raise ChannelFailedError(self._name, f"the file is not given out: HTTP {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > DOWNLOAD_BYTES_MAX:
                    raise ChannelFailedError(self._name, "the file is too large to be fetched")
        return bytes(body)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()


def keeps_files(file: str, *, base: str, hosts: Sequence[str]) -> bool:
    """Whether the address *file* is where a platform keeps files: a forged one must not lead us into our own network."""
    try:
        url = URL(file)
        if url.origin() == URL(base).origin():
            return True
    except ValueError:
        return False
    known = any(f".{url.host}".endswith(f".{host}") for host in hosts)
    return known and url.scheme == "https" and url.port == 443


async def read(answer: aiohttp.ClientResponse) -> bytes:
    """The body of an API's answer. Raises GarbledAnswerError where it is larger than any."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise GarbledAnswerError(answer.status)
    return bytes(body)


def decoded(body: bytes) -> Any:
    """The JSON in *body*; None where there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def listed(answer: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """The objects in the list *name* of an answer; none where there is no such list."""
    items = answer.get(name)
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else ()


def token_in(answer: Any) -> str | None:
    """The token in what an upload server says: of the first size of a picture, or of the file."""
    match answer:
        case {"photos": dict(photos)} if photos:
            return token_in(next(iter(photos.values())))
        case {"token": str(token)}:
            return token
        case _:
            return None
