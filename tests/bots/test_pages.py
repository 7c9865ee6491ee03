from collections.abc import AsyncIterator

import pytest

from bots.webhooks import BODY_BYTES_MAX
from storage.database import Pool
from tests.bots.making_desk import World, a_world


@pytest.fixture
async def world(pool: Pool) -> AsyncIterator[World]:
    async with a_world(pool) as world:
        yield world


async def test_a_link_shows_the_sum_and_the_masked_account(world: World) -> None:
    status, said = await world.get(await world.link())

    assert status == 200
    assert "Оплата квитанции\nЛицевой счёт •••• 0001\nК оплате\n100,00 ₽\nОплатить 100,00 ₽" in said
    assert "Ссылка действует до 04.06.2026 12:00." in said
    assert "0000000001" not in said


async def test_a_page_loads_nothing_is_framed_by_nobody_and_kept_by_nobody(world: World) -> None:
    async with world.http.get(await world.link()) as response:
        headers, html = response.headers, await response.text()

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "<script" not in html
    assert "http" not in html.partition("<main>")[2]


async def test_opening_a_link_begins_nothing(world: World) -> None:
    await world.get(await world.link())

    assert await world.states() == []
    assert world.acquirer.payments == {}


@pytest.mark.parametrize("path", ["/p/nonsense", "/p/AAAAAAAAAAAAAAAAAAAAAA", "/p/AAAA/done"])
async def test_an_unknown_token_is_just_not_found(world: World, path: str) -> None:
    status, said = await world.get(world.url + path)

    assert status == 404
    assert "Страница не найдена" in said


async def test_a_resident_pays_and_the_chat_hears_of_it_once(world: World) -> None:
    link = await world.link()

    status, card_page = await world.press_pay(link)
    seen = await world.choose(card_page)
    await world.acquirer.told()

    assert status == 303
    assert "Оплата получена" in seen
    assert await world.states() == ["paid"]
    assert await world.paid() == [10_000]
    [event] = await world.rows("select chat_id, body from event")
    assert event["chat_id"] == world.chat
    assert '"type":"PaymentSettled"' in event["body"]
    assert world.news == [None]


async def test_a_paid_link_says_so_and_takes_no_more(world: World) -> None:
    link = await world.link()
    _, card_page = await world.press_pay(link)
    await world.choose(card_page)

    _, said = await world.get(link)
    status, where = await world.press_pay(link)

    assert "Уже оплачено" in said
    assert "Оплатить" not in said
    assert (status, where.endswith("/done")) == (303, True)
    assert await world.states() == ["paid"]


async def test_a_paid_link_offers_what_is_still_due(world: World) -> None:
    link = await world.link(4_000, whole=False)
    _, card_page = await world.press_pay(link, 4_000)
    await world.choose(card_page)

    _, said = await world.get(link)
    status, _ = await world.press_pay(link, 6_000)

    assert "Уже оплачено" in said
    assert "Оплатить 60,00 ₽" in said
    assert status == 303
    assert await world.states() == ["paid", "pending"]


async def test_a_link_whose_sum_was_paid_otherwise_says_so_and_offers_the_rest(world: World) -> None:
    whole, part = await world.link(), await world.link(4_000, whole=False)
    _, card_page = await world.press_pay(part, 4_000)
    await world.choose(card_page)

    _, said = await world.get(whole)

    assert "Сумма, для которой была ссылка, уже оплачена." in said
    assert "Оплатить 60,00 ₽" in said


async def test_a_sum_that_is_not_on_the_button_is_not_paid(world: World) -> None:
    status, where = await world.press_pay(await world.link(), 1)

    assert (status, where.endswith("/done")) == (303, True)
    assert await world.states() == []


@pytest.mark.parametrize("form", [{}, {"acquirer": "nobody", "kopecks": "10000"}])
async def test_an_acquirer_that_there_is_not_is_not_found(world: World, form: dict[str, str]) -> None:
    async with world.http.post(await world.link(), data=form) as response:
        assert response.status == 404


async def test_a_form_that_never_ends_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.webhooks.BODY_S", 0.01)

    assert await world.post_unfinished(await world.link()) == 408


async def test_a_form_that_is_too_long_is_refused_unread(world: World) -> None:
    assert await world.post_unfinished(await world.link(), length=BODY_BYTES_MAX + 1) == 413


