"""What MAX refuses and in which words: refusals, paces, and faults that a test switches on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from bots.simulator import faults
from core.errors import KvitokError

# https://dev.max.ru/docs-api/objects/NewMessageBody
TEXT_UNITS_MAX: Final = 4000
ATTACHMENTS_MAX: Final = 12
# https://dev.max.ru/docs-api/use-cases/sending-messages/keyboard
ROWS_MAX: Final = 30
COLUMNS_MAX: Final = 7
COLUMNS_OF_WIDE_MAX: Final = 3
BUTTONS_MAX: Final = 210
LABEL_CHARS_MAX: Final = 128
PAYLOAD_CHARS_MAX: Final = 1024
URL_CHARS_MAX: Final = 2048
NOTICE_CHARS_MAX: Final = 4000
IMAGE_BYTES_MAX: Final = 50 * 1024 * 1024
# https://dev.max.ru/docs-api
CALLS_PER_S: Final = 30
CHAT_PER_S: Final = 2
EDITABLE_S: Final = 7 * 24 * 3600.0
# How often an upload is not ready yet.
UNREADY_TIMES: Final = 1

PAYLOAD: Final = "proto.payload"
NOT_READY: Final = "attachment.not.ready"
TOKEN: Final = "verify.token"  # noqa: S105  # the name of an error
DENIED: Final = "chat.denied"
NO_ACCESS: Final = "access.denied"
NO_CHAT: Final = "chat.not.found"
NOT_FOUND: Final = "not.found"
NO_METHOD: Final = "method.not.allowed"
TOO_FAST: Final = "too.many.requests"
INTERNAL: Final = "internal.error"
UNAVAILABLE: Final = "service.unavailable"

ERRORS: Final = {
    PAYLOAD: (400, "{what}"),
    NOT_READY: (400, "Key: errors.process.attachment.file.not.processed"),
    TOKEN: (401, "Invalid access_token"),
    DENIED: (403, "Key: error.dialog.suspended, args: [{what},]."),
    NO_ACCESS: (403, ""),
    NO_CHAT: (404, "Chat {what} not found"),
    NOT_FOUND: (404, ""),
    NO_METHOD: (405, ""),
    TOO_FAST: (429, ""),
    INTERNAL: (500, "Internal error. Id: DEMO0001"),
    UNAVAILABLE: (503, ""),
}


class MaxRefusedError(KvitokError):
    """A call that MAX would refuse under *code*."""

    def __init__(self, code: str, what: object = "") -> None:
        self.code = code
        self.status, words = ERRORS[code]
        self.words = words.format(what=what)
        super().__init__(f"{self.status} {code} {self.words}".strip())

    def to_json(self) -> dict[str, object]:
        return {"code": self.code, "message": self.words}


def wrong(what: str) -> MaxRefusedError:
    return MaxRefusedError(PAYLOAD, what)


class Paces:
    """So many calls within any second, of all kinds and of one kind for one chat."""

    def __init__(self, *, calls_per_s: int, chat_per_s: int) -> None:
        self._calls_per_s = calls_per_s
        self._chat_per_s = chat_per_s
        self._at: dict[str, deque[float]] = {}

    def call(self, now_s: float) -> None:
        """Count a call; refused with `too.many.requests` when too fast."""
        self._count("", self._calls_per_s, now_s)

    def message(self, chat: int, now_s: float) -> None:
        """Count a message to *chat*."""
        self._count(f"message {chat}", self._chat_per_s, now_s)

    def answer(self, chat: int, now_s: float) -> None:
        """Count an answer to a press in *chat*."""
        self._count(f"answer {chat}", self._chat_per_s, now_s)

    def _count(self, what: str, per_s: int, now_s: float) -> None:
        times = self._at.setdefault(what, deque(maxlen=per_s))
        if len(times) == per_s and now_s - times[0] < 1.0:
            raise MaxRefusedError(TOO_FAST)
        times.append(now_s)


@dataclass(slots=True, kw_only=True)
class Faults(faults.Faults):
    """Faults of MAX's, for calls such as `POST messages`: `code` refuses, `unsuccessful` does so with HTTP 200."""

    code: str = ""
    unsuccessful: str = ""
