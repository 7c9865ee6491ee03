"""Reading dBase III tables, in which banks and agents still send registers.

A header of 32 bytes, a descriptor of 32 bytes for each field, then records of fixed width. Everything is
text; it is ours to make numbers of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import Final

from core.errors import KvitokError

HEADER_BYTES: Final = 32
FIELDS_END: Final = 0x0D
DELETED: Final = ord("*")
# The language byte of the header; 0 was written by programs older than it.
ENCODINGS: Final = {0x00: "cp866", 0x26: "cp866", 0x65: "cp866", 0x57: "cp1251", 0xC9: "cp1251"}


class NotDbfError(KvitokError):
    """The bytes are no dBase III table, and why."""


def read_dbf(content: bytes, encoding: str = "") -> list[dict[str, str]]:
    """The records of a table that are not deleted, by the names of their fields. Raises NotDbfError.

    *encoding*: '' goes by the table's own language byte.
    """
    if len(content) <= HEADER_BYTES:
        raise NotDbfError("the table has no header")
    count, header_bytes, record_bytes = unpack_from("<IHH", content, 4)
    encoding = encoding or ENCODINGS.get(content[29], "")
    if not encoding:
        raise NotDbfError(f"the table is in an unknown language, {content[29]:#04x}")
    fields = list(_fields(content))
    if 1 + sum(width for _, width in fields) != record_bytes:
        raise NotDbfError("the fields of the table are not as wide as its records")
    if len(content) < header_bytes + count * record_bytes:
        raise NotDbfError("the table is cut off")
    starts = (header_bytes + number * record_bytes for number in range(count))
    records = (content[start : start + record_bytes] for start in starts)
    try:
        return [dict(_values(record, fields, encoding)) for record in records if record[0] != DELETED]
    except UnicodeDecodeError as error:
        raise NotDbfError(f"the table is not in {encoding}") from error


def _fields(content: bytes) -> Iterator[tuple[str, int]]:
    place = HEADER_BYTES
    while place + HEADER_BYTES <= len(content) and content[place] != FIELDS_END:
        name = content[place : place + 11].split(b"\0", 1)[0].decode("ascii", errors="replace")
        yield name.upper(), content[place + 16]
        place += HEADER_BYTES


def _values(record: bytes, fields: list[tuple[str, int]], encoding: str) -> Iterator[tuple[str, str]]:
    place = 1
    for name, width in fields:
        yield name, record[place : place + width].decode(encoding).strip()
        place += width
