"""How a payment is spread over what is due: exact to the kopeck, the oldest period first.

The default algorithm of the centre (ПП 354 п. 118: in proportion to each amount on the bill; ГК ст. 319.1:
the earliest debt first). A payment goes, as far as it reaches, to

1. the services that the payer named, each capped by what was named and by what is due;
   then, if the centre's rule states a priority of services, those in its order, each its oldest month first;
2. the months in their order, debts before the current bill; within a month in proportion to what is due;
3. penalties, all months together, in proportion;
4. optional services (insurance), for they are owed only if paid;
5. nobody yet: the rest is an advance, which the next bill consumes.

`ALGORITHM_VERSION` is kept with each allocation and grows whenever the same input would be spread otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from core.messages import Month
from core.money import NOTHING, Money, total

ALGORITHM_VERSION: Final = 1

# What a payer names to pay penalties, whichever service they belong to.
PENALTY: Final = "penalty"


class Rule(msgspec.Struct, frozen=True):
    """The centre's rule: services of *priority* are paid first, in its order; all others in proportion."""

    priority: tuple[str, ...] = ()


# What the law says where the centre says nothing.
PROPORTIONAL: Final = Rule()


class Line(msgspec.Struct, frozen=True):
    """What is due to one provider for one service of one month; negative: more was credited than charged."""

    period: Month
    service: str
    provider: str
    due: Money
    penalty: bool = False
    optional: bool = False


class Named(msgspec.Struct, frozen=True):
    """A service that the payer named, and how much was meant for it: for *provider*, or '' for any."""

    service: str
    amount: Money
    provider: str = ""


class Share(msgspec.Struct, frozen=True):
    """A positive part of some money, given to (or taken back from) one line."""

    period: Month
    service: str
    provider: str
    amount: Money
    penalty: bool = False


class Allocation(msgspec.Struct, frozen=True):
    """The shares in the order in which they were given, and the rest that nobody got."""

    shares: tuple[Share, ...]
    rest: Money


class Advance(msgspec.Struct, frozen=True):
    """Money of an account that is not spread yet: *origin* is the key of the posting that brought it in."""

    origin: str
    left: Money
    named: tuple[Named, ...] = ()


class Applied(msgspec.Struct, frozen=True):
    """How one advance was spread."""

    origin: str
    allocation: Allocation


def allocate(
    *, received: Money, lines: Sequence[Line], named: Sequence[Named] = (), rule: Rule = PROPORTIONAL
) -> Allocation:
    """Spread *received* over *lines* by *rule*; a line is there once, and only what is due counts.

    Raises ValueError if *received* is negative: what is taken back is undone, not allocated.
    """
    if received < NOTHING:
        raise ValueError(f"{received} cannot be allocated")
    owed = [line for line in lines if line.due > NOTHING]
    given: dict[Line, int] = {}
    purse = received.kopecks
    for wish in named:
        meant = min(purse, wish.amount.kopecks)
        purse -= meant - _pour(meant, _named_layers(owed, wish), given)
    rest = _pour(purse, _layers(owed, rule), given)
    return Allocation(tuple(_share(line, kopecks) for line, kopecks in given.items() if kopecks), Money(rest))


def apply_advances(
    advances: Sequence[Advance], lines: Sequence[Line], rule: Rule = PROPORTIONAL
) -> tuple[Applied, ...]:
    """Spread *advances*, the first one first, over *lines*; those that found nothing due are left out."""
    applied = []
    for advance in advances:
        allocation = allocate(received=advance.left, lines=lines, named=advance.named, rule=rule)
        if allocation.shares:
            applied.append(Applied(advance.origin, allocation))
            lines = _after(lines, allocation.shares)
    return tuple(applied)


def undo(given: Sequence[Share], *, back: Money) -> Allocation:
    """Take *back* from what was *given*, the newest share first (*given* is oldest first)."""
    taken = []
    for share in reversed(given):
        part = Money(min(back.kopecks, share.amount.kopecks))
        if part:
            taken.append(msgspec.structs.replace(share, amount=part))
            back -= part
    return Allocation(tuple(taken), back)


def credits_in(lines: Iterable[Line]) -> tuple[Share, ...]:
    """What lines of *lines* were credited beyond what they owed, as shares to be taken from them."""
    return tuple(_share(line, -line.due.kopecks) for line in lines if line.due < NOTHING)


def split(whole: Money, weights: Mapping[Line, Money]) -> dict[Line, Money]:
    """*whole* in proportion to *weights* (none negative, at least one positive); the parts make the whole.

    Each part is rounded down; the kopecks left over go to the largest remainders, ties by service code,
    then provider.
    """
    of_all = total(weights.values()).kopecks
    parts = {line: divmod(whole.kopecks * weight.kopecks, of_all) for line, weight in weights.items()}
    left_over = whole.kopecks - sum(floor for floor, _ in parts.values())
    by_remainder = sorted(parts, key=lambda line: (-parts[line][1], *_rank(line)))
    lucky = set(by_remainder[:left_over])
    return {line: Money(floor + (line in lucky)) for line, (floor, _) in parts.items()}


def _rank(line: Line) -> tuple[str, str, Month]:
    return (line.service, line.provider, line.period)


def _pour(purse: int, layers: Iterable[Sequence[Line]], given: dict[Line, int]) -> int:
    """Fill *layers* one after the other, noting what each line is *given*; returns what is left."""
    for layer in layers:
        due = {line: Money(line.due.kopecks - given.get(line, 0)) for line in layer}
        part = Money(min(purse, total(due.values()).kopecks))
        if not part:
            continue
        for line, share in split(part, due).items():
            given[line] = given.get(line, 0) + share.kopecks
        purse -= part.kopecks
    return purse


def _layers(owed: Sequence[Line], rule: Rule) -> Iterator[list[Line]]:
    for service in rule.priority:
        yield from _by_period(line for line in owed if line.service == service and not line.penalty)
    yield from _by_period(line for line in owed if not line.penalty and not line.optional)
    yield [line for line in owed if line.penalty]
    yield from _by_period(line for line in owed if line.optional and not line.penalty)


def _named_layers(owed: Sequence[Line], wish: Named) -> Iterator[list[Line]]:
    meant = [line for line in owed if wish.provider in {"", line.provider}]
    if wish.service == PENALTY:
        yield [line for line in meant if line.penalty]
    else:
        yield from _by_period(line for line in meant if line.service == wish.service and not line.penalty)


def _by_period(lines: Iterable[Line]) -> Iterator[list[Line]]:
    in_order = sorted(lines, key=lambda line: (line.period, *_rank(line)))
    for _, layer in groupby(in_order, key=lambda line: line.period):
        yield list(layer)


def _share(line: Line, kopecks: int) -> Share:
    return Share(line.period, line.service, line.provider, Money(kopecks), line.penalty)


def _after(lines: Sequence[Line], shares: Sequence[Share]) -> list[Line]:
    paid = {(share.period, share.service, share.provider, share.penalty): share.amount for share in shares}
    return [
        msgspec.structs.replace(
            line,
            due=line.due - paid.get((line.period, line.service, line.provider, line.penalty), NOTHING),
        )
        for line in lines
    ]
