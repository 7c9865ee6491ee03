"""The bot that the tests of the stand-ins play."""

from collections.abc import AsyncIterator

import pytest

from tests.making_telegram import Bot, a_bot, begin


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which one resident has written, with no update left over."""
    async with a_bot() as bot:
        await begin(bot)
        yield bot
