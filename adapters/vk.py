"""VK over its HTTP API, version 5.199: one community, by Callback API or Bots Long Poll.

Where it bites: a repeated `random_id` is dropped for about an hour and no longer; a file is three calls
before the send; the answer to VK's question whether an address is ours is another for servers that were added
by the API than for those added by hand; Long Poll brings no presses on keys that have grown old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from adapters.receiving import polled
from adapters.vk_api import (
    CALL_S,
    CALLS_PER_S,
    STALE_FILE,
    VERSION,
    VkApi,
    VkRefusedError,
    classify,
    failures_worded,
)
from adapters.vk_messages import CAPABILITIES, encode
from adapters.vk_updates import (
    CONFIRMATION,
    EVENT_KINDS,
    NAME,
    RETRY_HEADER,
    UNWANTED_KINDS,
    decode,
    proven,
)
from core.channel import Clock, Identity, Outcome, Pace, Received, RenderedFile, Sending, Sent, Webhook
from core.errors import ChannelFailedError, ChannelMisconfiguredError
from core.messages import Incoming

log = structlog.get_logger()

PACE: Final = Pace(rate=12, burst=8, chat_rate=3, chat_burst=5)

# VK drops a repeated random_id for an hour; from a little earlier on we look for ourselves.
LOOK_BACK_AFTER_S: Final = 50 * 60.0
LOOK_BACK_MESSAGES: Final = 200

POLL_S: Final = 25
POLL_KEY_S: Final = 6 * 3600.0
UPLOAD_S: Final = 45
DOWNLOAD_BYTES_MAX: Final = 20 * 1024 * 1024
# Where VK keeps what residents send.
FILE_HOSTS: Final = ("userapi.com", "vk.com", "vk.ru", "vkuser.net", "vkuserphoto.ru")

UNSENT_MAX: Final = 200
# https://dev.vk.com/ru/method/groups.addCallbackServer
SERVER_TITLE: Final = "kvitok"
SECRET_CHARS_MAX: Final = 50
WANTED: Final = {**dict.fromkeys(EVENT_KINDS, 1), **dict.fromkeys(UNWANTED_KINDS, 0)}


@dataclass(frozen=True, slots=True)
class VkSettings:
    """How to reach one community.

    *group* is its number. In webhook mode *secret* (at most 50 characters) comes in every event and
    *confirmation* answers VK's question whether the address is ours. *api_base* is VK's; *proxy* an address
    like `http://user:password@host:3128` for requests going out. *calls_per_s* is what VK allows the community.
    *secret_before*, if any, is accepted too: the platform may repeat what it sent before the change.
    """

    token: str = field(repr=False)
    group: int
    secret: str = field(default="", repr=False)
    secret_before: str = field(default="", repr=False)
    confirmation: str = field(default="", repr=False)
    mode: Literal["webhook", "polling"] = "webhook"
    api_base: str = "https://api.vk.ru"
    proxy: str | None = field(default=None, repr=False)
    calls_per_s: int = CALLS_PER_S


class _PollServer(msgspec.Struct):
    server: str
    key: str
    ts: str
    until_s: float = 0.0


class _Polled(msgspec.Struct):
    ts: str | int | None = None
    updates: tuple[Any, ...] = ()
    failed: int = 0


class Vk:
    """One community of VK's, as `core.channel.Channel`.

    *clock* dates presses. Raises ChannelMisconfiguredError for settings that can never work.
    """

    def __init__(self, settings: VkSettings, *, clock: Clock) -> None:
        _check(settings)
        self.name: str = NAME
        self.capabilities = CAPABILITIES
        self.pace = PACE
        self.ack_s = 3.0  # VK was seen to post again after four
        self.accepted = b"ok"
        self._settings = settings
        self._clock = clock
        self._api = VkApi(
            settings.token,
            base=settings.api_base,
            proxy=settings.proxy,
            calls_per_s=settings.calls_per_s,
        )
        self._poll_server: _PollServer | None = None
        # Uploads whose message did not get through: the next try of the row takes them up.
        self._unsent: dict[str, str] = {}

    def receive(self, webhook: Webhook) -> Received:
        """The event in a webhook's body; see `core.channel.Channel`."""
        of = self._settings
        fields = proven(webhook.body, group=of.group, secret=of.secret, before=of.secret_before)
        if fields.get("type") == CONFIRMATION:
            return Received((), answer=of.confirmation.encode(), ignored="a question whether this is ours")
        return decode(fields, group=of.group, now=self._clock(), again=RETRY_HEADER in webhook.headers)

    # --- Sending ---------------------------------------------------------------------------------

    async def send(self, sending: Sending) -> Outcome:
        """Deliver one message; files that VK no longer has are uploaded again, once."""
        try:
            return await self._carry_out(sending)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            stale = isinstance(error, VkRefusedError) and error.code in STALE_FILE and sending.files
            if not stale:
                return classify(error, sending)
        for file in sending.files:
            self._unsent.pop(file.sha256, None)
        try:
            return await self._carry_out(msgspec.structs.replace(sending, known_files={}))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is classified
            return classify(error, sending)

    async def _carry_out(self, sending: Sending) -> Outcome:
        form = encode(sending)
        if "cmid" in form:
            await self._api.call("messages.edit", **form)
            return Sent(str(form["cmid"]))
        if sending.tried_s_ago >= LOOK_BACK_AFTER_S and (found := await self._in_history(form)):
            return Sent(found)
        files = await self._attached(sending, peer=form["peer_ids"])
        if files:
            form["attachment"] = ",".join(files.values())
        place = _place(await self._api.call("messages.send", **form))
        for sha256 in files:
            self._unsent.pop(sha256, None)
        return Sent(place, files)

    async def _in_history(self, form: Mapping[str, Any]) -> str | None:
        """The place of the message that an earlier try left in the chat."""
        peer, number = form["peer_ids"], form["random_id"]
        history = await self._api.call("messages.getHistory", peer_id=peer, count=LOOK_BACK_MESSAGES)
        for item in history["items"]:
            if item.get("from_id") == -self._settings.group and item.get("random_id") == number:
                return str(item["conversation_message_id"])
        return None

    async def _attached(self, sending: Sending, *, peer: int) -> dict[str, str]:
        """The files of *sending* by their sha256, as messages attach them; those that VK lacks are uploaded."""
        files: dict[str, str] = {}
        for file in sending.files:
            known = sending.known_files.get(file.sha256) or self._unsent.get(file.sha256)
            files[file.sha256] = name = known or await self._upload(file, peer=peer)
            if known is None:
                self._unsent[file.sha256] = name
        while len(self._unsent) > UNSENT_MAX:
            del self._unsent[next(iter(self._unsent))]
        return files

    async def _upload(self, file: RenderedFile, *, peer: int) -> str:
        """Put *file* on VK's servers; the name by which messages attach it from then on."""
        if file.media_type.startswith("image/"):
            where = await self._api.call("photos.getMessagesUploadServer", peer_id=peer)
            stored = await self._put(file, "photo", where["upload_url"])
            if stored.get("photo") in {"[]", "", None}:
                raise ValueError("VK took no picture")
            kept = {name: stored[name] for name in ("server", "photo", "hash")}
            (saved,) = await self._api.call("photos.saveMessagesPhoto", **kept)
            return _attachment("photo", saved)
        where = await self._api.call("docs.getMessagesUploadServer", peer_id=peer, type="doc")
        stored = await self._put(file, "file", where["upload_url"])
        if "file" not in stored:
            raise ValueError("VK took no document")
        saved = await self._api.call("docs.save", file=stored["file"], title=file.name)
        return _attachment("doc", saved["doc"])

    async def _put(self, file: RenderedFile, part: str, address: str) -> Any:
        # What residents see is the title; in the name of the part Russian letters would be garbled.
        name = f"{part}.{file.name.rpartition('.')[2]}" if not file.name.isascii() else file.name
        form = aiohttp.FormData()
        form.add_field(part, file.body, filename=name, content_type=file.media_type)
        return await self._api.fetch("POST", address, timeout_s=UPLOAD_S, data=form)

    async def acknowledge(self, update: Incoming) -> None:
        """Stop the spinner of a pressed button; after a minute VK no longer cares."""
        if update.acknowledge is None:
            return
        press = {"event_id": update.acknowledge, "user_id": update.sender, "peer_id": update.chat}
        try:
            with failures_worded():
                await self._api.call("messages.sendMessageEventAnswer", **press)
        except ChannelFailedError as error:
            log.info("press.unacknowledged", channel=NAME, reason=error.reason)

    # --- Long Poll and files ---------------------------------------------------------------------

    async def poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        """Wait up to POLL_S for events after the `ts` *position*; see `core.channel.Channel`."""
        with failures_worded():
            return await self._poll(position)

    async def _poll(self, position: str) -> tuple[Sequence[Incoming], str]:
        at = self._poll_server
        if at is None or at.until_s < monotonic():
            at = self._poll_server = await self._begin_polling()
        since = position or at.ts
        query = {"act": "a_check", "key": at.key, "ts": since, "wait": str(POLL_S)}
        answer = await self._api.fetch("GET", at.server, params=query, timeout_s=POLL_S + CALL_S)
        polled = msgspec.convert(answer, _Polled)
        match polled.failed, polled.ts:
            case 0, (str() | int()) as ts:
                return [each for event in polled.updates for each in self._event(event)], str(ts)
            case 1, (str() | int()) as ts:
                log.warning("polling.lost", channel=NAME, reason="events older than VK keeps")
                return (), str(ts)
            case 2, _:
                self._poll_server = None
                return (), since
            case _:
                log.warning("polling.lost", channel=NAME, reason="VK began its count anew")
                self._poll_server = at = await self._begin_polling()
                return (), at.ts

    async def _begin_polling(self) -> _PollServer:
        group = self._settings.group
        settings = {"group_id": group, "enabled": 1, "api_version": VERSION}
        await self._api.call("groups.setLongPollSettings", **settings, **WANTED)
        server = await self._api.call("groups.getLongPollServer", group_id=group)
        return msgspec.structs.replace(msgspec.convert(server, _PollServer), until_s=monotonic() + POLL_KEY_S)

    def _event(self, event: object) -> Sequence[Incoming]:
        read = partial(decode, group=self._settings.group, now=self._clock())
        return polled(NAME, partial(read, event))

    async def download(self, file: str) -> bytes:
        """The bytes of a photo on VK's own servers. Raises ChannelFailedError; also where it is too large."""
        with failures_worded():
            return await self._api.download(file, base=self._settings.api_base, hosts=FILE_HOSTS)

    # --- What VK keeps of us ---------------------------------------------------------------------

    async def identify(self) -> Identity:
        """The community that the token is of, and how its server stands."""
        with failures_worded():
            return await self._identify()

    async def _identify(self) -> Identity:
        me = (await self._api.call("groups.getById"))["groups"][0]
        if me["id"] != self._settings.group:
            return Identity(str(me["id"]), me["name"], complaint="the token is another community's")
        ours = await self._server()
        status = ours.get("status", "ok")
        complaint = "" if status == "ok" else f"VK says of our server: {status}"
        return Identity(str(me["id"]), me["name"], webhook=ours.get("url", ""), complaint=complaint)

    async def subscribe(self, url: str) -> None:
        """Have VK post events to *url*; VK asks it at once whether it is ours.

        Raises ChannelFailedError where we would answer that question wrong: VK has another word for servers
        added by the API than its page shows.
        """
        with failures_worded():
            await self._subscribe(url)

    async def _subscribe(self, url: str) -> None:
        group = self._settings.group
        code = (await self._api.call("groups.getCallbackConfirmationCode", group_id=group))["code"]
        if code != self._settings.confirmation:
            what = f"set KVITOK_VK_CONFIRMATION to {code}, restart and subscribe again"
            raise ChannelFailedError(NAME, what)
        server = {"group_id": group, "url": url, "title": SERVER_TITLE, "secret_key": self._settings.secret}
        number = (await self._server()).get("id")
        if number is None:
            number = (await self._api.call("groups.addCallbackServer", **server))["server_id"]
        else:
            await self._api.call("groups.editCallbackServer", server_id=number, **server)
        settings = {"group_id": group, "server_id": number, "api_version": VERSION}
        await self._api.call("groups.setCallbackSettings", **settings, **WANTED)

    async def unsubscribe(self) -> None:
        """Take our server out of the community. What Long Poll keeps is kept."""
        with failures_worded():
            if (number := (await self._server()).get("id")) is not None:
                group = self._settings.group
                await self._api.call("groups.deleteCallbackServer", group_id=group, server_id=number)

    async def _server(self) -> Mapping[str, Any]:
        """Our server among the community's, known by its title; empty if there is none."""
        listed = await self._api.call("groups.getCallbackServers", group_id=self._settings.group)
        return next((each for each in listed["items"] if each.get("title") == SERVER_TITLE), {})

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


