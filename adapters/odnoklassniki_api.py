"""Odnoklassniki's Graph API as calls by path, and what each of its refusals means for a message.

Where it bites: errors come with HTTP 200; the token is part of every address, so of what goes wrong only
codes, names and kinds are kept; the words of an error may quote ours; a gateway in between answers in HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from yarl import URL

from adapters.calling import (
    NOTHING_LEFT,
    Calls,
    GarbledAnswerError,
    UploadError,
    decoded,
    read,
    token_in,
    unspoken,
)
from adapters.odnoklassniki_updates import NAME
from core.channel import ChannelStopped, Outcome, Rejected, RenderedFile, RetryLater, Unknown, Unreachable
from core.errors import ChannelFailedError, KvitokError

CALL_S: Final = 10
PAUSE_S: Final = 5.0
JSON: Final = "application/json;charset=utf-8"
ERROR_HEADER: Final = "invocation-error"

# https://apiok.ru/dev/errors: UNKNOWN, SERVICE, NETWORK_TIMEOUT, TIMEOUT_EXCEEDED, SYSTEM.
TEMPORARY: Final = frozenset({1, 2, 31, 704, 9999})
# FLOOD_BLOCKED, LIMIT_REACHED, TOTAL_LIMIT_REACHED.
TOO_FAST: Final = frozenset({8, 11, 26})
ACTION_BLOCKED: Final = 7
# NOT_ACTIVATED, FRIEND_ and GROUP_RESTRICTION, 457, PRIVACY_RESTRICTION, CHAT_NOT_FOUND, TARGET_USER_UNAVAILABLE.
UNREACHABLE: Final = frozenset({22, 455, 456, 457, 458, 705, 1102})
# REQUEST, NOT_FOUND and 1200 tell by their words whether it is the person.
TOLD_BY_WORDS: Final = frozenset({4, 300, 1200})
PERSON_WORDS: Final = ("user-blocked", "privacy", "restricted-access", "not.found.user")
# CENSOR_MATCH, IDS_BLOCKED (antispam).
FILTERED: Final = frozenset({454, 511})
# IP_BLOCKED, PERMISSION_DENIED, 101, PARAM_SESSION_EXPIRED, PARAM_SESSION_KEY, 104, 210, 453: token or rights.
STOPPED: Final = frozenset({9, 10, 101, 102, 103, 104, 210, 453})
# METHOD, REQUEST, PARAM and the like, GRAPH_PARAM_REQUEST, INVALID_RESPONSE: our request is wrong.
OUR_FAULT: Final = frozenset(
    {3, 4, 30, 100, 106, 110, 140, 200, 300, 324, *range(500, 506), 706, 1200, 2001, 5000}
)
NOT_SUBSCRIBED: Final = 5000  # what GET me/updates answers when the long polling was not asked for
TOO_LONG: Final = "too long"

LATER: Final[Mapping[int, RetryLater]] = {
    **dict.fromkeys(TEMPORARY, RetryLater(PAUSE_S)),
    **dict.fromkeys(TOO_FAST, RetryLater(60.0, scope="channel")),
    ACTION_BLOCKED: RetryLater(600.0, scope="channel"),
}


class OkRefusedError(KvitokError):
    """A call was answered with an error code; *words* are the platform's, in lower case, and never shown."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code} {_shown(words)}".strip())
        self.code = code
        self.words = words.lower()

    @property
    def blames_request(self) -> bool:
        """Whether the call itself was wrong, and not for being too long."""
        return self.code in OUR_FAULT and TOO_LONG not in self.words and not self.blames_person

    @property
    def blames_person(self) -> bool:
        """Whether the person (or the chat) is not to be reached."""
        by_words = self.code in TOLD_BY_WORDS and any(words in self.words for words in PERSON_WORDS)
        return self.code in UNREACHABLE or by_words


def _shown(words: str) -> str:
    """An error's words without what may be ours or a resident's: quotes, long numbers, letters that are not Latin."""
    if not words.isascii():
        words = "".join(re.findall(r"\A[A-Z_]{2,40}", words))
    return re.sub(r"""(["']).*\1|\d{4,}|\S{40,}|tkn\S*""", "…", words)[:160]


