from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import unused_port
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from adapters.sberbank import Fiscal, Gateway, Sberbank, SberbankSettings, decode_notice, encode
from adapters.sberbank_answers import (
    Again,
    decode_refunded,
    decode_registered,
    decode_status,
    is_signed,
    signed_text,
)
from bots.simulator.sberbank_rules import mistake_in
from core.acquiring import (
    Accepted,
    Acquirer,
    AttemptState,
    Created,
    Details,
    Down,
    Found,
    Missing,
    Notice,
    Order,
    Refused,
    Unreadable,
)
from core.errors import ForgedWebhookError
from core.fiscal import Contact, Item, Mode, Supplier
from core.money import Money

BODIES = Path(__file__).parents[1] / "bodies" / "sber"
OPERATION = "3ff6962a-7dcc-4283-ab50-a6d7dd3386fe"
KEY = "018f3c2e7b1a7c449a532f6d1e8b0a11"
VECTORS = msgspec.json.decode((BODIES / "checksum_vectors.json").read_bytes())
SECRET = b"20546026a3675994185a132875efe41a"
FISCAL = Fiscal(
    email="office@example.ru",
    sno="osn",
    inn="9800123456",
    address="https://pay.example.ru",
    tax_types={"cold_water": 6},
    agent=True,
)
ITEMS = (
    Item(
        "cold_water",
        "Холодное водоснабжение",
        "09.2026",
        Money(85_040),
        Mode.FULL,
        Supplier("ООО Водоканал", "9800123456"),
    ),
    Item("", "Аванс", "", Money(150_000), Mode.ADVANCE),
)


def body_of(name: str) -> bytes:
    return (BODIES / f"{name}.json").read_bytes()


def query_of(name: str) -> dict[str, str]:
    return dict(parse_qsl((BODIES / f"{name}.query.txt").read_text().strip()))


def status_in(name: str) -> Found | Missing | Down | Unreadable:
    return decode_status(200, body_of(name), operation=None)


def an_order(**rest: Any) -> Order:
    usual: dict[str, Any] = {
        "key": KEY,
        "amount": Money(235_040),
        "description": "Оплата ЖКУ, л/с 0581234567",
        "return_url": "https://pay.example.ru/r/4f9Zq2",
    }
    return Order(**{**usual, **rest})


def settings(gateway: Gateway = Gateway.ECOMMERCE, **rest: Any) -> SberbankSettings:
    return SberbankSettings(**{"gateway": gateway, "login": "ercc-api", "password": "made-up", **rest})


# --- What we say ----------------------------------------------------------------------------------


def test_an_order_is_registered_as_in_their_example_in_kopecks() -> None:
    theirs = msgspec.json.decode(body_of("register.new.request"))

    ours = encode(an_order(), settings())

    same = ("orderNumber", "amount", "currency", "returnUrl", "failUrl", "description", "language")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}


def test_a_description_has_nothing_that_the_older_gateways_stumble_over() -> None:
    said = encode(an_order(description="Оплата 100%\nза + " + "я" * 200), settings())["description"]

    assert len(said) == 99
    assert said.startswith("Оплата 100 за яяя")


@pytest.mark.parametrize("ffd", ["1.2", "1.05"])
def test_a_receipt_adds_up_to_the_order_and_names_its_supplier(ffd: str) -> None:
    fiscal = Fiscal(**{name: getattr(FISCAL, name) for name in FISCAL.__slots__} | {"ffd": ffd})
    order = an_order(details=Details(items=ITEMS), contact=Contact(phone="79000000000"))

    said = encode(order, settings(fiscal=fiscal))

    assert mistake_in(said, forms=False) is None
    assert said["phone"] == "+79000000000"
    water = said["orderBundle"]["cartItems"]["items"][0]
    assert water["supplierInfo"] == {"name": "ООО Водоканал", "inn": "9800123456  "}
    assert water["tax"] == {"taxType": 6}


def test_a_receipt_is_theirs_of_the_example_but_for_the_phone_of_a_supplier() -> None:
    theirs = msgspec.json.decode(body_of("order_bundle.new.fragment"))["orderBundle"]
    order = an_order(details=Details(items=ITEMS), contact=Contact(email="resident@example.ru"))

    ours = encode(order, settings(fiscal=FISCAL))["orderBundle"]

    assert {**ours, "cartItems": None} == {**theirs, "cartItems": None}
    assert ours["cartItems"]["items"][0].keys() == theirs["cartItems"]["items"][0].keys()


