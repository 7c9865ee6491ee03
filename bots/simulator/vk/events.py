"""Events on their way to the bot: posted to callback servers until `ok`, and kept for Long Poll."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

import aiohttp

from bots.simulator.addresses import is_this_machine
from bots.simulator.vk.limits import JsonObject, VkCallRefusedError

# https://dev.vk.com/ru/api/callback/getting-started: after these waits an event is sent again, then lost.
RETRIES_S: Final = (10.0, 180.0, 600.0, 1800.0, 3600.0)
RETRY_AFTER_S_MAX: Final = 3 * 3600
SERVERS_MAX: Final = 10
HISTORY_MAX: Final = 1000
WAIT_S_MAX: Final = 90


@dataclass(slots=True)
class CallbackServer:
    """A server that VK posts to, with the events that it wants."""

    id: int
    url: str
    title: str
    secret: str
    version: str = "5.199"
    status: str = "unconfigured"
    wanted: set[str] = field(default_factory=set)

    def to_json(self, creator: int) -> JsonObject:
        named = {"id": self.id, "title": self.title, "creator_id": creator, "url": self.url}
        return named | {"secret_key": self.secret, "status": self.status}


class Events:
    """All events of one community.

    *retry_scale* shortens the waits between attempts. The first attempts of a dialogue leave in order; an
    event that failed is sent again when its time comes and holds no other.
    """

    def __init__(
        self, chance: Random, *, group: int, confirmation: str, retry_scale: float, timeout_s: float
    ) -> None:
        self._chance = chance
        self._group = group
        self._confirmation = confirmation
        self._retry_scale = retry_scale
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tails: dict[int, asyncio.Task[None]] = {}
        self._pulse = asyncio.Event()
        self._history: deque[tuple[int, JsonObject]] = deque(maxlen=HISTORY_MAX)
        self._last_ts = chance.randint(100, 2000)
        self._last_server = 0
        self.servers: dict[int, CallbackServer] = {}
        self.poll_wanted: set[str] = set()
        self.poll_key = self._new_key()
        self.unacknowledged = 0
        self.attempts: deque[tuple[str, int, str]] = deque(maxlen=10_000)
        """Event id, failed attempts before, and what became of the attempt."""

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers={"User-Agent": "VK"})

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    def put(self, kind: str, body: JsonObject, *, peer: int) -> str:
        """Send the event on its ways; its id."""
        event_id = f"{self._chance.getrandbits(160):040x}"
        event: JsonObject = {
            "group_id": self._group,
            "type": kind,
            "event_id": event_id,
            "v": "5.199",
            "object": body,
        }
        if kind in self.poll_wanted:
            self._last_ts += 1
            self._history.append((self._last_ts, event))
        for server in self.servers.values():
            if server.status == "ok" and kind in server.wanted:
                self._begin(server, event, peer)
        self._announce()
        return event_id

    async def drained(self) -> None:
        """Return when every event that was posted was acknowledged or lost."""
        while self.unacknowledged:
            await self._pulse.wait()

    def _announce(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()

    # --- Callback API ----------------------------------------------------------------------------

    async def add_server(self, url: str, title: str, secret: str) -> int:
        """Add a server and ask it whether it is ours; it stands `ok` or `failed` from then on."""
        if len(self.servers) >= SERVERS_MAX:
            raise VkCallRefusedError(2000)
        self._last_server += 1
        server = CallbackServer(self._last_server, url, title, secret)
        self.servers[server.id] = server
        await self.confirm(server)
        return server.id

    async def confirm(self, server: CallbackServer) -> None:
        """Ask *server* for the confirmation string."""
        question: JsonObject = {
            "group_id": self._group,
            "type": "confirmation",
            "event_id": f"{self._chance.getrandbits(160):040x}",
            "v": server.version,
        }
        status, answer, _ = await self._post(server, question, 0)
        server.status = "ok" if (status, answer) == (200, self._confirmation) else "failed"

    def _begin(self, server: CallbackServer, event: JsonObject, peer: int) -> None:
        self.unacknowledged += 1
        before = self._tails.get(peer)

        async def first_attempt() -> None:
            if before is not None:
                await asyncio.wait({before})
            wait_s = await self._attempt(server, event, 0)
            if wait_s is not None:
                self._keep(asyncio.create_task(self._again(server, event, wait_s)))

        task = asyncio.create_task(first_attempt())
        self._tails[peer] = task
        self._keep(task)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self, server: CallbackServer, event: JsonObject, wait_s: float | None) -> None:
        failed = 1
        while wait_s is not None:
            await asyncio.sleep(wait_s)
            wait_s = await self._attempt(server, event, failed)
            failed += 1

    async def _attempt(self, server: CallbackServer, event: JsonObject, failed: int) -> float | None:
        """Post *event* once; the seconds to wait before it is posted again, None if it never is."""
        status, answer, headers = await self._post(server, event, failed)
        done = status == 200 and answer == "ok"
        self.attempts.append((str(event["event_id"]), failed, "ok" if done else f"{status} {answer[:80]}"))
        if status == 200 and answer == "remove":
            self.servers.pop(server.id, None)
        elif status == 200 and answer.startswith("version "):
            server.version = answer.removeprefix("version ")
        elif not done and failed < len(RETRIES_S) and server.id in self.servers:
            return _asked_s(status, headers, RETRIES_S[failed]) * self._retry_scale
        self.unacknowledged -= 1
        self._announce()
        return None

    async def _post(
        self, server: CallbackServer, event: JsonObject, failed: int
    ) -> tuple[int, str, Mapping[str, str]]:
        secret = {"secret": server.secret} if server.secret else {}
        # Slashes come escaped, Russian letters as they are.
        body = json.dumps(event | secret, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        headers = {"Content-Type": "application/json"} | ({"X-Retry-Counter": str(failed)} if failed else {})
        if self._session is None or not is_this_machine(server.url):
            return 0, "cannot be reached", {}
        try:
            async with self._session.post(
                server.url,
                data=body.encode(),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            ) as answer:
                return answer.status, (await answer.read()).decode(errors="replace"), dict(answer.headers)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return 0, type(error).__name__, {}

    # --- Long Poll -------------------------------------------------------------------------------

    @property
    def ts(self) -> int:
        return self._last_ts

    def _new_key(self) -> str:
        return f"{self._chance.getrandbits(104):026x}"

    def renew_key(self) -> None:
        """Make the key of Long Poll invalid, as it becomes after a while."""
        self.poll_key = self._new_key()

    def forget(self) -> None:
        """Lose what Long Poll kept."""
        self._history.clear()

    async def check(self, key: str, ts: str, wait_s: float, *, closing: Callable[[], bool]) -> JsonObject:
        """What happened after *ts*, after waiting for it; or why that cannot be said."""
        if key != self.poll_key:
            return {"failed": 2}
        if not ts.isdecimal() or int(ts) > self._last_ts:
            return {"failed": 3}
        since = int(ts)
        if since < self._last_ts and (not self._history or self._history[0][0] > since + 1):
            return {"failed": 1, "ts": str(self._last_ts)}
        try:
            async with asyncio.timeout(min(wait_s, WAIT_S_MAX)):
                while self._last_ts == since and not closing():
                    await self._pulse.wait()
        except TimeoutError:
            pass
        updates = [event for number, event in self._history if number > since]
        return {"ts": str(self._last_ts), "updates": updates}

    def wake(self) -> None:
        """Let those who wait look again."""
        self._announce()


def _asked_s(status: int, headers: Mapping[str, str], wait_s: float) -> float:
    """The wait that the bot asked for by `Retry-After`, else *wait_s*."""
    asked = headers.get("Retry-After", "")
    wanted = status in {410, 429, 503} and asked.isascii() and asked.isdigit()
    return float(min(int(asked), RETRY_AFTER_S_MAX)) if wanted else wait_s
