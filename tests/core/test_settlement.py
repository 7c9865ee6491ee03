from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.due_dates import due_rules, next_working_day
from core.money import Money, total
from core.settlement import Collected, fee_on, register_lines
from tests.making_money import CENTRE, MAY

PERCENTS = st.decimals(0, 100, places=4)
AMOUNTS = st.lists(st.integers(-1_000_000, 1_000_000).filter(bool), min_size=1, max_size=60)


def collected(kopecks: int) -> Collected:
    return Collected(
        "0581234567", "Мира, д. 1", "heating", MAY, 1, None, "cash", Money(kopecks), penalty=False
    )


@given(amounts=AMOUNTS, percent=PERCENTS)
def test_the_fees_of_lines_are_the_fee_on_the_whole(amounts: list[int], percent: Decimal) -> None:
    lines = list(register_lines([collected(amount) for amount in amounts], percent))

    assert total(line.fee for line in lines) == fee_on(Money(sum(amounts)), percent)


@given(amounts=AMOUNTS, percent=PERCENTS)
def test_no_line_bears_more_than_a_kopeck_beside_its_own_fee(amounts: list[int], percent: Decimal) -> None:
    for line in register_lines([collected(amount) for amount in amounts], percent):
        assert abs(line.fee.kopecks - fee_on(line.collected.gross, percent).kopecks) <= 1


@given(amount=st.integers(-1_000_000, 1_000_000), percent=PERCENTS)
def test_what_is_taken_back_gives_back_its_fee(amount: int, percent: Decimal) -> None:
    assert fee_on(Money(-amount), percent) == -fee_on(Money(amount), percent)


def test_a_friday_is_paid_out_on_monday() -> None:
    rules = due_rules(CENTRE)

    assert next_working_day(date(2026, 10, 9), rules) == date(2026, 10, 12)
    assert next_working_day(date(2026, 10, 12), rules) == date(2026, 10, 13)
