"""Loading the files of billing, banks and the post: each is checked and applied whole, or not at all."""

from __future__ import annotations

import gc
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

import msgspec
import structlog

from core.allocation import PROPORTIONAL, Rule
from core.bank_statements import Bank
from core.errors import KvitokError
from core.reading_windows import MovedWindow
from core.registers import Profile, profile_of
from storage.bank_statements import cleared_notes, holds_statement, statement_in, take_statement
from storage.clearing import clear_waiting
from storage.database import Connection
from storage.exchange_cells import CENTRE_TIME
from storage.exchange_charges import CHARGES, NotPlainError, add_charges
from storage.exchange_files import Content, ImportPath, control_of, survey
from storage.exchange_formats import KINDS
from storage.exchange_money import Merged, UnmergeableError, merge_bills, merge_charges, merge_payments
from storage.exchange_protocol import (
    AlreadyLoaded,
    Complaints,
    FileReport,
    Loaded,
    NotOurs,
    Outcome,
    Progress,
    Refused,
    Watcher,
)
from storage.exchange_readings import merge_acks, merge_last_values, merge_readings
from storage.exchange_reference import merge_reference
from storage.exchange_staging import drop_staging, stage
from storage.registers import control_path, register_in, take_register

__all__ = ["CENTRE_TIME", "ImportRunningError", "NoFilesError", "import_files"]

STATEMENT: Final = "statement"

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()


class ImportRunningError(KvitokError):
    """Files are being loaded already."""

    def __init__(self) -> None:
        super().__init__("another import is running: wait until it has ended")


