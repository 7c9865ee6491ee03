"""Events on their way to the bot's webhook: signed, in order a person, again until 200 or for an hour."""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from bots.simulator.app import is_loopback
from bots.simulator.viber.limits import JsonObject

SIGNATURE_HEADER: Final = "X-Viber-Content-Signature"
# Viber says "several times within an hour": after these waits, then the event is lost.
RETRIES_S: Final = (5.0, 15.0, 60.0, 300.0, 900.0, 1800.0)
ATTEMPTS_KEPT: Final = 10_000

MANDATORY: Final = ("subscribed", "unsubscribed", "message")
OPTIONAL: Final = ("delivered", "seen", "failed", "conversation_started")

# What the bot answered an event with: the HTTP status (0: none) and the body.
Answered = Callable[[int, bytes], Awaitable[None]]


@dataclass(slots=True)
class Manners:
    """How events come on a bad day: each twice, with tokens as text, without names, the trial unsigned."""

    twice: bool = False
    tokens_as_text: bool = False
    nameless: bool = False
    trial_unsigned: bool = False


@dataclass(slots=True, eq=False)
class Event:
    body: JsonObject
    answered: Answered | None = None

    @property
    def kind(self) -> str:
        return str(self.body["event"])


@dataclass(slots=True)
class Webhook:
    url: str = ""
    kinds: tuple[str, ...] = (*MANDATORY, *OPTIONAL)
    attempts: deque[tuple[str, int]] = field(default_factory=lambda: deque(maxlen=ATTEMPTS_KEPT))
    """The kind of each event that was posted, and the HTTP status of the answer (0: none)."""


class Events:
    """All events of one bot. *retry_scale* shortens the waits between attempts."""

    def __init__(self, token: str, *, retry_scale: float, timeout_s: float) -> None:
        self._token = token.encode()
        self._retry_scale = retry_scale
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[str, deque[Event]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._pulse = asyncio.Event()
        self.manners = Manners()
        self.webhook = Webhook()

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers={"User-Agent": "Viber"})

    async def close(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    def put(self, user: str, body: JsonObject, answered: Answered | None = None) -> None:
        """Post *body* about *user*, if the bot wants its kind; *answered* is told what came back in the end."""
        event = Event(self._mannered(body), answered)
        if not self.webhook.url or event.kind not in self.webhook.kinds or self._session is None:
            return
        lane = self._lanes.setdefault(user, deque())
        lane.extend([event, Event(event.body)] if self.manners.twice else [event])
        if user not in self._running:
            self._running[user] = asyncio.create_task(self._run(user))

    async def drained(self) -> None:
        """Return when every event was acknowledged or lost."""
        while self._lanes:
            await self._pulse.wait()

    async def trial(self, url: str, body: JsonObject) -> bool:
        """Whether *url* answers the trial call with 200."""
        status, _ = await self._post(url, body, signed=not self.manners.trial_unsigned)
        return status == 200

    def _mannered(self, body: JsonObject) -> JsonObject:
        body = dict(body)
        if self.manners.tokens_as_text and "message_token" in body:
            body["message_token"] = str(body["message_token"])
        if self.manners.nameless:
            for who in ("user", "sender"):
                if isinstance(person := body.get(who), dict):
                    body[who] = {"id": person["id"]}
        return body

    async def _run(self, user: str) -> None:
        while lane := self._lanes.get(user):
            event = lane[0]
            status, answer = await self._deliver(event)
            if event.answered is not None:
                await event.answered(status, answer)
            lane.popleft()
            if not lane:
                del self._lanes[user]
        del self._running[user]
        self._announce()

    async def _deliver(self, event: Event) -> tuple[int, bytes]:
        """Post *event* until it is acknowledged or lost."""
        for wait_s in (*RETRIES_S, None):
            status, answer = await self._post(self.webhook.url, event.body, signed=True)
            if status == 200 or wait_s is None:
                return status, answer
            await asyncio.sleep(wait_s * self._retry_scale)
        raise AssertionError("the last attempt returns")

    async def _post(self, url: str, body: JsonObject, *, signed: bool) -> tuple[int, bytes]:
        wire = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        proof = hmac.new(self._token, wire, "sha256").hexdigest()
        headers = {"Content-Type": "application/json"} | ({SIGNATURE_HEADER: proof} if signed else {})
        status, answer = await self._attempt(
            URL(url).update_query({"sig": proof} if signed else {}), wire, headers
        )
        self.webhook.attempts.append((str(body["event"]), status))
        return status, answer

    async def _attempt(self, url: URL, wire: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """One post; the stand-in goes nowhere but to this machine, whatever it was told."""
        if self._session is None or not is_loopback(url.host):
            return 0, b""
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        try:
            async with self._session.post(
                url, data=wire, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                return answer.status, await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError):
            return 0, b""

    def _announce(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
