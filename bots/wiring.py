"""Builds every part from the configuration. Adapters are imported here, and only those that are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import aiohttp

from bots.clock import BusinessClock
from bots.configuration import Configuration, Secrets
from bots.serving import Parts
from bots.turning import Voice
from core.acquiring import Acquirer
from core.channel import Channel
from core.privacy import Ceiling
from storage.database import Pool
from storage.keys import Keys
from storage.payments import PaymentSettings

MASTER_KEY: Final = "KVITOK_SECRET_KEY"
BILLING_KEY: Final = "KVITOK_BILLING_KEY"
DATABASE_URL: Final = "KVITOK_DATABASE_URL"
OWNER_URL: Final = "KVITOK_DATABASE_OWNER_URL"
TELEGRAM_TOKEN: Final = "KVITOK_TELEGRAM_TOKEN"  # noqa: S105  # the name of a secret, not a secret
SIMULATED_SECRET: Final = "KVITOK_SIMULATED_SECRET"  # noqa: S105  # the name of a secret, not a secret
TELEGRAM_SECRET: Final = "KVITOK_TELEGRAM_SECRET"  # noqa: S105  # as above

Clock = Callable[[], datetime]


def keys_of(secrets: Secrets) -> Keys:
    """The centre's keys. Raises MissingSecretError or WeakKeyError."""
    return Keys.of(
        master=secrets.need(MASTER_KEY, "the key that chat addresses and links are sealed with").encode(),
        billing=secrets.need(BILLING_KEY, "the key of codes on paper bills, shared with billing").encode(),
    )


def payment_settings_of(configuration: Configuration, keys: Keys) -> PaymentSettings:
    """Where pay links lead."""
    return PaymentSettings(configuration.server.public_url.rstrip("/"), keys.links)


def channels_of(configuration: Configuration, secrets: Secrets, clock: Clock) -> dict[str, Channel]:
    """The channels that are on. Raises MissingSecretError, or ChannelMisconfiguredError of the channel."""
    channels: dict[str, Channel] = {}
    if (telegram := configuration.channels.telegram) is not None:
        from adapters.telegram import Telegram, TelegramSettings  # noqa: PLC0415  # seconds and 145 MiB: only if on

        secret = "" if telegram.polling else secrets.need(TELEGRAM_SECRET, "channels.telegram by webhook")
        settings = TelegramSettings(
            token=secrets.need(TELEGRAM_TOKEN, "channels.telegram"),
            webhook_secret=secret,
            mode="polling" if telegram.polling else "webhook",
            api_base=telegram.api_base,
            proxy=telegram.proxy or None,
        )
        channels["telegram"] = Telegram(settings, clock=clock)
    return channels


def polled_of(configuration: Configuration) -> set[str]:
    """The channels whose updates are fetched, for want of a public address."""
    telegram = configuration.channels.telegram
    return {"telegram"} if telegram is not None and telegram.polling else set()


def voices_of(configuration: Configuration, channels: Mapping[str, Channel]) -> dict[str, Voice]:
    """What each channel can do and may carry."""
    modes = {"telegram": configuration.channels.telegram}
    return {
        name: Voice(channel.capabilities, Ceiling.of(section.mode))
        for name, channel in channels.items()
        if (section := modes[name]) is not None
    }


def acquirers_of(
    configuration: Configuration, secrets: Secrets, http: aiohttp.ClientSession
) -> dict[str, Acquirer]:
    """The acquirers that are on. Raises MissingSecretError."""
    acquirers: dict[str, Acquirer] = {}
    if (simulated := configuration.payments.simulated) is not None:
        from adapters.simulated import SimulatedAcquirer  # noqa: PLC0415  # only if on

        secret = secrets.need(SIMULATED_SECRET, "payments.simulated")
        acquirers["simulated"] = SimulatedAcquirer(http, base_url=simulated.base, secret=secret)
    return acquirers


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
    channels = channels_of(configuration, secrets, now)
    return Parts(
        configuration=configuration,
        pool=pool,
        keys=keys,
        channels=channels,
        voices=voices_of(configuration, channels),
        polled=frozenset(polled_of(configuration)),
        acquirers=acquirers_of(configuration, secrets, http),
        payments=payment_settings_of(configuration, keys),
        clock=now,
    )
