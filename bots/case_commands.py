"""The commands about cases: listing, showing, answering and closing them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, assert_never

from rich.console import Console
from rich.table import Table

from bots.reaching import reached
from bots.staff import who_runs
from core.errors import KvitokError
from storage import cases
from storage.cases import AnsweredBefore, Case
from storage.database import Connection
from storage.staff_actions import record

out: Final = Console()


class NoCaseError(KvitokError):
    """No case has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no case {number}")
        self.number = number


class CaseClosedError(KvitokError):
    """The case is closed: nothing more is done about it."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"case {case.number} is closed{_since(case.closed_at)}")
        self.number = case.number


class AnsweredAlreadyError(KvitokError):
    """The case has an answer that its resident was sent."""

    def __init__(self, number: int, before: AnsweredBefore) -> None:
        by = f" by {before.who}" if before.who else ""
        super().__init__(f"case {number} was answered{by}{_since(before.at)}; --again sends a further answer")
        self.number = number


class EmptyAnswerError(KvitokError):
    """There is nothing in the answer."""

    def __init__(self) -> None:
        super().__init__("the answer is empty")


def _since(at: datetime | None) -> str:
    return f" on {_local(at)}" if at else ""


def _local(at: datetime) -> str:
    """A time as the clock on this machine's wall shows it."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


async def list_cases(data: Path) -> int:
    """List the open cases."""
    async with reached(data) as db:
        found = await cases.list_cases(db)
    if not found:
        out.print("No open cases.")
        return 0
    table = Table("N", "Kind", "Account", "Opened")
    for each in found:
        table.add_row(str(each.number), each.kind, each.account or "-", _local(each.opened_at))
    out.print(table)
    return 0


async def show_case(number: int, data: Path) -> int:
    """Show a case with its facts. Raises NoCaseError."""
    async with reached(data) as db:
        case = await case_numbered(db, number)
        await record(db, "look", who=who_runs(), now=datetime.now(UTC), case=number)
    out.print(
        f"Case {case.number}: {case.kind}, {case.state}, opened {_local(case.opened_at)}", soft_wrap=True
    )
    out.print(f"Account: {case.account or '-'}", markup=False)
    out.print(f"Messenger: {case.channel or '-'}", markup=False)
    for name, value in case.facts.items():
        out.print(f"{name}: {value}", soft_wrap=True, markup=False)
    if case.answered_at is not None:
        by = f", {case.answered_by}" if case.answered_by else ""
        out.print(f"Answer ({_local(case.answered_at)}{by}): {case.answer}", soft_wrap=True, markup=False)
    if case.photos:
        out.print(f"Fetch the photo with: kvitok cases photo {number} --out FILE", soft_wrap=True)
    return 0


async def answer_case(number: int, text: str, *, again: bool, data: Path) -> int:
    """Answer a case; the answer goes to the resident's chat.

    Raises EmptyAnswerError, NoCaseError, CaseClosedError, AnsweredAlreadyError.
    """
    if not text.strip():
        raise EmptyAnswerError
    async with _acting(number, "answer", data) as db:
        answered = await cases.answer_case(db, number, text, now=datetime.now(UTC), again=again)
        match answered:
            case None:
                raise CaseClosedError(await case_numbered(db, number))
            case AnsweredBefore():
                raise AnsweredAlreadyError(number, answered)
            case bool():
                pass
            case _:
                assert_never(answered)
    out.print("Answered; the chat will be told." if answered else "Kept; no chat belongs to this case.")
    return 0


async def close_case(number: int, data: Path) -> int:
    """Close a case. Raises NoCaseError, CaseClosedError."""
    async with _acting(number, "close", data) as db:
        if not await cases.close_case(db, number, now=datetime.now(UTC)):
            raise CaseClosedError(await case_numbered(db, number))
    out.print("Closed.")
    return 0


@asynccontextmanager
async def _acting(number: int, action: str, data: Path) -> AsyncIterator[Connection]:
    """A transaction in which staff do something about a case that there is; it is recorded with it."""
    async with reached(data) as db, db.transaction():
        await case_numbered(db, number)
        yield db
        await record(db, action, who=who_runs(), now=datetime.now(UTC), case=number)


async def case_numbered(db: Connection, number: int) -> Case:
    """The case of this number. Raises NoCaseError."""
    case = await cases.show_case(db, number)
    if case is None:
        raise NoCaseError(number)
    return case
