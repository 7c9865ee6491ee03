"""Files of billing go in whole or not at all, once."""

from datetime import UTC, date, datetime
from pathlib import Path

from bots.town import write_town
from storage.database import Connection
from storage.exchange import import_files
from storage.exchange_protocol import AlreadyLoaded, Loaded, NotOurs, Refused

NOW = datetime(2026, 10, 17, 9, tzinfo=UTC)
KEY = b"k" * 32


async def test_a_town_goes_in_by_the_door(db: Connection, tmp_path: Path) -> None:
    write_town(tmp_path, accounts=30, seed=1, today=date(2026, 10, 17), key=KEY)

    reports = await import_files(db, [tmp_path], now=NOW)

    for report in reports:
        print(report)
