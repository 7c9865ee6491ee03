"""The service among its stand-ins, without the pauses that it makes out of care for messengers and machines.

What waits in a test keeps a processor from the rest of them. That pauses are made is shown where each of them is.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final
from unittest.mock import patch

from adapters import max_api
from adapters.calling import Turns
from bots import schedule
from bots.clock import BusinessClock
from bots.configuration import Configuration, Secrets
from bots.rendering import Renderer
from bots.simulator.surroundings import Surroundings, surrounded
from storage.database import Pool

EVENTS_S: Final = 0.05
UNREADY: Final = {max_api.Fault.NOT_READY: (0.05, 16.0, "lane")}
CALLS_PER_S: Final = 10_000
# All authorities of the world are read once, and not by each Telegram.
_trusting: Final = cache(ssl.create_default_context)


_started: Final = Renderer._started
_drawing: Final[list[ProcessPoolExecutor]] = []


def _drawers(renderer: Renderer) -> ProcessPoolExecutor:
    """The processes that draw for all services of this run: to start some takes longer than they draw."""
    if not _drawing or _drawing[-1]._broken:
        _drawing.append(_started(renderer))
    return _drawing[-1]


@asynccontextmanager
async def hurried(
    configuration: Configuration,
    environment: Secrets,
    *,
    pool: Pool,
    clock: BusinessClock,
    codes: Mapping[str, str],
) -> AsyncIterator[Surroundings]:
    """Run the service of *configuration* as `surrounded` does."""
    with (
        patch.object(schedule, "EVENTS_S", EVENTS_S),
        patch.object(ssl, "create_default_context", _trusting),
        patch.dict(max_api.PAUSES, UNREADY),
        patch.multiple(Renderer, _started=_drawers, close=lambda _: None),
    ):
        async with surrounded(
            configuration, environment, pool=pool, clock=clock, codes=codes, paced=False
        ) as around:
            for name, delivery in around.service.deliveries.items():
                _hurry(name, delivery._channel)
            yield around


def _hurry(name: str, channel: Any) -> None:
    if name in ("vk", "max"):
        channel._api._turns = Turns(CALLS_PER_S)
    if name == "ok":
        channel._settle_s = 0.0
