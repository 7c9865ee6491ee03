"""`kvitok doctor`: a line a check, so that an operator sees what is wrong and what to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from bots import acquirers, wiring
from bots.configuration import Configuration, ConfigurationError, Secrets, checked, load, read
from bots.messengers import Means, channel_of, missing_secrets
from bots.reaching import reached
from bots.trust import told_of_roots
from core.channel import Channel
from core.errors import KvitokError
from storage.database import DIRECT_URL, check_serving, open_pool
from storage.migrating import pending
from storage.paces import lift

DRIFT_S_MAX: Final = 5.0
ANSWER_S: Final = 20.0

# Whether it is well; None is a warning, which fails nothing.
Check = tuple[bool | None, str]

# Why a foreign messenger that is open is warned of, and what to do.
FOREIGN_AND_OPEN: Final = (
    "{name}: mode is 'open', so sums, addresses and payment links go through a foreign messenger. State and "
    "municipal bodies and enterprises, companies of which they own more than half, banks and payment agents may "
    "not do so (149-ФЗ, art. 10, parts 8-10; since 01.06.2025 also 41-ФЗ); the fine is 100 000 to 700 000 ₽ "
    "(КоАП, art. 13.11.2). Set channels.{name}.mode to 'strict' unless your lawyer says otherwise"
)
_MARKS: Final = {True: "[green]ok[/]    ", False: "[red]wrong[/] ", None: "[yellow]mind[/]  "}


async def doctor(config: Path, data: Path) -> int:
    """Print the checks; the status is 1 if one fails."""
    out = Console()
    failed = False
    async for passed, line in _checks(config, data):
        failed = failed or passed is False
        out.print(_MARKS[passed] + escape(line), soft_wrap=True)
    return int(failed)


async def _checks(config: Path, data: Path) -> AsyncIterator[Check]:
    configuration: Configuration | None = None
    try:
        configuration = load(config)
        yield True, f"configuration: {config}"
    except ConfigurationError as mistaken:
        for mistake in mistaken.mistakes:
            yield False, f"configuration: {config}: {mistake}"
    secrets = Secrets(os.environ)
    async for check in _database(data):
        yield check
    for check in _keys(secrets):
        yield check
    if configuration is None:
        for check in secrets_apart(config, secrets):
            yield check
        return
    async for check in _configured(configuration, secrets, data):
        yield check


def _keys(secrets: Secrets) -> Iterator[Check]:
    wrong = wiring.wrong_keys(secrets)
    yield from ((False, f"keys: {error}") for error in wrong)
    if not wrong:
        yield True, "keys: both are set"


async def _configured(configuration: Configuration, secrets: Secrets, data: Path) -> AsyncIterator[Check]:
    async for check in pooler_checks(configuration, secrets):
        yield check
    for warning in warnings_of_law(configuration):
        yield None, warning
    async for check in _channels(configuration, data):
        yield check
    async for check in acquirers.checks(configuration, secrets, now=datetime.now(UTC)):
        yield check


# A configuration with nothing wrong in it, to which one part of another is added.
_WHOLE: Final[Mapping[str, object]] = {
    "centre": {"name": "?"},
    "server": {"public_url": "https://centre.example"},
}


def secrets_apart(config: Path, secrets: Secrets) -> Iterator[Check]:
    """Whether the secrets of each messenger and acquirer are set whose own section is right, whatever else is wrong."""
    for part in _sound_parts(config):
        for name, section in part.channels.on.items():
            missing = missing_secrets(name, section, secrets)
            yield from ((False, f"{name}: {error}") for error in missing)
            if not missing:
                yield True, f"{name}: its secrets are set"
        for error in acquirers.missing_secrets(part.payments, secrets):
            yield False, f"acquirers: {error}"


def _sound_parts(config: Path) -> Iterator[Configuration]:
    """Each messenger and acquirer of *config* that is right in itself, as the only one of a configuration."""
    try:
        content = read(config)
    except ConfigurationError:
        return
    for kind in ("channels", "payments"):
        given = content.get(kind) if isinstance(content, Mapping) else None
        for name, section in given.items() if isinstance(given, Mapping) else ():
            with suppress(ConfigurationError):
                yield checked({**_WHOLE, kind: {name: section}}, source=str(config))


def warnings_of_law(configuration: Configuration) -> list[str]:
    """What an operator must mind: foreign messengers that are open."""
    return [
        FOREIGN_AND_OPEN.format(name=name)
        for name, section in configuration.channels.on.items()
        if section.foreign and section.mode == "open"
    ]


async def _database(data: Path) -> AsyncIterator[Check]:
    try:
        async with reached(data) as db:
            version = db.get_server_version()
            yield True, f"database: PostgreSQL {version.major}.{version.minor}"
            await check_serving(db)
            yield True, "database role: may not change the books"
            waiting = await pending(db)
            yield (
                not waiting,
                "migrations: "
                + (f"run `kvitok migrate` for {', '.join(waiting)}" if waiting else "all are applied"),
            )
            theirs: datetime = await db.fetchval("select clock_timestamp()")
            drift_s = abs((datetime.now(UTC) - theirs).total_seconds())
            yield drift_s <= DRIFT_S_MAX, f"clock: {drift_s:.1f} s apart from the database's"
    except KvitokError as error:
        yield False, f"database: {error}"


async def pooler_checks(configuration: Configuration, secrets: Secrets) -> AsyncIterator[Check]:
    """Whether the pooler, if there is one, may be served over, and whether all else has a way past it."""
    if not configuration.database.pooled:
        return
    direct = secrets.find(DIRECT_URL)
    yield (
        direct is not None,
        f"database.direct_url: {DIRECT_URL} is " + ("set" if direct else "not set; database.pooled wants it"),
    )
    try:
        async with open_pool(secrets.need(wiring.DATABASE_URL, "the pooler"), most=1, pooled=True):
            yield True, "pooler: keeps our timeouts"
    except KvitokError as error:
        yield False, f"pooler: {error}"


async def _channels(configuration: Configuration, data: Path) -> AsyncIterator[Check]:
    if not configuration.channels.on:
        yield False, "channels: none is configured; residents cannot write to you"
    means = Means(configuration, Secrets(os.environ), lambda: datetime.now(UTC))
    for name, section in configuration.channels.on.items():
        if section.roots:
            yield told_of_roots(name, section.roots, now=datetime.now(UTC))
        missing = missing_secrets(name, section, means.secrets)
        for lacking in missing:
            yield False, f"{name}: {lacking}"
        if missing:
            continue
        try:
            channel = channel_of(name, means)
        except KvitokError as error:
            yield False, f"{name}: {error}"
            continue
        async for check in channel_checks(name, channel, configuration, data):
            yield check
        await channel.close()


async def channel_checks(
    name: str, channel: Channel, configuration: Configuration, data: Path
) -> AsyncIterator[Check]:
    """Whether *channel* knows us and sends updates to us; where it knows us, a stop of its queue is lifted."""
    try:
        async with asyncio.timeout(ANSWER_S):
            identity = await channel.identify()
    except TimeoutError:
        yield (
            False,
            f"{name}: no answer in {ANSWER_S:.0f} s; is there a way to it from here (proxy, api_base)?",
        )
        return
    except KvitokError as error:
        yield False, f"{name}: {error}"
        return
    yield True, f"{name}: we are {identity.name} ({identity.id})"
    async for check in _lifted(name, data):
        yield check
    if name in wiring.polled_of(configuration):
        yield (
            not identity.webhook,
            f"{name} polling: "
            + ("a webhook is still set; remove it" if identity.webhook else "no webhook stands in its way"),
        )
        return
    wanted = wiring.webhook_url(configuration, name)
    yield (
        identity.webhook == wanted,
        f"{name} webhook: "
        + (
            "set" if identity.webhook == wanted else f"is {identity.webhook or 'not set'}, should be {wanted}"
        ),
    )
    if identity.pending or identity.complaint:
        yield (
            not identity.complaint,
            f"{name}: {identity.pending} updates wait; last complaint: {identity.complaint or 'none'}",
        )


async def _lifted(name: str, data: Path) -> AsyncIterator[Check]:
    why = None
    # Whatever is wrong with the database was told before.
    with suppress(KvitokError):
        async with reached(data) as db:
            why = await lift(db, name)
    if why is not None:
        yield True, f"{name}: its queue was stopped ({why}); it goes on now"
