"""Which lines of a receipt go back: what the books take back, and always the whole sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from core.fiscal import Item, Mode, Supplier
from core.money import Money, total
from core.refund_receipts import RefundReceipt, Taken, going_back, returned_lines

HEAT: Final = Supplier("ООО Тепло", "5800000001")
WASTE: Final = Supplier("ООО Чистый город", "5800000002")


def an_item(service: str, kopecks: int, supplier: Supplier | None = None) -> Item:
    return Item(service, service, "05.2026", Money(kopecks), Mode.FULL, supplier)


RECEIPT: Final = (an_item("heating", 6_000, HEAT), an_item("waste", 3_000, WASTE), an_item("", 1_000))


def back_of(kopecks: int, *taken: Taken, earlier: Sequence[Sequence[int]] = ()) -> list[int]:
    before = [[Money(part) for part in parts] for parts in earlier]
    back = going_back(RECEIPT, amount=Money(kopecks), taken=taken, earlier=before)
    return [part.kopecks for part in back]


def test_the_lines_go_back_that_the_books_take_back() -> None:
    advance, heat = Taken("", None, Money(1_000)), Taken("heating", HEAT, Money(500))

    assert back_of(1_500, advance, heat) == [500, 0, 1_000]


def test_of_two_suppliers_of_one_service_the_one_is_meant_that_the_books_say() -> None:
    receipt = (an_item("heating", 6_000, HEAT), an_item("heating", 3_000, WASTE))
    taken = [Taken("heating", WASTE, Money(2_000))]

    back = going_back(receipt, amount=Money(2_000), taken=taken, earlier=[])

    assert back == (Money(0), Money(2_000))


def test_what_the_receipt_did_not_print_goes_back_of_its_last_lines() -> None:
    assert back_of(1_500, Taken("electricity", None, Money(1_500))) == [0, 500, 1_000]


def test_what_went_back_before_does_not_go_back_again() -> None:
    assert back_of(4_000, Taken("waste", WASTE, Money(3_000)), earlier=[[0, 2_500, 0]]) == [2_500, 500, 1_000]


def test_lines_that_were_put_together_go_back_together() -> None:
    receipt = RefundReceipt(RECEIPT, (Money(6_000), Money(100), Money(50)))

    lines = returned_lines(receipt, 2, rest="Прочее")

    assert [(line.place, line.item.name, line.amount) for line in lines] == [
        (1, "heating", Money(6_000)),
        (2, "Прочее", Money(150)),
    ]


def test_lines_of_which_nothing_goes_back_are_not_in_the_receipt() -> None:
    lines = returned_lines(RefundReceipt(RECEIPT, (Money(0), Money(100), Money(0))), 80, rest="Прочее")

    assert [(line.place, line.amount) for line in lines] == [(2, Money(100))]


SUMS: Final = st.lists(st.integers(1, 9_999), min_size=1, max_size=6)
# What is given back one after the other, before the rest is.
PARTS: Final = st.lists(st.integers(1, 60_000), max_size=12)


@given(SUMS, st.lists(st.tuples(st.integers(0, 7), st.integers(1, 9_999)), max_size=5), PARTS)
def test_parts_make_the_whole_and_never_more_than_there_was(
    sums: list[int], taken: list[tuple[int, int]], parts: list[int]
) -> None:
    items = [an_item(f"service-{place}", kopecks) for place, kopecks in enumerate(sums)]
    wanted = [Taken(f"service-{place}", None, Money(kopecks)) for place, kopecks in taken]
    earlier: list[Sequence[Money]] = []
    left = sum(sums)
    for part in (*parts, left):
        amount = Money(min(part, left))
        if not amount:
            break
        back = going_back(items, amount=amount, taken=wanted, earlier=earlier)
        assert total(back) == amount
        earlier.append(back)
        left -= amount.kopecks

    gone = [total(parts) for parts in zip(*earlier, strict=True)]
    assert gone == [item.amount for item in items]
