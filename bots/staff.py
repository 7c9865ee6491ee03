"""Who runs a command, for the record of what staff did."""

import getpass
import os


def who_runs() -> str:
    """The name on this machine of whoever runs the command, also behind sudo."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
