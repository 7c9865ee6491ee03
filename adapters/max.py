"""MAX over its Bot API: one bot, by webhook or long polling.

Where it bites: a message has no key of its own, so what was sent before a lost answer is looked for in the
dialog, which has another number than its person; an upload must be processed before it can be sent; a
subscription that was not answered for eight hours is gone in silence, so it is watched; long polling is for
development, and gives only the last update to whoever names no place.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Final, Literal, TypeVar

import msgspec
import structlog

from adapters.calling import listed
from adapters.max_api import (
    CALL_S,
    CALLS_PER_S,
    PAUSES,
    Fault,
    MaxApi,
    MaxRefusedError,
    classify,
    failures_worded,
)
from adapters.max_messages import CAPABILITIES, encode, is_said_by, kind_of
from adapters.max_updates import NAME, UPDATE_KINDS, check, decode, dialog_in, parse
from adapters.receiving import polled
from core.channel import (
    Clock,
    Identity,
    Outcome,
    Pace,
    Received,
    Rejected,
    RenderedFile,
    RetryLater,
    Sending,
    Sent,
    Webhook,
)
from core.errors import ChannelFailedError, ChannelMisconfiguredError
from core.messages import Incoming

log = structlog.get_logger()

# https://dev.max.ru/docs-api: 2 messages a second in one dialog, and CALLS_PER_S in all, of which answers to
# presses and uploads want their part.
PACE: Final = Pace(rate=15, burst=10, chat_rate=2, chat_burst=1)

# How often a message is tried whose upload is still being processed.
UNREADY_TRIES_MAX: Final = 6
# Uploads and dialogs beyond these are forgotten, the oldest first.
REMEMBERED_MAX: Final = 10_000
LOOK_BACK_MESSAGES: Final = 5

POLL_S: Final = 30
POLL_UPDATES: Final = 100

# Where MAX keeps what residents send.
FILE_HOSTS: Final = ("oneme.ru", "max.ru", "okcdn.ru", "mycdn.me")

CHAT: Final = re.compile(r"[1-9]\d{0,18}")
TOKEN: Final = re.compile(r"[!-~]{8,1024}")
SECRET: Final = re.compile(r"[A-Za-z0-9-]{5,256}")
ADDRESS: Final = re.compile(r"https?://[^\s{}?#]+")
_Key = TypeVar("_Key")

OURS: Final = re.compile(rf".*/webhooks/{NAME}/?")


@dataclass(frozen=True, slots=True)
class MaxSettings:
    """How to reach one bot.

    *secret* (5–256 of `A-Za-z0-9-`, random) comes with every webhook and is wanted in webhook mode. *tls* is
    what the API's certificate is checked by; None: the system's roots alone. *proxy* is an address like
    `http://user:password@host:3128` for requests going out. *calls_per_s* is what MAX allows the bot.
    *secret_before*, if any, is accepted too: the platform may repeat what it sent before the change.
    """

    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    secret_before: str = field(default="", repr=False)
    mode: Literal["webhook", "polling"] = "webhook"
    api_base: str = "https://platform-api2.max.ru"
    tls: ssl.SSLContext | None = None
    proxy: str | None = field(default=None, repr=False)
    calls_per_s: int = CALLS_PER_S


class Max:
    """One bot of MAX's, as `core.channel.Channel` and `core.channel.Kept`.

    *clock* tells how far back a dialog is looked through. Raises ChannelMisconfiguredError for settings that can
    never work.
    """

    def __init__(self, settings: MaxSettings, *, clock: Clock) -> None:
        _check(settings)
        self.name: str = NAME
        self.capabilities = CAPABILITIES
        self.pace = PACE
        self.ack_s = 25.0  # MAX waits for 30 s
        self.accepted = b""
        self._settings = settings
        self._clock = clock
        self._api = MaxApi(
            settings.token,
            base=settings.api_base,
            proxy=settings.proxy,
            tls=settings.tls,
            calls_per_s=settings.calls_per_s,
        )
        self._uploads: dict[str, str] = {}
        self._unready: dict[int, int] = {}
        self._dialogs: dict[str, int] = {}
        self._troubled_since: dict[str, float] = {}

    def receive(self, webhook: Webhook) -> Received:
        """The update in a webhook's body; see `core.channel.Channel`."""
        check(self._settings.secret, webhook.headers, before=self._settings.secret_before)
        return self._read(parse(webhook.body))

    def _read(self, fields: object) -> Received:
        """An update of the platform's, which tells the number of its dialog as well."""
        received = decode(fields, token=self._settings.token)
        if (found := dialog_in(fields)) is not None:
            _remember(self._dialogs, *found)
        return received

    # --- Sending ---------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; one that is refused is tried once more without markup and earlier uploads."""
        try:
            return self._judged(sending, await self._carry_out(sending))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            if (simpler := _simpler(sending, error)) is None:
                return self._judged(sending, self._classified(sending, error))
            self._forget_uploads(sending)
        try:
            return self._judged(simpler, await self._carry_out(simpler))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            return self._judged(simpler, self._classified(simpler, error))

    async def _carry_out(self, sending: Sending) -> Outcome:
        if not CHAT.fullmatch(sending.chat):
            raise ValueError("not a person of MAX's")
        if sending.tried_s_ago and (found := await self._left_behind(sending)):
            return Sent(found)
        tokens = {file.sha256: await self._token(file, sending.known_files) for file in sending.files}
        body = encode(sending, tokens)
        if (replaced := sending.message.replaces) is not None:
            await self._api.call("PUT", "messages", body, query={"message_id": replaced})
            return Sent(replaced, tokens)
        query = {"user_id": sending.chat, "disable_link_preview": "true"}
        answer = await self._api.call("POST", "messages", body, query=query)
        for sha256 in tokens:
            self._uploads.pop(sha256, None)
        return Sent(self._made(sending.chat, answer), tokens)

    def _made(self, chat: str, answer: Mapping[str, Any]) -> str:
        """The id of the message in *answer*, which tells the dialog's number as well."""
        match answer:
            case {"message": {"body": {"mid": str(message)}, "recipient": {"chat_id": int(dialog)}}}:
                _remember(self._dialogs, chat, dialog)
                return message
            case _:
                return ""

    async def _left_behind(self, sending: Sending) -> str | None:
        """The id of the message that an earlier try left in the dialog, where the answer alone was lost."""
        sought = sending.first or sending.message
        dialog = self._dialogs.get(sending.chat)
        if dialog is None or sending.message.replaces is not None:
            return None
        began = self._clock() - timedelta(seconds=sending.tried_s_ago)
        try:
            query = {"chat_id": dialog, "count": LOOK_BACK_MESSAGES}
            answer = await self._api.call("GET", "messages", query=query)
        except Exception as error:  # noqa: BLE001 - a second message is better than none
            log.info("history.unread", channel=NAME, reason=type(error).__name__)
            return None
        for each in listed(answer, "messages"):
            match each:
                case {"sender": {"is_bot": True}, "timestamp": int(at_ms), "body": dict(body)}:
                    if at_ms >= began.timestamp() * 1000 and is_said_by(body, sought, sending.files):
                        return str(body.get("mid"))
                case _:
                    pass
        return None

    async def _token(self, file: RenderedFile, known: Mapping[str, str]) -> str:
        """The name under which messages attach *file*: of an earlier upload, else of one made now."""
        if (token := self._uploads.get(file.sha256)) is None:
            token = known.get(file.sha256) or await self._api.upload(file, kind=kind_of(file))
            _remember(self._uploads, file.sha256, token)
        return token

    def _classified(self, sending: Sending, error: Exception) -> Outcome:
        if isinstance(error, MaxRefusedError) and error.fault is Fault.NOT_READY:
            return self._not_ready(sending, error)
        if isinstance(error, MaxRefusedError) and error.fault is Fault.OURS:
            self._forget_uploads(sending)
        lasted_s = max(self._lasted_s(scope) for scope in ("channel", sending.chat))
        return classify(error, edits=sending.message.replaces is not None, lasted_s=lasted_s)

    def _not_ready(self, sending: Sending, error: MaxRefusedError) -> Outcome:
        """Wait half a second, one, two, four, eight; an upload that is not ready then is given up."""
        tries = self._unready.get(sending.token, 0) + 1
        if tries >= UNREADY_TRIES_MAX:
            self._forget_uploads(sending)
            return Rejected(f"{error}, {tries} times")
        _remember(self._unready, sending.token, tries)
        first_s, _, _ = PAUSES[Fault.NOT_READY]
        return classify(error, edits=False, lasted_s=first_s * 2 ** (tries - 1))

    def _forget_uploads(self, sending: Sending) -> None:
        for file in sending.files:
            self._uploads.pop(file.sha256, None)

    def _judged(self, sending: Sending, outcome: Outcome) -> Outcome:
        """*outcome*, noted: since when this chat, or the channel, is in trouble."""
        if isinstance(outcome, RetryLater):
            scope = sending.chat if outcome.scope == "lane" else "channel"
            if scope not in self._troubled_since:
                _remember(self._troubled_since, scope, monotonic())
            if outcome.after_s >= 60:
                log.warning("channel.held", channel=NAME, after_s=outcome.after_s)
            return outcome
        self._unready.pop(sending.token, None)
        self._troubled_since.pop(sending.chat, None)
        self._troubled_since.pop("channel", None)
        return outcome

    def _lasted_s(self, scope: str) -> float:
        since = self._troubled_since.get(scope)
        return 0.0 if since is None else monotonic() - since

    async def acknowledge(self, update: Incoming) -> None:
        """Answer a press with nothing to read; a failure is logged."""
        if update.acknowledge is None:
            return
        try:
            with failures_worded():
                query = {"callback_id": update.acknowledge}
                await self._api.call("POST", "answers", {"notification": ""}, query=query)
        except ChannelFailedError as error:
            log.info("press.unacknowledged", channel=NAME, reason=error.reason)

    # --- Long polling and files ------------------------------------------------------------------

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Wait up to POLL_S for updates after the marker *position*; see `core.channel.Channel`."""
        query: dict[str, str | int] = {
            "limit": POLL_UPDATES,
            "timeout": POLL_S,
            "types": ",".join(UPDATE_KINDS),
        }
        if position:
            query["marker"] = position
        with failures_worded():
            answer = await self._api.call("GET", "updates", query=query, timeout_s=POLL_S + CALL_S)
        updates = [
            update
            for fields in listed(answer, "updates")
            for update in polled(NAME, partial(self._read, fields))
        ]
        reached = answer.get("marker")
        return updates, position if reached is None else str(reached)

    async def download(self, file: str) -> bytes:
        """The bytes of a picture on the platform's servers. Raises ChannelFailedError; also if it is too large."""
        with failures_worded():
            return await self._api.download(file, base=self._settings.api_base, hosts=FILE_HOSTS)

    # --- What the platform keeps of us -----------------------------------------------------------

    async def identify(self) -> Identity:
        """The bot's name, and the webhook that it has."""
        with failures_worded():
            me = await self._api.call("GET", "me")
            urls = await self._subscriptions()
        ours = [url for url in urls if OURS.fullmatch(url)]
        others = len(urls) - len(ours)
        complaints = []
        if len(ours) > 1:
            complaints.append("several webhooks of ours are subscribed: subscribe again")
        if others:
            complaints.append(f"webhooks of others are subscribed too: {others}")
        name = str(me.get("username") or me.get("first_name") or "")
        return Identity(
            id=str(me.get("user_id", "")),
            name=name,
            webhook=next(iter(ours or urls), ""),
            complaint="; ".join(complaints),
        )

    async def subscribe(self, url: str) -> None:
        """Have updates posted to *url* with our secret, and no more to what was ours before.

        Raises ChannelMisconfiguredError too, where there is no secret.
        """
        if not self._settings.secret:
            raise ChannelMisconfiguredError(NAME, "a webhook needs a secret")
        with failures_worded():
            await self._subscribe(url)
            for each in await self._subscriptions():
                if each != url and OURS.fullmatch(each):
                    await self._api.call("DELETE", "subscriptions", query={"url": each})

    async def _subscribe(self, url: str) -> None:
        wanted = {"url": url, "update_types": list(UPDATE_KINDS), "secret": self._settings.secret}
        await self._api.call("POST", "subscriptions", wanted)

    async def unsubscribe(self) -> None:
        """Remove our webhooks, as polling needs it; those of others stay."""
        with failures_worded():
            for each in await self._subscriptions():
                if OURS.fullmatch(each):
                    await self._api.call("DELETE", "subscriptions", query={"url": each})

    async def keep(self, url: str) -> Sequence[Incoming]:
        """See that the webhook at *url* is still subscribed; see `core.channel.Kept`.

        What came while it was not, the platform tells nobody: residents ask again.
        """
        with failures_worded():
            if not url or url in await self._subscriptions():
                return ()
            log.error("webhook.lost", channel=NAME)
            await self._subscribe(url)
        log.warning("webhook.renewed", channel=NAME)
        return ()

    async def _subscriptions(self) -> Sequence[str]:
        answer = await self._api.call("GET", "subscriptions")
        entries = listed(answer, "subscriptions")
        return [url for each in entries if isinstance(url := each.get("url"), str)]

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


