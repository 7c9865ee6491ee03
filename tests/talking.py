"""Transcripts: talks written by hand, replayed through the whole service on every channel.

A transcript is lines:

    # a comment
    clock 2026-11-26 10:00           the business clock moves (the centre's time)
    chat other                       the lines that follow are said in another chat; a number below 0 is a group
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
    note                             remembers the bot's last message
    same                             the bot says word for word what was remembered, with the same buttons
    = select count(*) from reading = 1
    # nothing more may be said before the resident goes on

`{number}`, `{code}`, `{total}`, `{sum}` (the total as the bot writes it) and `{m1}` … are the first account's
number, code, last total and the last values of its meters (`{m1+5}` adds, `{s1}` ends the serial); `{end}` is
what is shown of the number, `{paper}` the token of the link on its bill; `{b.number}` and `{c.number}` are the
second's and the third's. `{join}` is the joining code that the bot gave last, `{channel}` the channel and
`{Messenger}` what residents call it. A first line `only telegram vk` keeps a talk to the channels where it can be.

Whatever the bot says is read aloud as well: see `spoken_badly`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from tests.conftest import SECRETS

ZONE: Final = ZoneInfo("Europe/Moscow")
TALKS: Final = {
    file.stem: file.read_text(encoding="utf-8")
    for file in sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
}
PATIENCE_S: Final = 15
LOOK_AGAIN_MS: Final = 5

# Messages on their way to a phone.
WAITING: Final = "select count(*) from outbox where state in ('queued', 'sending')"

# Billing's word that a phone is a payer's.
FILE_PHONE: Final = "update account set phone_hashes = phone_hashes || $2::bytea where number = $1"

_PLACEHOLDER: Final = re.compile(r"\{(?:([a-c])\.)?(number|code|total|sum|end|paper|m(\d)([+-]\d+)?|s(\d))\}")
_ROW: Final = re.compile(r"\[([^\]]*)\]")
_LONG: Final = re.compile(r"\((\d+) letters\)")
_TAG: Final = re.compile(r"<[^>]+>")
_TABLE: Final = re.compile(r"<pre>.*?</pre>", re.DOTALL)

# What nobody should have to read, and why.
_UGLY: Final = (
    (re.compile(r"  "), "two spaces"),
    (re.compile(r" [,.;:!?]"), "a space before a sign"),
    (re.compile(r"[!?.,]{2}"), "signs in a row"),
    (re.compile(r"\d ₽"), "a sum that may be torn from its ₽"),
    (re.compile(r"(?<![\d.–])[-−]\d"), "a bare minus"),
    (re.compile(r"[{}]|None|True|False"), "something of the machine"),
    (re.compile(r"• *(?:\n|$|\()"), "a dot for nothing"),
    (re.compile(r"^\s|\s$"), "an empty beginning or end"),
    (re.compile(r"(?<=[а-я,] )Ва?[сшмы]"), "«вы» with a capital"),
)
# One of these must be under each message: the way on or back.
_WAYS: Final = ("menu", "cancel", "help", "decline", "contacts")


def spoken_badly(message: Mapping[str, Any]) -> str:
    """What is wrong with the looks of *message*, or that it leads nowhere; nothing if all is well."""
    prose = _TAG.sub("", _TABLE.sub("…", message["html"]))
    for ugly, why in _UGLY:
        if found := ugly.search(prose):
            return f"{why}: …{prose[max(0, found.start() - 30) : found.end() + 30]}…"
    actions = {str(key["id"]).partition(":")[0] for row in message["buttons"] for key in row}
    # Keys that type their label have no other name.
    return "" if actions & {*_WAYS, "Отмена", "Меню"} else f"there is no way back: {sorted(actions)}"


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

    def chat(self, name: str) -> Phone:
        """The chat of this name, the same one each time."""
        if name not in self._phones:
            base = f"{self.around.address}/simulator/api/{self.channel}/{name}"
            self._phones[name] = Phone(self.http, base)
        return self._phones[name]

    async def replay(self, name: str, written: str) -> None:
        """Replay a whole transcript. Raises TranscriptError where it goes otherwise."""
        lines = [*_lines(written, self.accounts, self.channel)]
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
                self.noted = _plainly(self.phone.last)
            case "same":
                await self._expect([])
                if self.noted != _plainly(self.phone.last):
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
        residents = self.around.channels[self.channel]
        await self.phone.look()
        if isinstance(residents, TelegramStandIn):
            residents.edit(self.phone.base.rpartition("/")[2], self.phone.own, words)
        else:
            await self.phone.do("say", text=words)

    async def _expect(self, lines: Sequence[str]) -> None:
        message = await self.phone.next()
        while message is not None and message.get("files") and not message["text"]:
            # A file that has no room for words: they follow it.
            message = await self.phone.next()
        if message is None:
            raise TranscriptError("the bot says nothing")
        if ugly := spoken_badly(message):
            raise TranscriptError(f"{ugly}\n{message['text']}")
        rows = [line for line in lines if line.startswith("[")]
        _compare([line for line in lines if not line.startswith("[")], message["text"])
        if rows:
            _compare_rows([_ROW.findall(line) for line in rows], message["buttons"])
        links = [key["url"] for row in message["buttons"] for key in row if key["kind"] == "link"]
        self.link = links[0] if links else self.link
        self.join = join_code_in(message["text"]) or self.join

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
        _compare(lines, unescape(_TAG.sub("\n", body)))

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


def _onward(message: Mapping[str, Any]) -> str | None:
    """The button that turns to the next page of a keyboard, if it has pages."""
    keys = (key for row in message.get("buttons", []) for key in row)
    return next((str(key["id"]) for key in keys if str(key["id"]).startswith("page:")), None)


def _is_welcome(message: Mapping[str, Any]) -> bool:
    """Whether it is what Viber shows whoever looks at a chat: a constant, no turn, and it leads to the start."""
    keys = [key for row in message["buttons"] for key in row]
    return bool(keys) and all(str(key["id"]).startswith("/start") for key in keys)


def channels_of(written: str) -> tuple[str, ...]:
    """The channels that a talk is for; none: all."""
    found = re.search(r"^only (.*)$", written, re.MULTILINE)
    return tuple(found.group(1).split()) if found else ()


def _lines(text: str, accounts: Sequence[Mapping[str, Any]], channel: str) -> list[tuple[int, str]]:
    text = text.replace("{channel}", channel).replace("{Messenger}", _messenger(channel))
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


def _plainly(message: Mapping[str, Any]) -> tuple[str, object]:
    return message["text"], [[(key["label"], key["id"]) for key in row] for row in message["buttons"]]


def _compare(lines: Sequence[str], text: str) -> None:
    """Each of *lines* must be a line of *text*, in this order.

    White space counts as one space, and colons as none: a table's rows have them where nothing aligns them.
    """
    shown = [_loosely(line) for line in text.splitlines()]
    at = 0
    for line in lines:
        pattern = re.compile(".*".join(map(re.escape, _loosely(line).split("*"))))
        while at < len(shown) and not pattern.fullmatch(shown[at]):
            at += 1
        if at == len(shown):
            raise TranscriptError(f"«{line}» is not in:\n{text}")
        at += 1


def _loosely(line: str) -> str:
    return " ".join(line.replace(":", " ").split()).replace(" *", "*")


def _compare_rows(rows: Sequence[Sequence[str]], buttons: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """The payloads offered, in order, whatever rows a channel puts them in; a link is `link`."""
    wanted = [part.strip() for row in rows for cell in row for part in cell.split(",")]
    offered = ["link" if key["kind"] == "link" else str(key["id"]) for row in buttons for key in row]
    onward = next((at for at, payload in enumerate(offered) if payload.startswith("page:")), None)
    if onward is not None:
        # The rest is on further pages; the way out stands under each.
        after = len(offered) - onward - 1
        wanted = [*wanted[:onward], *wanted[len(wanted) - after :]]
        offered.pop(onward)
    if len(wanted) != len(offered) or not all(map(str.startswith, offered, wanted)):
        raise TranscriptError(f"offered are {offered}")
