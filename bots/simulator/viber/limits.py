"""What Viber refuses and by which number, what its client will not show, and faults that a test switches on."""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bots.simulator import faults
from core.errors import KvitokError

JsonObject = dict[str, object]

# https://creators.viber.com/docs/bots-api/errors
STATUSES: Final = {
    1: "invalidUrl",
    2: "invalidAuthToken",
    3: "badData",
    4: "missingData",
    5: "receiverNotRegistered",
    6: "receiverNotSubscribed",
    7: "publicAccountBlocked",
    8: "publicAccountNotFound",
    9: "publicAccountSuspended",
    10: "webhookNotSet",
    11: "receiverNoSuitableDevice",
    12: "Too many requests",
    13: "apiVersionNotSupported",
    14: "incompatibleWithVersion",
    15: "publicAccountNotAuthorized",
    19: "cannotSendBroadcast",
    20: "broadcastNotAllowed",
    21: "unsupportedCountry",
    23: "freeMessagesExceeded",
    24: "noBalance",
}

REQUEST_BYTES_MAX: Final = 30 * 1024
TEXT_CHARS_MAX: Final = 7000
CAPTION_CHARS_MAX: Final = 768
SENDER_CHARS_MAX: Final = 28
TRACKING_CHARS_MAX: Final = 4000
PICTURE_BYTES_MAX: Final = 1024 * 1024  # on an iPhone, the narrower of the two
FILE_BYTES_MAX: Final = 50 * 1024 * 1024
VIDEO_BYTES_MAX: Final = 26 * 1024 * 1024
FILE_NAME_CHARS_MAX: Final = 256
ADDRESS_CHARS_MAX: Final = 2000
API_LEVEL_MAX: Final = 10
RICH_MEDIA_LEVEL: Final = 7
SHARING_LEVEL: Final = 3
BROADCAST_MAX: Final = 300
UNANSWERED_MAX: Final = 100
UNANSWERED_S: Final = 3600.0

PICTURE_ENDINGS: Final = (".jpeg", ".jpg", ".png", ".gif")
FORBIDDEN_ENDINGS: Final = (
    ".exe",
    ".bat",
    ".cmd",
    ".com",
    ".js",
    ".jar",
    ".apk",
    ".msi",
    ".ps1",
    ".sh",
    ".vbs",
    ".scr",
)

GRID_COLUMNS: Final = 6
ROWS_IN_SIGHT: Final = 12
LABEL_CHARS_MAX: Final = 250
ACTIONS: Final = frozenset({"reply", "open-url", "share-phone", "location-picker", "none"})
KEYBOARD_FIELDS: Final = frozenset(
    {"Type", "Buttons", "DefaultHeight", "BgColor", "InputFieldState", "CustomDefaultHeight", "HeightScale"}
)
BUTTON_FIELDS: Final = frozenset(
    {"Columns", "Rows", "ActionType", "ActionBody", "Text", "TextSize", "TextHAlign", "TextVAlign"}
    | {"BgColor", "Image", "Silent", "OpenURLType", "OpenURLMediaType", "TextOpacity"}
)