class OkApi(Calls):
    """Calls with one group's *token*, which never leaves for another host than *base*'s."""

    def __init__(self, token: str, *, base: str, proxy: str | None) -> None:
        super().__init__(NAME, proxy=proxy)
        self._token = token
        self._base = URL(base)

    async def get(
        self, *path: str, query: Mapping[str, str | int] | None = None, timeout_s: float = CALL_S
    ) -> dict[str, Any]:
        """What a reading call answers. Raises OkRefusedError, GarbledAnswerError and what the network raises."""
        return await self._call("GET", path, query or {}, timeout_s=timeout_s)

    async def post(
        self, *path: str, body: Mapping[str, Any], query: Mapping[str, str | int] | None = None
    ) -> dict[str, Any]:
        """What a writing call answers; raises as `get` does."""
        data = msgspec.json.encode(body)
        return await self._call(
            "POST", path, query or {}, timeout_s=CALL_S, data=data, headers={"Content-Type": JSON}
        )

    async def _call(
        self, verb: str, path: tuple[str, ...], query: Mapping[str, str | int], **what: Any
    ) -> dict[str, Any]:
        params = {"access_token": self._token, **query}
        async with self.request(verb, self._base.joinpath(*path), params=params, **what) as answer:
            return _understood(answer.status, answer.headers, await read(answer))

    async def upload(self, file: RenderedFile, *, kind: str) -> str:
        """Put *file* on the platform's servers; the token by which messages attach it.

        Raises OkRefusedError and UploadError.
        """
        try:
            place = await self.get("me", "fileUploadUrl", query={"type": kind})
            answer = await self.put(URL(str(place.get("url"))), file, part="file")
        except (OkRefusedError, UploadError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, no message has left us
            raise UploadError(type(error).__name__) from None
        token = token_in(answer) if kind == "IMAGE" else place.get("token")
        if not isinstance(token, str):
            raise UploadError("the upload came to no token")
        return token


def _understood(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """An answer by its body, then by its header, then by its status."""
    fields = decoded(body)
    match fields:
        case {"error_code": int(code), **rest} if code:
            raise OkRefusedError(code, str(rest.get("error_msg") or ""))
    named = headers.get(ERROR_HEADER, "")
    if named.isascii() and named.isdigit() and int(named):
        raise OkRefusedError(int(named), "")
    if status != 200 or not isinstance(fields, dict):
        raise GarbledAnswerError(status)
    return fields


@contextmanager
def failures_worded() -> Iterator[None]:
    """Raise whatever goes wrong within as ChannelFailedError, in words that hold neither token nor address."""
    try:
        yield
    except ChannelFailedError:
        raise
    except OkRefusedError as error:
        later = LATER.get(error.code)
        raise ChannelFailedError(NAME, str(error), retry_after_s=later.after_s if later else None) from None
    except (GarbledAnswerError, UploadError) as error:
        raise ChannelFailedError(NAME, str(error)) from None
    except Exception as error:  # noqa: BLE001 - a proxy's errors have no family, and their texts hold addresses
        raise ChannelFailedError(NAME, type(error).__name__) from None


def classify(error: Exception) -> Outcome:
    """What an exception means for the message that was being sent."""
    match error:
        case OkRefusedError():
            return _refused(error)
        case GarbledAnswerError():
            return _garbled(error)
        case UploadError():
            return Rejected(str(error)) if error.final else RetryLater(PAUSE_S)
        case _ if isinstance(error, NOTHING_LEFT):
            # Nothing has left us.
            return RetryLater(PAUSE_S, scope="channel")
        case ValueError():  # its text may hold ours
            return Rejected(f"no call of the Graph API can carry it: {type(error).__name__}")
        case _:
            return Unknown(type(error).__name__)


def _refused(error: OkRefusedError) -> Outcome:
    why = str(error)
    if error.blames_person:
        return Unreachable(why)
    if error.code in LATER:
        return LATER[error.code]
    if error.code in STOPPED:
        return ChannelStopped(why)
    # The same message would meet the same again, also where we do not know the code.
    return Rejected(why if error.code in OUR_FAULT | FILTERED else f"{why}, a code that we do not know")


def _garbled(error: GarbledAnswerError) -> Outcome:
    return RetryLater(60.0, scope="channel") if error.status == 429 else unspoken(error)
