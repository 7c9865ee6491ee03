from datetime import timedelta

import pytest

from core.acquiring import Attempt, PayLink
from core.money import Money
from core.questions import OpenPayment, PaymentOf
from storage.attempts import Wanted, begin_attempt
from storage.database import Connection
from storage.payments import PaymentSettings, link_by_token, open_payment, payment_of
from storage.receiving import Received, receive_payments
from tests.storage.making_books import NOW, ZONE, a_payment, bill, make_town
from tests.storage.making_links import SETTINGS, make_chat, make_link


def asked(account: int, chat: int, ref: str = "turn-1", kopecks: int = 1_000) -> OpenPayment:
    return OpenPayment(account=account, chat=chat, amount=Money(kopecks), whole=True, at=NOW, source_ref=ref)


async def test_a_link_lives_for_a_day_and_is_found_by_its_token_alone(books: Connection) -> None:
    [account] = await make_town(books)
    chat = await make_chat(books, account)

    [opened] = await open_payment(books, [asked(account, chat)], SETTINGS)

    token = opened.url.removeprefix("https://pay.example/p/")
    link = await link_by_token(books, token)
    assert opened.expires_at == NOW + timedelta(hours=24)
    assert link is not None
    assert (link.account, link.amount, link.number) == (account, Money(1_000), "0000000001")
    assert await link_by_token(books, token[:-1] + "!") is None


async def test_a_repeat_gets_the_same_link_and_another_turn_another(books: Connection) -> None:
    [account] = await make_town(books)
    chat = await make_chat(books, account)

    first, repeat, other = await open_payment(
        books, [asked(account, chat), asked(account, chat), asked(account, chat, "turn-2")], SETTINGS
    )
    [later] = await open_payment(books, [asked(account, chat)], SETTINGS)

    assert first == repeat == later
    assert other.url != first.url
    assert await books.fetchval("select count(*) from pay_link") == 2


async def test_no_token_is_kept(books: Connection) -> None:
    [account] = await make_town(books)
    [opened] = await open_payment(books, [asked(account, await make_chat(books, account))], SETTINGS)

    [row] = await books.fetch("select to_jsonb(l)::text as kept from pay_link l")

    assert opened.url.rpartition("/")[2] not in row["kept"]


def test_a_token_is_128_bits_and_rests_on_the_key() -> None:
    token = SETTINGS.token("turn-1")

    assert len(token) == 22
    assert token != PaymentSettings("https://pay.example", b"x" * 32).token("turn-1")
    assert "kkk" not in repr(SETTINGS)


async def test_a_posted_payment_is_told_with_what_became_an_advance(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(books, account, charged={"heating": 10_000})
    [received] = await receive_payments(books, [a_payment(account, 12_500)], now=NOW, zone=ZONE)
    assert isinstance(received, Received)

    [settled] = await payment_of(books, [PaymentOf(received.payment)])

    assert (settled.amount, settled.advance, settled.paid_at) == (Money(12_500), Money(2_500), NOW)
    assert settled.number == f"{received.payment:06}"


async def test_a_link_for_an_unknown_account_is_refused(books: Connection) -> None:
    with pytest.raises(Exception, match="pay_link_account_id_fkey"):
        await open_payment(books, [asked(999, await make_chat(books))], SETTINGS)


async def test_a_link_is_bound_to_its_chat_until_the_account_is_unlinked_or_frozen(books: Connection) -> None:
    [account] = await make_town(books)
    token = await make_link(books, account)

    before = await link_by_token(books, token)
    await books.execute("update account_link set frozen_at = $1", NOW)
    after = await link_by_token(books, token)

    assert before is not None
    assert after is not None
    assert (before.bound, after.bound) == (True, False)


async def test_a_go_is_not_begun_on_a_link_that_was_paid_since_it_was_read(books: Connection) -> None:
    [account] = await make_town(books)
    link = await link_by_token(books, await make_link(books, account))
    assert link is not None
    begun = await begin(books, link)
    assert begun is not None
    await books.execute("update payment_attempt set state = 'paid'")

    assert await begin(books, link) is None


async def begin(db: Connection, link: PayLink) -> Attempt | None:
    return await begin_attempt(db, link, Wanted("simulated", link.amount, "ЖКУ"), now=NOW)
