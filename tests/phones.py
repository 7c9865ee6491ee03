"""A resident's phone, over the simulator's JSON: what the bot says to it, and what its owner does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

PATIENCE_S: Final = 15
LOOK_AGAIN_MS: Final = 5

# Messages on their way to a phone.
WAITING: Final = "select count(*) from outbox where state in ('queued', 'sending')"


class TranscriptError(AssertionError):
    """The talk went otherwise than it was written; says where."""


@dataclass
class Phone:
    """One chat of a resident, over the simulator's JSON."""

    http: aiohttp.ClientSession
    base: str
    after: int = 0
    unread: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    shown: dict[int, dict[str, Any]] = field(default_factory=dict)
    own: int = 0
    own_text: str = ""

    @property
    def channel(self) -> str:
        """The messenger that it is open in."""
        return self.base.split("/")[-2]

    async def do(self, action: str, **body: object) -> None:
        """Do what a resident can do."""
        async with self.http.post(f"{self.base}/{action}", json=body) as answer:
            if answer.status != 200:
                raise TranscriptError(f"{action} {body}: {answer.status} {await answer.text()}")

    async def press(self, label: str) -> None:
        """Press the button of the last message whose label begins so; after «^», of an earlier message."""
        earlier = [message for message in self.shown.values() if message is not self.last]
        looked_at = [self.last] if not label.startswith("^") else earlier[::-1]
        for message in looked_at:
            for button in (button for row in message.get("buttons", []) for button in row):
                if button["label"].startswith(label.removeprefix("^")):
                    await self.do("press", message=message["id"], button=button["id"])
                    return
        if (onward := _onward(self.last)) is None:
            raise TranscriptError(f"no button «{label}» under {self.last}")
        # Where a keyboard has pages, a resident turns them.
        await self.do("press", message=self.last["id"], button=onward)
        await self.next()
        await self.press(label)

    async def next(self, wait_s: float = PATIENCE_S) -> dict[str, Any] | None:
        """The bot's next message; None if none comes in time."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while not self.unread:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return None
            await self.look(min(left_s, 5))
        self.last = self.unread.pop(0)
        self.shown[self.last["id"]] = self.last
        return self.last

    async def look(self, wait_s: float = 0) -> None:
        """See what came since, waiting for it as long as *wait_s*."""
        params = {"after": str(self.after), "wait": f"{wait_s:.2f}"}
        async with self.http.get(f"{self.base}/messages", params=params) as answer:
            for message in await answer.json() if answer.status == 200 else ():
                self.after = max(self.after, message["id"])
                if message["from"] == "bot" and not _is_welcome(message):
                    self.unread.append(message)
                else:
                    self.own, self.own_text = message["id"], message["text"]


def _onward(message: Mapping[str, Any]) -> str | None:
    """The button that turns to the next page of a keyboard, if it has pages."""
    keys = (key for row in message.get("buttons", []) for key in row)
    return next((str(key["id"]) for key in keys if str(key["id"]).startswith("page:")), None)


def _is_welcome(message: Mapping[str, Any]) -> bool:
    """Whether it is what Viber shows whoever looks at a chat: a constant, no turn, and it leads to the start."""
    keys = [key for row in message["buttons"] for key in row]
    return bool(keys) and all(str(key["id"]).startswith("/start") for key in keys)
