"""What is said of whole columns is what is said of their rows."""

from hypothesis import given
from hypothesis import strategies as st

from storage.exchange_row_checks import PAYABLE

ROWS = st.lists(
    st.fixed_dictionaries({name: st.integers(-2, 2) for name in PAYABLE.columns}), min_size=1, max_size=4
)


@given(ROWS)
def test_a_sum_holds_of_columns_where_it_holds_of_every_row(rows: list[dict[str, int]]) -> None:
    columns = {name: [row[name] for row in rows] for name in PAYABLE.columns}

    assert PAYABLE.holds(columns) == all(PAYABLE(row) is None for row in rows)
