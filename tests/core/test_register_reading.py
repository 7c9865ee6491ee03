"""Registers as banks send them: every layout that ships is tried on a sample of it."""

from __future__ import annotations

import struct
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.allocation import Named
from core.money import Money, total
from core.register_reading import read_register, text_of
from core.registers import (
    Mistake,
    Register,
    RidingReading,
    UnreadableRegisterError,
    profile_named,
)

BODIES = Path(__file__).parents[1] / "bodies" / "registers"
CLASSIC = "9800123456_40702810048000012345_004.y05"
WITH_READINGS = "EPS100000001_1884712217_9800123456_40702810048000012345_033.y05"


def read(file: str, profile: str, control: str | None = None) -> Register:
    beside = None if control is None else (BODIES / control).read_bytes()
    return read_register(profile_named(profile), (BODIES / file).read_bytes(), beside, name=file)


def read_text(profile: str, text: str, control: str | None = None) -> Register:
    beside = None if control is None else control.encode()
    return read_register(profile_named(profile), text.encode(), beside, name="a.txt")


def mistakes_in(profile: str, text: str, control: str | None = None) -> list[str]:
    with pytest.raises(UnreadableRegisterError) as refused:
        read_text(profile, text, control)
    return [mistake.reason for mistake in refused.value.mistakes]


@pytest.mark.parametrize(
    ("file", "profile", "control", "kopecks"),
    [
        (CLASSIC, "sber", None, [15_000, 12_000]),
        (WITH_READINGS, "sber-readings", None, [235_040, 120_000, 50_000, 1]),
        ("sber_split_by_service.y09", "sber-services", None, [235_040]),
        ("sber_v2_named_tokens.txt", "sber-named", None, [150_000, 20_000]),
        ("sber_agent.dbf", "sber-dbf", None, [235_040, 120_000]),
        ("post_columns.csv", "post", None, [85_040, 120_000]),
        ("agent_subsidy_2026.txt", "subsidy", None, [87_450, 576]),
        ("detail_20261005.txt", "orders", "pack_20261005.txt", [235_040, 120_000]),
    ],
)
def test_every_sample_is_read_to_the_kopeck(
    file: str, profile: str, control: str | None, kopecks: list[int]
) -> None:
    register = read(file, profile, control)

    assert [row.amount.kopecks for row in register.rows] == kopecks


def a_table(fields: dict[str, tuple[str, int]], *records: dict[str, str]) -> bytes:
    """A table of dBase III in windows-1251; *fields*: the type and the width of each."""
    width = 1 + sum(length for _, length in fields.values())
    start = 32 * (1 + len(fields)) + 1
    head = struct.pack("<4BIHH17xB2x", 3, 126, 10, 5, len(records), start, width, 0xC9)
    columns = b"".join(
        struct.pack("<11sc4xB15x", name.encode(), kind.encode(), length)
        for name, (kind, length) in fields.items()
    )
    rows = b"".join(
        b" " + b"".join(record[name].ljust(length).encode("cp1251") for name, (_, length) in fields.items())
        for record in records
    )
    return head + columns + b"\r" + rows + b"\x1a"


def test_an_agents_table_is_read_by_the_names_of_its_fields() -> None:
    fields = {
        "ID_PAY": ("C", 20),
        "LS_NUM": ("N", 10),
        "SUMMA": ("N", 10),
        "PAY_DATE": ("D", 8),
        "PLPOR_NUM": ("N", 9),
    }
    table = a_table(
        fields,
        {
            "ID_PAY": "A-1",
            "LS_NUM": "581234567",
            "SUMMA": "2350.40",
            "PAY_DATE": "20261005",
            "PLPOR_NUM": "17",
        },
    )

    (row,) = read_register(profile_named("agent-dbf"), table, None, name="a.dbf").rows

    assert (row.account, row.amount.kopecks, row.paid_on) == ("581234567", 235_040, date(2026, 10, 5))


