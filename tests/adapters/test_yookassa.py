from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import unused_port

from adapters.yookassa import Yookassa, YookassaSettings, encode
from adapters.yookassa_answers import (
    decode_created,
    decode_found,
    decode_notice,
    decode_page,
    decode_refunded,
)
from bots.simulator.yookassa_rules import mistake_in
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
from core.fiscal import Contact, Item, Mode, ReceiptNeed
from core.messages import Month
from core.money import Money
from core.requisites import Requisites

BODIES = Path(__file__).parents[1] / "bodies" / "yookassa"
SHOP = "100500"
OPERATION = "30f1a2b3-000f-5000-8000-1a2b3c4d5e6f"
CENTRE = Requisites(
    "МУП ЕРКЦ Среднереченска",
    "9800123456",
    "980101001",
    "40702810048000012345",
    "ПАО СБЕРБАНК",
    "044525225",
    "30101810400000000225",
)
ITEMS = (
    Item("cold_water", "Холодное водоснабжение", "09.2026", Money(85_040), Mode.FULL),
    Item("", "Аванс", "", Money(150_000), Mode.ADVANCE),
)
DETAILS = Details("0581234567", "60АА000593", Month(2026, 9))


def body_of(name: str) -> bytes:
    return (BODIES / f"{name}.json").read_bytes()


def found_in(name: str) -> Found:
    found = decode_found(200, body_of(name), shop_id=SHOP)
    assert isinstance(found, Found)
    return found


def an_order(**rest: Any) -> Order:
    usual: dict[str, Any] = {
        "key": "018f3c2e7b1a7c449a532f6d1e8b0a11",
        "amount": Money(235_040),
        "description": "Оплата ЖКУ, л/с 0581234567, 09.2026",
        "return_url": "https://pay.example.ru/r/4f9Zq2",
        "details": DETAILS,
    }
    return Order(**{**usual, **rest})


def settings(**rest: Any) -> YookassaSettings:
    return YookassaSettings(**{"shop_id": SHOP, "secret": "test_made-up", "recipient": CENTRE, **rest})


# --- What we say ----------------------------------------------------------------------------------


def test_a_payment_for_utilities_is_said_as_in_their_example() -> None:
    theirs = msgspec.json.decode(body_of("create_utilities.request"))

    ours = encode(an_order(), settings())

    assert ours["payment_order"] == theirs["payment_order"]
    assert {name: ours[name] for name in ("amount", "capture", "description", "confirmation")} == {
        name: theirs[name] for name in ("amount", "capture", "description", "confirmation")
    }


def test_the_money_is_taken_at_once_and_our_key_comes_back_with_every_answer() -> None:
    said = encode(an_order(), settings())

    assert said["capture"] is True
    assert said["metadata"] == {"kvitok_payment": "018f3c2e7b1a7c449a532f6d1e8b0a11"}


def test_another_shop_names_no_payment_order() -> None:
    assert "payment_order" not in encode(an_order(), settings(recipient=None))


def test_a_number_of_another_length_is_not_said_to_be_the_unified_one() -> None:
    order = encode(an_order(details=Details("1", "60АА0005931", None)), settings())["payment_order"]

    assert order["payment_purpose"] == "Оплата ЖКУ;ЛСИ 1"
    assert order.keys() & {"unified_account_number", "payment_period"} == set()


def test_the_same_order_is_said_to_the_byte_and_within_every_limit() -> None:
    wordy = Item("cold_water", "В" * 200, "01.2026–09.2026", Money(235_040), Mode.PART)
    order = an_order(
        description="о" * 300,
        details=msgspec.structs.replace(DETAILS, items=(wordy,)),
        contact=Contact(phone="79000000000"),
    )
    chosen = settings(receipt=ReceiptNeed.EMAIL_OR_PHONE, vat_code=11, tax_system_code=1)

    said = encode(order, chosen)

    assert msgspec.json.encode(said) == msgspec.json.encode(encode(order, chosen))
    assert mistake_in(said, utilities=True) is None
    [line] = said["receipt"]["items"]
    assert len(line["description"]) == 128
    assert line["description"].endswith("…, 01.2026–09.2026")


