"""Reading a file into a temporary table of its own, where nobody waits for it, and checking it there."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from storage.database import Connection
from storage.exchange_cells import Value
from storage.exchange_checks import ALWAYS, CHECKS, repeated
from storage.exchange_files import Content, check_control
from storage.exchange_formats import KINDS, Kind
from storage.exchange_protocol import BAD_ROWS_SHOWN_MAX, Complaints, Progress, Watcher
from storage.exchange_rows import Rows


def staging_table(kind: Kind) -> str:
    """The statement that makes the table in which files of *kind* are checked, where there is none yet."""
    columns = ", ".join(f"{column.name} {column.cell.sql}" for column in kind.columns)
    return f"create temp table if not exists staged_{kind.name} (line integer, {columns})"


async def stage(
    db: Connection, path: Path, kind: Kind, content: Content, *, watch: Watcher
) -> tuple[int, Complaints]:
    """Put the rows of a file into the table of its kind and check them; how many there are, and what is wrong."""
    complaints = Complaints(path.name)
    with path.open("rb") as raw, TextIOWrapper(raw, content.encoding, newline="") as file:
        rows = Rows(kind, file, complaints)
        if complaints:
            return 0, complaints

        def read() -> Iterator[tuple[Value, ...]]:
            for chunk in rows:
                watch(Progress(path.name, "reading", raw.tell(), content.size))
                yield from zip(chunk.lines, *(each.values() for each in chunk.columns.values()), strict=True)

        await db.execute(staging_table(kind))
        await db.execute(f"truncate staged_{kind.name}")
        await db.copy_records_to_table(f"staged_{kind.name}", records=read(), columns=["line", *rows.columns])
        await db.execute(f"analyze staged_{kind.name}")
    watch(Progress(path.name, "checking", content.size, content.size))
    check_control(path, content, rows)
    await _check(db, kind, complaints)
    return rows.read, complaints


async def _check(db: Connection, kind: Kind, complaints: Complaints) -> None:
    suspected = {ALWAYS: True}
    for check in (repeated(kind), *CHECKS[kind.name]):
        if check.suspected not in suspected:
            suspected[check.suspected] = await db.fetchval(check.suspected)
        if not suspected[check.suspected]:
            continue
        found = await db.fetch(
            f"select line, cell, count(*) over () as whole from ({check.sql}) bad order by line limit $1",  # noqa: S608 -- the parts are constants of ours
            BAD_ROWS_SHOWN_MAX,
        )
        for row in found:
            cell = "" if row["cell"] is None else f"«{row['cell']}» "
            complaints.add(row["line"], check.column, f"{cell}{check.reason}")
        if found:
            complaints.unseen(found[0]["whole"] - len(found))


async def drop_staging(db: Connection) -> None:
    """Drop the tables that files were checked in."""
    names = ", ".join(f"staged_{name}" for name in KINDS)
    await db.execute(f"drop table if exists {names}")
