"""The simulator's page in a real browser, with a bot whose answers are written here."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from bots.simulator.app import simulator_app
from bots.simulator.telegram import TelegramStandIn
from tests.browsing import a_page

TOKEN = "7012345678:made-up-for-tests"
HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=1</script>"


class Town:
    """A town with one account, and a bot that answers each update with one call."""

    def __init__(self) -> None:
        self.now = datetime(2026, 9, 21, 9, 41, tzinfo=UTC)
        self.telegram = TelegramStandIn(token=TOKEN, clock=lambda: self.now, retry_scale=0.0)
        self.app = simulator_app(
            [self.telegram],
            accounts=self.accounts,
            clock=lambda: self.now,
            set_clock=self.set_clock,
        )
        self.app.router.add_post("/in/telegram", self.answer)

    async def accounts(self) -> Sequence[object]:
        meters = [{"place": "кухня", "service": "cold_water", "serial": "417756", "last": "149.202"}]
        return [{"number": "40817012345", "code": "K7QF", "last_total": "3412.57", "meters": meters}]

    async def set_clock(self, now: datetime) -> None:
        self.now = now

    async def answer(self, request: web.Request) -> web.Response:
        update = await request.json()
        if press := update.get("callback_query"):
            message = press["message"]
            where = {"chat_id": message["chat"]["id"], "message_id": message["message_id"]}
            return web.json_response({"method": "editMessageText", "text": "Принято: 152"} | where)
        message = update["message"]
        return web.json_response({"chat_id": message["chat"]["id"]} | ANSWERS[message.get("text", "photo")])


ANSWERS: dict[str, dict[str, object]] = {
    "/start": {
        "method": "sendMessage",
        "text": "<b>Здравствуйте</b>",
        "parse_mode": "HTML",
        "reply_markup": {"inline_keyboard": [[{"text": "Сохранить 152", "callback_data": "save"}]]},
    },
    "опасно": {"method": "sendMessage", "text": HOSTILE},
    "меню": {"method": "sendMessage", "text": "Меню", "reply_markup": {"keyboard": [["опасно"]]}},
    "photo": {"method": "sendMessage", "text": "Фото получено"},
}


@asynccontextmanager
async def a_town() -> AsyncIterator[tuple[Town, str]]:
    town = Town()
    runner = web.AppRunner(town.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    base = f"http://{host}:{port}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base}/bot{TOKEN}/setWebhook", json={"url": f"{base}/in/telegram"}) as answer,
    ):
        assert answer.status == 200
    yield town, base
    await runner.cleanup()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """The page with the chat begun."""
    async with a_town() as (_, base), a_page() as page:
        await page.goto(base)
        await page.locator(".begin").click()
        await expect(page.locator(".message:not(.mine)")).to_have_text(["Здравствуйте09:41Сохранить 152"])
        yield page


async def write(page: Page, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.keyboard.press("Enter")


async def test_a_press_edits_the_message_in_its_place(page: Page) -> None:
    await page.locator(".inline button").click()

    await expect(page.locator(".message").last.locator(".text")).to_have_text("Принято: 152изменено 09:41")
    await expect(page.locator(".inline")).to_have_count(0)


async def test_what_a_message_holds_cannot_act_on_the_page(page: Page) -> None:
    await write(page, "опасно")

    await expect(page.locator(".message").last.locator(".text")).to_contain_text(HOSTILE)
    assert await page.locator(".text img, .text script").count() == 0
    assert await page.title() == "Квиток: симулятор"


async def test_the_keyboard_at_the_bottom_writes_for_the_resident(page: Page) -> None:
    await write(page, "меню")
    await page.locator(".reply-keyboard button").click()

    await expect(page.locator(".message.mine").last.locator(".text")).to_contain_text("опасно")


async def test_a_photo_of_a_meter_is_sent_with_two_presses(page: Page) -> None:
    await page.locator(".attach").click()
    await page.get_by_text("Фото счётчика").click()

    await expect(page.locator(".message").last).to_contain_text("Фото получено")
    await expect(page.locator(".picture img")).to_be_visible()


async def test_the_chat_is_still_there_after_a_reload_and_gone_after_beginning_anew(page: Page) -> None:
    await page.reload()
    await expect(page.locator(".message")).to_have_count(2)

    await page.locator(".more").click()
    await page.get_by_text("Начать заново").click()

    await expect(page.locator(".begin")).to_be_visible()
    await expect(page.locator(".message")).to_have_count(0)


async def test_a_value_of_an_account_goes_into_the_message(page: Page) -> None:
    await page.locator(".value").nth(0).click()

    await expect(page.locator("textarea")).to_have_value("40817012345")


async def test_the_clock_of_the_town_is_moved_by_a_day() -> None:
    async with a_town() as (town, base), a_page() as page:
        before = town.now
        await page.goto(base)
        await page.locator("#day").click()

        await expect(page.locator("#now")).to_contain_text("22 сентября 2026")
        assert town.now == before + timedelta(days=1)


async def test_a_narrow_screen_shows_one_thing_at_a_time() -> None:
    async with a_town() as (_, base), a_page(width=400, height=800) as page:
        await page.goto(base)
        await expect(page.locator(".phone")).to_be_visible()
        await expect(page.locator("#panel")).to_be_hidden()
        await page.get_by_text("Счета и часы").click()

        await expect(page.locator("#panel")).to_be_visible()
        await expect(page.locator(".phone")).to_be_hidden()
