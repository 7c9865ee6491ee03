"""Calls to MAX's Bot API, and what each failure means for a message.

Where it bites: the server shows a certificate of the Ministry's root, which no system has; the token goes bare
into a header, and only to the API's own host; a refusal may come with HTTP 200; its words may quote ours, and
only `code` tells one from another; nobody says how long to wait.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from adapters.calling import (
    NOTHING_LEFT,
    Calls,
    GarbledAnswerError,
    Turns,
    UploadError,
    decoded,
    read,
    token_in,
    unspoken,
)
from adapters.max_updates import NAME
from core.channel import (
    ChannelStopped,
    Outcome,
    Rejected,
    RenderedFile,
    RetryLater,
    SendAnew,
    Unknown,
    Unreachable,
)
from core.errors import ChannelFailedError, KvitokError

CALL_S: Final = 15
# https://dev.max.ru/docs-api: of all kinds, answers to presses, uploads and looks at a dialog too.
CALLS_PER_S: Final = 30


class Fault(Enum):
    """Why a call was refused."""

    STOPPED = auto()  # the token is not ours any more
    GONE = auto()  # the person stopped the bot
    NOT_FOR_US = auto()  # the chat, or the message, is closed to us
    NOT_THERE = auto()
    NOT_READY = auto()  # an upload that is still being processed
    TOO_FAST = auto()
    FAILING = auto()
    OURS = auto()  # the call is wrong, and always will be


# https://dev.max.ru/docs-api, and what public clients have met.
BY_CODE: Final[Mapping[str, Fault]] = {
    "verify.token": Fault.STOPPED,
    "chat.denied": Fault.NOT_FOR_US,
    "access.denied": Fault.NOT_FOR_US,
    "chat.not.found": Fault.NOT_FOR_US,
    "not.found": Fault.NOT_THERE,
    "attachment.not.ready": Fault.NOT_READY,
    "too.many.requests": Fault.TOO_FAST,
    "internal.error": Fault.FAILING,
    "service.unavailable": Fault.FAILING,
    "proto.payload": Fault.OURS,
    "method.not.allowed": Fault.OURS,
}
BY_STATUS: Final[Mapping[int, Fault]] = {401: Fault.STOPPED, 404: Fault.NOT_THERE, 429: Fault.TOO_FAST}
# Where the words tell more than the code, or there is no code (HTTP 200); elsewhere they may quote ours.
SUSPENDED: Final = re.compile(r"(Key: )?error\.dialog\.suspended\b")
SUSPENDED_CODES: Final = frozenset({"chat.denied", ""})

# How long to wait at first and at most, and how much is to wait.
PAUSES: Final[Mapping[Fault, tuple[float, float, str]]] = {
    Fault.NOT_READY: (0.5, 16.0, "lane"),
    Fault.TOO_FAST: (1.0, 60.0, "channel"),
    Fault.FAILING: (2.0, 300.0, "lane"),
}
AWAY_S: Final = (2.0, 300.0)
UNTRUSTED: Final = "the server's certificate is not trusted: see channels.max.ca_file"


class MaxRefusedError(KvitokError):
    """A call was refused; *words* are the platform's, which may hold ours and are shown only in part."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(f"{status} {_shown(code)} {_shown(words)}".strip())
        self.status = status
        self.fault = _fault(status, code, words)


def _fault(status: int, code: str, words: str) -> Fault:
    if code in SUSPENDED_CODES and SUSPENDED.match(words):
        return Fault.GONE
    known = BY_CODE.get(code) or BY_STATUS.get(status)
    return known or (Fault.FAILING if status >= 500 else Fault.OURS)


def _shown(words: str) -> str:
    """An error's words without what may be ours or a resident's: quotes, numbers, letters that are not Latin."""
    if not words.isascii():
        words = "".join(re.findall(r"\A[A-Za-z.: ]{2,60}", words))
    return re.sub(r"""(["']).*\1|\d{5,}|\S{60,}""", "…", words)[:160]


