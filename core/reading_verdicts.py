"""What may be thought of a submitted value: verdicts and notes, each with the facts to answer by."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

from core.messages import Month
from core.meters import Meter, Register
from core.money import Money


class ZeroAgain(msgspec.Struct, frozen=True, tag=True):
    """Nothing was used for *months* months in a row; perhaps nobody lives there."""

    months: int


class VerificationExpired(msgspec.Struct, frozen=True, tag=True):
    """After this day billing goes by the average, whatever the meter shows (p. 59)."""

    due_on: date


class VerificationSoon(msgspec.Struct, frozen=True, tag=True):
    """The verification expires within sixty days."""

    due_on: date


class LateForPeriod(msgspec.Struct, frozen=True, tag=True):
    """The window of *missed* has closed: the reading counts for the later bill of *counted*."""

    missed: Month
    counted: Month


class Corrects(msgspec.Struct, frozen=True, tag=True):
    """Replaces *earlier*, sent for the same period."""

    register: int
    earlier: Decimal


class RolledOver(msgspec.Struct, frozen=True, tag=True):
    """The dial passed through zero."""

    register: int


Note: TypeAlias = ZeroAgain | VerificationExpired | VerificationSoon | LateForPeriod | Corrects | RolledOver


class Use(msgspec.Struct, frozen=True):
    """One register of a judged submission. *fresh*: the value is to be stored, not stored already.

    *consumption* is in units of the service, with the meter's ratio; None where there is no earlier value.
    """

    register: int
    value: Decimal
    previous: Decimal | None
    consumption: Decimal | None
    fresh: bool = True


class Reckoned(msgspec.Struct, frozen=True):
    """What a submission comes to if it is kept: uses, rough cost, bill, until when it can be corrected."""

    meter: Meter
    uses: tuple[Use, ...]
    period: Month
    correctable_until: datetime
    notes: tuple[Note, ...] = ()

    @property
    def consumption(self) -> Decimal | None:
        """Use on all registers together; None where there was nothing to compare with."""
        parts = [use.consumption for use in self.uses if use.consumption is not None]
        return sum(parts, Decimal(0)) if len(parts) == len(self.uses) else None

    @property
    def cost(self) -> Money | None:
        """About what the use will cost; None where a rate or the use is unknown."""
        rates = {register.number: register.rate for register in self.meter.registers}
        roubles = Decimal(0)
        for use in self.uses:
            rate = rates[use.register]
            if rate is None or use.consumption is None:
                return None
            roubles += rate * use.consumption
        return Money.rounded(roubles)


class Closed(msgspec.Struct, frozen=True):
    """The meter was taken off."""

    closed_on: date


class NotCommissioned(msgspec.Struct, frozen=True):
    """Readings count only from commissioning on (p. 81), which has not happened by now."""

    commissioned_on: date | None


class SmartOnly(msgspec.Struct, frozen=True):
    """The meter sends its readings itself."""


class TooManyDigits(msgspec.Struct, frozen=True):
    """More digits before the point than the dial has."""

    register: int
    value: Decimal
    integer_digits: int


class TooManyFractionDigits(msgspec.Struct, frozen=True):
    """More digits after the point than the dial has."""

    register: int
    value: Decimal
    fraction_digits: int


class RegisterMissing(msgspec.Struct, frozen=True):
    """Registers of the meter that were neither typed nor sent before."""

    registers: tuple[Register, ...]


class AlreadySent(msgspec.Struct, frozen=True):
    """The very same values are stored for this period: there is nothing to do."""

    received_at: datetime
    period: Month


class LockedByBill(msgspec.Struct, frozen=True):
    """A bill was made of the stored value: only staff can change it."""

    register: int
    value: Decimal
    stored: Decimal


class BelowLast(msgspec.Struct, frozen=True):
    """Below the last accepted value: the wrong meter, two swapped, or a new one."""

    register: int
    value: Decimal
    last: Decimal
    last_on: date | None


class UnusuallyHigh(msgspec.Struct, frozen=True):
    """Possible, but to be asked about."""

    reckoned: Reckoned
    consumption: Decimal
    bound: Decimal


class Impossible(msgspec.Struct, frozen=True):
    """Not to be accepted without a person looking."""

    reckoned: Reckoned
    consumption: Decimal
    bound: Decimal


class Plausible(msgspec.Struct, frozen=True):
    """Nothing speaks against keeping it."""

    reckoned: Reckoned


Refusal: TypeAlias = Closed | NotCommissioned | SmartOnly
Misfit: TypeAlias = (
    TooManyDigits | TooManyFractionDigits | RegisterMissing | AlreadySent | LockedByBill | BelowLast
)
Verdict: TypeAlias = Refusal | Misfit | UnusuallyHigh | Impossible | Plausible


class LooksSwapped(msgspec.Struct, frozen=True):
    """The values of two meters fit better the other way round."""

    first: str
    second: str
