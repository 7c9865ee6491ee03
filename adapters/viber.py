"""Viber over its REST API: one bot, by webhook; https://developers.viber.com/docs/api/rest-bot-api/.

Where it bites: refusals come with HTTP 200 and a number; a bad keyboard is no refusal at all but a later
`failed` event; nothing drops a repeated send, so a time-out means "perhaps sent"; the welcome is our answer to
a webhook, for before the first word of a resident nothing may be sent. viberbot's calls are not used: they
block without a time limit, and on failure write what they sent, token and all, into the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog

from adapters.calling import NOTHING_LEFT, Calls, decoded, read
from adapters.viber_messages import CAPABILITIES, Sender, Step, encode, lowered, welcome
from adapters.viber_updates import EVENT_KINDS, NAME, Opened, check, decode, parse
from core.channel import (
    ChannelStopped,
    Identity,
    Outcome,
    Pace,
    Received,
    Rejected,
    RetryLater,
    Sending,
    Sent,
    Unknown,
    Unreachable,
    Webhook,
)
from core.errors import ChannelFailedError, ChannelMisconfiguredError
from core.messages import Incoming

log = structlog.get_logger()

# https://creators.viber.com/docs/bots-api/errors
OK: Final = 0
WEBHOOK_NOT_SET: Final = 10
API_LEVEL_UNKNOWN: Final = 13
STATUSES: Final[Mapping[int, Outcome]] = {
    1: ChannelStopped("1 invalidUrl"),
    2: ChannelStopped("2 invalidAuthToken"),
    3: Rejected("3 badData"),
    4: Rejected("4 missingData"),
    5: Unreachable("5 receiverNotRegistered"),
    6: Unreachable("6 receiverNotSubscribed"),
    7: ChannelStopped("7 publicAccountBlocked"),
    8: ChannelStopped("8 publicAccountNotFound"),
    9: ChannelStopped("9 publicAccountSuspended"),
    WEBHOOK_NOT_SET: RetryLater(60.0, scope="channel"),
    11: Unreachable("11 receiverNoSuitableDevice"),
    # A hundred an hour to one who does not answer.
    12: RetryLater(60.0),
    API_LEVEL_UNKNOWN: Rejected("13 apiVersionNotSupported"),
    14: Rejected("14 incompatibleWithVersion"),
    15: ChannelStopped("15 publicAccountNotAuthorized"),
    16: Rejected("16 inchatReplyMessageNotAllowed"),
    17: Rejected("17 publicAccountIsNotInline"),
    18: Rejected("18 noPublicChat"),
    19: Rejected("19 cannotSendBroadcast"),
    20: Rejected("20 broadcastNotAllowed"),
    21: Unreachable("21 unsupportedCountry"),
    22: Rejected("22 paymentUnsupported"),
    # Holding the lane would hold the answers behind it too, which stay free of charge.
    23: Rejected("23 freeMessagesExceeded"),
    24: Rejected("24 noBalance"),
}
# An answer that is not the API's but of something before it.
HTTP_STATUSES: Final[Mapping[int, Outcome]] = {
    400: Rejected("HTTP 400"),
    401: ChannelStopped("HTTP 401"),
    404: ChannelStopped("HTTP 404: is api_base right?"),
    413: Rejected("HTTP 413"),
    429: RetryLater(60.0, scope="channel"),
}

# The pace of single messages is not published. Of 100 an hour to one person none is near.
PACE: Final = Pace(rate=20, burst=20, chat_rate=2, chat_burst=5)
REQUEST_BYTES_MAX: Final = 30_000
# Where Viber keeps what residents send.
FILE_HOSTS: Final = ("viber.com",)
SENDER_CHARS_MAX: Final = 28

CALL_S: Final = 10
PAUSE_S: Final = 10.0  # after a fault of a gateway, or a connection that could not be made

ADDRESS: Final = re.compile(r"https?://[^\s{}]+")
TOKEN: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ViberSettings:
    """How to reach one bot.

    *sender_name* (at most 28 characters) and *avatar* (an https address, 100 KB at most) are what residents
    see beside each message. *api_base* is Viber's or a relay's; *proxy* an address like
    `http://user:password@host:3128` for requests going out.
    """

    token: str = field(repr=False)
    sender_name: str
    avatar: str = ""
    api_base: str = "https://chatapi.viber.com"
    proxy: str | None = field(default=None, repr=False)


class Viber:
    """One bot of Viber's, as `core.channel.Channel`.

    Raises ChannelMisconfiguredError for settings that can never work.
    """

    def __init__(self, settings: ViberSettings) -> None:
        _check(settings)
        self.name: str = NAME
        self.capabilities = CAPABILITIES
        self.pace = PACE
        self.ack_s = 4.0  # Viber does not say how long it waits; five seconds are assumed
        self.accepted = b""
        self._settings = settings
        self._sender = Sender(settings.sender_name, settings.avatar)
        self._calls = Calls(NAME, proxy=settings.proxy)

    def receive(self, webhook: Webhook) -> Received:
        """The event in a webhook's body; see `core.channel.Channel`."""
        check(self._settings.token, webhook.headers, webhook.body)
        match decode(parse(webhook.body)):
            case Opened(language=language, context=context):
                greeting = welcome(self._sender, language=language, context=context)
                return Received(
                    (), answer=msgspec.json.encode(greeting), ignored="somebody looks at the chat"
                )
            case received:
                return received

    # --- Sending ---------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; nothing of it is repeated within the call but for an older client's sake."""
        try:
            steps = encode(sending, self._sender)
        except ValueError as error:
            return Rejected(str(error))
        numbers = []
        for step in steps:
            outcome = await self._take(step)
            if not isinstance(outcome, Sent):
                return outcome
            numbers.append(outcome.message)
        # A phone may say later of any of them that it was not shown.
        return Sent(" ".join(numbers)) if numbers else Rejected("a message says nothing")

    async def _take(self, step: Step) -> Outcome:
        body = msgspec.json.encode(step)
        if len(body) > REQUEST_BYTES_MAX:
            return Rejected("the request is larger than 30 KB")
        try:
            status, answer = await self._post("send_message", body)
            if answer.get("status") == API_LEVEL_UNKNOWN:
                status, answer = await self._post("send_message", msgspec.json.encode(lowered(step)))
        except Exception as error:  # noqa: BLE001 - a proxy's errors have no family; whatever it is, it is classified
            return failed(error)
        if answer.get("status") == WEBHOOK_NOT_SET:
            log.error("webhook.missing", channel=NAME)
        return classify(status, answer)

    async def acknowledge(self, update: Incoming) -> None:
        """Nothing: Viber knows no answer to a press."""

    # --- Everything else -------------------------------------------------------------------------

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Raises ChannelFailedError: Viber posts to a webhook and can be asked nothing."""
        raise ChannelFailedError(NAME, f"cannot be polled (from {position!r}): it needs a webhook")

    async def download(self, file: str) -> bytes:
        """The bytes of a picture, from Viber's own hosts alone. Raises ChannelFailedError."""
        try:
            return await self._calls.download(file, base=self._settings.api_base, hosts=FILE_HOSTS)
        except ChannelFailedError:
            raise
        except Exception as error:  # noqa: BLE001 - a proxy's errors have no family
            raise ChannelFailedError(NAME, type(error).__name__) from None

    async def identify(self) -> Identity:
        """The bot's name, and how its webhook stands."""
        account = await self._ask("get_account_info", {})
        kinds, webhook = account.get("event_types") or (), str(account.get("webhook") or "")
        missing = [kind for kind in EVENT_KINDS if kind not in kinds] if webhook else []
        return Identity(
            id=str(account.get("id", "")),
            name=str(account.get("name", "")),
            webhook=webhook,
            complaint=f"events are not sent: {', '.join(missing)}; subscribe anew" if missing else "",
        )

    async def subscribe(self, url: str) -> None:
        """Set the webhook; Viber calls *url* before it answers, so our server has to listen already."""
        wanted = {"url": url, "event_types": EVENT_KINDS, "send_name": False, "send_photo": False}
        await self._ask("set_webhook", wanted)

    async def unsubscribe(self) -> None:
        """Remove the webhook; until it is set again residents cannot write to the bot."""
        await self._ask("set_webhook", {"url": ""})

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()

    # --- Calls -----------------------------------------------------------------------------------

    async def _ask(self, method: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        try:
            status, answer = await self._post(method, msgspec.json.encode(fields))
        except Exception as error:  # noqa: BLE001 - a proxy's errors have no family
            raise ChannelFailedError(NAME, type(error).__name__) from None
        if answer.get("status") != OK:
            said = (
                f"status {answer['status']}: {answer.get('status_message')}" if answer else f"HTTP {status}"
            )
            raise ChannelFailedError(NAME, said[:200])
        return answer

    async def _post(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The HTTP status of a call and what the API answered; empty if it was not the API that answered."""
        address = f"{self._settings.api_base.rstrip('/')}/pa/{method}"
        headers = {"X-Viber-Auth-Token": self._settings.token, "Content-Type": "application/json"}
        async with self._calls.request(
            "POST", address, timeout_s=CALL_S, data=body, headers=headers
        ) as answer:
            return answer.status, _answer(answer.status, await read(answer))


def classify(status: int, answer: Mapping[str, Any]) -> Outcome:
    """What an answer means for a message: by its number alone, for the words beside it vary."""
    match answer:
        case {"status": 0}:
            return Sent(str(answer.get("message_token", "")))
        case {"status": int(code)}:
            # The general error and what is newer than we: not for ever, so it counts as a try.
            return STATUSES.get(code, Unknown(f"status {code}"))
        case _:
            return HTTP_STATUSES.get(status, RetryLater(PAUSE_S, scope="channel"))


def failed(error: Exception) -> Outcome:
    """What an exception means: nothing left us if no connection was made; else Viber may have acted on it."""
    if isinstance(error, NOTHING_LEFT):
        return RetryLater(PAUSE_S, scope="channel")
    return Unknown(type(error).__name__)


def _check(settings: ViberSettings) -> None:
    if not TOKEN.fullmatch(settings.token):
        raise ChannelMisconfiguredError(NAME, "the token is not one line of letters, digits and dashes")
    if not 1 <= len(settings.sender_name) <= SENDER_CHARS_MAX:
        raise ChannelMisconfiguredError(NAME, f"sender_name must be 1 to {SENDER_CHARS_MAX} characters")
    if settings.avatar and not settings.avatar.startswith("https://"):
        raise ChannelMisconfiguredError(NAME, "avatar must be an https address")
    if not ADDRESS.fullmatch(settings.api_base):
        raise ChannelMisconfiguredError(NAME, "the API's base must be an http(s) address")
    if settings.proxy and not ADDRESS.fullmatch(settings.proxy):
        raise ChannelMisconfiguredError(NAME, "the proxy must be like http://host:3128")


def _answer(status: int, body: bytes) -> dict[str, Any]:
    if status != 200:
        return {}
    answer = decoded(body)
    return answer if isinstance(answer, dict) and "status" in answer else {}
