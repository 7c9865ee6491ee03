"""What each messenger posts when residents ask for their balance, and what its API answers a message with."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any, Final

FIRST_CHAT: Final = 100_000_000
GROUP: Final = 229_000_111
TOKENS: Final[Mapping[str, str]] = {
    "telegram": "7012345678:token-of-the-sink-for-the-bench-0001",
    "vk": "vk1.a.token-of-the-sink",
    "ok": "tknSINK:CSINK",
    "viber": "4f00ba11-token-of-the-sink",
    "max": "token-of-the-sink",
}
SECRET: Final = "secret-of-the-sink-0001"
SAID: Final = "баланс"


@dataclass(frozen=True)
class Asking:
    """A messenger: chats by their number, updates by chat and number, where they go, and the API's answer.

    *header* is the name of the header that proves an update, or ''; *proof* its value.
    """

    name: str
    chat: Callable[[int], str]
    update: Callable[[str, int], Mapping[str, Any]]
    answer: Mapping[str, Any]
    section: Mapping[str, Any]
    header: str = ""
    proof: Callable[[bytes], str] = lambda _: ""
    behind: str = ""

    @property
    def path(self) -> str:
        """Where the messenger posts."""
        return f"/webhooks/{self.name}{self.behind}"

    def chats(self, number: int) -> list[str]:
        """The addresses of so many chats."""
        return [self.chat(FIRST_CHAT + each) for each in range(number)]

    def requests(self, chats: Sequence[str], first: int, count: int) -> Iterator[tuple[str, bytes]]:
        """Proof and body of *count* updates from number *first* on, the chats in turns."""
        for number in range(first, first + count):
            update = self.update(chats[number % len(chats)], number)
            body = json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()
            yield self.proof(body), body

    def write(self, path: Path, chats: Sequence[str], first: int, count: int) -> None:
        """Write the requests for `requests.lua`."""
        with path.open("wb") as file:
            for proof, body in self.requests(chats, first, count):
                file.write(proof.encode() + b"\n" + body + b"\n")


def _telegram(chat: str, number: int) -> Mapping[str, Any]:
    person = {"id": int(chat), "first_name": "Галина"}
    said = {
        "message_id": number + 1,
        "from": {**person, "is_bot": False, "language_code": "ru"},
        "chat": {**person, "type": "private"},
        "date": int(time()),
        "text": SAID,
    }
    return {"update_id": 10_000_000 + number, "message": said}


def _vk(chat: str, number: int) -> Mapping[str, Any]:
    said = {
        "date": int(time()),
        "from_id": int(chat),
        "id": number,
        "out": 0,
        "attachments": [],
        "conversation_message_id": number + 1,
        "text": SAID,
        "peer_id": int(chat),
        "random_id": 0,
    }
    client = {"keyboard": True, "inline_keyboard": True, "lang_id": 0, "button_actions": ["text", "callback"]}
    return {
        "group_id": GROUP,
        "type": "message_new",
        "event_id": f"{number:040x}",
        "v": "5.199",
        "object": {"message": said, "client_info": client},
        "secret": SECRET,
    }


def _ok(chat: str, number: int) -> Mapping[str, Any]:
    return {
        "webhookType": "MESSAGE_CREATED",
        "sender": {"name": "Галина", "user_id": f"user:{int(chat[6:], 16)}"},
        "recipient": {"chat_id": chat},
        "message": {
            "text": SAID,
            "seq": 117_319_296_614_407_173 + number,
            "mid": f"mid:{chat[5:]}.{number:x}",
        },
        "timestamp": int(time() * 1000),
    }


def _viber(chat: str, number: int) -> Mapping[str, Any]:
    return {
        "event": "message",
        "timestamp": int(time() * 1000) + number,
        "message_token": 5_912_661_846_655_238_959 + number,
        "sender": {"id": chat, "name": "Галина", "country": "RU", "language": "ru", "api_version": 10},
        "message": {"type": "text", "text": SAID},
        "silent": False,
    }


def _max(chat: str, number: int) -> Mapping[str, Any]:
    now_ms = int(time() * 1000)
    said = {
        "recipient": {"chat_id": int(chat) * 3, "chat_type": "dialog", "user_id": 70_123_456},
        "timestamp": now_ms,
        "body": {"mid": f"mid.{number:032x}", "seq": (now_ms << 16) + number % 65_536, "text": SAID},
        "sender": {"user_id": int(chat), "first_name": "Галина", "is_bot": False, "name": "Галина"},
    }
    return {"message": said, "timestamp": now_ms, "user_locale": "ru", "update_type": "message_created"}


def _signed(body: bytes) -> str:
    return hmac.new(TOKENS["viber"].encode(), body, hashlib.sha256).hexdigest()


_SENT: Final = {"message_id": 1, "date": 1_790_150_401, "chat": {"id": 1, "type": "private"}, "text": "…"}
_MAX_SENT: Final = {
    "recipient": {"chat_id": 1, "chat_type": "dialog", "user_id": 1},
    "timestamp": 1_790_150_401_500,
    "body": {"mid": "mid.1", "seq": 1, "text": "…"},
    "sender": {"user_id": 70_123_456, "first_name": "ЕРКЦ", "is_bot": True, "name": "ЕРКЦ"},
}

ASKING: Final[Mapping[str, Asking]] = {
    each.name: each
    for each in (
        Asking(
            "telegram",
            str,
            _telegram,
            {"ok": True, "result": _SENT},
            {"mode": "open"},
            header="X-Telegram-Bot-Api-Secret-Token",
            proof=lambda _: SECRET,
        ),
        Asking(
            "vk",
            str,
            _vk,
            {"response": [{"peer_id": 1, "message_id": 1, "conversation_message_id": 1}]},
            {"group_id": GROUP},
        ),
        Asking(
            "ok",
            lambda number: f"chat:C{number:x}",
            _ok,
            {"recipient_id": "chat:C1", "message_id": "mid:C1.1"},
            {},
            behind=f"/{SECRET}",
        ),
        Asking(
            "viber",
            lambda number: f"{number:022d}==",
            _viber,
            {"status": 0, "status_message": "ok", "message_token": 1, "billing_status": 1},
            {"mode": "open"},
            header="X-Viber-Content-Signature",
            proof=_signed,
        ),
        Asking(
            "max",
            str,
            _max,
            {"message": _MAX_SENT},
            {},
            header="X-Max-Bot-Api-Secret",
            proof=lambda _: SECRET,
        ),
    )
}
