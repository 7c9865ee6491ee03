"""Money: whole kopecks in a type of its own, and the one place where roubles are rounded."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

KOPECKS_PER_ROUBLE: Final = 100


class Money(msgspec.Struct, frozen=True, order=True, gc=False):
    """A sum in kopecks. Positive: the resident owes (or pays); negative: an advance."""

    kopecks: int

    @classmethod
    def rounded(cls, roubles: Decimal) -> Money:
        """*roubles* to the nearest kopeck, halves away from zero."""
        return cls(int((roubles * KOPECKS_PER_ROUBLE).quantize(Decimal(1), ROUND_HALF_UP)))

    @classmethod
    def exact(cls, roubles: Decimal) -> Money:
        """*roubles* that must be whole kopecks. Raises ValueError where they are not."""
        kopecks = roubles * KOPECKS_PER_ROUBLE
        if kopecks != kopecks.to_integral_value():
            raise ValueError(f"{roubles} is not a whole number of kopecks")
        return cls(int(kopecks))

    @property
    def roubles(self) -> Decimal:
        """The same sum in roubles, with two decimals."""
        return Decimal(self.kopecks).scaleb(-2)

    def __add__(self, other: Money) -> Money:
        return Money(self.kopecks + other.kopecks)

    def __sub__(self, other: Money) -> Money:
        return Money(self.kopecks - other.kopecks)

    def __neg__(self) -> Money:
        return Money(-self.kopecks)

    def __bool__(self) -> bool:
        return self.kopecks != 0


NOTHING: Final = Money(0)


def total(sums: Iterable[Money]) -> Money:
    """The sum of *sums*; nothing for none."""
    return Money(sum(part.kopecks for part in sums))
