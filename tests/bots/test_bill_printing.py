from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from bots.bill_printing import Printer, UnreadableCodesError, codes_in
from bots.configuration import Secrets
from bots.simulator.surroundings import simulated_configuration
from bots.wiring import keys_of
from core.messages import Month
from storage.database import connect
from tests.conftest import SECRETS, TOWN_ACCOUNTS, Database, Town


async def test_a_whole_town_is_printed_with_addresses_and_codes(
    inhabited: Database, town: Town, tmp_path: Path
) -> None:
    centre = simulated_configuration(1).as_centre
    printer = Printer(centre, keys_of(Secrets(SECRETS)), town.codes)
    watched: list[tuple[int, int]] = []

    async with connect(inhabited.app) as db:
        count = await printer.print(db, Month(2026, 10), tmp_path, watch=lambda *seen: watched.append(seen))

    files = sorted(tmp_path.iterdir())
    words = "".join(page.extract_text() for page in PdfReader(BytesIO(files[0].read_bytes())).pages)
    assert (count, len(files), watched[-1]) == (TOWN_ACCOUNTS, TOWN_ACCOUNTS, (TOWN_ACCOUNTS, TOWN_ACCOUNTS))
    assert "Заречинск, " in words
    assert "•" not in words


def test_codes_are_read_by_account(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("account;code\n0581234567;482913\n")

    assert codes_in(tmp_path / "codes.csv") == {"0581234567": "482913"}


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("number;secret\n1;2\n")

    with pytest.raises(UnreadableCodesError, match="account;code"):
        codes_in(tmp_path / "codes.csv")
