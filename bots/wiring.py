"""Builds every part from the configuration. Adapters are imported here, and only those that are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import aiohttp

from bots.acquirers import acquirers_of
from bots.clock import BusinessClock
from bots.configuration import Configuration, MissingSecretError, Secrets
from bots.messengers import Means, channels_of
from bots.serving import Parts
from bots.turning import Voice
from core.channel import Channel
from core.errors import KvitokError
from core.privacy import Ceiling
from storage.database import APP_URL, Pool
from storage.keys import Keys, WeakKeyError, strong
from storage.payments import PaymentSettings

MASTER_KEY: Final = "KVITOK_SECRET_KEY"
BILLING_KEY: Final = "KVITOK_BILLING_KEY"
DATABASE_URL: Final = APP_URL

Clock = Callable[[], datetime]


# The secrets that are keys, and what each is for.
KEYS: Final[Mapping[str, str]] = {
    MASTER_KEY: "the key that chat addresses and links are sealed with",
    BILLING_KEY: "the key of codes on paper bills, shared with billing",
}


def keys_of(secrets: Secrets) -> Keys:
    """The centre's keys. Raises MissingSecretError or WeakKeyError."""
    master, billing = (secrets.need(name, use).encode() for name, use in KEYS.items())
    return Keys.of(master=master, billing=billing)


def wrong_keys(secrets: Secrets) -> list[KvitokError]:
    """What is wrong with the centre's keys, each of them."""
    wrong: list[KvitokError] = []
    for name, use in KEYS.items():
        try:
            strong(name, secrets.need(name, use).encode())
        except (MissingSecretError, WeakKeyError) as error:
            wrong.append(error)
    return wrong


def payment_settings_of(configuration: Configuration, keys: Keys) -> PaymentSettings:
    """Where pay links lead."""
    return PaymentSettings(configuration.server.public_url.rstrip("/"), keys.payments)


def polled_of(configuration: Configuration) -> set[str]:
    """The channels whose updates are fetched, for want of a public address."""
    return {name for name, section in configuration.channels.on.items() if section.is_polled}


def voices_of(configuration: Configuration, channels: Mapping[str, Channel]) -> dict[str, Voice]:
    """What each channel can do and may carry."""
    sections = configuration.channels.on
    return {
        name: Voice(channel.capabilities, Ceiling.of(section.mode))
        for name, channel in channels.items()
        if (section := sections.get(name)) is not None
    }


def webhook_url(configuration: Configuration, channel: str) -> str:
    """Where *channel* is to send its updates."""
    return f"{configuration.server.public_url.rstrip('/')}/webhooks/{channel}"


def parts_of(
    configuration: Configuration,
    secrets: Secrets,
    *,
    pool: Pool,
    http: aiohttp.ClientSession,
    clock: BusinessClock | None = None,
) -> Parts:
    """All that `serving` is made of. Raises what the pieces above do."""
    now = clock or BusinessClock()
    keys = keys_of(secrets)
    channels = channels_of(Means(configuration, secrets, now))
    return Parts(
        configuration=configuration,
        pool=pool,
        keys=keys,
        channels=channels,
        voices=voices_of(configuration, channels),
        polled=frozenset(polled_of(configuration)),
        acquirers=acquirers_of(configuration, secrets, http),
        payments=payment_settings_of(configuration, keys),
        webhooks={name: webhook_url(configuration, name) for name in channels},
        clock=now,
    )
