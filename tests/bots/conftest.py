"""A service that the tests of one module share; each of them comes with chats of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conforming import Bench, on_the_bench
from tests.conftest import Town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(town: Town) -> AsyncIterator[Bench]:
    """The whole service, and a wire before it."""
    async with on_the_bench(town) as bench:
        yield bench
