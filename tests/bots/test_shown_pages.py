"""What a strict messenger may not carry is shown once on a page of the centre, to who asked in that chat."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import aiohttp
import msgspec
import pytest

from bots.simulator.surroundings import Surroundings
from core.messages import (
    BillDocument,
    DataClass,
    Key,
    LinkButton,
    Message,
    MessageClass,
    Month,
    PressButton,
    Span,
    say,
    text,
)
from core.money import Money
from core.showing import shown
from core.turns import CaseAnswered
from core.wording import Words
from storage import events, outbox
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


async def test_a_press_while_somebody_holds_the_page_is_asked_for_again_and_spends_nothing(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link()

    async with strict.pool.acquire() as db, db.transaction():
        await db.execute("select from shown_page for update")
        status, said = await pressed(browser, link)

    assert (status, "Страница сейчас не открывается" in said) == (503, True)
    assert (await pressed(browser, link))[0] == 200


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


QUEUED: Final = Message(
    (Span("К оплате 4 321,09 ₽"),),
    (
        (Key("Оплатить 4 321,09 ₽", "press", "pay", DataClass.PERSONAL),),
        (Key("Открыть", "link", "https://centre.example/p/x", DataClass.PAYMENT),),
        (Key("Меню", "press", "menu"),),
    ),
    data_class=DataClass.PERSONAL,
)


async def queued(strict: Strict, message: Message, event: int | None = None) -> dict[str, Any]:
    """What the chat hears of *message*, which was queued before the channel became strict."""
    async with strict.pool.acquire() as db, db.transaction():
        chat = await db.fetchval("select id from chat")
        await outbox.add(db, [Outgoing(chat, CHANNEL, message, event)])
    strict.around.service.deliveries[CHANNEL].wake({chat})
    return await strict.next()


def labels_in(message: dict[str, Any]) -> list[str]:
    return [key["label"] for row in message["buttons"] for key in row]


async def test_a_reply_queued_before_a_switch_does_not_leak_and_is_on_a_page(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    heard = await queued(strict, QUEUED)

    assert heard["text"].startswith("Этот ответ содержит личные данные")
    assert labels_in(heard) == ["Показать", "Показать 2", "Меню"]
    assert not any("4 321,09" in each for each in everything_in(strict.around.channels[CHANNEL].calls))
    status, said = await pressed(browser, link_in(heard))
    assert (status, "К оплате 4 321,09 ₽" in said, "Открыть" in said) == (200, True, True)


async def test_a_document_queued_before_a_switch_is_on_the_page(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    bill = BillDocument(await strict.account(), Month(2026, 10))
    heard = await queued(strict, Message((), (), (bill,), data_class=DataClass.PAYMENT))

    assert heard["files"] == []
    assert "Скачать квитанцию за октябрь 2026" in (await pressed(browser, link_in(heard)))[1]


async def test_the_page_of_a_queued_reply_is_void_after_unlinking_too(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = link_in(await queued(strict, QUEUED))
    await strict.ask("отвязать")
    await strict.press("Да, отвязать")

    assert (await pressed(browser, link))[0] == 404


async def test_news_queued_before_a_switch_are_asked_for_by_a_button(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    async with strict.pool.acquire() as db, db.transaction():
        chat = await db.fetchval("select id from chat")
        await events.add(db, [(chat, CaseAnswered(1, "Неразглашаемый ответ"))], now=strict.around.clock())
        event = await db.fetchval("update event set done_at = created_at returning id")

    heard = await queued(strict, QUEUED, event)
    link = link_in(await strict.press("Показать"))

    assert heard["text"].startswith("Есть новость по вашему счёту")
    assert labels_in(heard) == ["Показать", "Показать 2", "Меню"]
    assert "Неразглашаемый ответ" in (await pressed(browser, link))[1]


async def test_a_broadcast_queued_before_a_switch_leads_nowhere(strict: Strict) -> None:
    heard = await queued(strict, msgspec.structs.replace(QUEUED, message_class=MessageClass.BROADCAST))

    assert heard["text"].startswith("Этот ответ содержит личные данные")
    assert labels_in(heard) == ["Показать", "Меню"]


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
