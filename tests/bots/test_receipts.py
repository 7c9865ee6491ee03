"""The fiscal receipt: its lines, where it is sent, what is remembered, and that the books follow it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from bots.simulator.yookassa import YookassaStandIn
from core.questions import EraseResident
from storage.billing import post_bills
from storage.database import Pool
from storage.erasing import erase_resident
from storage.receiving import receive_payments
from tests.bots.making_banks import BANKS, Bank, a_bank
from tests.storage.making_books import APRIL, NOW, ZONE, a_payment, make_bill
from tests.storage.making_residents import KEYS

EMAIL = "resident@example.ru"


@pytest.fixture(params=BANKS)
async def bank(request: pytest.FixtureRequest, pool: Pool) -> AsyncIterator[Bank]:
    async with a_bank(request.param, pool, receipts=True) as bank:
        yield bank


def asked(bank: Bank) -> dict[str, Any]:
    """What the acquirer was asked for last."""
    operation = bank.operations[-1]
    if isinstance(bank.stand_in, YookassaStandIn):
        return bank.stand_in.payments[operation].body
    return bank.stand_in.orders[operation].asked


def lines(bank: Bank) -> list[tuple[str, int]]:
    """The lines of the receipt: name and kopecks."""
    body = asked(bank)
    if isinstance(bank.stand_in, YookassaStandIn):
        items = body["receipt"]["items"]
        return [(item["description"], int(item["amount"]["value"].replace(".", ""))) for item in items]
    return [(item["name"], item["itemAmount"]) for item in body["orderBundle"]["cartItems"]["items"]]


async def kept(bank: Bank) -> list[str | None]:
    rows = await bank.rows("select contact from receipt_contact")
    return [KEYS.opened_contact(row["contact"]) for row in rows]


async def allocated(bank: Bank) -> dict[str, int]:
    rows = await bank.rows(
        "select service_code as code, sum(kopecks)::bigint as kopecks from allocation group by service_code"
    )
    return {row["code"]: row["kopecks"] for row in rows}


async def test_the_page_asks_where_the_receipt_goes(bank: Bank) -> None:
    async with bank.http.get(await bank.link()) as response:
        html = await response.text()

    assert "Телефон или электронная почта для чека" in html
    assert 'name="contact"' in html
    assert '<input type="checkbox" name="keep" value="yes">' in html


@pytest.mark.parametrize("typed", ["", "мой телефон", "8 800 000", "@", "a@b"])
async def test_nothing_is_begun_before_there_is_somewhere_to_send_it(bank: Bank, typed: str) -> None:
    status, said = await bank.press(await bank.link(), contact=typed)

    assert status == 200
    assert "Укажите, куда прислать чек" in said
    assert "Оплатить 100,00 ₽" in said
    assert await bank.states() == []


async def test_a_receipt_has_a_line_a_service_and_goes_where_the_payer_says(bank: Bank) -> None:
    status, _ = await bank.press(await bank.link(), contact="8 (900) 000-00-00")

    assert status == 303
    assert lines(bank) == [("heating, 05.2026", 6_000), ("waste, 05.2026", 4_000)]
    body = asked(bank)
    phone = body["receipt"]["customer"] if isinstance(bank.stand_in, YookassaStandIn) else body
    assert phone["phone"].lstrip("+") == "79000000000"


async def test_what_is_more_than_due_is_an_advance_on_the_receipt(bank: Bank) -> None:
    await bank.press(await bank.link(12_500, whole=False), 12_500, contact=EMAIL)

    assert lines(bank)[-1] == ("Аванс за жилищно-коммунальные услуги", 2_500)


async def test_an_address_is_remembered_only_where_that_was_ticked(bank: Bank) -> None:
    await bank.press(await bank.link(), contact=EMAIL)
    before = await kept(bank)
    await bank.press(await bank.link(5_000, whole=False), 5_000, contact=EMAIL, keep="yes")

    assert before == []
    assert await kept(bank) == ['{"email":"resident@example.ru","phone":""}']


async def test_who_was_remembered_is_not_asked_again_and_sees_it_masked(bank: Bank) -> None:
    await bank.press(await bank.link(), contact=EMAIL, keep="yes")

    async with bank.http.get(await bank.link()) as response:
        html = await response.text()
    status, _ = await bank.press(await bank.link(5_000, whole=False), 5_000)

    assert "Чек пришлём на r…t@example.ru" in html
    assert EMAIL not in html
    assert status == 303
    assert EMAIL in str(asked(bank))


async def test_an_erased_resident_leaves_no_address(bank: Bank) -> None:
    bank.stand_in.faults.cut_off = 1
    await bank.press(await bank.link(), contact=EMAIL, keep="yes")
    [chat] = await bank.rows("select id, resident_id from chat")
    async with bank.pool.acquire() as db, db.transaction():
        await erase_resident(db, [EraseResident(resident=chat["resident_id"], chat=chat["id"], at=NOW)])

    assert await kept(bank) == []
    assert await bank.rows("select from payment_attempt where contact is not null") == []


async def test_an_address_is_kept_with_a_payment_only_until_it_is_created(bank: Bank) -> None:
    link = await bank.link()
    bank.stand_in.faults.cut_off = 1
    await bank.press(link, contact=EMAIL)
    waiting = await bank.rows("select contact from payment_attempt")
    await bank.press(link, contact=EMAIL)

    assert EMAIL in str(KEYS.opened_contact(waiting[0]["contact"]))
    assert EMAIL.encode() not in waiting[0]["contact"]
    assert (
        await bank.rows("select from payment_attempt where operation_id is not null and contact is not null")
        == []
    )


async def test_a_repeat_says_the_same_to_the_byte_whatever_changed_since(pool: Pool) -> None:
    async with a_bank("yookassa", pool, receipts=True) as bank:
        link = await bank.link(5_000, whole=False)
        bank.stand_in.faults.cut_off = 1
        await bank.press(link, 5_000, contact=EMAIL)
        first = msgspec.json.encode(asked(bank))
        async with bank.pool.acquire() as db, db.transaction():
            await receive_payments(db, [a_payment(bank.account, 4_000)], now=NOW, zone=ZONE)

        status, _ = await bank.press(link, 5_000, contact="other@example.ru")

        assert status == 303
        assert len(bank.operations) == 1
        assert msgspec.json.encode(asked(bank)) == first


async def test_the_books_follow_what_the_receipt_printed(bank: Bank) -> None:
    link = await bank.link(5_000, whole=False)
    await bank.press(link, 5_000, contact=EMAIL)
    printed = dict(lines(bank))
    # Another charge, which would have had its part of the money, arrives before the money does.
    await a_late_charge(bank)

    bank.stand_in.pay(bank.operations[0])
    await bank.stand_in.teller.told()

    assert printed == {"heating, 05.2026": 3_000, "waste, 05.2026": 2_000}
    assert await allocated(bank) == {"heating": 3_000, "waste": 2_000}
    assert await bank.books() == [5_000]


async def test_what_the_receipt_printed_is_capped_by_what_is_then_due(bank: Bank) -> None:
    await bank.press(await bank.link(), contact=EMAIL)
    async with bank.pool.acquire() as db, db.transaction():
        await receive_payments(db, [a_payment(bank.account, 5_000)], now=NOW, zone=ZONE)

    bank.stand_in.pay(bank.operations[0])
    await bank.stand_in.teller.told()

    assert await allocated(bank) == {"heating": 6_000, "waste": 4_000}
    [balance] = await bank.rows("select owed, advance from balance")
    assert balance == {"owed": 0, "advance": 5_000}
    assert await bank.books() == [5_000, 10_000]


async def a_late_charge(bank: Bank) -> None:
    """The bill for April, which was missing: a debt that is older than what the receipt is about."""
    async with bank.pool.acquire() as db, db.transaction():
        await make_bill(db, bank.account, APRIL, {"cold_water": 7_000})
        await post_bills(db, [(bank.account, APRIL)], now=NOW, zone=ZONE)
