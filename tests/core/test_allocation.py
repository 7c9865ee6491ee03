from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from core.allocation import (
    Advance,
    Allocation,
    Line,
    Named,
    Rule,
    Share,
    allocate,
    apply_advances,
    credits_in,
    split,
    undo,
)
from core.messages import Month
from core.money import NOTHING, Money, total

APRIL, MAY, JUNE = Month(2026, 4), Month(2026, 5), Month(2026, 6)


def owing(due: dict[str, int], period: Month = JUNE, *, penalty: bool = False) -> list[Line]:
    return [Line(period, service, "P01", Money(kopecks), penalty) for service, kopecks in due.items()]


def by_service(allocation: Allocation) -> dict[str, int]:
    return {share.service: share.amount.kopecks for share in allocation.shares}


# --- The vectors of the centre -------------------------------------------------------------------


def test_a_part_payment_is_spread_in_proportion_to_what_each_service_is_due() -> None:
    lines = owing({"maintenance": 10000, "heating": 20001, "cold_water": 3333})

    allocation = allocate(received=Money(10000), lines=lines)

    assert by_service(allocation) == {"maintenance": 3000, "heating": 6000, "cold_water": 1000}
    assert allocation.rest == NOTHING


def test_a_payment_of_a_thousand_roubles_on_a_whole_bill() -> None:
    bill = {
        "maintenance": 125350,
        "overhaul": 72500,
        "heating": 214077,
        "cold_water": 11400,
        "hot_water_water": 7600,
        "hot_water_heat": 38912,
        "sewerage": 9875,
        "electricity": 79200,
        "waste": 24500,
    }

    allocation = allocate(received=Money(100000), lines=owing(bill))

    assert by_service(allocation) == {
        "maintenance": 21485,
        "overhaul": 12427,
        "heating": 36694,
        "cold_water": 1954,
        "hot_water_water": 1303,
        "hot_water_heat": 6670,
        "sewerage": 1693,
        "electricity": 13575,
        "waste": 4199,
    }


# --- The order in which money reaches what is due ------------------------------------------------


def test_the_oldest_month_is_paid_before_the_current_bill() -> None:
    lines = [*owing({"heating": 1000}, JUNE), *owing({"heating": 700}, APRIL), *owing({"waste": 200}, MAY)]

    allocation = allocate(received=Money(1000), lines=lines)

    assert [(share.period, share.amount.kopecks) for share in allocation.shares] == [
        (APRIL, 700),
        (MAY, 200),
        (JUNE, 100),
    ]


def test_penalties_of_any_month_wait_for_the_principal_of_every_month() -> None:
    lines = [*owing({"heating": 50}, APRIL, penalty=True), *owing({"heating": 1000}, JUNE)]

    allocation = allocate(received=Money(1020), lines=lines)

    assert [(share.penalty, share.amount.kopecks) for share in allocation.shares] == [
        (False, 1000),
        (True, 20),
    ]


def test_optional_insurance_is_paid_after_all_else() -> None:
    insurance = Line(APRIL, "insurance", "P08", Money(300), optional=True)

    allocation = allocate(received=Money(1100), lines=[insurance, *owing({"heating": 1000}, JUNE)])

    assert by_service(allocation) == {"heating": 1000, "insurance": 100}


def test_what_the_payer_named_comes_first_and_is_capped_by_what_is_due() -> None:
    lines = [*owing({"heating": 1000, "waste": 400}, MAY), *owing({"waste": 100}, JUNE)]

    allocation = allocate(received=Money(700), lines=lines, named=[Named("waste", Money(9000))])

    assert [(share.period, share.service, share.amount.kopecks) for share in allocation.shares] == [
        (MAY, "waste", 400),
        (JUNE, "waste", 100),
        (MAY, "heating", 200),
    ]


def test_a_payer_may_name_the_penalties() -> None:
    lines = [*owing({"heating": 1000}), *owing({"heating": 70}, APRIL, penalty=True)]

    allocation = allocate(received=Money(100), lines=lines, named=[Named("penalty", Money(100))])

    assert [(share.penalty, share.amount.kopecks) for share in allocation.shares] == [(True, 70), (False, 30)]


