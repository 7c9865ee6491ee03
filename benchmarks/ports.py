"""Ports for servers whose address must be known before they listen."""

from __future__ import annotations

import socket
from random import SystemRandom
from typing import Final

# Below what systems give to connections going out (Linux: from 32768 on): a port that was found free is then
# not taken by one of them before its server listens.
PORTS: Final = range(15_000, 32_000)
_CHANCE: Final = SystemRandom()
_given: Final[set[int]] = set()


def free_port() -> int:
    """A port of this machine that nobody listens on, and that nobody here was given before."""
    for _ in PORTS:
        port = _CHANCE.choice(PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError("no port is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
