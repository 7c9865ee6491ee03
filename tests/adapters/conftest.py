"""What the adapters' tests share: the server of each module's own `api`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp.test_utils import BaseTestServer, TestServer

from tests.serving import Answering, serving


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(api: Answering) -> AsyncIterator[BaseTestServer]:
    async with TestServer(serving(api)) as server:
        yield server
