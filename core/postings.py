"""The ledger's own values: a posting of transfers between ledger accounts, and the hash of what it says."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from core.messages import Month
from core.money import Money

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CHECK_BYTES: Final = 8


class Kind(StrEnum):
    """What a posting records."""

    BILL = "bill"
    PAYMENT = "payment"
    MATCHING = "matching"
    ALLOCATION = "allocation"
    ADVANCE = "advance"
    RELEASE = "release"
    UNDOING = "undoing"
    REFUND = "refund"
    REVERSAL = "reversal"
    FEE = "fee"
    PAYOUT = "payout"
    CLEARING = "clearing"


# The kind of ledger account that holds a resident's advance; a resident's other ones hold what is owed.
UNALLOCATED: Final = "unallocated"
PENALTY: Final = "penalty"


class LedgerAccount(msgspec.Struct, frozen=True, gc=False):
    """A ledger account, by its kind and by whom or what it is kept for."""

    kind: str
    account: int | None = None
    service: str | None = None
    provider: str | None = None
    way: str | None = None

    @property
    def key(self) -> str:
        """Its name in the books; the database makes the same one of its columns."""
        # Those that bills are made of, by the million.
        if self.way is None and self.provider is not None:
            if self.service is None and self.account is None:
                return f"{self.kind}:{self.provider}"
            if self.service is not None and self.account is not None:
                return f"{self.kind}:{self.account}:{self.service}:{self.provider}"
        parts = (self.kind, self.account, self.service, self.provider, self.way)
        return ":".join([str(part) for part in parts if part is not None])

    @classmethod
    def receivable(cls, account: int, service: str, provider: str) -> LedgerAccount:
        """What a resident's account owes to a provider for a service."""
        return cls("receivable", account, service, provider)

    @classmethod
    def penalty(cls, account: int, service: str, provider: str) -> LedgerAccount:
        """What a resident's account owes for having paid for a service late."""
        return cls(PENALTY, account, service, provider)

    @classmethod
    def unallocated(cls, account: int) -> LedgerAccount:
        """Money of a resident's account that no service has got yet: its advance."""
        return cls(UNALLOCATED, account)

    @classmethod
    def in_transit(cls, way: str) -> LedgerAccount:
        """Money that an acquirer, a bank, the post or a cash desk has taken and we have not."""
        return cls("in_transit", way=way)

    @classmethod
    def suspense(cls) -> LedgerAccount:
        """Money put aside, for it is not known whose it is."""
        return cls("suspense")

    @classmethod
    def claim(cls, provider: str) -> LedgerAccount:
        """The other side of what residents owe to a provider."""
        return cls("claim", provider=provider)

    @classmethod
    def payable(cls, provider: str) -> LedgerAccount:
        """What was collected for a provider and is owed to it."""
        return cls("payable", provider=provider)

    @classmethod
    def opening(cls) -> LedgerAccount:
        """Advances that residents had before these books began."""
        return cls("opening")

    @classmethod
    def fee_income(cls) -> LedgerAccount:
        """What the centre earns."""
        return cls("fee_income")

    @classmethod
    def bank(cls) -> LedgerAccount:
        """Our account at the bank."""
        return cls("bank")

    @classmethod
    def acquiring_expense(cls) -> LedgerAccount:
        """What acquirers keep for themselves."""
        return cls("acquiring_expense")


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """A positive sum out of one ledger account into another, for a month and a service where it has them."""

    out_of: LedgerAccount
    into: LedgerAccount
    amount: Money
    period: Month | None = None
    service: str | None = None

    def __post_init__(self) -> None:
        if self.amount.kopecks <= 0 or self.out_of == self.into:
            raise ValueError(
                f"no transfer: {self.amount.kopecks} out of {self.out_of.key} into {self.into.key}"
            )
        if self.period is None and (self.out_of.service or self.into.service):
            raise ValueError("what is owed for a service is owed for a month")

    @property
    def keys(self) -> tuple[str, str]:
        """The names of what it goes out of and into."""
        return self.out_of.key, self.into.key

    def line(self, number: int, keys: tuple[str, str]) -> str:
        """What it says, as the *number*-th of its posting and with its *keys*, in the form that is hashed."""
        period = "" if self.period is None else _spelled(self.period)
        return f"{number}|{keys[0]}|{keys[1]}|{self.amount.kopecks}|{period}|{self.service or ''}"


# Few months are in the air at a time.
_spelled: Final = lru_cache(maxsize=256)(str)


class Posting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event of the business. *key* is given by its source: the same event posts once.

    *account* is the resident's account that it concerns; *origin* the key of the posting whose money it
    spreads or gives back; *reverses* the key of the posting that it undoes.
    """

    kind: Kind
    key: str
    happened_at: datetime
    source: str
    transfers: tuple[Transfer, ...]
    account: int | None = None
    origin: str | None = None
    reverses: str | None = None

    @property
    def head(self) -> str:
        """What it says but for its transfers, in the form that is hashed."""
        happened_us = (self.happened_at - EPOCH) // timedelta(microseconds=1)
        account = "" if self.account is None else self.account
        ends = f"{account}|{self.origin or ''}|{self.reverses or ''}"
        return f"{self.kind}|{self.key}|{happened_us}|{self.source}|{ends}"


def content_hash(head: str, lines: list[str]) -> bytes:
    """SHA-256 of all that a posting says: the same key with another hash is a conflict."""
    return hashlib.sha256("\n".join([head, *lines]).encode()).digest()


def line_check(key: str, line: str) -> bytes:
    """A few bytes by which a changed transfer is told from its neighbours; the posting's hash is the proof."""
    return hashlib.sha256(f"{key}|{line}".encode()).digest()[:CHECK_BYTES]


# --- What became of a posting ----------------------------------------------------------------------


class Posted(msgspec.Struct, frozen=True, tag=True):
    """It was recorded, under this number."""

    posting: int


class Repeat(msgspec.Struct, frozen=True, tag=True):
    """It had been recorded before, with the very same content: nothing was changed."""

    posting: int


class Conflict(msgspec.Struct, frozen=True, tag=True):
    """Its key belongs to a posting of other content: nothing was changed."""

    posting: int


Verdict: TypeAlias = Posted | Repeat | Conflict
