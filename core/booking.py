"""Which posting each event of the centre causes: one pure function an event.

A posting is made of transfers, each a positive sum *out of* one ledger account *into* another, so books that
do not balance cannot be written. The balance of a ledger account is what went in less what went out:

    receivable, penalty   positive: the resident owes       unallocated   negative: the resident's advance
    payable               negative: owed to the provider    in_transit    positive: money on its way to us
    claim                 minus what residents owe the provider (a memo account)

Sums may be signed where billing's are: what is negative runs backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from core.allocation import Line, Named, Share, split
from core.errors import KvitokError
from core.messages import Month
from core.money import NOTHING, Money, total
from core.postings import Kind, LedgerAccount, Posting, Transfer

BILLING: Final = "billing"


class UnevenBillError(KvitokError):
    """A bill says that something was owed before it and has no line that could tell to whom."""

    def __init__(self, account: int, period: Month) -> None:
        super().__init__(f"the bill of {period} opens with a debt and has no line to put it on")
        self.account = account
        self.period = period


# --- Events that only storage or settlement know ---------------------------------------------------


class BilledLine(msgspec.Struct, frozen=True, gc=False):
    """A line of a bill: one service of one provider. *charged* is what is payable but for *recalculation*."""

    service: str
    provider: str
    charged: Money
    recalculation: Money = NOTHING
    penalty: Money = NOTHING
    opening: Money = NOTHING


class Payment(msgspec.Struct, frozen=True):
    """Money received: *source* and *external_id* say it once and for ever, *way* is where it is on its way.

    *way*: 'acquirer:yookassa', 'bank:sber', 'post', 'cash'... *account* None: whose it is is not known.
    """

    source: str
    external_id: str
    way: str
    account: int | None
    amount: Money
    paid_at: datetime
    named: tuple[Named, ...] = ()
    purpose: str = ""

    @property
    def key(self) -> str:
        """The idempotency key of its posting."""
        return f"payment:{self.source}:{self.external_id}"


class Refund(msgspec.Struct, frozen=True):
    """Money given back (*amount* is positive) of *payment*; *storno*: all of it, for it never came.

    A storno reverses the payment's posting by name, so there is one at most.
    """

    payment: Payment
    source: str
    external_id: str
    amount: Money
    refunded_at: datetime
    storno: bool = False

    @property
    def key(self) -> str:
        """The idempotency key of its posting."""
        return f"refund:{self.source}:{self.external_id}"


# --- What residents owe and pay --------------------------------------------------------------------


def bill(
    *,
    account: int,
    period: Month,
    lines: Sequence[BilledLine],
    opening: Money | None,
    happened_at: datetime,
) -> Posting:
    """A month's charges, recalculations and imported penalties; *opening* for an account's first bill only.

    What was owed before is due for the month before *period*, by the lines' own openings. Where they do not
    add up to *opening*, what is missing is spread in proportion to the lines, what is too much is an advance.
    Raises UnevenBillError if there is no line to spread it over.
    """
    transfers: list[Transfer] = []
    if opening is not None:
        transfers += _opening(account, period, lines, opening)
    for line in lines:
        claim = LedgerAccount.claim(line.provider)
        receivable = LedgerAccount.receivable(account, line.service, line.provider)
        transfers += _signed(claim, receivable, line.charged, period, line.service)
        if line.recalculation:
            transfers += _signed(claim, receivable, line.recalculation, period, line.service)
        if line.penalty:
            fined = LedgerAccount.penalty(account, line.service, line.provider)
            transfers += _signed(claim, fined, line.penalty, period, line.service)
    return Posting(
        kind=Kind.BILL,
        key=bill_key(account, period),
        happened_at=happened_at,
        source=BILLING,
        transfers=tuple(transfers),
        account=account,
    )


def bill_key(account: int, period: Month) -> str:
    """The idempotency key of a bill's posting."""
    return f"bill:{account}:{period}"


def _opening(account: int, period: Month, lines: Sequence[BilledLine], opening: Money) -> Iterator[Transfer]:
    before = period.plus(-1)
    unexplained = opening - total(line.opening for line in lines)
    if unexplained < NOTHING:
        yield Transfer(LedgerAccount.unallocated(account), LedgerAccount.opening(), -unexplained)
    guessed = _spread(account, period, lines, unexplained) if unexplained > NOTHING else {}
    for line in lines:
        owed = line.opening + guessed.get((line.service, line.provider), NOTHING)
        receivable = LedgerAccount.receivable(account, line.service, line.provider)
        yield from _signed(LedgerAccount.claim(line.provider), receivable, owed, before, line.service)


def _spread(
    account: int, period: Month, lines: Sequence[BilledLine], debt: Money
) -> dict[tuple[str, str], Money]:
    weights = {
        Line(period, line.service, line.provider, line.charged): line.charged
        for line in lines
        if line.charged > NOTHING
    }
    if not weights:
        raise UnevenBillError(account, period)
    return {(line.service, line.provider): part for line, part in split(debt, weights).items()}


def payment(received: Payment) -> Posting:
    """Money received, for an account's advance or, where the account is not known, put aside."""
    return Posting(
        kind=Kind.PAYMENT,
        key=received.key,
        happened_at=received.paid_at,
        source=received.source,
        transfers=(
            Transfer(_holder(received.account), LedgerAccount.in_transit(received.way), received.amount),
        ),
        account=received.account,
    )


