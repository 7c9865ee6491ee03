"""The bills of a whole town as PDF files for paper, drawn on all cores, in the order in which a postman walks."""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.typst import rendered
from bots import wiring
from bots.configuration import Secrets, load
from bots.reaching import reached
from bots.rendering import issuer_of, leave_with_parent
from core.documents import BillSheet, PaperLink
from core.errors import KvitokError
from core.messages import BillDocument, Month
from core.turns import Centre
from storage import paper_links
from storage.database import Connection
from storage.documents import bill_sheets, billed_accounts
from storage.keys import Keys

# Bills that are read at once and drawn by one process: neighbours, whose house's volumes are read once.
BATCH: Final = 100


class UnreadableCodesError(KvitokError):
    """The file with the codes on bills is not what billing writes."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; expected: a CSV file with the columns account;code")


async def render_bills(period: Month, out: Path, *, codes: Path | None, config: Path, data: Path) -> int:
    """Write every bill of *period* into *out*, with a bar on the terminal; the status is 1 if there is none."""
    console = Console()
    centre = load(config).as_centre
    printer = Printer(centre, wiring.keys_of(Secrets(os.environ)), codes_in(codes) if codes else {})
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with reached(data) as db:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            task = bars.add_task(f"Bills of {period}", total=None)

            def watch(done: int, of: int) -> None:
                bars.update(task, completed=done, total=of)

            count = await printer.print(db, period, out, watch=watch)
    console.print(f"{count} bills of {period} in {out}" if count else f"There is no bill of {period}.")
    return int(not count)


def codes_in(path: Path) -> dict[str, str]:
    """The codes to print, by account number. Raises UnreadableCodesError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter=";")
            if not {"account", "code"} <= set(rows.fieldnames or ()):
                raise UnreadableCodesError(path, "has no such columns")
            return {row["account"]: row["code"] for row in rows}
    except OSError as error:
        raise UnreadableCodesError(path, f"cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableCodesError(path, "is no text") from error


class Printer:
    """Writes the bills of *centre* for paper: full address, the code and the link that lead into a chat."""

    def __init__(self, centre: Centre, keys: Keys, codes: Mapping[str, str]) -> None:
        self._centre = centre
        self._keys = keys
        self._codes = codes

    async def print(
        self, db: Connection, period: Month, folder: Path, *, watch: Callable[[int, int], None]
    ) -> int:
        """Write the bills of *period* into *folder*, each in a file of its own; how many there were.

        Files are numbered as a postman walks. The same bills give the same bytes.
        """
        accounts = await billed_accounts(db, period)
        processes, done = os.cpu_count() or 1, 0
        drawing: set[asyncio.Future[int]] = set()
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=leave_with_parent
        ) as pool:
            for first, batch in _batches(accounts):
                asked = [BillDocument(account, period) for account in batch]
                read = await bill_sheets(db, asked, issuer_of(self._centre), masked=False)
                sheets = [self._for_paper(sheet) for sheet in read if sheet is not None]
                drawing.add(loop.run_in_executor(pool, write_bills, folder, first, sheets))
                if len(drawing) > processes:
                    ready, drawing = await asyncio.wait(drawing, return_when=asyncio.FIRST_COMPLETED)
                    done += sum(each.result() for each in ready)
                    watch(done, len(accounts))
            for each in asyncio.as_completed(drawing):
                done += await each
                watch(done, len(accounts))
        return done

    def _for_paper(self, sheet: BillSheet) -> BillSheet:
        """*sheet* with the way into a chat, where the centre's configuration tells one."""
        if not self._centre.chat_links:
            return sheet
        _, link = self._centre.chat_links[0]
        token = paper_links.paper_token(self._keys, paper_links.PaperLink(sheet.number, sheet.period))
        paper = PaperLink(link.replace("{code}", token), self._codes.get(sheet.number, ""))
        return msgspec.structs.replace(sheet, paper=paper)


def _batches(accounts: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Batches of *accounts*, each with the number of its first."""
    rest = iter(accounts)
    first = 1
    while batch := list(islice(rest, BATCH)):
        yield first, batch
        first += len(batch)


def write_bills(folder: Path, first: int, sheets: Sequence[BillSheet]) -> int:
    """Draw *sheets* and write them into *folder*, numbered from *first*; how many there were. Runs in a process."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, sheet in enumerate(sheets, start=first):
        (folder / f"{place:06d}-{sheet.number}.pdf").write_bytes(rendered(sheet).body)
    return len(sheets)
