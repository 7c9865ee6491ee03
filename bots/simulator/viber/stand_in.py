"""The stand-in for Viber: the servers in one object, and what its residents do on their phones."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.residents import Picture, ResidentRefusedError
from bots.simulator.stand_in import StandIn
from bots.simulator.viber.events import Events
from bots.simulator.viber.limits import TEXT_CHARS_MAX, UNANSWERED_MAX, Faults, JsonObject, Unanswered
from bots.simulator.viber.methods import BotApi
from bots.simulator.viber.server import ApiServer, Recorded
from bots.simulator.viber.state import Chat, StoredFile, ViberState

PICTURE_ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}

# What a resident may send that is neither text nor a picture; what the phone shows of it. Viber brings bots
# no voice messages: `voice` stands for a type that its documentation does not list.
OTHER_KINDS: Final[Mapping[str, tuple[JsonObject, str]]] = {
    "sticker": ({"type": "sticker", "sticker_id": 46105}, "👍"),
    "location": ({"type": "location", "location": {"lat": 55.751244, "lon": 37.618423}}, "📍 Геопозиция"),
    "document": (
        {
            "type": "file",
            "media": "https://dl-media.viber.com/1/demo.pdf",
            "file_name": "квитанция.pdf",
            "size": 20311,
        },
        "📄 квитанция.pdf",
    ),
    "video": (
        {"type": "video", "media": "https://dl-media.viber.com/1/demo.mp4", "duration": 4, "size": 734003},
        "🎞 Видео, 0:04",
    ),
    "url": ({"type": "url", "media": "https://example.org/"}, "https://example.org/"),
    "voice": ({"type": "voice"}, "🎤 Голосовое сообщение, 0:04"),
}


class ViberStandIn(StandIn[Faults, Recorded, Chat]):
    """One bot's Viber, in this process.

    *clock* dates the messages; waits run by the real clock. *retry_scale* shortens the waits between attempts
    at a webhook. *mark* is what the bodies of the bot's reply buttons begin with: scripts name a button by
    what follows. *unanswered_max* messages go to one who says nothing within an hour. `faults` and
    `events.manners` may be changed at any time; `calls` keeps the last calls, `not_shown` why phones could
    not show what was taken.
    """

    name = "viber"
    title = "Viber"

    _server: ApiServer

    def __init__(
        self,
        *,
        token: str,
        clock: Callable[[], datetime],
        bot_name: str = "Квиток",
        seed: int = 1,
        mark: str = "m:",
        retry_scale: float = 1.0,
        webhook_timeout_s: float = 5.0,
        unanswered_max: int = UNANSWERED_MAX,
    ) -> None:
        chance = Random(seed)  # noqa: S311 - numbers that differ, not secrets
        self._state = ViberState(chance, clock=clock, mark=mark)
        self.events = Events(token, retry_scale=retry_scale, timeout_s=webhook_timeout_s)
        self._unanswered = Unanswered(unanswered_max)
        self._api = BotApi(self._state, self.events, self._unanswered, name=bot_name)
        server = ApiServer(token, self._state, self._api)
        super().__init__(server, self.events)

    @property
    def not_shown(self) -> Sequence[str]:
        return self._api.not_shown

    def user(self, chat: str) -> str:
        """Viber's id of the person whom scripts call *chat*."""
        return self._known(chat).user

    # --- What residents do -----------------------------------------------------------------------

    def look(self, chat: str, context: str) -> None:
        """Open the chat, perhaps by a link with *context*, and do no more."""
        self._open(self._state.chat(chat), context, begin=False)

    def start(self, chat: str, payload: str) -> None:
        """Open the chat, perhaps by a link with *payload*, and press the welcome's button once it is there.

        Who has subscribed before sees no welcome: without a payload he writes «Начать».
        """
        known = self._state.chat(chat)
        known.blocked = False
        if known.subscribed and not payload:
            self.say(chat, "Начать")
            return
        self._open(known, payload, begin=not known.subscribed)

    def say(self, chat: str, text: str) -> None:
        """Type *text*; who writes subscribes."""
        if not text:
            raise ResidentRefusedError(400, "an empty message cannot be sent")
        known = self._awake(chat)
        for begin in range(0, len(text), TEXT_CHARS_MAX):
            part = text[begin : begin + TEXT_CHARS_MAX]
            self._write(known, {"type": "text", "text": part}, shown=part)

    def press(self, chat: str, message: int, button: str) -> None:
        """Press a button that came with *message*; also one that is there no more."""
        known = self._awake(chat)
        pressed = known.keyboards.get(known.log.first(message) or 0, {}).get(button)
        if pressed is None:
            raise ResidentRefusedError(404, f"no button {button!r} to press under message {message}")
        self._press(known, pressed)

    def contact(self, chat: str, phone: str) -> None:
        """Share the resident's own number, or somebody else's *phone*: nothing tells one from the other."""
        known = self._awake(chat)
        named = {"name": "Сосед", "phone_number": phone.removeprefix("+")}
        contact = named if phone else {"name": known.person, "phone_number": known.phone, "avatar": ""}
        self._write(known, {"type": "contact", "contact": contact}, shown=f"👤 +{contact['phone_number']}")

    def photo(self, chat: str, picture: Picture, caption: str) -> None:
        known = self._awake(chat)
        ending = PICTURE_ENDINGS.get(picture.type)
        if ending is None:
            raise ResidentRefusedError(400, f"a picture is none of {', '.join(PICTURE_ENDINGS)}")
        stored = self._state.add_file(picture)
        media = f"{self._server.origin}/dl-media/{stored.id}/image.{ending}"
        message: JsonObject = {
            "type": "picture",
            "media": media,
            "text": caption,
            "thumbnail": media,
            "file_name": f"image-0-02-05-{stored.id}.{ending}",
        }
        self._write(known, message, shown=caption, file=stored)

    def send(self, chat: str, kind: str) -> None:
        if kind not in OTHER_KINDS:
            raise ResidentRefusedError(400, f"{kind!r} is none of {', '.join(OTHER_KINDS)}")
        message, shown = OTHER_KINDS[kind]
        self._write(self._awake(chat), dict(message), shown=shown)

    def block(self, chat: str) -> None:
        """Unsubscribe: nothing that the bot sends arrives any more."""
        known = self._known(chat)
        known.blocked = True
        if known.subscribed:
            known.subscribed = False
            self.events.put(known.user, self._state.event("unsubscribed", {"user_id": known.user}))

    def unblock(self, chat: str) -> None:
        known = self._known(chat)
        if known.blocked:
            known.blocked = False
            self._subscribe(known)

    # --- What Viber makes of it ------------------------------------------------------------------

    def _found(self, chat: str) -> Chat | None:
        return self._state.chats.get(chat)

    def _has_blocked(self, chat: Chat) -> bool:
        return chat.blocked

    def _picture(self, name: str) -> Picture | None:
        stored = self._state.file(name)
        return stored.picture if stored else None

    def _open(self, chat: Chat, context: str, *, begin: bool) -> None:
        fields: JsonObject = {"type": "open", "user": chat.to_json(), "subscribed": chat.subscribed}
        event = self._state.event("conversation_started", fields | ({"context": context} if context else {}))

        async def answered(status: int, answer: bytes) -> None:
            welcome = _message(answer) if status == 200 else None
            if welcome is None or chat.subscribed:
                return
            await self._api.show_welcome(chat, welcome)
            if begin and (offered := chat.keyboards.get(chat.log.last)):
                self._press(chat, next(iter(offered.values())))

        self.events.put(chat.user, event, answered)

    def _press(self, chat: Chat, button: JsonObject) -> None:
        """A press is a text message: the button's body, or the address of a link besides opening it."""
        match button.get("ActionType", "reply"):
            case "reply" | "open-url" as action:
                silent = button.get("Silent") is True
                shown = "" if silent or action == "open-url" else str(button.get("Text", ""))
                self._write(chat, {"type": "text", "text": button["ActionBody"]}, shown=shown, silent=silent)
            case "share-phone":
                self.contact(chat.name, "")
            case "location-picker":
                self.send(chat.name, "location")
            case _:
                pass

    def _write(
        self,
        chat: Chat,
        message: JsonObject,
        *,
        shown: str,
        file: StoredFile | None = None,
        silent: bool = False,
    ) -> None:
        """Put a resident's message into the chat and on its way to the bot."""
        if not chat.subscribed:
            self._subscribe(chat)
        self._unanswered.answered(chat.user)
        if shown or file:
            self._state.show_resident(chat, shown, file)
        fields: JsonObject = {"sender": chat.to_json(), "message": message, "silent": silent}
        self.events.put(chat.user, self._state.event("message", fields))

    def _subscribe(self, chat: Chat) -> None:
        chat.subscribed = True
        self.events.put(chat.user, self._state.event("subscribed", {"user": chat.to_json()}))


def _message(answer: bytes) -> JsonObject | None:
    """The message in the answer to a webhook, if it holds one."""
    try:
        fields = json.loads(answer or b"null")
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
