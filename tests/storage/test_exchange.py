"""Files of billing, banks and the post go in whole or not at all, once."""

import gc
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from bots.town import write_town
from storage import proof
from storage.database import Connection, Pool
from storage.differences import differences
from storage.exchange import ImportRunningError, NoFilesError, import_files
from storage.exchange_protocol import (
    BAD_ROWS_SHOWN_MAX,
    AlreadyLoaded,
    BadRow,
    Loaded,
    NotOurs,
    Outcome,
    Progress,
    Refused,
)
from tests.storage.making_files import ACCOUNT, NOW, load, make_file, make_town

TODAY = date(2026, 10, 17)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    write_town(folder, accounts=8, seed=1, today=TODAY, key=b"k" * 32)
    return folder


async def test_a_generated_town_goes_in_and_the_books_agree_with_billing(db: Connection, town: Path) -> None:
    reports = await import_files(db, [town], now=NOW)

    assert {type(report.outcome) for report in reports} == {Loaded, NotOurs}
    assert await db.fetchval("select count(*) from account") == 8
    assert await db.fetchval("select count(*) from bill where posting_id is not null") == 12 * 8
    assert await differences(db) == []
    assert list(await proof.verify(db)) == []


# What the books say is due, and what the last bills say less the payments after them.
DUE = "select sum(owed - advance) from balance"
BILLED = """
select (select sum(total_due) from bill where period = '2026-09-01')
    - (select sum(amount) from payment where paid_on >= '2026-10-01')
"""


async def test_what_is_due_in_the_books_is_the_last_bills_less_later_payments(
    db: Connection, town: Path
) -> None:
    await import_files(db, [town], now=NOW)

    assert await db.fetchval(DUE) == await db.fetchval(BILLED)


async def test_the_same_files_again_change_nothing(db: Connection, town: Path) -> None:
    await import_files(db, [town], now=NOW)
    before = await _all_rows(db)

    reports = await import_files(db, [town], now=NOW)

    assert {type(report.outcome) for report in reports} == {AlreadyLoaded, NotOurs}
    assert await _all_rows(db) == before


async def _all_rows(db: Connection) -> dict[str, int]:
    tables = (
        "account",
        "meter",
        "reading",
        "charge",
        "bill",
        "payment",
        "posting",
        "transfer",
        "imported_file",
    )
    return {table: await db.fetchval(f"select count(*) from {table}") for table in tables}


async def test_the_same_content_under_another_name_changes_nothing(db: Connection, tmp_path: Path) -> None:
    first, again = make_file(tmp_path, "services", seq=1), make_file(tmp_path, "services", seq=2)

    await load(db, first)

    assert await load(db, again) == AlreadyLoaded(first.name)


async def test_only_what_differs_is_changed(db: Connection, tmp_path: Path) -> None:
    await load(db, make_file(tmp_path, "services", seq=1))

    outcome = await load(
        db,
        make_file(
            tmp_path,
            "services",
            {"name": "ХВС"},
            {"service_code": "gas"},
            seq=2,
        ),
    )

    assert outcome == Loaded(rows=2, added=1, changed=1)
    assert await db.fetchval("select name from service where code = 'cold_water'") == "ХВС"


async def test_a_bad_row_is_named_and_nothing_of_its_file_is_applied(db: Connection, tmp_path: Path) -> None:
    path = make_file(tmp_path, "services", {}, {"service_code": "gas", "sort": "first"})

    outcome = await load(db, path)

    assert outcome == Refused((BadRow(path.name, 3, "sort", "«first» is not a whole number"),), 1)
    assert await db.fetchval("select count(*) from service") == 0
    assert await db.fetchval("select count(*) from imported_file") == 0


async def test_every_bad_cell_is_reported(db: Connection, tmp_path: Path) -> None:
    path = make_file(tmp_path, "services", {"sort": "x", "kind": "y"}, {"service_code": "", "optional": "z"})

    outcome = await load(db, path)

    assert isinstance(outcome, Refused)
    assert [(bad.line, bad.column) for bad in outcome.bad] == [
        (2, "kind"),
        (2, "sort"),
        (3, "service_code"),
        (3, "optional"),
    ]


