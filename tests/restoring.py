"""PostgreSQL's programs as an operator runs them, and the steps that the documents give."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from storage.embedded_home import find_binaries, server_user

DOCS = Path(__file__).parents[1] / "docs"


def run(folder: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs to its good end."""
    command = [str(programs(folder) / program), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr


def programs(folder: Path) -> Path:
    """Where PostgreSQL's programs are."""
    return find_binaries(server_user(folder))


def steps(document: str, heading: str) -> str:
    """The first block of code below *heading* in one of the documents."""
    text = (DOCS / document).read_text(encoding="utf-8")
    found = re.search(r"\n\n((?:    .*\n)+)", text.partition(f"\n## {heading}\n")[2])
    assert found, f"{document}: no steps below {heading}"
    return textwrap.dedent(found[1])


def typed(
    lines: str, folder: Path, *, admin: str, settings: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Type *lines* into a shell in *folder*, as the administrator of the server to whom the address *admin* is."""
    address = urlsplit(admin)
    environment = {
        "PATH": os.pathsep.join([str(programs(folder)), str(Path(sys.executable).parent), os.defpath]),
        "PGHOST": parse_qs(address.query)["host"][0],
        "PGUSER": str(address.username),
        "PGPASSWORD": str(address.password),
        **settings,
    }
    return subprocess.run(
        ["/bin/sh", "-euc", lines], capture_output=True, check=False, text=True, cwd=folder, env=environment
    )
