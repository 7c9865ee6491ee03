"""A newcomer in a real browser: links an account, hands in a reading, pays, and sees that it arrived."""

from playwright.async_api import Locator, expect

from bots.simulator.surroundings import Surroundings
from tests.browsing import a_page, picture


async def say(phone: Locator, words: str) -> None:
    await phone.locator("textarea").fill(words)
    await phone.locator("textarea").press("Enter")


async def press(phone: Locator, label: str) -> None:
    """Press the newest button of this label, once it is there."""
    button = phone.locator(".inline button, .inline a", has_text=label).last
    await button.click()


def keys(phone: Locator, label: str) -> Locator:
    """The newest key of this label, under a message or at the bottom of the phone."""
    return phone.locator(".inline button, .inline a, .reply-keyboard button", has_text=label).last


async def link(phone: Locator, number: str, code: str) -> None:
    await phone.locator(".begin").click()
    for label in ("Подключить", "Согласен"):
        await keys(phone, label).click()
    await expect(phone).to_contain_text("Напишите номер лицевого счёта")
    await say(phone, number)
    await keys(phone, "Код").click()
    await expect(phone).to_contain_text("код подключения")
    await say(phone, code)
    await expect(phone).to_contain_text("счёт подключён")


async def test_all_phones_are_live_at_once(around: Surroundings) -> None:
    wishes = (("показания", "Счётчики"), ("история", "12 месяцев"), ("баланс", "Лицевой счёт"))
    async with a_page(width=2050, height=980) as page:
        await page.goto(around.address)
        phones = [
            page.locator(".phone").nth(number) for number in range(await page.locator(".phone").count())
        ]
        for phone, account in zip(phones, around.accounts, strict=False):
            await link(phone, account["number"], account["code"])
        for phone in phones[len(around.accounts) :]:
            await phone.locator(".begin").click()
        for phone, (wish, _) in zip(phones, wishes, strict=False):
            await say(phone, wish)

        for phone, (_, answer) in zip(phones, wishes, strict=False):
            await expect(phone.locator(".message").last).to_contain_text(answer)
        for phone in phones[len(wishes) :]:
            await expect(phone).to_contain_text("Здравствуйте")
        await page.wait_for_timeout(700)
        await picture(page, "page", whole=False)


async def test_a_newcomer_links_reads_and_pays(around: Surroundings) -> None:
    account = around.accounts[0]
    async with a_page(width=1500, height=900) as page:
        await page.goto(around.address)
        phone = page.locator(".phone[data-channel=telegram]")
        await phone.locator(".begin").click()
        await press(phone, "Подключить")
        await press(phone, "Согласен")
        await expect(phone).to_contain_text("Напишите номер лицевого счёта")
        await say(phone, account["number"])
        await press(phone, "Код")
        await expect(phone).to_contain_text("код подключения")
        await say(phone, account["code"])
        await expect(phone).to_contain_text("счёт подключён")

        await say(phone, f"хвс кухня {int(account['meters'][0]['last']) + 5}")
        await press(phone, "Сохранить")
        await expect(phone).to_contain_text("Принято")
        await say(phone, "оплатить")
        link = phone.locator(".inline a", has_text="оплат").last
        async with page.expect_popup() as opened:
            await link.click()
        bank = await opened.value
        await picture(bank, "pay", whole=False)
        await bank.locator("form button").first.click()
        await bank.locator("button[value=pay]").click()

        await expect(phone).to_contain_text("Оплата получена", timeout=20_000)