def _check(settings: VkSettings) -> None:
    def wrong(what: str) -> ChannelMisconfiguredError:
        return ChannelMisconfiguredError(NAME, what)

    if settings.group <= 0:
        raise wrong("group_id must be the community's number, without a minus")
    if not settings.token.strip() or not settings.token.isprintable():
        raise wrong("the token is empty or broken")
    if settings.mode == "webhook" and not 0 < len(settings.secret) <= SECRET_CHARS_MAX:
        raise wrong(f"the webhook secret must have 1 to {SECRET_CHARS_MAX} characters")
    if not _is_address(settings.api_base):
        raise wrong("the API's base must be an http(s) address")
    if settings.proxy is not None and not _is_address(settings.proxy):
        raise wrong("the proxy must be like http://host:3128")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _place(response: Any) -> str:
    """Where in the chat a message now is. Raises VkRefusedError: with many recipients each has an error of its own."""
    match response:
        case [{"error": {"code": int(code), **rest}}]:
            raise VkRefusedError(code, str(rest.get("description", "")))
        case [{"conversation_message_id": place}]:
            return str(place)
        case _:
            return ""  # sent, and not where


def _attachment(kind: str, saved: Mapping[str, Any]) -> str:
    key = f"_{saved['access_key']}" if saved.get("access_key") else ""
    return f"{kind}{saved['owner_id']}_{saved['id']}{key}"
