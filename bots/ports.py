"""Addresses to listen on, looked at before anything is loaded."""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

from core.errors import KvitokError

LOOPBACK: Final = "127.0.0.1"


class AddressTakenError(KvitokError):
    """Nobody can listen on this address: another program does, or it is none of ours."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        taken = error.errno == errno.EADDRINUSE
        why = (
            "is taken by another program"
            if taken
            else f"cannot be listened on ({os.strerror(error.errno or 0)})"
        )
        super().__init__(f"{host}:{port} {why}; choose another port")
        self.port = port


def check_free(host: str, port: int) -> None:
    """Raise AddressTakenError where nobody can listen on *port* of the address *host* by now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTakenError(host, port, error) from error
