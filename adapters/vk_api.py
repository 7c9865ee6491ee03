"""VK's HTTP API as calls by name, at VK's pace, and what each of its refusals means for a message.

Where it bites: errors come with HTTP 200; `request_params` of an error quote what we sent, so only its code
and words are kept; texts of network errors hold addresses, so only their kind is. vkbottle's own client is
not used: it writes the token into addresses, has no time limit and repeats a failed send by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from yarl import URL

from adapters.calling import NOTHING_LEFT, Calls, GarbledAnswerError, Turns, read
from adapters.vk_updates import NAME
from core.channel import (
    ChannelStopped,
    Outcome,
    Rejected,
    RetryLater,
    SendAnew,
    Sending,
    Unknown,
    Unreachable,
)
from core.errors import ChannelFailedError, KvitokError

VERSION: Final = "5.199"
# https://dev.vk.com/ru/api/api-requests: 20 calls a second with a community's key, presses and uploads too.
CALLS_PER_S: Final = 20
CALL_S: Final = 10
PAUSE_S: Final = 5.0  # after a connection that could not be made

# https://dev.vk.com/ru/reference/errors
TOO_FAST: Final = 6
ACCESS_DENIED: Final = 15
STOPPED: Final = frozenset({5, 14, 17, 20, 24, 27, 28, 912, 984, 1117})
UNREACHABLE: Final = frozenset(
    {18, 37, 900, 901, 902, 917, 922, 925, 927, 932, 936, 945, 946, 950, 1021, 3610}
)
PERHAPS_DONE: Final = frozenset({1, 10, 13, 36})
LATER: Final = {
    TOO_FAST: RetryLater(1.0, scope="channel"),
    9: RetryLater(300.0),
    29: RetryLater(3600.0, scope="channel"),
    **dict.fromkeys((103, 601, 1105), RetryLater(6 * 3600.0)),
}
# The message is too old, too large, of another kind, or gone.
NOT_EDITABLE: Final = frozenset({ACCESS_DENIED, 100, 909, 910, 920})
# A file that VK no longer has, or that was another community's.
STALE_FILE: Final = frozenset({ACCESS_DENIED, 100, 104, 114, 200, 1150})
# Words of ACCESS_DENIED that mean the key or the community's settings, not this chat.
OUR_RIGHTS: Final = ("scope", "disabled", "no access to call")
BAD_MARKUP: Final = "format_data"


class VkRefusedError(KvitokError):
    """VK answered a call with one of its error codes; *words* are VK's own."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code} {words[:200]}")
        self.code = code
        self.words = words


class VkApi(Calls):
    """Calls with one community's *token*, which travels in a header and nowhere else."""

    def __init__(self, token: str, *, base: str, proxy: str | None, calls_per_s: int = CALLS_PER_S) -> None:
        super().__init__(NAME, proxy=proxy)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._base = base.rstrip("/")
        self._turns = Turns(calls_per_s)

    async def call(self, method: str, **form: Any) -> Any:
        """What *method* answers. Raises VkRefusedError, GarbledAnswerError and what the network raises."""
        await self._turns.wait()
        address = f"{self._base}/method/{method}"
        # As aiohttp's own form, which quotes Russian letter by letter, fifteen times slower.
        data = URL.build(query=form | {"v": VERSION}).raw_query_string.encode()
        async with self.request(
            "POST", address, timeout_s=CALL_S, data=data, headers=self._headers
        ) as answer:
            status, body = answer.status, await read(answer)
        match _parsed(body, status):
            case {"response": response}:
                return response
            case {"error": {"error_code": int(code), **rest}}:
                raise VkRefusedError(code, str(rest.get("error_msg", "")))
            case _:
                raise GarbledAnswerError(status)

    async def fetch(self, verb: str, address: str, *, timeout_s: float, **what: Any) -> Any:
        """The JSON at another address that VK named: an upload or a long poll, both without the token."""
        async with self.request(verb, address, timeout_s=timeout_s, **what) as answer:
            status, body = answer.status, await read(answer)
        return _parsed(body, status)


def _parsed(body: bytes, status: int) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise GarbledAnswerError(status) from None


@contextmanager
def failures_worded() -> Iterator[None]:
    """Raise whatever goes wrong within as ChannelFailedError, in words that hold neither token nor address."""
    try:
        yield
    except ChannelFailedError:
        raise
    except VkRefusedError as error:
        later = LATER.get(error.code)
        pause_s = later.after_s if later else None
        raise ChannelFailedError(NAME, str(error), retry_after_s=pause_s) from None
    except GarbledAnswerError as error:
        raise ChannelFailedError(NAME, str(error)) from None
    except Exception as error:  # noqa: BLE001 - a proxy's errors have no family
        raise ChannelFailedError(NAME, type(error).__name__) from None


def classify(error: Exception, sending: Sending) -> Outcome:
    """What an exception means for *sending*."""
    match error:
        case VkRefusedError():
            return _refused(error, sending)
        case GarbledAnswerError(status=429):
            return RetryLater(PAUSE_S, scope="channel")
        case GarbledAnswerError():
            return Unknown(str(error))
        case _ if isinstance(error, NOTHING_LEFT):
            return RetryLater(PAUSE_S, scope="channel")
        case ValueError():  # its text may hold ours
            return Rejected(f"no call of VK's can carry it: {type(error).__name__}")
        case _:
            return Unknown(type(error).__name__)


def _refused(error: VkRefusedError, sending: Sending) -> Outcome:
    code, why, said = error.code, str(error), error.words.lower()
    if code in LATER:
        return LATER[code]
    if code in PERHAPS_DONE:
        return Unknown(why)
    if code in STOPPED or (code == ACCESS_DENIED and any(words in said for words in OUR_RIGHTS)):
        return ChannelStopped(why)
    if code in NOT_EDITABLE and sending.message.replaces is not None:
        return SendAnew(without="edit")
    if code in UNREACHABLE:
        return Unreachable(why)
    if BAD_MARKUP in said and not sending.plain:
        return SendAnew(without="markup")
    return Rejected(why)
