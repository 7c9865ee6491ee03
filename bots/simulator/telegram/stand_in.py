"""The stand-in for Telegram: the servers in one object, and what its residents do on their phones."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Final

from bots.simulator.residents import Command, Picture, ResidentRefusedError
from bots.simulator.stand_in import StandIn
from bots.simulator.telegram.formatting import Formatted, as_typed
from bots.simulator.telegram.limits import (
    TEXT_CHARS_MAX,
    UPLOAD_BYTES_MAX,
    Faults,
    Paces,
    TelegramRefusedError,
    picture_size,
)
from bots.simulator.telegram.methods import BotApi, Query
from bots.simulator.telegram.other_kinds import OTHER_KINDS
from bots.simulator.telegram.server import ApiServer, Recorded
from bots.simulator.telegram.state import Chat, JsonObject, Message, StoredFile, TelegramState, chat_id_of
from bots.simulator.telegram.updates import UpdateQueue

# Telegram counts the envelope of an upload apart from the file in it.
ENVELOPE_BYTES_MAX: Final = 1024 * 1024


class TelegramStandIn(StandIn[Faults, Recorded, Chat]):
    """One bot's Telegram, in this process.

    *clock* dates the messages; paces, waits and lifetimes run by the real clock. *retry_scale* shortens the
    waits between attempts at a webhook, *press_lifetime_s* is both how long a press is delivered and how
    long its answer is taken. *chat_burst* messages in a row pass before a private chat is held to one a
    second. *first_update* is where updates are numbered from, at random by default. `faults` may be changed at any time; `calls` keeps the last calls for tests.
    """

    name = "telegram"
    title = "Telegram"

    def __init__(
        self,
        *,
        token: str,
        clock: Callable[[], datetime],
        username: str = "kvitok_demo_bot",
        bot_name: str = "Квиток",
        seed: int = 1,
        retry_scale: float = 1.0,
        press_lifetime_s: float = 150.0,
        webhook_timeout_s: float = 60.0,
        chat_burst: int = 5,
        bot_per_s: int = 30,
        upload_bytes_max: int = UPLOAD_BYTES_MAX,
        first_update: int | None = None,
    ) -> None:
        self._chance = Random(seed)  # noqa: S311 - numbers that differ, not secrets
        bot_id = int(token.partition(":")[0])
        self._state = TelegramState(
            self._chance, bot_id=bot_id, username=username, title=bot_name, clock=clock
        )
        self.updates = UpdateQueue(
            self._chance,
            retry_scale=retry_scale,
            press_lifetime_s=press_lifetime_s,
            webhook_timeout_s=webhook_timeout_s,
            first_id=first_update,
        )
        paces = Paces(chat_burst=chat_burst, bot_per_s=bot_per_s)
        self._api = BotApi(self._state, paces, self.updates, press_lifetime_s=press_lifetime_s)
        server = ApiServer(token, self._state, self._api, bytes_max=upload_bytes_max + ENVELOPE_BYTES_MAX)
        self.updates.execute = server.execute
        super().__init__(server, self.updates)

    def commands(self) -> Sequence[Command]:
        return self._state.commands

    def start(self, chat: str, payload: str) -> None:
        """Open the bot by its name or by a link with *payload*, and press START."""
        if len(payload) > 64 or not all(c.isascii() and (c.isalnum() or c in "_-") for c in payload):
            raise ResidentRefusedError(400, "a payload is at most 64 of A-Z a-z 0-9 _ -")
        number = chat_id_of(chat)
        if not 0 < abs(number) < 2**52:
            raise ResidentRefusedError(400, f"{chat!r} is no chat of Telegram")
        known = self._state.chats.setdefault(number, Chat(number, chat))
        if known.blocked:
            self.unblock(chat)
        self._write(known, Formatted(f"/start {payload}".strip()), shown=Formatted("/start"))

    def say(self, chat: str, text: str) -> None:
        """Type *text*; the app cuts what is too long into several messages, as Telegram's do."""
        if not text:
            raise ResidentRefusedError(400, "an empty message cannot be sent")
        known = self._awake(chat)
        for start in range(0, len(text), TEXT_CHARS_MAX):
            self._write(known, as_typed(text[start : start + TEXT_CHARS_MAX]))

    def press(self, chat: str, message: int, button: str) -> None:
        """Press a button under *message*, or on the keyboard that it brought; also one that is there no more."""
        known = self._awake(chat)
        first = known.log.first(message)
        pressed = known.messages.get(known.shown.get(first or 0, 0))
        if first is None or pressed is None:
            raise ResidentRefusedError(404, f"no message {message} in this chat")
        if button in pressed.offered:
            self._press(known, pressed, button)
            return
        match next((one for row in pressed.markup.reply for one in row if one["text"] == button), None):
            case {"request_contact": True}:
                self.contact(chat, "")
            case {"request_location": True}:
                self.send(chat, "location")
            case {"text": str(label)}:
                self._write(known, as_typed(label))
            case _:
                raise ResidentRefusedError(404, f"no button {button!r} to press under message {message}")

    def contact(self, chat: str, phone: str) -> None:
        """Share the resident's own number, or somebody else's *phone* from the address book."""
        known = self._awake(chat)
        user = known.user_json()
        own: JsonObject = {
            "phone_number": known.phone,
            "first_name": user["first_name"],
            "last_name": user["last_name"],
            "user_id": known.user_id,
        }
        contact: JsonObject = {"phone_number": phone, "first_name": "Сосед"} if phone else own
        self._write(
            known, Formatted(""), {"contact": contact}, shown=Formatted(f"👤 +{contact['phone_number']}")
        )

    def photo(self, chat: str, picture: Picture, caption: str) -> None:
        known = self._awake(chat)
        try:
            width, height = picture_size(picture.content)
        except TelegramRefusedError as refused:
            raise ResidentRefusedError(400, f"the picture cannot be sent: {refused.description}") from refused
        stored = self._state.add_file(picture, width=width, height=height)
        self._write(known, as_typed(caption), file=stored)

    def send(self, chat: str, kind: str) -> None:
        if kind not in OTHER_KINDS:
            raise ResidentRefusedError(400, f"{kind!r} is none of {', '.join(OTHER_KINDS)}")
        other = OTHER_KINDS[kind]
        self._write(self._awake(chat), Formatted(""), dict(other.body), shown=Formatted(other.shown_as))

    def edit(self, chat: str, message: int, text: str) -> None:
        """Correct a message that the resident sent before."""
        known = self._awake(chat)
        edited = known.messages.get(known.shown.get(known.log.first(message) or 0, 0))
        if edited is None or edited.from_bot or edited.file:
            raise ResidentRefusedError(404, f"no message {message} of the resident in this chat")
        edited.content = as_typed(text)
        self._state.changed(known, edited)
        self.updates.put("edited_message", self._state.message_json(known, edited), ("chat", known.id))

    def block(self, chat: str) -> None:
        """Stop the bot: nothing that it sends arrives any more."""
        known = self._known(chat)
        if not known.blocked:
            known.blocked = True
            self._tell_membership(known, "member", "kicked")

    def unblock(self, chat: str) -> None:
        known = self._known(chat)
        if known.blocked:
            known.blocked = False
            self._tell_membership(known, "kicked", "member")

    def deactivate(self, chat: str) -> None:
        """Delete the resident's account at Telegram: the bot hears of it by a 403 alone."""
        self._known(chat).deactivated = True

    def migrate(self, chat: str, to: int) -> None:
        """Make the group a supergroup with the id *to*."""
        known = self._known(chat)
        self._write(
            known, Formatted(""), {"migrate_to_chat_id": to}, shown=Formatted("группа стала супергруппой")
        )
        known.migrated_to = to
        self._state.chats.setdefault(to, Chat(to, str(to)))

    def _found(self, chat: str) -> Chat | None:
        return self._state.chats.get(chat_id_of(chat))

    def _has_blocked(self, chat: Chat) -> bool:
        return chat.blocked

    def _picture(self, name: str) -> Picture | None:
        stored = self._state.file(name)
        return stored.picture if stored else None

    def _write(
        self,
        chat: Chat,
        content: Formatted,
        extra: JsonObject | None = None,
        *,
        file: StoredFile | None = None,
        shown: Formatted | None = None,
    ) -> None:
        """Put a resident's message into the chat and on its way to the bot; the phone may show it as *shown*."""
        message = Message(
            id=self._state.next_message_id(),
            from_bot=False,
            sent_at=self._state.clock(),
            content=as_typed(content.text),
            file=file,
            extra=extra or {},
        )
        self._state.new_message(chat, message, shown)
        self.updates.put("message", self._state.message_json(chat, message), ("chat", chat.id))

    def _press(self, chat: Chat, message: Message, data: str) -> None:
        query_id = str(self._chance.randint(10**18, 9 * 10**18))
        self._api.expect_answer(query_id, Query(chat, time.monotonic()))
        press: JsonObject = {
            "id": query_id,
            "from": chat.user_json(),
            "message": self._state.message_json(chat, message),
            "chat_instance": str(-(3 * 10**18) - chat.id),
            "data": data,
        }
        self.updates.put("callback_query", press, ("user", chat.user_id))

    def _tell_membership(self, chat: Chat, before: str, after: str) -> None:
        change: JsonObject = {
            "chat": chat.to_json(),
            "from": chat.user_json(),
            "date": int(self._state.clock().timestamp()),
            "old_chat_member": self._member(before),
            "new_chat_member": self._member(after),
        }
        self.updates.put("my_chat_member", change, ("member", chat.id))

    def _member(self, status: str) -> JsonObject:
        until: JsonObject = {"until_date": 0} if status == "kicked" else {}
        return {"user": self._state.bot, "status": status} | until
