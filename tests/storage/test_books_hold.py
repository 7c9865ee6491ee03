"""Whatever happens in whatever order, the books stay whole and say what a simple sum says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import booking
from core.allocation import Named
from core.booking import Payment
from core.messages import Month
from core.money import NOTHING, Money
from core.postings import Posted
from storage.billing import post_bills
from storage.database import Connection
from storage.ledger import layers_of, post
from storage.proof import verify
from storage.receiving import Matched, Received, match_payments, receive_payments
from storage.refunding import Asked, Refunded, refund_payments
from storage.seals import seal_days
from tests.storage.making_books import MAY, NOW, ZONE, balances_of, make_bill, make_town

ACCOUNTS = 2


@dataclass
class World:
    """The books, and what they ought to say: what is due on each account."""

    db: Connection
    accounts: list[int]
    due: list[int] = field(default_factory=lambda: [0] * ACCOUNTS)
    billed: set[tuple[int, Month]] = field(default_factory=set)
    payments: list[int] = field(default_factory=list)
    owner: dict[int, int | None] = field(default_factory=dict)
    days: int = 0

    @property
    def now(self) -> datetime:
        return NOW + timedelta(days=self.days)


@dataclass(frozen=True)
class Billed:
    """A month's bill, or the same one again."""

    account: int
    month: int
    charged: dict[str, int]
    recalculated: dict[str, int]
    fined: dict[str, int]
    opened: dict[str, int]
    unexplained: int

    async def happen(self, world: World) -> None:
        account, period = world.accounts[self.account], MAY.plus(self.month)
        opening = sum(self.opened.values()) + self.unexplained
        if (self.account, period) not in world.billed:
            await make_bill(
                world.db,
                account,
                period,
                self.charged,
                recalculated=self.recalculated,
                fined=self.fined,
                opened=self.opened,
                opening=opening,
            )
        first = not any(known == self.account for known, _ in world.billed)
        world.billed.add((self.account, period))
        verdicts = await post_bills(world.db, [(account, period)], now=world.now, zone=ZONE)
        if isinstance(verdicts[account, period], Posted):
            new = (self.charged, self.recalculated, self.fined)
            world.due[self.account] += sum(sum(part.values()) for part in new) + (opening if first else 0)


@dataclass(frozen=True)
class Paid:
    """Money received, perhaps under an id that was used before."""

    account: int | None
    kopecks: int
    external_id: int
    named: dict[str, int]

    async def happen(self, world: World) -> None:
        account = None if self.account is None else world.accounts[self.account]
        named = tuple(Named(service, Money(kopecks)) for service, kopecks in self.named.items())
        payment = Payment("bank", str(self.external_id), "bank", account, Money(self.kopecks), NOW, named)
        [verdict] = await receive_payments(world.db, [payment], now=world.now, zone=ZONE)
        if isinstance(verdict, Received):
            world.payments.append(verdict.payment)
            world.owner[verdict.payment] = self.account
            if self.account is not None:
                world.due[self.account] -= self.kopecks


@dataclass(frozen=True)
class Found:
    """Whose a payment is."""

    payment: int
    account: int

    async def happen(self, world: World) -> None:
        if not world.payments:
            return
        number = world.payments[self.payment % len(world.payments)]
        found = {number: world.accounts[self.account]}
        verdict = (await match_payments(world.db, found, now=world.now, zone=ZONE))[number]
        if isinstance(verdict, Matched):
            world.owner[number] = self.account
            spread = sum(share.amount.kopecks for share in verdict.shares)
            world.due[self.account] -= spread + verdict.left.kopecks


@dataclass(frozen=True)
class GivenBack:
    """A refund or a storno, perhaps of too much, perhaps under an id that was used before."""

    payment: int
    kopecks: int
    external_id: int
    storno: bool

    async def happen(self, world: World) -> None:
        if not world.payments:
            return
        number = world.payments[self.payment % len(world.payments)]
        asked = Asked(number, "bank", f"r{self.external_id}", Money(self.kopecks), NOW, self.storno)
        [verdict] = await refund_payments(world.db, [asked], now=world.now, zone=ZONE)
        owner = world.owner[number]
        if isinstance(verdict, Refunded) and owner is not None:
            world.due[owner] += self.kopecks


@dataclass(frozen=True)
class Settled:
    """A fee is kept, the rest is paid out."""

    provider: str
    kopecks: int
    key: int

    async def happen(self, world: World) -> None:
        kept, rest, key = Money(self.kopecks // 10 + 1), Money(self.kopecks), str(self.key)
        fee = booking.fee(provider=self.provider, amount=kept, service=None, key=key, happened_at=NOW)
        payout = booking.payout(provider=self.provider, amount=rest, key=key, happened_at=NOW)
        await post(world.db, [fee, payout], now=world.now, zone=ZONE)


@dataclass(frozen=True)
class Sealed:
    """The day ends."""

    async def happen(self, world: World) -> None:
        await seal_days(world.db, until=world.now.date(), now=world.now)
        world.days += 1


Event: TypeAlias = Billed | Paid | Found | GivenBack | Settled | Sealed

ACCOUNT = st.integers(0, ACCOUNTS - 1)
SERVICES = st.sampled_from(["heating", "waste", "cold_water", "insurance"])
SIGNED = st.dictionaries(SERVICES, st.integers(-3_000, 3_000), max_size=3)
KOPECKS = st.integers(1, 4_000)
ID = st.integers(1, 4)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Billed,
        ACCOUNT,
        st.integers(0, 3),
        st.dictionaries(SERVICES, st.integers(0, 3_000), max_size=3).map(lambda by: {"heating": 900} | by),
        SIGNED,
        SIGNED,
        SIGNED,
        st.integers(-500, 0),
    ),
    st.builds(Paid, st.none() | ACCOUNT, KOPECKS, ID, st.dictionaries(SERVICES, KOPECKS, max_size=1)),
    st.builds(Found, st.integers(0, 5), ACCOUNT),
    st.builds(GivenBack, st.integers(0, 5), KOPECKS, ID, st.booleans()),
    st.builds(Settled, st.sampled_from(["P01", "P02"]), KOPECKS, ID),
    st.builds(Sealed),
)


@asynccontextmanager
async def a_world(books: Connection) -> AsyncIterator[World]:
    """A new town, forgotten afterwards: each example finds the database as the first one did."""
    example = books.transaction()
    await example.start()
    try:
        yield World(books, await make_town(books, accounts=ACCOUNTS))
    finally:
        await example.rollback()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=3, max_size=14))
async def test_whatever_happens_the_books_are_whole(books: Connection, events: list[Event]) -> None:
    async with a_world(books) as world:
        for event in events:
            await event.happen(world)

        assert await verify(books) == []
        balances = await balances_of(books, world.accounts)
        assert [balances[account].due.kopecks for account in world.accounts] == world.due
        assert all(NOTHING in (balance.owed, balance.advance) for balance in balances.values())
        layers = await layers_of(books, world.accounts)
        assert all(line.due > NOTHING for lines in layers.values() for line in lines)
