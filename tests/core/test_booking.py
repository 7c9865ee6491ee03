from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import booking
from core.allocation import Share
from core.booking import BilledLine, Payment, Refund, UnevenBillError
from core.messages import Month
from core.money import NOTHING, Money
from core.postings import Kind, LedgerAccount, Posting, Transfer

MAY = Month(2026, 5)
APRIL = Month(2026, 4)
AT = datetime(2026, 6, 1, tzinfo=UTC)
HEATING = Share(MAY, "heating", "P01", Money(700))
PAID = Payment(
    source="bank:sber", external_id="77", way="bank:sber", account=5, amount=Money(900), paid_at=AT
)


def moves(posting: Posting) -> list[tuple[str, str, int]]:
    return [(moved.out_of.key, moved.into.key, moved.amount.kopecks) for moved in posting.transfers]


def a_bill(*lines: BilledLine, opening: int | None = None) -> Posting:
    at_start = None if opening is None else Money(opening)
    return booking.bill(account=5, period=MAY, lines=lines, opening=at_start, happened_at=AT)


# --- Bills -----------------------------------------------------------------------------------------


def test_a_charge_is_claimed_by_its_provider() -> None:
    posting = a_bill(BilledLine("heating", "P01", Money(1000)))

    assert moves(posting) == [("claim:P01", "receivable:5:heating:P01", 1000)]
    assert posting.transfers[0].period == MAY
    assert posting.transfers[0].service == "heating"


def test_a_recalculation_below_zero_runs_backwards() -> None:
    posting = a_bill(BilledLine("heating", "P01", Money(1000), recalculation=Money(-300)))

    assert moves(posting) == [
        ("claim:P01", "receivable:5:heating:P01", 1000),
        ("receivable:5:heating:P01", "claim:P01", 300),
    ]


def test_an_imported_penalty_is_owed_apart_from_its_service() -> None:
    posting = a_bill(BilledLine("heating", "P01", NOTHING, penalty=Money(17)))

    assert moves(posting) == [("claim:P01", "penalty:5:heating:P01", 17)]


def test_only_an_accounts_first_bill_posts_what_was_owed_before() -> None:
    line = BilledLine("heating", "P01", Money(1000), opening=Money(400))

    assert moves(a_bill(line)) == [("claim:P01", "receivable:5:heating:P01", 1000)]
    assert moves(a_bill(line, opening=400)) == [
        ("claim:P01", "receivable:5:heating:P01", 400),
        ("claim:P01", "receivable:5:heating:P01", 1000),
    ]


def test_what_was_owed_before_is_due_for_the_month_before() -> None:
    posting = a_bill(BilledLine("heating", "P01", NOTHING, opening=Money(400)), opening=400)

    assert posting.transfers[0].period == APRIL


def test_an_opening_debt_that_no_line_explains_is_spread_in_proportion_to_the_lines() -> None:
    lines = [BilledLine("heating", "P01", Money(3000)), BilledLine("waste", "P02", Money(1000))]

    posting = a_bill(*lines, opening=400)

    assert moves(posting)[:2] == [
        ("claim:P01", "receivable:5:heating:P01", 300),
        ("claim:P02", "receivable:5:waste:P02", 100),
    ]


def test_an_opening_advance_that_no_line_explains_is_the_accounts() -> None:
    posting = a_bill(BilledLine("heating", "P01", Money(1000)), opening=-400)

    assert moves(posting)[0] == ("unallocated:5", "opening", 400)


def test_an_opening_debt_without_any_line_is_refused() -> None:
    with pytest.raises(UnevenBillError):
        a_bill(opening=400)


SIGNED = st.integers(-100_000, 100_000).map(Money)


@given(
    st.lists(st.builds(BilledLine, st.just("heating"), st.sampled_from("AB"), SIGNED, SIGNED, SIGNED, SIGNED))
)
def test_whatever_a_bill_says_its_posting_moves_that_much(lines: list[BilledLine]) -> None:
    posting = booking.bill(account=5, period=MAY, lines=lines, opening=None, happened_at=AT)

    owed = sum(m.amount.kopecks if m.into.account else -m.amount.kopecks for m in posting.transfers)
    assert owed == sum((line.charged + line.recalculation + line.penalty).kopecks for line in lines)


# --- Payments --------------------------------------------------------------------------------------


