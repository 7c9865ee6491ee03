"""A month's new charges go straight in; any other file of them is taken as staging takes it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from core.messages import Month
from storage.database import Connection, connect
from storage.exchange import import_files
from storage.exchange_protocol import BadRow, Loaded, Progress, Refused
from storage.exchange_rows import ROWS_AT_ONCE
from tests.conftest import Database
from tests.storage.making_files import ACCOUNT, NOW, load, make_file, make_town

NEIGHBOUR = "0581234568"


async def two_accounts(db: Connection, folder: Path) -> None:
    await make_town(db, folder)
    await load(db, make_file(folder, "accounts", {"account": NEIGHBOUR}, seq=98))


def many_months() -> list[dict[str, str]]:
    """More rows than are read at once; where the first ones end, the second account has begun."""
    months = [str(Month(1950, 1).plus(number)) for number in range(ROWS_AT_ONCE * 3 // 4)]
    return [{"account": account, "period": month} for account in (ACCOUNT, NEIGHBOUR) for month in months]


async def held(db: Connection) -> int:
    count: int = await db.fetchval("select count(*) from charge")
    return count


async def test_charges_are_kept_as_they_are_written(db: Connection, tmp_path: Path) -> None:
    await make_town(db, tmp_path)
    told = {
        "volume_individual": "3,5",
        "multiplier": "1.5",
        "multiplier_sum": "57,00",
        "recalculation": "-0.50",
        "recalculation_reason": "отсутствие \\N дома\tи \\. обратно",
        "payable": "170.50",
    }

    assert await load(db, make_file(tmp_path, "charges", told)) == Loaded(1, 1)

    [row] = await db.fetch("select * from charge")
    assert (row["volume_individual"], row["multiplier"]) == (Decimal("3.5"), Decimal("1.5"))
    assert (row["multiplier_sum"], row["recalculation"], row["payable"]) == (5700, -50, 17050)
    assert row["recalculation_reason"] == told["recalculation_reason"]
    assert (row["service_code"], row["benefit"]) == ("cold_water", 0)


async def test_an_account_may_go_on_in_the_next_rows_that_are_read(db: Connection, tmp_path: Path) -> None:
    await two_accounts(db, tmp_path)
    rows = many_months()

    assert await load(db, make_file(tmp_path, "charges", *rows)) == Loaded(len(rows), len(rows))
    assert await held(db) == len(rows)


@pytest.mark.parametrize(
    ("last", "column", "reason"),
    [
        (many_months()[0], "provider_id", "is there twice (by account, period, service_code, provider_id)"),
        ({"account": "1"}, "account", "«1» is unknown"),
        ({"service_code": "gas"}, "service_code", "«gas» is unknown"),
        ({"provider_id": "P9"}, "provider_id", "«P9» is unknown"),
        ({"tariff": "dear"}, "tariff", "«dear» is not a number"),
        ({"tariff": "123456789"}, "tariff", "«123456789» is too large"),
        ({"benefit": "1"}, "payable", "is not charged + multiplier_sum + recalculation - benefit"),
    ],
)
async def test_one_wrong_row_at_the_end_keeps_all_of_them_out(
    db: Connection, tmp_path: Path, last: dict[str, str], column: str, reason: str
) -> None:
    await two_accounts(db, tmp_path)
    rows = [*many_months(), last]
    path = make_file(tmp_path, "charges", *rows)

    outcome = await load(db, path)

    assert outcome == Refused((BadRow(path.name, len(rows) + 1, column, reason),), 1)
    assert await held(db) == 0


@pytest.mark.parametrize(
    ("header", "column", "reason"),
    [
        ("payment", "payable", "is missing in the header"),
        ("payment", "payment", "is no column of charges"),
        ("payable;", "", "is no column of charges"),
        ("payable,", "payable,", "is no column of charges"),
    ],
)
async def test_charges_under_another_header_are_refused_by_its_columns(
    db: Connection, tmp_path: Path, header: str, column: str, reason: str
) -> None:
    await two_accounts(db, tmp_path)
    path = make_file(tmp_path, "charges", *many_months())
    lines = path.read_text(encoding="utf-8").splitlines()
    end = ";" if header.endswith(";") else ""
    lines = [lines[0].replace("payable", header), *(line + end for line in lines[1:])]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")

    outcome = await load(db, path)

    assert isinstance(outcome, Refused)
    assert (1, column, reason) in [(bad.line, bad.column, bad.reason) for bad in outcome.bad]
    assert await held(db) == 0


@pytest.mark.parametrize("chunk", [1, 2])
async def test_an_import_that_is_broken_off_leaves_nothing_and_a_usable_connection(
    db: Connection, tmp_path: Path, chunk: int
) -> None:
    await two_accounts(db, tmp_path)
    path = make_file(tmp_path, "charges", *many_months())
    seen: list[Progress] = []

    def break_off(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == chunk:
            importing.cancel()

    importing = asyncio.ensure_future(import_files(db, [path], now=NOW, watch=break_off))
    with pytest.raises(asyncio.CancelledError):
        await importing

    assert [progress.phase for progress in seen] == ["reading"] * chunk
    assert await held(db) == 0
    assert isinstance(await load(db, path), Loaded)


async def test_a_watcher_that_fails_while_rows_are_written_leaves_nothing(
    db: Connection, tmp_path: Path
) -> None:
    await two_accounts(db, tmp_path)
    path = make_file(tmp_path, "charges", *many_months())
    seen: list[Progress] = []

    def fail_later(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await import_files(db, [path], now=NOW, watch=fail_later)

    assert await held(db) == 0
    assert isinstance(await load(db, path), Loaded)


async def test_a_months_lines_are_replaced_though_they_are_for_other_services(
    db: Connection, tmp_path: Path
) -> None:
    await make_town(db, tmp_path, "charges")
    await load(db, make_file(tmp_path, "services", {"service_code": "gas"}, seq=98))

    assert await load(db, make_file(tmp_path, "charges", {"service_code": "gas"})) == Loaded(1, 1)
    assert [row[0] for row in await db.fetch("select service_code from charge")] == ["gas"]


# --- What a charge refers to -----------------------------------------------------------------------

CHARGED = """
insert into charge (
    account_id, period, service_code, provider_id, tariff, volume_individual, volume_common, method,
    charged_individual, charged_common, recalculation, benefit, payable, opening, penalty
)
values (1, '2026-04-01', $1, $2, 1, 1, 1, 'M', 1, 0, 0, 0, 1, 0, 0)
"""


@pytest.mark.parametrize("named", [("gas", "P03"), ("cold_water", "P9")])
async def test_a_charge_of_what_is_not_there_is_refused(
    db: Connection, tmp_path: Path, named: tuple[str, str]
) -> None:
    await make_town(db, tmp_path)

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="a charge is for a service of a provider"):
        await db.execute(CHARGED, *named)


@pytest.mark.parametrize(
    "removal",
    [
        "delete from service where code = 'cold_water'",
        "update service set code = 'gas'",
        "delete from provider",
        "update provider set id = 'P9'",
    ],
)
async def test_what_a_charge_refers_to_stays(
    database: Database, db: Connection, tmp_path: Path, removal: str
) -> None:
    await make_town(db, tmp_path, "charges")
    async with connect(database.owner) as owner:
        for table in ("meter", "provider_fee"):
            await owner.execute(f"delete from {table}")

        with pytest.raises(asyncpg.ForeignKeyViolationError, match="stays"):
            await owner.execute(removal)


async def test_a_service_that_was_never_charged_may_go(
    database: Database, db: Connection, tmp_path: Path
) -> None:
    await make_town(db, tmp_path, "charges")
    await load(db, make_file(tmp_path, "services", {"service_code": "gas"}, seq=98))

    async with connect(database.owner) as owner:
        assert await owner.execute("delete from service where code = 'gas'") == "DELETE 1"
