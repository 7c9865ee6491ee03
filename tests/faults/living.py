"""Residents who go on with their lives whatever fails: they ask, send a reading, pay, and wait for each answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from benchmarks.ground import FIRST_CHAT
from bots.simulator.residents import awaited
from storage.database import connect
from tests.faults.ground import Neighbourhood

PATIENCE_S: Final = 90.0
AGAIN_S: Final = 0.1

Heard = Callable[[Mapping[str, Any]], bool]

# The last reading of each account's first meter, of those that one number is read from, with the account's chat.
METERS: Final = """
select distinct on (account.number) account.number, meter.place,
  (select trim_scale(value)::text from reading
    where meter_id = meter.id and register_no = 1 and status in ('accepted', 'locked')
    order by counted_period desc, id desc limit 1) as last
from account join meter on meter.account_id = account.id and meter.closed_on is null
join service on service.code = meter.service_code
order by account.number, service.sort, meter.place
"""


class SilenceError(AssertionError):
    """A resident waited for an answer in vain."""


@dataclass
class Resident:
    """One chat; *said* is how many of its messages are to be answered, *sent* the reading, *paid* the payments."""

    here: Neighbourhood
    chat: str
    reading: int
    seen: int = 0
    paid: list[str] = field(default_factory=list)

    async def live(self) -> None:
        """A whole visit: the balance, a reading, a payment, the balance again."""
        self.here.telegram.start(self.chat, "")
        await self.hears(_menu)
        self.say("баланс")
        await self.hears(offers("pay", "bill"))
        await self.send_reading()
        await self.pay()
        self.say("баланс")
        await self.hears(offers("bill"))

    async def send_reading(self) -> None:
        self.say("показания")
        card = await self.hears(offers("meter"))
        self.press(card, "meter")
        await self.hears(_says("Что сейчас на счётчике"))
        self.say(str(self.reading))
        asked = await self.hears(offers("reading-save"))
        self.press(asked, "reading-save")
        await self.hears(_says("Принято"))

    async def pay(self) -> None:
        """Open the link and pay at the acquirer, trying again where the page cannot be had."""
        link = await self.gets_link()
        card = await _until(lambda: self._choose(link))
        await _until(lambda: self._confirm(card))
        self.paid.append(card.rpartition("/")[2])
        await self.hears(_says("Оплата получена"))

    async def gets_link(self) -> str:
        """Ask for a link to pay by; its address."""
        self.say("оплатить")
        offer = await self.hears(lambda message: _leads(message) or "напишите сумму" in message["text"])
        if not _leads(offer):
            # Nothing is due here: something in advance.
            self.say("1500,50")
            offer = await self.hears(_leads)
        return next(str(key["url"]) for key in _keys(offer) if key["kind"] == "link")

    async def _choose(self, link: str) -> str | None:
        """The address of the acquirer's page, reached by the centre's; None if it cannot be had now."""
        http = self.here.http
        async with http.get(link) as page:
            form = dict(_FIELDS.findall(await page.text()))
        if not form:
            return None
        async with http.post(link, data=form, allow_redirects=False) as answer:
            card = answer.headers.get("Location", "")
            return card if answer.status == 303 and "/acquirer/" in card else None

    async def _confirm(self, card: str) -> bool | None:
        async with self.here.http.post(card, data={"choice": "pay"}, allow_redirects=False) as answer:
            return True if answer.status == 303 else None

    # --- The phone -------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self.here.telegram.say(self.chat, text)

    def press(self, message: Mapping[str, Any], action: str) -> None:
        button = next(str(key["id"]) for key in _keys(message) if str(key["id"]).startswith(action))
        self.here.telegram.press(self.chat, message["id"], button)

    async def hears(self, wanted: Heard, *, patience_s: float | None = None) -> Mapping[str, Any]:
        """The next message that is *wanted*; what is not, repeats among it, is passed over."""
        log = self.here.telegram.log(self.chat)
        while messages := await awaited(lambda: log.messages(self.seen), [log], patience_s or PATIENCE_S):
            for message in messages:
                self.seen = int(str(message["id"]))
                if message["from"] == "bot" and wanted(message):
                    return message
        raise SilenceError(
            f"{self.chat} hears nothing after {log.messages(self.seen - 1)}\n{self.here.logs()[-3000:]}"
        )


_FIELDS: Final = re.compile(r'<(?:input|button)[^>]*name="([^"]+)"[^>]*value="([^"]*)"')


def _keys(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [key for row in message["buttons"] for key in row]


def offers(*actions: str) -> Heard:
    """Whether a message offers one of *actions*."""
    return lambda message: any(str(key["id"]).startswith(actions) for key in _keys(message))


def _says(words: str) -> Heard:
    return lambda message: words in str(message["text"])


def _leads(message: Mapping[str, Any]) -> bool:
    return any(key["kind"] == "link" for key in _keys(message))


def _menu(message: Mapping[str, Any]) -> bool:
    return bool(message["buttons"])


async def _until(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """What *attempt* gives once it gives something; refused and broken connections are passed over."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (got := await attempt()) is not None:
                    return got
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(AGAIN_S)


async def residents_of(here: Neighbourhood, *, most: int = 100) -> list[Resident]:
    """A resident an account, each with a reading to send that is a little above the last."""
    async with connect(here.database.app) as db:
        rows = (await db.fetch(METERS))[:most]
        names = await db.fetch(CHATS)
    chats = {row["number"]: str(FIRST_CHAT + row["place"]) for row in names}
    return [
        Resident(here, chats[row["number"]], int(float(row["last"])) + 1 + place)
        for place, row in enumerate(rows)
    ]


# Which chat was linked to which account, in the order in which chats were made.
CHATS: Final = """
select account.number, row_number() over (order by account_link.chat_id) - 1 as place
from account_link join account on account.id = account_link.account_id
"""
