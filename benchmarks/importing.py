"""A month's bills loaded, beside a bare COPY of the same bytes: the lines alone, and through to posted charges.

IMPORT_ACCOUNTS= changes the size of the town; the goal is stated for 100 000.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from benchmarks.figures import Figure, Part, goal, ratio
from benchmarks.ground import empty_ground
from benchmarks.towns import SERVICES, build
from core.messages import Month
from storage.database import Connection, connect
from storage.exchange import import_files
from storage.exchange_formats import KINDS
from storage.exchange_protocol import Loaded
from storage.exchange_writing import ExchangeFile

ACCOUNTS: Final = 5_000
ROUNDS: Final = 3
LINE_KOPECKS: Final = 15_123

# The columns and the key that the lines of a bill have, and nothing that looks at them.
BARE: Final = """
create table bare (
  account text, period text, service_code text, provider_id text, tariff numeric, volume_individual numeric,
  volume_common numeric, method text, charged_individual numeric, charged_common numeric, multiplier numeric,
  multiplier_sum numeric, recalculation numeric, recalculation_reason text, benefit numeric, payable numeric,
  opening numeric, penalty numeric, primary key (account, period, service_code, provider_id)
)
"""


async def importing() -> Part:
    """A month a round into the same town: its lines, its totals (which post), and the bare COPY."""
    accounts = int(os.environ.get("IMPORT_ACCOUNTS", ACCOUNTS))
    copied, lines, totals = [], [], []
    async with (
        empty_ground() as server,
        connect(server.url("owner")) as owner,
        connect(server.url("app")) as db,
    ):
        await build(owner, accounts)
        await owner.execute("set synchronous_commit = on")
        await owner.execute(BARE)
        with TemporaryDirectory(prefix="kvitok-bench-") as folder:
            for number in range(ROUNDS):
                month = Month(2026, 1).plus(number)
                charges, sums = _write(Path(folder), accounts, month, months_before=number)
                copied.append(await _copied(owner, charges))
                lines.append(await _imported(db, charges))
                totals.append(await _imported(db, sums))
    through = [first + second for first, second in zip(lines, totals, strict=True)]
    rows = accounts * SERVICES
    return Part(
        (
            Figure("bare COPY", "lines/s", tuple(rows / each for each in copied)),
            Figure("bill lines", "lines/s", tuple(rows / each for each in lines)),
            Figure("through to posted charges", "lines/s", tuple(rows / each for each in through)),
        ),
        (
            (
                f"{accounts} accounts of {SERVICES} services, a month of {rows} lines a round; COPY into a table"
                " of the same columns and key"
            ),
            goal("bill lines / COPY", ratio(copied, lines), least=0.38),
            goal("through to posted charges / COPY", ratio(copied, through), least=0.10),
        ),
    )


def _write(folder: Path, accounts: int, month: Month, *, months_before: int) -> tuple[Path, Path]:
    """The month's lines and totals as files of the exchange."""
    now = datetime.now(UTC)
    charges, sums = (folder / f"{kind}_bench_{month}_01.csv" for kind in ("charges", "bill_totals"))
    names = {kind: [column.name for column in KINDS[kind].columns] for kind in ("charges", "bill_totals")}
    roubles, total = f"{LINE_KOPECKS / 100:.2f}", LINE_KOPECKS * SERVICES
    opening = months_before * total
    with (
        ExchangeFile(charges, names["charges"], summed=True, generated_at=now) as of_lines,
        ExchangeFile(sums, names["bill_totals"], summed=True, generated_at=now) as of_sums,
    ):
        for number in range(1, accounts + 1):
            account = f"{number:010d}"
            rows = [
                f"{account};{month};s{service};r{service};43.21;3.5;0;M;{roubles};0;1;0;0;;0;{roubles};0;0"
                for service in range(1, SERVICES + 1)
            ]
            of_lines.plain(rows, total)
            of_sums.plain(
                (
                    (
                        f"{account};{month};{opening / 100:.2f};0.00;{month}-25;{total / 100:.2f};0;0;0;"
                        f"{(opening + total) / 100:.2f};;"
                    ),
                ),
                opening + total,
            )
    return charges, sums


async def _copied(db: Connection, path: Path) -> float:
    began = perf_counter()
    await db.copy_to_table("bare", source=path, format="csv", delimiter=";", header=True)
    return perf_counter() - began


async def _imported(db: Connection, path: Path) -> float:
    began = perf_counter()
    (report,) = await import_files(db, [path], now=datetime.now(UTC))
    took_s = perf_counter() - began
    if not isinstance(report.outcome, Loaded):
        raise TypeError(f"{path.name} was not loaded: {report.outcome}")
    return took_s
