"""The commands about payments: what they do with acquirers and books, and what they print."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console

from bots.acquirers import acquirers_of
from bots.clock import BusinessClock
from bots.configuration import Secrets, load
from bots.paying import PayDesk
from bots.reaching import database_url
from bots.reconciling import reconcile, refund
from bots.wiring import keys_of, payment_settings_of
from core.errors import KvitokError
from core.fiscal import Contact, ReceiptNeed, read_contact
from core.money import Money
from storage.database import open_pool

out: Final = Console()


@asynccontextmanager
async def _desk(config: Path, data: Path) -> AsyncIterator[PayDesk]:
    """The pay desk of *config*, without its page."""
    configuration, secrets = load(config), Secrets(os.environ)
    keys = keys_of(secrets)
    async with open_pool(database_url(data)) as pool, aiohttp.ClientSession() as http:
        yield PayDesk(
            pool=pool,
            acquirers=acquirers_of(configuration, secrets, http),
            settings=payment_settings_of(configuration, keys),
            keys=keys,
            centre=configuration.as_centre,
            clock=BusinessClock(),
        )


class DayNotBegunError(KvitokError):
    """A day that is still to come has nothing to compare."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} has not come yet")
        self.day = day


class NoAcquirerError(KvitokError):
    """No acquirer is configured."""

    def __init__(self, config: Path) -> None:
        super().__init__(f"no acquirer is on in {config}")


async def compare(day: date, *, config: Path, data: Path) -> int:
    """List what differs between our books and the acquirers for *day*; the status is 1 if anything does.

    Raises DayNotBegunError, NoAcquirerError.
    """
    async with _desk(config, data) as desk:
        if day > desk.clock().astimezone(desk.centre.zone).date():
            raise DayNotBegunError(day)
        if not desk.acquirers:
            raise NoAcquirerError(config)
        differences = await reconcile(desk, day)
    for difference in differences:
        out.print(str(difference), soft_wrap=True, markup=False)
    if not differences:
        out.print(f"[green]{day}: the acquirers and the books agree.")
    return int(bool(differences))


class NoSumError(KvitokError):
    """What was typed is no sum of money."""

    def __init__(self, typed: str) -> None:
        super().__init__(f"{typed!r} is no sum in roubles and kopecks")


class NoContactError(KvitokError):
    """What was typed is neither an e-mail nor a phone."""

    def __init__(self, typed: str) -> None:
        super().__init__(f"{typed!r} is no e-mail and no mobile phone of Russia")


async def give_back(
    payment: int, typed: str | None, *, to: str | None = None, config: Path, data: Path
) -> int:
    """Have a payment, or *typed* roubles of it, given back; the status is 1 if it was not.

    The receipt of a part goes *to* an address, else to the payer's own. Raises NoSumError, NoContactError.
    """
    amount = None if typed is None else _money(typed)
    contact = None if to is None else _contact(to)
    async with _desk(config, data) as desk:
        outcome = await refund(desk, payment, amount, contact)
    out.print(outcome.words, soft_wrap=True, markup=False)
    return int(not outcome.given)


def _contact(typed: str) -> Contact:
    contact = read_contact(typed, ReceiptNeed.EMAIL_OR_PHONE)
    if contact is None:
        raise NoContactError(typed)
    return contact


def _money(typed: str) -> Money:
    match = re.fullmatch(r"([0-9]{1,9})(?:[.,]([0-9]{2}))?", typed)
    if match is None:
        raise NoSumError(typed)
    return Money(int(match[1]) * 100 + int(match[2] or 0))