def test_a_receipt_has_a_line_a_service_and_the_customers_address() -> None:
    theirs = msgspec.json.decode(body_of("create_with_receipt.request"))["receipt"]
    order = an_order(
        details=msgspec.structs.replace(DETAILS, items=ITEMS), contact=Contact(email="resident@example.ru")
    )

    receipt = encode(order, settings(receipt=ReceiptNeed.EMAIL, vat_codes={"cold_water": 11}))["receipt"]

    assert receipt["customer"] == theirs["customer"]
    assert receipt["items"][0] == {**theirs["items"][0], "vat_code": 11}
    advance = receipt["items"][1]
    assert (advance["payment_mode"], advance["payment_subject"]) == ("advance", "payment")


def test_no_receipt_is_made_where_nobody_can_be_sent_one() -> None:
    order = an_order(details=msgspec.structs.replace(DETAILS, items=ITEMS))

    assert "receipt" not in encode(order, settings(receipt=ReceiptNeed.EMAIL))


# --- What they say --------------------------------------------------------------------------------


def test_a_creation_tells_where_to_pay() -> None:
    created = decode_created(200, body_of("create_redirect.response"))

    assert isinstance(created, Created)
    assert created.operation == OPERATION
    assert created.url is not None
    assert created.url.endswith(f"orderId={OPERATION}")


def test_a_repeat_of_what_is_over_has_no_page() -> None:
    assert decode_created(200, body_of("get_canceled_expired.response")) == Created(OPERATION, None)


@pytest.mark.parametrize("name", ["err_400_parameter", "err_400_duplicate_key"])
def test_a_bad_request_is_a_refusal_that_names_the_parameter(name: str) -> None:
    refused = decode_created(400, body_of(name))

    assert isinstance(refused, Refused)
    assert refused.reason.startswith("HTTP 400 invalid_request ")


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "err_401"),
        (403, "err_403"),
        (429, "err_429"),
        (500, "err_500"),
        (202, "legacy_202_processing"),
    ],
)
def test_what_may_have_been_done_is_not_a_refusal(status: int, name: str) -> None:
    assert isinstance(decode_created(status, body_of(name)), Down)
    assert isinstance(decode_found(status, body_of(name), shop_id=SHOP), Down)
    assert isinstance(decode_refunded(status, body_of(name)), Down)


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b"{}", b"\xff"])
@pytest.mark.parametrize("status", [200, 502, 504])
def test_what_cannot_be_read_is_no_answer(status: int, body: bytes) -> None:
    assert isinstance(decode_created(status, body), Down)
    assert isinstance(decode_found(status, body, shop_id=SHOP), Down)
    assert isinstance(decode_page(status, body), Down)
    assert isinstance(decode_refunded(status, body), Down)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("create_redirect.response", AttemptState.PENDING),
        ("get_waiting_for_capture.response", AttemptState.PENDING),
        ("get_succeeded_sbp.response", AttemptState.PAID),
        ("get_canceled_expired.response", AttemptState.EXPIRED),
        ("get_canceled_no_money.response", AttemptState.CANCELED),
    ],
)
def test_each_of_their_states_is_one_of_ours(name: str, state: AttemptState) -> None:
    assert found_in(name).state is state


