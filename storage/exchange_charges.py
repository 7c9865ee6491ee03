"""Charges of months of which nothing is known yet: from their file straight into their table.

That is what a centre loads every month, and most of what it loads. Whatever else a file may be (wrong in a cell,
naming what we do not know, saying anew what was said) is for staging, which has the words for it: not a row of
this is left then.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import asyncpg

from core.errors import KvitokError
from storage.database import Connection
from storage.exchange_cells import Value
from storage.exchange_files import Content, check_control
from storage.exchange_formats import KINDS
from storage.exchange_protocol import Complaints, Loaded, Progress, Watcher
from storage.exchange_rows import Chunk, Rows

CHARGES: Final = KINDS["charges"]
ESCAPED: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class NotPlainError(KvitokError):
    """A file of charges holds more than new lines of new months."""

    def __init__(self) -> None:
        super().__init__("the file is for staging")


async def add_charges(db: Connection, path: Path, content: Content, *, watch: Watcher) -> Loaded:
    """Add all lines of a file; the caller's transaction ends where they are not all new and right.

    The server writes a chunk while the next one is read. Raises NotPlainError.
    """
    complaints = Complaints(path.name)
    with path.open("rb") as raw, TextIOWrapper(raw, content.encoding, newline="") as file:
        rows = Rows(CHARGES, file, complaints)
        if complaints:
            raise NotPlainError
        writing: asyncio.Future[str] | None = None
        try:
            for chunk in _plain(rows):
                watch(Progress(path.name, "reading", raw.tell(), content.size))
                if writing is not None:
                    await writing
                writing = await _begin_writing(db, chunk)
        finally:
            if writing is not None:
                await writing
    watch(Progress(path.name, "checking", content.size, content.size))
    check_control(path, content, rows)
    if complaints:
        raise NotPlainError
    watch(Progress(path.name, "merging", content.size, content.size))
    return Loaded(rows.read, rows.read)


def _plain(rows: Rows) -> Iterator[Chunk]:
    for chunk in rows:
        if rows.complaints:
            raise NotPlainError
        yield chunk


# Accounts by their numbers, and whether a bill or an earlier file speaks of any of these months of theirs.
ACCOUNTS: Final = """
select a.number, a.id, coalesce(billed.known, charged.known, false) as known
from account a
left join lateral (
    select true as known from bill b where b.account_id = a.id and b.period = any($2::date[]) limit 1
) billed on true
left join lateral (
    select true as known from charge c
    where c.account_id = a.id and c.period = any($2::date[]) and c.xmin <> pg_current_xact_id()::xid limit 1
) charged on true
where a.number = any($1::text[])
"""


async def _begin_writing(db: Connection, chunk: Chunk) -> "asyncio.Future[str]":
    """Hand a chunk to the server; what is returned ends when the server has written it. Raises NotPlainError."""
    numbers, months = (set(chunk.columns[name].read.values()) for name in ("account", "period"))
    found = await db.fetch(ACCOUNTS, list(numbers), list(months))
    if len(found) < len(numbers) or any(row["known"] for row in found):
        raise NotPlainError
    content = _written(chunk, {row["number"]: str(row["id"]) for row in found})
    taken = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield content
        taken.set()

    columns = ["account_id" if name == "account" else name for name in chunk.columns]
    writing = asyncio.ensure_future(_copied(db, source(), columns))
    writing.add_done_callback(lambda _: taken.set())
    try:
        await taken.wait()
    except asyncio.CancelledError:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        raise
    return writing


async def _copied(db: Connection, source: AsyncIterator[bytes], columns: Sequence[str]) -> str:
    try:
        return await db.copy_to_table("charge", source=source, columns=columns)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise NotPlainError from error


def _written(chunk: Chunk, accounts: Mapping[Value, str]) -> bytes:
    """Rows of a chunk as COPY reads them."""
    columns = [
        column.formed(accounts.__getitem__ if name == "account" else _field)
        for name, column in chunk.columns.items()
    ]
    lines = map("\t".join, zip(*columns, strict=True))
    return "\n".join([*lines, ""]).encode()


def _field(value: Value) -> str:
    return str(value).translate(ESCAPED)
