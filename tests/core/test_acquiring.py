from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.acquiring import (
    MAY_BECOME,
    POSTED,
    AlreadyPaid,
    AttemptState,
    Become,
    Contradiction,
    Expired,
    GiveBack,
    Outlived,
    Payable,
    PayLink,
    Post,
    Standing,
    Stay,
    UnderCheck,
    judge,
    judge_missing,
    payable,
    reusable,
    standing,
)
from core.money import Money
from tests.making_money import IN_JUNE, a_pay_link, an_attempt, found

states = st.sampled_from(AttemptState)


@pytest.mark.parametrize("state", ["created", "pending", "unknown", "canceled", "expired"])
def test_money_that_has_arrived_is_posted_however_late(state: str) -> None:
    assert judge(an_attempt(state), found("paid")) == Post()


def test_money_that_was_posted_is_not_posted_again() -> None:
    assert judge(an_attempt("paid"), found("paid")) == Stay()


@pytest.mark.parametrize("wrong", [{"amount": Money(99_999)}, {"currency": "USD"}, {"operation": "op2"}])
def test_money_that_we_did_not_ask_for_is_for_a_person(wrong: dict[str, object]) -> None:
    assert judge(an_attempt("pending"), found("paid", **wrong)) == Contradiction("payment_mismatch")


def test_what_a_person_looks_into_is_not_moved() -> None:
    assert judge(an_attempt("pending", case=1), found("paid")) == Stay()


def test_what_was_given_back_more_than_we_know_goes_back_in_our_books() -> None:
    attempt = an_attempt("refunded_in_part", refunded=Money(30_000))

    assert judge(attempt, found("refunded_in_part", refunded=Money(45_000))) == GiveBack(Money(15_000))


@pytest.mark.parametrize("kopecks", [0, 20_000, 30_000])
def test_an_older_word_of_what_was_given_back_changes_nothing(kopecks: int) -> None:
    attempt = an_attempt("refunded_in_part", refunded=Money(30_000))

    assert judge(attempt, found("paid", refunded=Money(kopecks))) == Stay()


def test_more_given_back_than_was_paid_is_for_a_person() -> None:
    verdict = judge(an_attempt("paid"), found("refunded", refunded=Money(100_001)))

    assert verdict == Contradiction("payment_mismatch")


def test_money_that_went_back_before_we_heard_of_it_came_in_first() -> None:
    assert judge(an_attempt("pending"), found("refunded", refunded=Money(100_000))) == Post()


def test_a_notice_before_our_own_creation_answer_is_believed() -> None:
    assert judge(an_attempt("created", operation=None, url=None), found("paid")) == Post()


def test_a_late_word_that_it_waits_moves_nothing_back() -> None:
    assert judge(an_attempt("canceled"), found("pending")) == Stay()
    assert judge(an_attempt("paid"), found("canceled")) == Stay()


def test_what_the_acquirer_does_not_know_is_over_after_a_day() -> None:
    attempt = an_attempt("unknown")

    assert judge_missing(attempt, IN_JUNE + timedelta(hours=24)) == Stay()
    assert judge_missing(attempt, IN_JUNE + timedelta(hours=25)) == Become(AttemptState.EXPIRED)


@given(states, states)
def test_what_was_posted_stays_posted(before: AttemptState, said: AttemptState) -> None:
    verdict = judge(an_attempt(before), found(said))

    if isinstance(verdict, Become):
        assert verdict.state in MAY_BECOME[before]
        assert before not in POSTED


# --- Where a link stands --------------------------------------------------------------------------


def stands(link: PayLink, *, due: int = 100_000, hours: int = 1) -> Standing:
    return standing(link, due=Money(due), least=Money(100), now=IN_JUNE + timedelta(hours=hours))


def test_a_fresh_link_may_be_paid() -> None:
    assert stands(a_pay_link()) == Payable(Money(100_000))


def test_a_link_lives_for_a_day() -> None:
    assert stands(a_pay_link(), hours=24) == Expired()


def test_a_link_is_void_once_its_chat_has_the_account_no_more() -> None:
    assert stands(a_pay_link(bound=False)) == Expired()
    assert stands(a_pay_link(an_attempt("paid"), bound=False)) == AlreadyPaid(None)


def test_a_paid_link_offers_what_is_due_now() -> None:
    link = a_pay_link(an_attempt("paid"))

    assert stands(link, due=2_500) == AlreadyPaid(Money(2_500))
    assert stands(link, due=99) == AlreadyPaid(None)
    assert stands(link, due=2_500, hours=24) == AlreadyPaid(None)


def test_a_link_for_all_is_outlived_once_less_is_due() -> None:
    assert stands(a_pay_link(), due=60_000) == Outlived(Money(60_000))
    assert stands(a_pay_link(), due=-100) == Outlived(None)


def test_a_link_for_a_sum_of_ones_own_is_not_outlived() -> None:
    assert stands(a_pay_link(whole=False), due=0) == Payable(Money(100_000))


def test_nobody_pays_again_while_a_person_looks() -> None:
    under_check = stands(a_pay_link(an_attempt("pending", case=1)))

    assert under_check == UnderCheck()
    assert payable(under_check) is None


def test_an_open_go_for_the_same_sum_is_gone_on_with() -> None:
    begun, ended = an_attempt("pending"), an_attempt("canceled", id=2)

    assert reusable([begun, ended], "simulated", Money(100_000), now=IN_JUNE) == begun
    assert reusable([begun], "simulated", Money(100), now=IN_JUNE) is None
    assert reusable([begun], "yookassa", Money(100_000), now=IN_JUNE) is None


def test_a_go_whose_page_is_lost_is_not_gone_on_with() -> None:
    lost = an_attempt("unknown", url=None)

    assert reusable([lost], "simulated", Money(100_000), now=IN_JUNE) is None


def test_a_go_whose_key_its_acquirer_may_have_forgotten_is_not_repeated() -> None:
    attempt, late = an_attempt("unknown", operation=None, url=None), IN_JUNE + timedelta(hours=23)

    assert reusable([attempt], "simulated", Money(100_000), now=IN_JUNE) == attempt
    assert reusable([attempt], "simulated", Money(100_000), now=late) is None
