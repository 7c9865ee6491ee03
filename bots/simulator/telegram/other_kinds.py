"""What a resident may send that is neither text nor a photo, as Telegram writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OtherKind:
    """The part of the message's body, and what the phone shows of it."""

    body: Mapping[str, object]
    shown_as: str


OTHER_KINDS: Final = {
    "voice": OtherKind(
        {
            "voice": {
                "duration": 4,
                "mime_type": "audio/ogg",
                "file_id": "AwACAgIAAxkBAAIEv2voice",
                "file_unique_id": "AgADvUYAAl3",
                "file_size": 15833,
            },
        },
        "🎤 Голосовое сообщение, 0:04",
    ),
    "sticker": OtherKind(
        {
            "sticker": {
                "width": 512,
                "height": 512,
                "emoji": "👍",
                "is_animated": False,
                "is_video": False,
                "type": "regular",
                "file_id": "CAACAgIAAxkBAAIEv2stkr",
                "file_unique_id": "AgADvkYAAl3",
                "file_size": 21004,
            },
        },
        "👍",
    ),
    "location": OtherKind(
        {"location": {"latitude": 55.751244, "longitude": 37.618423, "horizontal_accuracy": 22.5}},
        "📍 Геопозиция",
    ),
    "document": OtherKind(
        {
            "document": {
                "file_name": "квитанция.pdf",
                "mime_type": "application/pdf",
                "file_id": "BQACAgIAAxkBAAIEw2docum",
                "file_unique_id": "AgADw0YAAl3",
                "file_size": 536392,
            },
        },
        "📄 квитанция.pdf",
    ),
}
