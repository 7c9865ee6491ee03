"""What the tests of one module share: the whole service, and what it writes to its log."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog

from bots.logs import set_up_logs
from tests.conforming import Bench, on_the_bench
from tests.conftest import Town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(town: Town) -> AsyncIterator[Bench]:
    """The whole service, which the tests of a module share."""
    async with on_the_bench(town) as bench:
        yield bench


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """All that the service logs, down to the last detail, and all that its libraries do."""
    log = io.BytesIO()
    stream = io.TextIOWrapper(log, encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    set_up_logs(pretty=False, level=logging.DEBUG)
    logging.root.setLevel(logging.DEBUG)
    # A logger that was used already must not keep what it was set to then, nor what it is set to here.
    structlog.configure(cache_logger_on_first_use=False)
    yield log
    stream.detach()
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