class MaxApi(Calls):
    """Calls with one bot's *token*, which never leaves for another host than *base*'s; *tls*: whom we believe."""

    def __init__(
        self,
        token: str,
        *,
        base: str,
        proxy: str | None,
        tls: ssl.SSLContext | None,
        calls_per_s: int = CALLS_PER_S,
    ) -> None:
        super().__init__(NAME, proxy=proxy, tls=tls)
        self._token = token
        self._base = URL(base)
        self._turns = Turns(calls_per_s)

    async def call(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        timeout_s: float = CALL_S,
    ) -> dict[str, Any]:
        """What a call answers. Raises MaxRefusedError, GarbledAnswerError and what the network raises."""
        what: dict[str, Any] = {}
        headers = {"Authorization": self._token}
        if body is not None:
            headers["Content-Type"] = "application/json"
            what["data"] = msgspec.json.encode(body)
        await self._turns.wait()
        address = self._base.joinpath(*path.split("/")).with_query(query or {})
        async with self.request(verb, address, timeout_s=timeout_s, headers=headers, **what) as answer:
            return _understood(answer.status, await read(answer))

    async def upload(self, file: RenderedFile, *, kind: str) -> str:
        """Put *file* on the platform's servers; the token by which messages attach it.

        Raises MaxRefusedError and UploadError.
        """
        try:
            place = await self.call("POST", "uploads", query={"type": kind})
            answer = await self.put(URL(str(place.get("url"))), file, part="data")
        except (MaxRefusedError, UploadError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, no message has left us
            raise UploadError(type(error).__name__) from None
        token = token_in(answer)
        if token is None:
            raise UploadError("it came to no token")
        return token


def _understood(status: int, body: bytes) -> dict[str, Any]:
    fields = decoded(body)
    match fields:
        case {"success": False, **rest} if status == 200:
            raise MaxRefusedError(status, _text(rest, "code"), _text(rest, "message"))
        case dict() if status == 200:
            return fields
        case {"code": str(code), **rest}:
            raise MaxRefusedError(status, code, _text(rest, "message"))
        case _:
            raise GarbledAnswerError(status)


def _text(fields: Mapping[Any, Any], name: str) -> str:
    return str(fields.get(name) or "")


@contextmanager
def failures_worded() -> Iterator[None]:
    """Raise whatever goes wrong within as ChannelFailedError, in words that hold neither token nor address."""
    try:
        yield
    except ChannelFailedError:
        raise
    except MaxRefusedError as error:
        first_s, _, _ = PAUSES.get(error.fault, (None, None, None))
        raise ChannelFailedError(NAME, str(error), retry_after_s=first_s) from None
    except (GarbledAnswerError, UploadError) as error:
        raise ChannelFailedError(NAME, str(error)) from None
    except aiohttp.ClientConnectorCertificateError:
        raise ChannelFailedError(NAME, UNTRUSTED) from None
    except Exception as error:  # noqa: BLE001 - a proxy's errors have no family, and their texts hold addresses
        raise ChannelFailedError(NAME, type(error).__name__) from None


def classify(error: Exception, *, edits: bool, lasted_s: float = 0.0) -> Outcome:
    """What an exception means for the message that was being sent, or that *edits* another.

    *lasted_s*: for how long it has gone wrong already; a wait is about as long again.
    """
    match error:
        case MaxRefusedError():
            return _refused(error, edits=edits, lasted_s=lasted_s)
        case GarbledAnswerError():
            return _garbled(error, lasted_s)
        case UploadError():
            return Rejected(str(error)) if error.final else RetryLater(_grown(*AWAY_S, lasted_s))
        case _ if isinstance(error, NOTHING_LEFT):
            # Nothing has left us; a certificate that is not trusted is among these.
            return RetryLater(_grown(*AWAY_S, lasted_s), scope="channel")
        case ValueError():  # its text may hold ours
            return Rejected(f"no call of MAX's can carry it: {type(error).__name__}")
        case _:
            return Unknown(type(error).__name__)


def _refused(error: MaxRefusedError, *, edits: bool, lasted_s: float) -> Outcome:
    why = str(error)
    if error.fault in PAUSES:
        first_s, most_s, scope = PAUSES[error.fault]
        return RetryLater(_grown(first_s, most_s, lasted_s), scope)
    if error.fault is Fault.STOPPED:
        return ChannelStopped(why)
    if error.fault is Fault.GONE:
        return Unreachable(why)
    if edits:
        # The message to rewrite may be gone, too old or not ours; what is wrong with the chat shows with a new one.
        return SendAnew(without="edit")
    if error.fault is Fault.NOT_FOR_US:
        return Unreachable(why)
    return Rejected(why)


def _garbled(error: GarbledAnswerError, lasted_s: float) -> Outcome:
    fault = Fault.FAILING if error.status >= 500 else BY_STATUS.get(error.status)
    if fault is None or fault not in PAUSES:
        return unspoken(error)
    first_s, most_s, scope = PAUSES[fault]
    return RetryLater(_grown(first_s, most_s, lasted_s), scope)


def _grown(first_s: float, most_s: float, lasted_s: float) -> float:
    return min(max(first_s, lasted_s), most_s)
