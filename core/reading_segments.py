"""Numbers in a row under the same labels, cut out of the tokens of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.meters import ELECTRICITY
from core.reading_vocabulary import Label, Number, Place, Serial, Sign, Token, Unit


@dataclass(slots=True)
class Segment:
    """Numbers in a row under the same labels."""

    services: tuple[str, ...] = ()
    register: int | None = None
    ordinal: int | None = None
    place: str = ""
    serial: str = ""
    numbers: list[Number] = field(default_factory=list)
    same: bool = False

    @property
    def labels(self) -> tuple[object, ...]:
        return (self.services, self.register, self.ordinal, self.place, self.serial)

    @property
    def labelled(self) -> bool:
        return any(self.labels)


def segments_of(tokens: Sequence[Token]) -> list[Segment]:
    """Numbers in a row with the labels before them; where labels come last, with those after them."""
    content = [token for token in tokens if not isinstance(token, Sign) or token is Sign.SAME]
    if content and isinstance(content[0], Number) and isinstance(content[-1], Label | Place | Serial):
        content.reverse()
    cutter = _Cutter()
    for token in content:
        cutter.take(token)
    merged = dict[tuple[object, ...], Segment]()
    for segment in cutter.done:
        first = merged.setdefault(segment.labels, segment)
        if first is not segment:
            first.numbers += segment.numbers
            first.same |= segment.same
    return list(merged.values())


class _Cutter:
    """Cuts tokens into segments. What was named first leads: a service for several rooms, or a room for services."""

    def __init__(self) -> None:
        self.done = list[Segment]()
        self._labels = Segment()
        self._open: Segment | None = None
        self._room_leads = False

    def take(self, token: Token) -> None:
        match token:
            case Number() | Sign():
                self._value(token)
            case Unit():
                self._unit(token)
            case Label():
                self._next()
                self._label(token)
            case Place():
                self._next()
                self._room_leads |= not self._labels.services and not self._labels.place
                kept = () if self._room_leads else self._labels.services
                self._labels = Segment(kept, place=token.word)
            case Serial():
                self._next()
                self._labels.serial = token.end

    def _next(self) -> None:
        """A label after numbers opens a segment of its own, under the leading label."""
        if self._open is None:
            return
        self._open = None
        services = () if self._room_leads else self._labels.services
        self._labels = Segment(services, place=self._labels.place if self._room_leads else "")

    def _label(self, label: Label) -> None:
        if label.services:
            place = self._labels.place if self._room_leads else ""
            self._labels = Segment(label.services, label.register, label.ordinal, place)
            return
        self._labels.register = label.register
        if ELECTRICITY not in self._labels.services:
            self._labels.services = ()

    def _value(self, value: Number | Sign) -> None:
        if self._open is None:
            labels = self._labels
            self._open = Segment(
                labels.services, labels.register, labels.ordinal, labels.place, labels.serial
            )
            self.done.append(self._open)
        if isinstance(value, Number):
            self._open.numbers.append(value)
        else:
            self._open.same = True

    def _unit(self, unit: Unit) -> None:
        """A unit says what an unlabelled number before it measures; before a number it is a label."""
        if self._open is None:
            if not self._labels.labelled:
                self._labels = Segment(unit.services)
        elif not self._open.labelled and len(self._open.numbers) == 1:
            self._open.services = unit.services
            self._open = None
