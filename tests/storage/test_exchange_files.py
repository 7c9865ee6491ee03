"""A file's name says what it is and when it is loaded; its bytes say how they are to be read."""

from pathlib import Path

import pytest

from storage.exchange_files import ImportPath, survey


def named(*names: str) -> list[str]:
    files = filter(None, (ImportPath.of(Path(name)) for name in names))
    return [file.path.name for file in sorted(files, key=lambda file: file.place)]


def test_what_is_referred_to_is_loaded_first() -> None:
    assert named(
        "meters_c_2026-05-01_1.csv", "accounts_c_2026-05-02_1.csv", "services_c_2026-05-03_1.csv"
    ) == ["services_c_2026-05-03_1.csv", "accounts_c_2026-05-02_1.csv", "meters_c_2026-05-01_1.csv"]


def test_months_are_loaded_one_after_the_other_payments_before_the_bills_that_count_them() -> None:
    assert named(
        "bill_totals_c_2026-05_1.csv",
        "charges_c_2026-05_1.csv",
        "payments_c_2026-05-31_1.csv",
        "bill_totals_c_2026-04_1.csv",
        "charges_c_2026-04_1.csv",
        "meters_c_2026-05-01_1.csv",
    ) == [
        "meters_c_2026-05-01_1.csv",
        "charges_c_2026-04_1.csv",
        "bill_totals_c_2026-04_1.csv",
        "payments_c_2026-05-31_1.csv",
        "charges_c_2026-05_1.csv",
        "bill_totals_c_2026-05_1.csv",
    ]


def test_files_of_a_kind_and_a_day_are_loaded_by_their_number() -> None:
    assert named("payments_c_2026-05-02_10.csv", "payments_c_2026-05-02_9.csv") == [
        "payments_c_2026-05-02_9.csv",
        "payments_c_2026-05-02_10.csv",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "codes.csv",
        "bills_c_2026-05_1.csv",
        "charges_c_2026_1.csv",
        "charges_2026-05_1.csv",
        "charges_c_2026-05_1.txt",
    ],
)
def test_any_other_name_is_none_of_an_import_file(name: str) -> None:
    assert ImportPath.of(Path(name)) is None


def test_a_name_may_be_in_capitals() -> None:
    file = ImportPath.of(Path("BILL_TOTALS_C_2026-05_1.CSV"))

    assert file is not None
    assert file.kind.name == "bill_totals"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", "utf-8-sig"),
        ("вода".encode(), "utf-8-sig"),
        ("вода".encode("utf-8-sig"), "utf-8-sig"),
        ("вода".encode("cp1251"), "cp1251"),
        # A letter of two bytes across the border between two blocks.
        (b"x" * ((1 << 20) - 1) + "я".encode(), "utf-8-sig"),
    ],
)
def test_an_encoding_is_found_from_the_whole_file(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)

    found = survey(path)

    assert found is not None
    assert (found.encoding, found.size) == (encoding, len(content))


def test_a_file_that_ends_within_a_letter_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("я".encode()[:1])

    found = survey(path)

    assert found is not None
    assert found.encoding == "cp1251"
