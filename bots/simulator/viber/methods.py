"""The methods of Viber's API that a bot calls: what is refused, what is taken, and what a phone makes of it."""

import json
import mimetypes
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

import aiohttp
from yarl import URL

from bots.simulator.app import is_loopback
from bots.simulator.residents import Picture
from bots.simulator.viber import limits
from bots.simulator.viber.events import MANDATORY, OPTIONAL, Events
from bots.simulator.viber.limits import JsonObject, NotShownError, Unanswered, ViberRefusedError, bad, missing
from bots.simulator.viber.state import Chat, StoredFile, ViberState

FETCH_S: Final = 5.0
DETAILS_MAX: Final = 2
DETAILS_S: Final = 12 * 3600.0


class BotApi:
    """What one bot may call.

    `not_shown` collects why phones could not show messages that were taken: the bot hears of it by a
    `failed` event alone.
    """

    def __init__(self, state: ViberState, events: Events, unanswered: Unanswered, *, name: str) -> None:
        self._state = state
        self._events = events
        self._unanswered = unanswered
        self._name = name
        self._details_s: dict[str, list[float]] = {}
        self.not_shown: list[str] = []
        self._methods: Mapping[str, Callable[[JsonObject], Awaitable[JsonObject]]] = {
            "set_webhook": self._set_webhook,
            "get_account_info": self._get_account_info,
            "get_user_details": self._get_user_details,
            "send_message": self._send_message,
            "broadcast_message": self._broadcast_message,
        }

    def knows(self, method: str) -> bool:
        return method in self._methods

    async def call(self, method: str, raw: bytes) -> JsonObject:
        """The answer's own fields. Raises ViberRefusedError."""
        if len(raw) > limits.REQUEST_BYTES_MAX:
            raise bad("the request is larger than 30 KB")
        try:
            fields = json.loads(raw)
        except ValueError as error:
            raise bad("the body is no JSON") from error
        if not isinstance(fields, dict):
            raise bad("the body is no object")
        return await self._methods[method](fields)

    async def _set_webhook(self, fields: JsonObject) -> JsonObject:
        if "url" not in fields:
            raise missing("url")
        webhook, url = self._events.webhook, fields["url"]
        if url == "":
            webhook.url = ""
            return {}
        kinds = fields.get("event_types", [*OPTIONAL])
        if not isinstance(kinds, list) or not {*kinds} <= {*MANDATORY, *OPTIONAL}:
            raise bad("event_types")
        parts = urlsplit(url if isinstance(url, str) else "")
        here = is_loopback(parts.hostname)
        if not parts.hostname or (parts.scheme != "https" and not here):
            raise ViberRefusedError(1, "no https address")
        # An address elsewhere is taken on trust: the stand-in goes nowhere but to this machine.
        if here and not await self._events.trial(str(url), self._state.event("webhook", {})):
            raise ViberRefusedError(1, "the trial call was not answered with 200")
        webhook.url, webhook.kinds = str(url), (*MANDATORY, *(kind for kind in OPTIONAL if kind in kinds))
        return {"event_types": list(webhook.kinds)}

    async def _get_account_info(self, _: JsonObject) -> JsonObject:
        webhook = self._events.webhook
        hooked: JsonObject = {"webhook": webhook.url, "event_types": list(webhook.kinds)}
        return {
            "id": "pa:75346594275468546724",
            "name": self._name,
            "uri": "kvitokdemo",
            "category": "Utilities",
            "subcategory": "Billing",
            "country": "RU",
            "subscribers_count": sum(chat.subscribed for chat in self._state.chats.values()),
        } | (hooked if webhook.url else {})

    async def _get_user_details(self, fields: JsonObject) -> JsonObject:
        chat = self._receiver(fields.get("id"))
        now_s = time.monotonic()
        asked_s = [at for at in self._details_s.get(chat.user, []) if now_s - at < DETAILS_S]
        if len(asked_s) >= DETAILS_MAX:
            raise ViberRefusedError(12, "twice in 12 hours for one person")
        self._details_s[chat.user] = [*asked_s, now_s]
        phone: JsonObject = {
            "primary_device_os": "android 14",
            "viber_version": "21.5.0",
            "mcc": 250,
            "mnc": 1,
        }
        return {"message_token": self._state.next_token(), "user": chat.to_json() | phone}

    async def _send_message(self, fields: JsonObject) -> JsonObject:
        limits.check_message(fields)
        if not self._events.webhook.url:
            raise ViberRefusedError(10)
        chat = self._receiver(fields.get("receiver"))
        self._unanswered.spend(chat.user)
        token = self._state.next_token()
        await self._arrive(chat, fields, token)
        return {"message_token": token, "billing_status": 1}

    async def _broadcast_message(self, fields: JsonObject) -> JsonObject:
        """One message to many. Personal sums cannot go this way, so the service does not use it yet."""
        receivers = fields.get("broadcast_list")
        if not isinstance(receivers, list) or not 1 <= len(receivers) <= limits.BROADCAST_MAX:
            raise bad(f"broadcast_list is not of 1 to {limits.BROADCAST_MAX}")
        limits.check_message(fields)
        token, failed = self._state.next_token(), []
        for receiver in receivers:
            try:
                chat = self._receiver(receiver)
            except ViberRefusedError as refused:
                words = limits.STATUSES[refused.status]
                failed.append({"receiver": receiver, "status": refused.status, "status_message": words})
            else:
                await self._arrive(chat, fields, token)
        return {"message_token": token, "billing_status": 5, "failed_list": failed}

    def _receiver(self, user: object) -> Chat:
        """The chat of *user*; refused when the bot may not write there."""
        if not user:
            raise missing("receiver")
        chat = self._state.of_user(str(user))
        if chat is None:
            raise ViberRefusedError(5, "nobody has this id")
        if not chat.subscribed:
            raise ViberRefusedError(6, "has not written to the bot, or has left it")
        return chat

    # --- On the phone ----------------------------------------------------------------------------

    async def show_welcome(self, chat: Chat, fields: JsonObject) -> None:
        """Show what the answer to `conversation_started` held, if it is a message."""
        try:
            limits.check_message(fields)
        except ViberRefusedError as refused:
            self.not_shown.append(f"the welcome: {refused}")
            return
        await self._arrive(chat, fields, self._state.next_token())

    async def _arrive(self, chat: Chat, fields: JsonObject, token: int) -> None:
        """What the phone makes of a message, at once and not when it is next online; it tells the bot."""
        about: JsonObject = {"user_id": chat.user}
        try:
            limits.check_keyboard(fields.get("keyboard"))
            file = await self._fetched(fields)
        except NotShownError as fault:
            self.not_shown.append(str(fault))
            failure = self._state.event("failed", about | {"desc": str(fault)}, token=token)
            self._events.put(chat.user, failure)
            return
        self._state.show_bot(chat, fields, file)
        for kind in ("delivered", "seen"):
            self._events.put(chat.user, self._state.event(kind, about, token=token))

    async def _fetched(self, fields: JsonObject) -> StoredFile | None:
        """The file of a message, fetched as a phone would fetch it."""
        kind = fields.get("type")
        if kind not in {"picture", "file", "video"}:
            return None
        address = str(fields["media"])
        most = limits.PICTURE_BYTES_MAX if kind == "picture" else limits.FILE_BYTES_MAX
        content, media_type = await _fetch(address, most)
        if kind == "picture" and not media_type.startswith("image/"):
            raise NotShownError(f"media is {media_type} and no picture")
        if kind != "picture" and len(content) != fields["size"]:
            raise NotShownError("media is not of the size that was said")
        name = str(fields.get("file_name") or unquote(URL(address).name))
        return self._state.add_file(Picture(name, mimetypes.guess_type(name)[0] or media_type, content))


async def _fetch(address: str, most: int) -> tuple[bytes, str]:
    """The bytes and the type of what is at *address*; the stand-in goes nowhere but to this machine."""
    if not is_loopback(URL(address).host):
        raise NotShownError("media cannot be reached")
    timeout = aiohttp.ClientTimeout(total=FETCH_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200 or answer.content_length is None:
                raise NotShownError(f"media answers {answer.status}, or without its length")
            if answer.content_length > most:
                raise NotShownError(f"media has {answer.content_length} bytes")
            return await answer.read(), answer.content_type
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise NotShownError(f"media cannot be fetched: {type(error).__name__}") from error
