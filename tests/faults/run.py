"""`make faults`: rounds of killing engines, as many as ROUNDS says, and a table of what they did."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from bots.logs import set_up_logs
from tests.faults.ground import a_town
from tests.faults.rounds import WAYS, Round, run_rounds

ROUNDS: Final = 200


def main() -> int:
    """Run the rounds; the status is 1 if anything was wrong after one."""
    set_up_logs(pretty=True, level=logging.WARNING)
    rounds = int(os.environ.get("ROUNDS", ROUNDS))
    out = Console()
    done = asyncio.run(_run(out, rounds))
    out.print(_table(done))
    for failed in (each for each in done if each.wrong):
        out.print(f"[red]seed {failed.seed}, {failed.way}:", *failed.wrong, sep="\n", markup=True)
    return int(any(each.wrong for each in done))


async def _run(out: Console, rounds: int) -> list[Round]:
    async with a_town() as town:
        with out.status(f"Killing engines in {rounds} rounds…"):
            return await run_rounds(town, range(rounds))


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


if __name__ == "__main__":
    sys.exit(main())
