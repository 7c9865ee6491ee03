"""Long polling, for a centre that no messenger can reach: updates are fetched and their place is kept.

A place is given back to the platform only once it was committed with the turns before it, so a crash
fetches again what was not done, and the inbox drops what was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from bots.taking import Taker
from core.channel import Channel
from core.errors import ChannelFailedError

log = structlog.get_logger()

PAUSE_FIRST_S: Final = 1.0
PAUSE_MAX_S: Final = 60.0
# Who stops the service waits so long for what was fetched to be taken; what is not comes again.
LAST_BATCH_S: Final = 3.0


async def keep_polling(channel: Channel, taker: Taker, *, position: str, stop: asyncio.Event) -> None:
    """Fetch the updates of *channel* from *position* ('' at first) and hand them over, until *stop* is set.

    A platform that fails and an engine that is busy are asked again after a growing pause. A wait for the
    platform is broken off by *stop*; a batch that is being taken is finished, unless it is cancelled.
    """
    failures = 0
    webhook_is_gone = False
    while not stop.is_set():
        try:
            if not webhook_is_gone:
                # One that is still set would have every poll refused.
                await channel.unsubscribe()
                webhook_is_gone = True
            reached = await _round(channel, taker, position, stop)
        except ChannelFailedError as error:
            pause_s = max(_pause_s(failures), error.retry_after_s or 0.0)
            log.warning("polling.failed", channel=channel.name, reason=error.reason, again_in_s=pause_s)
        except Exception:
            # A fault of ours must not end the only way in: it is shown, and the same updates come again.
            pause_s = PAUSE_MAX_S
            log.exception("polling.broke", channel=channel.name)
        else:
            if reached is not None:
                position, failures = reached, 0
                continue
            pause_s = _pause_s(failures)
            log.warning("polling.postponed", channel=channel.name, again_in_s=pause_s)
        failures += 1
        await _set_within(stop, pause_s)


async def end(pollers: Collection[asyncio.Future[None]], stop: asyncio.Event) -> None:
    """Set *stop* for *pollers* and let them finish what they are taking, for a moment."""
    stop.set()
    if pollers:
        await asyncio.wait(pollers, timeout=LAST_BATCH_S)


async def _round(channel: Channel, taker: Taker, position: str, stop: asyncio.Event) -> str | None:
    """The position after the next updates; None if the engine did not take them."""
    polled = asyncio.ensure_future(channel.poll(position))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({polled, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not polled.done():
            return position
        updates, reached = polled.result()
    finally:
        polled.cancel()
        stopped.cancel()
        await asyncio.gather(polled, stopped, return_exceptions=True)
    if reached == position and not updates:
        return position
    taken = await taker.take_polled(updates, channel=channel.name, position=reached)
    return reached if taken else None


def _pause_s(failures: int) -> float:
    return min(PAUSE_FIRST_S * 2.0 ** min(failures, 10), PAUSE_MAX_S)


async def _set_within(stop: asyncio.Event, pause_s: float) -> None:
    try:
        async with asyncio.timeout(pause_s):
            await stop.wait()
    except TimeoutError:
        return
