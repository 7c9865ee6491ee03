from pathlib import Path

import pytest

from core.dbf import NotDbfError, read_dbf

SAMPLE = Path(__file__).parents[1] / "bodies" / "registers" / "sber_agent.dbf"


def test_records_are_read_by_the_names_of_their_fields() -> None:
    first, second = read_dbf(SAMPLE.read_bytes())

    assert (first["DATA"], first["SUMMA"], first["LSCHET"]) == ("20261005", "2350.40", "0581234567")
    assert first["FIO"] == "ИВАНОВА А"
    assert second["SUMMA"] == "1200.00"


def test_a_deleted_record_is_left_out() -> None:
    content = bytearray(SAMPLE.read_bytes())
    content[705] = ord("*")

    assert [record["SUMMA"] for record in read_dbf(bytes(content))] == ["1200.00"]


@pytest.mark.parametrize("kept", [0, 20, 40, 600, 1_000])
def test_a_table_that_was_cut_off_is_refused(kept: int) -> None:
    with pytest.raises(NotDbfError):
        read_dbf(SAMPLE.read_bytes()[:kept])


def test_a_table_in_an_unknown_language_is_refused_unless_the_profile_names_one() -> None:
    content = bytearray(SAMPLE.read_bytes())
    content[29] = 0x7B

    with pytest.raises(NotDbfError):
        read_dbf(bytes(content))
    assert len(read_dbf(bytes(content), "cp866")) == 2