class NoFilesError(KvitokError):
    """There is nothing at a path that was to be loaded."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: there is no file or folder")
        self.path = path


def _unwatched(_: Progress) -> None:
    """Nobody looks on."""


async def import_files(
    db: Connection,
    paths: Iterable[Path],
    *,
    now: datetime,
    zone: tzinfo = CENTRE_TIME,
    watch: Watcher = _unwatched,
    rule: Rule = PROPORTIONAL,
    profiles: tuple[Profile, ...] = (),
    profile: Profile | None = None,
    bank: Bank | None = None,
    moved: tuple[MovedWindow, ...] = (),
) -> list[FileReport]:
    """Load files, and what is in folders, in the order of what refers to what; a report on each.

    The connection must not be in a transaction: every file is one of its own, so that what is right stays
    loaded. A file that was loaded before, under whatever name, changes nothing. *now* is the business
    clock's, *zone*, *rule* and the *moved* windows of readings are the centre's. Registers of payments are told
    by the patterns of the centre's own *profiles* or the shipped ones; with a *profile* every file is one of its
    registers. Statements of our *bank* are told by their first line and come last. Raises ImportRunningError,
    NoFilesError.
    """
    terms = _Terms(now, zone, rule, bank, moved)
    found = _found(paths, profiles, profile)
    reports = [FileReport(path.name, outcome) for path, outcome in found.strangers]
    async with _alone(db):
        for file in sorted(found.files, key=lambda file: file.place):
            outcome = await _import(db, file, terms, watch)
            log.info("exchange.file", kind=file.kind.name, outcome=type(outcome).__name__.lower())
            reports.append(FileReport(file.path.name, outcome))
        for path, form in found.registers:
            outcome = await _import_register(db, path, form, terms, watch)
            log.info("exchange.file", kind=form.source, outcome=type(outcome).__name__.lower())
            reports.append(FileReport(path.name, outcome))
        for path in found.statements:
            outcome = await _import_statement(db, path, terms, watch)
            log.info("exchange.file", kind=STATEMENT, outcome=type(outcome).__name__.lower())
            reports.append(FileReport(path.name, outcome))
    return reports


@dataclass(frozen=True, slots=True)
class _Terms:
    """When files are loaded by the business clock, and what the centre goes by."""

    now: datetime
    zone: tzinfo
    rule: Rule
    bank: Bank | None
    moved: tuple[MovedWindow, ...]


@dataclass(slots=True)
class _Found:
    files: list[ImportPath] = field(default_factory=list)
    registers: list[tuple[Path, Profile]] = field(default_factory=list)
    statements: list[Path] = field(default_factory=list)
    strangers: list[tuple[Path, Outcome]] = field(default_factory=list)


def _found(paths: Iterable[Path], profiles: tuple[Profile, ...], profile: Profile | None) -> _Found:
    found = _Found()
    for path in paths:
        if not path.exists():
            raise NoFilesError(path)
        for one in sorted(path.iterdir()) if path.is_dir() else [path]:
            if one is not path and (one.is_dir() or LEFT_ALONE.fullmatch(one.name)):
                found.strangers.append((one, NotOurs()))
            elif profile is not None:
                found.registers.append((one, profile))
            elif (file := ImportPath.of(one)) is not None:
                found.files.append(file)
            elif (form := profile_of(one.name, profiles)) is not None:
                found.registers.append((one, form))
            elif one.is_file() and holds_statement(one):
                found.statements.append(one)
            else:
                found.strangers.append((one, _misnamed(one)))
    controls = {control_path(path, form) for path, form in found.registers}
    controls |= {control_of(file.path) for file in found.files}
    found.registers = [(path, form) for path, form in found.registers if path not in controls]
    found.strangers = [(path, outcome) for path, outcome in found.strangers if path not in controls]
    return found


# What may lie in a folder of files and is none of them: hidden files, a note on the folder, and the codes of paper
# bills, which are hashed in `accounts`.
LEFT_ALONE: Final = re.compile(r"\..*|readme.*|codes\.csv", re.IGNORECASE)


def _misnamed(one: Path) -> Refused:
    complaints = Complaints(one.name)
    complaints.add(0, "", CONTROLS_NOTHING if one.suffix == ".ctl" else MISNAMED)
    return complaints.refused


MISNAMED: Final = (
    "the name is not {kind}_{centre}_{month or day}_{number}.csv, nor one of a known register; the kinds are "
    f"{', '.join(KINDS)}"
)
CONTROLS_NOTHING: Final = "a control file, and the file that it is of is not there"


# One import at a time in a centre; waits for nobody.
BE_ALONE: Final = "select pg_try_advisory_lock(hashtext('kvitok import'), hashtext(current_schema()))"
LET_OTHERS: Final = "select pg_advisory_unlock(hashtext('kvitok import'), hashtext(current_schema()))"


# Rows come and go by the million and make no rings: they are gone before Python's collector looks for any, which it
# would do after every 700 of them.
NEW_VALUES: Final = 200_000


@contextmanager
def _sparing_the_collector() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(NEW_VALUES, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@asynccontextmanager
async def _alone(db: Connection) -> AsyncIterator[None]:
    if not await db.fetchval(BE_ALONE):
        raise ImportRunningError
    # A large file takes its time, and what it waits for is short.
    await db.execute("set statement_timeout = 0; set lock_timeout = '30s'")
    try:
        with _sparing_the_collector():
            yield
    finally:
        await drop_staging(db)
        await db.execute("reset statement_timeout; reset lock_timeout")
        await db.execute(LET_OTHERS)


KNOWN_FILE: Final = "select name from imported_file where sha256 = $1"

NOTE_FILE: Final = """
insert into imported_file (sha256, kind, name, rows, imported_at) values ($1, $2, $3, $4, $5)
"""


async def _import(db: Connection, file: ImportPath, terms: _Terms, watch: Watcher) -> Outcome:
    content = survey(file.path)
    if content is None:
        complaints = Complaints(file.path.name)
        complaints.add(0, "", "is neither UTF-8 nor windows-1251")
        return complaints.refused
    if known := await db.fetchval(KNOWN_FILE, content.sha256):
        return AlreadyLoaded(known)
    if file.kind is CHARGES:
        try:
            async with db.transaction():
                loaded = await add_charges(db, file.path, content, watch=watch)
                await _note(db, file, content, loaded.rows, terms)
        except NotPlainError:
            log.info("exchange.staged", kind=file.kind.name)
        else:
            return loaded
    return await _import_staged(db, file, content, terms, watch)


async def _import_staged(
    db: Connection, file: ImportPath, content: Content, terms: _Terms, watch: Watcher
) -> Outcome:
    rows, complaints = await stage(db, file.path, file.kind, content, watch=watch)
    if complaints:
        return complaints.refused

    def merged(done: int) -> None:
        watch(Progress(file.path.name, "merging", content.size * done // max(1, rows), content.size))

    merged(0)
    try:
        async with db.transaction():
            loaded = await _merge(db, file.kind.name, rows, terms, merged)
            await _note(db, file, content, rows, terms)
    except UnmergeableError as error:
        for line, column, reason in error.bad:
            complaints.add(line, column, reason)
        return complaints.refused
    return loaded


async def _note(db: Connection, file: ImportPath, content: Content, rows: int, terms: _Terms) -> None:
    await db.execute(NOTE_FILE, content.sha256, file.kind.name, file.path.name, rows, terms.now)


async def _import_register(
    db: Connection, path: Path, profile: Profile, terms: _Terms, watch: Watcher
) -> Outcome:
    file = register_in(path, profile)
    if known := await db.fetchval(KNOWN_FILE, file.sha256):
        return AlreadyLoaded(known)
    register = file.says
    if isinstance(register, Complaints):
        return register.refused
    watch(Progress(path.name, "merging", 0, file.size))
    try:
        async with db.transaction():
            outcome = await take_register(
                db,
                register,
                profile,
                name=path.name,
                now=terms.now,
                zone=terms.zone,
                rule=terms.rule,
                moved=terms.moved,
            )
            await db.execute(NOTE_FILE, file.sha256, profile.source, path.name, len(register.rows), terms.now)
            if terms.bank is not None:
                # Their money may have arrived before them.
                cleared = await clear_waiting(db, terms.bank, now=terms.now, zone=terms.zone)
                notes = (*outcome.notes, *cleared_notes(path.name, cleared))
                outcome = msgspec.structs.replace(outcome, notes=notes)
    except UnmergeableError as error:
        complaints = Complaints(path.name)
        for line, column, reason in error.bad:
            complaints.add(line, column, reason)
        return complaints.refused
    return outcome


async def _import_statement(db: Connection, path: Path, terms: _Terms, watch: Watcher) -> Outcome:
    file = statement_in(path, terms.bank)
    if known := await db.fetchval(KNOWN_FILE, file.sha256):
        return AlreadyLoaded(known)
    if isinstance(file.says, Complaints) or terms.bank is None:
        return file.says.refused if isinstance(file.says, Complaints) else NotOurs()
    watch(Progress(path.name, "merging", 0, file.size))
    async with db.transaction():
        outcome = await take_statement(
            db, file.says, terms.bank, name=path.name, now=terms.now, zone=terms.zone, rule=terms.rule
        )
        rows = len(file.says.documents)
        await db.execute(NOTE_FILE, file.sha256, STATEMENT, path.name, rows, terms.now)
    return outcome


async def _merge(db: Connection, kind: str, rows: int, terms: _Terms, merged: Merged) -> Loaded:
    now, zone, rule = terms.now, terms.zone, terms.rule
    match kind:
        case "readings":
            return await merge_readings(db, rows)
        case "payments":
            return await merge_payments(db, rows, now=now, zone=zone, rule=rule, merged=merged)
        case "charges":
            return await merge_charges(db, rows)
        case "bill_totals":
            return await merge_bills(db, rows, now=now, zone=zone, rule=rule, merged=merged)
        case "reading_acks":
            return await merge_acks(db, rows, now=now)
        case _:
            loaded = await merge_reference(db, kind, rows)
            if kind == "meters":
                await merge_last_values(db)
            return loaded
