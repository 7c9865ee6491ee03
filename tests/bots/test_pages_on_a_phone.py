"""The pay page on a phone-sized window: the choice of acquirers, the question where the receipt goes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from playwright.async_api import expect

from storage.database import Pool
from tests.bots.making_banks import Bank, a_bank, make_acquirer, make_stand_in
from tests.browsing import a_page, picture


@pytest.fixture
async def bank(pool: Pool) -> AsyncIterator[Bank]:
    """A desk with two acquirers, one of which sends receipts."""
    async with a_bank("yookassa", pool, receipts=True) as bank:
        other = make_acquirer(make_stand_in("sberbank", bank.clock, None), bank.http, "http://127.0.0.1:9")
        bank.desk.acquirers["sberbank"] = other  # type: ignore[index]  # a dict, which nobody else has
        yield replace(bank)


async def test_a_resident_chooses_and_pays_on_a_phone(bank: Bank) -> None:
    async with a_page(width=360, height=740) as page:
        await page.goto(await bank.link())
        await picture(page, "pay-choice")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        await page.get_by_role("button", name="Карта или СБП", exact=False).first.click()
        await expect(page.locator("h1")).to_have_text("Укажите, куда прислать чек")
        await picture(page, "pay-contact")

        await page.get_by_label("Телефон или электронная почта").fill("8 900 123-45-67")
        await page.get_by_label("Запомнить для следующих чеков", exact=False).check()
        await page.locator("button[value=yookassa]").click()
        await page.locator("button[value=pay]").click()

        await expect(page.locator("h1")).to_have_text("Оплата получена")
    assert wide <= 360
    assert await bank.books() == [10_000]


async def test_an_acquirer_that_is_away_gives_a_clear_page_and_the_other_still_works(bank: Bank) -> None:
    async with a_page(width=360, height=740) as page:
        await page.goto(await bank.link())
        await page.locator("button[value=sberbank]").click()
        await expect(page.locator("h1")).to_have_text("Банк сейчас не отвечает")
        await picture(page, "pay-away")

        await page.locator("a.button").click()

        await expect(page.locator("button[value=yookassa]")).to_be_visible()
