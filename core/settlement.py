"""What a provider is paid for a day: what was collected for it, less the centre's fee, to the kopeck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from core.messages import Month
from core.money import NOTHING, Money
from core.requisites import Requisites, is_account


class Payee(msgspec.Struct, frozen=True):
    """A provider as its contract and its bank know it."""

    id: str
    name: str
    inn: str
    kpp: str
    bank_account: str
    bik: str
    corr_account: str
    contract_no: str
    bank_name: str = ""

    @property
    def is_payable(self) -> bool:
        """Whether its account can be one of its bank: the check digit says so."""
        return is_account(self.bank_account, self.bik)


class Collected(msgspec.Struct, frozen=True):
    """What one service of an account got of a payment; below zero: what was taken back from it.

    *payment* None: of an advance from before the books, or of a credit.
    """

    account: str
    address: str
    service: str
    period: Month
    payment: int | None
    paid_at: datetime | None
    channel: str
    gross: Money
    penalty: bool


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What *payee* gets for the days from *since* to *day*, in its register of that *number*.

    *corrections* is what was taken back (not above zero) and *carried* what the payee owed from before (not
    above zero). *head* is the seal of the day, *pay_on* the day of the payment order.
    """

    number: int
    day: date
    since: date
    payee: Payee
    payer: Requisites
    contract_percent: Decimal
    gross: Money
    corrections: Money
    fee: Money
    carried: Money
    rows: int
    head: bytes
    pay_on: date

    @property
    def net(self) -> Money:
        """What the payee is owed; below zero: what it owes, and what the next settlement carries."""
        return self.gross + self.corrections - self.fee + self.carried

    @property
    def payout(self) -> Money:
        """What is paid."""
        return max(NOTHING, self.net)

    @property
    def receiving_bank(self) -> str:
        """The name of the payee's bank: the payer's own is known, if billing tells none."""
        same = self.payee.bik == self.payer.bik
        return self.payee.bank_name or (self.payer.bank_name if same else "")

    @property
    def unwritable(self) -> str:
        """What a payment order says and the bank's client has no letters for: its files are in windows-1251."""
        payee, payer = self.payee, self.payer
        texts = (payee.name, payee.contract_no, payee.bank_name, payer.name, payer.bank_name)
        return "".join(dict.fromkeys(letter for letter in "".join(texts) if not _is_written(letter)))


class RegisterLine(msgspec.Struct, frozen=True):
    """A line of a provider's register: *collected*, and the part of it that the centre keeps."""

    collected: Collected
    fee: Money

    @property
    def net(self) -> Money:
        """What the provider gets of it."""
        return self.collected.gross - self.fee


def _is_written(letter: str) -> bool:
    """Whether *letter* stays one letter of one line."""
    try:
        letter.encode("cp1251")
    except UnicodeEncodeError:
        return False
    return letter >= " "


def fee_on(amount: Money, percent: Decimal) -> Money:
    """The centre's fee on what was collected; what was taken back gives some of it back."""
    return Money.rounded(amount.roubles * percent / 100)


def register_lines(collected: Sequence[Collected], percent: Decimal) -> Iterator[RegisterLine]:
    """*collected*, each with its fee: within a kopeck of its own, and together the fee on the whole.

    Each line bears what the fee on all up to it grew by, so that nothing is left over to be levelled.
    """
    so_far = NOTHING
    for one in collected:
        with_it = so_far + one.gross
        yield RegisterLine(one, fee_on(with_it, percent) - fee_on(so_far, percent))
        so_far = with_it
