"""`kvitok cases photo`: a photo that a resident sent, from its messenger into a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from rich.console import Console

from bots.case_commands import case_numbered
from bots.configuration import Configuration, Secrets, load
from bots.messengers import Means, channel_of
from bots.reaching import reached
from bots.staff import who_runs
from core.errors import KvitokError
from storage.cases import Case
from storage.staff_actions import record

out: Final = Console()


class NoPhotoError(KvitokError):
    """The case has not so many photos."""

    def __init__(self, case: Case, which: int) -> None:
        has = f"has {len(case.photos)}" if case.photos else "has none"
        super().__init__(f"case {case.number}: there is no photo {which}, it {has}")
        self.number = case.number


class ChannelOffError(KvitokError):
    """The messenger that has the photo is not configured here."""

    def __init__(self, channel: str, config: Path) -> None:
        super().__init__(f"the photo is with {channel or 'no messenger'}, which is not on in {config}")
        self.channel = channel


async def fetch_photo(number: int, which: int, path: Path, *, config: Path, data: Path) -> int:
    """Fetch a case's photo from its messenger into the new file *path*, and nowhere else.

    Raises NoCaseError, NoPhotoError, ChannelOffError, FileExistsError, and what the messenger says.
    """
    async with reached(data) as db:
        case = await case_numbered(db, number)
        if len(case.photos) < which:
            raise NoPhotoError(case, which)
        # The file first: a name that cannot be written to is no reason to look at a photo.
        with _new_file(path) as file:
            body = await _downloaded(case.channel, case.photos[which - 1], load(config), config)
            file.write(body)
        await record(db, "photo", who=who_runs(), now=datetime.now(UTC), case=number)
    out.print(f"{path}: {len(body)} bytes", soft_wrap=True, markup=False)
    if len(case.photos) > 1:
        out.print(f"The case has {len(case.photos)} photos; --photo N fetches another.")
    return 0


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for nobody else to read; gone again if it could not be filled."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        path.unlink()
        raise


async def _downloaded(name: str, photo: str, configuration: Configuration, config: Path) -> bytes:
    if name not in configuration.channels.on:
        raise ChannelOffError(name, config)
    channel = channel_of(name, Means(configuration, Secrets(os.environ), lambda: datetime.now(UTC)))
    try:
        return await channel.download(photo)
    finally:
        await channel.close()
