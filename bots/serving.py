"""`kvitok serve`: webhooks, polling, the engine, delivery, the pay page and the schedule in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

import structlog
from aiohttp import web

from bots import polling, schedule
from bots.answering import Answering
from bots.channel_sections import Mode
from bots.chat_links import chat_routes
from bots.configuration import Configuration
from bots.delivery import Delivery
from bots.engine import Engine
from bots.files import Shelf
from bots.pages import pay_routes
from bots.paying import PayDesk
from bots.reconciling import reconcile_daily
from bots.refusing import Refusals
from bots.rendering import Renderer
from bots.senders import Senders
from bots.shown_pages import shown_routes
from bots.turning import Turning, Voice
from bots.watching import Watch
from bots.webhooks import Webhooks
from bots.withholding import Withholding
from core.acquiring import Acquirer
from core.channel import CatchingUp, Channel, Kept, Synchronous
from core.privacy import Ceiling
from storage import paces, positions
from storage.answers import answers
from storage.database import Pool
from storage.keys import Keys
from storage.payments import PaymentSettings

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

# A send may take a minute; whoever stops the service need not wait longer.
STOP_S: Final = 70.0
STOP_AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All that serving is made of."""

    configuration: Configuration
    pool: Pool
    keys: Keys
    channels: Mapping[str, Channel]
    voices: Mapping[str, Voice]
    polled: frozenset[str]
    acquirers: Mapping[str, Acquirer]
    payments: PaymentSettings
    webhooks: Mapping[str, str]
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Serving:
    """A service that runs."""

    engine: Engine
    turning: Turning
    deliveries: Mapping[str, Delivery]
    answering: Mapping[str, Answering]
    tasks: tuple[asyncio.Future[None], ...]

    def mode_of(self, channel: str) -> Mode:
        """Whether *channel* is 'open' or 'strict' now. Raises KeyError for a channel that is not on."""
        return "open" if self.turning.voices[channel].ceiling == Ceiling.of("open") else "strict"

    def set_mode(self, channel: str, mode: Mode) -> None:
        """Let *channel* carry what *mode* allows from now on; what is queued already is checked at sending."""
        ceiling = Ceiling.of(mode)
        self.turning.set_ceiling(channel, ceiling)
        if channel in self.deliveries:
            self.deliveries[channel].ceiling = ceiling
        else:
            self.answering[channel].ceiling = ceiling

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for *stop*. Raises whatever one of the tasks, none of which should end, ended by."""
        waiting = asyncio.ensure_future(stop.wait())
        every: list[asyncio.Future[Any]] = [waiting, *self.tasks]
        try:
            await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
            for task in self.tasks:
                if task.done():
                    task.result()
        finally:
            waiting.cancel()


@asynccontextmanager
async def serving(parts: Parts, app: web.Application) -> AsyncIterator[Serving]:
    """Add the service's routes to *app* and run its tasks while the context lasts."""
    centre = parts.configuration.as_centre
    renderer = Renderer(parts.pool, centre, now=parts.clock)
    shelf = Shelf(parts.pool, public_url=parts.configuration.server.public_url, now=parts.clock)
    deliveries = _deliveries(parts, renderer, shelf)
    answering = _answering(parts)
    turning = Turning(centre=centre, voices=parts.voices, public_url=parts.configuration.server.public_url)
    engine = _engine(parts, turning, deliveries)
    feeder = schedule.EventFeeder(parts.pool, engine)
    desk = _desk(parts, feeder)
    _add_routes(app, parts, engine=engine, answering=answering, desk=desk, shelf=shelf, renderer=renderer)
    await _set_paces(parts)
    stop = asyncio.Event()
    jobs: list[Awaitable[None]] = [
        engine.run(),
        feeder.run(),
        *_scheduled(parts, engine, desk),
    ]
    pollers = [await _poller(parts, name, engine, stop) for name in sorted(parts.polled)]
    # What was fetched is taken before the engine ends, and what its last batch was told to say is still sent.
    async with (
        _running([delivery.run() for delivery in deliveries.values()]) as sending,
        _running(jobs) as tasks,
        _running(pollers) as fetching,
    ):
        try:
            yield Serving(engine, turning, deliveries, answering, (*sending, *tasks, *fetching))
        finally:
            await polling.end(fetching, stop)
    for channel in parts.channels.values():
        await channel.close()
    renderer.close()


def _deliveries(parts: Parts, renderer: Renderer, shelf: Shelf) -> dict[str, Delivery]:
    """A sender a channel, but for those that answer in the response."""
    return {
        name: Delivery(
            parts.pool,
            channel,
            keys=parts.keys,
            ceiling=parts.voices[name].ceiling,
            withholding=_withholding(parts, name),
            zone=parts.configuration.as_centre.zone,
            render=renderer.render,
            publish=shelf.publish,
            now=parts.clock,
        )
        for name, channel in parts.channels.items()
        if not isinstance(channel, Synchronous)
    }


def _answering(parts: Parts) -> dict[str, Answering]:
    """What answers in the response, a channel of that kind each."""
    zone = parts.configuration.as_centre.zone
    return {
        name: Answering(
            parts.pool,
            channel,
            keys=parts.keys,
            ceiling=parts.voices[name].ceiling,
            withholding=_withholding(parts, name),
            zone=zone,
        )
        for name, channel in parts.channels.items()
        if isinstance(channel, Synchronous)
    }


