"""What a strict messenger may not carry is shown once on a page of the centre, to who asked in that chat."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import aiohttp
import pytest

from bots.simulator.surroundings import Surroundings
from core.messages import DataClass, Key, LinkButton, Message, PressButton, Span, say, text
from core.money import Money
from core.showing import shown
from core.wording import Words
from storage import outbox
from storage.outbox import Outgoing
from tests.bots.making_strict import CHANNEL, Strict, link_in, looked, pressed
from tests.talking import ZONE
from tests.walking import everything_in

SUM: Final = re.compile(r"\d,\d\d\s₽")


# --- The page ----------------------------------------------------------------------------------------


async def test_opening_the_link_shows_nothing_and_spends_nothing(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link()

    for _ in range(3):
        status, said = await looked(browser, link)

        assert status == 200
        assert said.splitlines()[-1] == "Показать"
        assert not SUM.search(said)


async def test_the_press_shows_the_very_reply_to_that_browser_alone(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link()

    status, said = await pressed(browser, link)

    assert status == 200
    assert f"•••• {strict.around.accounts[0]['number'][-4:]}" in said
    assert SUM.search(said)
    assert await looked(browser, link) == (200, said)
    async with aiohttp.ClientSession() as other:
        assert (await looked(other, link))[0] == 404
        assert (await pressed(other, link))[0] == 404


async def test_the_page_of_a_payment_leads_to_the_pay_page_and_the_chat_hears_no_sum(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link("оплатить")
    async with browser.post(link) as page:
        pay = re.search(r'href="([^"]+/p/[^"]+)"', await page.text())
    assert pay is not None

    strict.talk.link = pay[1]
    await strict.talk._pay()  # as a transcript's `pay` does
    heard = await strict.next()
    shown_at = link_in(await strict.press("Показать"))

    assert heard["text"] == "Оплата получена. Спасибо!"
    assert SUM.search((await pressed(browser, shown_at))[1])


async def test_a_page_ends_after_ten_minutes_for_everyone(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link, fresh = await strict.link(), await strict.link("история")
    await pressed(browser, link)

    strict.around.clock.set(strict.around.clock() + timedelta(minutes=10))

    assert (await looked(browser, link))[0] == 404
    assert (await pressed(browser, fresh))[0] == 404


async def test_a_page_is_void_after_unlinking(strict: Strict, browser: aiohttp.ClientSession) -> None:
    link = await strict.link()
    await strict.ask("отвязать")
    await strict.press("Да, отвязать")

    assert await pressed(browser, link) == await looked(browser, f"{strict.around.address}/s/nonsense")


async def test_a_page_is_framed_by_nobody_kept_by_nobody_and_its_cookie_is_its_own(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link()

    async with browser.post(link, allow_redirects=False) as page:
        cookie, headers = page.headers["Set-Cookie"], page.headers

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Path=/s/{link.rpartition('/')[2]}" in cookie
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "noindex" in headers["X-Robots-Tag"]


def test_a_reply_is_shown_with_its_tables_and_links_and_the_rest_stays_in_the_chat() -> None:
    to_page = LinkButton(text("pay-link-button"), "https://centre.example/p/x", DataClass.PAYMENT)
    reply = say(
        text("pay-all", amount=Money(100)), keyboard=((to_page,), (PressButton(text("menu-button"), "menu"),))
    )

    page = shown(reply, Words("ru", ZONE))

    assert [link.data for link in page.links] == ["https://centre.example/p/x"]
    assert page.goes_on
    assert any(span.text == "1,00\N{NO-BREAK SPACE}₽" for span in page.parts[0].spans)


# --- Switching ---------------------------------------------------------------------------------------


async def test_a_row_queued_before_a_switch_does_not_leak(strict: Strict) -> None:
    async with strict.pool.acquire() as db:
        chat = await db.fetchval("select id from chat")
        queued = Message(
            (Span("К оплате 4 321,09 ₽"),),
            (
                (Key("Оплатить 4 321,09 ₽", "press", "pay", DataClass.PERSONAL),),
                (Key("Открыть", "link", "https://centre.example/p/x", DataClass.PAYMENT),),
                (Key("Меню", "press", "menu"),),
            ),
            data_class=DataClass.PERSONAL,
        )
        await outbox.add(db, [Outgoing(chat, CHANNEL, queued)])
    strict.around.service.deliveries[CHANNEL].wake({chat})

    heard = await strict.next()

    assert heard["text"].startswith("Этот ответ содержит личные данные")
    assert [key["label"] for row in heard["buttons"] for key in row] == ["Показать", "Меню"]
    assert not any("4 321,09" in each for each in everything_in(strict.around.channels[CHANNEL].calls))


async def test_a_phone_is_switched_live_and_back(strict: Strict) -> None:
    address = f"{strict.around.address}/simulator/api/{CHANNEL}/mode"
    async with strict.talk.http.post(address, json={"mode": "open"}) as answer:
        assert await answer.json() == {"mode": "open"}
    assert SUM.search((await strict.ask("баланс"))["text"])

    async with strict.talk.http.post(address, json={"mode": "strict"}) as answer:
        assert await answer.json() == {"mode": "strict"}
    assert not SUM.search((await strict.ask("баланс"))["text"])


@pytest.mark.parametrize(("path", "status"), [("telegram", 400), ("nobody", 404)])
async def test_no_other_mode_or_channel_is_there(around: Surroundings, path: str, status: int) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{around.address}/simulator/api/{path}/mode", json={"mode": "ajar"}) as answer,
    ):
        assert answer.status == status
