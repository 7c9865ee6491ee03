"""The messenger fails in its ways: everybody who can be reached is told everything in the end, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from bots.simulator.telegram.limits import Faults
from storage.database import connect
from tests.faults.ground import Neighbourhood, Town, Trouble, a_neighbourhood, until
from tests.faults.living import residents_of
from tests.faults.proving import prove
from tests.faults.rounds import ROUND_S

SENDS = frozenset({"sendMessage", "editMessageText"})
RESIDENTS = 3


async def lived_through(town: Town, folder: Path, trouble: Trouble) -> list[str]:
    """What is wrong after a few residents lived through *trouble*; a lease lasts longer than what it is for."""
    folder.mkdir()
    async with a_neighbourhood(town, folder) as here:
        await here.start_engine(lease_s=20.0)
        residents = await residents_of(here, most=RESIDENTS)
        async with asyncio.timeout(ROUND_S):
            lives = asyncio.gather(*(each.live() for each in residents))
            troubled, _ = await asyncio.gather(trouble(here), lives)
            await here.settled()
        return [*await prove(here, residents), *([] if troubled() else ["there was no trouble"])]


async def wrong_after(town: Town, folder: Path, troubles: Mapping[str, Trouble]) -> dict[str, list[str]]:
    """What is wrong after each of *troubles*, each lived through in a neighbourhood of its own, all at once."""
    every = (lived_through(town, folder / name, trouble) for name, trouble in troubles.items())
    return dict(zip(troubles, await asyncio.gather(*every), strict=True))


def faults(**faults: Any) -> Trouble:
    """The messenger's stand-in has these faults a few times."""

    async def trouble(here: Neighbourhood) -> Callable[[], bool]:
        here.telegram.faults = found = Faults(**faults, only=SENDS, times=4)
        return lambda: found.times == 0

    return trouble


def broken_off(path: str) -> Trouble:
    """Some answers to calls of *path* end in the middle of their bodies."""

    async def trouble(here: Neighbourhood) -> Callable[[], bool]:
        left = 4

        async def cut(request: web.Request, response: web.StreamResponse) -> None:
            nonlocal left
            if left and path in request.path:
                left -= 1
                response.content_length = 100_000

        here.on_answer.append(cut)
        return lambda: left == 0

    return trouble


async def test_a_messenger_that_fails_is_told_again(doomed_town: Town, tmp_path: Path) -> None:
    """What was perhaps delivered is sent again, and nothing overtakes it."""
    troubles = {
        "hangs": faults(hang_s=3),
        "does it and breaks off": faults(lose_answer=True),
        "fails with 500": faults(server_error=True),
        "answers with a page of HTML": faults(bad_gateway=True),
        "asks to wait": faults(retry_after_s=2),
        "answers by half": broken_off("/sendMessage"),
    }

    wrong = await wrong_after(doomed_town, tmp_path, troubles)

    assert wrong == {name: [] for name in troubles}


async def test_some_chats_that_blocked_the_bot_hold_up_nobody(doomed_town: Town, tmp_path: Path) -> None:
    async with a_neighbourhood(doomed_town, tmp_path) as here:
        await here.start_engine()
        gone, *residents = await residents_of(here, most=4)
        here.telegram.start(gone.chat, "")
        await gone.hears(lambda message: bool(message["buttons"]))
        here.telegram.deactivate(gone.chat)
        gone.say("баланс")
        async with asyncio.timeout(ROUND_S):
            await asyncio.gather(*(each.live() for each in residents))
            await here.settled()

        async with connect(here.database.app) as db:
            unreachable = await db.fetchval("select count(*) from chat where unreachable_at is not null")
            dead = await db.fetchval("select count(*) from outbox where state = 'dead'")
        assert (unreachable, dead) == (1, 1)
        assert await prove(here, residents) == []


async def down(here: Neighbourhood) -> Callable[[], bool]:
    """It is away until that was met with, and a little longer."""
    here.acquirer.faults.down = True
    await until(lambda: here.logged("acquirer.down"))
    await asyncio.sleep(1)
    here.acquirer.faults.down = False
    return lambda: True


async def half_deaf(here: Neighbourhood) -> Callable[[], bool]:
    """It creates payments and does not say so, and tells of each three times."""
    here.acquirer.faults.cut_off = RESIDENTS
    here.acquirer.faults.notices = 3
    told = 0

    async def count(request: web.Request, _: web.StreamResponse) -> None:
        nonlocal told
        told += request.path.endswith("/notice")

    here.on_answer.append(count)
    return lambda: here.acquirer.faults.cut_off == 0 and told >= 3 * RESIDENTS


async def slow(here: Neighbourhood) -> Callable[[], bool]:
    """It takes its time over each answer."""
    waited = 0

    async def wait(request: web.Request, _: web.StreamResponse) -> None:
        nonlocal waited
        if request.path.startswith("/acquirer/payments"):
            waited += 1
            await asyncio.sleep(1)

    here.on_answer.append(wait)
    return lambda: waited > 0


async def test_an_acquirer_that_fails_is_paid_once(doomed_town: Town, tmp_path: Path) -> None:
    troubles = {
        "down": down,
        "half deaf": half_deaf,
        "slow": slow,
        "resets": broken_off("/acquirer/payments"),
    }

    wrong = await wrong_after(doomed_town, tmp_path, troubles)

    assert wrong == {name: [] for name in troubles}
