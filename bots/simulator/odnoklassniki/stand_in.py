"""The stand-in for Odnoklassniki: the servers in one object, and what its residents do on their phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random

from bots.simulator.odnoklassniki.events import Events
from bots.simulator.odnoklassniki.graph import CALLBACKS_MAX, GraphApi
from bots.simulator.odnoklassniki.limits import (
    SETTLE_S,
    TEXT_CHARS_MAX,
    UPLOAD_BYTES_MAX,
    Faults,
    Paces,
)
from bots.simulator.odnoklassniki.other_kinds import OTHER_KINDS
from bots.simulator.odnoklassniki.outgoing import JsonObject
from bots.simulator.odnoklassniki.server import GraphServer, Recorded
from bots.simulator.odnoklassniki.state import Chat, Message, OkState
from bots.simulator.residents import Notice, Picture, ResidentRefusedError
from bots.simulator.stand_in import StandIn
from bots.simulator.uploads import is_picture


class OdnoklassnikiStandIn(StandIn[Faults, Recorded, Chat]):
    """One group's Odnoklassniki, in this process; its API stands under `/graph`.

    *clock* dates the messages; paces and waits run by the real clock. *retry_scale* shortens the waits between
    attempts at a webhook, *settle_s* is how long an upload is not ready. *chat_burst* messages in a row pass
    before a chat is held to one a second. `faults` and `events` may be changed at any time; `calls` keeps the
    last calls for tests.
    """

    name = "ok"
    title = "Одноклассники"

    _server: GraphServer

    def __init__(
        self,
        *,
        token: str,
        clock: Callable[[], datetime],
        group_id: str = "group:70000012345678",
        group_name: str = "Квиток",
        seed: int = 1,
        retry_scale: float = 1.0,
        settle_s: float = SETTLE_S,
        chat_burst: int = 5,
        group_per_s: int = 10,
        text_chars_max: int = TEXT_CHARS_MAX,
        upload_bytes_max: int = UPLOAD_BYTES_MAX,
    ) -> None:
        self._chance = Random(seed)  # noqa: S311 - numbers that differ, not secrets
        self._state = OkState(self._chance, group_id=group_id, title=group_name, clock=clock)
        self.events = Events(retry_scale=retry_scale)
        paces = Paces(chat_burst=chat_burst, group_per_s=group_per_s)
        self._api = GraphApi(self._state, paces, self.events, text_chars_max=text_chars_max)
        server = GraphServer(token, self._state, self._api, settle_s=settle_s, bytes_max=upload_bytes_max)
        super().__init__(server, self.events)

    def start(self, chat: str, payload: str) -> None:
        """Press «Написать» on the group's page; there is no start parameter, so *payload* is typed first.

        A chat that begins with words is told of by these words alone.
        """
        known = self._state.chats.setdefault(chat, Chat(chat))
        known.blocked = known.gone = False
        if payload:
            self.say(chat, payload)
            return
        at_ms = known.last_ms = self._state.now_ms()
        self.events.put(
            {
                "webhookType": "CHAT_SYSTEM",
                "type": "CHAT_STARTED",
                "sender": known.person,
                "recipient": {"chat_id": known.id},
                "timestamp": at_ms,
            }
        )

    def say(self, chat: str, text: str) -> None:
        """Type *text*; the app cuts what is too long into several messages."""
        if not text.strip():
            raise ResidentRefusedError(400, "an empty message cannot be sent")
        known = self._awake(chat)
        for start in range(0, len(text), TEXT_CHARS_MAX):
            self._write(known, text[start : start + TEXT_CHARS_MAX])

    def press(self, chat: str, message: int, button: str) -> None:
        """Press a button under *message*, also under an old one: keyboards stay."""
        known = self._awake(chat)
        pressed = known.messages.get(known.shown.get(known.log.first(message) or 0, ""))
        if pressed is None:
            raise ResidentRefusedError(404, f"no message {message} in this chat")
        match self._button(known, message, button):
            case {"type": "CALLBACK", "payload": str(payload)}:
                self._press(known, pressed, payload)
            case {"type": "REQUEST_CONTACT"}:
                self.contact(chat, "")
            case {"type": "REQUEST_GEO_LOCATION"}:
                self.send(chat, "location")
            case _:
                raise ResidentRefusedError(404, f"no button {button!r} to press under message {message}")

    def contact(self, chat: str, phone: str) -> None:
        """Share the resident's own number, or somebody else's *phone*: the bot cannot tell which."""
        known = self._awake(chat)
        payload: JsonObject = {"name": known.person["name"], "phone": known.phone, "photoUrl": ""}
        if phone:
            payload = {"name": "Сосед", "phone": phone, "photoUrl": ""}
        self._write(known, "", [{"type": "CONTACT", "payload": payload}], shown=f"👤 +{payload['phone']}")

    def photo(self, chat: str, picture: Picture, caption: str) -> None:
        known = self._awake(chat)
        if not is_picture(picture.content):
            raise ResidentRefusedError(400, "the picture cannot be sent: it is neither a JPEG nor a PNG")
        name = self._state.add_file(picture)
        payload: JsonObject = {"id": name, "url": f"{self._server.base}/ok-picture/{name}"}
        self._write(known, caption, [{"type": "IMAGE", "payload": payload}], files=[(name, picture)])

    def send(self, chat: str, kind: str) -> None:
        if kind not in OTHER_KINDS:
            raise ResidentRefusedError(400, f"{kind!r} is none of {', '.join(OTHER_KINDS)}")
        other = OTHER_KINDS[kind]
        self._write(self._awake(chat), "", [other.attachment], shown=other.shown_as)

    def block(self, chat: str) -> None:
        """Put the group on the black list: the bot hears of it by a refusal alone."""
        self._known(chat).blocked = True

    def unblock(self, chat: str) -> None:
        self._known(chat).blocked = False

    def close_messages(self, chat: str) -> None:
        """Take messages of friends alone from now on."""
        self._known(chat).closed = True

    def deactivate(self, chat: str) -> None:
        """Delete the resident's page."""
        self._known(chat).deactivated = True

    def delete(self, chat: str) -> None:
        """Delete the chat itself."""
        self._known(chat).gone = True

    def _found(self, chat: str) -> Chat | None:
        return self._state.chats.get(chat)

    def _has_blocked(self, chat: Chat) -> bool:
        return chat.blocked

    def _picture(self, name: str) -> Picture | None:
        return self._state.files.get(name)

    def _button(self, chat: Chat, message: int, button: str) -> Mapping[str, object] | None:
        """What Odnoklassniki knows of the button that the phone calls *button*."""
        pressed = chat.messages[chat.shown[chat.log.first(message) or 0]]
        for y, row in enumerate(pressed.keyboard):
            for x, each in enumerate(row):
                if each.get("payload") == button or button in {f"contact {y}.{x}", f"place {y}.{x}"}:
                    return each
        return None

    def _write(
        self,
        chat: Chat,
        text: str,
        attachments: Sequence[Mapping[str, object]] = (),
        *,
        files: Sequence[tuple[str, Picture]] = (),
        shown: str = "",
    ) -> None:
        """Put a resident's message into the chat and on its way to the bot."""
        message = self._state.add_message(
            chat, chat.user_id, text, attachments=attachments, files=files, shown=shown
        )
        self.events.put({"webhookType": "MESSAGE_CREATED"} | self._state.message_json(chat, message))

    def _press(self, chat: Chat, message: Message, payload: str) -> None:
        callback = f"cb{self._chance.randint(10**11, 10**12 - 1):x}"
        self._api.callbacks[callback] = chat
        while len(self._api.callbacks) > CALLBACKS_MAX:
            del self._api.callbacks[next(iter(self._api.callbacks))]
        self.events.put(
            {
                "webhookType": "MESSAGE_CALLBACK",
                "sender": chat.person,
                "recipient": {"chat_id": chat.id},
                "mid": message.mid,
                "callbackId": callback,
                "payload": payload,
                "timestamp": self._state.now_ms(),
            }
        )
        # Whether a button spins until it is answered is not known; here it does not.
        chat.log.notify(Notice("", alert=False))
