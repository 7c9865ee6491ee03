"""What a channel can do, what became of a send, and the protocol that every adapter fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from core.messages import Incoming, Message

Clock: TypeAlias = Callable[[], datetime]
"""Tells the business time, aware of its zone. Adapters date with it what a platform does not date itself."""


class Capabilities(msgspec.Struct, frozen=True):
    """The limits of a channel's messages.

    Lengths are characters as the platform counts them; *payload_bytes_max* is UTF-8 bytes.
    *keyboard*: 'inline' under each message, 'bottom' one at a time, 'none' (choices are spelled out).
    *files_by_address*: the platform fetches files from a public address and takes no bytes. *utf16*: the
    lengths of texts are counted in UTF-16 units. *contact_button*: residents can share their own phone at a
    press, and the platform vouches that it is theirs. *row_chars_max*: what buttons side by side show in all,
    0 where it is not published.
    """

    text_chars_max: int
    caption_chars_max: int
    rows_max: int
    columns_max: int
    buttons_max: int
    label_chars_max: int
    row_chars_max: int = 0
    payload_bytes_max: int = 64
    keyboard: str = "inline"
    edits: bool = False
    bold: bool = False
    monospaced: bool = False
    photo: bool = False
    document: bool = False
    contact_button: bool = False
    link_button: bool = True
    files_by_address: bool = False
    utf16: bool = False


class Pace(msgspec.Struct, frozen=True):
    """How fast a channel may be sent to: the whole channel and one chat, messages a second and burst.

    After a pause a burst goes out, and *rate* more within the same second: a platform's limit bounds their sum.
    """

    rate: float
    burst: int
    chat_rate: float
    chat_burst: int = 1

    def within(self, per_s: int) -> Pace:
        """The same with at most *per_s* messages in any second: a sixth of them at once, the others evenly."""
        burst = max(1, per_s // 6)
        return msgspec.structs.replace(self, rate=max(per_s - burst, 0.5), burst=burst)


class Sent(msgspec.Struct, frozen=True):
    """Delivered; *message* is the platform's id of it, or ids with spaces between.

    *files*: ids under which uploads can be used again.
    """

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
    platform's own id of an earlier upload. *tried_s_ago* tells how long ago the row was first tried, 0 if it
    never was: a platform forgets after a while which tokens it has seen. *first* is what was tried then, where
    *message* marks itself as a repeat. *address_of* maps a file's sha256 to a public address, for channels with
    `files_by_address`.
    """

    chat: str
    token: int
    message: Message
    files: Sequence[RenderedFile] = ()
    known_files: Mapping[str, str] = {}
    plain: bool = False
    tried_s_ago: float = 0.0
    first: Message | None = None
    address_of: Mapping[str, str] = {}


class Webhook(msgspec.Struct, frozen=True):
    """A request that reached a channel's webhook: headers in lower case, the path's secret, the raw body."""

    headers: Mapping[str, str]
    secret: str
    body: bytes


class Refused(msgspec.Struct, frozen=True):
    """What the platform says later of a message that it had taken: *chat* was not shown it.

    *message* is the platform's id of it, as `Sent` has it.
    """

    chat: str
    message: str
    why: str


class Received(msgspec.Struct, frozen=True):
    """What a webhook's body comes to.

    *updates* go to the engine; *ignored* says why there are none, for one log line. *answer* is a body that
    the platform expects instead of the channel's usual one (a confirmation, a welcome). *refused*: messages
    of ours that turned out not to be shown.
    """

    updates: tuple[Incoming, ...]
    answer: bytes | None = None
    ignored: str = ""
    refused: tuple[Refused, ...] = ()


class Identity(msgspec.Struct, frozen=True):
    """Who the platform says we are, for `doctor`, and how our webhook stands there."""

    id: str
    name: str
    webhook: str = ""
    pending: int = 0
    complaint: str = ""


class Channel(Protocol):
    """One messenger.

    `receive` is pure but for the clock and what the adapter remembers of it; `send` and `acknowledge` never
    raise; the other calls raise ChannelFailedError when the platform refuses or does not answer, in words that hold no token.
    """

    name: str
    capabilities: Capabilities
    pace: Pace
    ack_s: float  # how long a webhook may wait for its commit
    accepted: bytes  # the body that tells the platform: do not send this again

    def receive(self, webhook: Webhook) -> Received:
        """The updates in a webhook's body.

        Raises ForgedWebhookError where its proof fails and UnusableUpdateError where an authentic body
        cannot be read; nothing else.
        """

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; every answer of the platform is classified, nothing is raised."""

    async def acknowledge(self, update: Incoming) -> None:
        """Tell the platform that a press was taken; a failure is logged, never raised."""

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Wait for updates after *position* ('' at first); returns them with the position that follows them.

        Asking from a position tells the platform that all before it is done, so it is asked only from one
        that was committed. What cannot be read is logged and left out; the position passes it.
        """

    async def download(self, file: str) -> bytes:
        """The bytes behind a Photo's reference."""

    async def identify(self) -> Identity:
        """Ask the platform who we are and how our webhook stands."""

    async def subscribe(self, url: str) -> None:
        """Have the platform send updates to *url*, and set up what residents find beside the chat (commands)."""

    async def unsubscribe(self) -> None:
        """Stop the platform from sending updates, as polling needs it; what waits there is kept."""

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Synchronous(Protocol):
    """A channel that can be told something only in the answer to its own request (voice).

    Nothing is sent to it: whatever was too late for one answer waits for the next request of its chat.
    """

    name: str
    pace: Pace
    answer_within_s: float  # how long a request may wait for its commit; in place of `ack_s`

    def answer(self, webhook: Webhook, messages: Sequence[Message]) -> bytes:
        """The answer to *webhook* that says *messages*; where there are none, one that asks for patience."""


@runtime_checkable
class Kept(Protocol):
    """A channel that is forgotten by its platform unless it is looked after, every few minutes."""

    async def keep(self, url: str) -> object:
        """See that the platform still sends updates to *url* ('' where it is polled) and knows our token.

        What was missed meanwhile is lost: residents ask again. Raises ChannelFailedError.
        """


@runtime_checkable
class CatchingUp(Protocol):
    """A channel that its platform forgets as well, but whose history tells what was missed meanwhile."""

    name: str

    async def catch_up(self, url: str, position: str) -> tuple[Sequence[Incoming], str]:
        """See that updates still come to *url* ('' where it is polled); give what was missed, and a new position.

        Asked again from that position, it goes on: a position other than *position* may mean that something is
        owed, which is given, and given again, until the position behind it is saved. *position* is '' at first.
        The engine drops what it knows. Raises ChannelFailedError.
        """
