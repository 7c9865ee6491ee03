from datetime import date
from decimal import Decimal

import pytest

from core.documents import BillSheet, Office
from core.due_dates import due_rules
from core.messages import BillDocument, Month, PaymentQr, UsageChart
from core.money import NOTHING, Money
from storage.charts import CHARGED, TURNED, years_of
from storage.database import Connection
from storage.documents import (
    BILLED,
    DIALS,
    HEADS,
    HOUSES,
    LINES,
    ORDERED,
    Issuer,
    bank_orders,
    bill_sheets,
    billed_accounts,
)
from tests.making_documents import some_requisites
from tests.making_money import CENTRE
from tests.storage.making_books import APRIL, MAY, bill, make_bill, make_town

ISSUER = Issuer(Office("ЕРКЦ"), some_requisites(), due_rules(CENTRE))


async def sheet_of(db: Connection, account: int, period: Month = MAY, *, masked: bool = True) -> BillSheet:
    [sheet] = await bill_sheets(db, [BillDocument(account, period)], ISSUER, masked=masked)
    assert sheet is not None
    return sheet


async def make_meter(db: Connection, account: int, *readings: tuple[Month, int], **columns: object) -> None:
    """A cold water meter with five digits, and its accepted readings by month."""
    meter = {"id": f"M{account}", "closed_on": None, "registers": 1, **columns}
    await db.execute(
        """
        insert into meter (id, account_id, service_code, serial, place, registers, integer_digits, fraction_digits,
          closed_on)
        values ($1, $2, 'cold_water', '250006342', 'кухня', $3, 5, 3, $4)
        """,
        meter["id"], account, meter["registers"], meter["closed_on"],
    )  # fmt: skip
    for at, (period, value) in enumerate(readings):
        await db.execute(
            """
            insert into reading (meter_id, register_no, value, taken_on, received_at, source, source_ref, status,
              counted_period)
            values ($1, 1, $2, $3::date, $3::date, 'import', $4, 'accepted', $3::date)
            """,
            meter["id"], Decimal(value), period.first_day, f"{meter['id']}-{at}",
        )  # fmt: skip


@pytest.mark.parametrize("statement", [HEADS, LINES, DIALS, HOUSES, ORDERED, BILLED, CHARGED, TURNED])
async def test_every_statement_fits_the_schema(db: Connection, statement: str) -> None:
    await db.prepare(statement)


async def test_a_bill_has_its_lines_recipients_and_totals(books: Connection) -> None:
    [account] = await make_town(books)
    await bill(
        books, account, charged={"heating": 10_000, "waste": 2_500}, fined={"waste": 7}, opened={"waste": 500}
    )

    sheet = await sheet_of(books, account)

    assert [(line.name, line.provider, line.payable) for line in sheet.lines] == [
        ("heating", "P01", Money(10_000)),
        ("waste", "P02", Money(2_500)),
    ]
    assert [one.id for one in sheet.recipients] == ["P01", "P02"]
    assert (sheet.opening, sheet.penalty, sheet.total_due, sheet.qr_due) == (
        Money(500), Money(7), Money(13_007), Money(13_007),
    )  # fmt: skip
    assert sheet.due_on == date(2026, 6, 15)


async def test_a_chat_gets_the_address_masked_and_paper_whole(books: Connection) -> None:
    [account] = await make_town(books)
    await books.execute("update premises set flat = '42'")
    await make_bill(books, account, MAY, {"heating": 10_000})

    sent = await sheet_of(books, account, masked=True)
    printed = await sheet_of(books, account, masked=False)

    assert sent.premises.address == "М…, д. 1, кв. •2"
    assert printed.premises.address == "Заречный, Мира, д. 1, кв. 42"


async def test_a_month_without_a_bill_has_no_sheet(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, MAY, {"heating": 10_000})
    asked = [BillDocument(account, APRIL), BillDocument(account, MAY), BillDocument(99, MAY)]

    sheets = await bill_sheets(books, asked, ISSUER, masked=True)

    assert [sheet is not None for sheet in sheets] == [False, True, False]


async def test_an_advance_makes_no_qr(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, MAY, {"heating": 10_000}, opening=-50_000)

    assert (await sheet_of(books, account)).qr_due == NOTHING


async def test_meters_stand_with_the_reading_of_the_month_and_the_one_before(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, MAY, {"cold_water": 10_000})
    await make_meter(books, account, (APRIL, 120), (MAY, 124), (Month(2026, 6), 130))

    [meter] = (await sheet_of(books, account)).meters

    assert (meter.before, meter.now, meter.used) == (Decimal(120), Decimal(124), Decimal(4))


async def test_a_meter_that_went_through_zero_used_what_it_turned(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, MAY, {"cold_water": 10_000})
    await make_meter(books, account, (APRIL, 99_998), (MAY, 3))

    [meter] = (await sheet_of(books, account)).meters

    assert meter.used == Decimal(5)


async def test_a_meter_closed_before_the_month_is_left_out(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, MAY, {"cold_water": 10_000})
    await make_meter(books, account, closed_on=date(2026, 4, 30))

    assert (await sheet_of(books, account)).meters == ()


async def test_a_house_has_the_volumes_of_all_its_flats(books: Connection) -> None:
    one, two = await make_town(books, accounts=2)
    await books.execute("update service set unit = 'м³' where code = 'cold_water'")
    for account in (one, two):
        await make_bill(books, account, MAY, {"cold_water": 10_000, "waste": 500})

    [volume] = (await sheet_of(books, one)).house

    assert (volume.service, volume.individual, volume.common) == ("cold_water", Decimal(2), Decimal(0))


async def test_an_order_names_the_account_and_its_last_bill(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, APRIL, {"heating": 10_000})
    await make_bill(books, account, MAY, {"heating": 10_000})

    [order] = await bank_orders(books, [PaymentQr(account, Money(500))], some_requisites())

    assert (order.number, order.due, order.period) == ("0000000001", Money(500), MAY)


async def test_a_town_is_printed_house_by_house(books: Connection) -> None:
    accounts = await make_town(books, accounts=3)
    for account in accounts[:2]:
        await make_bill(books, account, MAY, {"heating": 10_000})

    assert await billed_accounts(books, MAY) == accounts[:2]


# --- Charts ----------------------------------------------------------------------------------------


async def test_a_year_has_thirteen_months_of_charges(books: Connection) -> None:
    [account] = await make_town(books)
    await make_bill(books, account, APRIL, {"heating": 10_000}, opening=77_777)
    await make_bill(books, account, MAY, {"heating": 12_050})

    [year] = await years_of(books, [UsageChart(account, MAY)])

    assert (year.months[0], year.months[-1]) == (Month(2025, 5), MAY)
    assert year.charged == (*(None,) * 11, Decimal("100.00"), Decimal("120.50"))


async def test_use_is_between_readings_and_missing_months_are_gaps(books: Connection) -> None:
    [account] = await make_town(books)
    await make_meter(books, account, (Month(2026, 2), 100), (Month(2026, 3), 104), (MAY, 112))

    [year] = await years_of(books, [UsageChart(account, MAY)])

    [meter] = year.meters
    assert meter.used[-4:] == (None, Decimal(4), None, Decimal(8))
