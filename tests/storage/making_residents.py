"""A few accounts and chats in the database, for tests of who may see what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final

from core.money import Money
from core.questions import (
    ByCode,
    ByMeter,
    ByTotal,
    GiveConsent,
    LinkAccount,
    Linked,
    Proof,
    TryProof,
)
from core.turns import Resident
from storage.conversations import Address, lock
from storage.database import Connection
from storage.keys import Keys
from storage.linking import LinkAnswer, link_account
from storage.residents import give_consent, residents_of

NOW: Final = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
KEYS: Final = Keys.of(master=b"m" * 32, billing=b"b" * 32)
NUMBER: Final = "0012345678"
CODE: Final = ByCode("7K42QX")
WRONG: Final = ByTotal(Money(99_999_999))

_numbers = count(1)


async def make_account(
    db: Connection, number: str = NUMBER, *, code: str = "7K42QX", totals: tuple[int, ...] = ()
) -> int:
    """An account in a house of its own, with bills of *totals* in kopecks, the latest (October) last."""
    place = f"P{next(_numbers)}"
    await db.execute(
        "insert into house (id, city, street, house) values ($1, 'Заречный', 'ул. Строителей', '4а')", place
    )
    await db.execute("insert into premises (id, house_id, flat) values ($1, $1, '12')", place)
    account: int = await db.fetchval(
        "insert into account (number, premises_id, link_secret_hash) values ($1, $2, $3) returning id",
        number,
        place,
        KEYS.code_hash(code),
    )
    for back, total in enumerate(reversed(totals)):
        await make_bill(db, account, month=10 - back, total=total)
    return account


async def make_bill(db: Connection, account: int, *, month: int, total: int) -> None:
    """The account's bill of a month of 2026; *total* in kopecks."""
    await db.execute(
        """
        insert into bill (
            account_id, period, opening, payments_counted, counted_until, charged, recalculation, benefit,
            penalty, total_due
        )
        values ($1, $2, 0, 0, $2, $3, 0, 0, 0, $3)
        """,
        account,
        date(2026, month, 1),
        total,
    )


async def make_meter(db: Connection, account: int, *, serial: str, readings: tuple[str, ...]) -> None:
    """A cold water meter with *readings* of the months up to October, the latest last."""
    meter = f"M{next(_numbers)}"
    await db.execute(
        """
        insert into service (code, name, unit, kind, sort) values ('cold_water', 'ХВС', 'м³', 'utility', 1)
        on conflict do nothing
        """
    )
    await db.execute(
        """
        insert into meter (id, account_id, service_code, serial, integer_digits, fraction_digits)
        values ($1, $2, 'cold_water', $3, 5, 3)
        """,
        meter,
        account,
        serial,
    )
    for back, value in enumerate(reversed(readings)):
        month = date(2026, 10 - back, 1)
        await db.execute(
            """
            insert into reading (
                meter_id, register_no, value, taken_on, received_at, source, source_ref, status, counted_period
            )
            values ($1, 1, $2::text::numeric, $3, $4, 'import', $5, 'locked', $3)
            """,
            meter,
            value,
            month,
            NOW,
            f"{meter}:{month}",
        )


async def make_chat(db: Connection, name: str, *, channel: str = "telegram") -> int:
    """The chat of somebody who has not consented yet."""
    by_address, _ = await lock(
        db, [Address(channel, name, private=True, language="ru")], [], now=NOW, keys=KEYS
    )
    return by_address[channel, name].chat


async def make_resident(db: Connection, name: str, *, channel: str = "telegram") -> tuple[int, int]:
    """The chat and the resident of somebody who has consented."""
    chat = await make_chat(db, name, channel=channel)
    [resident] = await give_consent(db, [consent(chat, channel=channel)])
    return chat, resident.id


def consent(chat: int, **rest: Any) -> GiveConsent:
    usual: dict[str, Any] = {
        "channel": "telegram",
        "version": "2026-11",
        "text_hash": "ab" * 32,
        "at": NOW,
        "language": "ru",
    }
    return GiveConsent(chat=chat, **{**usual, **rest})


async def link(
    db: Connection,
    chat: int,
    resident: int,
    account: int,
    *,
    accounts_max: int = 10,
    residents_max: int = 5,
) -> LinkAnswer:
    [answer] = await link_account(
        db,
        [
            LinkAccount(
                resident=resident,
                chat=chat,
                channel="telegram",
                account=account,
                proof="code",
                at=NOW,
                accounts_max=accounts_max,
                residents_max=residents_max,
            )
        ],
    )
    return answer


async def make_linked(db: Connection, name: str, account: int) -> tuple[int, int, int]:
    """The chat, the resident and the link of somebody who has linked *account*."""
    chat, resident = await make_resident(db, name)
    linked = await link(db, chat, resident, account)
    assert isinstance(linked, Linked)
    return chat, resident, linked.link.id


async def seen(db: Connection, chat: int) -> Resident | None:
    return (await residents_of(db, [chat]))[chat]


def a_try(
    chat: int, proof: Proof = WRONG, *, number: str = NUMBER, at: datetime = NOW, channel: str = "telegram"
) -> TryProof:
    return TryProof(chat=chat, channel=channel, number=number, proof=proof, at=at)


def by_meter(serial_end: str, reading: str) -> ByMeter:
    return ByMeter(serial_end, Decimal(reading))