def test_a_paid_payment_is_read_whole() -> None:
    assert found_in("get_succeeded_card.response") == Found(
        operation=OPERATION,
        key="018f3c2e-7b1a-7c44-9a53-2f6d1e8b0a11",
        state=AttemptState.PAID,
        amount=Money(235_040),
        currency="RUB",
        paid_at=datetime(2026, 10, 5, 8, 13, 44, 10_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("refunded", "state"),
    [("0.01", AttemptState.REFUNDED_IN_PART), ("2350.40", AttemptState.REFUNDED)],
)
def test_what_went_back_is_told_with_the_payment(refunded: str, state: AttemptState) -> None:
    payment = msgspec.json.decode(body_of("get_succeeded_card.response"))
    payment["refunded_amount"]["value"] = refunded

    found = decode_found(200, msgspec.json.encode(payment), shop_id=SHOP)

    assert isinstance(found, Found)
    assert (found.state, f"{found.refunded.roubles:.2f}") == (state, refunded)


@pytest.mark.parametrize("value", ["2350.405", "NaN", "", "1e3x", "Infinity"])
def test_a_sum_that_is_no_whole_number_of_kopecks_is_for_a_person(value: str) -> None:
    payment = msgspec.json.decode(body_of("get_succeeded_card.response"))
    payment["amount"]["value"] = value

    found = decode_found(200, msgspec.json.encode(payment), shop_id=SHOP)

    key = payment["metadata"]["kvitok_payment"]
    assert found == Unreadable(OPERATION, key, "unreadable sum", f"{value} / 0.00")


@pytest.mark.parametrize("amount", [{"value": 2350.4, "currency": "RUB"}, None, "2350.40"])
def test_a_payment_of_another_form_is_for_a_person_and_spoils_no_list(amount: Any) -> None:
    listed = msgspec.json.decode(body_of("list_payments.response"))
    listed["items"][0]["amount"] = amount
    [first, second] = listed["items"]

    page = decode_page(200, msgspec.json.encode(listed))

    assert not isinstance(page, Down)
    assert [type(each) for each in page[0]] == [Unreadable, Found]
    assert isinstance(decode_found(200, msgspec.json.encode(first), shop_id=SHOP), Unreadable)
    assert [each.operation for each in page[0]] == [first["id"], second["id"]]


def test_another_shops_payment_and_one_that_is_not_there_are_missing() -> None:
    assert decode_found(200, body_of("get_succeeded_card.response"), shop_id="7") == Missing()
    assert decode_found(404, body_of("err_404"), shop_id=SHOP) == Missing()


def test_a_page_of_the_list_tells_by_what_the_next_is_asked_for() -> None:
    page = decode_page(200, body_of("list_payments.response"))

    assert not isinstance(page, Down)
    assert [found.state for found in page[0] if isinstance(found, Found)] == [
        AttemptState.PAID,
        AttemptState.CANCELED,
    ]
    assert page[1] == "37a5c87d-3984-51e8-a7f3-8de646d39ec15"


def test_a_refund_is_accepted_or_refused_for_want_of_the_shops_money() -> None:
    assert decode_refunded(200, body_of("refund.response")) == Accepted()
    assert decode_refunded(200, body_of("refund_canceled.response")) == Refused("insufficient_funds")


# --- Notices --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("in_payment_succeeded", OPERATION),
        ("in_payment_succeeded_sbp", OPERATION),
        ("in_payment_canceled", OPERATION),
        ("in_payment_waiting_for_capture", OPERATION),
        ("in_refund_succeeded", OPERATION),
        ("in_docs_2017_waiting_for_capture.wire", "2185355e-000f-5081-a000-0000000"),
        ("in_docs_2018_succeeded.wire", "2203aa1d-000f-5000-8000-17102541fd31"),
    ],
)
def test_a_notice_names_its_payment(name: str, operation: str) -> None:
    assert decode_notice(body_of(name)) == operation


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\xff", b'{"event":"payment_method.active","object":{"id":"x"}}']
)
def test_a_notice_about_no_payment_is_about_none(body: bytes) -> None:
    assert decode_notice(body) is None


@pytest.mark.parametrize("remote", ["185.71.76.5", "77.75.156.35", "2a02:5180:0:1509::1"])
async def test_a_notice_from_their_addresses_is_heard(remote: str) -> None:
    async with aiohttp.ClientSession() as http:
        notice = Notice({}, {}, body_of("in_payment_succeeded"), remote)

        assert Yookassa(http, settings()).notice(notice) == OPERATION


@pytest.mark.parametrize(
    "remote", ["127.0.0.1", "185.71.76.32", "77.75.156.36", "2a02:5181::1", "", "unknown"]
)
async def test_a_notice_from_elsewhere_is_forged(remote: str) -> None:
    async with aiohttp.ClientSession() as http:
        notice = Notice({}, {}, body_of("in_payment_succeeded"), remote)

        with pytest.raises(ForgedWebhookError):
            Yookassa(http, settings()).notice(notice)


async def test_a_shop_that_cannot_be_reached_is_down_and_an_operation_never_leads_elsewhere() -> None:
    async with aiohttp.ClientSession() as http:
        away: Acquirer = Yookassa(http, settings(base_url=f"http://127.0.0.1:{unused_port()}/v3"))

        assert isinstance(await away.create(an_order()), Down)
        assert isinstance(await away.query(OPERATION), Down)
        assert isinstance(await away.refund(OPERATION, key="k", amount=Money(1)), Down)
        for elsewhere in ("../refunds", "a/b", "", "a?b", "x" * 65):
            assert await away.query(elsewhere) == Missing()


def test_the_secret_is_not_shown() -> None:
    assert "made-up" not in repr(settings())
