"""What Telegram refuses and in which words: keyboards, pictures, paces, and faults that a test switches on."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bots.simulator import faults
from core.errors import KvitokError

# https://core.telegram.org/bots/api, and the maxima that its clients' keyboard builders hold.
TEXT_CHARS_MAX: Final = 4096
CAPTION_CHARS_MAX: Final = 1024
CALLBACK_DATA_BYTES_MAX: Final = 64
INLINE_ROW_MAX: Final = 8
INLINE_TOTAL_MAX: Final = 100
REPLY_ROW_MAX: Final = 10
REPLY_TOTAL_MAX: Final = 300
COPY_TEXT_CHARS_MAX: Final = 256
PLACEHOLDER_CHARS_MAX: Final = 64
ANSWER_CHARS_MAX: Final = 200
COMMANDS_MAX: Final = 100
UPLOAD_BYTES_MAX: Final = 50 * 1024 * 1024
PHOTO_BYTES_MAX: Final = 10 * 1024 * 1024
DOWNLOAD_BYTES_MAX: Final = 20 * 1024 * 1024
PHOTO_SIDES_MAX: Final = 10_000
PHOTO_RATIO_MAX: Final = 20

INLINE_ACTIONS: Final = frozenset(
    {
        "url",
        "callback_data",
        "web_app",
        "copy_text",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "callback_game",
        "pay",
        "disabled",
    },
)
STYLES: Final = frozenset({"danger", "success", "primary"})
ACTIONS: Final = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    },
)

_WEB_ADDRESS: Final = re.compile(
    r"(?:https?://)?[^\s/?#]+\.[^\s/?#]+[^\s]*|https?://localhost[^\s]*|tg://[^\s]+"
)
_COMMAND: Final = re.compile(r"/?[a-z0-9_]{1,32}")


class TelegramRefusedError(KvitokError):
    """A call of the Bot API that Telegram would answer with `ok: false`."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})


def bad_request(what: str) -> TelegramRefusedError:
    return TelegramRefusedError(400, f"Bad Request: {what}")


def too_many_requests(retry_after_s: int) -> TelegramRefusedError:
    description = f"Too Many Requests: retry after {retry_after_s}"
    return TelegramRefusedError(429, description, {"retry_after": retry_after_s})


@dataclass(frozen=True, slots=True)
class Markup:
    """The keyboard of a message: under it (*inline*), at the bottom (*reply*), or the bottom one taken away."""

    inline: list[list[dict[str, object]]] = field(default_factory=list)
    reply: list[list[dict[str, object]]] = field(default_factory=list)
    once: bool = False
    removed: bool = False
    placeholder: str = ""


