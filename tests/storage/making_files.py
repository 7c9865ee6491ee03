"""Import files made as tests need them: each row is a full one, of which a test names what matters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from storage.database import Connection
from storage.exchange import import_files
from storage.exchange_formats import KINDS
from storage.exchange_protocol import Outcome

NOW: Final = datetime(2026, 5, 3, 9, tzinfo=UTC)
ACCOUNT: Final = "0581234567"

USUAL: Final[dict[str, dict[str, str]]] = {
    "services": {
        "service_code": "cold_water",
        "name": "Холодная вода",
        "unit": "м³",
        "kind": "utility",
        "optional": "0",
        "sort": "1",
    },
    "providers": {
        "provider_id": "P03",
        "inn": "5800000003",
        "name": "Водоканал",
        "kind": "resource_supplier",
        "bank_account": "40702810000000000003",
        "bik": "045600003",
    },
    "houses": {
        "building_id": "H1",
        "city": "Заречинск",
        "street": "ул. Сурская",
        "house": "1",
        "kind": "apartment_house",
    },
    "premises": {"premises_id": "H1-1", "building_id": "H1", "flat": "1", "kind": "flat"},
    "accounts": {"account": ACCOUNT, "premises_id": "H1-1", "status": "open"},
    "tariffs": {
        "service_code": "cold_water",
        "provider_id": "P03",
        "register": "0",
        "valid_from": "2026-01-01",
        "rate": "38.00",
    },
    "meters": {
        "meter_id": "M1",
        "account": ACCOUNT,
        "service_code": "cold_water",
        "serial": "24037450",
        "registers": "1",
        "integer_digits": "5",
        "fraction_digits": "3",
    },
    "readings": {
        "meter_id": "M1",
        "account": ACCOUNT,
        "register": "1",
        "value": "120",
        "taken_on": "2026-04-20",
        "source": "cashier",
        "reading_id": "R1",
        "counted_period": "2026-04",
    },
    "charges": {
        "account": ACCOUNT,
        "period": "2026-04",
        "service_code": "cold_water",
        "provider_id": "P03",
        "tariff": "38.00",
        "volume_individual": "3",
        "method": "M",
        "charged_individual": "114.00",
        "payable": "114.00",
    },
    "bill_totals": {
        "account": ACCOUNT,
        "period": "2026-04",
        "opening": "0.00",
        "payments_counted": "0.00",
        "counted_until": "2026-04-30",
        "charged": "114.00",
        "total_due": "114.00",
    },
    "payments": {
        "payment_id": "1",
        "account": ACCOUNT,
        "paid_at": "2026-05-02T12:00:00+03:00",
        "booked_on": "2026-05-02",
        "amount": "14.00",
        "channel": "post",
        "source_name": "Почта",
        "external_id": "E1",
    },
    "reading_acks": {"reading_id": "1", "result": "accepted", "billing_ref": "B1"},
}

# What a bill refers to.
TOWN: Final = ("services", "providers", "houses", "premises", "accounts", "meters")


def make_file(
    folder: Path,
    kind: str,
    *rows: Mapping[str, str],
    seq: int = 1,
    encoding: str = "utf-8",
    newline: str = "\n",
) -> Path:
    """A file of *kind*: a row for each of *rows*, usual but for what it names; one usual row for none."""
    header = KINDS[kind].header
    full = [USUAL[kind] | dict(row) for row in rows or ({},)]
    lines = [";".join(header), *(";".join(row.get(name, "") for name in header) for row in full)]
    when = "2026-04" if KINDS[kind].monthly else "2026-04-30"
    path = folder / f"{kind}_test_{when}_{seq}.csv"
    path.write_bytes(newline.join([*lines, ""]).encode(encoding))
    return path


async def load(db: Connection, *paths: Path) -> Outcome:
    """What becomes of a file; of several, of the last."""
    reports = await import_files(db, paths, now=NOW)
    return reports[-1].outcome


async def make_town(db: Connection, folder: Path, *more: str) -> None:
    """A house with one account and one meter, and usual files of *more* kinds."""
    await import_files(db, [make_file(folder, kind, seq=99) for kind in (*TOWN, *more)], now=NOW)


SENT: Final = """
insert into reading (
    meter_id, register_no, value, taken_on, received_at, source, source_ref, status, counted_period, chat_id,
    resident_id
)
values ('M1', 1, $1, '2026-04-20', '2026-04-20T10:00+03', 'bot.telegram', $2, $3, '2026-04-01', $4, $5)
returning id
"""


async def a_sent_reading(
    db: Connection, *, value: int = 120, status: str = "accepted", linked: bool = True
) -> int:
    """A reading that a resident sent, from a chat that is (or is no longer) linked to the account."""
    resident = await db.fetchval("insert into resident (created_at) values ($1) returning id", NOW)
    chat = await db.fetchval(
        "insert into chat (channel, private, resident_id, created_at, last_seen_at)"
        " values ('telegram', true, $1, $2, $2) returning id",
        resident,
        NOW,
    )
    await db.execute(
        "insert into account_link (resident_id, account_id, chat_id, proof, current, linked_at, unlinked_at)"
        " select $1, id, $2, 'code', true, $3, $4 from account where number = $5",
        resident,
        chat,
        NOW,
        None if linked else NOW,
        ACCOUNT,
    )
    number: int = await db.fetchval(SENT, Decimal(value), f"test:{resident}", status, chat, resident)
    return number
