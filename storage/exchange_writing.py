"""Writing a file of the exchange with its control file beside it, row by row."""

import csv
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from core.money import Money
from storage.exchange_files import CONTROL_HEADER

ROWS_AT_ONCE: Final = 2_000
# What a spreadsheet would take for a formula.
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    """Text that others wrote, as a spreadsheet shows it instead of computing it."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def plain_number(number: Decimal) -> str:
    """A number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class ExchangeFile:
    """A file of the exchange being written; leaving it writes its control file.

    A row is added with what it contributes to the control sum, in kopecks. *summed*: whether this kind of
    file has a control sum at all.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, summed: bool, generated_at: datetime) -> None:
        self._path = path
        self._summed = summed
        self._generated_at = generated_at
        self._rows = 0
        self._waiting = 0
        self._sum_kopecks = 0
        self._hash = sha256()
        self._out = path.open("wb")
        self._fill(columns)

    def _fill(self, columns: Sequence[str]) -> None:
        self._page = StringIO(newline="")
        self._csv = csv.writer(self._page, delimiter=";", lineterminator="\n")
        self._csv.writerow(columns)

    def row(self, cells: Sequence[str], kopecks: int = 0) -> None:
        """Add a row."""
        self._csv.writerow(cells)
        self._count(kopecks)

    def plain(self, rows: Sequence[str], kopecks: int = 0) -> None:
        """Add rows that are put together already, none of their cells needing quotes."""
        self._page.write("".join([f"{row}\n" for row in rows]))
        self._count(kopecks, rows=len(rows))

    def _count(self, kopecks: int, *, rows: int = 1) -> None:
        self._rows += rows
        self._waiting += rows
        self._sum_kopecks += kopecks
        if self._waiting >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._waiting = 0
        written = self._page.getvalue().encode()
        self._hash.update(written)
        self._out.write(written)
        self._page.seek(0)
        self._page.truncate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        self._out.close()
        total = str(Money(self._sum_kopecks).roubles) if self._summed else ""
        row = f"{self._rows};{total};{self._hash.hexdigest()};{self._generated_at.isoformat()}"
        control = self._path.with_name(f"{self._path.name}.ctl")
        control.write_text(f"{CONTROL_HEADER}\n{row}\n", encoding="utf-8")
