"""A meter of an account, with all that a value is judged by."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from core.reading_windows import ReadingWindow

COLD_WATER: Final = "cold_water"
HOT_WATER: Final = "hot_water_water"
ELECTRICITY: Final = "electricity"
GAS: Final = "gas"
HEATING: Final = "heating"


class Sent(msgspec.Struct, frozen=True):
    """What has been submitted for the period that is being collected. *locked*: a bill was made of it."""

    value: Decimal
    received_at: datetime
    locked: bool = False


class Register(msgspec.Struct, frozen=True):
    """One counter of a meter: T1, T2 or T3 of electricity, the only one elsewhere.

    *last* is the last accepted value of an earlier period; *rate* is roubles a unit, for a rough cost only.
    """

    number: int = 1
    label: str = ""
    last: Decimal | None = None
    last_on: date | None = None
    sent: Sent | None = None
    rate: Decimal | None = None

    @property
    def latest(self) -> Decimal | None:
        """The newest value that is stored: what a submission is decided on."""
        return self.sent.value if self.sent else self.last


class Meter(msgspec.Struct, frozen=True):
    """A meter of an account, with all that a value is judged by.

    *average_monthly* is its own use a month over the last six metered months; *zero_months* how many
    months in a row, up to the last, nothing was used.
    """

    id: str
    account: int
    service: str
    serial: str
    registers: tuple[Register, ...]
    place: str = ""
    unit: str = ""
    integer_digits: int = 5
    fraction_digits: int = 3
    accepts_fraction: bool = False
    ratio: Decimal = Decimal(1)
    commissioned_on: date | None = None
    verification_due_on: date | None = None
    closed_on: date | None = None
    smart: bool = False
    window: ReadingWindow = ReadingWindow()
    average_monthly: Decimal | None = None
    zero_months: int = 0

    @property
    def asked(self) -> bool:
        """Whether residents hand in its readings at all."""
        return not self.smart and self.closed_on is None
