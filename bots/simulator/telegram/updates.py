"""Updates on their way to the bot: in order a chat, by webhook until acknowledged, or by getUpdates."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

import aiohttp

from bots.simulator.addresses import is_this_machine
from bots.simulator.telegram.limits import TelegramRefusedError

# What Telegram waits before it sends an update again, in seconds; later every random 60 to 120.
RETRIES_S: Final = (0, 2, 4, 8, 16, 32, 64)
RETRY_AFTER_S_MAX: Final = 3600
MESSAGE_LIFETIME_S: Final = 24 * 3600.0
PENDING_MAX: Final = 100_000
POLL_S_MAX: Final = 50
POLL_UPDATES_MAX: Final = 100
PROOF_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"

# Telegram keeps these from a bot that does not ask for them by name.
UNASKED: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
KNOWN: Final = frozenset(
    {"message", "edited_message", "callback_query", "my_chat_member", "channel_post", "edited_channel_post"}
    | {"inline_query", "chosen_inline_result", "poll", "poll_answer", "chat_join_request"}
    | UNASKED,
)

NOT_IN_ANSWERS: Final = ("get", "setwebhook", "deletewebhook", "close", "logout")

LaneKind = Literal["chat", "user", "member"]
Lane = tuple[LaneKind, int]
JsonObject = dict[str, object]
Execute = Callable[[JsonObject], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Update:
    """An update with the moment (of the monotonic clock) after which Telegram gives it up."""

    id: int
    kind: str
    body: JsonObject
    lane: Lane
    expires_s: float
    attempts: int = 0

    def to_json(self) -> JsonObject:
        return {"update_id": self.id, self.kind: self.body}

    def to_wire(self) -> bytes:
        """The very bytes that Telegram posts: compact, ASCII alone, a new line after the id."""
        body = json.dumps(self.body, ensure_ascii=True, separators=(",", ":"))
        return f'{{"update_id":{self.id},\n"{self.kind}":{body}}}'.encode()


@dataclass(frozen=True, slots=True)
class Webhook:
    url: str
    secret: str = ""
    connections_max: int = 40

    @property
    def headers(self) -> dict[str, str]:
        proof = {PROOF_HEADER: self.secret} if self.secret else {}
        return {"Content-Type": "application/json"} | proof


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The bot's 2xx, with the method call that its body may carry."""

    call: JsonObject | None


