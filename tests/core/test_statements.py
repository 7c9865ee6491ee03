from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from core.due_dates import due_rules
from core.messages import Month
from core.money import NOTHING, Money
from core.penalties import Debt
from core.statements import Facts, Statement, state
from tests.making_money import CENTRE, MAY, a_last_bill, a_month, some_facts

APRIL = Month(2026, 4)
IN_TIME, TOO_LATE = date(2026, 6, 15), date(2026, 6, 16)


def stated(facts: Facts, on: date = IN_TIME) -> Statement:
    return state(facts, on, due_rules(CENTRE))


def test_what_is_due_is_all_that_is_open_less_the_advance() -> None:
    statement = stated(some_facts(a_month(10_000), a_month(500, service="waste"), advance=Money(300)))

    assert (statement.due, statement.due_on) == (Money(10_200), date(2026, 6, 15))


def test_a_month_is_overdue_once_its_day_is_over() -> None:
    facts = some_facts(a_month(10_000), a_month(700, APRIL))

    assert stated(facts, IN_TIME).overdue == Money(700)
    assert stated(facts, TOO_LATE).overdue == Money(10_700)


def test_penalties_are_told_as_a_part_of_what_is_due() -> None:
    statement = stated(some_facts(a_month(10_000), a_month(317, APRIL, penalty=True)))

    assert (statement.due, statement.penalty) == (Money(10_317), Money(317))


def test_penalties_grow_on_late_services_alone() -> None:
    lines = [a_month(100), a_month(20, penalty=True), a_month(30, optional=True), a_month(50, MAY.plus(1))]

    statement = state(some_facts(*lines), date(2026, 6, 16), due_rules(CENTRE))

    assert statement.late == (Debt("heating", Money(100), date(2026, 6, 15)),)


def test_an_optional_service_is_never_overdue() -> None:
    assert stated(some_facts(a_month(500, APRIL, optional=True)), TOO_LATE).overdue == NOTHING


def test_an_account_without_a_bill_has_no_due_day() -> None:
    statement = stated(some_facts(bill=None))

    assert (statement.period, statement.due_on, statement.due) == (None, None, NOTHING)


def test_where_the_books_differ_the_bill_less_later_payments_is_due() -> None:
    facts = some_facts(a_month(1), bill=a_last_bill(100_000), paid_since=Money(40_000), differs=True)

    statement = stated(facts)

    assert (statement.due, statement.overdue, statement.differs) == (Money(60_000), NOTHING, True)


def test_where_the_books_differ_what_the_bill_carried_over_is_overdue() -> None:
    bill = a_last_bill(100_000, opening=Money(30_000), payments_counted=Money(5_000))
    facts = some_facts(bill=bill, paid_since=Money(10_000), differs=True)

    assert stated(facts, IN_TIME).overdue == Money(15_000)
    assert stated(facts, TOO_LATE).overdue == Money(90_000)


kopecks = st.integers(-50_000, 50_000)


@given(
    st.lists(st.tuples(kopecks, st.integers(-5, 0), st.booleans())),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.booleans(),
    st.dates(date(2026, 6, 1), date(2026, 8, 1)),
)
def test_overdue_and_penalty_are_parts_of_what_is_due(
    lines: list[tuple[int, int, bool]], advance: int, paid: int, differs: bool, on: date
) -> None:
    open_lines = [a_month(sum_, MAY.plus(age), penalty=penalty) for sum_, age, penalty in lines]
    facts = some_facts(*open_lines, advance=Money(advance), paid_since=Money(paid), differs=differs)

    statement = stated(facts, on)

    whole = max(NOTHING, statement.due)
    assert NOTHING <= statement.overdue <= whole
    assert NOTHING <= statement.penalty <= whole
