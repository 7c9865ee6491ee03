"""A month of a small town's money, by all ways, ends with whole books."""

from __future__ import annotations

from pathlib import Path

from benchmarks.month import build_town, live_a_month
from storage.database import connect
from tests.conftest import Database


async def test_a_month_of_a_small_town_ends_with_whole_books(database: Database, tmp_path: Path) -> None:
    async with connect(database.app) as db:
        await build_town(db, tmp_path / "town", accounts=30)

        month = await live_a_month(db, tmp_path, days=6)

    assert month.settlements > 6
    assert month.paid > 0
    assert month.readings > 0
