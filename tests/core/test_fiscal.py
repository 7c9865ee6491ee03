from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.allocation import PENALTY, Line, Named, Rule, allocate
from core.fiscal import (
    Contact,
    Item,
    Mode,
    ReceiptNeed,
    Supplier,
    Wording,
    at_most,
    named,
    read_contact,
    receipt_items,
    suits,
)
from core.messages import Month
from core.money import Money, total
from tests.making_money import MAY, a_line

APRIL = Month(2026, 4)
WORDING = Wording(
    services={"heating": "Отопление", "waste": "Вывоз ТКО"},
    suppliers={"P01": Supplier("ООО «Тепло»", "5800000000")},
    penalty="Пени",
    advance="Аванс",
)


def items_of(kopecks: int, *lines: Line) -> tuple[Item, ...]:
    return receipt_items(amount=Money(kopecks), lines=lines, wording=WORDING)


def an_item(kopecks: int = 100, **rest: Any) -> Item:
    usual = {"service": "heating", "name": "Отопление", "months": "05.2026", "mode": Mode.FULL}
    return Item(amount=Money(kopecks), **{**usual, **rest})


def test_a_service_that_is_paid_in_full_is_said_so_with_its_supplier() -> None:
    assert items_of(1_000, a_line(1_000)) == (
        Item("heating", "Отопление", "05.2026", Money(1_000), Mode.FULL, WORDING.suppliers["P01"], "P01"),
    )


def test_several_months_of_a_service_are_one_line() -> None:
    [line] = items_of(1_500, a_line(1_000, APRIL), a_line(1_000))

    assert (line.months, line.amount, line.mode) == ("04.2026–05.2026", Money(1_500), Mode.PART)


def test_penalties_are_no_service_and_what_is_left_is_an_advance() -> None:
    items = items_of(2_000, a_line(1_000), a_line(300, penalty=True))

    assert [(item.service, item.name, item.amount.kopecks) for item in items] == [
        ("heating", "Отопление", 1_000),
        (PENALTY, "Пени", 300),
        ("", "Аванс", 700),
    ]
    assert items[-1].mode is Mode.ADVANCE


def test_a_receipt_names_its_services_to_the_books_and_not_the_advance() -> None:
    assert named(items_of(2_000, a_line(1_000))) == (Named("heating", Money(1_000), "P01"),)


def test_what_the_receipt_prints_for_each_supplier_is_what_the_books_give_it() -> None:
    first, second = a_line(1_000), a_line(1_000, APRIL, provider="P02")
    items = receipt_items(amount=Money(1_500), lines=(first, second), wording=WORDING)
    # Meanwhile the rule would give it otherwise: an older month of the other supplier was billed.
    older = a_line(700, Month(2026, 3))

    shares = allocate(received=Money(1_500), lines=(older, first, second), named=named(items)).shares

    printed = {item.provider: item.amount for item in items}
    assert printed == {"P02": Money(1_000), "P01": Money(500)}
    assert {
        provider: total(share.amount for share in shares if share.provider == provider)
        for provider in printed
    } == printed


def test_the_centres_own_rule_is_what_the_receipt_prints() -> None:
    lines = (a_line(1_000), a_line(1_000, service="waste", provider="P02"))

    [first] = receipt_items(amount=Money(1_000), lines=lines, wording=WORDING, rule=Rule(priority=("waste",)))

    assert (first.service, first.amount) == ("waste", Money(1_000))


lines = st.lists(
    st.builds(
        lambda service, period, kopecks, penalty: a_line(kopecks, period, service=service, penalty=penalty),
        st.sampled_from(["heating", "waste", "cold_water"]),
        st.sampled_from([APRIL, MAY]),
        st.integers(-500, 5_000),
        st.booleans(),
    ),
    max_size=8,
    unique_by=lambda line: (line.service, line.period, line.penalty),
)


@given(lines, st.integers(1, 20_000))
def test_lines_add_up_to_the_payment_and_none_is_empty(due: list[Line], kopecks: int) -> None:
    items = items_of(kopecks, *due)

    assert total(item.amount for item in items) == Money(kopecks)
    assert all(item.amount.kopecks > 0 for item in items)