async def test_the_form_of_an_unknown_token_is_not_waited_for(world: World) -> None:
    assert await world.post_unfinished(f"{world.url}/p/nonsense") == 404


@pytest.mark.parametrize("form", [b"\xff\x00", b"acquirer", b"acquirer=%FF&&=", b"{}"])
async def test_what_is_no_form_chooses_nothing(world: World, form: bytes) -> None:
    async with world.http.post(await world.link(), data=form) as response:
        assert response.status == 404


@pytest.mark.parametrize("kopecks", ["", "-1", "1e9", "9" * 40, "١"])
async def test_a_forged_sum_is_no_sum(world: World, kopecks: str) -> None:
    form = {"acquirer": "simulated", "kopecks": kopecks}
    async with world.http.post(await world.link(), data=form, allow_redirects=False) as response:
        assert response.status == 303

    assert await world.states() == []


async def test_an_expired_link_says_how_to_get_another(world: World) -> None:
    link = await world.link()
    world.clock.pass_hours(24)

    status, said = await world.get(link)

    assert status == 410
    assert "Срок этой ссылки закончился" in said
    assert "нажмите «Оплатить»" in said


async def test_a_refused_card_may_be_tried_again(world: World) -> None:
    link = await world.link()
    _, first = await world.press_pay(link)

    seen = await world.choose(first, "refuse")
    _, second = await world.press_pay(link)

    assert "Оплата не прошла" in seen
    assert second != first
    assert await world.states() == ["canceled", "pending"]


async def test_pressing_twice_leads_to_one_payment(world: World) -> None:
    link = await world.link()

    _, first = await world.press_pay(link)
    _, second = await world.press_pay(link)

    assert first == second
    assert len(world.acquirer.payments) == 1


async def test_an_acquirers_page_that_ran_out_is_made_anew(world: World) -> None:
    link = await world.link()
    _, first = await world.press_pay(link)
    world.clock.pass_hours(2)

    _, second = await world.press_pay(link)

    assert second != first
    assert await world.states() == ["expired", "pending"]


async def test_while_the_acquirer_is_down_the_link_works_on(world: World) -> None:
    link = await world.link()
    world.acquirer.faults.down = True
    status, said = await world.press_pay(link)
    world.acquirer.faults.down = False

    again, card_page = await world.press_pay(link)

    assert status == 503
    assert "Банк сейчас не отвечает" in said
    assert "до 04.06.2026 12:00" in said
    assert again == 303
    assert "/pay/" in card_page
    assert await world.states() == ["pending"]


async def test_an_acquirer_that_was_cut_off_after_creating_has_one_payment(world: World) -> None:
    link = await world.link()
    world.acquirer.faults.cut_off = 1

    first, _ = await world.press_pay(link)
    second, _ = await world.press_pay(link)

    assert (first, second) == (503, 303)
    assert len(world.acquirer.payments) == 1


async def test_a_sum_that_the_acquirer_does_not_take_is_told(world: World) -> None:
    link = await world.link(35_000_100, whole=False)

    _, said = await world.press_pay(link, 35_000_100)

    assert "Банк не принял платёж" in said
    assert await world.states() == ["canceled"]


async def test_who_comes_back_early_waits_and_sees_it_arrive(world: World) -> None:
    link = await world.link()
    await world.press_pay(link)

    _, waiting = await world.get(f"{link}/done")

    assert "Ждём подтверждения банка" in waiting


async def test_a_page_speaks_the_language_of_its_chat(world: World) -> None:
    await world.rows("update chat set language = 'en'")

    _, said = await world.get(await world.link())

    assert "Pay 100,00 ₽" in said


# --- The database is away --------------------------------------------------------------------------


async def test_a_page_asks_for_patience_and_a_notice_comes_again_while_the_database_is_away(
    world: World,
) -> None:
    link = await world.link()
    await world.press_pay(link)
    await world.pool.close()

    for status, said in (await world.get(link), await world.press_pay(link), await world.get(f"{link}/done")):
        assert status == 503
        assert "Страница сейчас не открывается\nПопробуйте, пожалуйста, через минуту." in said
    assert await world.notify(*world.acquirer.payments) == 503
