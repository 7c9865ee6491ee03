"""Python's collector of garbage, as a process that serves wants it."""

from __future__ import annotations

import gc
from typing import Final

# Of Python's own, which looks after every 700 new values and at what lives long after every 100 such looks, a
# third of a turn's time is spent in the collector. Turns make no rings: nearly all that they leave is gone before.
NEW_VALUES: Final = 20_000


def spare_the_collector() -> None:
    """Have the collector look rarely, and never at what is loaded by now, aiogram's models above all: it stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_VALUES, 20, 100)