def test_a_stated_priority_of_services_goes_before_the_rest_whatever_their_months() -> None:
    lines = [*owing({"heating": 100, "waste": 100}, JUNE.plus(-1)), *owing({"heating": 100, "waste": 100})]

    allocation = allocate(received=Money(250), lines=lines, rule=Rule(("waste",)))

    assert [(share.service, share.amount.kopecks) for share in allocation.shares] == [
        ("waste", 100),
        ("waste", 100),
        ("heating", 50),
    ]


def test_what_the_payer_named_goes_before_the_centres_priority() -> None:
    lines = owing({"heating": 100, "waste": 100})

    allocation = allocate(
        received=Money(100), lines=lines, named=[Named("heating", Money(100))], rule=Rule(("waste",))
    )

    assert by_service(allocation) == {"heating": 100}


def test_penalties_of_a_preferred_service_wait_with_all_others() -> None:
    lines = [*owing({"heating": 100}), *owing({"waste": 100}, penalty=True)]

    assert by_service(allocate(received=Money(100), lines=lines, rule=Rule(("waste",)))) == {"heating": 100}


def test_what_exceeds_all_that_is_due_is_an_advance() -> None:
    allocation = allocate(received=Money(1500), lines=owing({"heating": 1000}))

    assert allocation.rest == Money(500)


def test_kopecks_left_over_go_by_service_code_where_remainders_are_equal() -> None:
    allocation = allocate(received=Money(2), lines=owing({"waste": 10, "gas": 10, "heating": 10}))

    assert by_service(allocation) == {"gas": 1, "heating": 1}


def test_a_credited_line_gets_nothing() -> None:
    allocation = allocate(received=Money(100), lines=owing({"heating": -500, "waste": 300}))

    assert by_service(allocation) == {"waste": 100}


# --- Advances, credits and taking back -----------------------------------------------------------


def test_advances_are_consumed_in_their_order_by_what_is_due() -> None:
    advances = [Advance("cash:1", Money(300)), Advance("cash:2", Money(900)), Advance("cash:3", Money(5))]

    applied = apply_advances(advances, owing({"heating": 1000}))

    assert [(part.origin, part.allocation.rest) for part in applied] == [
        ("cash:1", NOTHING),
        ("cash:2", Money(200)),
    ]


def test_a_line_below_zero_is_a_credit() -> None:
    credited = credits_in(owing({"heating": -500, "waste": 300}))

    assert credited == (Share(JUNE, "heating", "P01", Money(500)),)


def test_an_allocation_is_undone_newest_share_first() -> None:
    shares = [Share(APRIL, "heating", "P01", Money(700)), Share(MAY, "waste", "P01", Money(200))]

    undone = undo(shares, back=Money(300))

    assert undone.shares == (
        Share(MAY, "waste", "P01", Money(200)),
        Share(APRIL, "heating", "P01", Money(100)),
    )
    assert undone.rest == NOTHING


# --- Laws ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    period: Month
    service: str
    provider: str
    penalty: bool


MONTHS = st.builds(Month, st.integers(2025, 2026), st.integers(1, 12))
KEYS = st.builds(
    Key,
    MONTHS,
    st.sampled_from(["heating", "waste", "gas", "insurance"]),
    st.sampled_from("AB"),
    st.booleans(),
)
SUMS = st.integers(-10_000, 1_000_000).map(Money)


def as_lines(due: dict[Key, Money]) -> list[Line]:
    return [
        Line(key.period, key.service, key.provider, sum_, key.penalty, key.service == "insurance")
        for key, sum_ in due.items()
    ]


LINES = st.dictionaries(KEYS, SUMS, max_size=12).map(as_lines)
RECEIVED = st.integers(0, 5_000_000).map(Money)
NAMED = st.lists(
    st.builds(
        Named,
        st.sampled_from(["heating", "gas", "penalty", "radio"]),
        st.integers(0, 100_000).map(Money),
    ),
    max_size=3,
)


RULES = st.lists(st.sampled_from(["heating", "gas", "radio"]), unique=True).map(lambda by: Rule(tuple(by)))


