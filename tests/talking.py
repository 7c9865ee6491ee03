"""Transcripts: talks written by hand, replayed through the whole service on every channel.

A transcript is lines:

    # a comment
    clock 2026-11-26 10:00           the business clock moves (the centre's time)
    chat other                       the lines that follow are said in another chat of the same channel
    > start ls_token                 the resident opens the chat, perhaps by a deep link
    > [Меню]                         presses a button, by the beginning of its label
    > (photo)                        sends something that is not text: photo, voice, sticker, location
    > хвс 123                        types
    pay                              opens the last link and pays at the acquirer's page
    staff 1 Ответ                    staff answer case 1
    < Первая строка*                 a message of the bot: its lines, each must be there in this order
      вторая строка                  (`*` stands for anything)
      [link] [help, contacts]        the payloads offered, row after row, by their beginnings
    = select count(*) from reading = 1
    # nothing more may be said before the resident goes on

`{number}`, `{code}`, `{total}` and `{m1}` … are the first account's number, code, last total and the last
values of its meters (`{m1+5}` adds); `{b.number}` and `{c.number}` are the second's and the third's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp

from bots.simulator.surroundings import Surroundings
from storage.cases import answer_case
from storage.database import Pool

ZONE: Final = ZoneInfo("Europe/Moscow")
TALKS: Final = Path(__file__).parent / "transcripts"
PATIENCE_S: Final = 15

_PLACEHOLDER: Final = re.compile(r"\{(?:([a-c])\.)?(number|code|total|end|m(\d)([+-]\d+)?|s(\d))\}")
_ROW: Final = re.compile(r"\[([^\]]*)\]")


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

    async def do(self, action: str, **body: object) -> None:
        """Do what a resident can do."""
        async with self.http.post(f"{self.base}/{action}", json=body) as answer:
            if answer.status != 200:
                raise TranscriptError(f"{action} {body}: {answer.status} {await answer.text()}")

    async def press(self, label: str) -> None:
        """Press the button of the last message whose label begins so."""
        for row in self.last.get("buttons", []):
            for button in row:
                if button["label"].startswith(label):
                    await self.do("press", message=self.last["id"], button=button["id"])
                    return
        raise TranscriptError(f"no button «{label}» under {self.last}")

    async def next(self, wait_s: float = PATIENCE_S) -> dict[str, Any] | None:
        """The bot's next message; None if none comes in time."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while not self.unread:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return None
            params = {"after": self.after, "wait": f"{min(left_s, 5):.2f}"}
            async with self.http.get(f"{self.base}/messages", params=params) as answer:
                for message in await answer.json():
                    self.after = max(self.after, message["id"])
                    if message["from"] == "bot":
                        self.unread.append(message)
        self.last = self.unread.pop(0)
        return self.last


