"""The clock jumps, and days, months, years and summers end between a question and its answer."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
import pytest

from benchmarks.ports import free_port
from bots.clock import BusinessClock
from bots.configuration import Secrets
from bots.simulator.surroundings import Surroundings, simulated_configuration
from storage.database import Pool, open_pool
from storage.proof import verify
from tests.conftest import SECRETS, Database, Town
from tests.hurrying import hurried
from tests.talking import Talk

ASK = """
linked a
> [Показания]
< Счётчики*
> [Холодная вода, кухня]
< *Что сейчас на счётчике?*
> {m1+7}
< *: {m1+7} м³*
"""
PAY = """
= select count(*) from reading where chat_id is not null = 1
> оплатить
< *
pay
< Оплата получена*
= select count(*) from payment where way like 'acquirer%' = 1
> баланс
< *
> история
< *
"""
# What passes while a resident thinks.
JUMPS = {
    "a month ends": ("2026-11-30T23:59:58", "2026-12-01T00:00:02"),
    "a year ends": ("2026-12-31T23:59:58", "2027-01-01T00:00:02"),
    "a leap day begins": ("2028-02-28T23:59:58", "2028-02-29T00:00:02"),
    "the window closes": ("2026-11-25T23:59:58", "2026-11-26T00:00:02"),
    "the clock is put back": ("2026-11-20T12:00:00", "2026-11-20T09:00:00"),
    "the clock is put back into last month": ("2026-12-01T00:30:00", "2026-11-30T23:30:00"),
    "the clock was wrong by a year": ("2026-11-20T12:00:00", "2027-11-20T12:00:00"),
}


@pytest.mark.parametrize(("before", "after"), JUMPS.values(), ids=JUMPS)
async def test_a_reading_and_a_payment_are_entered_once_though_the_clock_jumps(
    around: Surroundings, inhabited: Database, before: str, after: str
) -> None:
    async with open_pool(inhabited.app) as pool, aiohttp.ClientSession() as http:
        talk = Talk(around, pool, http, "telegram")

        await lived_through(talk, before, after)

        await is_whole(pool)


# Clocks are put on at 3:00 on the last Sunday of March, and back at 4:00 on the last of October.
CHANGES = {
    "summer begins": ("2027-03-28T00:59:58+00:00", "2027-03-28T01:00:02+00:00"),
    "summer ends": ("2026-10-25T00:59:58+00:00", "2026-10-25T01:00:02+00:00"),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
async def test_an_hour_that_is_missing_or_comes_twice_disturbs_nothing(
    inhabited: Database, town: Town, before: str, after: str
) -> None:
    """Russia has no summer time now, and had it until 2011: a centre's zone is a setting."""
    configuration = simulated_configuration(free_port())
    centre = msgspec.structs.replace(configuration.centre, timezone="Europe/Chisinau")
    clock = BusinessClock()
    clock.set(datetime.fromisoformat(before))
    async with (
        open_pool(inhabited.app) as pool,
        aiohttp.ClientSession() as http,
        hurried(
            msgspec.structs.replace(configuration, centre=centre),
            Secrets(SECRETS),
            pool=pool,
            clock=clock,
            codes=town.codes,
        ) as around,
    ):
        moscow = ZoneInfo("Europe/Moscow")
        moments = [
            datetime.fromisoformat(at).astimezone(moscow).replace(tzinfo=None) for at in (before, after)
        ]

        await lived_through(Talk(around, pool, http, "telegram"), *(at.isoformat() for at in moments))

        await is_whole(pool)


async def lived_through(talk: Talk, before: str, after: str) -> None:
    """A resident is asked *before* and answers *after*, by the centre's clock; then pays."""
    await talk.replay("before", f"clock {before}\n{ASK}\nclock {after}")
    for _ in range(3):
        # A month that ended has its readings shown, and asked about, anew.
        await talk.phone.press("Сохранить")
        answer = await talk.phone.next()
        if answer is not None and "Принято" in answer["text"]:
            break
    await talk.replay("after", PAY)


async def is_whole(pool: Pool) -> None:
    async with pool.acquire() as db:
        assert not await verify(db)
