"""The ground that faults happen on: a town with linked residents, stand-ins, and a balancer before real engines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from multiprocessing import get_context, resource_tracker
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import aiohttp
import yaml
from aiohttp import web

from benchmarks.ground import FIRST_CHAT, UNSETTLED, settle
from benchmarks.pooling import Pooler
from benchmarks.ports import free_port
from bots import wiring
from bots.acquirers import SIMULATED_SECRET
from bots.clock import BusinessClock
from bots.messengers import TELEGRAM_SECRET, TELEGRAM_TOKEN
from bots.simulator.acquirer import AcquirerStandIn
from bots.simulator.stand_ins import WITHOUT_PACE
from bots.simulator.telegram import TelegramStandIn
from bots.simulator.telegram.updates import Webhook
from bots.town.writing import write_town
from storage.database import connect
from storage.embedded import EmbeddedPostgres
from storage.embedded_cluster import DATABASE
from storage.exchange import import_files
from storage.exchange_protocol import Refused
from storage.migrating import migrate
from tests.conftest import SECRETS, Database, quick_folder
from tests.faults.dying import Life, live
from tests.reading_logs import read

NOW: Final = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("Europe/Moscow"))
ACCOUNTS: Final = 8
START_S: Final = 120
LOOK_AGAIN_S: Final = 0.02

_numbers = count(1)
HOST: Final = "127.0.0.1"

# Engines are forked from a process that has imported everything: they serve at once.
FORKS: Final = get_context("forkserver")


@dataclass(frozen=True)
class Town:
    """A server of the faults' own, durable, and on it a town with a linked resident an account, to be copied."""

    server: EmbeddedPostgres
    database: str


@asynccontextmanager
async def a_town(*, accounts: int = ACCOUNTS, folder: Path | None = None) -> AsyncIterator[Town]:
    """Build it: in *folder*, else in memory, where syncing costs nothing."""
    FORKS.set_forkserver_preload(["tests.faults.dying"])
    # It tidies up after processes that were killed, and would say so each time.
    with patch.dict(os.environ, PYTHONWARNINGS="ignore:resource_tracker:UserWarning"):
        resource_tracker.ensure_running()
    with ExitStack() as own:
        home = folder or own.enter_context(quick_folder())
        server = own.enter_context(EmbeddedPostgres(home))
        await migrate(server.url("owner"))
        async with a_copy(Town(server, DATABASE)) as database:
            await settle_in(database.app, home / "town", accounts=accounts)
            yield Town(server, database.name)


async def settle_in(url: str, folder: Path, *, accounts: int) -> None:
    """Import a town of *accounts*, and link a chat's resident to each."""
    files = write_town(folder, accounts=accounts, seed=1, today=NOW.date(), key=b"b" * 64)
    async with connect(url) as db:
        reports = await import_files(db, files, now=NOW)
        refused = [report for report in reports if isinstance(report.outcome, Refused)]
        if refused:
            raise AssertionError(refused)
        await settle(db, "telegram", [str(FIRST_CHAT + number) for number in range(accounts)], accounts)


@asynccontextmanager
async def a_copy(town: Town) -> AsyncIterator[Database]:
    """A copy of the town that nobody else sees; no connection is kept, for the server may be killed meanwhile."""
    server, name = town.server, f"copy_{next(_numbers)}"
    admin = server.url("superuser", "postgres")
    async with connect(admin) as db:
        await db.execute(
            f"create database {name} template {town.database} strategy file_copy owner kvitok_owner"
        )
    yield Database(
        name=name,
        owner=server.url("owner", name),
        app=server.url("app", name),
        reader=server.url("reader", name),
        superuser=server.url("superuser", name),
    )
    async with connect(admin) as db:
        await db.execute(f"drop database {name} with (force)")


# --- Engines ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Engine:
    """A process that serves; *alive* until it ended, however."""

    process: ForkServerProcess
    port: int

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def kill(self) -> None:
        """End it as `kill -9` does, at whatever it is."""
        self.process.kill()

    def stop(self) -> None:
        """Ask it to end, by the SIGTERM of whoever upgrades."""
        self.process.terminate()

    async def ended(self) -> None:
        """Return when it is no more."""
        while self.alive:  # noqa: ASYNC110  # another process tells us nothing
            await asyncio.sleep(LOOK_AGAIN_S)


