"""Rows are read many at once, and each is given or complained about as if it were alone."""

import csv
from collections.abc import Sequence
from io import StringIO

import pytest

from storage.exchange_formats import KINDS
from storage.exchange_protocol import BadRow, Complaints
from storage.exchange_rows import ROWS_AT_ONCE, Rows

HEADER = "reading_id;result;reason;billing_ref"


def read(*lines: str) -> tuple[Sequence[tuple[int, object]], Sequence[BadRow]]:
    """The line and the first cell of each row that is given, and what is complained about."""
    complaints = Complaints("acks.csv")
    rows = Rows(KINDS["reading_acks"], StringIO("\n".join([HEADER, *lines, ""])), complaints)
    given = [
        pair for chunk in rows for pair in zip(chunk.lines, chunk.columns["reading_id"].values(), strict=True)
    ]
    assert rows.read == len([line for line in lines if line])
    return given, complaints.refused.bad


def test_rows_keep_the_numbers_of_their_lines_over_empty_ones() -> None:
    assert read("1;accepted;;", "", "2;accepted;;") == ([(2, 1), (4, 2)], ())


def test_a_cell_with_a_line_break_counts_its_lines() -> None:
    assert read('1;accepted;"one\nmore";', "2;accepted;;") == ([(3, 1), (4, 2)], ())


def test_right_rows_beside_wrong_ones_are_given() -> None:
    given, bad = read("1;accepted;;", "x;maybe;;", "3;rejected;;", "4;accepted", " 5 ;accepted;;")

    assert given == [(2, 1), (6, 5)]
    assert [(one.line, one.column) for one in bad] == [
        (3, "reading_id"),
        (3, "result"),
        (4, "reason"),
        (5, ""),
    ]


def test_many_rows_are_given_in_their_order() -> None:
    count = ROWS_AT_ONCE * 2 + 1

    given, bad = read(*(f"{number};accepted;;" for number in range(count)))

    assert given == [(number + 2, number) for number in range(count)]
    assert bad == ()


@pytest.mark.parametrize("before", [0, 1, ROWS_AT_ONCE])
def test_nothing_is_read_after_what_cannot_be_read_as_csv(before: int) -> None:
    rows = [f"{number};accepted;;" for number in range(before)]
    broken = f"{'9' * (csv.field_size_limit() + 1)};accepted;;"

    complaints = Complaints("acks.csv")
    lines = [HEADER, *rows, broken, "5;accepted;;", "x;accepted;;", ""]

    given = [
        line
        for chunk in Rows(KINDS["reading_acks"], StringIO("\n".join(lines)), complaints)
        for line in chunk.lines
    ]

    assert given == list(range(2, before + 2))
    assert [one.line for one in complaints.refused.bad] == [before + 2]


def test_a_file_of_a_header_alone_has_no_rows() -> None:
    assert read() == ([], ())
