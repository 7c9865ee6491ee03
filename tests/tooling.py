"""Programs that tests need besides ours: found or unpacked; a test without one is skipped, and fails where CI=true."""

import os

import pytest

from benchmarks.tools import ToolMissingError, tool


def need(name: str) -> None:
    """Return if the tool *name* is to be had."""
    try:
        tool(name)
    except ToolMissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
