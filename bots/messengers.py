"""The messengers: how each one's channel is built. An adapter is imported only if its messenger is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bots.channel_sections import (
    ChannelSection,
    MaxSection,
    OkSection,
    TelegramSection,
    ViberSection,
    VkSection,
)
from bots.configuration import Configuration, MissingSecretError, Secrets
from bots.trust import trusting
from core.channel import Channel
from core.messages import text
from core.wording import LANGUAGES, Words

TELEGRAM_TOKEN: Final = "KVITOK_TELEGRAM_TOKEN"  # noqa: S105  # the name of a secret, not a secret
TELEGRAM_SECRET: Final = "KVITOK_TELEGRAM_SECRET"  # noqa: S105  # as above
VK_TOKEN: Final = "KVITOK_VK_TOKEN"  # noqa: S105  # as above
VK_SECRET: Final = "KVITOK_VK_SECRET"  # noqa: S105  # as above
VK_CONFIRMATION: Final = "KVITOK_VK_CONFIRMATION"
OK_TOKEN: Final = "KVITOK_OK_TOKEN"  # noqa: S105  # as above
OK_SECRET: Final = "KVITOK_OK_SECRET"  # noqa: S105  # as above
VIBER_TOKEN: Final = "KVITOK_VIBER_TOKEN"  # noqa: S105  # as above
MAX_TOKEN: Final = "KVITOK_MAX_TOKEN"  # noqa: S105  # as above
MAX_SECRET: Final = "KVITOK_MAX_SECRET"  # noqa: S105  # as above

VIBER_NAME_CHARS_MAX: Final = 28


# The secrets of each messenger: its token, and what its webhook's calls are told by ('' where that is the token).
SECRETS: Final[Mapping[str, tuple[str, str]]] = {
    "telegram": (TELEGRAM_TOKEN, TELEGRAM_SECRET),
    "vk": (VK_TOKEN, VK_SECRET),
    "ok": (OK_TOKEN, OK_SECRET),
    "viber": (VIBER_TOKEN, ""),
    "max": (MAX_TOKEN, MAX_SECRET),
}


@dataclass(frozen=True, slots=True)
class Means:
    """What channels are built with."""

    configuration: Configuration
    secrets: Secrets
    clock: Callable[[], datetime]

    def token(self, name: str) -> str:
        """The token of the channel *name*. Raises MissingSecretError."""
        return self.secrets.need(SECRETS[name][0], _use(name))

    def webhook_secret(self, name: str, section: ChannelSection) -> str:
        """The secret of the channel *name*, which only a webhook needs. Raises MissingSecretError."""
        return "" if section.is_polled else self.secrets.need(SECRETS[name][1], _use(name, webhook=True))

    def secret_before(self, name: str) -> str:
        """The secret that this one took over from: for an hour after, a platform may repeat what it sent with it."""
        return self.secrets.find(f"{SECRETS[name][1]}_BEFORE") or ""


def _use(name: str, *, webhook: bool = False) -> str:
    """What a secret of the channel *name* is for, as whoever lacks it is told."""
    return f"channels.{name} by webhook" if webhook else f"channels.{name}"


def missing_secrets(name: str, section: ChannelSection, secrets: Secrets) -> list[MissingSecretError]:
    """The secrets that the channel *name* wants and that cannot be had, all of them."""
    token, secret = SECRETS[name]
    missing = secrets.missing(token, _use(name))
    if secret and not section.is_polled:
        missing += secrets.missing(secret, _use(name, webhook=True))
    return missing


def channels_of(means: Means) -> dict[str, Channel]:
    """The channels that are on. Raises MissingSecretError, CertificateFileError or ChannelMisconfiguredError."""
    return {name: channel_of(name, means) for name in means.configuration.channels.on}


def channel_of(name: str, means: Means) -> Channel:
    """The channel *name*, which is on. Raises the same."""
    section = means.configuration.channels.on[name]
    return _paced(BUILDERS[name](section, means), section)


def _paced(channel: Channel, section: ChannelSection) -> Channel:
    """*channel* at the pace that the centre has with its messenger, if it has one of its own."""
    if (rate := section.messages_per_s) is not None:
        channel.pace = channel.pace.within(rate)
    return channel


def _telegram(section: TelegramSection, means: Means) -> Channel:
    from adapters.telegram import Telegram, TelegramSettings  # noqa: PLC0415  # seconds and 145 MiB

    settings = TelegramSettings(
        token=means.token("telegram"),
        webhook_secret=means.webhook_secret("telegram", section),
        secret_before=means.secret_before("telegram"),
        mode="polling" if section.polling else "webhook",
        api_base=section.api_base,
        proxy=section.proxy or None,
        commands=_commands(means.configuration),
    )
    return Telegram(settings, clock=means.clock)


def _commands(configuration: Configuration) -> dict[str, str]:
    """What a bot's own menu lists: commands that routing hears as wishes, with a word on each."""
    words = Words.of(LANGUAGES[0], configuration.as_centre.zone)
    return {name: words.plain(text(f"command-{name}")) for name in ("menu", "help", "privacy")}


