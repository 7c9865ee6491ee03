"""`make faults`: rounds of killing engines, as many as ROUNDS says, then floods; tables of what they came to."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.table import Table

from bots.logs import set_up_logs
from tests.faults.flooding import GROWTH_MIB_MAX, Flooded, flood
from tests.faults.ground import Town, a_neighbourhood, a_town
from tests.faults.rounds import WAYS, Round, run_rounds

ROUNDS: Final = 200
FLOOD: Final = 50_000
# How many chats a flood comes from, and how often a chat is to be told to slow down.
FLOODS: Final = ((1, 1), (5_000, 0))


def main() -> int:
    """Run the rounds and floods; the status is 1 if anything was wrong after one."""
    set_up_logs(pretty=True, level=logging.WARNING)
    return asyncio.run(
        _run(Console(), int(os.environ.get("ROUNDS", ROUNDS)), int(os.environ.get("FLOOD", FLOOD)))
    )


async def _run(out: Console, rounds: int, messages: int) -> int:
    async with a_town() as town:
        with out.status(f"Killing engines in {rounds} rounds…"):
            done = await run_rounds(town, range(rounds))
        out.print(_table(done))
        for failed in (each for each in done if each.wrong):
            out.print(f"seed {failed.seed}, {failed.way}:", *failed.wrong, sep="\n", markup=False)
        with out.status(f"Flooding with {messages} messages…"):
            floods = [await _flooded(town, messages, chats) for chats, _ in FLOODS]
        out.print(_floods(floods))
    drowned = [each for each, (_, told) in zip(floods, FLOODS, strict=True) if not is_borne(each, told=told)]
    return int(any(each.wrong for each in done) or bool(drowned))


async def _flooded(town: Town, messages: int, chats: int) -> Flooded:
    with TemporaryDirectory(prefix="kvitok-faults-") as folder:
        async with a_neighbourhood(town, Path(folder)) as here:
            engine = await here.start_engine(paced=True)
            return await flood(here, engine, messages=messages, chats=chats)


def is_borne(flooded: Flooded, *, told: int) -> bool:
    """Whether all was taken or put off, the chat told as often as it should be, and memory bounded."""
    return set(flooded.statuses) <= {200, 503} and flooded.told == told and flooded.grown_mib < GROWTH_MIB_MAX


def _table(done: Sequence[Round]) -> Table:
    table = Table("Killed", "Rounds", "Engines killed", "Seconds a round", "Rounds with something wrong")
    for way in WAYS:
        of_way = [each for each in done if each.way == way]
        if of_way:
            table.add_row(
                way,
                str(len(of_way)),
                str(sum(each.deaths for each in of_way)),
                f"{sum(each.took_s for each in of_way) / len(of_way):.1f}",
                str(sum(bool(each.wrong) for each in of_way)),
            )
    return table


def _floods(floods: Sequence[Flooded]) -> Table:
    table = Table(
        "Flood from",
        "Answers",
        "Told to slow down",
        "A resident waited",
        "Replies queued",
        "Memory grew",
        "Took",
    )
    for each, (chats, _) in zip(floods, FLOODS, strict=True):
        table.add_row(
            f"{chats} chats",
            ", ".join(f"{times} × {status}" for status, times in sorted(each.statuses.items())),
            str(each.told),
            f"{each.others_waited_s:.1f} s",
            str(each.queued),
            f"{each.grown_mib:.0f} MiB",
            f"{each.took_s:.0f} s",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
