"""The methods of the Graph API that a group's bot calls, each as strict as Odnoklassniki may be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bots.simulator.odnoklassniki.events import Events
from bots.simulator.odnoklassniki.limits import (
    BAD_REQUEST,
    BLOCKED,
    CENSOR,
    CHAT_NOT_FOUND,
    NOT_FOUND,
    PRIVACY,
    RECIPIENTS_MAX,
    OkRefusedError,
    Paces,
    wrong,
)
from bots.simulator.odnoklassniki.outgoing import (
    ACTIONS,
    UPLOADED,
    Attached,
    JsonObject,
    Outgoing,
    read_message,
)
from bots.simulator.odnoklassniki.state import Chat, Message, OkState
from bots.simulator.residents import Picture

EVENT_KINDS: Final = frozenset({"MESSAGE_CREATED", "MESSAGE_CALLBACK", "CHAT_SYSTEM"})
# A text with this word meets the platform's filter of words.
CENSORED: Final = "КАЗИНО"
PAGE_MAX: Final = 100
CALLBACKS_MAX: Final = 5000


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came: the path in parts, the query without the token, the body's object."""

    verb: str
    path: Sequence[str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.query.get(name, str(default))
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise wrong(f"{name} is wrong")
        return int(value)


class GraphApi:
    """Calls by path; refusals are `OkRefusedError`."""

    def __init__(self, state: OkState, paces: Paces, events: Events, *, text_chars_max: int) -> None:
        self._state = state
        self._paces = paces
        self._events = events
        self._text_chars_max = text_chars_max
        self.callbacks: dict[str, Chat] = {}
        """Presses that may be answered, by their `callbackId`."""

    async def call(self, call: Call, *, base: str) -> JsonObject:
        """What *call* answers; *base* is where uploads are to go."""
        match (call.verb, *call.path):
            case ("GET", "me", "info"):
                return {"name": self._state.title, "group_id": self._state.group_id}
            case ("GET", "me", "subscriptions"):
                return self._subscriptions()
            case ("GET", "me", "updates"):
                return await self._events.poll(call.whole("marker", 0, 0, 2**63))
            case ("GET", "me", "fileUploadUrl"):
                return self._upload_url(call.query.get("type", "FILE"), base)
            case ("GET", "me", "chats"):
                return self._chats(call)
            case ("GET", "me", "chat", chat):
                return self._state.chat_json(self._chat(chat))
            case ("GET", "me", "messages", chat):
                return self._history(self._chat(chat), call)
            case ("GET", chat, "url"):
                self._chat(chat)
                return {"url": f"https://ok.ru/messages/g{self._state.group_id.removeprefix('group:')}"}
            case ("POST", *path):
                return self._write(path, call)
            case _:
                raise OkRefusedError(BAD_REQUEST)

    def _write(self, path: Sequence[str], call: Call) -> JsonObject:
        match path:
            case ("me", "subscribe"):
                return self._subscribe(call.body)
            case ("me", "unsubscribe"):
                return {"success": self._events.unsubscribe(_address(call.body))}
            case ("me", "messages"):
                return self._send(None, call.body)
            case ("me", "messages", chat) | (chat, "messages"):
                return self._send(chat, call.body)
            case (chat, "answer"):
                return self._answer(self._chat(chat), call)
            case _:
                raise OkRefusedError(BAD_REQUEST)

    # --- Subscriptions ---------------------------------------------------------------------------

    def _subscriptions(self) -> JsonObject:
        listed = [{"time": each.time_ms, "url": each.url} for each in self._events.subscriptions.values()]
        return {"subscriptions": listed}

    def _subscribe(self, body: Mapping[str, object]) -> JsonObject:
        match body:
            case {"types": list(types), "longPolling": True} if types and EVENT_KINDS.issuperset(types):
                self._events.polled = frozenset(types)
            case {"url": _} if len(body) == 1:
                self._events.subscribe(_address(body), self._state.now_ms())
            case _:
                raise wrong("url or types are required")
        return {"success": True}

    # --- Reading ---------------------------------------------------------------------------------

    def _chats(self, call: Call) -> JsonObject:
        count, start = call.whole("count", 50, 1, PAGE_MAX), call.whole("marker", 0, 0, 2**31)
        known = sorted(
            (chat for chat in self._state.chats.values() if not chat.gone),
            key=lambda chat: chat.last_ms,
            reverse=True,
        )
        page = [self._state.chat_json(chat) for chat in known[start : start + count]]
        more: JsonObject = {"marker": str(start + count)} if len(known) > start + count else {}
        return {"chats": page} | more

    def _history(self, chat: Chat, call: Call) -> JsonObject:
        """Messages, the newest first; *from* is the later end."""
        count = call.whole("count", 20, 1, PAGE_MAX)
        latest, earliest = call.whole("from", 2**62, 0, 2**62), call.whole("to", 0, 0, 2**62)
        if earliest > latest:
            raise wrong("from is earlier than to")
        found = [each for each in chat.messages.values() if earliest <= each.at_ms <= latest]
        newest = sorted(found, key=lambda message: message.seq, reverse=True)[:count]
        return {"messages": [self._state.message_json(chat, message) for message in newest]}

    def _chat(self, chat_id: str) -> Chat:
        chat = self._state.chat(chat_id)
        if chat is None:
            raise OkRefusedError(CHAT_NOT_FOUND)
        return chat

    # --- Sending ---------------------------------------------------------------------------------

    def _send(self, in_path: str | None, body: Mapping[str, object]) -> JsonObject:
        match body.get("recipient"):
            case {"chat_id": str(chat_id)} if in_path in {None, chat_id}:
                return self._send_to(self._chat(chat_id), body)
            case {"user_id": str(user_id)} if in_path is None:
                return self._send_to(self._person(user_id), body)
            case {"user_ids": list(user_ids)} if in_path is None and len(user_ids) <= RECIPIENTS_MAX:
                return self._send_to_many([str(each) for each in user_ids], body)
            case _:
                raise wrong("recipient is wrong")

    def _send_to(self, chat: Chat, body: Mapping[str, object]) -> JsonObject:
        match body:
            case {"sender_action": str(action), "recipient": _} if len(body) == 2 and action in ACTIONS:
                return {"success": True}
            case {"message": raw, "recipient": _} if len(body) == 2:
                sent = self._deliver(chat, read_message(raw, text_chars_max=self._text_chars_max))
                return {"recipient_id": chat.id, "message_id": sent.mid}
            case _:
                raise wrong("message is required")

    def _send_to_many(self, user_ids: Sequence[str], body: Mapping[str, object]) -> JsonObject:
        chats: list[str | None] = []
        for user_id in user_ids:
            try:
                chat = self._person(user_id)
                self._send_to(chat, body)
                chats.append(chat.id)
            except OkRefusedError as refused:
                if refused.code not in {NOT_FOUND, BLOCKED, PRIVACY}:
                    raise
                chats.append(None)
        return {"success": [chat is not None for chat in chats], "chat_ids": chats}

    def _person(self, user_id: str) -> Chat:
        chat = self._state.chat_of(user_id)
        if chat is None:
            raise OkRefusedError(NOT_FOUND)
        return chat

    def _answer(self, chat: Chat, call: Call) -> JsonObject:
        """An answer to a press adds a message: whether it edits the pressed one is not known."""
        if self.callbacks.get(call.query.get("callbackId", "")) is not chat:
            raise wrong("callbackId is unknown")
        if set(call.body) != {"message"}:
            raise wrong("message is required")
        sent = self._deliver(chat, read_message(call.body["message"], text_chars_max=self._text_chars_max))
        return {"recipient_id": chat.id, "message_id": sent.mid}

    def _deliver(self, chat: Chat, outgoing: Outgoing) -> Message:
        files = [self._file(each) for each in outgoing.files]
        if chat.deactivated:
            raise OkRefusedError(NOT_FOUND)
        if chat.blocked or chat.closed:
            raise OkRefusedError(BLOCKED if chat.blocked else PRIVACY)
        if CENSORED in outgoing.text.upper():
            raise OkRefusedError(CENSOR)
        self._paces.spend(time.monotonic(), chat=chat.id)
        return self._state.add_message(
            chat,
            self._state.group_id,
            outgoing.text,
            attachments=[{"type": each.kind, "payload": {}} for each in outgoing.files],
            keyboard=outgoing.keyboard,
            files=[(self._state.add_file(picture), picture) for picture in files if picture],
        )

    # --- Files -----------------------------------------------------------------------------------

    def _upload_url(self, kind: str, base: str) -> JsonObject:
        if kind not in UPLOADED:
            raise wrong("type is unknown")
        number, upload = self._state.add_upload(kind)
        url = f"{base}/ok-upload/{number}"
        return {"url": url, "file_id": number} if kind == "IMAGE" else {"url": url, "token": upload.token}

    def _file(self, attached: Attached) -> Picture | None:
        """The file of an attachment; None for a picture by its address, which is not fetched here."""
        if attached.url:
            return None
        upload = self._state.upload_of(attached.token)
        if upload is None or upload.kind != attached.kind:
            raise wrong("attachment.payload.token is unknown")
        if upload.picture is None or upload.ready_s > time.monotonic():
            raise wrong("attachment is not processed yet")
        return upload.picture


def _address(body: Mapping[str, object]) -> str:
    url = body.get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise wrong("url is wrong")
    return url
