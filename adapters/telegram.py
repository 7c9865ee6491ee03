"""Telegram over aiogram's Bot: one bot, by webhook or long polling, Bot API 10.

Where it bites: nothing drops a repeated send, so a time-out means "perhaps sent"; a 200 whose body aiogram
cannot read was sent; a 413 comes as a network error; the token stands in every address, so texts of network
errors are never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec
import structlog
from aiohttp import BytesPayload, ClientConnectorError, ConnectionTimeoutError

from adapters.receiving import polled
from adapters.telegram_calls import (
    AiohttpSession,
    Bot,
    TelegramAPIServer,
    TokenValidationError,
    api,
    refusals,
    types,
)
from adapters.telegram_messages import CAPABILITIES, Step, encode
from adapters.telegram_updates import NAME, UPDATE_KINDS, check, decode, parse
from core.channel import (
    ChannelStopped,
    Clock,
    Identity,
    Outcome,
    Pace,
    Received,
    Rejected,
    RetryLater,
    SendAnew,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import ChannelFailedError, ChannelMisconfiguredError
from core.messages import Incoming

log = structlog.get_logger()

T = TypeVar("T")

# aiogram asks for these anew at every answer, and pydantic forgets a type that nobody holds: made once, held.
ANSWERS: Final = (api.Response[Any], api.Response[bool])

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: 30 messages a second, which
# a burst and what follows it within the same second keep to together.
PACE: Final = Pace(rate=25, burst=5, chat_rate=1, chat_burst=3)
DOWNLOAD_BYTES_MAX: Final = 20 * 1024 * 1024  # https://core.telegram.org/bots/api#getfile
CONNECTIONS_MAX: Final = 40

POLL_S: Final = 50
CALL_S: Final = 15
UPLOAD_S: Final = 45
# After a refused connection or a 429 that names no time.
PAUSE_S: Final = 5.0

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
ADDRESS: Final = re.compile(r"https?://[^\s{}]+")

# A description is all that tells one 400 from another; compared in lower case.
NOT_MODIFIED: Final = "message is not modified"
BAD_MARKUP: Final = "can't parse entities"
STALE_FILE: Final = ("wrong file identifier", "wrong remote file identifier", "file reference")
NOT_EDITABLE: Final = (
    "message to edit not found",
    "message can't be edited",
    "there is no text in the message to edit",
    "message_id_invalid",
)
CHAT_GONE: Final = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "have no rights to send",
    "not enough rights to send",
)


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """How to reach one bot.

    *webhook_secret* (1–256 of `A-Za-z0-9_-`) is wanted in webhook mode. *api_base* is Telegram's or a local
    Bot API server's; *proxy* an address like `socks5://user:password@host:1080` for requests going out.
    *commands* are what the bot's menu lists, name to worded description.
    *secret_before*, if any, is accepted too: the platform may repeat what it sent before the change.
    """

    token: str = field(repr=False)
    webhook_secret: str = field(default="", repr=False)
    secret_before: str = field(default="", repr=False)
    mode: Literal["webhook", "polling"] = "webhook"
    api_base: str = "https://api.telegram.org"
    proxy: str | None = field(default=None, repr=False)
    commands: Mapping[str, str] = field(default_factory=dict)


class _Session(AiohttpSession):
    """Writes calls without a file as JSON: as a form a Russian text is quoted letter by letter, ten times dearer."""

    def build_form_data(self, bot: Bot, method: api.TelegramMethod[Any]) -> Any:
        """The body of a request; https://core.telegram.org/bots/api#making-requests."""
        if isinstance(method, api.SendPhoto | api.SendDocument):
            return super().build_form_data(bot, method)
        body = method.model_dump_json(exclude_none=True, exclude_unset=True)
        return BytesPayload(body.encode(), content_type="application/json")

    async def close(self) -> None:
        """Close at once: aiogram then sleeps for a while, until TLS has closed, and aiohttp has seen to that itself."""
        if self._session is not None:
            await self._session.close()


