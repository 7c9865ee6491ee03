"""The rows of a file, read some thousands at a time and column by column, which costs a cell least."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TextIO, TypeVar, cast

from storage.exchange_cells import CellError, Value
from storage.exchange_formats import Kind
from storage.exchange_protocol import Complaints
from storage.exchange_row_checks import Sum

ROWS_AT_ONCE: Final = 2_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """The *cells* of a column, and what each different one of them is read as."""

    cells: Sequence[str]
    read: Mapping[str, Value]

    @classmethod
    def of(cls, cells: Sequence[str], read: Callable[[str], Value]) -> "ReadColumn":
        """*cells*, read. Raises CellError."""
        return cls(cells, {cell: read(cell.strip()) for cell in set(cells)})

    def values(self) -> list[Value]:
        """What was read, row by row."""
        return list(map(self.read.__getitem__, self.cells))

    def sums(self) -> list[int]:
        """What was read in a column of money, row by row."""
        return cast("list[int]", self.values())

    def formed(self, form: Callable[[Value], T]) -> list[T]:
        """What *form* makes of what was read, row by row; it is asked once for each different cell."""
        formed = {cell: form(value) for cell, value in self.read.items()}
        return list(map(formed.__getitem__, self.cells))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that can be read and agree each with itself: the numbers of their lines, their cells by columns."""

    lines: Sequence[int]
    columns: Mapping[str, ReadColumn]


@dataclass
class Rows:
    """The rows of an open file; what cannot be read goes to *complaints*, the rest is given.

    *columns* are those of the file, in its order.
    """

    kind: Kind
    file: TextIO
    complaints: Complaints
    columns: tuple[str, ...] = ()
    read: int = 0
    control_kopecks: int = 0

    def __post_init__(self) -> None:
        self._csv = csv.reader(self.file, delimiter=";")
        try:
            header = next(self._csv, [])
        except csv.Error as error:
            self.complaints.add(1, "", f"cannot be read as CSV: {error}")
            return
        self.columns = tuple(name.strip().lower() for name in header)
        self._broken = False
        self._readers = {column.name: column.cell.read for column in self.kind.columns}
        self._check_header()

    def _check_header(self) -> None:
        if not any(self.columns):
            self.complaints.add(1, "", "the header is missing")
            return
        for name in self.columns:
            if name not in self._readers:
                self.complaints.add(1, name, f"is no column of {self.kind.name}")
            elif self.columns.count(name) > 1:
                self.complaints.add(1, name, "is there twice")
        for column in self.kind.columns:
            if column.name not in self.columns and not column.optional:
                self.complaints.add(1, column.name, "is missing in the header")

    def __iter__(self) -> Iterator[Chunk]:
        summed = self.kind.control_column
        while not self._broken:
            lines, rows = self._next()
            if not rows:
                return
            self.read += len(rows)
            chunk = self._read(lines, rows) or self._read_right_ones(lines, rows)
            if summed is not None:
                self.control_kopecks += sum(chunk.columns[summed].sums())
            yield chunk

    def _next(self) -> tuple[list[int], list[list[str]]]:
        lines: list[int] = []
        rows: list[list[str]] = []
        try:
            for row in self._csv:
                if row:
                    lines.append(self._csv.line_num)
                    rows.append(row)
                    if len(rows) == ROWS_AT_ONCE:
                        break
        except csv.Error as error:
            # Where the next row begins cannot be told.
            self._broken = True
            self.complaints.add(self._csv.line_num, "", f"cannot be read as CSV: {error}")
        return lines, rows

    def _read(self, lines: Sequence[int], rows: Sequence[Sequence[str]]) -> Chunk | None:
        """Read rows all at once; None if anything is wrong with any of them."""
        if set(map(len, rows)) != {len(self.columns)}:
            return None
        try:
            columns = {
                name: ReadColumn.of(cells, self._readers[name])
                for name, cells in zip(self.columns, zip(*rows, strict=True), strict=True)
            }
        except CellError:
            return None
        return Chunk(lines, columns) if self._agree(columns) else None

    def _agree(self, columns: Mapping[str, ReadColumn]) -> bool:
        check = self.kind.check
        if check is None:
            return True
        if isinstance(check, Sum):
            return check.holds({name: columns[name].sums() for name in check.columns})
        values = zip(*(column.values() for column in columns.values()), strict=True)
        return all(check(_Row(columns, row)) is None for row in values)

    def _read_right_ones(self, lines: Sequence[int], rows: Sequence[Sequence[str]]) -> Chunk:
        right = [place for place, row in enumerate(rows) if self._is_right(lines[place], row)]
        columns = zip(*(rows[place] for place in right), strict=True) if right else ((),) * len(self.columns)
        return Chunk(
            [lines[place] for place in right],
            {
                name: ReadColumn.of(cells, self._readers[name])
                for name, cells in zip(self.columns, columns, strict=True)
            },
        )

    def _is_right(self, line: int, row: Sequence[str]) -> bool:
        """Whether a row can be read and agrees with itself; complain where not."""
        before = self.complaints.total
        if len(row) != len(self.columns):
            self.complaints.add(line, "", f"has {len(row)} cells instead of {len(self.columns)}")
            return False
        values: list[Value] = []
        for name, cell in zip(self.columns, row, strict=True):
            try:
                values.append(self._readers[name](cell.strip()))
            except CellError as error:
                self.complaints.add(line, name, str(error))
        if self.complaints.total == before and self.kind.check is not None:
            complaint = self.kind.check(_Row(self.columns, values))
            if complaint is not None:
                self.complaints.add(line, *complaint)
        return self.complaints.total == before


class _Row(dict[str, Value]):
    """A row by its columns; those that the file leaves out are empty."""

    def __init__(self, columns: Iterable[str], values: Iterable[Value]) -> None:
        super().__init__(zip(columns, values, strict=True))

    def __missing__(self, column: str) -> Value:
        return None