@given(lines, st.integers(1, 20_000))
def test_what_is_printed_is_what_is_posted_where_nothing_has_changed(due: list[Line], kopecks: int) -> None:
    follows = allocate(received=Money(kopecks), lines=due, named=named(items_of(kopecks, *due)))

    posted: dict[str, int] = {}
    for share in follows.shares:
        code = PENALTY if share.penalty else share.service
        posted[code] = posted.get(code, 0) + share.amount.kopecks
    printed: dict[str, int] = {}
    for item in items_of(kopecks, *due):
        if item.service:
            printed[item.service] = printed.get(item.service, 0) + item.amount.kopecks
    assert posted == printed


@given(lines, lines, st.integers(1, 20_000))
def test_what_is_printed_is_capped_by_what_is_due_then(
    due: list[Line], later: list[Line], kopecks: int
) -> None:
    follows = allocate(received=Money(kopecks), lines=later, named=named(items_of(kopecks, *due)))

    assert total(share.amount for share in follows.shares) + follows.rest == Money(kopecks)
    for share in follows.shares:
        [line] = [
            line
            for line in later
            if (line.service, line.period, line.penalty) == (share.service, share.period, share.penalty)
        ]
        assert share.amount <= line.due


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [20, 64, 128])
def test_a_long_name_loses_its_end_and_never_its_months(most: int) -> None:
    title = an_item(name="Содержание " * 30).title(most)

    assert len(title) <= most
    assert title.endswith("…, 05.2026")


def test_a_short_name_is_left_alone() -> None:
    assert an_item().title(128) == "Отопление, 05.2026"
    assert an_item(months="").title(9) == "Отопление"


def test_the_smallest_lines_become_one_where_there_are_too_many() -> None:
    items = tuple(an_item(kopecks, service=f"s{kopecks}") for kopecks in range(1, 12))

    fitted = at_most(items, 3, rest="Прочее")

    assert [(item.name, item.amount.kopecks) for item in fitted] == [
        ("Отопление", 10),
        ("Отопление", 11),
        ("Прочее", 45),
    ]


# --- Where it is sent -----------------------------------------------------------------------------

ANY, EMAIL = ReceiptNeed.EMAIL_OR_PHONE, ReceiptNeed.EMAIL


@pytest.mark.parametrize("typed", ["+7 (900) 123-45-67", "89001234567", "9001234567", " 7 900 123 45 67 "])
def test_a_mobile_number_is_read_as_people_write_it(typed: str) -> None:
    assert read_contact(typed, ANY) == Contact(phone="79001234567")


@pytest.mark.parametrize("typed", ["resident@example.ru", " a.b+c@mail.example.ru "])
def test_an_address_is_read_for_whoever_needs_one(typed: str) -> None:
    assert read_contact(typed, EMAIL) == Contact(email=typed.strip())
    assert read_contact(typed, ANY) == Contact(email=typed.strip())


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "8 (841) 212-34-56",
        "12345",
        "a@b",
        "a@@b.ru",
        "a b@c.ru",
        "a@b..ru",
        "٩٠٠١٢٣٤٥٦٧",
        "я@пример.рф",
        "a@b.ru\nx",
    ],
)
def test_what_nothing_can_be_sent_to_is_none(typed: str) -> None:
    assert read_contact(typed, ANY) is None


def test_a_phone_is_not_enough_where_receipts_go_by_mail() -> None:
    phone = Contact(phone="79001234567")

    assert read_contact("9001234567", EMAIL) is None
    assert not suits(phone, EMAIL)
    assert suits(phone, ANY)
    assert suits(None, ReceiptNeed.NONE)
    assert not suits(None, ANY)


def test_a_contact_is_shown_so_that_its_owner_alone_knows_it() -> None:
    assert Contact(email="resident@example.ru").masked == "r…t@example.ru"
    assert Contact(email="ab@example.ru").masked == "a…@example.ru"
    assert Contact(phone="79001234567").masked == "+7 ••• •••-45-67"