def _check(settings: MaxSettings) -> None:
    if not TOKEN.fullmatch(settings.token):
        raise ChannelMisconfiguredError(NAME, "the token is empty, or has spaces in it")
    if settings.mode == "webhook" and not SECRET.fullmatch(settings.secret):
        raise ChannelMisconfiguredError(NAME, "the webhook secret must be 5–256 of A-Z a-z 0-9 -")
    if not ADDRESS.fullmatch(settings.api_base):
        raise ChannelMisconfiguredError(NAME, "the API's base must be an http(s) address")
    if settings.proxy is not None and not ADDRESS.fullmatch(settings.proxy):
        raise ChannelMisconfiguredError(NAME, "the proxy must be like http://host:3128")


def _simpler(sending: Sending, error: Exception) -> Sending | None:
    """*sending* as it may be taken where it was refused as wrong; None if nothing can be left out."""
    refused = isinstance(error, MaxRefusedError) and error.fault is Fault.OURS
    marked = not sending.plain and any(span.style for span in sending.message.spans)
    if not refused or not (marked or sending.known_files):
        return None
    return msgspec.structs.replace(sending, plain=True, known_files={})


def _remember(kept: dict[_Key, Any], key: _Key, value: object) -> None:
    """Note *value*, and forget what was noted first beyond REMEMBERED_MAX."""
    kept[key] = value
    while len(kept) > REMEMBERED_MAX:
        del kept[next(iter(kept))]
