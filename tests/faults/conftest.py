"""A town of the faults' own: its server is one that is killed, and its engines are too."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.faults.ground import Town, a_town


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def doomed_town() -> AsyncIterator[Town]:
    """A town on a durable server of its own, built once."""
    async with a_town() as town:
        yield town