def test_the_posts_table_is_read_by_the_names_of_its_fields() -> None:
    fields = {
        "KFOSB": ("C", 8), "DATE": ("D", 8), "NUMBER": ("N", 10), "SOPL": ("N", 15), "LSCHET": ("C", 12),
        "NUMPLP": ("N", 10),
    }  # fmt: skip
    record = {"KFOSB": "8625", "DATE": "20261005", "NUMBER": "1", "LSCHET": "0581234567", "NUMPLP": "17"}
    table = a_table(fields, {**record, "SOPL": "850.40"}, {**record, "NUMBER": "2", "SOPL": "5.00"})

    rows = read_register(profile_named("post-dbf"), table, None, name="a.dbf").rows

    assert [(row.account, row.amount.kopecks) for row in rows] == [
        ("0581234567", 85_040),
        ("0581234567", 500),
    ]


def test_a_subsidy_with_russian_headings_is_read_a_service_a_row() -> None:
    text = (
        "ИДЕНТ_ПЛАТЕЖА;ЛИЦЕВОЙ_СЧЕТ_СГ;ЛИЦЕВОЙ_СЧЕТ_ПР;АДРЕС;ФИО;КОД_ПЛАТЕЖА;НАИМ_ПЛАТЕЖА;ДАТА_ПЛАТЕЖА;"
        "СУММА_ПЛАТЕЖА;ПЕРИОД_ПЛАТЕЖА\n"
        "1;400000001;0581234567;;;2520;Отопление;05.10.2026;874,5;сен.26\n"
        "1;400000001;0581234567;;;2518;Вывоз мусора;05.10.2026;5.76;сен.26\n"
    )

    rows = read_text("subsidy-russian", text).rows

    assert [(row.named[0].service, row.amount.kopecks) for row in rows] == [
        ("Отопление", 87_450),
        ("Вывоз мусора", 576),
    ]


def test_a_row_says_whose_payment_it_is_and_when_it_was_made() -> None:
    row = read(CLASSIC, "sber").rows[1]

    assert (row.account, row.paid_on, row.paid_at) == ("581234575", date(2026, 10, 5), time(15, 23, 48))
    assert row.operation == "05-10-2026/058625/802001N/15807"


def test_readings_ride_in_a_row_and_one_that_was_not_given_is_none() -> None:
    first, *_, last = read(WITH_READINGS, "sber-readings").rows

    assert first.readings[2:] == (
        RidingReading("20000003", 1, Decimal(192)),
        RidingReading("20000003", 2, Decimal(9)),
    )
    assert [(one.meter, one.value) for one in last.readings] == [
        ("20000001", Decimal("7.250")),
        ("20000003", Decimal(200)),
        ("20000003", Decimal(11)),
    ]


def test_services_that_the_payer_named_are_read() -> None:
    [row] = read("sber_split_by_service.y09", "sber-services").rows

    assert row.named == (Named("901", Money(85_040)), Named("902", Money(150_000)))


def test_their_codes_of_services_become_ours_and_those_without_ours_are_not_named() -> None:
    profile = msgspec.structs.replace(profile_named("sber-services"), services={"901": "maintenance"})
    file = "sber_split_by_service.y09"

    [row] = read_register(profile, (BODIES / file).read_bytes(), name=file).rows

    assert row.named == (Named("maintenance", Money(85_040)),)


@pytest.mark.parametrize("file", ["sber_broken_total.y07", "sber_broken_count.y08"])
def test_a_register_whose_last_line_disagrees_is_refused_whole(file: str) -> None:
    with pytest.raises(UnreadableRegisterError, match="1 mistakes"):
        read(file, "sber")


def test_a_register_without_its_last_line_was_cut_off() -> None:
    content = (BODIES / CLASSIC).read_bytes().splitlines(keepends=True)[0]

    with pytest.raises(UnreadableRegisterError) as refused:
        read_register(profile_named("sber"), content, name=CLASSIC)
    assert refused.value.mistakes == (
        Mistake(0, "the last line with the totals is missing: the file is cut off"),
    )


def test_an_operation_that_comes_twice_is_one_payment_and_is_told() -> None:
    register = read("sber_v1_duplicate_op.y10", "sber-readings")

    assert (len(register.rows), register.repeated) == (1, (2,))


