"""What a resident may send that is neither text nor a photo, as MAX writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OtherKind:
    """The attachment, and what the phone shows of it. None: the API shows nothing of such a message."""

    attachment: Mapping[str, object] | None
    shown_as: str


OTHER_KINDS: Final = {
    "voice": OtherKind(
        {
            "type": "audio",
            "payload": {"url": "https://vd.okcdn.ru/?sig=VOICE", "token": "tokVOICE", "id": 903},
            "transcription": None,
        },
        "🎤 Голосовое сообщение",
    ),
    "sticker": OtherKind(
        {
            "type": "sticker",
            "payload": {"url": "https://i.oneme.ru/getSmile?smileId=OK", "code": "ok"},
            "width": 170,
            "height": 170,
        },
        "👍",
    ),
    "location": OtherKind(
        {"type": "location", "latitude": 55.751244, "longitude": 37.618423}, "📍 Местоположение"
    ),
    "document": OtherKind(
        {
            "type": "file",
            "payload": {"url": "https://fd.oneme.ru/getfile?sig=DOCUMENT", "token": "tokDOCUMENT"},
            "filename": "квитанция.pdf",
            "size": 20311,
        },
        "📄 квитанция.pdf",
    ),
    "novelty": OtherKind({"type": "something_new", "payload": {"x": 1}}, "Новинка"),
    "unshown": OtherKind(None, "Содержимое, которого API не показывает"),
}
