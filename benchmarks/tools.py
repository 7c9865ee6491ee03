"""The compiled tools that load and answer: wrk and nginx, found on the path or unpacked from Debian's packages.

Unpacked, not installed: no rights are needed and no service is started.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PACKAGES: Final = ("wrk", "libluajit-5.1-2", "libluajit-5.1-common", "nginx")
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kvitok-bench"


class ToolMissingError(Exception):
    """A tool is neither on the path nor to be had from Debian."""


@dataclass(frozen=True)
class Tool:
    """A program and the environment that it needs."""

    path: str
    environment: Mapping[str, str] = field(default_factory=dict)


def tool(name: str) -> Tool:
    """The tool *name*. Raises ToolMissingError."""
    if (path := shutil.which(name)) is not None:
        return Tool(path)
    root = CACHE / "root"
    found = [root / "usr" / folder / name for folder in ("bin", "sbin")]
    if not any(each.exists() for each in found):
        _unpack(root)
    for each in found:
        if each.exists():
            libraries = ":".join(map(str, (root / "usr/lib").glob(f"{platform.machine()}-*")))
            return Tool(str(each), {**os.environ, "LD_LIBRARY_PATH": libraries})
    raise ToolMissingError(f"{name} is not there: install it (apt-get install wrk nginx-light)")


def _unpack(root: Path) -> None:
    packages = CACHE / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=packages, check=True, capture_output=True)
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(root)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        words = "wrk and nginx are not on the path, and Debian's packages cannot be fetched (apt-get update?)"
        raise ToolMissingError(words) from error
