"""The channels as they are built from the configuration and the secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from bots.configuration import Secrets, checked
from bots.messengers import (
    MAX_SECRET,
    OK_SECRET,
    TELEGRAM_SECRET,
    VK_SECRET,
    Means,
    channel_of,
)
from bots.simulator.stand_ins import VK_GROUP
from core.channel import Channel, Webhook
from core.errors import ForgedWebhookError
from tests.conftest import SECRETS
from tests.platforms import PLATFORMS, dumped

# What a webhook of each is told by, and its section; Viber signs with the token.
NAMED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "telegram": (TELEGRAM_SECRET, {}),
    "vk": (VK_SECRET, {"group_id": VK_GROUP}),
    "ok": (OK_SECRET, {}),
    "max": (MAX_SECRET, {}),
}
CENTRE: Final = {"centre": {"name": "ЕРКЦ"}, "server": {"public_url": "https://pay.example"}}
NEWER: Final = "another-secret-that-is-long-enough"


def a_channel(name: str, secrets: dict[str, str], **section: Any) -> Channel:
    content = {**CENTRE, "channels": {name: NAMED[name][1] | section}}
    configuration = checked(content, source="a test")
    return channel_of(name, Means(configuration, Secrets(SECRETS | secrets), lambda: datetime.now(UTC)))


def posted(name: str) -> Webhook:
    """What the messenger posts with the secret that the tests have."""
    platform = PLATFORMS[name]
    post = platform.proven(dumped(next(iter(platform.samples.values()))))
    headers = {header.lower(): value for header, value in post.headers.items()}
    return Webhook(headers, post.behind.lstrip("/"), post.body)


@pytest.mark.parametrize("name", NAMED)
async def test_while_a_secret_takes_over_from_another_both_are_believed(name: str) -> None:
    secret, _ = NAMED[name]
    changing = a_channel(name, {secret: NEWER, f"{secret}_BEFORE": SECRETS[secret]})
    changed = a_channel(name, {secret: NEWER})

    changing.receive(posted(name))
    with pytest.raises(ForgedWebhookError):
        changed.receive(posted(name))


@pytest.mark.parametrize("name", NAMED)
async def test_an_empty_secret_before_lets_nobody_in(name: str) -> None:
    secret, _ = NAMED[name]
    channel = a_channel(name, {secret: NEWER, f"{secret}_BEFORE": ""})

    with pytest.raises(ForgedWebhookError):
        channel.receive(posted(name))


async def test_what_odnoklassniki_do_not_publish_can_be_set_once_it_is_measured() -> None:
    assert a_channel("ok", {}).capabilities.text_chars_max == 2000
    assert a_channel("ok", {}, text_chars_max=3500).capabilities.text_chars_max == 3500
