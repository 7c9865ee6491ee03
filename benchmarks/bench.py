"""All measurements, or some (`--only end-to-end,latency`): a table, benchmarks/results/results.json and a plot.

Ratios are of one run on one machine, the sides taking turns. Nothing leaves the loopback interface.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog
import uvloop
from rich.console import Console

from benchmarks import engine, figures, growth, importing, latency, planning, starting, throughput

PARTS: Final[Mapping[str, Callable[[], Coroutine[Any, Any, figures.Part]]]] = {
    "starting": starting.starting,
    "end-to-end": throughput.end_to_end,
    "engine": engine.compare,
    "channels": throughput.channels,
    "latency": latency.latency,
    "workers": throughput.workers,
    "growth": growth.growth,
    "importing": importing.importing,
    "planning": planning.planning,
}


def main() -> int:
    """Measure, print and keep; the status is 1 if a part could not be measured."""
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    wanted = parser.parse_args().only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    # Whoever ends us as `kill` and `timeout` do ends our processes too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    # What is measured in this process would write a line a turn between the tables.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=True
    )
    out, failed = Console(), 0
    for name in wanted:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                part = runner.run(PARTS[name]())
        except Exception:  # noqa: BLE001  # the other parts are worth having
            out.print_exception(max_frames=5)
            failed = 1
            continue
        figures.show(out, name, part)
        figures.keep(name, part)
    return failed


if __name__ == "__main__":
    sys.exit(main())
