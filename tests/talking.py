"""Transcripts: talks written by hand, replayed through the whole service on every channel.

A transcript is lines:

    # a comment
    clock 2026-11-26 10:00           the business clock moves (the centre's time)
    chat other                       the lines that follow are said in another chat; a number below 0 is a group
    next other                       the same, in a chat of the messenger after this one, in a ring of them all
    linked b                         the resident has linked the account already, by the code on the bill
    > start {paper}                  the resident opens the chat, perhaps by a deep link
    > [Меню]                         presses a button, by the beginning of its label
    > [^Сохранить]                   presses a button of an earlier message, also one that is there no more
    > (photo)                        sends something that is not text: photo, voice, sticker, location, document
    > (contact +7…)                  shares somebody else's phone; (contact) alone the resident's own
    > (block)                        blocks the bot; (unblock) lets it write again
    > (edit) хвс 124                 corrects the last message
    > (10000 letters)                types very much
    > хвс 123                        types
    pay                              opens the last link and pays at the acquirer's page
    open                             opens the last link and only looks: what the page says is compared like a message
    vouched                          the centre takes a phone on file for proof, where the messenger vouches for it
    filed a                          billing has the phone that was shared last on file for that account, too
    staff 1 Ответ                    staff answer case 1
    town update meter set …          something changes in the town, as billing's files or staff would change it
    < Первая строка*                 a message of the bot: its lines, each must be there in this order
      вторая строка                  (`*` stands for anything)
      [link] [help, contacts]        the payloads offered, row after row, by their beginnings
      📎 kvitanciya-2026-10.pdf      a file that comes with it: no others may, and its bytes are as they were drawn
    note                             remembers the bot's last message
    same                             the bot says word for word what was remembered, with the same buttons
    same files                       the last two messages with files have the same ones, byte for byte
    = select count(*) from reading = 1
    # nothing more may be said before the resident goes on

`{number}`, `{code}`, `{total}`, `{sum}` (the total as the bot writes it) and `{m1}` … are the first account's
number, code, last total and the last values of its meters (`{m1+5}` adds, `{s1}` ends the serial); `{end}` is
what is shown of the number, `{paper}` the token of the link on its bill; `{b.number}` and `{c.number}` are the
second's and the third's. `{join}` is the joining code that the bot gave last, `{channel}` the channel and
`{Messenger}` what residents call it, `{next}` and `{Next}` are the same of the one after it. A first line
`only telegram vk` keeps a talk to the channels where it can be.

Whatever the bot says is read aloud as well: see `spoken_badly`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from asyncpg import PostgresError

from bots.configuration import Secrets
from bots.simulator.surroundings import Surroundings
from bots.simulator.telegram import TelegramStandIn
from bots.wiring import keys_of
from core.deep_links import join_code_in
from core.messages import Month
from core.messages import text as phrase
from core.money import Money
from core.typed_proofs import normal_phone
from core.wording import Words
from storage.cases import answer_case
from storage.database import Pool
from storage.paper_links import PaperLink, paper_token
from tests.attached import Attached, attached, promised
from tests.comparing import TAG, compare, compare_rows, plainly, spoken_badly
from tests.conftest import SECRETS
from tests.phones import LOOK_AGAIN_MS, PATIENCE_S, WAITING, Phone, TranscriptError

ZONE: Final = ZoneInfo("Europe/Moscow")
FILE: Final = "📎 "
TALKS: Final = {
    file.stem: file.read_text(encoding="utf-8")
    for file in sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
}

# Billing's word that a phone is a payer's.
FILE_PHONE: Final = "update account set phone_hashes = phone_hashes || $2::bytea where number = $1"

_PLACEHOLDER: Final = re.compile(r"\{(?:([a-c])\.)?(number|code|total|sum|end|paper|m(\d)([+-]\d+)?|s(\d))\}")
_ROW: Final = re.compile(r"\[([^\]]*)\]")
_LONG: Final = re.compile(r"\((\d+) letters\)")


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
        self.noted: tuple[str, object] = ("", ())
        self.join = ""
        self.files: list[list[Attached]] = []

    def chat(self, name: str, channel: str = "") -> Phone:
        """The chat of this name, the same one each time; in this talk's channel if no other is named."""
        base = f"{self.around.address}/simulator/api/{channel or self.channel}/{name}"
        return self._phones.setdefault(base, Phone(self.http, base))

    async def replay(self, name: str, written: str) -> None:
        """Replay a whole transcript. Raises TranscriptError where it goes otherwise."""
        lines = [*_lines(written, self.accounts, self.channel, self.next_channel)]
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
            except (TranscriptError, PostgresError) as wrong:
                raise TranscriptError(f"{name}.txt:{number}: on {self.channel}: {line}\n{wrong}") from None
        await self._expect_silence()

    @property
    def next_channel(self) -> str:
        """The channel after this one, in a ring of them all."""
        names = [*self.around.channels]
        return names[(names.index(self.channel) + 1) % len(names)]

    @property
    def accounts(self) -> Sequence[Mapping[str, Any]]:
        """The accounts that transcripts speak of, each with the token of the link on its last bill."""
        keys = keys_of(Secrets(SECRETS))
        month = Month.of(self.around.clock().astimezone(ZONE).date()).plus(-1)
        return [
            {**account, "paper": paper_token(keys, PaperLink(account["number"], month))}
            for account in self.around.accounts
        ]

    async def _do(self, line: str, expected: Sequence[str]) -> None:
        verb, _, rest = line.partition(" ")
        match verb:
            case "<":
                await self._expect([rest, *expected])
            case ">":
                await self._expect_silence()
                await self._say(rest.replace("{join}", self.join))
            case "note":
                self.noted = plainly(self.phone.last)
            case "same" if rest == "files":
                if len(self.files) < 2 or self.files[-2] != self.files[-1]:
                    raise TranscriptError(f"not the same: {self.files[-2:]}")
            case "same":
                await self._expect([])
                if self.noted != plainly(self.phone.last):
                    raise TranscriptError(f"not the same: {self.phone.last}")
            case "=":
                await self._check(rest)
            case "open":
                await self._look(expected)
            case _:
                await self._arrange(verb, rest)

    async def _arrange(self, verb: str, rest: str) -> None:
        """Do what happens around the talk."""
        match verb:
            case "clock":
                self.around.clock.set(datetime.fromisoformat(rest).replace(tzinfo=ZONE))
            case "chat":
                await self._expect_silence()
                self.phone = self.chat(rest)
            case "next":
                await self._expect_silence()
                self.phone = self.chat(rest, self.next_channel)
            case "linked":
                await self._link(self.accounts["abc".index(rest)])
            case "pay":
                await self._pay()
            case "vouched":
                turning = self.around.service.turning
                turning.centre = msgspec.structs.replace(turning.centre, phone_proves=True)
            case "filed":
                await self._file(self.accounts["abc".index(rest)])
            case "staff":
                await self._answer(*rest.split(" ", 1))
            case "town":
                async with self.pool.acquire() as db:
                    await db.execute(rest)
            case _:
                raise TranscriptError("what is this line?")

    async def _say(self, said: str) -> None:
        if said == "start" or said.startswith("start "):
            payload = said.removeprefix("start").strip()
            await self.phone.do("start", **({"payload": payload} if payload else {}))
        elif said.startswith("["):
            await self.phone.press(said[1:-1])
        elif said in {"(photo)", "(contact)", "(block)", "(unblock)"}:
            await self.phone.do(said[1:-1])
        elif said.startswith("(contact "):
            await self.phone.do("contact", phone=said[len("(contact ") : -1])
        elif said.startswith("(photo) "):
            await self.phone.do("photo", caption=said.removeprefix("(photo) "))
        elif said.startswith("(edit) "):
            await self._edit(said.removeprefix("(edit) "))
        elif long := _LONG.fullmatch(said):
            await self.phone.do("say", text="ы" * int(long[1]))
        elif said.startswith("("):
            await self.phone.do("send", kind=said[1:-1])
        else:
            await self.phone.do("say", text=said)

    async def _link(self, account: Mapping[str, Any]) -> None:
        """Link *account* as the transcript of linking shows it, unheard."""
        fresh = not self.phone.last
        first = ["start", "[Подключить]", "[Согласен]"] if fresh else ["подключить счёт"]
        for said in (*first, account["number"], "[Код]", account["code"]):
            await self._say(said)
            if await self.phone.next() is None:
                raise TranscriptError(f"no answer to {said}")

    async def _file(self, account: Mapping[str, Any]) -> None:
        await self.phone.look()
        phone_hash = keys_of(Secrets(SECRETS)).phone_hash(normal_phone(self.phone.own_text))
        async with self.pool.acquire() as db:
            await db.execute(FILE_PHONE, account["number"], phone_hash)

    async def _edit(self, words: str) -> None:
        """Correct the resident's last message where the messenger can; elsewhere it is said anew."""
        residents = self.around.channels[self.phone.channel]
        await self.phone.look()
        if isinstance(residents, TelegramStandIn):
            residents.edit(self.phone.base.rpartition("/")[2], self.phone.own, words)
        else:
            await self.phone.do("say", text=words)

    async def _expect(self, lines: Sequence[str]) -> None:
        message = await self.phone.next()
        came = await self._attached(message)
        while message is not None and message.get("files") and not message["text"]:
            # A file that has no room for words: they follow it.
            message = await self.phone.next()
            came += await self._attached(message)
        if message is None:
            raise TranscriptError("the bot says nothing")
        if ugly := spoken_badly(message):
            raise TranscriptError(f"{ugly}\n{message['text']}")
        rows = [line for line in lines if line.startswith("[")]
        names = [line.removeprefix(FILE) for line in lines if line.startswith(FILE)]
        compare([line for line in lines if not line.startswith(("[", FILE))], message["text"])
        await self._compare_files(names, came)
        if rows:
            compare_rows([_ROW.findall(line) for line in rows], message["buttons"])
        links = [key["url"] for row in message["buttons"] for key in row if key["kind"] == "link"]
        self.link = links[0] if links else self.link
        self.join = join_code_in(message["text"]) or self.join

    async def _attached(self, message: Mapping[str, Any] | None) -> list[Attached]:
        return await attached(self.http, self.around.address, message or {})

    async def _compare_files(self, names: list[str], came: list[Attached]) -> None:
        if [file.name for file in came] != names:
            raise TranscriptError(f"the files are {[file.name for file in came]}")
        if came:
            if came != (drawn := await promised(self.around, self.pool, self.phone.channel)):
                raise TranscriptError(f"drawn was {drawn}, and what came is {came}")
            self.files.append(came)

    async def _expect_silence(self) -> None:
        """Once nothing waits to be sent, whatever is not read yet is more than was expected."""
        async with self.pool.acquire() as db:
            for _ in range(1000 * PATIENCE_S // LOOK_AGAIN_MS):
                if not await db.fetchval(WAITING):
                    break
                await asyncio.sleep(LOOK_AGAIN_MS / 1000)
        await self.phone.look()
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

    async def _look(self, lines: Sequence[str]) -> None:
        async with self.http.get(self.link) as page:
            html = await page.text()
        body = html.partition("</style>")[2]
        compare(lines, unescape(TAG.sub("\n", body)))

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


def channels_of(written: str) -> tuple[str, ...]:
    """The channels that a talk is for; none: all."""
    found = re.search(r"^only (.*)$", written, re.MULTILINE)
    return tuple(found.group(1).split()) if found else ()


def _lines(
    text: str, accounts: Sequence[Mapping[str, Any]], channel: str, next_channel: str
) -> list[tuple[int, str]]:
    text = text.replace("{channel}", channel).replace("{Messenger}", _messenger(channel))
    text = text.replace("{next}", next_channel).replace("{Next}", _messenger(next_channel))
    return [
        (number, _PLACEHOLDER.sub(lambda found: _filled(found, accounts), line.rstrip()))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith(("#", "only "))
    ]


def _messenger(channel: str) -> str:
    return Words("ru", ZONE).plain(phrase("channel-name", channel=channel))


def _filled(found: re.Match[str], accounts: Sequence[Mapping[str, Any]]) -> str:
    which, name, meter, change, serial = found.groups()
    account = accounts["abc".index(which or "a")]
    if meter:
        return str(int(account["meters"][int(meter) - 1]["last"]) + int(change or 0))
    if serial:
        return str(account["meters"][int(serial) - 1]["serial"])[-5:]
    total = Decimal(account["last_total"])
    values = {
        "sum": Words("ru", ZONE).plain(phrase("verbatim", text=Money.exact(abs(total)))),
        "paper": account["paper"],
        "number": account["number"],
        "code": account["code"],
        "total": account["last_total"].replace(".", ","),
        "end": account["number"][-4:],
    }
    return str(values[name])