_ADDRESS: Final = re.compile(r"https?://[^\s/?#]+\S*|viber://\S+")
_TAG: Final = re.compile(r"</?(?:b|i|u|br|font)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_STRAY: Final = re.compile(r"[<>]|&(?!(?:lt|gt|amp|quot|#\d{1,7});)")


class ViberRefusedError(KvitokError):
    """A call that Viber answers with a number other than 0."""

    def __init__(self, status: int, what: str = "") -> None:
        super().__init__(f"{status} {STATUSES.get(status, 'general error')}: {what}")
        self.status = status
        self.what = what


class NotShownError(KvitokError):
    """A message that Viber takes and that the phone then cannot show."""


def bad(what: str) -> ViberRefusedError:
    return ViberRefusedError(3, what)


def missing(what: str) -> ViberRefusedError:
    return ViberRefusedError(4, what)


def text_of(fields: Mapping[str, object], name: str, chars_max: int, *, empty: bool = False) -> str:
    """The text *name*; refused where it is missing, no text or too long."""
    value = fields.get(name)
    if value is None or (value == "" and not empty):
        raise missing(name)
    if not isinstance(value, str) or len(value) > chars_max:
        raise bad(f"{name} is not at most {chars_max} characters")
    return value


def whole_of(fields: Mapping[str, object], name: str, most: int) -> int:
    value = fields.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
        raise bad(f"{name} is not from 1 to {most}")
    return value


def object_of(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = fields.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, Mapping):
        raise bad(f"{name} is no object")
    return value


def check_message(body: Mapping[str, object]) -> None:
    """Refuse what Viber itself refuses of a message, whoever it is for."""
    sender = object_of(body, "sender")
    text_of(sender, "name", SENDER_CHARS_MAX)
    if "tracking_data" in body:
        text_of(body, "tracking_data", TRACKING_CHARS_MAX, empty=True)
    level = body.get("min_api_version", 1)
    if not isinstance(level, int) or isinstance(level, bool) or level < 1:
        raise bad("min_api_version is no whole number from 1")
    if level > API_LEVEL_MAX:
        raise ViberRefusedError(13, f"min_api_version {level}")
    _check_kind(body, level)
    if level < SHARING_LEVEL and _shares(body.get("keyboard")):
        raise ViberRefusedError(14, "share-phone and location-picker need level 3")


def _check_kind(body: Mapping[str, object], level: int) -> None:
    if "type" not in body:
        if "keyboard" not in body:
            raise missing("type")
        return
    check = _KINDS.get(str(body["type"]))
    if check is None:
        raise bad(f"no such type: {body['type']}")
    check(body)
    if body["type"] == "rich_media" and level < RICH_MEDIA_LEVEL:
        raise ViberRefusedError(14, "rich_media needs level 7")


def _check_text(body: Mapping[str, object]) -> None:
    if not text_of(body, "text", TEXT_CHARS_MAX).strip():
        raise missing("text")


def _check_picture(body: Mapping[str, object]) -> None:
    text_of(body, "text", CAPTION_CHARS_MAX, empty=True)
    _check_media(body, PICTURE_ENDINGS)
    if "thumbnail" in body and not _ADDRESS.fullmatch(str(body["thumbnail"])):
        raise bad("thumbnail is no address")


def _check_file(body: Mapping[str, object]) -> None:
    whole_of(body, "size", FILE_BYTES_MAX)
    name = text_of(body, "file_name", FILE_NAME_CHARS_MAX)
    _check_media(body, ())
    if "." not in name.strip(".") or name.lower().endswith(FORBIDDEN_ENDINGS):
        raise bad("file_name has no ending, or one that is forbidden")


def _check_video(body: Mapping[str, object]) -> None:
    whole_of(body, "size", VIDEO_BYTES_MAX)
    _check_media(body, (".mp4",))


def _check_media(body: Mapping[str, object], endings: tuple[str, ...]) -> None:
    address = text_of(body, "media", ADDRESS_CHARS_MAX)
    path = address.partition("?")[0].lower()
    if not _ADDRESS.fullmatch(address):
        raise bad("media is no address")
    if not (path.endswith(endings) if endings else "." in path.rpartition("/")[2]):
        raise bad("the path of media has not the ending of its type")


def _check_url(body: Mapping[str, object]) -> None:
    if not _ADDRESS.fullmatch(text_of(body, "media", ADDRESS_CHARS_MAX)):
        raise bad("media is no address")


def _check_contact(body: Mapping[str, object]) -> None:
    contact = object_of(body, "contact")
    text_of(contact, "name", 28)
    text_of(contact, "phone_number", 18)


def _check_location(body: Mapping[str, object]) -> None:
    place = object_of(body, "location")
    for name, most in (("lat", 90), ("lon", 180)):
        value = place.get(name)
        if not isinstance(value, int | float) or abs(value) > most:
            raise bad(f"location.{name}")


def _check_sticker(body: Mapping[str, object]) -> None:
    whole_of(body, "sticker_id", 2**31)


def _check_rich_media(body: Mapping[str, object]) -> None:
    rich = object_of(body, "rich_media")
    columns, rows = whole_of(rich, "ButtonsGroupColumns", 6), whole_of(rich, "ButtonsGroupRows", 7)
    if not isinstance(rich.get("Buttons"), list) or not columns * rows:
        raise missing("rich_media.Buttons")


_KINDS: Final[Mapping[str, Callable[[Mapping[str, object]], None]]] = {
    "text": _check_text,
    "picture": _check_picture,
    "file": _check_file,
    "video": _check_video,
    "url": _check_url,
    "contact": _check_contact,
    "location": _check_location,
    "sticker": _check_sticker,
    "rich_media": _check_rich_media,
}


# --- What the client finds out --------------------------------------------------------------------


def buttons_of(keyboard: object) -> list[JsonObject]:
    """The buttons of a keyboard as it is sent; empty where it is none."""
    buttons = keyboard.get("Buttons") if isinstance(keyboard, Mapping) else None
    return [dict(each) for each in buttons if isinstance(each, Mapping)] if isinstance(buttons, list) else []


def _shares(keyboard: object) -> bool:
    return any(each.get("ActionType") in {"share-phone", "location-picker"} for each in buttons_of(keyboard))


def rows_of(keyboard: object) -> list[list[JsonObject]]:
    """The buttons row by row: they flow from left to right and wrap."""
    rows: list[list[JsonObject]] = []
    room = 0
    for button in buttons_of(keyboard):
        width = button.get("Columns", GRID_COLUMNS)
        width = width if isinstance(width, int) else GRID_COLUMNS
        if width > room:
            rows.append([])
            room = GRID_COLUMNS
        rows[-1].append(button)
        room -= width
    return rows


def check_keyboard(keyboard: object) -> None:
    """Raise NotShownError for a keyboard that no client shows; Viber itself takes it."""
    if keyboard is None:
        return
    if not isinstance(keyboard, Mapping) or keyboard.get("Type") != "keyboard":
        raise NotShownError("the keyboard has not the Type keyboard")
    if unknown := keyboard.keys() - KEYBOARD_FIELDS:
        raise NotShownError(f"a keyboard has no {', '.join(sorted(unknown))}")
    raw = keyboard.get("Buttons")
    if not isinstance(raw, list) or not raw or len(buttons_of(keyboard)) != len(raw):
        raise NotShownError("the keyboard has no buttons")
    for button in buttons_of(keyboard):
        _check_button(button)
    if len(rows_of(keyboard)) > ROWS_IN_SIGHT:
        raise NotShownError(f"the keyboard has more than {ROWS_IN_SIGHT} rows")


def _check_button(button: Mapping[str, object]) -> None:
    if unknown := button.keys() - BUTTON_FIELDS:
        raise NotShownError(f"a button has no {', '.join(sorted(unknown))}")
    for name, most in (("Columns", GRID_COLUMNS), ("Rows", 2)):
        value = button.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise NotShownError(f"{name} is not from 1 to {most}")
    action, body = button.get("ActionType", "reply"), button.get("ActionBody")
    if action not in ACTIONS:
        raise NotShownError(f"no such ActionType: {action}")
    if not isinstance(body, str) or not body:
        raise NotShownError("ActionBody is empty")
    if action == "open-url" and not _ADDRESS.fullmatch(body):
        raise NotShownError("ActionBody is no address")
    label = button.get("Text", "")
    if not isinstance(label, str) or len(label) > LABEL_CHARS_MAX:
        raise NotShownError(f"Text is longer than {LABEL_CHARS_MAX}")
    if _STRAY.search(_TAG.sub("", label)):
        raise NotShownError("Text has a sign that is not escaped")
    if not label.strip() and not button.get("Image"):
        raise NotShownError("a button shows nothing")


# --- Paces and faults -----------------------------------------------------------------------------


class Unanswered:
    """How many messages went to a person within an hour and since they last said something."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sent_s: dict[str, deque[float]] = {}

    def spend(self, user: str) -> None:
        """Count one message; refused when there were too many."""
        now_s = time.monotonic()
        sent_s = self._sent_s.setdefault(user, deque())
        while sent_s and now_s - sent_s[0] > UNANSWERED_S:
            sent_s.popleft()
        if len(sent_s) >= self._most:
            raise ViberRefusedError(12)
        sent_s.append(now_s)

    def answered(self, user: str) -> None:
        self._sent_s.pop(user, None)


@dataclass(slots=True, kw_only=True)
class Faults(faults.Faults):
    """Faults of Viber's: `status` is its own number, `http_status` that of a gateway before it."""

    server_error: bool = False
    retry_after_s: int = 0
    status: int = 0
    http_status: int = 0