class Telegram:
    """One bot of Telegram's, as `core.channel.Channel`.

    *clock* dates presses. Raises ChannelMisconfiguredError for settings that can never work.
    """

    def __init__(self, settings: TelegramSettings, *, clock: Clock) -> None:
        self.name: str = NAME
        self.capabilities = CAPABILITIES
        self.pace = PACE
        self.ack_s = 50.0  # Telegram waits for 60 s
        self.accepted = b""
        self._settings = settings
        self._clock = clock
        self._bot = _bot(settings)

    def receive(self, webhook: Webhook) -> Received:
        """The update in a webhook's body; see `core.channel.Channel`."""
        check(self._settings.webhook_secret, webhook.headers, before=self._settings.secret_before)
        return decode(parse(webhook.body), bot=self._bot.id, now=self._clock())

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; a group that moved and a file id that is no longer known are put right once."""
        try:
            return await self._carry_out(sending)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            amended = _amended(error, sending)
            if amended is None:
                return classify(error, sending)
        try:
            return await self._carry_out(amended)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            return classify(error, amended)

    async def _carry_out(self, sending: Sending) -> Outcome:
        try:
            steps = encode(sending)
        except ValueError as error:  # its text may hold ours
            return Rejected(f"no call of Telegram's can carry it: {type(error).__name__}")
        message, files = "", {}
        for number, step in enumerate(steps):
            message, file = await self._take(step)
            if file:
                files[sending.files[number].sha256] = file
        return Sent(message or sending.message.replaces or "", files)

    async def _take(self, step: Step) -> tuple[str, str]:
        """The ids of the message and of the file (or '') that *step* made."""
        timeout_s = UPLOAD_S if isinstance(step, api.SendPhoto | api.SendDocument) else CALL_S
        return _made(await self._bot(step, request_timeout=timeout_s))

    async def acknowledge(self, update: Incoming) -> None:
        """Stop the spinner of a pressed button; too late is no harm."""
        if update.acknowledge is None:
            return
        try:
            await self._ask(api.AnswerCallbackQuery(callback_query_id=update.acknowledge))
        except ChannelFailedError as error:
            log.info("press.unacknowledged", channel=NAME, reason=error.reason)

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Wait up to POLL_S for updates from the offset *position*; see `core.channel.Channel`."""
        offset = int(position) if position.isdecimal() else None
        call = api.GetUpdates(offset=offset, timeout=POLL_S, allowed_updates=list(UPDATE_KINDS))
        batch: Any = await self._ask(call, timeout_s=POLL_S + CALL_S)
        read = partial(decode, bot=self._bot.id, now=self._clock())
        incoming = [update for fields in batch for update in polled(NAME, partial(read, fields))]
        seen = [number for fields in batch if isinstance(number := fields.get("update_id"), int)]
        return incoming, str(max(seen) + 1) if seen else position

    async def download(self, file: str) -> bytes:
        """The bytes of a photo. Raises ChannelFailedError; also where it is larger than a bot may fetch."""
        found = await self._ask(api.GetFile(file_id=file))
        url = self._bot.session.api.file_url(self._bot.token, found.file_path or "")
        body = bytearray()
        try:
            async for chunk in self._bot.session.stream_content(url, timeout=UPLOAD_S):
                body += chunk
                if len(body) > DOWNLOAD_BYTES_MAX:
                    break
        except Exception as error:  # noqa: BLE001 - their texts hold the address, and it the token
            raise ChannelFailedError(NAME, type(error).__name__) from None
        if len(body) > DOWNLOAD_BYTES_MAX:
            raise ChannelFailedError(NAME, "the file is too large to be fetched")
        return bytes(body)

    async def identify(self) -> Identity:
        """The bot's name, and how its webhook stands."""
        me = await self._ask(api.GetMe())
        webhook = await self._ask(api.GetWebhookInfo())
        return Identity(
            id=str(me.id),
            name=me.username or me.first_name,
            webhook=webhook.url,
            pending=webhook.pending_update_count,
            complaint=webhook.last_error_message or "",
        )

    async def subscribe(self, url: str) -> None:
        """Set the webhook and the menu of commands; what waits is kept. Raises ChannelMisconfiguredError too."""
        if not self._settings.webhook_secret:
            raise ChannelMisconfiguredError(NAME, "a webhook needs a secret")
        call = api.SetWebhook(
            url=url,
            secret_token=self._settings.webhook_secret,
            max_connections=CONNECTIONS_MAX,
            allowed_updates=list(UPDATE_KINDS),
            drop_pending_updates=False,
        )
        await self._ask(call)
        await self._list_commands()

    async def unsubscribe(self) -> None:
        """Remove the webhook, as polling needs it, and set the menu of commands; what waits is kept."""
        await self._ask(api.DeleteWebhook(drop_pending_updates=False))
        await self._list_commands()

    async def _list_commands(self) -> None:
        commands = self._settings.commands.items()
        listed = [types.BotCommand(command=name, description=words) for name, words in commands]
        await self._ask(api.SetMyCommands(commands=listed))

    async def close(self) -> None:
        """Let go of connections."""
        await self._bot.session.close()

    async def _ask(self, call: api.TelegramMethod[T], *, timeout_s: int = CALL_S) -> T:
        try:
            return await self._bot(call, request_timeout=timeout_s)
        except Exception as error:  # noqa: BLE001 - a proxy's errors have no family
            pause_s = error.retry_after if isinstance(error, refusals.TelegramRetryAfter) else None
            raise ChannelFailedError(NAME, _why(error), retry_after_s=pause_s) from None


