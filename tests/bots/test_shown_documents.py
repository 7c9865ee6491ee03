"""The documents of a reply that a strict messenger may not carry: on its page, for who looks at it alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Final
from urllib.parse import urljoin

import aiohttp
import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import expect
from pypdf import PdfReader

from adapters.qr import read
from storage import shown_pages
from tests.bots.making_strict import CHANNEL, Strict, pressed
from tests.browsing import a_page, picture
from tests.walking import everything_in

FILE: Final = re.compile(r'(?:href|src)="([^"]+/\d+)"')


@dataclass(frozen=True)
class File:
    """What the page gave for a document's address."""

    status: int
    kind: str
    body: bytes
    headers: Mapping[str, str]


async def fetched(browser: aiohttp.ClientSession, address: str) -> File:
    async with browser.get(address) as answer:
        return File(answer.status, answer.content_type, await answer.read(), answer.headers)


async def file_behind(browser: aiohttp.ClientSession, link: str) -> str:
    """The address of the document on the page behind *link*, which is pressed."""
    async with browser.post(link) as page:
        found = FILE.search(await page.text())
    assert found is not None
    return urljoin(link, str(found[1]))


@pytest.mark.parametrize(
    ("words", "begins", "kind"),
    [
        ("квитанция за октябрь", b"%PDF-", ("application/pdf", "attachment", "kvitanciya-2026-10.pdf")),
        ("qr", b"\x89PNG", ("image/png", "inline", "qr-oplata.png")),
        ("графики", b"\x89PNG", ("image/png", "inline", "grafiki.png")),
    ],
)
async def test_the_page_shows_the_documents_of_the_reply_and_the_chat_gets_none(
    words: str, begins: bytes, kind: tuple[str, str, str], strict: Strict, browser: aiohttp.ClientSession
) -> None:
    address = await file_behind(browser, await strict.link(words))

    file = await fetched(browser, address)

    media_type, shown_how, name = kind
    assert (file.status, file.kind) == (200, media_type)
    assert file.headers["Content-Disposition"] == f"{shown_how}; filename*=UTF-8''{name}"
    assert file.body.startswith(begins)
    assert file.headers["Cache-Control"] == "no-store"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in file.headers["Content-Security-Policy"]
    heard = [*everything_in(strict.around.channels[CHANNEL].calls)]
    assert not any("%PDF-" in each or "PNG\r" in each or "/files/" in each for each in heard)


async def test_the_qr_of_the_page_asks_for_the_sum_of_the_reply_and_the_bill_is_masked(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    bill = await fetched(browser, await file_behind(browser, await strict.link("квитанция за октябрь")))
    qr = await fetched(browser, await file_behind(browser, await strict.link("qr")))

    [code] = zxingcpp.read_barcodes(Image.open(BytesIO(qr.body)))
    assert int(read(bytes(code.bytes))["Sum"]) > 0
    assert "Заречинск, ул." not in PdfReader(BytesIO(bill.body)).pages[0].extract_text()


async def test_a_document_is_for_the_browser_that_pressed_and_for_no_longer_than_the_page(
    strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link("qr")
    before = await fetched(browser, f"{link}/1")
    address = await file_behind(browser, link)

    async with aiohttp.ClientSession() as other:
        others = await fetched(other, address)
    strict.around.clock.set(strict.around.clock() + timedelta(minutes=10))
    after = await fetched(browser, address)

    assert [each.status for each in (before, others, after)] == [404, 404, 404]
    assert "Ссылка больше не действует" in after.body.decode()


@pytest.mark.parametrize("place", ["0", "2", "01", "-1", "x", "٢", "1" * 5000])
async def test_a_document_that_the_page_does_not_have_is_not_there(
    place: str, strict: Strict, browser: aiohttp.ClientSession
) -> None:
    link = await strict.link("qr")
    await pressed(browser, link)

    assert (await fetched(browser, f"{link}/{place}")).status == 404


async def test_a_document_may_be_fetched_so_often_and_no_more(
    strict: Strict, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_pages, "FETCHES_MAX", 2)
    address = await file_behind(browser, await strict.link("qr"))

    assert [(await fetched(browser, address)).status for _ in range(3)] == [200, 200, 404]


async def test_a_document_looks_well_on_a_phone(strict: Strict) -> None:
    qr, bill = await strict.link("qr"), await strict.link("квитанция за октябрь")
    async with a_page(width=360, height=740) as page:
        await page.goto(qr)
        await page.get_by_role("button", name="Показать").click()
        image = page.get_by_role("img", name="QR-код", exact=False)
        await expect(image).to_be_visible()
        drawn = await image.evaluate("image => image.complete && image.naturalWidth")
        await picture(page, "shown-qr")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        await page.goto(bill)
        await page.get_by_role("button", name="Показать").click()
        await picture(page, "shown-bill")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Скачать квитанцию", exact=False).click()

    assert drawn
    assert wide <= 360
    assert (await download.value).suggested_filename == "kvitanciya-2026-10.pdf"
