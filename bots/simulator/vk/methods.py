"""The methods of VK's messages, photos and docs that a community's bot calls, each as strict as VK's."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bots.simulator.residents import Notice, Picture
from bots.simulator.telegram.formatting import Formatted
from bots.simulator.vk import limits
from bots.simulator.vk.limits import JsonObject, Keys, VkCallRefusedError, bad_parameter
from bots.simulator.vk.state import Dialogue, Message, StoredFile, VkState, media_type

EDITABLE_FOR: Final = timedelta(hours=24)
PRESSES_MAX: Final = 5000
UPLOADS_MAX: Final = 500
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Call:
    """A method's arguments, all of them texts; *origin* is where the stand-in is reached."""

    fields: Mapping[str, str]
    origin: str

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    def whole(self, name: str) -> int | None:
        try:
            return int(self.fields[name])
        except (KeyError, ValueError):
            return None

    def needed(self, name: str) -> int:
        value = self.whole(name)
        if value is None:
            raise bad_parameter(f"{name} is undefined" if name not in self.fields else f"{name} not integer")
        return value


@dataclass(frozen=True, slots=True)
class Press:
    """A press that waits for its answer."""

    dialogue: Dialogue
    at_s: float


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was put on an upload server and is to be saved."""

    kind: str
    picture: Picture
    sides: tuple[int, int] = (0, 0)


Method = Callable[[Call], object]


class MessagesApi:
    """Calls by method name; refusals are `VkCallRefusedError`."""

    def __init__(self, state: VkState, *, press_lifetime_s: float) -> None:
        self._state = state
        self._press_lifetime_s = press_lifetime_s
        self._presses: dict[str, Press] = {}
        self._uploads: dict[str, Upload] = {}
        self.methods: Mapping[str, Method] = {
            "messages.send": self._send,
            "messages.edit": self._edit,
            "messages.getHistory": self._history,
            "messages.sendMessageEventAnswer": self._answer_press,
            "messages.isMessagesFromGroupAllowed": self._is_allowed,
            "messages.setActivity": self._set_activity,
            "messages.markAsRead": self._mark_as_read,
            "photos.getMessagesUploadServer": lambda call: self._upload_server(call, "photo"),
            "photos.saveMessagesPhoto": self._save_photo,
            "docs.getMessagesUploadServer": lambda call: self._upload_server(call, "doc"),
            "docs.save": self._save_document,
        }

    def expect_answer(self, event_id: str, dialogue: Dialogue) -> None:
        """Remember a press, so that its answer is taken."""
        self._presses[event_id] = Press(dialogue, time.monotonic())
        if len(self._presses) > PRESSES_MAX:
            del self._presses[next(iter(self._presses))]

    def keep_upload(self, token: str, upload: Upload) -> None:
        self._uploads[token] = upload
        if len(self._uploads) > UPLOADS_MAX:
            del self._uploads[next(iter(self._uploads))]

    # --- messages --------------------------------------------------------------------------------

    def _send(self, call: Call) -> object:
        content, keys, files = self._said(call)
        random_id = self._random_id(call)
        if "peer_ids" not in call.fields:
            dialogue = self._reachable(call.needed("peer_id"))
            return self._say(dialogue, content, keys, files, random_id).id
        try:
            peers = [int(peer) for peer in call.text("peer_ids").split(",")]
        except ValueError:
            raise bad_parameter("peer_ids not integer") from None
        if len(peers) > limits.PEERS_MAX:
            raise bad_parameter("peer_ids is too long")
        return [self._say_to(peer, content, keys, files, random_id) for peer in peers]

    def _say_to(
        self, peer: int, content: Formatted, keys: Keys | None, files: Sequence[StoredFile], random_id: int
    ) -> JsonObject:
        """What became of a message to one of many: its refusal stands in its place."""
        try:
            sent = self._say(self._reachable(peer), content, keys, files, random_id)
        except VkCallRefusedError as refused:
            error = {"code": refused.code, "description": str(refused)}
            return {"peer_id": peer, "message_id": 0, "conversation_message_id": 0, "error": error}
        return {"peer_id": peer, "message_id": sent.id, "conversation_message_id": sent.place}

    def _said(self, call: Call) -> tuple[Formatted, Keys | None, list[StoredFile]]:
        content = limits.read_text(call.text("message"), call.text("format_data"))
        keys = limits.read_keyboard(call.text("keyboard"))
        names = [name for name in call.text("attachment").split(",") if name]
        if len(names) > limits.ATTACHMENTS_MAX:
            raise bad_parameter("attachment has more than 10 files")
        files = [stored for name in names if (stored := self._state.file(name))]
        if len(files) < len(names):
            raise bad_parameter("attachment is not found or not yours")
        if not content.text.strip() and not files:
            raise bad_parameter("message is empty or invalid")
        return content, keys, files

    def _random_id(self, call: Call) -> int:
        random_id = call.needed("random_id")
        if not -(2**31) <= random_id < 2**31:
            raise bad_parameter("random_id is not a 32-bit integer")
        return random_id

    def _say(
        self,
        dialogue: Dialogue,
        content: Formatted,
        keys: Keys | None,
        files: Sequence[StoredFile],
        random_id: int,
    ) -> Message:
        """Send, or answer with what was sent under the same *random_id*."""
        if random_id and (earlier := dialogue.repeated(random_id)) is not None:
            return next(
                (old for old in dialogue.messages.values() if old.place == earlier),
                Message(0, earlier, from_bot=True, sent_at=self._state.clock()),
            )
        self._count(dialogue)
        number, place = self._state.next_places(dialogue)
        message = Message(
            number,
            place,
            from_bot=True,
            sent_at=self._state.clock(),
            content=content,
            files=files,
            keys=keys,
            random_id=random_id,
        )
        self._state.add(dialogue, message)
        dialogue.repeats.append((random_id, place, time.monotonic()))
        return message

    def _count(self, dialogue: Dialogue) -> None:
        now_s, times = time.monotonic(), dialogue.sent_at_s
        while times and times[0] < now_s - HOUR_S:
            times.popleft()
        if len(times) >= limits.MESSAGES_PER_HOUR_MAX:
            raise VkCallRefusedError(9)
        times.append(now_s)

    def _reachable(self, peer: int) -> Dialogue:
        """The dialogue to write to; refused where the community may not."""
        dialogue = self._state.dialogues.get(peer)
        if dialogue is None:
            raise VkCallRefusedError(901) if peer > 0 else bad_parameter("peer_id is invalid")
        refusals = {
            917: dialogue.kicked,
            18: dialogue.deleted,
            900: dialogue.blacklisted,
            902: dialogue.private_settings,
            901: not dialogue.allowed,
        }
        if code := next((code for code, holds in refusals.items() if holds), 0):
            raise VkCallRefusedError(code)
        return dialogue

    def _edit(self, call: Call) -> object:
        dialogue = self._reachable(call.needed("peer_id"))
        message = self._own(dialogue, call)
        content, keys, files = self._said(call)
        if keys is not None and not keys.inline:
            raise VkCallRefusedError(911, "keyboard should be inline")
        if self._state.clock() - message.sent_at > EDITABLE_FOR:
            raise VkCallRefusedError(909)
        message.content, message.keys, message.files = content, keys, files
        self._state.changed(dialogue, message)
        return 1

    def _own(self, dialogue: Dialogue, call: Call) -> Message:
        place = call.whole("cmid") or call.whole("conversation_message_id")
        number = call.whole("message_id")
        if place is None and number is None:
            raise bad_parameter("cmid or message_id is undefined")
        for message in dialogue.messages.values():
            if place == message.place if place is not None else number == message.id:
                if not message.from_bot:
                    raise VkCallRefusedError(15)
                return message
        raise bad_parameter("cmid is not found")

    def _history(self, call: Call) -> object:
        dialogue = self._state.dialogues.get(call.needed("peer_id"))
        if dialogue is None:
            return {"count": 0, "items": []}
        count = min(call.whole("count") or 20, 200)
        newest = list(reversed(dialogue.messages.values()))
        items = [self._state.message_json(dialogue, message, call.origin) for message in newest[:count]]
        return {"count": len(newest), "items": items}

    def _answer_press(self, call: Call) -> object:
        notice = _notice(call.text("event_data"))
        press = self._presses.get(call.text("event_id"))
        expired = press is None or time.monotonic() - press.at_s > self._press_lifetime_s
        if press is None or expired:
            raise bad_parameter("event_id is invalid")
        if (call.needed("user_id"), call.needed("peer_id")) != (press.dialogue.user, press.dialogue.peer):
            raise bad_parameter("user_id or peer_id is invalid")
        del self._presses[call.text("event_id")]
        press.dialogue.log.notify(notice)
        return 1

    def _is_allowed(self, call: Call) -> object:
        dialogue = self._state.dialogues.get(call.needed("user_id"))
        return {"is_allowed": int(dialogue is not None and dialogue.allowed)}

    def _set_activity(self, call: Call) -> object:
        self._reachable(call.needed("peer_id"))
        if call.text("type") not in limits.ACTIVITIES:
            raise bad_parameter("type is invalid")
        return 1

    def _mark_as_read(self, call: Call) -> object:
        call.needed("peer_id")
        return 1

    # --- files -----------------------------------------------------------------------------------

    def _upload_server(self, call: Call, kind: str) -> object:
        self._reachable(call.needed("peer_id"))
        if kind == "doc" and call.text("type") not in {"", "doc"}:
            raise bad_parameter("type is invalid")
        number = self._state.chance.getrandbits(64)
        url = f"{call.origin}/vk/upload/{kind}/{number:016x}?act=do_add&mid={self._state.group}&api=1"
        extra = {"album_id": -64, "user_id": 0, "group_id": self._state.group} if kind == "photo" else {}
        return {"upload_url": url} | extra

    def _save_photo(self, call: Call) -> object:
        call.needed("server")
        try:
            (stored,) = json.loads(call.text("photo"))
            upload = self._uploads.pop(stored["photo"])
        except (ValueError, KeyError, TypeError):
            raise bad_parameter("photos list is invalid") from None
        if call.text("hash") != hash_of(stored["photo"]):
            raise bad_parameter("hash is invalid")
        saved = self._state.store("photo", -self._state.group, upload.picture, upload.sides)
        fields = {"id": saved.id, "owner_id": saved.owner, "access_key": saved.access_key}
        return [fields | {"album_id": -64, "date": int(self._state.clock().timestamp()), "text": ""}]

    def _save_document(self, call: Call) -> object:
        upload = self._uploads.pop(call.text("file"), None)
        if upload is None:
            raise bad_parameter("file is invalid")
        name = call.text("title") or upload.picture.name
        picture = replace(upload.picture, name=name, type=media_type(name))
        saved = self._state.store("doc", -self._state.group, picture)
        extension = name.rpartition(".")[2]
        doc = {"id": saved.id, "owner_id": saved.owner, "title": name, "ext": extension, "type": 1}
        return {"type": "doc", "doc": doc | {"size": len(picture.content)}}


def hash_of(token: str) -> str:
    return token[::-1]


def _notice(event_data: str) -> Notice:
    """What an answer to a press flashes over the chat."""
    if not event_data:
        return Notice("", alert=False)
    if len(event_data) > limits.EVENT_DATA_CHARS_MAX:
        raise bad_parameter("event_data is too long")
    try:
        data = json.loads(event_data)
    except ValueError:
        raise bad_parameter("event_data is not valid JSON") from None
    match data:
        case {"type": "show_snackbar", "text": str(text)} if 0 < len(text) <= limits.SNACKBAR_CHARS_MAX:
            return Notice(text, alert=False)
        case {"type": "open_link", "link": str()} | {"type": "open_app", "app_id": int()}:
            return Notice("", alert=False)
        case _:
            raise bad_parameter("event_data is invalid")
