import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adapters.qr import (
    MANDATORY,
    SEPARATORS,
    UnreadableQrError,
    UnwritableQrError,
    payment_string,
    read,
    svg,
    written,
)
from tests.making_documents import an_order, some_requisites

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "bodies/gost-qr/vectors.json").read_bytes())
BY_NAME = {vector["name"]: vector for vector in VECTORS["vectors"]}
# What people and programs put into names: Cyrillic, quotes, and every separator that there is.
NAMES = st.text(
    st.sampled_from(f'АБВГДЕЁЖабвгдеёж «»"№—-.{SEPARATORS[:8]}= \t\n') | st.characters(codec="utf-8"),
    min_size=1,
    max_size=200,
).filter(lambda name: "".join(char for char in name if char.isprintable()).strip() != "")


def payload(name: str) -> bytes:
    return bytes.fromhex(BY_NAME[name]["hex"])


def scanned(drawn: str) -> bytes:
    """What an independent reader sees in the drawing."""
    typed = (
        f"#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes({json.dumps(drawn)}), width: 200pt)"
    )
    drawing = Image.open(BytesIO(compiled(typed)))
    # A reader of all kinds takes a row of dots for a bar code now and then.
    [code] = zxingcpp.read_barcodes(drawing, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return bytes(code.bytes)


def compiled(source: str) -> bytes:
    import typst  # noqa: PLC0415  # only to make a picture of a drawing

    picture = typst.Compiler().compile(source.encode(), format="png")
    assert isinstance(picture, bytes)
    return picture


# --- Writing ---------------------------------------------------------------------------------------


def test_a_bill_is_written_byte_for_byte_as_banks_expect() -> None:
    fields = BY_NAME["bill_utf8"]["fields"]

    assert written(list(fields.items())) == payload("bill_utf8")


@pytest.mark.parametrize("name", ["mandatory_only", "value_with_equals", "with_counters", "dance_utf8"])
def test_what_others_wrote_we_write_alike(name: str) -> None:
    assert written(list(BY_NAME[name]["fields"].items())) == payload(name)


def test_a_value_with_the_separator_makes_us_take_another() -> None:
    fields = BY_NAME["separator_hash"]["fields"]

    assert written(list(fields.items())) == payload("separator_hash").removesuffix(b"#")


def test_an_order_names_the_account_and_kopecks_and_no_person() -> None:
    fields = read(payment_string(an_order()))

    assert list(fields) == [
        *MANDATORY, "KPP", "PayeeINN", "Purpose", "Sum", "PersAcc", "PaymPeriod", "TechCode",
    ]  # fmt: skip
    assert (fields["Sum"], fields["PersAcc"], fields["PaymPeriod"]) == ("235040", "0581234567", "092026")


def test_what_the_centres_bank_asks_for_is_written() -> None:
    order = an_order(payee=some_requisites(category="ЖКУ", service="5001"))

    fields = read(payment_string(order))

    assert (fields["Category"], fields["ServiceName"]) == ("ЖКУ", "5001")


def test_an_account_number_is_bare_for_the_bank() -> None:
    assert read(payment_string(an_order(number="058-123 45/67")))["PersAcc"] == "0581234567"


def test_who_has_no_kpp_or_correspondent_account_says_zero() -> None:
    fields = read(payment_string(an_order(payee=some_requisites(kpp="", corr_account=""))))

    assert (fields["KPP"], fields["CorrespAcc"]) == ("0", "0")


@pytest.mark.parametrize("kopecks", [0, -1])
def test_what_is_not_owed_makes_no_code(kopecks: int) -> None:
    with pytest.raises(UnwritableQrError):
        payment_string(an_order(kopecks))


@pytest.mark.parametrize(
    "wrong", [{"bank_account": "4070281"}, {"bik": "12345678x"}, {"inn": "1"}, {"name": " "}]
)
def test_requisites_that_do_not_fit_make_no_code(wrong: dict[str, str]) -> None:
    with pytest.raises(UnwritableQrError):
        payment_string(an_order(payee=some_requisites(**wrong)))


@pytest.mark.parametrize("name", ["missing_bic", "sum_with_dot", "cyrillic_key"])
def test_mistakes_of_others_cannot_be_written(name: str) -> None:
    with pytest.raises(UnwritableQrError):
        written(list(BY_NAME[name]["fields"].items()))


@given(
    name=NAMES,
    bank=NAMES,
    number=st.from_regex(r"[0-9]{8,13}", fullmatch=True),
    kopecks=st.integers(1, 10**11),
)
def test_any_order_is_read_as_it_was_written(name: str, bank: str, number: str, kopecks: int) -> None:
    order = an_order(kopecks, payee=some_requisites(name=name, bank_name=bank), number=number)
    try:
        text = payment_string(order)
    except UnwritableQrError as error:
        assert error.field == "all"  # noqa: PT017  # every separator was in the names
        return

    fields = read(text)

    assert (fields["PersAcc"], fields["Sum"]) == (number, str(kopecks))
    assert fields["Name"][0] in name
    assert len(text) <= 600
    assert text.decode().startswith("ST00012")


# --- Reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS["vectors"] if one["valid"]], ids=lambda one: one["name"]
)
def test_what_is_in_use_is_read(vector: dict[str, Any]) -> None:
    fields = read(bytes.fromhex(vector["hex"]))

    assert vector.get("fields", fields) == fields


@pytest.mark.parametrize(
    "name",
    ["bad_format", "bad_version", "bad_encoding_0", "bad_encoding_4", "empty", "missing_bic", "sum_with_dot"],
)
def test_what_is_no_payment_is_refused(name: str) -> None:
    with pytest.raises(UnreadableQrError):
        read(payload(name))


@given(st.binary(max_size=80).map(lambda tail: b"ST00012|" + tail))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    try:
        read(noise)
    except UnreadableQrError:
        return


# --- Drawing ---------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(kopecks=st.integers(1, 10**9), name=NAMES)
def test_an_independent_reader_sees_the_very_bytes(kopecks: int, name: str) -> None:
    try:
        text = payment_string(an_order(kopecks, payee=some_requisites(name=name)))
    except UnwritableQrError:
        return

    assert scanned(svg(text)) == text


def test_the_symbol_is_as_small_as_level_m_allows() -> None:
    [expected] = [
        one["modules"] for one in VECTORS["sizes"] if one["vector"] == "bill_utf8" and one["ec"] == "M"
    ]

    assert f'viewBox="0 0 {expected + 8} {expected + 8}"' in svg(payload("bill_utf8"))
