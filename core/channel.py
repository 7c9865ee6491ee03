"""What a channel can do, what became of a send, and the protocol that every adapter fulfils."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from core.messages import Incoming, Message


class Capabilities(msgspec.Struct, frozen=True):
    """The limits of a channel's messages.

    Lengths are characters as the platform counts them; *payload_bytes_max* is UTF-8 bytes.
    *keyboard*: 'inline' under each message, 'bottom' one at a time, 'none' (choices are spelled out).
    """

    text_chars_max: int
    caption_chars_max: int
    rows_max: int
    columns_max: int
    buttons_max: int
    label_chars_max: int
    payload_bytes_max: int = 64
    keyboard: str = "inline"
    edits: bool = False
    bold: bool = False
    monospaced: bool = False
    photo: bool = False
    document: bool = False
    contact_button: bool = False
    link_button: bool = True


class Pace(msgspec.Struct, frozen=True):
    """How fast a channel may be sent to: the whole channel and one chat, messages a second and burst."""

    rate: float
    burst: int
    chat_rate: float
    chat_burst: int = 1


class Sent(msgspec.Struct, frozen=True):
    """Delivered; *message* is the platform's id of it. *files*: ids under which uploads can be used again."""

    message: str
    files: Mapping[str, str] = {}


class RetryLater(msgspec.Struct, frozen=True):
    """Not now: after *after_s*; *scope* is 'lane' (this chat) or 'channel'."""

    after_s: float
    scope: str = "lane"


class Unknown(msgspec.Struct, frozen=True):
    """Perhaps delivered, perhaps not."""

    why: str


class SendAnew(msgspec.Struct, frozen=True):
    """To be sent again without what was refused: 'edit' (as a new message) or 'markup' (as plain text)."""

    without: str


class Unreachable(msgspec.Struct, frozen=True):
    """The resident blocked the bot or is gone; nothing more may be sent to this chat."""

    why: str


class Rejected(msgspec.Struct, frozen=True):
    """Our fault: the platform will never take this message."""

    why: str


class ChannelStopped(msgspec.Struct, frozen=True):
    """The whole channel is refused (token, captcha): hold its queue and alarm."""

    why: str


Outcome: TypeAlias = Sent | RetryLater | Unknown | SendAnew | Unreachable | Rejected | ChannelStopped


class RenderedFile(msgspec.Struct, frozen=True):
    """A document made into bytes, with the name and media type that the resident sees."""

    name: str
    media_type: str
    body: bytes
    sha256: str


class Sending(msgspec.Struct, frozen=True):
    """One outbox row on its way: where to, what, and what retries need.

    *token* is the row's id (for platforms that drop repeats); *known_files* maps a file's sha256 to the
    platform's own id of an earlier upload.
    """

    chat: str
    token: int
    message: Message
    files: Sequence[RenderedFile] = ()
    known_files: Mapping[str, str] = {}
    plain: bool = False


class Webhook(msgspec.Struct, frozen=True):
    """A request that reached a channel's webhook: headers in lower case, the path's secret, the raw body."""

    headers: Mapping[str, str]
    secret: str
    body: bytes


class Received(msgspec.Struct, frozen=True):
    """What a webhook's body comes to: updates for the engine (perhaps none), and a fixed answer if due."""

    updates: tuple[Incoming, ...]
    answer: bytes | None = None
    ignored: str = ""


class Identity(msgspec.Struct, frozen=True):
    """Who the platform says we are, for `doctor`, and how our webhook stands there."""

    id: str
    name: str
    webhook: str = ""
    pending: int = 0
    complaint: str = ""


class Channel(Protocol):
    """One messenger. Everything but `send`, `acknowledge`, `poll` and the set-up calls is pure."""

    name: str
    capabilities: Capabilities
    pace: Pace
    ack_s: float
    accepted: bytes

    def receive(self, webhook: Webhook) -> Received:
        """The updates in a webhook's body.

        Raises ForgedWebhookError where its proof fails and UnusableUpdateError where an authentic body
        cannot be read.
        """

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; every answer of the platform is classified, nothing is raised."""

    async def acknowledge(self, update: Incoming) -> None:
        """Tell the platform that a press was taken; a failure is logged, never raised."""

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Wait for updates after *position*; returns them with the position that follows them."""

    async def download(self, file: str) -> bytes:
        """The bytes behind a Photo's reference."""

    async def identify(self) -> Identity:
        """Ask the platform who we are and how our webhook stands."""

    async def subscribe(self, url: str) -> None:
        """Have the platform send updates to *url*."""

    async def unsubscribe(self) -> None:
        """Stop the platform from sending updates."""

    async def close(self) -> None:
        """Let go of connections."""


Fields: TypeAlias = Mapping[str, Any]
