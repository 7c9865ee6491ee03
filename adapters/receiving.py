"""What comes in, as all adapters read it: the secret compared, the body parsed, what was polled decoded."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from core.channel import Received
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Incoming

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

BODY_BYTES_MAX: Final = 1024 * 1024


def check_secret(channel: str, secret: str, given: str, *, before: str = "") -> None:
    """Raise ForgedWebhookError unless *given* is *secret*, or the one *before* it; '' is none.

    Compared as bytes, in constant time.
    """
    said = given.encode(errors="backslashreplace")
    fits = [hmac.compare_digest(said, known.encode()) for known in (secret, before) if known]
    if not any(fits):
        raise ForgedWebhookError(channel)


def parse(channel: str, body: bytes) -> Any:
    """The JSON in the *body* of a webhook. Raises UnusableUpdateError."""
    if len(body) > BODY_BYTES_MAX:
        raise UnusableUpdateError(channel, "the body is larger than any update")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableUpdateError(channel, f"not JSON: {type(error).__name__}") from None


def polled(channel: str, decode: Callable[[], Received]) -> Sequence[Incoming]:
    """What an update that was polled comes to by *decode*; what cannot be read is logged and left out."""
    try:
        received = decode()
    except UnusableUpdateError as error:
        log.warning("update.unusable", channel=channel, reason=error.reason)
        return ()
    if received.ignored:
        log.info("update.ignored", channel=channel, reason=received.ignored)
    return received.updates
