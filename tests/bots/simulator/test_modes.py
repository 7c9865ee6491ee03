"""The phones of the page are switched between the modes, each by itself, while the service runs."""

from playwright.async_api import expect

from bots.simulator.surroundings import Surroundings
from tests.browsing import a_page


async def test_a_phone_is_made_strict_and_open_again_on_the_page(around: Surroundings) -> None:
    async with a_page(width=1900) as page:
        await page.goto(around.address)
        switch = page.locator('.phone[data-channel="vk"] .mode')
        await expect(switch).to_have_attribute("aria-checked", "false")

        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        assert {name: around.service.mode_of(name) for name in ("vk", "telegram")} == {
            "vk": "strict",
            "telegram": "open",
        }

        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "false")
        assert around.service.mode_of("vk") == "open"
