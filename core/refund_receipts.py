"""The fiscal receipt of a refund: which lines of the payment's receipt go back, and how much of each.

What goes back is what the books take back, the newest first; where they spread the money otherwise than the
receipt printed it, and for what is nobody's yet, the last lines of the receipt go back first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from core.fiscal import Contact, Item, Supplier, at_most
from core.money import NOTHING, Money, total


class Taken(msgspec.Struct, frozen=True):
    """What the books take back of one service and supplier; *service* is as a receipt's line has it."""

    service: str
    supplier: Supplier | None
    amount: Money


class RefundAsked(msgspec.Struct, frozen=True):
    """A refund that an acquirer was asked for: *amount*, so that *upto* has gone back in all; *back*: of each line.

    It is written down before, so that a repeat says the same to the byte.
    """

    upto: Money
    amount: Money
    back: tuple[Money, ...]


class RefundReceipt(msgspec.Struct, frozen=True):
    """The receipt of a refund: the lines of the payment's receipt, how much of each goes back, and to whom it goes.

    *contact* None: whoever makes it knows from the payment.
    """

    items: tuple[Item, ...]
    back: tuple[Money, ...]
    contact: Contact | None = None


class ReturnedLine(msgspec.Struct, frozen=True):
    """A line of the payment's receipt, at its *place* there from 1, of which *amount* goes back."""

    place: int
    item: Item
    amount: Money


def going_back(
    items: Sequence[Item], *, amount: Money, taken: Iterable[Taken], earlier: Iterable[Sequence[Money]]
) -> tuple[Money, ...]:
    """How much of each of *items* goes back, *amount* in all, which is not more than is left of them.

    *taken* is what the books take back, in its order; *earlier* what went back of each item before.
    """
    left = [item.amount for item in items]
    for before in earlier:
        left = [rest - gone for rest, gone in zip(left, before, strict=True)]
    back = [NOTHING] * len(items)

    def give(place: int, most: Money) -> None:
        part = min(most, left[place] - back[place], amount - total(back))
        back[place] += max(NOTHING, part)

    for one in taken:
        for place, item in enumerate(items):
            if (item.service, item.supplier) == (one.service, one.supplier):
                give(place, one.amount)
    for place in reversed(range(len(items))):
        give(place, amount)
    return tuple(back)


def returned_lines(receipt: RefundReceipt, most: int, *, rest: str) -> list[ReturnedLine]:
    """The lines that go back, of a receipt that had no more than *most* of them: see `at_most`."""
    lines = at_most(receipt.items, most, rest=rest)
    back = dict.fromkeys(lines, NOTHING)
    for item, amount in zip(receipt.items, receipt.back, strict=True):
        line = item if item in back else lines[-1]
        back[line] += amount
    return [ReturnedLine(place, line, back[line]) for place, line in enumerate(lines, start=1) if back[line]]
