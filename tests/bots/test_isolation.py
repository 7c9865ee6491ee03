"""A channel that is down, slow or busy delays no other, and loses nothing."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from bots.delivery import AT_ONCE
from tests.conforming import UNDELIVERED, Bench, Tried, all_heard, heard
from tests.phones import Phone
from tests.platforms import PLATFORMS

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESIDENTS: Final = 3
# More chats than a channel's sender writes to at once: the one that hangs has no room left.
CROWD: Final = AT_ONCE + 2
SAID: Final = ("помощь", "контакты")


@pytest.mark.parametrize("healthy", PLATFORMS)
async def test_one_that_hangs_one_that_fails_and_one_that_is_busy_delay_no_other_and_lose_nothing(
    healthy: str, bench: Bench
) -> None:
    names = [*PLATFORMS]
    at = names.index(healthy)
    well, *ill = [bench.channel(name) for name in names[at:] + names[:at]][:4]
    hanging, broken, busy = ill
    phones = {each.name: await _crowd(each, CROWD if each is hanging else RESIDENTS) for each in (well, *ill)}
    answers = {name: await heard(of[0], *SAID) for name, of in phones.items()}
    hanging.stand_in.faults = hanging.platform.hanging()
    broken.stand_in.faults = broken.platform.broken()
    busy.stand_in.faults = busy.platform.busy()

    for each in (broken, busy, hanging):
        await _all_say(phones[each.name])
        await _all_wait(each, len(phones[each.name]))
    await _struck(hanging, AT_ONCE)
    # All of it is heard while as many calls hang as may be made at once, and before any of them ends.
    while_ill = [await heard(phone, *SAID) for phone in phones[healthy] * 2]
    struck = _strikes(hanging)
    undelivered = [await each.one(UNDELIVERED, each.name) for each in ill]
    for each in ill:
        each.stand_in.faults = type(each.stand_in.faults)()
        await each.delivered(hurry=True)

    assert while_ill == [answers[healthy]] * RESIDENTS * 2
    assert struck == AT_ONCE
    assert undelivered == [len(phones[each.name]) * len(SAID) for each in ill]
    for each in ill:
        for phone in phones[each.name]:
            # At least once, and in order.
            assert list(dict.fromkeys(await all_heard(phone))) == answers[each.name]


async def _crowd(channel: Tried, residents: int) -> list[Phone]:
    """Phones of so many residents, who were all greeted."""
    phones = [channel.talk().phone for _ in range(residents)]
    await asyncio.gather(*(phone.do("start") for phone in phones))
    assert all(await asyncio.gather(*(phone.next() for phone in phones)))
    await channel.delivered()
    return phones


async def _all_say(phones: list[Phone]) -> None:
    for words in SAID:
        await asyncio.gather(*(phone.do("say", text=words) for phone in phones))


async def _all_wait(channel: Tried, residents: int) -> None:
    """Wait until a message met the fault, and all of them wait."""
    await _struck(channel, 1)
    await channel.until(UNDELIVERED, residents * len(SAID), channel.name)


async def _struck(channel: Tried, times: int) -> None:
    """Wait until the fault struck so many *times*."""
    while _strikes(channel) < times:  # noqa: ASYNC110  # a fault sets no event
        await asyncio.sleep(0.005)


def _strikes(channel: Tried) -> int:
    faults = channel.stand_in.faults
    return int(type(faults)().times - faults.times)
