"""What several modules of tests begin with: a service, a resident in a strict messenger, a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bots.simulator.surroundings import Surroundings
from tests.bots.making_strict import Strict, strictly
from tests.conforming import Bench, on_the_bench
from tests.conftest import Database, Town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(town: Town) -> AsyncIterator[Bench]:
    """The whole service, and a wire before it, for all tests of a module: each comes with chats of its own."""
    async with on_the_bench(town) as bench:
        yield bench


@pytest.fixture
async def strict(around: Surroundings, inhabited: Database) -> AsyncIterator[Strict]:
    """A resident with an account in a strict messenger."""
    async with strictly(around, inhabited) as strict:
        yield strict


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """A browser that keeps cookies, of an address in numbers too."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        yield browser