def _bot(settings: TelegramSettings) -> Bot:
    if settings.mode == "webhook" and not SECRET.fullmatch(settings.webhook_secret):
        raise ChannelMisconfiguredError(NAME, "the webhook secret must be 1–256 of A-Z a-z 0-9 _ -")
    if not ADDRESS.fullmatch(settings.api_base):
        raise ChannelMisconfiguredError(NAME, "the API's base must be an http(s) address")
    server = TelegramAPIServer.from_base(settings.api_base)
    try:
        session = _Session(proxy=settings.proxy, api=server, json_loads=msgspec.json.decode)
        return Bot(settings.token, session=session)
    except TokenValidationError:
        raise ChannelMisconfiguredError(NAME, "the token is not of the form 123456:letters") from None
    except RuntimeError:
        raise ChannelMisconfiguredError(NAME, "a proxy needs the package aiohttp-socks") from None
    except ValueError:
        raise ChannelMisconfiguredError(NAME, "the proxy must be like socks5://host:1080") from None


def _amended(error: Exception, sending: Sending) -> Sending | None:
    """*sending* as it may succeed at once; None if it may not."""
    if isinstance(error, refusals.TelegramMigrateToChat):
        return msgspec.structs.replace(sending, chat=str(error.migrate_to_chat_id))
    if isinstance(error, refusals.TelegramBadRequest) and sending.known_files:
        said = error.message.lower()
        if any(words in said for words in STALE_FILE):
            return msgspec.structs.replace(sending, known_files={})
    return None


def _made(answer: object) -> tuple[str, str]:
    """The ids of the message and of its file in an answer; '' for what an edit's bare yes does not tell."""
    match answer:
        case {"message_id": int(message), "photo": [*_, {"file_id": str(file)}]} | {
            "message_id": int(message),
            "document": {"file_id": str(file)},
        }:
            return str(message), file
        case {"message_id": int(message)}:
            return str(message), ""
        case _:
            return "", ""


def classify(error: Exception, sending: Sending) -> Outcome:
    """What an exception means for *sending*; https://core.telegram.org/bots/api#making-requests."""
    match error:
        case refusals.TelegramNetworkError():
            return _network(error)
        case refusals.TelegramServerError() | refusals.ClientDecodeError():
            return Unknown("the platform failed with the message in its hands")
        case refusals.TelegramAPIError():
            return _refused(error, sending)
        case OSError():
            # A proxy that cannot be reached: aiogram passes its library's errors through.
            return RetryLater(PAUSE_S, scope="channel")
        case _:
            return Unknown(type(error).__name__)


def _refused(error: refusals.TelegramAPIError, sending: Sending) -> Outcome:
    match error:
        case refusals.TelegramRetryAfter():
            # Whether the chat or the bot was too fast is not said; a held lane heals either.
            return RetryLater(error.retry_after)
        case refusals.TelegramBadRequest():
            return _bad_request(error.message, sending)
        case refusals.TelegramForbiddenError():
            return Unreachable(_worded(error.message))
        case (
            refusals.TelegramUnauthorizedError()
            | refusals.TelegramNotFound()  # of a token that never was one
            | refusals.TelegramConflictError()
        ):
            return ChannelStopped(_worded(error.message))
        case _ if "too many requests" in error.message.lower():
            return RetryLater(PAUSE_S)
        case _:
            return Rejected(_worded(error.message))


def _bad_request(description: str, sending: Sending) -> Outcome:
    said = description.lower()
    if NOT_MODIFIED in said:
        return Sent(sending.message.replaces or "")
    if any(words in said for words in NOT_EDITABLE):
        return SendAnew(without="edit")
    if BAD_MARKUP in said and not sending.plain:
        return SendAnew(without="markup")
    if any(words in said for words in CHAT_GONE):
        return Unreachable(_worded(description))
    return Rejected(_worded(description))


def _network(error: refusals.TelegramNetworkError) -> Outcome:
    """Nothing left us if no connection was made; else the platform may have acted on what it got."""
    if isinstance(error, refusals.TelegramEntityTooLarge):
        return Rejected("the file is too large")
    if isinstance(error.__cause__, ClientConnectorError | ConnectionTimeoutError):
        return RetryLater(PAUSE_S, scope="channel")
    return Unknown(type(error.__cause__).__name__)


def _worded(description: str) -> str:
    """A description without what it quotes, which is a piece of our message or an address."""
    return re.sub(r"""(?<!\w)(["']).*\1""", "…", description)[:200]


def _why(error: Exception) -> str:
    """Words for a log; of a network error only its kind, for in its text the token may stand."""
    match error:
        case refusals.TelegramNetworkError():
            return type(error.__cause__ or error).__name__
        case refusals.TelegramAPIError():
            return _worded(error.message)
        case _:
            return type(error).__name__
