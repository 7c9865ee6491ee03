"""A strict channel is told no sum, name, address or number: planted ones are looked for in all that it got."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest

from bots.channel_sections import Mode
from bots.simulator.surroundings import Surroundings
from storage.database import Connection, Pool, open_pool
from tests.conftest import Database
from tests.talking import Talk
from tests.walking import WISHES, Walk, everything_in, unasked

CHANNELS: Final = ["telegram", "vk", "ok", "viber", "max"]

NAME: Final = "Дача Тайнова"
ANSWER: Final = "Неразглашаемый ответ"
PLANT: Final = (
    "update house set street = 'ул. Секретнейшая'",
    "update provider set name = 'ООО «Тайноснаб»'",
    "update service set name = name || ' Сокровенная'",
)
# What the limits of payments say to everyone.
PUBLIC_SUMS: Final = {"1,00", "10,00", "100000,00", "350000,00"}
SUM: Final = re.compile(r"\d[\d\s]*,\d\d(?=\s?₽)")


@dataclass(frozen=True)
class Planted:
    """What only its resident may be told."""

    number: str
    total: str

    def found_in(self, said: list[str]) -> set[str]:
        """What of it stands in *said*, by kind."""
        whole = "\n".join(said)
        sums = {re.sub(r"\s", "", found) for found in SUM.findall(whole)}
        marks = {
            "number": self.number,
            "masked number": f"•••• {self.number[-4:]}",
            "address": "С…ая",
            "street": "Секретнейшая",
            "provider": "Тайноснаб",
            "service": "Сокровенная",
            "name": "Тайнова",
            "answer": "Неразглашаемый",
            "pay link": "/p/",
            "earlier reading": "Прошлое показание",
            "use": "расход",
            "total": self.total,
            "bill": "%PDF-",
            "picture": "PNG\r\n",
            "address of a file": "/files/",
        }
        found = {kind for kind, mark in marks.items() if mark in whole}
        return found | ({"sum"} if sums - PUBLIC_SUMS else set())


# What is sure to be met on a walk.
KINDS: Final[Mapping[Mode, set[str]]] = {
    "strict": set(),
    "open": {
        "masked number", "address", "provider", "service", "name", "answer", "pay link", "earlier reading", "use",
        "sum",
    },
}  # fmt: skip


async def walked(talk: Talk, around: Surroundings, pool: Pool) -> tuple[Planted, Walk]:
    """Walk through all that a resident can do in *talk*."""
    account = around.accounts[0]
    async with pool.acquire() as db:
        for statement in PLANT:
            await db.execute(statement)
    walk = Walk(talk)
    await talk.phone.do("start")
    await walk.hear()
    for said in ("подключить счёт", "согласен", account["number"], "код", account["code"]):
        await walk.say(said)
    await walk.press("rename:")
    await walk.say(NAME)
    await _hand_in(walk, account)
    async with pool.acquire() as db:
        chat, linked = await _linked(db)
    await walk.happen(chat, *unasked(linked, ANSWER))
    for wish in WISHES:
        await walk.say(wish)
    await walk.press_everything()
    return Planted(account["number"], account["last_total"].replace(".", ",")), walk


async def _hand_in(walk: Walk, account: Mapping[str, Any]) -> None:
    last = int(account["meters"][0]["last"].partition(".")[0])
    for typed in (last - 5, last + 90_000, last + 900, last + 3):
        await walk.say("показания")
        await walk.press("meter:")
        await walk.say(str(typed))
    await walk.say("сохранить")


async def _linked(db: Connection) -> tuple[int, int]:
    row = await db.fetchrow("select chat_id, account_id from account_link where unlinked_at is null")
    assert row is not None
    return row["chat_id"], row["account_id"]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("mode", ["strict", "open"])
async def test_a_strict_channel_gets_nothing_of_what_was_planted_and_an_open_one_does(
    mode: Mode, channel: str, around: Surroundings, inhabited: Database
) -> None:
    around.service.set_mode(channel, mode)
    async with open_pool(inhabited.app) as pool, aiohttp.ClientSession() as http:
        planted, _ = await walked(Talk(around, pool, http, channel), around, pool)

        got = planted.found_in([*everything_in(around.channels[channel].calls)])
        async with pool.acquire() as db:
            readings = await db.fetchval("select count(*) from reading where chat_id is not null")
    assert got & KINDS[mode] == KINDS[mode]
    assert mode == "open" or not got
    assert readings == 1
