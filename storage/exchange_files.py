"""Files as they lie in a folder: their names, control files, encodings, headers and rows."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Final, TextIO

from core.money import Money
from storage.exchange_cells import CellError, Value, shown
from storage.exchange_formats import KINDS, Kind
from storage.exchange_protocol import Complaints

CONTROL_HEADER: Final = "rows;sum;sha256;generated_at"
_BLOCK: Final = 1 << 20
_NAME: Final = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})_(?P<centre>[^_]+)_(?P<when>[0-9]{{4}}-[0-9]{{2}}(?:-[0-9]{{2}})?)"
    r"_(?P<seq>[0-9]{1,6})\.csv",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ImportPath:
    """A file whose name says what it is: *when* is a month or a day."""

    path: Path
    kind: Kind
    when: str
    seq: int

    @classmethod
    def of(cls, path: Path) -> "ImportPath | None":
        """Give *path* as an import file; None if its name is none of one."""
        if not (named := _NAME.fullmatch(path.name)):
            return None
        return cls(path, KINDS[named["kind"].lower()], named["when"], int(named["seq"]))

    @property
    def place(self) -> tuple[bool, str, int, str, int]:
        """Where it stands among others: what is referred to first, then month by month."""
        rank = list(KINDS).index(self.kind.name)
        month = self.when[:7] if self.kind.monthly else ""
        return self.kind.monthly, month, rank, self.when, self.seq


@dataclass(frozen=True, slots=True)
class Content:
    """What the bytes of a file tell before they are read as rows."""

    sha256: bytes
    size: int
    encoding: str


def survey(path: Path) -> Content | None:
    """Read a file once for its hash and its encoding: UTF-8, else windows-1251; None if it is neither."""
    digest, size = sha256(), 0
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1251")}
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            _drop_misfits(decoders, block, final=False)
    _drop_misfits(decoders, b"", final=True)
    return Content(digest.digest(), size, next(iter(decoders))) if decoders else None


def _drop_misfits(decoders: dict[str, codecs.IncrementalDecoder], block: bytes, *, final: bool) -> None:
    for name, decoder in list(decoders.items()):
        try:
            decoder.decode(block, final)
        except UnicodeDecodeError:
            del decoders[name]


@dataclass
class Rows:
    """The rows of an open file; what cannot be read goes to *complaints*, the rest is given.

    *columns* are those of the file, in its order; a row begins with its line's number.
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
        self._check_header()

    def _check_header(self) -> None:
        known = {column.name: column for column in self.kind.columns}
        if not any(self.columns):
            self.complaints.add(1, "", "the header is missing")
            return
        for name in self.columns:
            if name not in known:
                self.complaints.add(1, name, f"is no column of {self.kind.name}")
            elif self.columns.count(name) > 1:
                self.complaints.add(1, name, "is there twice")
        for column in self.kind.columns:
            if column.name not in self.columns and not column.optional:
                self.complaints.add(1, column.name, "is missing in the header")

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        cells = {column.name: column.cell.read for column in self.kind.columns}
        readers = [cells[name] for name in self.columns]
        summed = self._control_place()
        while (row := self._next()) is not None:
            if not row:
                continue
            self.read += 1
            line = self._csv.line_num
            if len(row) != len(readers):
                self.complaints.add(line, "", f"has {len(row)} cells instead of {len(readers)}")
                continue
            try:
                values = [read(cell.strip()) for read, cell in zip(readers, row, strict=True)]
            except CellError:
                self._complain(line, row)
                continue
            if summed is not None:
                self.control_kopecks += int(str(values[summed]))
            if self._agrees(line, values):
                yield (line, *values)

    def _control_place(self) -> int | None:
        column = self.kind.control_column
        return None if column is None else self.columns.index(column)

    def _next(self) -> list[str] | None:
        try:
            return next(self._csv, None)
        except csv.Error as error:
            self.complaints.add(self._csv.line_num, "", f"cannot be read as CSV: {error}")
            return None

    def _complain(self, line: int, row: Sequence[str]) -> None:
        cells = {column.name: column.cell.read for column in self.kind.columns}
        for name, cell in zip(self.columns, row, strict=True):
            try:
                cells[name](cell.strip())
            except CellError as error:
                self.complaints.add(line, name, str(error))

    def _agrees(self, line: int, values: Sequence[Value]) -> bool:
        if self.kind.check is None:
            return True
        complaint = self.kind.check(_Row(self.columns, values))
        if complaint is not None:
            self.complaints.add(line, *complaint)
        return complaint is None


class _Row(dict[str, Value]):
    """A row by its columns; those that the file leaves out are empty."""

    def __init__(self, columns: Sequence[str], values: Sequence[Value]) -> None:
        super().__init__(zip(columns, values, strict=True))

    def __missing__(self, column: str) -> Value:
        return None


def control_of(path: Path) -> Path:
    """Where the control file of an import file lies, if it has one."""
    return path.with_name(f"{path.name}.ctl")


def check_control(path: Path, content: Content, rows: Rows) -> None:
    """Compare a file, read to its end, with its control file, if there is one beside it."""
    control = control_of(path)
    if not control.exists():
        return
    lines = [line.strip() for line in control.read_text("utf-8-sig", errors="replace").splitlines()]
    stated = [line for line in lines if line and line != CONTROL_HEADER]
    cells = stated[0].split(";") if len(stated) == 1 else []
    if len(cells) < len(CONTROL_HEADER.split(";")):
        rows.complaints.add(0, "", f"the control file is not one row of {CONTROL_HEADER}")
        return
    for complaint in _differences(cells, content, rows):
        rows.complaints.add(0, "", f"the control file differs: {complaint}")


def _differences(cells: Sequence[str], content: Content, rows: Rows) -> Iterator[str]:
    count, total, digest = cells[:3]
    if count != str(rows.read):
        yield f"{shown(count)} rows, {rows.read} in the file"
    if digest.lower() != content.sha256.hex():
        yield "another sha256"
    # What cannot be read cannot be summed up: that is said line by line already.
    if total and rows.kind.control_column is not None and not rows.complaints:
        summed = Money(rows.control_kopecks).roubles
        if _decimal(total) != summed:
            yield f"sum {shown(total)}, {summed} in the file"


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