class Talk:
    """A transcript on its way, on one channel."""

    def __init__(self, around: Surroundings, pool: Pool, http: aiohttp.ClientSession, channel: str) -> None:
        self.around = around
        self.pool = pool
        self.http = http
        self.channel = channel
        self._phones: dict[str, Phone] = {}
        self.phone = self.chat("resident")
        self.link = ""

    def chat(self, name: str) -> Phone:
        """The chat of this name, the same one each time."""
        if name not in self._phones:
            base = f"{self.around.address}/simulator/api/{self.channel}/{name}"
            self._phones[name] = Phone(self.http, base)
        return self._phones[name]

    async def replay(self, file: Path) -> None:
        """Replay a whole transcript. Raises TranscriptError where it goes otherwise."""
        lines = [*_lines(file.read_text(encoding="utf-8"), self.around.accounts)]
        at = 0
        while at < len(lines):
            number, line = lines[at]
            expected = []
            while at + 1 < len(lines) and lines[at + 1][1].startswith("  "):
                at += 1
                expected.append(lines[at][1].strip())
            at += 1
            try:
                await self._do(line, expected)
            except (TranscriptError, AssertionError) as wrong:
                raise TranscriptError(f"{file.name}:{number}: on {self.channel}: {line}\n{wrong}") from None
        await self._expect_silence()

    async def _do(self, line: str, expected: Sequence[str]) -> None:
        match line.split(" ", 1):
            case ["<", first]:
                await self._expect([first, *expected])
            case [">", said]:
                await self._expect_silence()
                await self._say(said)
            case ["clock", moment]:
                self.around.clock.set(datetime.fromisoformat(moment).replace(tzinfo=ZONE))
            case ["chat", name]:
                self.phone = self.chat(name)
            case ["pay"]:
                await self._pay()
            case ["staff", answer]:
                await self._answer(*answer.split(" ", 1))
            case ["=", check]:
                await self._check(check)
            case _:
                raise TranscriptError("what is this line?")

    async def _say(self, said: str) -> None:
        if said == "start" or said.startswith("start "):
            payload = said.removeprefix("start").strip()
            await self.phone.do("start", **({"payload": payload} if payload else {}))
        elif said.startswith("["):
            await self.phone.press(said[1:-1])
        elif said == "(photo)":
            await self.phone.do("photo")
        elif said == "(contact)":
            await self.phone.do("contact")
        elif said == "(block)":
            await self.phone.do("block")
        elif said.startswith("("):
            await self.phone.do("send", kind=said[1:-1])
        else:
            await self.phone.do("say", text=said)

    async def _expect(self, lines: Sequence[str]) -> None:
        message = await self.phone.next()
        if message is None:
            raise TranscriptError("the bot says nothing")
        rows = [line for line in lines if line.startswith("[")]
        _compare([line for line in lines if not line.startswith("[")], message["text"])
        if rows:
            _compare_rows([_ROW.findall(line) for line in rows], message["buttons"])
        links = [key["url"] for row in message["buttons"] for key in row if key["kind"] == "link"]
        self.link = links[0] if links else self.link

    async def _expect_silence(self) -> None:
        if self.phone.unread:
            raise TranscriptError(f"the bot said more: {self.phone.unread[0]['text']}")

    async def _pay(self) -> None:
        """Open the centre's page, go on to the acquirer's and pay there, as a browser would."""
        async with self.http.post(self.link, data=await self._form(self.link)) as page:
            card = page.url
        async with self.http.post(card, data={"choice": "pay"}) as paid:
            if paid.status != 200:
                raise TranscriptError(f"the acquirer's page says {paid.status}")
        await self.around.acquirer.told()

    async def _form(self, address: str) -> dict[str, str]:
        async with self.http.get(address) as page:
            html = await page.text()
        fields = re.findall(r'<(?:input|button)[^>]*name="([^"]+)"[^>]*value="([^"]*)"', html)
        if not fields:
            raise TranscriptError(f"nothing to press on the pay page: {page.status}")
        return dict(fields)

    async def _answer(self, number: str, answer: str) -> None:
        async with self.pool.acquire() as db, db.transaction():
            await answer_case(db, int(number), answer, now=self.around.clock())

    async def _check(self, check: str) -> None:
        query, _, wanted = check.rpartition(" = ")
        async with self.pool.acquire() as db:
            found = str(await db.fetchval(query))
        if found != wanted:
            raise TranscriptError(f"found {found}")


def _lines(text: str, accounts: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    return [
        (number, _PLACEHOLDER.sub(lambda found: _filled(found, accounts), line.rstrip()))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]


def _filled(found: re.Match[str], accounts: Sequence[Mapping[str, Any]]) -> str:
    which, name, meter, change, serial = found.groups()
    account = accounts["abc".index(which or "a")]
    if meter:
        return str(int(account["meters"][int(meter) - 1]["last"]) + int(change or 0))
    if serial:
        return str(account["meters"][int(serial) - 1]["serial"])[-5:]
    values = {
        "number": account["number"],
        "code": account["code"],
        "total": account["last_total"].replace(".", ","),
        "end": account["number"][-4:],
    }
    return str(values[name])


def _compare(lines: Sequence[str], text: str) -> None:
    """Each of *lines* must be a line of *text*, in this order; white space counts as one space."""
    shown = [" ".join(line.split()) for line in text.splitlines()]
    at = 0
    for line in lines:
        pattern = re.compile(".*".join(map(re.escape, " ".join(line.split()).split("*"))))
        while at < len(shown) and not pattern.fullmatch(shown[at]):
            at += 1
        if at == len(shown):
            raise TranscriptError(f"«{line}» is not in:\n{text}")
        at += 1


def _compare_rows(rows: Sequence[Sequence[str]], buttons: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """The payloads offered, in order, whatever rows a channel puts them in; a link is `link`."""
    wanted = [part.strip() for row in rows for cell in row for part in cell.split(",")]
    offered = ["link" if key["kind"] == "link" else str(key["id"]) for row in buttons for key in row]
    if len(wanted) != len(offered) or not all(map(str.startswith, offered, wanted)):
        raise TranscriptError(f"offered are {offered}")