async def test_many_bad_rows_are_counted_and_the_first_ones_listed(db: Connection, tmp_path: Path) -> None:
    rows = [{"service_code": f"s{number}", "sort": "x"} for number in range(BAD_ROWS_SHOWN_MAX + 20)]

    outcome = await load(db, make_file(tmp_path, "services", *rows))

    assert isinstance(outcome, Refused)
    assert len(outcome.bad) == BAD_ROWS_SHOWN_MAX
    assert outcome.bad_total == BAD_ROWS_SHOWN_MAX + 20


async def test_many_rows_that_refer_to_nothing_are_counted_and_the_first_ones_listed(
    db: Connection, tmp_path: Path
) -> None:
    rows = [{"account": f"{number}", "premises_id": "none"} for number in range(BAD_ROWS_SHOWN_MAX + 20)]

    outcome = await load(db, make_file(tmp_path, "accounts", *rows))

    assert isinstance(outcome, Refused)
    assert len(outcome.bad) == BAD_ROWS_SHOWN_MAX
    assert outcome.bad_total == BAD_ROWS_SHOWN_MAX + 20


async def test_files_with_a_fault_do_not_keep_others_out(db: Connection, tmp_path: Path) -> None:
    make_file(tmp_path, "providers", {"inn": ""})
    make_file(tmp_path, "services")

    reports = await import_files(db, [tmp_path], now=NOW)

    assert [type(report.outcome) for report in reports] == [Loaded, Refused]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
async def test_encodings_of_the_trade_are_read(db: Connection, tmp_path: Path, encoding: str) -> None:
    name = "Холодная вода, м³".replace("³", "3")

    await load(
        db, make_file(tmp_path, "services", {"name": name, "unit": "м3"}, encoding=encoding, newline="\r\n")
    )

    assert await db.fetchval("select name from service") == name


async def test_bytes_of_no_encoding_are_refused(db: Connection, tmp_path: Path) -> None:
    path = make_file(tmp_path, "services")
    path.write_bytes(path.read_bytes() + b"\x98\xff\n")

    outcome = await load(db, path)

    assert outcome == Refused((BadRow(path.name, 0, "", "is neither UTF-8 nor windows-1251"),), 1)


async def test_decimal_commas_are_read(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)

    await load(db, make_file(tmp_path, "payments", {"amount": "1234,50"}))

    assert await db.fetchval("select amount from payment") == 123_450


def a_control(path: Path, *, rows: int = 1, total: str = "14.00", digest: str = "") -> None:
    digest = digest or sha256(path.read_bytes()).hexdigest()
    text = f"rows;sum;sha256;generated_at\n{rows};{total};{digest};2026-05-02T06:00:00+03:00\n"
    path.with_name(f"{path.name}.ctl").write_text(text)


async def test_a_control_file_that_agrees_lets_its_file_in(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    path = make_file(tmp_path, "payments")
    a_control(path)

    assert isinstance(await load(db, path), Loaded)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"rows": 2}, "the control file differs: «2» rows, 1 in the file"),
        ({"total": "14.01"}, "the control file differs: sum «14.01», 14.00 in the file"),
        ({"digest": "0" * 64}, "the control file differs: another sha256"),
    ],
)
async def test_a_control_file_that_differs_keeps_its_file_out(
    db: Connection, tmp_path: Path, wrong: dict[str, object], reason: str
) -> None:
    await make_town(db, tmp_path)
    path = make_file(tmp_path, "payments")
    a_control(path, **wrong)  # type: ignore[arg-type]  # one argument of a_control, by its name

    assert await load(db, path) == Refused((BadRow(path.name, 0, "", reason),), 1)
    assert await db.fetchval("select count(*) from payment") == 0


async def test_a_control_file_that_is_none_keeps_its_file_out(db: Connection, tmp_path: Path) -> None:
    path = make_file(tmp_path, "services")
    path.with_name(f"{path.name}.ctl").write_text("ok")

    outcome = await load(db, path)

    assert isinstance(outcome, Refused)
    assert outcome.bad[0].reason.startswith("the control file is not one row of")


