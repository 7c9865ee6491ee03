"""The files that came with messages, and what the documents of their rows in the outbox are drawn as."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import aiohttp

from bots.simulator.surroundings import Surroundings
from core.messages import Message
from storage import outbox
from storage.database import Pool
from tests.phones import TranscriptError

# What was written to a channel, the last first.
WRITTEN: Final = "select body from outbox where channel = $1 order by id desc limit 20"


class Attached(NamedTuple):
    """A file as it came to a phone."""

    name: str
    sha256: str


async def attached(http: aiohttp.ClientSession, base: str, message: Mapping[str, Any]) -> list[Attached]:
    """The files of *message* in order, fetched as a phone does. Raises TranscriptError where one cannot be."""
    files = []
    for file in message.get("files", ()):
        async with http.get(f"{base}{file['url']}") as answer:
            if answer.status != 200:
                raise TranscriptError(f"{file['name']} cannot be fetched: {answer.status}")
            files.append(Attached(file["name"], hashlib.sha256(await answer.read()).hexdigest()))
    return files


async def promised(around: Surroundings, pool: Pool, channel: str) -> list[Attached]:
    """The files of the last message of *channel* that has documents, drawn for whatever messenger."""
    async with pool.acquire() as db:
        written = [outbox.DECODER.decode(row["body"]) for row in await db.fetch(WRITTEN, channel)]
    last: Message = next(message for message in written if message.documents)
    render = around.service.deliveries[channel]._render
    drawn = [await render(document, last.language) for document in last.documents]
    return [Attached(file.name, file.sha256) for file in drawn]