def test_money_received_is_on_its_way_and_nobodys_yet() -> None:
    assert moves(booking.payment(PAID)) == [("unallocated:5", "in_transit:bank:sber", 900)]


def test_money_of_an_unknown_account_is_put_aside() -> None:
    unknown = Payment("post", "8", "post", None, Money(900), AT)

    assert moves(booking.payment(unknown)) == [("suspense", "in_transit:post", 900)]
    assert moves(booking.matching(unknown, account=5, held=Money(900), happened_at=AT)) == [
        ("unallocated:5", "suspense", 900)
    ]


def test_what_a_service_gets_is_owed_to_its_provider() -> None:
    posting = booking.allocation(
        account=5, origin=PAID.key, occasion=PAID.key, shares=[HEATING], happened_at=AT
    )

    assert moves(posting) == [
        ("receivable:5:heating:P01", "unallocated:5", 700),
        ("payable:P01", "claim:P01", 700),
    ]
    assert posting.kind == Kind.ALLOCATION


def test_an_advance_is_applied_once_an_occasion() -> None:
    occasions = ["bill:5:2026-05", "bill:5:2026-06"]

    postings = [
        booking.allocation(account=5, origin=PAID.key, occasion=one, shares=[HEATING], happened_at=AT)
        for one in occasions
    ]

    assert len({posting.key for posting in postings}) == 2
    assert {posting.kind for posting in postings} == {Kind.ADVANCE}


def test_a_credit_leaves_its_service_and_its_provider() -> None:
    posting = booking.release(account=5, occasion="bill:5:2026-05", credited=[HEATING], happened_at=AT)

    assert moves(posting) == [
        ("unallocated:5", "receivable:5:heating:P01", 700),
        ("claim:P01", "payable:P01", 700),
    ]


def test_a_refund_takes_back_and_then_gives_back() -> None:
    refund = Refund(PAID, "bank:sber", "77-1", Money(700), AT)

    assert moves(booking.undoing(refund, account=5, shares=[HEATING])) == [
        ("unallocated:5", "receivable:5:heating:P01", 700),
        ("claim:P01", "payable:P01", 700),
    ]
    assert moves(booking.refund(refund)) == [("in_transit:bank:sber", "unallocated:5", 700)]


def test_a_storno_names_the_payment_that_never_came() -> None:
    storno = booking.refund(Refund(PAID, "bank:sber", "77-1", Money(900), AT, storno=True))

    assert storno.kind == Kind.REVERSAL
    assert storno.reverses == booking.payment(PAID).key


# --- The centre ------------------------------------------------------------------------------------


def test_the_centres_fee_is_kept_of_what_is_owed_to_a_provider() -> None:
    fee = booking.fee(
        provider="P01", amount=Money(14), service="heating", key="2026-06-01:P01", happened_at=AT
    )

    assert moves(fee) == [("fee_income", "payable:P01", 14)]


def test_what_is_owed_is_paid_out_of_the_bank() -> None:
    payout = booking.payout(provider="P01", amount=Money(686), key="2026-06-01:P01", happened_at=AT)

    assert moves(payout) == [("bank", "payable:P01", 686)]


def test_an_acquirer_keeps_its_part_of_what_arrives() -> None:
    clearing = booking.clearing(
        way="acquirer:yookassa", arrived=Money(880), kept=Money(20), key="a1", happened_at=AT
    )

    assert moves(clearing) == [
        ("in_transit:acquirer:yookassa", "bank", 880),
        ("in_transit:acquirer:yookassa", "acquiring_expense", 20),
    ]


# --- Transfers and hashes --------------------------------------------------------------------------


@pytest.mark.parametrize("kopecks", [0, -1])
def test_a_transfer_is_positive(kopecks: int) -> None:
    with pytest.raises(ValueError, match="no transfer"):
        Transfer(LedgerAccount.bank(), LedgerAccount.suspense(), Money(kopecks))


def test_a_transfer_to_itself_is_none() -> None:
    with pytest.raises(ValueError, match="no transfer"):
        Transfer(LedgerAccount.bank(), LedgerAccount.bank(), Money(1))


def test_what_is_owed_for_a_service_has_a_month() -> None:
    with pytest.raises(ValueError, match="month"):
        Transfer(LedgerAccount.claim("P01"), LedgerAccount.receivable(5, "heating", "P01"), Money(1))