# --- What they say --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["register.new.response", "register.legacy.response"])
def test_a_registration_tells_where_to_pay(name: str) -> None:
    created = decode_registered(200, body_of(name))

    assert isinstance(created, Created)
    assert created.operation == OPERATION
    assert created.url is not None
    assert created.url.endswith(f"mdOrder={OPERATION}")


def test_a_number_that_was_used_before_has_the_order_asked_for() -> None:
    assert decode_registered(200, body_of("register_duplicate.response")) == Again("errorCode 1", final=True)


@pytest.mark.parametrize("name", ["err_system.response", "err_int_code.response"])
def test_a_system_error_may_have_registered_the_order(name: str) -> None:
    assert decode_registered(200, body_of(name)) == Again("errorCode 7", final=False)


@pytest.mark.parametrize("name", ["err_access_denied.response", "err_nested.response"])
def test_a_refused_login_says_nothing_of_the_order(name: str) -> None:
    assert decode_registered(200, body_of(name)) == Down("access denied")
    assert status_in(name) == Down("access denied")


@pytest.mark.parametrize("code", ["3", 4, "8", 14])
def test_what_they_will_never_take_is_a_refusal(code: str | int) -> None:
    body = msgspec.json.encode({"errorCode": code, "errorMessage": "нет"})

    assert decode_registered(200, body) == Refused(f"errorCode {code}")


@pytest.mark.parametrize(
    ("name", "state", "kopecks"),
    [
        ("status_0_registered.response", AttemptState.PENDING, 0),
        ("status_1_held.response", AttemptState.PENDING, 0),
        ("status_2_paid.response", AttemptState.PAID, 0),
        ("status_3_reversed.response", AttemptState.REFUNDED, 235_040),
        ("status_4_partial_refund.response", AttemptState.REFUNDED_IN_PART, 35_040),
        ("status_5_acs.response", AttemptState.PENDING, 0),
        ("status_6_declined.response", AttemptState.CANCELED, 0),
        ("status_6_expired.response", AttemptState.EXPIRED, 0),
    ],
)
def test_each_of_their_states_is_one_of_ours(name: str, state: AttemptState, kopecks: int) -> None:
    found = status_in(name)

    assert isinstance(found, Found)
    assert (found.state, found.refunded, found.amount) == (state, Money(kopecks), Money(235_040))
    assert (found.operation, found.key, found.currency) == (OPERATION, KEY, "RUB")


def test_money_arrived_when_it_was_deposited() -> None:
    found = status_in("status_2_paid.response")

    assert isinstance(found, Found)
    assert found.paid_at == datetime(2026, 10, 5, 8, 13, 44, 10_000, tzinfo=UTC)


def test_less_deposited_than_ordered_is_what_was_paid() -> None:
    body = msgspec.json.decode(body_of("status_2_paid.response"))
    body["paymentAmountInfo"]["depositedAmount"] = 100

    found = decode_status(200, msgspec.json.encode(body), operation=OPERATION)

    assert isinstance(found, Found)
    assert found.amount == Money(100)


@pytest.mark.parametrize("amount", ["100.005", 100.5, None])
def test_an_order_without_a_sum_in_kopecks_is_for_a_person(amount: object) -> None:
    body = msgspec.json.decode(body_of("status_2_paid.response"))
    body["amount"] = amount

    found = decode_status(200, msgspec.json.encode(body), operation="an-order")

    assert isinstance(found, Unreadable)
    assert (found.operation, found.key) == ("an-order", body["orderNumber"])


def test_a_refund_of_an_untold_sum_is_for_a_person() -> None:
    body = msgspec.json.decode(body_of("status_4_partial_refund.response"))
    del body["paymentAmountInfo"]

    assert isinstance(decode_status(200, msgspec.json.encode(body), operation=None), Unreadable)


def test_a_declined_order_whose_processing_did_not_answer_is_unknown() -> None:
    body = msgspec.json.decode(body_of("status_6_declined.response")) | {"actionCode": 1018}

    found = decode_status(200, msgspec.json.encode(body), operation=None)

    assert isinstance(found, Found)
    assert found.state is AttemptState.UNKNOWN


def test_the_order_is_named_in_a_list_or_in_an_object() -> None:
    body = msgspec.json.decode(body_of("status_2_paid.response")) | {"attributes": {"mdOrder": "op7"}}

    found = decode_status(200, msgspec.json.encode(body), operation=None)

    assert isinstance(found, Found)
    assert found.operation == "op7"


