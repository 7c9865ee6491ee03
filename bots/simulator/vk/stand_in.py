"""The stand-in for VK: its servers in one object, and what residents do in its app."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.residents import Picture, ResidentRefusedError
from bots.simulator.stand_in import StandIn
from bots.simulator.telegram.formatting import Formatted
from bots.simulator.vk.events import Events
from bots.simulator.vk.limits import (
    CALLS_PER_S,
    TEXT_CHARS_MAX,
    Faults,
    JsonObject,
    Pace,
    picture_sides,
)
from bots.simulator.vk.methods import MessagesApi
from bots.simulator.vk.server import ApiServer, Recorded
from bots.simulator.vk.state import (
    GROUP_CHATS_FROM,
    Dialogue,
    Message,
    StoredFile,
    VkState,
    payload_of,
    peer_of,
)

CLIENT: Final[JsonObject] = {
    "button_actions": ["text", "vkpay", "open_app", "location", "open_link", "open_photo", "callback"],
    "keyboard": True,
    "inline_keyboard": True,
    "carousel": True,
    "lang_id": 0,
}
PLACE: Final[JsonObject] = {"type": "point", "coordinates": {"latitude": 55.751244, "longitude": 37.618423}}
# What is neither text nor photo, as a message carries it and as the phone shows it.
OTHER_KINDS: Final[Mapping[str, tuple[JsonObject, str]]] = {
    "voice": ({"type": "audio_message", "audio_message": {"duration": 4}}, "🎤 Голосовое сообщение, 0:04"),
    "sticker": ({"type": "sticker", "sticker": {"sticker_id": 9046, "product_id": 279}}, "👍"),
    "location": ({}, "📍 Геопозиция"),
    "document": (
        {"type": "doc", "doc": {"title": "квитанция.pdf", "size": 536_392, "ext": "pdf", "url": ""}},
        "📄 квитанция.pdf",
    ),
}


class VkStandIn(StandIn[Faults, Recorded, Dialogue]):
    """One community's VK, in this process.

    *clock* dates the messages; paces, waits and lifetimes run by the real clock. *retry_scale* shortens the
    waits between attempts at a callback server; places in dialogues are numbered on from *first_place*, for
    a bot that remembers what was before a restart. `faults` may be changed at any time; `calls` keeps the last
    calls for tests.
    """

    name = "vk"
    title = "ВКонтакте"

    _server: ApiServer

    def __init__(
        self,
        *,
        token: str,
        group: int,
        clock: Callable[[], datetime],
        confirmation: str = "d8v2ve07",
        group_name: str = "Квиток",
        seed: int = 1,
        retry_scale: float = 1.0,
        press_lifetime_s: float = 60.0,
        webhook_timeout_s: float = 10.0,
        calls_per_s: int = CALLS_PER_S,
        old_client: bool = False,
        first_place: int = 0,
    ) -> None:
        chance = Random(seed)  # noqa: S311 - numbers that differ, not secrets
        self._chance = chance
        self._old_client = old_client
        self._first_place = first_place
        self.state = VkState(chance, group=group, title=group_name, clock=clock)
        self.events = Events(
            chance,
            group=group,
            confirmation=confirmation,
            retry_scale=retry_scale,
            timeout_s=webhook_timeout_s,
        )
        self._messages = MessagesApi(self.state, press_lifetime_s=press_lifetime_s)
        pace = Pace(calls_per_s)
        server = ApiServer(
            token, self.state, self._messages, self.events, confirmation=confirmation, pace=pace
        )
        super().__init__(server, self.events)

    # --- What residents do -----------------------------------------------------------------------

    def start(self, chat: str, payload: str) -> None:
        """Open the community's chat, perhaps by a link that carries *payload* as `ref`, and press «Начать»."""
        if len(payload) > 255:
            raise ResidentRefusedError(400, "what a link carries is at most 255 characters long")
        peer = peer_of(chat)
        if not 0 < peer < 2**53:
            raise ResidentRefusedError(400, f"{chat!r} is no chat of VK")
        known = self.state.dialogues.get(peer)
        if known is None:
            known = self.state.dialogues[peer] = Dialogue(
                peer, chat, allowed=peer >= GROUP_CHATS_FROM, last_place=self._first_place
            )
        self._allow(known)
        # In a chat of many the app writes to whom the button belongs.
        words = "Начать" if known.is_private else f"[club{self.state.group}|@kvitok_demo] Начать"
        button: JsonObject = {"payload": json.dumps({"command": "start"}, separators=(",", ":"))}
        link: JsonObject = {"ref": payload, "ref_source": "link"} if payload else {}
        self._write(known, words, button | link, shown="Начать")

    def say(self, chat: str, text: str) -> None:
        """Type *text*; the app cuts what is too long into several messages."""
        if not text:
            raise ResidentRefusedError(400, "an empty message cannot be sent")
        known = self._awake(chat)
        for start in range(0, len(text), TEXT_CHARS_MAX):
            self._write(known, text[start : start + TEXT_CHARS_MAX])

    def press(self, chat: str, message: int, button: str) -> None:
        """Press a button under *message*, or on the keyboard that it brought; also one that is there no more."""
        known = self._awake(chat)
        pressed = known.messages.get(known.shown.get(known.log.first(message) or 0, 0))
        if pressed is None:
            raise ResidentRefusedError(404, f"no message {message} in this chat")
        offered = pressed.offered.get(button)
        action = offered["action"] if offered else None
        if offered is None or not isinstance(action, Mapping):
            raise ResidentRefusedError(404, f"no button {button!r} to press under message {message}")
        match action["type"]:
            case "callback" if self._old_client:
                nested = json.dumps(payload_of(offered), ensure_ascii=False)
                fields = {"command": "not_supported_button", "button_type": "callback", "payload": nested}
                self._write(known, str(action["label"]), {"payload": json.dumps(fields, ensure_ascii=False)})
            case "callback":
                self._press(known, pressed, payload_of(offered))
            case "text":
                payload = json.dumps(payload_of(offered), ensure_ascii=False)
                self._write(known, str(action["label"]), {"payload": payload})
            case "location":
                self.send(chat, "location")
            case _:
                raise ResidentRefusedError(404, f"nothing comes of pressing {button!r} but an opened page")

    def contact(self, chat: str, phone: str) -> None:
        """Refused: VK has no way to share a phone."""
        self._known(chat)
        raise ResidentRefusedError(400, f"VK has no way to share {phone or 'a phone'}; type it")

    def photo(self, chat: str, picture: Picture, caption: str) -> None:
        known = self._awake(chat)
        sides = picture_sides(picture.content)
        if sides is None:
            raise ResidentRefusedError(400, "the picture cannot be sent")
        self._write(known, caption, files=[self.state.store("photo", known.user, picture, sides)])

    def send(self, chat: str, kind: str) -> None:
        if kind not in OTHER_KINDS:
            raise ResidentRefusedError(400, f"{kind!r} is none of {', '.join(OTHER_KINDS)}")
        attachment, shown = OTHER_KINDS[kind]
        extra: JsonObject = {"attachments": [attachment]} if attachment else {"geo": PLACE}
        self._write(self._awake(chat), "", extra, shown=shown)

    def block(self, chat: str) -> None:
        """Forbid the community to write, or put it out of a chat of many, of which it is told nothing."""
        known = self._known(chat)
        known.kicked = not known.is_private
        if known.is_private and known.allowed:
            known.allowed = False
            self.events.put("message_deny", {"user_id": known.user}, peer=known.peer)

    def unblock(self, chat: str) -> None:
        self._allow(self._known(chat))

    # --- How it is done --------------------------------------------------------------------------

    def _found(self, chat: str) -> Dialogue | None:
        return self.state.dialogues.get(peer_of(chat))

    def _has_blocked(self, chat: Dialogue) -> bool:
        return not chat.allowed or chat.kicked

    def _picture(self, name: str) -> Picture | None:
        stored = self.state.file(name)
        return stored.picture if stored else None

    def _allow(self, known: Dialogue) -> None:
        known.kicked = False
        if not known.allowed:
            known.allowed = True
            self.events.put("message_allow", {"user_id": known.user, "key": ""}, peer=known.peer)

    def _write(
        self,
        known: Dialogue,
        text: str,
        extra: JsonObject | None = None,
        *,
        files: Sequence[StoredFile] = (),
        shown: str | None = None,
    ) -> None:
        """Put a resident's message into the dialogue and on its way to the bot; the phone may show it as *shown*."""
        number, place = self.state.next_places(known)
        message = Message(
            number,
            place,
            from_bot=False,
            sent_at=self.state.clock(),
            content=Formatted(text),
            files=files,
            extra=extra or {},
        )
        self.state.add(known, message, shown)
        origin = self._server.origin if files else ""
        body = self.state.message_json(known, message, origin)
        self.events.put("message_new", {"message": body, "client_info": CLIENT}, peer=known.peer)

    def _press(self, known: Dialogue, message: Message, payload: object) -> None:
        event_id = f"{self._chance.getrandbits(48):012x}"
        self._messages.expect_answer(event_id, known)
        press: JsonObject = {
            "user_id": known.user,
            "peer_id": known.peer,
            "event_id": event_id,
            "payload": payload,
            "conversation_message_id": message.place,
        }
        self.events.put("message_event", press, peer=known.peer)
