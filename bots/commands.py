"""What the commands of the command line do, and print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, assert_never

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from bots import wiring
from bots.configuration import Secrets, found
from bots.reaching import database_url, reached
from bots.town.writing import write_town
from core.registers import profile_named
from core.turns import Centre
from core.wording import money
from storage import differences as differing
from storage import exchange, observing
from storage.exchange_export import export_payments, export_readings
from storage.exchange_protocol import AlreadyLoaded, FileReport, Loaded, NotOurs, Refused
from storage.exchange_protocol import Progress as Read
from storage.migrating import migrate as bring_up

out: Final = Console()


async def migrate(data: Path, *, app: str, reader: str) -> int:
    """Bring the tables up to this release, for a centre whose other two roles are *app* and *reader*."""
    await bring_up(database_url(data, owner=True), app=app, reader=reader)
    out.print("The database is up to this release.")
    return 0


# --- Files ----------------------------------------------------------------------------------------


def write_a_town(
    folder: Path, *, accounts: int, seed: int, today: date, environment: Mapping[str, str]
) -> None:
    """Write a generated town as import files."""
    key = Secrets(environment).need(wiring.BILLING_KEY, "the key of codes on paper bills").encode()
    with out.status(f"Writing a town of {accounts} accounts…"):
        files = write_town(folder, accounts=accounts, seed=seed, today=today, key=key)
    out.print(f"{len(files)} files in {folder}; load them with: kvitok import {folder}")


async def import_paths(paths: Sequence[Path], *, profile: str | None, config: Path, data: Path) -> int:
    """Load files, with a *profile* as its registers; the status is 1 if one was refused."""
    configuration = found(config)
    centre = configuration.as_centre if configuration else Centre(name="", zone=exchange.CENTRE_TIME)
    own = configuration.registers if configuration else ()
    form = profile_named(profile, own) if profile is not None else None
    async with reached(data) as db:
        columns = (TextColumn("{task.description}"), BarColumn())
        with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bars:
            reports = await exchange.import_files(
                db,
                paths,
                now=datetime.now(UTC),
                zone=centre.zone,
                rule=centre.allocation,
                watch=_Bars(bars).show,
                profiles=own,
                profile=form,
                bank=configuration.as_bank if configuration else None,
                moved=centre.moved_windows,
            )
    for report in reports:
        _print_report(report)
    if not reports:
        out.print("There is nothing to load.")
    return int(any(isinstance(report.outcome, Refused) for report in reports))


class _Bars:
    """A bar a file."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def show(self, read: Read) -> None:
        if read.file not in self._tasks:
            self._tasks[read.file] = self._bars.add_task(read.file, total=read.bytes_total)
        task = self._tasks[read.file]
        self._bars.update(task, completed=read.bytes_read, description=f"{read.file}: {read.phase}")


def _print_report(report: FileReport) -> None:
    match report.outcome:
        case Loaded(rows, added, changed, aside, rejected, readings, notes):
            line = f"{rows} rows: {added} new, {changed} changed, {rows - added - changed} known"
            more = [f"{aside} payments put aside for staff"] * bool(aside)
            more += [f"{rejected} rejected readings told to residents"] * bool(rejected)
            more += [f"{readings} readings kept"] * bool(readings)
            out.print("; ".join([f"{report.file}: {line}", *more]), soft_wrap=True)
            for note in notes:
                out.print(f"  {note}", soft_wrap=True, markup=False)
        case AlreadyLoaded(name=name):
            out.print(f"{report.file}: loaded before (as {name}), nothing to do", soft_wrap=True)
        case NotOurs():
            out.print(f"{report.file}: not for import, left alone", soft_wrap=True)
        case Refused(bad=bad, bad_total=bad_total):
            out.print(
                f"[red]{report.file}: refused, nothing of it was applied; mistakes: {bad_total}",
                soft_wrap=True,
            )
            for row in bad:
                where = ", ".join([f"line {row.line}"] * bool(row.line) + [row.column] * bool(row.column))
                told = ": ".join([row.file, *[where] * bool(where), row.reason])
                out.print(f"  {told}", soft_wrap=True, markup=False)
        case _:
            assert_never(report.outcome)


async def export(kind: str, *, since: date, out: Path, data: Path) -> int:
    """Write what billing is to take over."""
    writers = {"readings": export_readings, "payments": export_payments}
    async with reached(data) as db:
        files = await writers[kind](db, folder=out, since=since, now=datetime.now(UTC))
    for file, rows in files.items():
        Console().print(f"{file}: {rows} rows", soft_wrap=True)
    return 0


# --- The books ------------------------------------------------------------------------------------


async def verify(data: Path) -> int:
    """Prove the books; the status is 1 if they are not whole."""
    async with reached(data) as db:
        with out.status("Proving the books…"):
            faults = await observing.prove(db, now=datetime.now(UTC))
    for fault in faults:
        out.print(str(fault), soft_wrap=True, markup=False)
    out.print("[red]The books are not whole." if faults else "[green]The books are whole.")
    return int(bool(faults))


async def differences(data: Path) -> int:
    """List accounts whose balance differs from billing's; the status is 1 if there is one."""
    async with reached(data) as db:
        found = await differing.differences(db)
    if not found:
        out.print("[green]No account differs from billing.")
        return 0
    table = Table("Account", "Bill", "Counted until", "By billing", "By the books")
    for each in found:
        sums = (money(each.billing), money(each.ledger))
        table.add_row(each.number, str(each.period), each.counted_until.isoformat(), *sums)
    out.print(table)
    return 1
