"""From the bytes of a register to its payments, as its profile says; what does not add up is refused whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Final, TypeAlias, TypeVar

import msgspec

from core.allocation import Named
from core.dbf import NotDbfError, read_dbf
from core.money import Money, total
from core.registers import (
    ControlFile,
    Groups,
    MeterGroups,
    Mistake,
    Place,
    Profile,
    Register,
    RegisterRow,
    RidingReading,
    ServiceGroups,
    Trailer,
    UnreadableRegisterError,
)

AMOUNT_MAX: Final = Decimal(100_000_000)
MISTAKES_MAX: Final = 100
_NUMBER: Final = re.compile(r"\d{1,15}([.,]\d{1,7})?")
# Russian capitals and the first small letters in cp866; in cp1251 these bytes are rare signs.
_CP866: Final = re.compile(rb"[\x80-\xaf\xe0-\xef]")
_CP1251: Final = re.compile(rb"[\xc0-\xff]")

Cells: TypeAlias = Callable[[Place], str]
T = TypeVar("T")


class _BadCellError(ValueError):
    """A cell cannot be what its column says."""


class _Line(msgspec.Struct, frozen=True):
    """A row before it is understood: its cells by place, and in order where it has an order."""

    number: int
    at: Cells
    cells: tuple[str, ...] = ()


def read_register(profile: Profile, content: bytes, control: bytes | None = None, *, name: str) -> Register:
    """The payments in *content*, a file called *name*, checked by its trailer and by its *control* file.

    Raises UnreadableRegisterError, which names every mistake: nothing of such a register is believed.
    """
    mistakes: list[Mistake] = []
    lines, trailer = _lines_of(profile, content)
    rows = []
    for line in lines:
        try:
            rows.append(_row(profile, line))
        except _BadCellError as error:
            mistakes.append(Mistake(line.number, str(error)))
    if not mistakes:
        mistakes += _trailer_mistakes(profile, trailer, rows)
        mistakes += _control_mistakes(profile, control, rows, name)
    if mistakes:
        raise UnreadableRegisterError(tuple(mistakes[:MISTAKES_MAX]))
    return _once_each(profile, _of_order(profile, trailer, rows))


# --- From bytes to lines ---------------------------------------------------------------------------


def text_of(content: bytes, encoding: str = "") -> str:
    """*content* as text: UTF-8 if it can be, else windows-1251, unless its letters lie where DOS has them."""
    if encoding:
        return _decoded(content, encoding)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        dos = len(_CP866.findall(content)) > len(_CP1251.findall(content))
        return _decoded(content, "cp866" if dos else "cp1251")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableRegisterError((Mistake(0, f"is not in {encoding}"),)) from error


def _lines_of(profile: Profile, content: bytes) -> tuple[list[_Line], list[str] | None]:
    if profile.form == "dbf":
        return _records_of(profile, content), None
    # A real trailer ended in CR CR LF: line ends are taken off greedily.
    texts = [line.strip("\r\x1a ") for line in text_of(content, profile.encoding).split("\n")]
    numbered = [(number, line) for number, line in enumerate(texts, 1) if line]
    trailer = None
    if profile.trailer and numbered and numbered[-1][1].startswith(profile.trailer.starts):
        cut = numbered.pop()[1].removeprefix(profile.trailer.starts)
        trailer = _split(cut, profile.separator)
    split = [(number, _split(line, profile.separator)) for number, line in numbered]
    match profile.form:
        case "headed":
            return list(_under_header(split)), trailer
        case "named":
            return [
                _Line(number, partial(_named_cell, cells), cells) for number, cells in _tuples(split)
            ], trailer
        case "rows":
            return [_Line(number, partial(_cell, cells), cells) for number, cells in _tuples(split)], trailer


def _records_of(profile: Profile, content: bytes) -> list[_Line]:
    try:
        records = read_dbf(content, profile.encoding)
    except NotDbfError as error:
        raise UnreadableRegisterError((Mistake(0, str(error)),)) from error
    return [_Line(number, partial(_value, record)) for number, record in enumerate(records, 1)]


def _split(line: str, separator: str) -> list[str]:
    cells = [cell.strip() for cell in line.split(separator)]
    # Many registers end a row with a separator, too.
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def _tuples(split: Sequence[tuple[int, list[str]]]) -> Iterator[tuple[int, tuple[str, ...]]]:
    return ((number, tuple(cells)) for number, cells in split)


def _under_header(split: Sequence[tuple[int, list[str]]]) -> Iterator[_Line]:
    if not split:
        return
    header = [name.strip("\ufeff").casefold() for name in split[0][1]]
    for number, cells in split[1:]:
        padded = [*cells, *[""] * (len(header) - len(cells))]
        yield _Line(number, partial(_value, dict(zip(header, padded, strict=False))))


def _cell(cells: Sequence[str], place: Place) -> str:
    try:
        return cells[int(place)]
    except IndexError:
        raise _BadCellError(f"there is no column {place}: the row has {len(cells)}") from None


def _named_cell(cells: Sequence[str], place: Place) -> str:
    if isinstance(place, int):
        return _cell(cells, place)
    for cell in cells:
        name, colon, value = cell.partition(":")
        if colon and name == place:
            return value
    raise _BadCellError(f"there is no {place}")


def _value(record: Mapping[str, str], place: Place) -> str:
    name = str(place)
    if (value := record.get(name, record.get(name.casefold()))) is None:
        raise _BadCellError(f"there is no column {name}")
    return value


# --- From lines to payments ------------------------------------------------------------------------


def _row(profile: Profile, line: _Line) -> RegisterRow:
    columns, at = profile.columns, line.at
    amount = _money(at(columns.amount))
    if not amount:
        raise _BadCellError("the sum is zero")
    return RegisterRow(
        line=line.number,
        operation="/".join(at(place) for place in profile.operation),
        account=at(columns.account),
        amount=amount,
        paid_on=_moment(at(columns.day), profile.day).date(),
        paid_at=None if columns.time is None else _moment(at(columns.time), profile.time).time(),
        order="" if columns.order is None else at(columns.order),
        sent=_sent(profile, at, amount),
        named=tuple(_named(profile, line, amount)),
        readings=tuple(_readings(profile.readings, profile, line)),
    )


def _sent(profile: Profile, at: Cells, amount: Money) -> Money | None:
    """How much of *amount* is transferred; None where the row does not say it."""
    columns = profile.columns
    kept = None if columns.kept is None else _money(at(columns.kept))
    if columns.sent is None:
        return None if kept is None else amount - kept
    sent = _money(at(columns.sent))
    if kept is not None and sent + kept != amount:
        raise _BadCellError("the sum is not what is sent with what is kept")
    return sent


def _named(profile: Profile, line: _Line, amount: Money) -> Iterator[Named]:
    if profile.columns.service is not None:
        code = line.at(profile.columns.service)
        if service := profile.services.get(code, "" if profile.services else code):
            yield Named(service, amount)
    if profile.named is not None:
        yield from _named_services(profile.named, profile, line)


def _named_services(groups: ServiceGroups, profile: Profile, line: _Line) -> Iterator[Named]:
    for cells in _groups(groups, profile, line):
        code = cells[groups.service]
        if service := profile.services.get(code, "" if profile.services else code):
            yield Named(service, _money(cells[groups.amount]))


def _readings(groups: MeterGroups | None, profile: Profile, line: _Line) -> Iterator[RidingReading]:
    if groups is None:
        return
    for cells in _groups(groups, profile, line):
        if not cells[groups.value]:
            continue
        zone = "1" if groups.zone is None else cells[groups.zone]
        if zone not in {"1", "2", "3"}:
            raise _BadCellError(f"{zone!r} is no tariff zone")
        yield RidingReading(cells[groups.meter], int(zone), _number(cells[groups.value]))


def _groups(groups: Groups, profile: Profile, line: _Line) -> Iterator[Sequence[str]]:
    """The groups of a row; an empty block has only padding. A value within a group may well be empty."""
    until = len(line.cells) + groups.until if groups.until < 0 else min(groups.until, len(line.cells))
    place = groups.since
    while place < until:
        if line.cells[place] in profile.padding:
            place += 1
            continue
        if place + groups.size > until:
            raise _BadCellError("the last group of cells is not whole")
        yield line.cells[place : place + groups.size]
        place += groups.size


def _number(cell: str) -> Decimal:
    bare = cell.replace(" ", "").replace("\xa0", "")
    if not _NUMBER.fullmatch(bare):
        raise _BadCellError(f"{cell[:30]!r} is no number")
    return Decimal(bare.replace(",", "."))


def _money(cell: str) -> Money:
    roubles = _number(cell)
    if roubles >= AMOUNT_MAX:
        raise _BadCellError(f"{cell[:30]!r} is too much")
    try:
        return Money.exact(roubles)
    except (ValueError, InvalidOperation):
        raise _BadCellError(f"{cell[:30]!r} has parts of a kopeck") from None


def _moment(cell: str, form: str) -> datetime:
    try:
        return datetime.strptime(cell, form)  # noqa: DTZ007  # a day or a time by itself; the zone is the centre's
    except ValueError:
        raise _BadCellError(f"{cell[:30]!r} is no date or time like {form}") from None


# --- What must add up ------------------------------------------------------------------------------


def _trailer_mistakes(
    profile: Profile, cells: Sequence[str] | None, rows: Sequence[RegisterRow]
) -> Iterator[Mistake]:
    if profile.trailer is None:
        return
    if cells is None:
        if profile.trailer_needed:
            yield Mistake(0, "the last line with the totals is missing: the file is cut off")
        return
    trailer: Trailer = profile.trailer
    amount = total(row.amount for row in rows)
    try:
        if trailer.rows is not None and _number(_cell(cells, trailer.rows)) != len(rows):
            yield Mistake(0, f"the last line says {_cell(cells, trailer.rows)} rows, there are {len(rows)}")
        if trailer.amount is not None and _money(_cell(cells, trailer.amount)) != amount:
            yield Mistake(
                0, f"the last line says {_cell(cells, trailer.amount)}, the rows are {amount.roubles}"
            )
        if trailer.sent is not None and trailer.kept is not None:
            parts = _money(_cell(cells, trailer.sent)) + _money(_cell(cells, trailer.kept))
            if parts != amount:
                yield Mistake(0, "the last line's parts are not its sum")
    except _BadCellError as error:
        yield Mistake(0, f"the last line cannot be read: {error}")


def _of_order(
    profile: Profile, cells: Sequence[str] | None, rows: Sequence[RegisterRow]
) -> Sequence[RegisterRow]:
    """*rows*, of the order that the last line names where they name none."""
    place = None if profile.trailer is None else profile.trailer.order
    if cells is None or place is None or place >= len(cells):
        return rows
    return [row if row.order else msgspec.structs.replace(row, order=cells[place]) for row in rows]


def _control_mistakes(
    profile: Profile, content: bytes | None, rows: Sequence[RegisterRow], name: str
) -> Iterator[Mistake]:
    form = profile.control
    if form is None:
        return
    if content is None:
        yield Mistake(0, f"its control file is missing ({form.replace} in the name, {form.by} instead)")
        return
    separator = form.separator or profile.separator
    lines = [line.strip("\r ") for line in text_of(content).split("\n")]
    stated = [_split(line, separator) for line in lines if line]
    try:
        if form.file is not None:
            stated = [cells for cells in stated if _cell(cells, form.file).casefold() == name.casefold()]
        yield from _packs_apart(form, stated, rows)
    except _BadCellError as error:
        yield Mistake(0, f"the control file cannot be read: {error}")


def _packs_apart(
    form: ControlFile, stated: Sequence[Sequence[str]], rows: Sequence[RegisterRow]
) -> Iterator[Mistake]:
    orders = {_cell(cells, form.order) if form.order is not None else "": cells for cells in stated}
    found: dict[str, list[Money]] = {order: [] for order in orders}
    for row in rows:
        found.setdefault(row.order if form.order is not None else "", []).append(row.amount)
    for order, amounts in found.items():
        of_order = f"order {order}: " if order else ""
        if order not in orders:
            yield Mistake(0, f"{of_order}the control file does not know it")
            continue
        count, amount = _number(_cell(orders[order], form.rows)), _money(_cell(orders[order], form.amount))
        if count != len(amounts):
            yield Mistake(0, f"{of_order}the control file says {count} rows, there are {len(amounts)}")
        if amount != total(amounts):
            yield Mistake(
                0, f"{of_order}the control file says {amount.roubles}, the rows are {total(amounts).roubles}"
            )


def _once_each(profile: Profile, rows: Sequence[RegisterRow]) -> Register:
    """Each operation once. Raises UnreadableRegisterError where two rows say different things of one."""
    if profile.unnumbered:
        return Register(tuple(_counted(rows)))
    first: dict[str, RegisterRow] = {}
    repeated, mistakes = [], []
    for row in rows:
        known = first.setdefault(row.operation, row)
        if known is not row:
            if msgspec.structs.replace(row, line=known.line) == known:
                repeated.append(row.line)
            else:
                mistakes.append(
                    Mistake(row.line, f"is another payment of the operation of line {known.line}")
                )
    if mistakes:
        raise UnreadableRegisterError(tuple(mistakes))
    return Register(tuple(first.values()), tuple(repeated))


def _counted(rows: Sequence[RegisterRow]) -> Iterator[RegisterRow]:
    times: Counter[str] = Counter()
    for row in rows:
        times[row.operation] += 1
        again = f"{row.operation}/{times[row.operation]}"
        yield msgspec.structs.replace(row, operation=again)


def at_moment(day: date, at: time | None) -> datetime:
    """When it was, in the centre's time but without its zone: at noon where only the day is known."""
    return datetime.combine(day, at or time(12))