async def test_a_mistyped_file_in_a_folder_is_refused_by_name_and_the_rest_goes_in(
    db: Connection, tmp_path: Path
) -> None:
    ours = make_file(tmp_path, "services")
    mistyped = tmp_path / "reading_ack_0001_2026-10-17_1.csv"
    mistyped.write_text("dear;sirs\n")

    outcomes = await by_name(db, tmp_path)

    assert isinstance(outcomes[ours.name], Loaded)
    refused = outcomes[mistyped.name]
    assert isinstance(refused, Refused)
    assert "reading_acks" in refused.bad[0].reason
    assert isinstance(await load(db, mistyped), Refused)


async def test_a_control_file_without_its_file_is_refused(db: Connection, tmp_path: Path) -> None:
    ours = make_file(tmp_path, "services")
    ours.with_name(f"{ours.name}.ctl").write_text("ok")
    (tmp_path / "charges_0001_2026-10_1.csv.ctl").write_text("ok")

    outcomes = await by_name(db, tmp_path)

    assert set(outcomes) == {ours.name, "charges_0001_2026-10_1.csv.ctl"}
    assert isinstance(outcomes["charges_0001_2026-10_1.csv.ctl"], Refused)


async def test_notes_hidden_files_and_folders_beside_the_files_keep_nothing_out(
    db: Connection, tmp_path: Path
) -> None:
    ours = make_file(tmp_path, "services")
    for name in ("README.txt", ".listing", "codes.csv"):
        (tmp_path / name).write_text("dear sirs\n")
    (tmp_path / "archive").mkdir()

    outcomes = await by_name(db, tmp_path)

    assert isinstance(outcomes.pop(ours.name), Loaded)
    assert outcomes == dict.fromkeys((".listing", "README.txt", "archive", "codes.csv"), NotOurs())


async def by_name(db: Connection, folder: Path) -> dict[str, Outcome]:
    return {report.file: report.outcome for report in await import_files(db, [folder], now=NOW)}


async def test_a_path_with_nothing_at_it_is_an_error(db: Connection, tmp_path: Path) -> None:
    with pytest.raises(NoFilesError):
        await import_files(db, [tmp_path / "nothing"], now=NOW)


async def test_two_imports_do_not_run_at_once(db: Connection, pool: Pool, tmp_path: Path) -> None:
    path = make_file(tmp_path, "services")
    tried: list[ImportRunningError] = []

    async with pool.acquire() as other:
        await other.execute("select pg_advisory_lock(hashtext('kvitok import'), hashtext(current_schema()))")
        with pytest.raises(ImportRunningError) as caught:
            await load(db, path)
        tried.append(caught.value)
        await other.execute("select pg_advisory_unlock_all()")

    assert tried
    assert isinstance(await load(db, path), Loaded)


async def test_who_looks_on_sees_each_phase(db: Connection, tmp_path: Path) -> None:
    seen: list[Progress] = []

    await import_files(db, [make_file(tmp_path, "services")], now=NOW, watch=seen.append)

    assert [progress.phase for progress in seen] == ["reading", "checking", "merging"]
    assert seen[1].bytes_read == seen[1].bytes_total > 0


async def test_who_looks_on_sees_how_many_bills_are_posted(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path, "charges")
    seen: list[Progress] = []

    await import_files(db, [make_file(tmp_path, "bill_totals")], now=NOW, watch=seen.append)

    merging = [progress.bytes_read for progress in seen if progress.phase == "merging"]
    assert merging == [0, seen[-1].bytes_total]


async def test_an_import_leaves_the_connection_as_it_was(db: Connection, tmp_path: Path) -> None:
    timeout = await db.fetchval("show statement_timeout")

    await load(db, make_file(tmp_path, "services"))

    assert await db.fetchval("show statement_timeout") == timeout
    assert await db.fetchval("select to_regclass('staged_services')") is None


async def test_an_import_leaves_the_collector_as_it_was(db: Connection, tmp_path: Path) -> None:
    usual = gc.get_threshold()

    await load(db, make_file(tmp_path, "services"))

    assert gc.get_threshold() == usual


async def test_the_code_of_a_paper_bill_stays_a_hash(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)

    await load(
        db, make_file(tmp_path, "accounts", {"link_secret_hash": "ab" * 32, "phone_hashes": "cd" * 32})
    )

    [row] = await db.fetch("select link_secret_hash, phone_hashes from account where number = $1", ACCOUNT)
    assert row["link_secret_hash"] == b"\xab" * 32
    assert row["phone_hashes"] == [b"\xcd" * 32]
