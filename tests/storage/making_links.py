"""Chats and links to pay by, made as tests of payments need them."""

from __future__ import annotations

from itertools import count
from typing import Final

from core.money import Money
from core.questions import OpenPayment
from storage.database import Connection
from storage.payments import PaymentSettings, open_payment
from tests.storage.making_books import NOW

SETTINGS: Final = PaymentSettings("https://pay.example", b"k" * 32)

_numbers = count(1)


async def make_chat(db: Connection, *accounts: int) -> int:
    """The chat of a resident who has these accounts; its number."""
    resident = await db.fetchval("insert into resident (created_at) values ($1) returning id", NOW)
    chat: int = await db.fetchval(
        """
        insert into chat (channel, private, resident_id, created_at, last_seen_at)
        values ('telegram', true, $1, $2, $2) returning id
        """,
        resident,
        NOW,
    )
    await db.execute(
        """
        insert into account_link (resident_id, account_id, chat_id, proof, current, linked_at)
        select $1, account, $2, 'code', true, $3 from unnest($4::bigint[]) account
        """,
        resident,
        chat,
        NOW,
        accounts,
    )
    return chat


async def make_link(
    db: Connection,
    account: int,
    *,
    kopecks: int = 10_000,
    whole: bool = True,
    chat: int | None = None,
    settings: PaymentSettings = SETTINGS,
) -> str:
    """A link to pay by, made as a dialogue makes it; its token."""
    asked = OpenPayment(
        account=account,
        chat=chat or await make_chat(db, account),
        amount=Money(kopecks),
        whole=whole,
        at=NOW,
        source_ref=f"made-{next(_numbers)}",
    )
    await open_payment(db, [asked], settings)
    return settings.token(asked.source_ref)
