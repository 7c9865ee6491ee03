"""The worked example of docs/ru/ledger.md is lived through, and every number of it is compared."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from core.allocation import PROPORTIONAL
from core.bank_statements import Agent, Bank, BankDocument, BankStatement
from core.due_dates import due_rules
from core.money import Money
from core.postings import Kind
from core.requisites import Requisites
from storage.bank_statements import take_statement
from storage.database import Connection
from storage.proof import verify
from storage.receiving import Received, match_payments, receive_payments
from storage.refunding import Asked, refund_payments
from storage.settlement import settle_day
from tests.making_money import CENTRE
from tests.storage.making_books import JUNE, MAY, NOW, ZONE, a_payment, bill, make_town

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "ru" / "ledger.md"
PAYER: Final = Requisites("ЕРКЦ", "7707083893", "", "40702810700000067890", "", "044525225", "")
SBER: Final = Agent(way="bank:sber", inn="7707083893", fee_percent=Decimal(1))
BANK: Final = Bank(PAYER.bank_account, PAYER.inn, (SBER,))
EXAMPLE_ROW: Final = re.compile(
    r"^\| (\d+) \| `(\w+)` \| `([\w:]+)` \| `([\w:]+)` \| ([\d ]+,\d\d) \|$", re.MULTILINE
)

POSTED: Final = """
select p.id, p.kind, f.key as out_of, i.key as into_, t.kopecks
from posting p
join transfer t on t.posting_id = p.id
join ledger_account f on f.id = t.from_id
join ledger_account i on i.id = t.to_id
order by p.id, t.no
"""


async def live_the_example(books: Connection) -> int:
    """What the document tells, step by step; the account that it happens to."""
    [account] = await make_town(books)
    await books.execute("update provider set bank_account = '40702810700000067890', bik = '044525225'")
    charged = {"heating": 100_001, "waste": 50_000}
    await bill(
        books, account, MAY, charged=charged, recalculated={"heating": -10_000}, fined={"heating": 317}
    )
    await receive_payments(books, [a_payment(account, 70_000, external_id="1")], now=NOW, zone=ZONE)
    big = a_payment(account, 100_000, external_id="2", way="bank:sber")
    [received] = await receive_payments(books, [big], now=NOW, zone=ZONE)
    await bill(books, account, JUNE, charged={"heating": 20_000})
    nobodys = a_payment(None, 5_000, external_id="3", way="post")
    [aside] = await receive_payments(books, [nobodys], now=NOW, zone=ZONE)
    assert isinstance(received, Received)
    assert isinstance(aside, Received)
    await match_payments(books, {aside.payment: account}, now=NOW, zone=ZONE)
    asked = Asked(received.payment, "cash", "r2", Money(10_000), NOW)
    await refund_payments(books, [asked], now=NOW, zone=ZONE)
    day, tomorrow = NOW.astimezone(ZONE).date(), NOW + timedelta(days=1)
    arrived = BankDocument(
        line=1,
        number="487",
        day=day,
        amount=Money(89_100),
        incoming=True,
        inn=SBER.inn,
        account="",
        purpose="",
    )
    statement = BankStatement((arrived,))
    await take_statement(books, statement, BANK, name="", now=NOW, zone=ZONE, rule=PROPORTIONAL)
    await settle_day(
        books, day, payer=PAYER, now=tomorrow, zone=ZONE, rules=due_rules(CENTRE), awaited=BANK.ways
    )
    return account


async def posted(books: Connection) -> list[tuple[str, ...]]:
    """Every transfer as the document writes it; the account has number 1 there."""
    account = await live_the_example(books)
    rows = await books.fetch(POSTED)
    numbers = {
        posting: str(number) for number, posting in enumerate(dict.fromkeys(row["id"] for row in rows), 1)
    }
    return [
        (
            numbers[row["id"]],
            row["kind"],
            row["out_of"].replace(f":{account}", ":1", 1),
            row["into_"].replace(f":{account}", ":1", 1),
            f"{Money(row['kopecks']).roubles:,}".replace(",", " ").replace(".", ","),
        )
        for row in rows
    ]


async def test_the_worked_example_of_the_document_is_what_the_books_say(books: Connection) -> None:
    assert EXAMPLE_ROW.findall(DOCUMENT.read_text(encoding="utf-8")) == await posted(books)
    assert await verify(books) == []


def test_the_document_tells_of_every_kind_of_posting() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    assert [kind for kind in Kind if f"| `{kind}` |" not in document] == []