def _vk(section: VkSection, means: Means) -> Channel:
    from adapters.vk import Vk, VkSettings  # noqa: PLC0415  # seconds
    from adapters.vk_api import CALLS_PER_S  # noqa: PLC0415  # as above

    settings = VkSettings(
        token=means.token("vk"),
        group=section.group_id,
        secret=means.webhook_secret("vk", section),
        secret_before=means.secret_before("vk"),
        confirmation=means.secrets.find(VK_CONFIRMATION) or "",
        mode="polling" if section.polling else "webhook",
        api_base=section.api_base,
        proxy=section.proxy or None,
        # A pace of the centre's own is of no use where our calls keep to everyone's.
        calls_per_s=max(section.messages_per_s or 0, CALLS_PER_S),
    )
    return Vk(settings, clock=means.clock)


def _ok(section: OkSection, means: Means) -> Channel:
    from adapters.odnoklassniki import Odnoklassniki, OdnoklassnikiSettings  # noqa: PLC0415  # only if on

    settings = OdnoklassnikiSettings(
        token=means.token("ok"),
        secret=means.webhook_secret("ok", section),
        secret_before=means.secret_before("ok"),
        mode="polling" if section.polling else "webhook",
        api_base=section.api_base,
        proxy=section.proxy or None,
        text_chars_max=section.text_chars_max,
        press_answer=section.press_answer,
    )
    return Odnoklassniki(settings, clock=means.clock)


def _viber(section: ViberSection, means: Means) -> Channel:
    from adapters.viber import Viber, ViberSettings  # noqa: PLC0415  # only if on

    settings = ViberSettings(
        token=means.token("viber"),
        sender_name=section.sender_name or means.configuration.centre.name[:VIBER_NAME_CHARS_MAX],
        avatar=section.avatar,
        api_base=section.api_base,
        proxy=section.proxy or None,
    )
    return Viber(settings)


def _max(section: MaxSection, means: Means) -> Channel:
    from adapters.max import Max, MaxSettings  # noqa: PLC0415  # only if on
    from adapters.max_api import CALLS_PER_S  # noqa: PLC0415  # as above

    settings = MaxSettings(
        token=means.token("max"),
        secret=means.webhook_secret("max", section),
        secret_before=means.secret_before("max"),
        mode="polling" if section.polling else "webhook",
        api_base=section.api_base,
        tls=trusting(section.ca_file) if section.ca_file else None,
        proxy=section.proxy or None,
        calls_per_s=max(section.messages_per_s or 0, CALLS_PER_S),
    )
    return Max(settings, clock=means.clock)


BUILDERS: Final[Mapping[str, Callable[[Any, Means], Channel]]] = {
    "telegram": _telegram,
    "vk": _vk,
    "ok": _ok,
    "viber": _viber,
    "max": _max,
}
