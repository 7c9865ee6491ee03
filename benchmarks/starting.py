"""How long it takes to start, and what that holds in memory."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from time import monotonic
from typing import Final

from benchmarks.figures import Figure, Part, goal
from benchmarks.ground import wide_ground
from benchmarks.running import SERVE, kvitok, sinking

ROUNDS: Final = 5
REST_S: Final = 2


async def starting() -> Part:
    """`kvitok serve` with Telegram on to ready, `kvitok --help`, memory at rest."""
    ready_s, memory_mib, help_s = [], [], []
    async with wide_ground(accounts=100, chats=100) as here, sinking() as sink:
        for _ in range(ROUNDS):
            async with kvitok(here, sink.process.port, "telegram") as server:
                ready_s.append(server.ready_s)
                await asyncio.sleep(REST_S)
                memory_mib.append(server.memory_mib)
            began = monotonic()
            await asyncio.to_thread(
                subprocess.run, (sys.executable, "-c", SERVE, "--help"), check=True, capture_output=True
            )
            help_s.append(monotonic() - began)
    return Part(
        (
            Figure("kvitok serve to ready", "s", tuple(ready_s)),
            Figure("kvitok --help", "s", tuple(help_s)),
            Figure("memory at rest", "MiB", tuple(memory_mib)),
        ),
        (
            goal("to ready, s", statistics.median(ready_s), most=2),
            goal("--help, s", statistics.median(help_s), most=0.3),
            goal("memory at rest, MiB", statistics.median(memory_mib), most=150),
        ),
    )
