"""Money: whole kopecks in a type of their own, and the one place where roubles are rounded."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

_KOPECKS_IN_ROUBLE: Final = 100


class Money(msgspec.Struct, frozen=True, order=True):
    """A sum of money. Positive: the resident owes it."""

    kopecks: int = 0

    @classmethod
    def rounded(cls, roubles: Decimal) -> Money:
        """*roubles* to the nearest kopeck, halves away from zero."""
        return cls(int((roubles * _KOPECKS_IN_ROUBLE).quantize(Decimal(1), ROUND_HALF_UP)))

    @property
    def roubles(self) -> Decimal:
        """The sum in roubles, exactly, with two digits after the point."""
        return Decimal(self.kopecks).scaleb(-2)

    def __add__(self, other: Money) -> Money:
        return Money(self.kopecks + other.kopecks)

    def __sub__(self, other: Money) -> Money:
        return Money(self.kopecks - other.kopecks)

    def __neg__(self) -> Money:
        return Money(-self.kopecks)

    def __bool__(self) -> bool:
        """Whether there is any money at all, owed or advanced."""
        return self.kopecks != 0
