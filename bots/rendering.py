"""Documents of messages made into files just before they are sent: read, drawn in other processes, kept a while.

What is kept is found by the hash of all that the document shows, so nothing old is ever sent for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from multiprocessing import get_context, parent_process
from time import monotonic
from typing import Final

import msgspec
import structlog

from adapters.typst import rendered
from core.channel import RenderedFile
from core.documents import Bars, ChartSheet, Office, QrSheet, Sheet
from core.due_dates import due_rules
from core.errors import KvitokError
from core.messages import BillDocument, Document, PaymentQr, UsageChart, text
from core.money import NOTHING
from core.privacy import masked_number, masked_serial
from core.questions import StatementOf
from core.turns import Centre
from core.wording import Words
from storage.bills import statement_of
from storage.charts import Year, years_of
from storage.database import Connection, Pool
from storage.documents import Issuer, bank_orders, bill_sheets

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

KEPT_MAX: Final = 128
KEPT_S: Final = 600.0
PROCESSES: Final = 2


class NoSuchDocumentError(KvitokError):
    """A message promises a document that there is nothing to make from."""


def issuer_of(centre: Centre) -> Issuer:
    """The centre as bills name it."""
    office = Office(centre.name, centre.address, centre.phone, centre.hours, centre.site)
    return Issuer(office, centre.requisites, due_rules(centre))


class Renderer:
    """Makes the files of messages. *processes* draw; they start when there is something to draw."""

    def __init__(
        self, pool: Pool, centre: Centre, *, now: Callable[[], datetime], processes: int = PROCESSES
    ) -> None:
        self._pool = pool
        self._centre = centre
        self._now = now
        self._processes = processes
        self._drawing = self._started()
        self._kept: OrderedDict[bytes, tuple[float, RenderedFile]] = OrderedDict()

    async def render(self, document: Document, language: str) -> RenderedFile:
        """*document* as it is to be sent now. Raises NoSuchDocumentError."""
        async with self._pool.acquire() as db:
            sheet = await self._sheet(db, document, language)
        key = hashlib.sha256(msgspec.json.encode(sheet)).digest()
        kept_at, file = self._kept.pop(key, (0.0, None))
        if file is None or monotonic() - kept_at > KEPT_S:
            kept_at, file = monotonic(), await self._draw(sheet)
        self._kept[key] = (kept_at, file)
        while len(self._kept) > KEPT_MAX or monotonic() - next(iter(self._kept.values()))[0] > KEPT_S:
            self._kept.popitem(last=False)
        return file

    def close(self) -> None:
        """End the processes."""
        self._drawing.shutdown(wait=False, cancel_futures=True)

    # --- What is drawn ---------------------------------------------------------------------------

    async def _sheet(self, db: Connection, document: Document, language: str) -> Sheet:
        match document:
            case BillDocument():
                return await self._bill(db, document)
            case PaymentQr():
                return await self._qr(db, document)
            case UsageChart():
                [year] = await years_of(db, [document])
                return chart_sheet(year, Words.of(language, self._centre.zone))

    async def _bill(self, db: Connection, document: BillDocument) -> Sheet:
        """The bill as a chat may have it; its QR asks for what is due now, of the newest bill alone."""
        [sheet] = await bill_sheets(db, [document], issuer_of(self._centre), masked=True)
        if sheet is None:
            raise NoSuchDocumentError(f"there is no bill of {document.period} to send")
        today = self._now().astimezone(self._centre.zone).date()
        [statement] = await statement_of(db, [StatementOf(document.account, today, due_rules(self._centre))])
        due = statement.due if statement.period == document.period else NOTHING
        return msgspec.structs.replace(sheet, qr_due=max(due, NOTHING))

    async def _qr(self, db: Connection, document: PaymentQr) -> Sheet:
        if self._centre.requisites is None:
            raise NoSuchDocumentError("centre.requisites is not set, so there is nothing to pay to by QR")
        [order] = await bank_orders(db, [document], self._centre.requisites)
        today = self._now().astimezone(self._centre.zone).date()
        return QrSheet(order, masked_number(order.number), today)

    # --- Drawing ---------------------------------------------------------------------------------

    async def _draw(self, sheet: Sheet) -> RenderedFile:
        loop = asyncio.get_running_loop()
        drawing = self._drawing
        try:
            return await loop.run_in_executor(drawing, rendered, sheet)
        except BrokenProcessPool:
            # A process was killed (memory, an operator): once more with fresh ones.
            log.warning("rendering.restarted")
            if drawing is self._drawing:
                self._drawing = self._started()
            return await loop.run_in_executor(self._drawing, rendered, sheet)

    def _started(self) -> ProcessPoolExecutor:
        # Not forked: this process has threads, connections and a loop.
        return ProcessPoolExecutor(
            self._processes, mp_context=get_context("spawn"), initializer=leave_with_parent
        )


def leave_with_parent() -> None:
    """Have this process end with the one that it draws for: that one may be killed, and then tells nobody."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def chart_sheet(year: Year, words: Words) -> ChartSheet:
    """The charts of a year in *words*: what was charged, then each meter."""
    charges = Bars(words.plain(text("chart-charged")), "", "₽", year.charged)
    meters = [
        Bars(
            meter.service,
            ", ".join(part for part in (meter.place, masked_serial(meter.serial)) if part),
            meter.unit,
            meter.used,
        )
        for meter in year.meters
    ]
    told = [bars for bars in (charges, *meters) if any(value is not None for value in bars.values)]
    first = min((_first_told(bars) for bars in told), default=0)
    charts = tuple(msgspec.structs.replace(bars, values=bars.values[first:]) for bars in told)
    gaps = any(value is None for bars in charts for value in bars.values)
    note = words.plain(text("chart-gap" if gaps else "chart-whole"))
    return ChartSheet(words.language, year.months[first:], charts, note)


def _first_told(bars: Bars) -> int:
    """Which month is the first that these bars tell of: a new account's year begins later."""
    return next(at for at, value in enumerate(bars.values) if value is not None)
