"""A page is sealed with its token, spent once, for its resident's chat alone, and gone after ten minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from core.messages import Span
from core.showing import Part, Shown
from storage import shown_pages
from storage.database import Connection
from storage.shown_pages import Issued
from tests.storage.making_residents import make_account, make_linked

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHOWN = Shown("ru", (Part((Span("К оплате 4 321,09 ₽"),)), Part(rows=(("Отопление", "1,00 ₽"),))))


async def issued(db: Connection) -> Issued:
    """A page for a resident with one account."""
    account = await make_account(db)
    chat, resident, link = await make_linked(db, "one", account)
    page = Issued(shown_pages.new_token(), chat, resident, (link,), SHOWN)
    await shown_pages.add(db, [page], now=NOW)
    return page


async def is_there(db: Connection, page: Issued, *, cookie: str | None = None, now: datetime = NOW) -> bool:
    return await shown_pages.find(db, page.token, cookie=cookie, now=now) is not None


async def test_a_page_is_found_by_its_token_for_ten_minutes(db: Connection) -> None:
    page = await issued(db)

    found = await shown_pages.find(db, page.token, cookie=None, now=NOW + 9 * MINUTE)

    assert found is not None
    assert (found.shown, found.seen) == (SHOWN, False)
    assert not await is_there(db, page, now=NOW + 10 * MINUTE)


async def test_nothing_else_finds_a_page(db: Connection) -> None:
    page = await issued(db)

    for guess in ("", page.token[:-1], page.token + "A", page.token.swapcase(), "\x00", "\udcff"):
        assert await shown_pages.find(db, guess, cookie=None, now=NOW) is None


async def test_the_table_tells_neither_the_token_nor_the_reply(db: Connection) -> None:
    page = await issued(db)

    row = await db.fetchrow("select * from shown_page")

    assert row is not None
    assert page.token not in str(dict(row))
    assert b"4 321,09" not in row["body"]


async def test_a_page_is_spent_once_and_seen_again_by_who_spent_it(db: Connection) -> None:
    page = await issued(db)

    cookie = await shown_pages.spend(db, page.token, now=NOW)
    again = await shown_pages.spend(db, page.token, now=NOW)

    assert cookie is not None
    assert again is None
    assert await is_there(db, page, cookie=cookie, now=NOW + 9 * MINUTE)
    assert not await is_there(db, page, cookie=cookie, now=NOW + 10 * MINUTE)
    assert not await is_there(db, page)
    assert not await is_there(db, page, cookie="made-up")


@pytest.mark.parametrize(
    "ended",
    [
        "update account_link set unlinked_at = now()",
        "update account_link set frozen_at = now()",
        "update chat set erased_at = now()",
        "update chat set resident_id = null",
    ],
)
async def test_a_page_is_void_once_it_is_no_longer_for_whom_it_was(db: Connection, ended: str) -> None:
    page = await issued(db)

    await db.execute(ended)

    assert not await is_there(db, page)


async def test_what_is_over_is_forgotten(db: Connection) -> None:
    await issued(db)

    await shown_pages.forget(db, now=NOW + 9 * MINUTE)
    assert await db.fetchval("select count(*) from shown_page") == 1

    await shown_pages.forget(db, now=NOW + 10 * MINUTE)
    assert await db.fetchval("select count(*) from shown_page") == 0
