"""What options and arguments are called and how they are read, and how a command is run."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

DATA: Final = Path(".kvitok")
CONFIG: Final = Path("config.yaml")

# The greatest number that the database gives out.
NUMBER_MAX: Final = 2**63 - 1


def read_day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise typer.BadParameter(f"{typed!r} is no day; write it as 2026-05-31") from None


def read_month(typed: str) -> date:
    try:
        return datetime.strptime(typed, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter(f"{typed!r} is no month; write it as 2026-05") from None


Config = Annotated[Path, typer.Option("--config", help="The configuration.")]
Data = Annotated[
    Path, typer.Option("--data", help="Where the embedded database keeps its data.", file_okay=False)
]
Since = Annotated[date, typer.Option("--since", help="The first day.", parser=read_day, metavar="YYYY-MM-DD")]
Day = Annotated[date, typer.Option("--date", help="The day.", parser=read_day, metavar="YYYY-MM-DD")]
Out = Annotated[Path, typer.Option("--out", help="The folder to write to.", file_okay=False)]
CaseNumber = Annotated[int, typer.Argument(metavar="N", help="The case's number.", max=NUMBER_MAX)]
AccountNumber = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's number.")]
Why = Annotated[str, typer.Option("--why", help="Your reason, for the record.")]


def run(command: Coroutine[Any, Any, int | None]) -> None:
    """Run *command* on the fast event loop; its number is the exit status."""
    import asyncio  # noqa: PLC0415  # not for --help
    import logging  # noqa: PLC0415  # as above

    import structlog  # noqa: PLC0415  # as above
    import uvloop  # noqa: PLC0415  # as above

    # A command prints what it did; what serves sets its logs up by itself.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(command)
    if status:
        raise typer.Exit(status)