def test_two_payments_under_one_operation_are_refused() -> None:
    text = "account;amount;day;time;service;desk;receipt\n1;10;2026-10-05;10:00:00;;1;7\n1;11;2026-10-05;10:00:00;;1;7"

    assert mistakes_in("cash", text) == ["is another payment of the operation of line 2"]


def test_the_post_numbers_nothing_so_equal_rows_are_two_payments() -> None:
    header = "Лицевой счет;Сумма платежа;Дата платежа;Номер платежного поручения"
    row = "000581234567;1 200,00;05.10.2026;1021"

    register = read_text("post", f"{header}\n{row}\n{row}")

    assert total(row.amount for row in register.rows) == Money(240_000)
    assert len({row.operation for row in register.rows}) == 2


def test_columns_under_a_header_are_found_by_name_in_any_order() -> None:
    header = "Номер платежного поручения;ФИО;Дата платежа;Сумма платежа;Лицевой счет"

    [row] = read_text("post", f"{header}\n1021;;05.10.2026;850,40;000581234567").rows

    assert (row.account, row.amount) == ("000581234567", Money(85_040))


@pytest.mark.parametrize(
    ("sum_", "reason"),
    [
        ("0,00", "the sum is zero"),
        ("-5,00", "'-5,00' is no number"),
        ("5,001", "'5,001' has parts of a kopeck"),
        ("1e3", "'1e3' is no number"),
        ("100000000", "'100000000' is too much"),
        ("", "'' is no number"),
    ],
)
def test_a_sum_that_is_none_is_refused(sum_: str, reason: str) -> None:
    text = f"account;amount;day;time;service;desk;receipt\n1;{sum_};2026-10-05;10:00:00;;1;7"

    assert mistakes_in("cash", text) == [reason]


def test_a_control_record_must_agree_in_number_and_sum() -> None:
    row = "0000581234567;100.00;T1;487;05.10.2026;M1;12;;;;;;;;;;"
    control = "06.10.2026;{name};1;{rows};{sum}"

    assert read_text("code13", row, control.format(name="a.txt", rows=1, sum="100.00")).rows
    assert mistakes_in("code13", row, control.format(name="a.txt", rows=2, sum="100.00")) == [
        "the control file says 2 rows, there are 1"
    ]
    assert mistakes_in("code13", row, control.format(name="b.txt", rows=1, sum="100.00")) == [
        "the control file does not know it"
    ]
    assert mistakes_in("code13", row) == ["its control file is missing (.txt in the name, .ctl instead)"]


def test_each_order_of_a_pack_is_checked_by_itself() -> None:
    rows = "05.10.2026|000487|05.10.2026|09055|00017|000001|0000000002350.40|1234567"
    pack = "05.10.2026|000487|0000000002350.41|000001|"

    assert mistakes_in("orders", rows, pack) == [
        "order 000487: the control file says 2350.41, the rows are 2350.40"
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866"])
def test_the_encoding_is_told_by_the_bytes(encoding: str) -> None:
    header = "Лицевой счет;Сумма платежа;Дата платежа;Номер платежного поручения"

    assert text_of(header.encode(encoding)) == header


def test_a_row_that_is_too_short_is_named_by_its_line() -> None:
    content = b"05-10-2026;10-00-00;1;2;3;4\r\n=1;1,00;1,00;0,00;5;\r\n"

    with pytest.raises(UnreadableRegisterError) as refused:
        read_register(profile_named("sber"), content, name="x")
    assert refused.value.mistakes == (Mistake(1, "there is no column 9: the row has 6"),)


@given(st.permutations((BODIES / WITH_READINGS).read_bytes().splitlines(keepends=True)))
def test_the_order_of_rows_does_not_matter(lines: list[bytes]) -> None:
    register = read_register(profile_named("sber-readings"), b"".join(lines), name="x")

    assert {(row.operation, row.amount) for row in register.rows} == {
        (row.operation, row.amount) for row in read(WITH_READINGS, "sber-readings").rows
    }


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_read_or_refused(content: bytes) -> None:
    for name in ("sber", "sber-readings", "post", "sber-dbf", "orders"):
        with suppress(UnreadableRegisterError):
            read_register(profile_named(name), content, name="x")
