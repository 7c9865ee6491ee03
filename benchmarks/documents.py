"""How long documents take to draw once a process is warm: bills of a town, a payment QR, a year's charts.

Every drawing is of values not drawn before, as in a town, so nothing is remembered but fonts and templates.
Beside them, in the same run, a page with a bare table of 120 cells: what the machine can do at this hour.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Any, Final

import typst
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
BARE: Final = typst.Compiler(ignore_system_fonts=True)


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


def bare_page(place: int) -> None:
    """Set a page of 120 cells that no page had before."""
    cells = "".join(f"[{place * 1000 + cell}]," for cell in range(120))
    BARE.compile(f"#set text(size: 8pt)\n#table(columns: 6, {cells})".encode(), format="pdf")


def measured_ms(draw: Callable[[Any], object], sheets: Sequence[Any]) -> tuple[list[float], list[float]]:
    """Wall and processor time of each drawing, after a few that warm up."""
    walls, cpus = [], []
    for sheet in sheets:
        wall, cpu = perf_counter(), process_time()
        draw(sheet)
        walls.append((perf_counter() - wall) * 1000)
        cpus.append((process_time() - cpu) * 1000)
    return sorted(walls[WARM_UP:]), sorted(cpus[WARM_UP:])


def main() -> None:
    """Measure and print a table."""
    table = Table("Document", "drawn", "wall, ms: median", "95 %", "processor, ms: least", "median")
    drawn: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "bare page": (bare_page, range(ACCOUNTS))
    }
    drawn |= {name: (rendered, sheets) for name, sheets in asyncio.run(sheets_of_a_town()).items()}
    for name, (draw, sheets) in drawn.items():
        walls, cpus = measured_ms(draw, sheets)
        figures = (statistics.median(walls), walls[len(walls) * 95 // 100], cpus[0], statistics.median(cpus))
        table.add_row(name, str(len(walls)), *(f"{figure:.1f}" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
