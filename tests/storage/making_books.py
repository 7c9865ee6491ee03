"""A small town in the database, with bills and payments made as tests need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from core.booking import Payment
from core.messages import Month
from core.money import NOTHING, Money
from storage.billing import BillVerdict, post_bills
from storage.database import Connection

ZONE: Final = ZoneInfo("Europe/Moscow")
NOW: Final = datetime(2026, 6, 3, 9, 0, tzinfo=UTC)
APRIL: Final = Month(2026, 4)
MAY: Final = Month(2026, 5)
JUNE: Final = Month(2026, 6)
PROVIDERS: Final = {"heating": "P01", "waste": "P02", "cold_water": "P02", "insurance": "P03"}

_numbers = count(1)


async def make_town(db: Connection, *, accounts: int = 1) -> list[int]:
    """Services, providers, and so many accounts; their ids."""
    await db.execute("insert into house (id, city, street, house) values ('H1', 'Заречный', 'Мира', '1')")
    await db.execute("insert into premises (id, house_id) values ('F1', 'H1')")
    for sort, service in enumerate(PROVIDERS):
        await db.execute(
            "insert into service (code, name, unit, kind, optional, sort) values ($1, $1, 'm3', 'utility', $2, $3)",
            service,
            service == "insurance",
            sort,
        )
    for provider in sorted(set(PROVIDERS.values())):
        await db.execute(
            """
            insert into provider (id, inn, name, kind, bank_account, bik, corr_account, contract_no, fee_percent)
            values ($1, '5800000000', $1, 'resource_supplier', '', '', '', '', 1)
            """,
            provider,
        )
    rows = await db.fetch(
        """
        insert into account (number, premises_id)
        select lpad(no::text, 10, '0'), 'F1' from generate_series(1, $1::integer) no returning id
        """,
        accounts,
    )
    return [row["id"] for row in rows]


async def make_bill(
    db: Connection,
    account: int,
    period: Month,
    charged: Mapping[str, int],
    *,
    recalculated: Mapping[str, int] | None = None,
    fined: Mapping[str, int] | None = None,
    opened: Mapping[str, int] | None = None,
    opening: int | None = None,
    counted: int = 0,
    counted_until: date | None = None,
) -> None:
    """The rows of a bill, as the import puts them in place; sums in kopecks by service."""
    recalculated, fined, opened = recalculated or {}, fined or {}, opened or {}
    services = charged.keys() | recalculated.keys() | fined.keys() | opened.keys()
    for service in sorted(services):
        recalculation = recalculated.get(service, 0)
        await db.execute(
            """
            insert into charge (
                account_id, period, service_code, provider_id, tariff, volume_individual, volume_common, method,
                charged_individual, charged_common, recalculation, benefit, payable, opening, penalty
            )
            values ($1, $2, $3, $4, 1, 1, 0, 'N', $5, 0, $6, 0, $7, $8, $9)
            """,
            account,
            period.first_day,
            service,
            PROVIDERS[service],
            charged.get(service, 0),
            recalculation,
            charged.get(service, 0) + recalculation,
            opened.get(service, 0),
            fined.get(service, 0),
        )
    opening = sum(opened.values()) if opening is None else opening
    new = sum(charged.values()) + sum(recalculated.values()) + sum(fined.values())
    await db.execute(
        """
        insert into bill (
            account_id, period, opening, payments_counted, counted_until, charged, recalculation, benefit, penalty,
            total_due
        )
        values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)
        """,
        account,
        period.first_day,
        opening,
        counted,
        counted_until or period.plus(1).first_day + timedelta(days=4),
        sum(charged.values()),
        sum(recalculated.values()),
        sum(fined.values()),
        opening - counted + new,
    )


async def bill(
    db: Connection, account: int, period: Month = MAY, *, now: datetime = NOW, **rows: object
) -> BillVerdict:
    """Make a bill and post it."""
    await make_bill(db, account, period, **rows)  # type: ignore[arg-type]  # what make_bill takes
    return (await post_bills(db, [(account, period)], now=now, zone=ZONE))[account, period]


def a_payment(
    account: int | None,
    kopecks: int,
    *,
    external_id: str | None = None,
    way: str = "cash",
    paid_at: datetime = NOW,
) -> Payment:
    """Money received, under an external id of its own if none is given."""
    return Payment(
        source="cash",
        external_id=external_id or f"made-{next(_numbers)}",
        way=way,
        account=account,
        amount=Money(kopecks),
        paid_at=paid_at,
    )


class Balance(msgspec.Struct, frozen=True):
    """All that an account owes, and the money on it that is not spread yet."""

    owed: Money = NOTHING
    advance: Money = NOTHING

    @property
    def due(self) -> Money:
        """What is due; negative: an advance."""
        return self.owed - self.advance


# The balances of these accounts.
BALANCES: Final = "select account_id, owed, advance from balance where account_id = any($1::bigint[])"


async def balances_of(db: Connection, accounts: Sequence[int]) -> dict[int, Balance]:
    """What each of *accounts* owes and has left; one row an account."""
    rows = await db.fetch(BALANCES, accounts)
    known = {row["account_id"]: Balance(Money(row["owed"]), Money(row["advance"])) for row in rows}
    return {account: known.get(account, Balance()) for account in accounts}
