"""Files as they lie in a folder: their names, their control files, their encodings."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Final

from core.money import Money
from storage.exchange_cells import shown
from storage.exchange_formats import KINDS, Kind
from storage.exchange_rows import Rows

CONTROL_HEADER: Final = "rows;sum;sha256;generated_at"
ENCODINGS: Final = ("utf-8-sig", "cp1251")
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
    """The hash of a file and its encoding: UTF-8, else windows-1251; None if it is neither."""
    digest, size = sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    found = next((encoding for encoding in ENCODINGS if _is_in(path, encoding)), None)
    return None if found is None else Content(digest.digest(), size, found)


def _is_in(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


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