def matching(received: Payment, *, account: int, held: Money, happened_at: datetime) -> Posting:
    """What is *held* of a payment that was put aside is found to be for *account*."""
    return Posting(
        kind=Kind.MATCHING,
        key=f"matching:{received.key}",
        happened_at=happened_at,
        source="staff",
        transfers=(Transfer(LedgerAccount.unallocated(account), LedgerAccount.suspense(), held),),
        account=account,
        origin=received.key,
    )


def allocation(
    *, account: int, origin: str, occasion: str, shares: Iterable[Share], happened_at: datetime
) -> Posting:
    """The money that *origin* brought in is spread over *shares*, on the *occasion* of that or another posting."""
    transfers = tuple(part for share in shares for part in _given(account, share))
    kind = Kind.ALLOCATION if occasion == origin else Kind.ADVANCE
    key = f"{kind}:{origin}" if occasion == origin else f"{kind}:{origin}:{occasion}"
    return Posting(
        kind=kind,
        key=key,
        happened_at=happened_at,
        source="ledger",
        transfers=transfers,
        account=account,
        origin=origin,
    )


def release(*, account: int, occasion: str, credited: Iterable[Share], happened_at: datetime) -> Posting:
    """What services were credited beyond what they owed becomes the account's advance."""
    return Posting(
        kind=Kind.RELEASE,
        key=f"{Kind.RELEASE}:{occasion}",
        happened_at=happened_at,
        source="ledger",
        transfers=tuple(part for share in credited for part in _taken(account, share)),
        account=account,
    )


def undoing(refunded: Refund, *, account: int, shares: Iterable[Share]) -> Posting:
    """What a payment had given to services is taken back from them, so that it can be refunded."""
    return Posting(
        kind=Kind.UNDOING,
        key=f"{Kind.UNDOING}:{refunded.key}",
        happened_at=refunded.refunded_at,
        source=refunded.source,
        transfers=tuple(part for share in shares for part in _taken(account, share)),
        account=account,
        origin=refunded.payment.key,
    )


def refund(refunded: Refund) -> Posting:
    """Money of a payment goes back the way that it came, out of the advance or of what was put aside."""
    received = refunded.payment
    return Posting(
        kind=Kind.REVERSAL if refunded.storno else Kind.REFUND,
        key=refunded.key,
        happened_at=refunded.refunded_at,
        source=refunded.source,
        transfers=(
            Transfer(LedgerAccount.in_transit(received.way), _holder(received.account), refunded.amount),
        ),
        account=received.account,
        origin=received.key,
        reverses=received.key if refunded.storno else None,
    )


def _holder(account: int | None) -> LedgerAccount:
    return LedgerAccount.suspense() if account is None else LedgerAccount.unallocated(account)


def _given(account: int, share: Share) -> Iterator[Transfer]:
    owed, unallocated, payable, claim = _places(account, share)
    yield Transfer(owed, unallocated, share.amount, share.period, share.service)
    yield Transfer(payable, claim, share.amount, share.period, share.service)


def _taken(account: int, share: Share) -> Iterator[Transfer]:
    return (_turned(transfer) for transfer in _given(account, share))


Places: TypeAlias = tuple[LedgerAccount, LedgerAccount, LedgerAccount, LedgerAccount]


def _places(account: int, share: Share) -> Places:
    owed = LedgerAccount.penalty if share.penalty else LedgerAccount.receivable
    return (
        owed(account, share.service, share.provider),
        LedgerAccount.unallocated(account),
        LedgerAccount.payable(share.provider),
        LedgerAccount.claim(share.provider),
    )


# --- The centre, its banks and the providers -------------------------------------------------------


def fee(*, provider: str, amount: Money, service: str | None, key: str, happened_at: datetime) -> Posting:
    """The centre keeps its fee of what is owed to *provider*; a negative *amount* gives some of it back."""
    transfers = _signed(LedgerAccount.fee_income(), LedgerAccount.payable(provider), amount, None, service)
    return _settling(Kind.FEE, f"fee:{key}", happened_at, transfers)


def payout(*, provider: str, amount: Money, key: str, happened_at: datetime) -> Posting:
    """What is owed to *provider* is paid out of our bank account."""
    transfers = [Transfer(LedgerAccount.bank(), LedgerAccount.payable(provider), amount)]
    return _settling(Kind.PAYOUT, f"payout:{key}", happened_at, transfers)


def clearing(*, way: str, arrived: Money, kept: Money, key: str, happened_at: datetime) -> Posting:
    """Money on its *way* has *arrived* at our bank account, less what the acquirer *kept* for itself."""
    transit = LedgerAccount.in_transit(way)
    transfers = [
        *_signed(transit, LedgerAccount.bank(), arrived, None, None),
        *_signed(transit, LedgerAccount.acquiring_expense(), kept, None, None),
    ]
    return _settling(Kind.CLEARING, f"clearing:{key}", happened_at, transfers)


def _settling(kind: Kind, key: str, happened_at: datetime, transfers: Iterable[Transfer]) -> Posting:
    return Posting(
        kind=kind, key=key, happened_at=happened_at, source="settlement", transfers=tuple(transfers)
    )


def _signed(
    out_of: LedgerAccount, into: LedgerAccount, amount: Money, period: Month | None, service: str | None
) -> list[Transfer]:
    if amount.kopecks > 0:
        return [Transfer(out_of, into, amount, period, service)]
    if amount:
        return [Transfer(into, out_of, -amount, period, service)]
    return []


def _turned(transfer: Transfer) -> Transfer:
    return msgspec.structs.replace(transfer, out_of=transfer.into, into=transfer.out_of)
