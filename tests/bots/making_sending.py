"""What sends to a platform of a test's own: nothing but the platform is made up."""

from __future__ import annotations

from typing import Final, cast

from bots.delivery import Delivery
from bots.withholding import Withholding
from core.channel import Capabilities, Channel, Pace, RenderedFile
from core.messages import Document
from core.privacy import Ceiling
from storage.database import Pool
from tests.making_people import CENTRE
from tests.storage.making_residents import KEYS, NOW

FAST: Final = Pace(rate=10_000, burst=10_000, chat_rate=10_000, chat_burst=10_000)
ROOMY: Final = Capabilities(
    text_chars_max=4096,
    caption_chars_max=1024,
    rows_max=100,
    columns_max=8,
    buttons_max=100,
    label_chars_max=64,
)


def a_withholding(pool: Pool, within: Capabilities = ROOMY) -> Withholding:
    """What holds queued messages to a ceiling, with pages at https://centre.example."""
    return Withholding(
        pool, within=within, zone=CENTRE.zone, public_url="https://centre.example", now=lambda: NOW
    )


def a_delivery(pool: Pool, platform: object) -> Delivery:
    """The sender of *platform*, which may carry anything but takes no documents."""
    return Delivery(
        pool,
        cast("Channel", platform),
        keys=KEYS,
        ceiling=Ceiling.of("open"),
        withholding=a_withholding(pool),
        zone=CENTRE.zone,
        render=_no_documents,
        now=lambda: NOW,
    )


async def _no_documents(document: Document, _language: str) -> RenderedFile:
    raise NotImplementedError(document)
