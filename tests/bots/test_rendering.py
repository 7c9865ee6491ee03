import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from adapters.qr import read
from bots.rendering import NoSuchDocumentError, Renderer
from bots.simulator.surroundings import simulated_configuration
from core.messages import BillDocument, Month, PaymentQr, UsageChart
from core.money import Money
from storage.database import Pool, open_pool
from tests.conftest import NOW, Database

OCTOBER = Month(2026, 10)


@pytest.fixture
async def populated(inhabited: Database) -> AsyncIterator[Pool]:
    """Connections to a town of a test's own."""
    async with open_pool(inhabited.app) as pool:
        yield pool


@pytest.fixture
async def renderer(populated: Pool) -> AsyncIterator[Renderer]:
    """What makes the demo centre's documents, in one process."""
    renderer = Renderer(populated, simulated_configuration(1).as_centre, now=lambda: NOW, processes=1)
    yield renderer
    renderer.close()


async def test_a_resident_gets_the_bill_with_a_masked_address(renderer: Renderer) -> None:
    file = await renderer.render(BillDocument(1, OCTOBER), "ru")

    words = PdfReader(BytesIO(file.body)).pages[0].extract_text()
    assert (file.name, file.media_type) == ("kvitanciya-2026-10.pdf", "application/pdf")
    assert "за октябрь 2026" in words
    assert "Заречинск, ул." not in words


async def test_a_qr_asks_for_the_sum_of_the_message(renderer: Renderer) -> None:
    file = await renderer.render(PaymentQr(1, Money(123_456)), "ru")

    [code] = zxingcpp.read_barcodes(Image.open(BytesIO(file.body)))
    fields = read(bytes(code.bytes))
    assert (fields["Sum"], fields["PaymPeriod"]) == ("123456", "102026")


async def test_charts_are_drawn_from_bills_and_readings(renderer: Renderer) -> None:
    file = await renderer.render(UsageChart(1, OCTOBER), "en")

    assert Image.open(BytesIO(file.body)).height > 1500


async def test_the_same_document_is_drawn_once(renderer: Renderer) -> None:
    first = await renderer.render(UsageChart(1, OCTOBER), "ru")

    assert await renderer.render(UsageChart(1, OCTOBER), "ru") is first


async def test_a_process_that_was_killed_is_replaced(renderer: Renderer) -> None:
    await renderer.render(PaymentQr(1, Money(100)), "ru")
    [process] = renderer._drawing._processes.values()
    process.kill()
    await asyncio.to_thread(process.join)

    file = await renderer.render(PaymentQr(1, Money(200)), "ru")

    assert file.media_type == "image/png"


async def test_a_bill_that_is_not_there_is_an_error_that_names_it(renderer: Renderer) -> None:
    with pytest.raises(NoSuchDocumentError, match="2020-01"):
        await renderer.render(BillDocument(1, Month(2020, 1)), "ru")
