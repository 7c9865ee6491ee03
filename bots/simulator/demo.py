"""`kvitok demo`: the whole service, a generated town and stand-ins of everything around it, on one page.

Everything between the page and the database is the real path; only what is outside of it is stood in for.
"""

from __future__ import annotations

import asyncio
import csv
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
import structlog
from aiohttp import web
from rich.console import Console

from bots import wiring
from bots.clock import BusinessClock
from bots.configuration import Configuration, Secrets, checked
from bots.listening import listening, stop_signal
from bots.logs import set_up_logs
from bots.serving import Serving, serving
from bots.simulator.acquirer import AcquirerStandIn
from bots.simulator.app import simulator_app
from bots.simulator.residents import Residents
from bots.simulator.telegram import TelegramStandIn
from bots.town.writing import CODES_FILE, write_town
from core.channel import Channel
from core.errors import KvitokError
from storage.database import connect, open_pool
from storage.embedded import EmbeddedPostgres
from storage.exchange import import_files
from storage.exchange_protocol import Refused
from storage.migrating import migrate
from storage.showcase import accounts_to_try

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

HOST: Final = "127.0.0.1"
SECRETS_FILE: Final = "secrets"
ACQUIRER: Final = "/acquirer"
SHOWN: Final = 3


class TownRefusedError(KvitokError):
    """A generated town was not taken by our own door."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a demo keeps its things between starts."""

    folder: Path

    @property
    def codes(self) -> Path:
        """The codes on the town's paper bills."""
        return self.folder / CODES_FILE

    def secrets(self) -> dict[str, str]:
        """The demo's own secrets, made once; addresses that were sealed with them must stay readable."""
        file = self.folder / SECRETS_FILE
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text("\n".join(secrets.token_hex(32) for _ in range(2)))
        master, billing = file.read_text().split()
        return {
            wiring.MASTER_KEY: master,
            wiring.BILLING_KEY: billing,
            wiring.TELEGRAM_TOKEN: "7012345678:demo-token-of-the-stand-in-for-telegram",
            wiring.TELEGRAM_SECRET: secrets.token_urlsafe(32),
            wiring.SIMULATED_SECRET: secrets.token_urlsafe(32),
        }


def demo_configuration(port: int) -> Configuration:
    """The configuration of a demo on *port*: all channels on and open, all addresses here."""
    base = f"http://{HOST}:{port}"
    content = {
        "centre": {
            "name": "ЕРКЦ Зареченска",
            "address": "г. Зареченск, ул. Светлая, 1",
            "phone": "8 (800) 000-00-00",
            "hours": "пн–пт 8:00–20:00, сб 9:00–15:00",
        },
        "server": {"public_url": base, "host": HOST, "port": port},
        "channels": {"telegram": {"mode": "open", "api_base": base}},
        "payments": {"simulated": {"base": f"{base}{ACQUIRER}"}},
    }
    return checked(content, source="demo")


async def run_demo(data: Path, *, port: int, fresh: bool, accounts: int) -> int:
    """Run the demo until a signal says stop."""
    out = Console()
    set_up_logs(pretty=True)
    stop = stop_signal()
    server = EmbeddedPostgres(data)
    if fresh:
        server.erase()
        Home(data).codes.unlink(missing_ok=True)
    with out.status("Starting PostgreSQL…"):
        await asyncio.to_thread(server.start)
    try:
        async with running_demo(Home(data), server, port=port, accounts=accounts, out=out) as demo:
            _greet(out, demo)
            await demo.service.until(stop)
    finally:
        await asyncio.to_thread(server.stop)
    return 0


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs."""

    address: str
    accounts: Sequence[Mapping[str, object]]
    clock: BusinessClock
    channels: Mapping[str, Residents]
    acquirer: AcquirerStandIn
    service: Serving


@asynccontextmanager
async def running_demo(
    home: Home, server: EmbeddedPostgres, *, port: int, accounts: int, out: Console
) -> AsyncIterator[Demo]:
    """The whole demo on *port*, on a running *server*."""
    environment = Secrets(home.secrets())
    clock = BusinessClock()
    # Telegram's library takes seconds to import; the database is made ready meanwhile.
    importing = asyncio.create_task(asyncio.to_thread(_import_adapters))
    with out.status("Building the town…"):
        await migrate(server.url("owner"))
        await load_town(home, server.url("app"), accounts, environment, clock())
        await importing
    configuration = demo_configuration(port)
    async with open_pool(server.url("app")) as pool, aiohttp.ClientSession() as http:
        parts = wiring.parts_of(configuration, environment, pool=pool, http=http, clock=clock)
        stand_ins = {
            "telegram": TelegramStandIn(token=environment.need(wiring.TELEGRAM_TOKEN, ""), clock=clock)
        }
        acquirer = AcquirerStandIn(
            environment.need(wiring.SIMULATED_SECRET, ""),
            clock,
            notice_url=f"{configuration.server.public_url}/acquirers/simulated/notice",
        )

        async def to_try() -> Sequence[object]:
            async with pool.acquire() as db:
                return await accounts_to_try(db, _codes(home))

        async def set_clock(now: datetime) -> None:
            clock.set(now)

        app = simulator_app(list(stand_ins.values()), accounts=to_try, clock=clock, set_clock=set_clock)
        app.add_subapp(ACQUIRER, acquirer.app())
        async with serving(parts, app) as service, listening(app, host=HOST, port=port):
            await _subscribe(configuration, parts.channels)
            shown = [each for each in await to_try() if isinstance(each, Mapping)]
            yield Demo(configuration.server.public_url, shown[:SHOWN], clock, stand_ins, acquirer, service)


def _import_adapters() -> None:
    import adapters.telegram  # noqa: F401, PLC0415  # seconds, in a thread of its own


async def _subscribe(configuration: Configuration, channels: Mapping[str, Channel]) -> None:
    for name, channel in channels.items():
        await channel.subscribe(wiring.webhook_url(configuration, name))


async def load_town(home: Home, app_url: str, accounts: int, environment: Secrets, now: datetime) -> None:
    """Write a town and take it over by the same door as billing's files, unless one is there already."""
    if home.codes.exists():
        return
    key = environment.need(wiring.BILLING_KEY, "").encode()
    with TemporaryDirectory(prefix="kvitok-town-") as folder:
        files = await asyncio.to_thread(
            write_town, Path(folder), accounts=accounts, seed=1, today=now.date(), key=key
        )
        async with connect(app_url) as db:
            for report in await import_files(db, files, now=now):
                if isinstance(report.outcome, Refused):
                    raise TownRefusedError(f"{report.file}: {report.outcome.bad[0].reason}")
        home.codes.write_bytes((Path(folder) / CODES_FILE).read_bytes())


def _codes(home: Home) -> dict[str, str]:
    with home.codes.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    return {account: code for account, code, *_ in rows[1 : 1 + SHOWN]}


def _greet(out: Console, demo: Demo) -> None:
    out.print(f"\n[bold]Квиток: демо-город на странице [link={demo.address}]{demo.address}[/link][/bold]")
    out.print("Попробуйте эти лицевые счета (номер и код с бумажной квитанции):")
    for account in demo.accounts:
        out.print(f"  {account['number']}   код {account['code']}", highlight=False)
    out.print("Ctrl-C всё остановит. Данные останутся в .kvitok; начать заново: make demo FRESH=1\n")
