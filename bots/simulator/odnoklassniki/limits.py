"""What Odnoklassniki refuses and in which words: refusals, paces, and faults that a test switches on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bots.simulator import faults
from core.errors import KvitokError

# Not published: the figures that the channel works with until a live group has shown others.
TEXT_CHARS_MAX: Final = 2000
ROWS_MAX: Final = 10
COLUMNS_MAX: Final = 3
LABEL_CHARS_MAX: Final = 40
PAYLOAD_BYTES_MAX: Final = 64
URL_CHARS_MAX: Final = 2048
RECIPIENTS_MAX: Final = 20
# https://apiok.ru/dev/graph_api/methods/graph.user/graph.user.messages/post
ATTACHMENTS_MAX: Final = 5
PICTURES_BY_ADDRESS_MAX: Final = 1
UPLOAD_BYTES_MAX: Final = 50 * 1024 * 1024
# How long an upload is not ready yet.
SETTLE_S: Final = 2.0

SERVICE: Final = 2
FLOOD: Final = 8
LIMIT: Final = 11
PARAM: Final = 100
EXPIRED: Final = 102
SESSION_KEY: Final = 103
NOT_FOUND: Final = 300
CENSOR: Final = 454
BLOCKED: Final = 455
PRIVACY: Final = 458
ANTISPAM: Final = 511
CHAT_NOT_FOUND: Final = 705
BAD_REQUEST: Final = 2001
INVALID_RESPONSE: Final = 5000
SYSTEM: Final = 9999

ERRORS: Final = {
    SERVICE: "SERVICE : Service is temporary unavailable.",
    FLOOD: "FLOOD_BLOCKED : Action is blocked due to flood",
    LIMIT: "LIMIT_REACHED : Method call limit is reached",
    PARAM: "PARAM : {what}",
    EXPIRED: "PARAM_SESSION_EXPIRED : Session expired",
    SESSION_KEY: "PARAM_SESSION_KEY : Invalid session key",
    NOT_FOUND: "NOT_FOUND : not.found.user",
    CENSOR: "CENSOR_MATCH : Text is rejected by censor",
    BLOCKED: "FRIEND_RESTRICTION : errors.user-blocked",
    PRIVACY: "PRIVACY_RESTRICTION : errors.privacy",
    ANTISPAM: "IDS_BLOCKED : Antispam check failed",
    CHAT_NOT_FOUND: "CHAT_NOT_FOUND : chat not found",
    BAD_REQUEST: "GRAPH_PARAM_REQUEST : Bad request",
    INVALID_RESPONSE: "INVALID_RESPONSE : Invalid response",
    SYSTEM: "SYSTEM : Critical system error",
}


class OkRefusedError(KvitokError):
    """A call that Odnoklassniki would answer with `error_code`."""

    def __init__(self, code: int, what: str = "") -> None:
        self.code = code
        self.message = ERRORS.get(code, "UNKNOWN : Unknown error").format(what=what)
        super().__init__(f"{code} {self.message}")

    def to_json(self) -> dict[str, object]:
        return {"error_code": self.code, "error_msg": self.message, "error_data": None}


def wrong(what: str) -> OkRefusedError:
    return OkRefusedError(PARAM, what)


@dataclass(slots=True)
class _Bucket:
    """As many calls at once as *size*, refilled at *per_s*."""

    size: float
    per_s: float
    level: float
    at_s: float

    def ready(self, now_s: float) -> bool:
        self.level = min(self.size, self.level + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        return self.level >= 1


class Paces:
    """How fast a group may send: none are published, so these are what the channel keeps to, with some room."""

    def __init__(self, *, chat_burst: int, group_per_s: int) -> None:
        self._chat_burst = chat_burst
        self._group = _Bucket(group_per_s, group_per_s, group_per_s, 0.0)
        self._chats: dict[str, _Bucket] = {}

    def spend(self, now_s: float, *, chat: str) -> None:
        """Count one message to *chat*; refused with FLOOD when too fast."""
        burst = self._chat_burst
        buckets = [self._group, self._chats.setdefault(chat, _Bucket(burst, 1.0, burst, now_s))]
        if not all(bucket.ready(now_s) for bucket in buckets):
            raise OkRefusedError(FLOOD)
        for bucket in buckets:
            bucket.level -= 1


@dataclass(slots=True, kw_only=True)
class Faults(faults.Faults):
    """Faults of Odnoklassniki's, for calls whose path has a part of `only`: `error_code` refuses."""

    error_code: int = 0