# Does something to an answer of a stand-in before it leaves.
Spoil = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@dataclass(kw_only=True)
class Neighbourhood:
    """Stand-ins around a copy of the town, and the engines that serve it."""

    database: Database
    folder: Path
    base: str
    clock: BusinessClock
    telegram: TelegramStandIn
    acquirer: AcquirerStandIn
    http: aiohttp.ClientSession
    chance: Random
    pooler: Pooler | None = None
    engines: list[Engine] = field(default_factory=list)
    on_answer: list[Spoil] = field(default_factory=list)

    @property
    def alive(self) -> list[Engine]:
        return [engine for engine in self.engines if engine.alive]

    async def start_engine(self, *, step: str = "", passing: int = 1, **life: Any) -> Engine:
        """A new process that serves; it dies at the given passing of *step*, if one is given."""
        port = free_port()
        config = self.folder / f"{port}.yaml"
        config.write_text(yaml.safe_dump(self._configuration(port)), encoding="utf-8")
        ours, theirs = FORKS.Pipe(duplex=False)
        url = self.database.app if self.pooler is None else self.pooler.url(self.database.app)
        environment = {**SECRETS, wiring.DATABASE_URL: url}
        log = self.folder / f"{port}.log"
        ahead = self.clock() - datetime.now(UTC)
        plan = Life(config, environment, ahead=ahead, step=step, passing=passing, log=log, **life)
        process = FORKS.Process(target=live, args=(plan, theirs))
        # On the loop's own thread: starting polls all children, and two threads that poll one that just
        # died at the same moment take its end from each other, which then reads as 255.
        process.start()
        theirs.close()
        engine = Engine(process, port)
        self.engines.append(engine)
        with ours, suppress(EOFError):
            async with asyncio.timeout(START_S):
                while not ours.poll():  # noqa: ASYNC110  # as above
                    await asyncio.sleep(LOOK_AGAIN_S)
            ours.recv()
        return engine

    def _configuration(self, port: int) -> dict[str, Any]:
        return {
            "centre": {"name": "ЕРКЦ Зареченска", "phone": "8 (800) 000-00-00"},
            "server": {"public_url": self.base, "host": HOST, "port": port},
            "database": {"connections_max": 5, "pooled": self.pooler is not None},
            "channels": {"telegram": {"mode": "open", "api_base": self.base}},
            "payments": {"simulated": {"base": f"{self.base}/acquirer"}},
        }

    async def forward(self, request: web.Request) -> web.Response:
        """Hand what came for the centre to one of the living engines; 502 where there is none, as balancers do."""
        body = await request.read()
        ports = [engine.port for engine in self.alive]
        self.chance.shuffle(ports)
        for port in ports:
            try:
                async with self.http.request(
                    request.method,
                    f"http://{HOST}:{port}{request.path_qs}",
                    data=body,
                    headers=request.headers,
                    allow_redirects=False,
                ) as answer:
                    kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
                    return web.Response(status=answer.status, body=await answer.read(), headers=kept)
            except aiohttp.ClientConnectorError:
                continue
            except aiohttp.ClientError:
                break
        return web.Response(status=502, text="<h1>Bad gateway</h1>", content_type="text/html")

    async def settled(self) -> None:
        """Return when everybody was told everything: updates taken, events run, messages gone."""
        await self.telegram.updates.drained()
        await self.acquirer.told()
        while True:
            # Anew each time: the server may be one that is restarted.
            with suppress(Exception):
                async with connect(self.database.app) as db:
                    while await db.fetchval(UNSETTLED):  # noqa: ASYNC110  # as above
                        await asyncio.sleep(0.05)
                    return
            await asyncio.sleep(0.1)

    def logs(self) -> str:
        """What all engines wrote down."""
        return "".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("*.log")))

    def logged(self, event: str, *, why: str = "") -> bool:
        """Whether an engine wrote this *event* down, with that cause if one is named."""
        wanted = [f'"event":"{event}"', *([f'"why":"{why}"'] if why else [])]
        return any(all(fact in line for fact in wanted) for line in self.logs().splitlines())


# Makes trouble, which may go on when it returns; what it gives tells, once all is over, whether there was any.
Trouble = Callable[[Neighbourhood], Awaitable[Callable[[], bool]]]


async def until(true: Callable[[], bool]) -> None:
    """Return once *true* is."""
    while not true():  # noqa: ASYNC110  # another process tells us nothing
        await asyncio.sleep(LOOK_AGAIN_S)


KEPT: Final = ("Location", "Content-Type", "Retry-After")


@asynccontextmanager
async def a_neighbourhood(
    town: Town, folder: Path, *, seed: int = 1, now: datetime = NOW, pooler: Pooler | None = None
) -> AsyncIterator[Neighbourhood]:
    """Stand-ins around a copy of *town*; engines are to be started, over *pooler* if given, and are ended here."""
    port = free_port()
    base = f"http://{HOST}:{port}"
    clock = BusinessClock()
    clock.set(now)
    async with AsyncExitStack() as own:
        database = await own.enter_async_context(a_copy(town))
        http = await own.enter_async_context(aiohttp.ClientSession())
        here = Neighbourhood(
            database=database,
            folder=folder,
            base=base,
            clock=clock,
            telegram=TelegramStandIn(
                token=SECRETS[TELEGRAM_TOKEN],
                clock=clock,
                seed=seed,
                retry_scale=0.05,
                chat_burst=WITHOUT_PACE,
                bot_per_s=WITHOUT_PACE,
            ),
            acquirer=AcquirerStandIn(
                SECRETS[SIMULATED_SECRET],
                clock,
                notice_url=f"{base}/acquirers/simulated/notice",
                retries_s=(0.2,) * 50,
            ),
            http=http,
            chance=Random(seed),
            pooler=pooler,
        )
        await own.enter_async_context(_served(here, port))
        own.push_async_callback(_end, here)
        url = f"{base}/webhooks/telegram"
        await here.telegram.updates.set_webhook(Webhook(url, SECRETS[TELEGRAM_SECRET]), drop_pending=False)
        yield here


@asynccontextmanager
async def _served(here: Neighbourhood, port: int) -> AsyncIterator[None]:
    app = web.Application(client_max_size=64 * 1024 * 1024)

    async def spoil(request: web.Request, response: web.StreamResponse) -> None:
        for each in here.on_answer:
            await each(request, response)

    app.on_response_prepare.append(spoil)
    app.router.add_routes(here.telegram.routes())
    app.add_subapp("/acquirer", here.acquirer.app())
    app.router.add_route("*", "/{path:.*}", here.forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await here.telegram.open()
    try:
        yield
    finally:
        await here.telegram.close()
        await runner.cleanup()


async def _end(here: Neighbourhood) -> None:
    for engine in here.alive:
        engine.kill()
    for engine in here.engines:
        await engine.ended()
    for line in here.logs().splitlines():
        read(line)
