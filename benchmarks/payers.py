"""Payments that are begun on a centre's page, and then made at a stand-in of the acquirer, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from aiohttp import web

from benchmarks.ground import KEYS
from benchmarks.ports import free_port
from benchmarks.residents import Resident
from bots.acquirers import SIMULATED_SECRET
from bots.simulator.acquirer import AcquirerStandIn
from core.money import Money
from core.questions import OpenPayment
from storage.database import Connection
from storage.payments import PaymentSettings, open_payment

SECRET: Final = "secret-of-the-acquirer"  # a stand-in's
SECRETS: Final = {SIMULATED_SECRET: SECRET}
# A notice that is not heard comes again so often, and so soon.
AGAIN_S: Final = (0.2,) * 500

# What came by card, each payment by the acquirer's own number.
PAID: Final = "select external_id from payment where way like 'acquirer%'"


@dataclass
class Payers:
    """The acquirer, and the pages at which payments wait that were begun."""

    acquirer: AcquirerStandIn
    base: str
    http: aiohttp.ClientSession
    pages: list[str] = field(default_factory=list)

    @property
    def sections(self) -> Mapping[str, Any]:
        """What a centre has in its configuration so that it is paid by these."""
        return {"payments": {"simulated": {"base": self.base}}}

    @property
    def paid(self) -> set[str]:
        """The payments that the acquirer has taken."""
        return {each.id for each in self.acquirer.payments.values() if each.status == "paid"}

    async def begin(self, db: Connection, residents: Sequence[Resident], url: str) -> None:
        """Begin a payment of each of *residents* at the centre at *url*, which is told of them all."""
        self.acquirer.notice_url = f"{url}/acquirers/simulated/notice"
        asked = [
            OpenPayment(
                account=each.account,
                chat=each.chat,
                amount=Money(10_000 + each.place),
                whole=False,
                at=datetime.now(UTC),
                source_ref=f"bench:{each.place}",
            )
            for each in residents
        ]
        for link, each in zip(
            await open_payment(db, asked, PaymentSettings(url, KEYS.payments)), asked, strict=True
        ):
            form = {"acquirer": "simulated", "kopecks": str(each.amount.kopecks)}
            async with self.http.post(link.url, data=form, allow_redirects=False) as answer:
                self.pages.append(answer.headers["Location"])

    async def pay_on(self, stop: asyncio.Event, per_s: float) -> None:
        """Make payments that were begun, so many a second."""
        while self.pages and not stop.is_set():
            async with self.http.post(
                self.pages.pop(), data={"choice": "pay"}, allow_redirects=False
            ) as answer:
                answer.raise_for_status()
            await asyncio.sleep(1 / per_s)


@asynccontextmanager
async def paying(http: aiohttp.ClientSession) -> AsyncIterator[Payers]:
    """An acquirer on a port of its own."""
    acquirer = AcquirerStandIn(SECRET, lambda: datetime.now(UTC), retries_s=AGAIN_S)
    runner, port = web.AppRunner(acquirer.app(), access_log=None, shutdown_timeout=1), free_port()
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield Payers(acquirer, f"http://127.0.0.1:{port}", http)
    finally:
        await runner.cleanup()


async def paid_in(db: Connection) -> Sequence[str]:
    """The payments by card that the books have."""
    return [row["external_id"] for row in await db.fetch(PAID)]