def key_of(part: Line | Share) -> Key:
    return Key(part.period, part.service, part.provider, part.penalty)


@given(RECEIVED, LINES, NAMED)
def test_shares_and_rest_make_the_payment(received: Money, lines: list[Line], named: list[Named]) -> None:
    allocation = allocate(received=received, lines=lines, named=named)

    assert total(share.amount for share in allocation.shares) + allocation.rest == received


@given(RECEIVED, LINES, NAMED)
def test_no_line_gets_more_than_it_is_due_nor_less_than_nothing(
    received: Money, lines: list[Line], named: list[Named]
) -> None:
    due = {key_of(line): line.due for line in lines}

    allocation = allocate(received=received, lines=lines, named=named)

    assert all(NOTHING < share.amount <= due[key_of(share)] for share in allocation.shares)
    assert len({key_of(share) for share in allocation.shares}) == len(allocation.shares)


@given(RECEIVED, LINES, NAMED)
def test_an_advance_is_left_only_when_nothing_is_due(
    received: Money, lines: list[Line], named: list[Named]
) -> None:
    due = total(line.due for line in lines if line.due > NOTHING)

    assert allocate(received=received, lines=lines, named=named).rest == max(received - due, NOTHING)


@given(RECEIVED, LINES, NAMED, RULES)
def test_whatever_the_rule_the_same_money_is_given(
    received: Money, lines: list[Line], named: list[Named], rule: Rule
) -> None:
    by_rule = allocate(received=received, lines=lines, named=named, rule=rule)

    assert by_rule.rest == allocate(received=received, lines=lines, named=named).rest
    assert total(share.amount for share in by_rule.shares) + by_rule.rest == received
    due = {key_of(line): line.due for line in lines}
    assert all(NOTHING < share.amount <= due[key_of(share)] for share in by_rule.shares)


@given(RECEIVED, LINES, RULES)
def test_nothing_else_is_paid_while_a_preferred_service_is_owed(
    received: Money, lines: list[Line], rule: Rule
) -> None:
    given_to = {
        key_of(share): share.amount for share in allocate(received=received, lines=lines, rule=rule).shares
    }
    preferred = [
        line for line in lines if line.service in rule.priority and not line.penalty and line.due > NOTHING
    ]

    if any(given_to.get(key_of(line), NOTHING) < line.due for line in preferred):
        assert set(given_to) <= {key_of(line) for line in preferred}


@given(RECEIVED, LINES, st.data())
def test_the_order_of_lines_changes_nothing(received: Money, lines: list[Line], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(lines))

    straight = allocate(received=received, lines=lines)
    crooked = allocate(received=received, lines=shuffled)

    assert set(straight.shares) == set(crooked.shares)


@given(RECEIVED, LINES)
def test_undoing_all_of_an_allocation_gives_all_of_it_back(received: Money, lines: list[Line]) -> None:
    given_ = allocate(received=received, lines=lines)

    undone = undo(given_.shares, back=received - given_.rest)

    assert sorted(map(key_of, undone.shares), key=repr) == sorted(map(key_of, given_.shares), key=repr)
    assert undone.rest == NOTHING


@given(st.lists(RECEIVED, max_size=4), LINES)
def test_advances_together_pay_what_one_payment_of_their_sum_would(
    sums: list[Money], lines: list[Line]
) -> None:
    applied = apply_advances([Advance(str(i), sum_) for i, sum_ in enumerate(sums)], lines)

    paid = total(share.amount for part in applied for share in part.allocation.shares)
    assert paid == min(total(sums), total(line.due for line in lines if line.due > NOTHING))


@given(
    st.integers(0, 10**9).map(Money), LINES.filter(lambda lines: any(line.due > NOTHING for line in lines))
)
def test_parts_make_the_whole(whole: Money, lines: list[Line]) -> None:
    weights = {line: line.due for line in lines if line.due > NOTHING}

    parts = split(whole, weights)

    exact = total(weights.values()).kopecks
    assert total(parts.values()) == whole
    assert all(
        abs(parts[line].kopecks * exact - whole.kopecks * weights[line].kopecks) < exact for line in weights
    )
