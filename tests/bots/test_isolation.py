"""A channel that is down, slow or busy delays no other, and loses nothing."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.conforming import UNDELIVERED, Bench, Tried, all_heard, heard
from tests.phones import Phone
from tests.platforms import PLATFORMS

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESIDENTS: Final = 3
SAID: Final = ("помощь", "контакты")


@pytest.mark.parametrize("healthy", PLATFORMS)
async def test_one_that_hangs_one_that_fails_and_one_that_is_busy_delay_no_other_and_lose_nothing(
    healthy: str, bench: Bench
) -> None:
    names = [*PLATFORMS]
    at = names.index(healthy)
    well, *ill = [bench.channel(name) for name in names[at:] + names[:at]][:4]
    phones = {each.name: [await each.newcomer() for _ in range(RESIDENTS)] for each in (well, *ill)}
    answers = {name: await heard(of[0], *SAID) for name, of in phones.items()}
    hanging, broken, busy = ill
    hanging.stand_in.faults = hanging.platform.hanging()
    broken.stand_in.faults = broken.platform.broken()
    busy.stand_in.faults = busy.platform.busy()

    for each in ill:
        await _all_say(phones[each.name])
        await _struck(each)
    while_ill = [await heard(phone, *SAID) for phone in phones[healthy] * 2]
    undelivered = [await each.one(UNDELIVERED, each.name) for each in ill]
    for each in ill:
        each.stand_in.faults = type(each.stand_in.faults)()
        await each.delivered(hurry=True)

    assert while_ill == [answers[healthy]] * RESIDENTS * 2
    assert undelivered == [RESIDENTS * len(SAID)] * len(ill)
    for each in ill:
        for phone in phones[each.name]:
            # At least once, and in order.
            assert list(dict.fromkeys(await all_heard(phone))) == answers[each.name]


async def _all_say(phones: list[Phone]) -> None:
    for words in SAID:
        await asyncio.gather(*(phone.do("say", text=words) for phone in phones))


async def _struck(channel: Tried) -> None:
    """Wait until a message met the fault, and all of them wait."""
    whole = type(channel.stand_in.faults)().times
    while channel.stand_in.faults.times == whole:  # noqa: ASYNC110  # a fault sets no event
        await asyncio.sleep(0.005)
    await channel.until(UNDELIVERED, RESIDENTS * len(SAID), channel.name)
