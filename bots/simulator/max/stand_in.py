"""The stand-in for MAX: the servers in one object, and what its residents do on their phones."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.max.limits import (
    CALLS_PER_S,
    CHAT_PER_S,
    IMAGE_BYTES_MAX,
    TEXT_UNITS_MAX,
    UNREADY_TIMES,
    Faults,
    Paces,
)
from bots.simulator.max.methods import BotApi
from bots.simulator.max.other_kinds import OTHER_KINDS
from bots.simulator.max.outgoing import JsonObject
from bots.simulator.max.server import ApiServer, Recorded
from bots.simulator.max.state import Chat, MaxState, Message
from bots.simulator.max.updates import Updates
from bots.simulator.residents import Picture, ResidentRefusedError
from bots.simulator.stand_in import StandIn
from bots.simulator.telegram.formatting import Formatted, as_typed
from bots.simulator.uploads import is_picture

# A group has a negative number; what happens in one, in its order.
GROUP: Final = -68_000_000_001
GROUP_KINDS: Final = (
    "bot_added",
    "user_added",
    "chat_title_changed",
    "message_chat_created",
    "user_removed",
    "bot_removed",
)


class MaxStandIn(StandIn[Faults, Recorded, Chat]):
    """One bot's MAX, in this process; its API stands under `/max`.

    *clock* dates the messages; paces and waits run by the real clock. *retry_scale* shortens the waits between
    attempts at a webhook, an upload is not ready for *unready* tries. `faults` and `updates` may be changed at
    any time; `names_pressed` False has presses come without their message, as if it was deleted meanwhile.
    `calls` keeps the last calls for tests.
    """

    name = "max"
    title = "MAX"

    _server: ApiServer

    def __init__(
        self,
        *,
        token: str,
        clock: Callable[[], datetime],
        bot_id: int = 70_123_456,
        bot_name: str = "Квиток",
        seed: int = 1,
        retry_scale: float = 1.0,
        unready: int = UNREADY_TIMES,
        calls_per_s: int = CALLS_PER_S,
        chat_per_s: int = CHAT_PER_S,
        upload_bytes_max: int = IMAGE_BYTES_MAX,
    ) -> None:
        self.names_pressed = True
        self._token = token
        self._chance = Random(seed)  # noqa: S311 - numbers that differ, not secrets
        self._state = MaxState(self._chance, bot_id=bot_id, title=bot_name, clock=clock, unready=unready)
        self.updates = Updates(retry_scale=retry_scale)
        paces = Paces(calls_per_s=calls_per_s, chat_per_s=chat_per_s)
        self._api = BotApi(self._state, paces, self.updates)
        server = ApiServer(token, self._state, self._api, bytes_max=upload_bytes_max)
        super().__init__(server, self.updates)

    # --- What a resident does --------------------------------------------------------------------

    def start(self, chat: str, payload: str) -> None:
        """Press «Начать», perhaps after a link with *payload*; also after the bot was stopped."""
        if len(payload) > 512:
            raise ResidentRefusedError(400, "a link carries at most 512 characters")
        known = self._state.chats.setdefault(chat, Chat(chat))
        known.stopped = False
        extra: JsonObject = {"payload": payload} if payload else {}
        self._tell(known, "bot_started", user_id=known.user_id, **extra)

    def say(self, chat: str, text: str) -> None:
        """Type *text*; the app cuts what is too long into several messages."""
        if not text.strip():
            raise ResidentRefusedError(400, "an empty message cannot be sent")
        known = self._awake(chat)
        for start in range(0, len(text), TEXT_UNITS_MAX):
            self._write(known, text[start : start + TEXT_UNITS_MAX])

    def edit(self, chat: str, message: int, text: str) -> None:
        """Correct a message of the resident's own."""
        known = self._awake(chat)
        edited = self._message(known, message)
        if edited.from_bot:
            raise ResidentRefusedError(400, "only own messages can be edited")
        edited.text = as_typed(text)
        self._state.change(known, edited)
        self._tell(known, "message_edited", message=self._state.message_json(known, edited))

    def remove(self, chat: str, message: int) -> None:
        """Delete a message: the resident's own, which the bot is told, or the bot's, on this phone alone."""
        known = self._known(chat)
        removed = self._message(known, message)
        self._state.delete(known, removed)
        if not removed.from_bot:
            self._tell(known, "message_removed", message_id=removed.mid, user_id=known.user_id)

    def press(self, chat: str, message: int, button: str) -> None:
        """Press a button under *message*, also one that stood there before an edit."""
        known = self._awake(chat)
        pressed = self._message(known, message)
        match self._button(pressed, button):
            case {"type": "callback", "payload": str(payload)}:
                self._press(known, pressed, payload)
            case {"type": "request_contact"}:
                self.contact(chat, "")
            case {"type": "request_geo_location"}:
                self.send(chat, "location")
            case {"type": "message", "text": str(text)}:
                self.say(chat, text)
            case _:
                raise ResidentRefusedError(404, f"no button {button!r} to press under message {message}")

    def contact(self, chat: str, phone: str, *, escaped: bool = False, forged: bool = False) -> None:
        """Share the resident's own number, or somebody else's *phone*.

        *escaped*: as clients that write the ends of lines out; *forged*: with a hash that is another card's.
        """
        known = self._awake(chat)
        number = phone.lstrip("+") or known.phone
        info = known.person if not phone or forged else {"user_id": 57_120_999, "first_name": "Сосед"}
        card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nTEL;TYPE=cell:{number}\r\nFN:{info['first_name']}\r\nEND:VCARD\r\n"
        payload: JsonObject = {"vcf_info": card.replace("\r\n", "\\r\\n") if escaped else card}
        if not phone or forged:
            signed = card.replace(number, known.phone).encode()
            payload["hash"] = hmac.new(self._token.encode(), signed, hashlib.sha256).hexdigest()
        payload["max_info"] = info
        self._write(known, "", [{"type": "contact", "payload": payload}], shown=f"👤 +{number}")

    def photo(self, chat: str, picture: Picture, caption: str) -> None:
        known = self._awake(chat)
        if not is_picture(picture.content):
            raise ResidentRefusedError(400, "the picture cannot be sent: it is neither a JPEG nor a PNG")
        name = self._state.add_file(picture)
        payload: JsonObject = {
            "photo_id": self._chance.randint(10**9, 10**10),
            "token": f"tokIMG{name}",
            "url": f"{self._server.base}/max-picture/{name}",
        }
        self._write(known, caption, [{"type": "image", "payload": payload}], files=[(name, picture)])

    def send(self, chat: str, kind: str) -> None:
        if kind not in OTHER_KINDS:
            raise ResidentRefusedError(400, f"{kind!r} is none of {', '.join(OTHER_KINDS)}")
        other, known = OTHER_KINDS[kind], self._awake(chat)
        if other.attachment is None:
            self._state.add_message(known, Formatted(""), shown=other.shown_as)
            self._tell(known, "message_created")
        else:
            self._write(known, "", [other.attachment], shown=other.shown_as)

    def block(self, chat: str) -> None:
        """Stop the bot and remove the dialog, which come together."""
        known = self._known(chat)
        known.stopped = True
        self._tell(known, "bot_stopped")
        self._tell(known, "dialog_removed")

    def unblock(self, chat: str) -> None:
        """Let the bot write again, without a word."""
        self._known(chat).stopped = False

    def mute(self, chat: str) -> None:
        self._tell(self._known(chat), "dialog_muted", muted_until=self._state.now_ms() + 3_600_000)

    def unmute(self, chat: str) -> None:
        self._tell(self._known(chat), "dialog_unmuted")

    def in_group(self, chat: str) -> None:
        """Have the resident take the bot into a group and out, with all that happens there between."""
        person = self._known(chat).person
        for kind in GROUP_KINDS:
            fields: JsonObject = {"update_type": kind, "timestamp": self._state.now_ms(), "user": person}
            self.updates.put(GROUP, {"chat_id": GROUP, "is_channel": False} | fields)

    def clear(self, chat: str) -> None:
        """Empty the dialog on this phone."""
        known = self._known(chat)
        for message in list(known.messages.values()):
            self._state.delete(known, message)
        self._tell(known, "dialog_cleared")

    # --- On its way to the bot -------------------------------------------------------------------

    def _found(self, chat: str) -> Chat | None:
        return self._state.chats.get(chat)

    def _has_blocked(self, chat: Chat) -> bool:
        return chat.stopped

    def _picture(self, name: str) -> Picture | None:
        return self._state.files.get(name)

    def _message(self, chat: Chat, shown: int) -> Message:
        found = chat.messages.get(chat.shown.get(chat.log.first(shown) or 0, ""))
        if found is None:
            raise ResidentRefusedError(404, f"no message {shown} in this chat")
        return found

    def _button(self, message: Message, button: str) -> Mapping[str, object] | None:
        """What MAX knows of the button that the phone calls *button*."""
        for y, row in enumerate(message.keyboard):
            for x, each in enumerate(row):
                if button in {
                    f"{each['type']} {y}.{x}",
                    f"{str(each['type']).removeprefix('request_')} {y}.{x}",
                }:
                    return each
        return next((each for each in message.offered if each.get("payload") == button), None)

    def _write(
        self,
        chat: Chat,
        text: str,
        attachments: Sequence[Mapping[str, object]] = (),
        *,
        files: Sequence[tuple[str, Picture]] = (),
        shown: str = "",
    ) -> None:
        """Put a resident's message into the dialog and on its way to the bot."""
        message = self._state.add_message(
            chat, as_typed(text), attachments=attachments, files=files, shown=shown
        )
        self._tell(chat, "message_created", message=self._state.message_json(chat, message))

    def _press(self, chat: Chat, message: Message, payload: str) -> None:
        callback = f"f9LHodD0cOL{self._chance.randint(16**11, 16**12 - 1):x}"
        self._api.remember(callback, chat, message.mid)
        press: JsonObject = {
            "timestamp": self._state.now_ms(),
            "callback_id": callback,
            "user": chat.person,
            "payload": payload,
        }
        shown = self._state.message_json(chat, message, callback=callback) if self.names_pressed else None
        self._tell(chat, "message_callback", callback=press, message=shown)

    def _tell(self, chat: Chat, kind: str, **fields: object) -> None:
        """Put an update of *kind* on its way; those that are about a dialog name it."""
        update: JsonObject = {"timestamp": self._state.now_ms(), "user_locale": "ru", "update_type": kind}
        if kind.startswith(("bot_", "dialog_")):
            update = {"chat_id": chat.id, "user": chat.person} | update
        elif kind == "message_removed":
            update["chat_id"] = chat.id
        self.updates.put(chat.id, update | fields)
