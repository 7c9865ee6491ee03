"""Odnoklassniki over its Graph API: the message box of one group, by webhook or long polling.

Where it bites: nothing is signed, so the webhook's address is the secret; a subscription that was not answered
for eight hours is removed in silence, so it is watched; a token dies after 30 days without a call; a message
needs words, whatever is attached; an upload must settle before it can be sent; nothing can be edited.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final, Literal

import msgspec
import structlog

from adapters.calling import listed
from adapters.odnoklassniki_api import (
    CALL_S,
    NOT_SUBSCRIBED,
    OkApi,
    OkRefusedError,
    classify,
    failures_worded,
)
from adapters.odnoklassniki_history import said_since, sent_since
from adapters.odnoklassniki_messages import CAPABILITIES, encode, kind_of, words_of
from adapters.odnoklassniki_updates import (
    CHAT,
    EVENT_KINDS,
    NAME,
    check,
    decode,
    parse,
)
from adapters.receiving import polled
from core.channel import (
    Clock,
    Identity,
    Outcome,
    Pace,
    Received,
    RenderedFile,
    RetryLater,
    Sending,
    Sent,
    Webhook,
)
from core.errors import ChannelFailedError, ChannelMisconfiguredError
from core.messages import Incoming

log = structlog.get_logger()

# None are published; these are careful, and refusals for speed push them down.
PACE: Final = Pace(rate=5, burst=5, chat_rate=1, chat_burst=3)
WAIT_S_MAX: Final = 3600.0

# https://apiok.ru/dev/graph_api/methods/graph.user/graph.user.fileUploadUrl/get
SETTLE_S: Final = 2.0
SETTLE_TRIES: Final = 5
UPLOADS_MAX: Final = 1000

POLL_S: Final = 50
POLL_PAUSE_S: Final = 2.0

# Longer than a subscription lives unanswered; while it fails it grows, but not past what the inbox knows.
CATCH_UP: Final = timedelta(days=3)
CATCH_UP_MAX: Final = timedelta(days=5)
OWED: Final = re.compile(r"owed since (\S+)")

# Where Odnoklassniki keeps what residents send.
FILE_HOSTS: Final = ("mycdn.me", "okcdn.ru", "ok.ru", "odnoklassniki.ru")

TOKEN: Final = re.compile(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+")
SECRET: Final = re.compile(r"[A-Za-z0-9_-]{22,128}")  # 22 of these are 132 bits
OURS: Final = re.compile(rf"(.*/{NAME})/{SECRET.pattern}")
ADDRESS: Final = re.compile(r"https?://[^\s{}?#]+")


@dataclass(frozen=True, slots=True)
class OdnoklassnikiSettings:
    """How to reach one group.

    *secret* (22–128 of `A-Za-z0-9_-`, random) ends the webhook's address and is wanted in webhook mode.
    *api_base* is the Graph API's; *proxy* an address like `http://user:password@host:3128` for requests going
    out. *text_chars_max* is not published, so it can be set when it was measured. *press_answer* are the words
    that answer a press; '' leaves presses without an answer of their own, as a reply follows anyhow.
    *secret_before*, if any, is accepted too: the platform may repeat what it sent before the change.
    """

    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    secret_before: str = field(default="", repr=False)
    mode: Literal["webhook", "polling"] = "webhook"
    api_base: str = "https://api.ok.ru/graph"
    proxy: str | None = field(default=None, repr=False)
    text_chars_max: int = CAPABILITIES.text_chars_max
    press_answer: str = ""


@dataclass(slots=True)
class _Upload:
    token: str
    at_s: float


class Odnoklassniki:
    """One group's message box, as `core.channel.Channel` and `core.channel.CatchingUp`.

    *clock* tells how far back a history is read; *settle_s* is how long an upload rests before it is sent.
    Raises ChannelMisconfiguredError for settings that can never work.
    """

    def __init__(self, settings: OdnoklassnikiSettings, *, clock: Clock, settle_s: float = SETTLE_S) -> None:
        _check(settings)
        longest = settings.text_chars_max
        self.name: str = NAME
        self.capabilities = msgspec.structs.replace(
            CAPABILITIES, text_chars_max=longest, caption_chars_max=longest
        )
        self.pace = PACE
        self.ack_s = 4.0  # Odnoklassniki waits for 5 s
        self.accepted = b"OK"
        self._settings = settings
        self._clock = clock
        self._settle_s = settle_s
        self._api = OkApi(settings.token, base=settings.api_base, proxy=settings.proxy)
        self._uploads: dict[str, _Upload] = {}
        self._troubled_since: dict[str, float] = {}

    def receive(self, webhook: Webhook) -> Received:
        """The event in a webhook's body; see `core.channel.Channel`."""
        check(self._settings.secret, webhook.secret, before=self._settings.secret_before)
        return decode(parse(webhook.body))

    # --- Sending ---------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; files that the platform no longer has are uploaded again, once."""
        try:
            return self._judged(await self._carry_out(sending))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            stale = isinstance(error, OkRefusedError) and error.blames_request and sending.known_files
            if not stale:
                return self._judged(classify(error))
        try:
            return self._judged(await self._carry_out(msgspec.structs.replace(sending, known_files={})))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            return self._judged(classify(error))

    async def _carry_out(self, sending: Sending) -> Outcome:
        if not CHAT.fullmatch(sending.chat):
            raise ValueError("not a chat of Odnoklassniki's")
        if sending.tried_s_ago and (found := await self._left_behind(sending)):
            return Sent(found)
        tokens = {file.sha256: await self._token(file, sending.known_files) for file in sending.files}
        body = encode(sending, tokens, text_chars_max=self.capabilities.text_chars_max)
        answer = await self._post(sending, body)
        for sha256 in tokens:
            self._uploads.pop(sha256, None)
        return Sent(str(answer.get("message_id") or ""), tokens)

    async def _left_behind(self, sending: Sending) -> str | None:
        """The id of the message that an earlier try left in the chat, where the answer alone was lost."""
        first = msgspec.structs.replace(sending, message=sending.first or sending.message)
        words = words_of(first, text_chars_max=self.capabilities.text_chars_max)
        began = self._clock() - timedelta(seconds=sending.tried_s_ago)
        try:
            return await sent_since(self._api, sending.chat, words, began)
        except Exception as error:  # noqa: BLE001 - a second message is better than none
            log.info("history.unread", channel=NAME, reason=type(error).__name__)
            return None

    async def _post(self, sending: Sending, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send *body*, after its uploads have settled; one that has not is refused like a mistake of ours."""
        fresh = [upload for file in sending.files if (upload := self._uploads.get(file.sha256))]
        tries = SETTLE_TRIES if fresh else 1
        ready_s = max((upload.at_s + self._settle_s for upload in fresh), default=0.0)
        while True:
            tries -= 1
            await asyncio.sleep(max(0.0, ready_s - monotonic()))
            try:
                return await self._api.post("me", "messages", sending.chat, body=body)
            except OkRefusedError as error:
                if not error.blames_request:
                    raise
                if not tries:
                    for file in sending.files:
                        self._uploads.pop(file.sha256, None)
                    raise
                ready_s = monotonic() + self._settle_s

    async def _token(self, file: RenderedFile, known: Mapping[str, str]) -> str:
        """The name under which messages attach *file*: of an earlier upload, else of one made now."""
        if file.sha256 in known:
            return known[file.sha256]
        if file.sha256 not in self._uploads:
            token = await self._api.upload(file, kind=kind_of(file))
            while len(self._uploads) >= UPLOADS_MAX:
                del self._uploads[next(iter(self._uploads))]
            self._uploads[file.sha256] = _Upload(token, monotonic())
        return self._uploads[file.sha256].token

    def _judged(self, outcome: Outcome) -> Outcome:
        """*outcome*, in which a wait is at least as long as the trouble has lasted."""
        if not isinstance(outcome, RetryLater):
            self._troubled_since.clear()
            return outcome
        lasted_s = monotonic() - self._troubled_since.setdefault(outcome.scope, monotonic())
        longest_s = min(outcome.after_s * 60, WAIT_S_MAX)
        if outcome.after_s >= 60:
            log.warning("channel.held", channel=NAME, after_s=outcome.after_s, lasted_s=round(lasted_s))
        return RetryLater(min(max(outcome.after_s, lasted_s), longest_s), outcome.scope)

    async def acknowledge(self, update: Incoming) -> None:
        """Answer a press with the words of the settings, if there are any; a failure is logged."""
        words = self._settings.press_answer
        if update.acknowledge is None or not words:
            return
        try:
            with failures_worded():
                answer = {"message": {"text": words}}
                query = {"callbackId": update.acknowledge}
                await self._api.post(update.chat, "answer", body=answer, query=query)
        except ChannelFailedError as error:
            log.info("press.unacknowledged", channel=NAME, reason=error.reason)

    # --- Long polling and files ------------------------------------------------------------------

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Wait for events after the marker *position*; see `core.channel.Channel`.

        A subscription to them that is not there (any more) is asked for.
        """
        began_s = monotonic()
        marker = {"marker": position} if position else {}
        with failures_worded():
            try:
                answer = await self._api.get("me", "updates", query=marker, timeout_s=POLL_S + CALL_S)
            except OkRefusedError as error:
                if error.code != NOT_SUBSCRIBED:
                    raise
                log.warning("polling.resubscribed", channel=NAME)
                await self._api.post(
                    "me", "subscribe", body={"types": list(EVENT_KINDS), "longPolling": True}
                )
                return (), position
            except TimeoutError:
                return (), position
        events = listed(answer, "updates")
        if not events:
            # Whether the platform waits at all is not written anywhere.
            await asyncio.sleep(max(0.0, POLL_PAUSE_S - (monotonic() - began_s)))
        reached = answer.get("marker")
        updates = [update for event in events for update in polled(NAME, partial(decode, event))]
        return updates, position if reached is None else str(reached)

    async def download(self, file: str) -> bytes:
        """The bytes of a picture on the platform's servers. Raises ChannelFailedError; also if it is too large."""
        with failures_worded():
            return await self._api.download(file, base=self._settings.api_base, hosts=FILE_HOSTS)

    # --- What the platform keeps of us -----------------------------------------------------------

    async def identify(self) -> Identity:
        """The group that the token is of, and its webhook's address without the secret."""
        with failures_worded():
            me = await self._api.get("me", "info")
            urls = await self._subscriptions()
        ours = [url for url in urls if OURS.fullmatch(url)]
        current = [url for url in ours if url.endswith(f"/{self._settings.secret}")]
        complaints = []
        if self._settings.secret and ours and not current:
            complaints.append("the webhook has an older secret: subscribe again")
        if len(ours) > 1:
            complaints.append("several webhooks of ours are subscribed: each message comes to all of them")
        if others := len(urls) - len(ours):
            complaints.append(f"every message goes to webhooks of others too: {others}")
        return Identity(
            id=str(me.get("group_id", "")),
            name=str(me.get("name", "")),
            webhook=_without_secret(next(iter(current or ours), "")),
            complaint="; ".join(complaints),
        )

    async def subscribe(self, url: str) -> None:
        """Have events posted to *url* with the secret behind it; then no more to it with an older secret.

        Raises ChannelMisconfiguredError too, where there is no secret.
        """
        if not self._settings.secret:
            raise ChannelMisconfiguredError(NAME, "a webhook needs a secret")
        with failures_worded():
            urls = await self._subscriptions()
            ours = self._address(url)
            if ours not in urls:
                await self._api.post("me", "subscribe", body={"url": ours})
            for each in urls:
                if each != ours and _without_secret(each) == url.rstrip("/"):
                    await self._api.post("me", "unsubscribe", body={"url": each})

    async def unsubscribe(self) -> None:
        """Remove our webhooks, by whatever name and secret they were set; those of others stay."""
        with failures_worded():
            for each in await self._subscriptions():
                if OURS.fullmatch(each):
                    await self._api.post("me", "unsubscribe", body={"url": each})

    async def catch_up(self, url: str, position: str) -> tuple[Sequence[Incoming], str]:
        """See that the webhook at *url* is still subscribed; see `core.channel.CatchingUp`.

        A position is the time of the subscription before which nothing is missing, or since when something is
        owed. So a renewal by hand is noticed as well. Any call keeps the token alive, for which *url* may be ''.
        """
        owed, now = OWED.fullmatch(position), self._clock()
        owing = position if owed else f"owed since {(now - CATCH_UP).isoformat()}"
        with failures_worded():
            subscribed = await self._subscriptions()
            if not url:
                return (), position
            subscribed_at = subscribed.get(self._address(url))
            if subscribed_at is None:
                log.error("webhook.lost", channel=NAME)
                await self._api.post("me", "subscribe", body={"url": self._address(url)})
                log.warning("webhook.renewed", channel=NAME)
                return (), owing
            if position in ("", subscribed_at):
                return (), subscribed_at
            if not owed:
                return (), owing
            since = max(datetime.fromisoformat(owed[1]), now - CATCH_UP_MAX)
            missed = await said_since(self._api, since, now=now)
        log.warning("webhook.caught_up", channel=NAME, updates=len(missed))
        return missed, subscribed_at

    async def _subscriptions(self) -> Mapping[str, str]:
        """The addresses that events are posted to, and since when, as the platform writes it."""
        answer = await self._api.get("me", "subscriptions")
        entries = listed(answer, "subscriptions")
        return {url: str(each.get("time")) for each in entries if isinstance(url := each.get("url"), str)}

    def _address(self, url: str) -> str:
        return f"{url.rstrip('/')}/{self._settings.secret}"

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


def _check(settings: OdnoklassnikiSettings) -> None:
    if not TOKEN.fullmatch(settings.token):
        raise ChannelMisconfiguredError(NAME, "the token is not of the form tkn…:C…")
    if settings.mode == "webhook" and not SECRET.fullmatch(settings.secret):
        raise ChannelMisconfiguredError(NAME, "the webhook secret must be 22–128 of A-Z a-z 0-9 _ -")
    if not ADDRESS.fullmatch(settings.api_base):
        raise ChannelMisconfiguredError(NAME, "the API's base must be an http(s) address")
    if settings.proxy is not None and not ADDRESS.fullmatch(settings.proxy):
        raise ChannelMisconfiguredError(NAME, "the proxy must be like http://host:3128")
    if settings.text_chars_max < 1:
        raise ChannelMisconfiguredError(NAME, "a text has at least one character")


def _without_secret(url: str) -> str:
    found = OURS.fullmatch(url)
    return found[1] if found else ""
