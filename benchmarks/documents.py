"""How long documents take to draw once a process is warm: bills of a town, a payment QR, a year's charts.

Every drawing is of values not drawn before, as in a town, so nothing is remembered but fonts and templates.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from time import perf_counter, process_time
from typing import Final

from rich.console import Console
from rich.table import Table

from adapters.typst import rendered
from benchmarks.ground import ground
from bots.rendering import chart_sheet, issuer_of
from bots.simulator.surroundings import simulated_configuration
from core.documents import BankOrder, QrSheet, Sheet
from core.messages import BillDocument, Month, UsageChart
from core.money import Money
from core.wording import Words
from storage.charts import years_of
from storage.database import connect
from storage.documents import bill_sheets, billed_accounts

ACCOUNTS: Final = 200
WARM_UP: Final = 3


async def sheets_of_a_town() -> dict[str, Sequence[Sheet]]:
    """What is drawn: a month's bills as a chat gets them, a QR of each, charts of each."""
    centre = simulated_configuration(1).as_centre
    async with ground(accounts=ACCOUNTS, chats=1) as town, connect(town.server.url("app")) as db:
        period = await db.fetchval("select max(period) from bill")
        month = Month.of(period)
        accounts = await billed_accounts(db, month)
        asked = [BillDocument(account, month) for account in accounts]
        bills = [bill for bill in await bill_sheets(db, asked, issuer_of(centre), masked=True) if bill]
        years = await years_of(db, [UsageChart(account, month) for account in accounts])
    orders = [
        BankOrder(bill.payee, bill.number, Money(100 + place), month)
        for place, bill in enumerate(bills)
        if bill.payee
    ]
    return {
        "bill": bills,
        "bank QR": [QrSheet(order, "•••• 4567", period) for order in orders],
        "charts": [chart_sheet(year, Words.of("ru", centre.zone)) for year in years],
    }


def measured_ms(sheets: Sequence[Sheet]) -> tuple[list[float], list[float]]:
    """Wall and processor time of each drawing, after a few that warm up."""
    walls, cpus = [], []
    for sheet in sheets:
        wall, cpu = perf_counter(), process_time()
        rendered(sheet)
        walls.append((perf_counter() - wall) * 1000)
        cpus.append((process_time() - cpu) * 1000)
    return sorted(walls[WARM_UP:]), sorted(cpus[WARM_UP:])


def main() -> None:
    """Measure and print a table."""
    table = Table("Document", "drawn", "wall, ms: median", "95 %", "processor, ms: least", "median")
    for name, sheets in asyncio.run(sheets_of_a_town()).items():
        walls, cpus = measured_ms(sheets)
        figures = (statistics.median(walls), walls[len(walls) * 95 // 100], cpus[0], statistics.median(cpus))
        table.add_row(name, str(len(walls)), *(f"{figure:.1f}" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