@pytest.mark.parametrize("code", ["5", 6, "9"])
def test_what_they_do_not_know_is_missing(code: str | int) -> None:
    body = msgspec.json.encode({"errorCode": code, "errorMessage": "Заказ не найден"})

    assert decode_status(200, body, operation=None) == Missing()
    assert status_in("status_not_found.response") == Missing()


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b'{"orderStatus":"x"}', b"\xff"])
@pytest.mark.parametrize("status", [200, 502, 504])
def test_what_cannot_be_read_is_no_answer(status: int, body: bytes) -> None:
    assert isinstance(decode_registered(status, body), Down)
    assert isinstance(decode_status(status, body, operation=None), Down)
    assert isinstance(decode_refunded(status, body), Down)


def test_a_refund_is_accepted_or_refused() -> None:
    assert decode_refunded(200, body_of("refund.response")) == Accepted()
    assert decode_refunded(200, body_of("refund_too_much.response")) == Refused("errorCode 5")
    assert decode_refunded(200, body_of("err_system.response")) == Down("errorCode 7")


# --- Notices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["symmetric"])
def test_a_common_secret_signs_what_is_told_in_the_order_of_names(vector: dict[str, Any]) -> None:
    told = {**vector["params"], "checksum": vector["checksum"]}

    assert signed_text(told).decode() == vector["string"]
    assert is_signed(told, vector["key"].encode()) == vector.get("valid", True)


def test_a_banks_signature_is_verified_with_its_certificate() -> None:
    [vector] = VECTORS["asymmetric"]
    certificate = x509.load_der_x509_certificate(b64decode(vector["certificate_der_base64"]))
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    pairs = vector["string"].rstrip(";").split(";")
    told = dict(zip(pairs[::2], pairs[1::2], strict=True)) | {
        "checksum": vector["checksum"],
        "sign_alias": "x",
    }

    assert is_signed(told, key)
    assert not is_signed({**told, "amount": "1"}, key)
    assert not is_signed({**told, "checksum": "not hex"}, key)


@pytest.mark.parametrize(
    ("name", "signed"),
    [
        ("in_callback_legacy_deposited", True),
        ("in_callback_legacy_declined_by_timeout", True),
        ("in_callback_legacy_forged", False),
    ],
)
async def test_a_signed_notice_is_heard_and_a_forged_one_is_not(name: str, signed: bool) -> None:
    async with aiohttp.ClientSession() as http:
        bank = Sberbank(http, settings(Gateway.LEGACY, notice_key=SECRET))
        notice = Notice({}, query_of(name), b"", "127.0.0.1")

        if signed:
            assert bank.notice(notice) == OPERATION
        else:
            with pytest.raises(ForgedWebhookError):
                bank.notice(notice)


async def test_a_notice_without_a_checksum_is_forged_where_there_should_be_one() -> None:
    async with aiohttp.ClientSession() as http:
        bank = Sberbank(http, settings(notice_key=SECRET))

        with pytest.raises(ForgedWebhookError):
            bank.notice(Notice({}, {}, body_of("in_callback_new_deposited"), "127.0.0.1"))


def test_a_notice_is_a_query_a_form_or_json() -> None:
    query = query_of("in_callback_legacy_deposited")
    form = (BODIES / "in_callback_legacy_deposited.query.txt").read_bytes().strip()

    assert decode_notice(Notice({}, query, b"", "")) == query
    assert decode_notice(Notice({}, {}, form, "")) == query
    assert decode_notice(Notice({}, {}, body_of("in_callback_new_deposited"), ""))["mdOrder"] == OPERATION


@pytest.mark.parametrize("body", [b"", b"{}", b"{", b"\xff", b'{"mdOrder": 1}'])
async def test_a_notice_about_no_order_is_about_none(body: bytes) -> None:
    async with aiohttp.ClientSession() as http:
        assert Sberbank(http, settings()).notice(Notice({}, {}, body, "127.0.0.1")) is None


async def test_a_gateway_that_cannot_be_reached_is_down() -> None:
    async with aiohttp.ClientSession() as http:
        away: Acquirer = Sberbank(http, settings(base_url=f"http://127.0.0.1:{unused_port()}"))

        assert isinstance(await away.create(an_order()), Down)
        assert isinstance(await away.query(OPERATION), Down)
        assert await away.query("../x") == Missing()


def test_the_password_is_not_shown() -> None:
    assert "made-up" not in repr(settings(notice_key=SECRET))
    assert SECRET.decode() not in repr(settings(notice_key=SECRET))
