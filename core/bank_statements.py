"""What a bank's statement says, whose money each of its documents is, and which payments a transfer brought.

Agents (acquirers, banks, the post) take residents' money and send it on, a day's payments or a register's in
one transfer and mostly less their fee. Residents' own transfers name the account that they are for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import msgspec

from core.money import Money, total

# So many days, or registers, at most are in one transfer: a long holiday's.
RUN_MAX: Final = 12
# The way of money that residents send from their own banks, by the centre's requisites.
BY_TRANSFER: Final = "bank:transfer"

Inn = Annotated[str, msgspec.Meta(pattern=r"^(\d{10}|\d{12})$")]
AgentWay = Annotated[str, msgspec.Meta(pattern=r"^((acquirer|bank):[a-z0-9_-]+|post|cash|terminal|payroll)$")]
FEE_PERCENT_MAX: Final = 20


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends us the money that is on *way*: told by its *inn* and, where one sends on several ways, by words.

    *purpose*: words of the transfer's purpose, one of which has to be there; none: any purpose will do.
    *fee_percent* is the most that is kept of it. *charges*: words by which its own charges to our account, a
    fee that is taken apart, are told.
    """

    way: AgentWay
    inn: Inn
    purpose: tuple[str, ...] = ()
    fee_percent: Decimal = Decimal(0)
    charges: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A bound in the annotation is for numbers that msgspec counts with; a Decimal is none.
        if not 0 <= self.fee_percent <= FEE_PERCENT_MAX:
            raise ValueError(f"fee_percent is from 0 to {FEE_PERCENT_MAX}")


