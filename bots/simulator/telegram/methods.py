"""The methods of the Bot API that a bot like this one calls, each as strict as Telegram's."""

import mimetypes
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from bots.simulator.residents import Command, Notice, Picture
from bots.simulator.telegram import formatting, limits
from bots.simulator.telegram.limits import Paces, TelegramRefusedError, bad_request, read_markup
from bots.simulator.telegram.requests import Call
from bots.simulator.telegram.state import Chat, JsonObject, Message, StoredFile, TelegramState
from bots.simulator.telegram.updates import UpdateQueue, Webhook

DELETABLE_FOR: Final = timedelta(hours=48)
QUERIES_MAX: Final = 5000

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Query:
    """A press that waits for its answer."""

    chat: Chat
    pressed_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gave, and the remark that some add."""

    value: object
    description: str | None = None


Method = Callable[[Call], Awaitable[Result]]


class BotApi:
    """Calls by method name; refusals are `TelegramRefusedError`."""

    def __init__(
        self, state: TelegramState, paces: Paces, queue: UpdateQueue, *, press_lifetime_s: float
    ) -> None:
        self._state = state
        self._paces = paces
        self._queue = queue
        self._press_lifetime_s = press_lifetime_s
        self._queries: dict[str, Query] = {}
        self._methods: dict[str, Method] = {
            "getme": self._get_me,
            "getupdates": self._get_updates,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "sendmessage": self._send_message,
            "sendphoto": self._send_photo,
            "senddocument": self._send_document,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagereplymarkup": self._edit_markup,
            "deletemessage": self._delete_message,
            "answercallbackquery": self._answer_query,
            "sendchataction": self._send_action,
            "getfile": self._get_file,
            "setmycommands": self._set_commands,
            "getmycommands": self._get_commands,
        }

    def expect_answer(self, query_id: str, query: Query) -> None:
        """Remember a press, so that its answer is taken."""
        self._queries[query_id] = query
        if len(self._queries) > QUERIES_MAX:
            del self._queries[next(iter(self._queries))]

    async def call(self, call: Call) -> Result:
        """Do what *call* asks; names of methods are the same in any case."""
        method = self._methods.get(call.method.lower())
        if method is None:
            raise TelegramRefusedError(404, "Not Found")
        return await method(call)

    async def _get_me(self, _: Call) -> Result:
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        return Result(self._state.bot | abilities)

    async def _get_updates(self, call: Call) -> Result:
        self._queue.allow(call.nested("allowed_updates"))
        offset, limit, wait_s = (
            call.whole("offset") or 0,
            call.whole("limit") or 100,
            call.whole("timeout") or 0,
        )
        return Result(await self._queue.poll(offset, limit, wait_s))

    async def _set_webhook(self, call: Call) -> Result:
        url = call.text("url")
        if not url:
            return await self._delete_webhook(call)
        _check_webhook(url)
        secret, connections = call.text("secret_token"), call.whole("max_connections") or 40
        if secret and not _SECRET.fullmatch(secret):
            raise bad_request("secret token contains unallowed characters")
        self._queue.allow(call.nested("allowed_updates"))
        webhook = Webhook(url, secret, max(1, min(connections, 100)))
        await self._queue.set_webhook(webhook, drop_pending=call.flag("drop_pending_updates"))
        return Result(True, "Webhook was set")

    async def _delete_webhook(self, call: Call) -> Result:
        was_set = self._queue.webhook is not None
        await self._queue.delete_webhook(drop_pending=call.flag("drop_pending_updates"))
        return Result(True, "Webhook was deleted" if was_set else "Webhook is already deleted")

    async def _get_webhook_info(self, _: Call) -> Result:
        webhook, error = self._queue.webhook, self._queue.last_error
        info: JsonObject = {
            "url": webhook.url if webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self._queue.pending),
        }
        if webhook and error:
            info |= {"last_error_date": error[0], "last_error_message": error[1]}
        if webhook:
            info |= {"max_connections": webhook.connections_max, "ip_address": "127.0.0.1"}
        return Result(info | {"allowed_updates": sorted(self._queue.allowed)})

    async def _send_message(self, call: Call) -> Result:
        chat = self._chat(call)
        content = _content(call, "text", "entities", limits.TEXT_CHARS_MAX)
        if not content.text:
            raise bad_request("message text is empty")
        return self._send(call, chat, content)

    async def _send_photo(self, call: Call) -> Result:
        return self._send_file(call, "photo")

    async def _send_document(self, call: Call) -> Result:
        return self._send_file(call, "document")

    def _send_file(self, call: Call, kind: str) -> Result:
        chat = self._chat(call)
        caption = _content(call, "caption", "caption_entities", limits.CAPTION_CHARS_MAX)
        return self._send(call, chat, caption, self._file(call, kind))

    def _send(
        self,
        call: Call,
        chat: Chat,
        content: formatting.Formatted,
        file: StoredFile | None = None,
    ) -> Result:
        markup = read_markup(call.nested("reply_markup"), private=chat.is_private)
        self._paces.spend(time.monotonic(), chat=chat.id)
        message = Message(
            id=self._state.next_message_id(),
            from_bot=True,
            sent_at=self._state.clock(),
            content=content,
            file=file,
            markup=markup,
            extra={"has_protected_content": True} if call.flag("protect_content") else {},
        )
        self._state.new_message(chat, message)
        return Result(self._state.message_json(chat, message))

    def _file(self, call: Call, kind: str) -> StoredFile:
        """The photo or document of *call*: a part of its body, or a file that Telegram has."""
        value = call.text(kind)
        upload = call.uploads.get(value.removeprefix("attach://") if value.startswith("attach://") else kind)
        if upload:
            if not upload.content:
                raise bad_request("file must be non-empty")
            if kind == "photo":
                width, height = limits.picture_size(upload.content)
                mime = "image/png" if upload.content.startswith(b"\x89PNG") else "image/jpeg"
                return self._state.add_file(
                    Picture(upload.name, mime, upload.content), width=width, height=height
                )
            mime = mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
            return self._state.add_file(Picture(upload.name, mime, upload.content))
        if not value:
            raise bad_request(f"there is no {kind} in the request")
        if value.startswith(("http://", "https://")):
            # The stand-in fetches nothing from anywhere.
            raise bad_request("failed to get HTTP URL content")
        stored = self._state.file(value)
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if stored.is_photo != (kind == "photo"):
            raise bad_request("type of file mismatch")
        return stored

    async def _edit_text(self, call: Call) -> Result:
        chat, message = self._editable(call)
        content = _content(call, "text", "entities", limits.TEXT_CHARS_MAX)
        if not content.text:
            raise bad_request("message text is empty")
        if message.file:
            raise bad_request("there is no text in the message to edit")
        return self._edit(call, chat, message, content)

    async def _edit_caption(self, call: Call) -> Result:
        chat, message = self._editable(call)
        content = _content(call, "caption", "caption_entities", limits.CAPTION_CHARS_MAX)
        if not message.file:
            raise bad_request("there is no caption in the message to edit")
        return self._edit(call, chat, message, content)

    async def _edit_markup(self, call: Call) -> Result:
        chat, message = self._editable(call)
        return self._edit(call, chat, message, message.content)

    def _edit(self, call: Call, chat: Chat, message: Message, content: formatting.Formatted) -> Result:
        markup = read_markup(call.nested("reply_markup"), private=chat.is_private)
        if markup.reply or markup.removed:
            raise bad_request("inline keyboard expected")
        if (content, markup.inline) == (message.content, message.markup.inline):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same "
                "as a current content and reply markup of the message",
            )
        self._paces.spend(time.monotonic(), chat=chat.id)
        message.content, message.markup = content, markup
        self._state.changed(chat, message)
        return Result(self._state.message_json(chat, message))

    def _editable(self, call: Call) -> tuple[Chat, Message]:
        chat = self._chat(call)
        message_id = call.whole("message_id")
        if message_id is None:
            raise bad_request("message identifier is not specified")
        message = chat.messages.get(message_id)
        if message is None:
            raise bad_request("message to edit not found")
        if not message.from_bot or message.markup.reply:
            raise bad_request("message can't be edited")
        return chat, message

    async def _delete_message(self, call: Call) -> Result:
        chat = self._chat(call)
        message = chat.messages.get(call.whole("message_id") or 0)
        if message is None:
            raise bad_request("message to delete not found")
        if self._state.clock() - message.sent_at > DELETABLE_FOR:
            raise bad_request("message can't be deleted for everyone")
        self._state.deleted(chat, message)
        return Result(True)

    async def _answer_query(self, call: Call) -> Result:
        query = self._queries.get(call.text("callback_query_id"))
        if query is None or time.monotonic() - query.pressed_s > self._press_lifetime_s:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        text = call.text("text")
        if len(text) > limits.ANSWER_CHARS_MAX:
            raise bad_request("MESSAGE_TOO_LONG")
        self._paces.spend(time.monotonic(), chat=None)
        query.chat.log.notify(Notice(text, alert=call.flag("show_alert")))
        return Result(True)

    async def _send_action(self, call: Call) -> Result:
        self._chat(call)
        if call.text("action") not in limits.ACTIONS:
            raise bad_request("wrong parameter action in request")
        self._paces.spend(time.monotonic(), chat=None)
        return Result(True)

    async def _get_file(self, call: Call) -> Result:
        stored = self._state.file(call.text("file_id"))
        if stored is None:
            raise bad_request("invalid file_id")
        if len(stored.picture.content) > limits.DOWNLOAD_BYTES_MAX:
            raise bad_request("file is too big")
        return Result(
            {
                "file_id": call.text("file_id"),
                "file_unique_id": stored.unique_id,
                "file_size": len(stored.picture.content),
                "file_path": stored.path,
            },
        )

    async def _set_commands(self, call: Call) -> Result:
        commands = limits.check_commands(call.nested("commands"))
        self._state.commands = [Command(entry["command"], entry["description"]) for entry in commands]
        return Result(True)

    async def _get_commands(self, _: Call) -> Result:
        commands = self._state.commands
        return Result([{"command": entry.command, "description": entry.description} for entry in commands])

    def _chat(self, call: Call) -> Chat:
        """The chat to write to; refused when the bot may not."""
        if not call.text("chat_id"):
            raise bad_request("chat_id is empty")
        chat = self._state.chats.get(call.whole("chat_id") or 0)
        if chat is None:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            raise TelegramRefusedError(400, description, {"migrate_to_chat_id": chat.migrated_to})
        if chat.deactivated:
            raise TelegramRefusedError(403, "Forbidden: user is deactivated")
        if chat.blocked and chat.is_private:
            raise TelegramRefusedError(403, "Forbidden: bot was blocked by the user")
        if chat.blocked:
            raise TelegramRefusedError(403, "Forbidden: bot was kicked from the group chat")
        return chat


def _content(call: Call, name: str, entities: str, chars_max: int) -> formatting.Formatted:
    """The text or caption of *call*, counted after its markup has been read."""
    content = formatting.read(
        call.text(name), parse_mode=call.text("parse_mode"), entities=call.nested(entities)
    )
    if len(content.text) > chars_max:
        raise bad_request("message is too long" if name == "text" else "message caption is too long")
    return content


def _check_webhook(url: str) -> None:
    """Whether Telegram would deliver to *url*; an address on this machine may be plain http."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise bad_request("bad webhook: invalid URL specified") from None
    if parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in {443, 80, 88, 8443}:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
