from io import BytesIO

import msgspec
import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from adapters.qr import payment_string, read
from adapters.typst import rendered
from core.channel import RenderedFile
from core.documents import BillSheet
from core.money import NOTHING, Money
from tests.making_documents import (
    a_bill_sheet,
    a_chart_sheet,
    a_full_bill_sheet,
    a_paper_link,
    a_qr_sheet,
    a_sheet_line,
    a_sheet_meter,
    an_order,
)


def pages(sheet: BillSheet) -> list[str]:
    """The words on each page of a bill, with plain blanks."""
    return [
        page.extract_text().replace("\xa0", " ") for page in PdfReader(BytesIO(rendered(sheet).body)).pages
    ]


def codes(file: RenderedFile) -> list[bytes]:
    """What an independent reader finds in a picture."""
    return [bytes(code.bytes) for code in zxingcpp.read_barcodes(Image.open(BytesIO(file.body)))]


# --- The bill --------------------------------------------------------------------------------------


def test_a_bill_says_whose_it_is_and_how_much() -> None:
    [page] = pages(a_bill_sheet())

    for words in ("0581234567", "75AA00000120261001", "П*** А***", "48,3 м² общая", "зарегистрировано 2"):
        assert words in page
    assert "2 549,68 ₽" in page
    assert "до 16.11.2026 включительно" in page


def test_every_line_has_its_volume_tariff_and_sum() -> None:
    [page] = pages(a_bill_sheet(a_sheet_line("Отопление", method="N")))

    assert "Отопление" in page
    assert "0,928 Гкал н" in page
    assert "2 747,50" in page


def test_meters_are_shown_before_and_after() -> None:
    [page] = pages(a_bill_sheet(meters=(a_sheet_meter(now=None, now_on=None, used=None),)))

    assert "250006342" in page
    assert "120" in page
    assert "14.05.2031" in page


def test_a_recalculation_has_its_reason() -> None:
    line = a_sheet_line("Горячая вода", recalculation=Money(-10_000), reason="Нет горячей воды 3 дня")

    [page] = pages(a_bill_sheet(line))

    assert "Горячая вода: Нет горячей воды 3 дня" in page
    assert "−100,00" in page


def test_columns_without_a_value_are_left_out() -> None:
    [page] = pages(a_bill_sheet())

    assert "Льготы" not in page
    assert "Повыш." not in page


@pytest.mark.parametrize("paper", [None, a_paper_link()])
def test_twenty_services_take_two_pages_at_most(paper: object) -> None:
    both = pages(a_full_bill_sheet(paper=paper))

    assert len(both) <= 2
    assert "Горячая вода на общие нужды 19" in " ".join("".join(both).split())


def test_an_advance_is_called_so_and_asks_for_nothing() -> None:
    [page] = pages(a_bill_sheet(total_due=Money(-100_000), qr_due=NOTHING))

    assert "Переплата" in page
    assert "1 000,00 ₽" in page
    assert "платить не нужно" in page
    assert "Оплата" not in page


def test_only_paper_leads_into_a_chat() -> None:
    [sent], [printed] = pages(a_bill_sheet()), pages(a_bill_sheet(paper=a_paper_link("482913")))

    assert "Код подключения" not in sent
    assert "482913" in printed


def test_what_billing_does_not_say_is_not_printed() -> None:
    empty = msgspec.structs.replace(
        a_bill_sheet().premises,
        area_total=None,
        area_living=None,
        area_heated=None,
        registered=None,
        residents=None,
    )

    [page] = pages(
        a_bill_sheet(premises=empty, gis_account="", gis_document="", payee=None, meters=(), house=())
    )

    for label in ("Площадь\n", "Человек", "ЕЛС", "Реквизиты", "Показания", "Объёмы по дому"):
        assert label not in page


def test_what_billing_wrote_is_printed_and_never_run() -> None:
    code = '#panic() $x$ *b* _i_ `r` = @ref <tag> #{1+1} \\u{41} ] " // no'
    usual = a_bill_sheet()

    shown = pages(
        a_bill_sheet(
            a_sheet_line(code, reason=code, recalculation=Money(-10_000)),
            premises=msgspec.structs.replace(usual.premises, address=code),
            recipients=tuple(msgspec.structs.replace(each, name=code) for each in usual.recipients),
            meters=(a_sheet_meter(place=code),),
        )
    )

    # The address, the service twice, the reason, the recipient and the meter.
    assert " ".join("".join(shown).split()).count(code) == 6


def test_the_same_bill_is_the_same_file() -> None:
    assert rendered(a_bill_sheet()) == rendered(a_bill_sheet())


def test_every_glyph_of_a_bill_comes_from_our_font() -> None:
    reader = PdfReader(BytesIO(rendered(a_full_bill_sheet(paper=a_paper_link())).body))
    drawn_with = [page["/Resources"].get_object() for page in reader.pages]
    fonts = {
        str(font.get_object()["/BaseFont"])
        for resources in drawn_with
        if isinstance(resources, DictionaryObject)
        for font in resources["/Font"].values()  # type: ignore[attr-defined]  # a dictionary of fonts
    }

    assert {name.partition("+")[2].partition("-")[0] for name in fonts} == {"Roboto"}


# --- Pictures --------------------------------------------------------------------------------------


def test_a_qr_picture_is_read_back_and_dated() -> None:
    order = an_order(432_105)

    assert codes(rendered(a_qr_sheet(order))) == [payment_string(order)]


def test_a_qr_picture_survives_a_messengers_compression() -> None:
    order = an_order(432_105)
    shrunk = BytesIO()
    Image.open(BytesIO(rendered(a_qr_sheet(order)).body)).convert("RGB").save(shrunk, "JPEG", quality=40)

    [code] = zxingcpp.read_barcodes(Image.open(shrunk))

    assert read(bytes(code.bytes))["Sum"] == "432105"


def test_a_chart_is_as_wide_as_a_phone_and_not_endless() -> None:
    picture = Image.open(BytesIO(rendered(a_chart_sheet()).body))

    assert picture.width == 1080
    assert picture.height < 1080
