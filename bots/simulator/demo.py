"""`kvitok demo`: a generated town, the service and its surroundings, on one page."""

from __future__ import annotations

import asyncio
import csv
import gc
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog
from rich.console import Console

from bots.clock import BusinessClock
from bots.configuration import Secrets
from bots.listening import stop_signal
from bots.logs import set_up_logs
from bots.simulator.surroundings import (
    Surroundings,
    simulated_configuration,
    simulated_secrets,
    surrounded,
)
from bots.town.writing import CODES_FILE, write_town
from bots.wiring import BILLING_KEY
from core.errors import KvitokError
from storage.database import connect, open_pool
from storage.embedded import EmbeddedPostgres
from storage.exchange import import_files
from storage.exchange_protocol import Refused
from storage.migrating import migrate

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

SECRETS_FILE: Final = "secrets"
SHOWN: Final = 3


class TownRefusedError(KvitokError):
    """A generated town was not taken by our own door."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a demo keeps its things between starts."""

    folder: Path

    @property
    def codes_file(self) -> Path:
        """The codes on the town's paper bills; there once the town is loaded."""
        return self.folder / CODES_FILE

    def codes(self) -> dict[str, str]:
        """The codes of the accounts to try, by number."""
        return codes_in(self.codes_file)

    def secrets(self) -> dict[str, str]:
        """The demo's own secrets, made once; addresses that were sealed with them must stay readable."""
        file = self.folder / SECRETS_FILE
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text("\n".join(secrets.token_hex(32) for _ in range(2)))
        master, billing = file.read_text().split()
        return simulated_secrets(master=master, billing=billing)


async def run_demo(data: Path, *, port: int, fresh: bool, accounts: int) -> int:
    """Run the demo until a signal says stop."""
    out = Console()
    set_up_logs(pretty=True)
    stop = stop_signal()
    home, server = Home(data), EmbeddedPostgres(data)
    if fresh:
        server.erase()
        home.codes_file.unlink(missing_ok=True)
    # The messengers' libraries take seconds to import; the database is made ready meanwhile.
    importing = asyncio.create_task(asyncio.to_thread(_import_adapters))
    with out.status("Starting PostgreSQL…"):
        await asyncio.to_thread(server.start)
    try:
        environment, clock = Secrets(home.secrets()), BusinessClock()
        with out.status("Building the town…"):
            await migrate(server.url("owner"))
            await load_town(home, server.url("app"), accounts, environment, clock())
            await importing
        async with (
            open_pool(server.url("app")) as pool,
            surrounded(
                simulated_configuration(port, banks=True),
                environment,
                pool=pool,
                clock=clock,
                codes=home.codes(),
            ) as demo,
        ):
            _greet(out, demo, home.codes())
            gc.freeze()
            gc.enable()
            await demo.service.until(stop)
    finally:
        await asyncio.to_thread(server.stop)
    return 0


def _import_adapters() -> None:
    for name in ("telegram", "vk", "odnoklassniki", "viber", "max"):
        import_module(f"adapters.{name}")


async def load_town(home: Home, app_url: str, accounts: int, environment: Secrets, now: datetime) -> None:
    """Write a town and take it over by the same door as billing's files, unless one is there already."""
    if home.codes_file.exists():
        return
    key = environment.need(BILLING_KEY, "the codes on paper bills").encode()
    with TemporaryDirectory(prefix="kvitok-town-") as folder:
        files = await asyncio.to_thread(
            write_town, Path(folder), accounts=accounts, seed=1, today=now.date(), key=key
        )
        async with connect(app_url) as db:
            # A town that was half loaded when the power went is simply loaded anew.
            await db.execute("set synchronous_commit = off")
            for report in await import_files(db, files, now=now):
                if isinstance(report.outcome, Refused):
                    raise TownRefusedError(f"{report.file}: {report.outcome.bad[0].reason}")
        home.codes_file.write_bytes((Path(folder) / CODES_FILE).read_bytes())


def codes_in(file: Path) -> dict[str, str]:
    """The codes of the accounts to try in a town's list of codes."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    return {account: code for account, code, *_ in rows[1 : 1 + SHOWN]}


def _greet(out: Console, demo: Surroundings, codes: Mapping[str, str]) -> None:
    out.print(f"\n[bold]Квиток: демо-город на странице {demo.address}[/bold]")
    out.print("Попробуйте эти лицевые счета (номер и код с бумажной квитанции):")
    for number, code in codes.items():
        out.print(f"  {number}   код {code}", highlight=False)
    out.print("Ctrl-C всё остановит. Данные останутся, начать заново: make demo FRESH=1\n", soft_wrap=True)