class Bank(msgspec.Struct, frozen=True):
    """Our account at the bank, our taxpayer's number, and who sends residents' money there."""

    account: str
    inn: str
    agents: tuple[Agent, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways whose money is ours when the bank says so, and not before."""
        return tuple(sorted({agent.way for agent in self.agents}))


# --- What a statement says -------------------------------------------------------------------------


class BankDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came to our account, or went from it, by a document of the bank.

    *inn* and *account* are the other side's. *again* tells documents that are the same in all else.
    """

    line: int
    number: str
    day: date
    amount: Money
    incoming: bool
    inn: str
    account: str
    purpose: str
    again: int = 1

    def key(self, ours: str) -> str:
        """What tells it from every other document of the account *ours*, in whatever file it comes."""
        words = hashlib.sha256(f"{self.account}|{' '.join(self.purpose.split())}".encode()).hexdigest()[:16]
        side = "in" if self.incoming else "out"
        parts = (ours, side, self.day, self.number, self.amount.kopecks, self.inn, words, self.again)
        return ":".join(map(str, parts))


class BankStatement(msgspec.Struct, frozen=True):
    """The documents of our account, as a file tells them; *others* are of accounts that are not asked about."""

    documents: tuple[BankDocument, ...]
    others: int = 0


# --- Whose money it is -----------------------------------------------------------------------------


class Remittance(msgspec.Struct, frozen=True, tag=True):
    """An agent sends what it has taken."""

    agent: Agent


class Transfer(msgspec.Struct, frozen=True, tag=True):
    """Somebody pays by our requisites; *number* is the account that the purpose names, '' for none."""

    number: str


class Charge(msgspec.Struct, frozen=True, tag=True):
    """An agent takes its fee apart from what it sends."""

    agent: Agent


class Outgoing(msgspec.Struct, frozen=True, tag=True):
    """Money that we paid: to a provider, or for what is no business of these books."""


class Own(msgspec.Struct, frozen=True, tag=True):
    """Our own money comes from another account of ours."""


Sorted: TypeAlias = Remittance | Transfer | Charge | Outgoing | Own

# An account's number as purposes have it: `ЛСИ 0581234567` (the Bank of Russia's letter ИН-04-45/12), `л/с …`.
_ACCOUNT: Final = re.compile(
    r"(?<![а-яё])(?:лси|л\s*/\s*с|лс|лиц(?:евой|евого|евому)?\.?\s*сч(?:[её]т[ау]?|\.)?)[\s:.№N]*(\d{4,20})(?!\d)",
    re.IGNORECASE,
)


def sort(document: BankDocument, bank: Bank) -> Sorted:
    """Whose money *document* is about."""
    if not document.incoming:
        charging = (
            agent for agent in bank.agents if agent.charges and _is_of(document, agent, agent.charges)
        )
        agent = next(charging, None)
        return Outgoing() if agent is None else Charge(agent)
    for agent in bank.agents:
        if _is_of(document, agent, agent.purpose):
            return Remittance(agent)
    if document.inn == bank.inn:
        return Own()
    named = _ACCOUNT.search(document.purpose)
    return Transfer(named[1] if named else "")


def _is_of(document: BankDocument, agent: Agent, words: Sequence[str]) -> bool:
    purpose = document.purpose.casefold()
    return document.inn == agent.inn and (not words or any(word.casefold() in purpose for word in words))


# --- Which payments a transfer brought -------------------------------------------------------------


class Batch(msgspec.Struct, frozen=True):
    """Payments on one *way* that have not arrived: of a register's order or of a day, which is its *name*.

    *gross* is what was paid, *sent* what the register says will arrive of it; None: it does not say.
    """

    way: str
    name: str
    day: date
    gross: Money
    sent: Money | None
    payments: tuple[int, ...]


def brought_by(
    *, number: str, day: date, amount: Money, purpose: str, agent: Agent, batches: Sequence[Batch]
) -> tuple[Batch, ...]:
    """Which of an agent's open *batches* a transfer has brought; none where that is not beyond doubt.

    An order's number is believed first, then a whole sum that the purpose names beside the fee, then what was
    to be expected: of one batch, else of a run of them without a gap. Two answers are none.
    """
    there = sorted(
        (batch for batch in batches if batch.day <= day), key=lambda batch: (batch.day, batch.name)
    )
    ordered = [
        batch for batch in there if _same_number(batch.name, number) and _may_be(amount, [batch], agent)
    ]
    if len(ordered) == 1:
        return tuple(ordered)
    runs = [run for run in _runs(there) if _may_be(amount, run, agent)]
    said = [run for run in runs if total(batch.gross for batch in run) in _sums_in(purpose, amount)]
    for found in (said, runs):
        shortest = min(map(len, found), default=0)
        closest = [run for run in found if len(run) == shortest]
        if closest:
            return tuple(closest[0]) if len(closest) == 1 else ()
    return ()


def _same_number(name: str, number: str) -> bool:
    return name.isdigit() and number.isdigit() and name.lstrip("0") == number.lstrip("0")


def _runs(batches: Sequence[Batch]) -> Iterator[Sequence[Batch]]:
    for length in range(1, min(RUN_MAX, len(batches)) + 1):
        for start in range(len(batches) - length + 1):
            yield batches[start : start + length]


def _may_be(amount: Money, run: Sequence[Batch], agent: Agent) -> bool:
    most = total(batch.gross if batch.sent is None else batch.sent for batch in run)
    unsaid = total(batch.gross for batch in run if batch.sent is None)
    # A fee that is taken apart, and reported in the register none the less, comes whole.
    whole = total(batch.gross for batch in run)
    least = most - Money.rounded(unsaid.roubles * agent.fee_percent / 100)
    return least <= amount <= most or amount == whole


_SUM: Final = re.compile(r"(?<![\d.,])(\d{1,9})(?:[.,](\d{2}))(?![\d.,]*\d)")


def _sums_in(purpose: str, amount: Money) -> set[Money]:
    """The sums that *purpose* names, if they are not less than what came."""
    named = {Money(int(roubles) * 100 + int(kopecks)) for roubles, kopecks in _SUM.findall(purpose)}
    return {sum_ for sum_ in named if sum_ >= amount}