class UpdateQueue:
    """All updates that the bot has not confirmed.

    Updates of a lane leave in order, one at a time; lanes do not wait for each other. *retry_scale*
    shortens the waits between attempts, so that a test need not sit through Telegram's minutes.
    """

    def __init__(
        self,
        chance: Random,
        *,
        retry_scale: float,
        press_lifetime_s: float,
        webhook_timeout_s: float,
        first_id: int | None = None,
    ) -> None:
        self._chance = chance
        self._retry_scale = retry_scale
        self._press_lifetime_s = press_lifetime_s
        self._webhook_timeout_s = webhook_timeout_s
        self._next_id = chance.randint(100_000_000, 999_999_999) if first_id is None else first_id
        self._lanes: dict[Lane, deque[Update]] = {}
        self._running: dict[Lane, asyncio.Task[None]] = {}
        self._connections = asyncio.Semaphore(40)
        self.execute: Execute | None = None
        """Does the calls that the bot puts into its acknowledgements."""
        self._session: aiohttp.ClientSession | None = None
        self._poll: asyncio.Task[list[JsonObject]] | None = None
        self._pulse = asyncio.Event()
        self.pending: dict[int, Update] = {}
        self.webhook: Webhook | None = None
        self.allowed = KNOWN - UNASKED
        self.last_error: tuple[int, str] | None = None

    async def open(self) -> None:
        """Begin to deliver."""
        self._session = aiohttp.ClientSession(headers={"Accept-Encoding": "gzip, deflate", "User-Agent": ""})
        self._deliver_all()

    async def close(self) -> None:
        if self._poll:
            self._poll.cancel()
        await self._stop()
        if self._session:
            await self._session.close()
            self._session = None

    def put(self, kind: str, body: JsonObject, lane: Lane) -> int | None:
        """Hand *body* to the bot; None when it does not want this kind, or lags behind hopelessly."""
        if (kind in KNOWN and kind not in self.allowed) or len(self.pending) >= PENDING_MAX:
            return None
        lifetime_s = self._press_lifetime_s if kind == "callback_query" else MESSAGE_LIFETIME_S
        update = Update(self._next_id, kind, body, lane, time.monotonic() + lifetime_s)
        self._next_id += 1
        self.pending[update.id] = update
        self._lanes.setdefault(lane, deque()).append(update)
        self._deliver(lane)
        self._announce()
        return update.id

    async def drained(self) -> None:
        """Return when the bot has confirmed everything."""
        while self.pending:
            await self._pulse.wait()

    async def set_webhook(self, webhook: Webhook, *, drop_pending: bool) -> None:
        if self._poll:
            self._poll.cancel()
        await self._stop()
        self.webhook, self.last_error = webhook, None
        self._connections = asyncio.Semaphore(webhook.connections_max)
        self._drop(drop_pending=drop_pending)
        self._deliver_all()

    async def delete_webhook(self, *, drop_pending: bool) -> None:
        await self._stop()
        self.webhook = None
        self._drop(drop_pending=drop_pending)

    def allow(self, kinds: object) -> None:
        """Keep to *kinds* from now on; None keeps the list, an empty one is the default."""
        if kinds is None:
            return
        known = KNOWN.intersection(kinds) if isinstance(kinds, list) else frozenset[str]()
        self.allowed = known or KNOWN - UNASKED

    async def poll(self, offset: int, limit: int, timeout_s: int) -> list[JsonObject]:
        """The next updates from *offset* on, which confirms all before it; a newer poll ends this one."""
        if self.webhook:
            raise _conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        if self._poll:
            self._poll.cancel()
        self._poll = poll = asyncio.create_task(
            self._wait_for_updates(offset, limit, min(timeout_s, POLL_S_MAX))
        )
        try:
            return await poll
        except asyncio.CancelledError:
            if not poll.cancelled():
                poll.cancel()
                raise
            message = (
                "terminated by other getUpdates request; make sure that only one bot instance is running"
            )
            raise _conflict(message) from None
        finally:
            if self._poll is poll:
                self._poll = None

    async def _wait_for_updates(self, offset: int, limit: int, timeout_s: int) -> list[JsonObject]:
        if offset < 0:
            offset = ([*self.pending][offset:] or [0])[0]
        for update_id in [update_id for update_id in self.pending if update_id < offset]:
            self._confirm(update_id)
        limit = limit if 1 <= limit <= POLL_UPDATES_MAX else POLL_UPDATES_MAX

        def ready() -> list[JsonObject]:
            self._expire()
            return [update.to_json() for update in self.pending.values()][:limit]

        try:
            async with asyncio.timeout(timeout_s):
                while not (found := ready()):
                    await self._pulse.wait()
                return found
        except TimeoutError:
            return ready()

    def _deliver_all(self) -> None:
        for lane in list(self._lanes):
            self._deliver(lane)

    def _deliver(self, lane: Lane) -> None:
        if self.webhook and self._session and lane not in self._running:
            self._running[lane] = asyncio.create_task(self._run(lane, self.webhook, self._session))

    async def _stop(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._running.clear()

    async def _run(self, lane: Lane, webhook: Webhook, session: aiohttp.ClientSession) -> None:
        """Send the updates of *lane*, each until it is acknowledged or too old."""
        while lane in self._lanes:
            update = self._lanes[lane][0]
            if update.expires_s <= time.monotonic():
                self._confirm(update.id)
                continue
            async with self._connections:
                answer = await self._attempt(update, webhook, session)
            match answer:
                case Acknowledged(call):
                    self._confirm(update.id)
                    if call and self.execute:
                        await self.execute(call)
                case float(wait_s):
                    await asyncio.sleep(min(wait_s, max(0.0, update.expires_s - time.monotonic())))
        del self._running[lane]

    async def _attempt(
        self, update: Update, webhook: Webhook, session: aiohttp.ClientSession
    ) -> Acknowledged | float:
        """Post *update* once: acknowledged, or the seconds to wait before the next attempt."""
        wait_s = self._retry_s(update.attempts) * self._retry_scale
        update.attempts += 1
        if not is_this_machine(webhook.url):
            self._note("Failed to resolve host: Name or service not known")
            return wait_s
        try:
            async with session.post(
                webhook.url,
                data=update.to_wire(),
                headers=webhook.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._webhook_timeout_s),
            ) as answer:
                if 200 <= answer.status <= 299:
                    return Acknowledged(_method_call(await answer.read()))
                self._note(f"Wrong response from the webhook: {answer.status} {answer.reason}")
                return _asked_wait_s(answer.headers, wait_s, self._retry_scale)
        except TimeoutError:
            self._note("Read timeout expired")
        except (aiohttp.ClientError, OSError):
            self._note("Connection refused")
        return wait_s

    def _retry_s(self, attempts: int) -> float:
        return RETRIES_S[attempts] if attempts < len(RETRIES_S) else self._chance.uniform(60, 120)

    def _note(self, error: str) -> None:
        self.last_error = int(time.time()), error

    def _drop(self, *, drop_pending: bool) -> None:
        for update_id in list(self.pending) if drop_pending else ():
            self._confirm(update_id)

    def _expire(self) -> None:
        now_s = time.monotonic()
        for update in [update for update in self.pending.values() if update.expires_s <= now_s]:
            self._confirm(update.id)

    def _confirm(self, update_id: int) -> None:
        update = self.pending.pop(update_id)
        waiting = self._lanes[update.lane]
        waiting.remove(update)
        if not waiting:
            del self._lanes[update.lane]
        self._announce()

    def _announce(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()


def _conflict(what: str) -> TelegramRefusedError:
    return TelegramRefusedError(409, f"Conflict: {what}")


def _asked_wait_s(headers: Mapping[str, str], wait_s: float, scale: float) -> float:
    """The wait that the bot asked for by `Retry-After`, else *wait_s*."""
    asked = headers.get("Retry-After", "")
    return min(int(asked), RETRY_AFTER_S_MAX) * scale if asked.isascii() and asked.isdigit() else wait_s


def _method_call(answer: bytes) -> JsonObject | None:
    """The method call in the body of an acknowledgement; some methods Telegram does not take there."""
    try:
        call: JsonObject | None = json.loads(answer or b"null")
    except ValueError:
        return None
    match call:
        case {"method": str(method)} if not method.lower().startswith(NOT_IN_ANSWERS):
            return call
        case _:
            return None
