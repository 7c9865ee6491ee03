"""What is begun is ended, also when whoever runs it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Longer than any statement of serving may take; after that nothing is to be hoped for.
PATIENCE_S: Final = 15.0


async def finished(doing: Coroutine[Any, Any, T]) -> T:
    """What *doing* comes to. Who is cancelled meanwhile ends only once it has ended, or was given time to."""
    task = asyncio.ensure_future(doing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=PATIENCE_S)
        task.cancel()
        raise
