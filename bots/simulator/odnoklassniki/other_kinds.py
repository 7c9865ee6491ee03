"""What a resident may send that is neither text nor a photo, as Odnoklassniki writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OtherKind:
    """The attachment, and what the phone shows of it."""

    attachment: Mapping[str, object]
    shown_as: str


OTHER_KINDS: Final = {
    "voice": OtherKind(
        {
            "type": "AUDIO",
            "payload": {"id": "909000000003", "token": "tokVOICE", "url": "https://vdp.mycdn.me/v?id=3"},
        },
        "🎤 Голосовое сообщение",
    ),
    "sticker": OtherKind(
        {"type": "STICKER", "payload": {"id": "st.ok", "url": "https://i.mycdn.me/i?r=sticker"}}, "👍"
    ),
    "location": OtherKind(
        {"type": "LOCATION", "payload": {"latitude": 55.751244, "longitude": 37.618423, "zoom": 14}},
        "📍 Местоположение",
    ),
    "document": OtherKind(
        {
            "type": "FILE",
            "payload": {
                "id": "909000000002",
                "token": "tokDOCUMENT",
                "url": "https://fu.mycdn.me/api/download?id=2",
                "name": "квитанция.pdf",
            },
        },
        "📄 квитанция.pdf",
    ),
    "call": OtherKind(
        {
            "type": "CALL",
            "payload": {"id": "call.ok", "type": "AUDIO", "hangupType": "MISSED", "duration": 0},
        },
        "📞 Пропущенный звонок",
    ),
    "present": OtherKind({"type": "PRESENT", "payload": {"id": "present.ok", "status": "NEW"}}, "🎁 Подарок"),
}