def _withholding(parts: Parts, name: str) -> Withholding:
    """What holds the queued messages of a channel to what it may carry."""
    return Withholding(
        parts.pool,
        within=parts.voices[name].capabilities,
        zone=parts.configuration.as_centre.zone,
        public_url=parts.configuration.server.public_url,
        now=parts.clock,
    )


def _engine(parts: Parts, turning: Turning, deliveries: Mapping[str, Delivery]) -> Engine:
    """The engine, whose replies the senders of this very process send at once."""
    return Engine(
        parts.pool,
        answers=answers(keys=parts.keys, settings=parts.payments),
        channels=parts.channels,
        keys=parts.keys,
        turning=turning,
        now=parts.clock,
        senders=Senders(deliveries),
    )


def _desk(parts: Parts, feeder: schedule.EventFeeder) -> PayDesk:
    """Where payments begin and acquirers are asked."""
    return PayDesk(
        pool=parts.pool,
        acquirers=parts.acquirers,
        settings=parts.payments,
        keys=parts.keys,
        centre=parts.configuration.as_centre,
        clock=parts.clock,
        news=feeder.news,
    )


def _add_routes(
    app: web.Application,
    parts: Parts,
    *,
    engine: Engine,
    answering: Mapping[str, Answering],
    desk: PayDesk,
    shelf: Shelf,
    renderer: Renderer,
) -> None:
    """Webhooks, the centre's pages and files, and what watches over the service."""
    server = parts.configuration.server
    trusted = [ip_network(each) for each in server.trusted_proxies]
    refusals = Refusals(parts.pool, keys=parts.keys, now=parts.clock)
    webhooks = Webhooks(
        parts.channels, engine, refused=refusals.note, trusted_proxies=trusted, answering=answering
    )
    webhooks.add_to(app)
    watch = Watch(
        parts.pool,
        tuple(parts.channels),
        now=parts.clock,
        trusted_proxies=trusted,
        networks=[ip_network(each) for each in server.metrics_networks],
    )
    centre = parts.configuration.as_centre
    app.add_routes(chat_routes(parts.configuration.channels.own_links, centre))
    app.add_routes(pay_routes(desk, trusted_proxies=trusted))
    app.add_routes(
        shown_routes(
            parts.pool,
            centre=centre,
            clock=parts.clock,
            public_url=server.public_url.rstrip("/"),
            render=renderer.render,
        )
    )
    app.add_routes(shelf.routes())
    app.add_routes(watch.routes())


def _scheduled(parts: Parts, engine: Engine, desk: PayDesk) -> Iterator[Awaitable[None]]:
    """What is done from time to time: each when it starts, or first after its pause."""
    zone = parts.configuration.as_centre.zone
    yield schedule.every(schedule.PAYMENTS_S, partial(schedule.ask_about_payments, desk), name="payments")
    yield schedule.every(schedule.TIDY_S, partial(schedule.tidy, parts.pool, parts.clock), name="tidy")
    later: list[tuple[str, float, Callable[[], Awaitable[object]]]] = [
        ("seal", schedule.SEAL_S, partial(schedule.seal, parts.pool, parts.clock, zone)),
        ("proof", schedule.PROOF_S, partial(schedule.prove, parts.pool, parts.clock)),
        ("reconciliation", schedule.RECONCILE_S, partial(reconcile_daily, desk)),
    ]
    for name, channel in parts.channels.items():
        url = "" if name in parts.polled else parts.webhooks.get(name, "")
        if isinstance(channel, Kept):
            later.append((f"keep {name}", schedule.KEEP_S, partial(schedule.keep, channel, url)))
        if isinstance(channel, CatchingUp):
            catch_up = partial(schedule.catch_up, channel, engine, parts.pool, url)
            later.append((f"catch up {name}", schedule.KEEP_S, catch_up))
    for name, pause_s, job in later:
        yield schedule.every(pause_s, job, name=name, first_s=pause_s)


async def _set_paces(parts: Parts) -> None:
    async with parts.pool.acquire() as db:
        for name, channel in parts.channels.items():
            await paces.set_pace(db, name, channel.pace)


async def _poller(parts: Parts, name: str, engine: Engine, stop: asyncio.Event) -> Awaitable[None]:
    async with parts.pool.acquire() as db:
        position = await positions.position_of(db, name)
    return polling.keep_polling(parts.channels[name], engine, position=position, stop=stop)


async def _stopped(tasks: Iterable[asyncio.Future[None]]) -> None:
    """Cancel *tasks* and see them end; what is on its way is given time, but no task may hold up the end."""
    late = set(tasks)
    for patience_s in (STOP_S, STOP_AGAIN_S):
        if not late:
            return
        for task in late:
            task.cancel()
        _, late = await asyncio.wait(late, timeout=patience_s)
        if late:
            log.warning("tasks.late", tasks=len(late))


@asynccontextmanager
async def _running(jobs: Sequence[Awaitable[None]]) -> AsyncIterator[tuple[asyncio.Future[None], ...]]:
    """Run *jobs* while the context lasts."""
    tasks = tuple(asyncio.ensure_future(job) for job in jobs)
    try:
        yield tasks
    finally:
        await _stopped(tasks)
