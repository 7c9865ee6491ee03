"""The calls of the Bot API that a bot makes, each as strict as MAX."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from yarl import URL

from bots.simulator.addresses import is_this_machine
from bots.simulator.max.limits import (
    DENIED,
    EDITABLE_S,
    NO_ACCESS,
    NO_CHAT,
    NO_METHOD,
    NOT_FOUND,
    NOT_READY,
    NOTICE_CHARS_MAX,
    MaxRefusedError,
    Paces,
    wrong,
)
from bots.simulator.max.outgoing import UPLOADED, Attached, JsonObject, Outgoing, read_message
from bots.simulator.max.state import Chat, MaxState, Message
from bots.simulator.max.updates import Updates
from bots.simulator.posting import Subscription
from bots.simulator.residents import Notice, Picture
from bots.simulator.telegram.formatting import Formatted

ACTIONS: Final = frozenset(
    {"typing_on", "sending_photo", "sending_video", "sending_audio", "sending_file", "mark_seen"}
)
SECRET: Final = re.compile(r"[A-Za-z0-9-]{5,256}")
CALLBACKS_MAX: Final = 5000
SECRET_HEADER: Final = "X-Max-Bot-Api-Secret"  # noqa: S105  # the name of a header


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came: the path in parts, the query, the body's object."""

    verb: str
    path: Sequence[str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int | None:
        value = self.query.get(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d{1,19}", value) or not least <= int(value) <= most:
            raise wrong(f"{name}: must be between {least} and {most}")
        return int(value)


class BotApi:
    """Calls by path; refusals are `MaxRefusedError`."""

    def __init__(self, state: MaxState, paces: Paces, updates: Updates) -> None:
        self._state = state
        self._paces = paces
        self._updates = updates
        self.callbacks: dict[str, tuple[Chat, str]] = {}
        """Presses that may be answered: by their id, the dialog and the message."""

    def remember(self, callback: str, chat: Chat, mid: str) -> None:
        """Take an answer to the press *callback*."""
        self.callbacks[callback] = chat, mid
        while len(self.callbacks) > CALLBACKS_MAX:
            del self.callbacks[next(iter(self.callbacks))]

    async def call(self, call: Call, *, base: str) -> JsonObject:
        """What *call* answers; *base* is where uploads are to go."""
        self._paces.call(time.monotonic())
        match (call.verb, *call.path):
            case ("GET", "me"):
                return {**self._state.bot, "description": "Баланс, показания, оплата"}
            case ("GET", "updates"):
                return await self._poll(call)
            case (_, "subscriptions"):
                return self._subscriptions(call)
            case ("POST", "uploads"):
                return self._upload_url(call.query.get("type", ""), base)
            case (_, "messages"):
                return self._messages(call)
            case ("POST", "answers"):
                return self._answer(call)
            case ("POST", "chats", chat, "actions") if call.body.get("action") in ACTIONS:
                self._by_number(int(chat) if chat.isdecimal() else 0)
                return {"success": True}
            case _:
                raise MaxRefusedError(NO_METHOD)

    async def _poll(self, call: Call) -> JsonObject:
        types = frozenset(filter(None, call.query.get("types", "").split(",")))
        return await self._updates.poll(
            call.whole("marker", 0, 2**63),
            limit=call.whole("limit", 1, 1000, 100) or 100,
            timeout_s=call.whole("timeout", 0, 90, 30) or 0,
            types=types,
        )

    # --- Subscriptions ---------------------------------------------------------------------------

    def _subscriptions(self, call: Call) -> JsonObject:
        known = self._updates.subscriptions
        match call.verb:
            case "GET":
                return {"subscriptions": [_listed(each) for each in known.values()]}
            case "POST":
                return self._subscribe(call.body)
            case "DELETE":
                if known.pop(call.query.get("url", ""), None) is None:
                    return _refused("subscription: not found")
                return {"success": True}
            case _:
                raise MaxRefusedError(NO_METHOD)

    def _subscribe(self, body: Mapping[str, object]) -> JsonObject:
        url, secret, types = body.get("url"), body.get("secret"), body.get("update_types")
        if not isinstance(url, str) or not (_is_reachable(url) or is_this_machine(url)):
            return _refused("url: must start with https://")
        if secret is not None and not (isinstance(secret, str) and SECRET.fullmatch(secret)):
            return _refused("secret: must match [A-Za-z0-9-]{5,256}")
        if types is not None and not (isinstance(types, list) and all(isinstance(t, str) for t in types)):
            raise wrong("update_types: must be a list")
        wanted = None if types is None else tuple(map(str, types))
        headers = {"Content-Type": "application/json"} | ({SECRET_HEADER: secret} if secret else {})
        self._updates.subscriptions[url] = Subscription(url, self._state.now_ms(), headers, wanted)
        return {"success": True}

    # --- Messages --------------------------------------------------------------------------------

    def _messages(self, call: Call) -> JsonObject:
        match call.verb:
            case "POST":
                return self._send(call)
            case "PUT":
                return self._edit(*self._own(call), read_message(call.body))
            case "DELETE":
                self._state.delete(*self._own(call))
                return {"success": True}
            case "GET":
                return self._history(call)
            case _:
                raise MaxRefusedError(NO_METHOD)

    def _send(self, call: Call) -> JsonObject:
        user, number = call.whole("user_id", 1, 2**63), call.whole("chat_id", -(2**63), 2**63)
        if (user is None) == (number is None):
            raise wrong("chat_id or user_id: exactly one is needed")
        chat = self._state.chat_of(user=user, chat=number)
        if chat is None:
            raise MaxRefusedError(NO_CHAT, number if user is None else user)
        if chat.stopped:
            raise MaxRefusedError(DENIED, chat.id)
        outgoing = read_message(call.body)
        files = [self._file(each) for each in outgoing.files]
        self._paces.message(chat.id, time.monotonic())
        pictures = [(self._state.add_file(picture), picture) for picture in files if picture]
        sent = self._state.add_message(
            chat,
            outgoing.text or Formatted(""),
            from_bot=True,
            attachments=[_shown(*each) for each in zip(outgoing.files, files, strict=True)],
            keyboard=outgoing.keyboard,
            files=pictures,
        )
        return {"message": self._state.message_json(chat, sent)}

    def _own(self, call: Call) -> tuple[Chat, Message]:
        """The bot's own message that a call names."""
        found = self._state.message_of(call.query.get("message_id", ""))
        if found is None:
            raise MaxRefusedError(NOT_FOUND)
        chat, message = found
        if not message.from_bot:
            raise MaxRefusedError(NO_ACCESS)
        if chat.stopped:
            raise MaxRefusedError(DENIED, chat.id)
        return chat, message

    def _edit(self, chat: Chat, message: Message, outgoing: Outgoing) -> JsonObject:
        age_s = (self._state.now_ms() - message.at_ms) / 1000
        if age_s > EDITABLE_S and not message.keyboard:
            raise wrong("message: is too old to be edited")
        files = [self._file(each) for each in outgoing.files]
        self._paces.message(chat.id, time.monotonic())
        if outgoing.text is not None:
            message.text = outgoing.text
        if not outgoing.leaves_attachments:
            message.keyboard = outgoing.keyboard
            message.attachments = [_shown(*each) for each in zip(outgoing.files, files, strict=True)]
            message.files = [(self._state.add_file(picture), picture) for picture in files if picture]
        self._state.change(chat, message)
        return {"success": True}

    def _history(self, call: Call) -> JsonObject:
        """Messages of a dialog, the newest first, or those that are named."""
        if named := call.query.get("message_ids"):
            found = [each for mid in named.split(",") if (each := self._state.message_of(mid))]
            return {"messages": [self._state.message_json(*each) for each in found]}
        chat = self._by_number(call.whole("chat_id", -(2**63), 2**63) or 0)
        count = call.whole("count", 1, 100, 50) or 50
        newest = sorted(chat.messages.values(), key=lambda message: message.seq, reverse=True)[:count]
        return {"messages": [self._state.message_json(chat, message) for message in newest]}

    def _by_number(self, number: int) -> Chat:
        chat = self._state.chat_of(chat=number)
        if chat is None:
            raise MaxRefusedError(NO_CHAT, number)
        return chat

    def _answer(self, call: Call) -> JsonObject:
        found = self.callbacks.get(call.query.get("callback_id", ""))
        if found is None:
            raise MaxRefusedError(NOT_FOUND)
        chat, mid = found
        if not call.body or set(call.body) - {"message", "notification"}:
            raise wrong("answer: must have message or notification")
        self._paces.answer(chat.id, time.monotonic())
        notice = call.body.get("notification")
        if notice is not None and (not isinstance(notice, str) or len(notice) > NOTICE_CHARS_MAX):
            raise wrong("notification: must be a text")
        if (rewritten := call.body.get("message")) is not None:
            message = chat.messages.get(mid)
            if message is None:
                raise MaxRefusedError(NOT_FOUND)
            self._edit(chat, message, read_message(rewritten))
        chat.log.notify(Notice(notice or "", alert=False))
        return {"success": True}

    # --- Files -----------------------------------------------------------------------------------

    def _upload_url(self, kind: str, base: str) -> JsonObject:
        if kind not in UPLOADED:
            raise wrong("type: unknown value")
        number, upload = self._state.add_upload(kind)
        token: JsonObject = {"token": upload.token} if kind in {"video", "audio"} else {}
        return {"url": f"{base}/max-upload/{number}", **token}

    def _file(self, attached: Attached) -> Picture | None:
        """The file of an attachment; None for a picture by its address, which is not fetched here."""
        if attached.url:
            return None
        upload = self._state.upload_of(attached.token)
        if upload is None or upload.kind != attached.kind or upload.picture is None:
            raise wrong("attachments: token is unknown")
        if upload.unready:
            upload.unready -= 1
            raise MaxRefusedError(NOT_READY)
        return upload.picture


def _shown(attached: Attached, file: Picture | None) -> JsonObject:
    payload: JsonObject = {"url": attached.url} if attached.url else {"token": attached.token}
    named: JsonObject = {"filename": file.name} if file is not None and attached.kind == "file" else {}
    return {"type": attached.kind, "payload": payload, **named}


def _refused(why: str) -> JsonObject:
    return {"success": False, "message": why}


def _is_reachable(url: str) -> bool:
    """Whether MAX would post there: https, at its usual port, which is not named."""
    address = URL(url)
    return address.scheme == "https" and bool(address.host) and address.explicit_port is None


def _listed(subscription: Subscription) -> JsonObject:
    types = subscription.update_types
    wanted: JsonObject = {} if types is None else {"update_types": list(types)}
    return {"url": subscription.url, "time": subscription.time_ms} | wanted
