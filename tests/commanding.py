"""The command line as an operator has it: what was printed, and the status that it ended with."""

from __future__ import annotations

import asyncio
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

import structlog

from bots.cli import main


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line that it complained with."""
        [line] = self.err.splitlines()
        return line


async def kvitok(*arguments: str) -> Ended:
    """Run `kvitok` with *arguments*; wide enough that nothing is wrapped."""
    out, err = io.StringIO(), io.StringIO()
    logs = structlog.get_config()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["kvitok", *arguments]),
        patch.dict("os.environ", {"COLUMNS": "200"}),
    ):
        status = await asyncio.to_thread(_status)
    structlog.configure(**logs)
    return Ended(status, out.getvalue(), err.getvalue())


def _status() -> int:
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