def read_markup(raw: object, *, private: bool) -> Markup:
    """The keyboard that *raw* describes; refused as Telegram refuses it."""
    if raw is None:
        return Markup()
    if not isinstance(raw, Mapping):
        raise bad_request("object expected as reply markup")
    kinds = [key for key in ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply") if key in raw]
    if len(kinds) != 1:
        # Telegram reads one of them and drops the others in silence; whoever sends two has made a mistake.
        raise bad_request("can't parse reply markup: expected exactly one kind of keyboard")
    match kinds[0]:
        case "inline_keyboard":
            rows = _rows(raw["inline_keyboard"], INLINE_ROW_MAX, INLINE_TOTAL_MAX)
            return Markup(inline=[[_inline_button(button) for button in row] for row in rows])
        case "keyboard":
            rows = _rows(raw["keyboard"], REPLY_ROW_MAX, REPLY_TOTAL_MAX)
            placeholder = raw.get("input_field_placeholder", "")
            if not isinstance(placeholder, str) or len(placeholder) > PLACEHOLDER_CHARS_MAX:
                raise bad_request("can't parse reply keyboard markup: input_field_placeholder is too long")
            keyboard = [[_reply_button(button, private=private) for button in row] for row in rows]
            return Markup(reply=keyboard, once=raw.get("one_time_keyboard") is True, placeholder=placeholder)
        case "remove_keyboard":
            return Markup(removed=raw["remove_keyboard"] is True)
        case _:
            return Markup()


def _rows(raw: object, row_max: int, total_max: int) -> list[list[object]]:
    rows = [row for row in map(_list, _list(raw)) if row]
    if any(len(row) > row_max for row in rows) or sum(map(len, rows)) > total_max:
        raise bad_request("reply markup is too long")
    return rows


def _list(raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise bad_request(
            "can't parse reply keyboard markup JSON object: expected an Array of Array of buttons"
        )
    return raw


def _inline_button(raw: object) -> dict[str, object]:
    button = _button(raw, "inline keyboard button")
    actions = [key for key in button if key in INLINE_ACTIONS]
    if not actions:
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if len(actions) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one optional field must be used")
    match actions[0]:
        case "callback_data":
            data = button["callback_data"]
            if not isinstance(data, str) or not 1 <= len(data.encode()) <= CALLBACK_DATA_BYTES_MAX:
                raise bad_request("BUTTON_DATA_INVALID")
        case "url":
            _check_address(button["url"], str(button["text"]))
        case "web_app":
            app = button["web_app"]
            address = app.get("url") if isinstance(app, Mapping) else None
            if not isinstance(address, str) or not address.startswith("https://"):
                raise bad_request(
                    "inline keyboard button Web App URL is invalid: Only HTTPS links are allowed"
                )
        case "copy_text":
            copied = button["copy_text"]
            text = copied.get("text") if isinstance(copied, Mapping) else None
            if not isinstance(text, str) or not 1 <= len(text) <= COPY_TEXT_CHARS_MAX:
                raise bad_request("BUTTON_COPY_TEXT_INVALID")
        case _:
            pass
    return button


def _check_address(address: object, label: str) -> None:
    if not isinstance(address, str) or not _WEB_ADDRESS.fullmatch(address):
        raise bad_request(
            f"inline keyboard button URL '{address}' of '{label}' is invalid: Wrong HTTP URL specified",
        )


def _reply_button(raw: object, *, private: bool) -> dict[str, object]:
    button: dict[str, object] = {"text": raw} if isinstance(raw, str) else _button(raw, "keyboard button")
    if not private and (button.get("request_contact") is True or button.get("request_location") is True):
        raise bad_request("phone number or location can be requested in private chats only")
    return button


def _button(raw: object, what: str) -> dict[str, object]:
    if not isinstance(raw, Mapping):
        raise bad_request(f"can't parse {what}: expected an Object")
    text = raw.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request(f'can\'t parse {what}: Field "text" must be a non-empty String')
    if raw.get("style", "primary") not in STYLES:
        raise bad_request(f"can't parse {what}: invalid button style specified")
    return dict(raw)


def check_commands(raw: object) -> list[dict[str, str]]:
    """The bot's commands, as setMyCommands takes them."""
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    if len(raw) > COMMANDS_MAX:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    commands = []
    for entry in raw:
        command = entry.get("command") if isinstance(entry, Mapping) else None
        description = entry.get("description") if isinstance(entry, Mapping) else None
        if not isinstance(command, str) or not _COMMAND.fullmatch(command):
            raise bad_request("BOT_COMMAND_INVALID")
        if not isinstance(description, str) or not 1 <= len(description) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        commands.append({"command": command.removeprefix("/"), "description": description})
    return commands


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG or JPEG that Telegram would take as a photo."""
    if len(content) > PHOTO_BYTES_MAX:
        raise bad_request(f"file of size {len(content)} bytes is too big for a photo")
    size = _png_size(content) or _jpeg_size(content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if not width or not height or width + height > PHOTO_SIDES_MAX or max(size) > PHOTO_RATIO_MAX * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return size


def _png_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        at += 2 + length
    return None


@dataclass(slots=True)
class _Bucket:
    """As many calls at once as *size*, refilled at *per_s*."""

    size: float
    per_s: float
    level: float
    at_s: float

    def wait_s(self, now_s: float) -> float:
        """How long until one more call is allowed; 0 when it is."""
        self.level = min(self.size, self.level + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        return 0.0 if self.level >= 1 else (1 - self.level) / self.per_s


class Paces:
    """Telegram's limits on speed.

    One message a second in a private chat (a short burst is let through), 20 a minute in a group, 30 calls
    a second for the whole bot: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    """

    def __init__(self, *, chat_burst: int, bot_per_s: int = 30) -> None:
        self._chat_burst = chat_burst
        self._bot = _Bucket(bot_per_s, bot_per_s, bot_per_s, 0.0)
        self._chats: dict[int, _Bucket] = {}

    def spend(self, now_s: float, *, chat: int | None) -> None:
        """Count one call, in *chat* if it is a message; refused with the seconds to wait when too fast."""
        buckets = [self._bot] if chat is None else [self._bot, self._of(chat, now_s)]
        wait_s = max(bucket.wait_s(now_s) for bucket in buckets)
        if wait_s > 0:
            raise too_many_requests(max(1, math.ceil(wait_s)))
        for bucket in buckets:
            bucket.level -= 1

    def _of(self, chat: int, now_s: float) -> _Bucket:
        if chat not in self._chats:
            size, per_s = (self._chat_burst, 1.0) if chat > 0 else (20, 20 / 60)
            self._chats[chat] = _Bucket(size, per_s, size, now_s)
        return self._chats[chat]


@dataclass(slots=True, kw_only=True)
class Faults(faults.Faults):
    """Faults of Telegram's: an error or a hold of its own, `unauthorized` refuses the token."""

    server_error: bool = False
    retry_after_s: int = 0
    unauthorized: bool = False
