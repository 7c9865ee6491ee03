"""Setting and removing the webhooks of all configured messengers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from bots.configuration import Configuration, Secrets, load
from bots.messengers import Means, channels_of
from bots.wiring import webhook_url
from core.channel import Channel
from core.errors import KvitokError

ANSWER_S: Final = 30.0


async def subscribe(config: Path) -> int:
    """Set the webhooks; the status is 1 if a messenger refuses one."""

    async def one(name: str, channel: Channel, configuration: Configuration) -> str:
        await channel.subscribe(webhook_url(configuration, name))
        return f"updates come to {webhook_url(configuration, name)}"

    return await _each(config, one)


async def unsubscribe(config: Path) -> int:
    """Remove the webhooks; the status is 1 if a messenger refuses."""

    async def one(_name: str, channel: Channel, _configuration: Configuration) -> str:
        await channel.unsubscribe()
        return "no updates come any more"

    return await _each(config, one)


async def _each(config: Path, do: Callable[[str, Channel, Configuration], Awaitable[str]]) -> int:
    """Do it for every channel that subscribes; one that fails keeps no other from it."""
    configuration = load(config)
    channels = channels_of(Means(configuration, Secrets(os.environ), lambda: datetime.now(UTC)))
    out = Console()
    if not channels:
        out.print(f"No messenger is on in {config}.", soft_wrap=True)
        return 1
    failed = False
    for name, channel in channels.items():
        if configuration.channels.on[name].is_polled:
            out.print(f"{name}: polled, needs no webhook")
            continue
        try:
            async with asyncio.timeout(ANSWER_S):
                out.print(f"{name}: {await do(name, channel, configuration)}", soft_wrap=True)
        except (KvitokError, TimeoutError) as error:
            failed = True
            out.print(f"[red]{name}: {str(error) or 'no answer'}[/]", soft_wrap=True)
        finally:
            await channel.close()
    return int(failed)
