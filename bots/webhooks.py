"""The web server that messengers post to: it answers once the turn is committed, and never before.

A platform sends again what is not answered with 200, for hours, and may hold the chat's next update until
then. So what is authentic but cannot be read is accepted and logged; 5xx means that we are too busy or the
database is away, and that the same update is welcome later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

import structlog
from aiohttp import web

from bots.answering import Answering
from bots.taking import Taken, Taker
from core.channel import Channel, Received, Refused, Webhook
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Incoming
from storage.failures import AWAY, PASSING

log = structlog.get_logger()

BODY_BYTES_MAX: Final = 1024 * 1024
BODY_S: Final = 10.0
RETRY_AFTER_S: Final = 5
# Longer than a reverse proxy keeps an idle connection, so that it never posts into a closing one; it is also
# how long a slow client may take over its headers.
KEEPALIVE_S: Final = 75.0
LINGER_S: Final = 2.0
LEAVE_S: Final = 10.0

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]
NoteRefused: TypeAlias = Callable[[str, Sequence[Refused]], Awaitable[None]]


class Webhooks:
    """The routes of all channels' webhooks, and the turns that they started.

    *refused* writes down what a channel says of messages that it had taken. *trusted_proxies* are the
    networks whose word about the sender's address is believed. *answering*: what those channels have to say
    that are spoken to in the responses to their requests.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        taker: Taker,
        *,
        refused: NoteRefused,
        trusted_proxies: Networks = (),
        answering: Mapping[str, Answering] | None = None,
    ) -> None:
        self._channels = channels
        self._answering = answering or {}
        self._taker = taker
        self._refused = refused
        self._trusted_proxies = trusted_proxies
        self._turns: set[asyncio.Task[Taken]] = set()

    def add_to(self, app: web.Application) -> None:
        """Serve the webhooks in *app*, and see running turns through when it stops."""
        app.router.add_post("/webhooks/{channel}", self.receive)
        app.router.add_post("/webhooks/{channel}/{secret}", self.receive)
        app.router.add_get("/healthz", _healthy)
        app.on_cleanup.append(self._see_through)

    async def receive(self, request: web.Request) -> web.Response:
        """One request of a platform: 200 when its turns are committed, 503 when they may come again."""
        began = asyncio.get_running_loop().time()
        channel = self._channels.get(request.match_info["channel"])
        if channel is None:
            raise web.HTTPNotFound
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await read_body(request)
        webhook = Webhook(headers, request.match_info.get("secret", ""), body)
        received = self._read(channel, webhook, request)
        if (answering := self._answering.get(channel.name)) is not None:
            return await self._respond(request, webhook, received, answering, began=began)
        if not (
            await self._noted(channel.name, received.refused)
            and await self._take(received.updates, until=began + channel.ack_s)
        ):
            log.warning("webhook.postponed", channel=channel.name)
            return web.Response(status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
        return _response(channel.accepted if received.answer is None else received.answer)

    async def _respond(
        self,
        request: web.Request,
        webhook: Webhook,
        received: Received,
        answering: Answering,
        *,
        began: float,
    ) -> web.Response:
        """The response that says what waits for the chat, once the request's turns are committed; never 5xx.

        Where they are not in time it asks for patience, and what they come to waits for the next request.
        """
        channel = answering.channel
        in_time = await self._take(received.updates, until=began + channel.answer_within_s)
        if received.answer is not None or not received.updates or not in_time:
            return _response(received.answer or channel.answer(webhook, ()))
        async with answering.waiting_for(received.updates[0].chat) as messages:
            response = _response(channel.answer(webhook, messages))
            await response.prepare(request)
            await response.write_eof()
        return response

    def _read(self, channel: Channel, webhook: Webhook, request: web.Request) -> Received:
        try:
            received = channel.receive(webhook)
        except ForgedWebhookError:
            address = client_address(request, trusted=self._trusted_proxies)
            log.warning("webhook.forged", channel=channel.name, address=address)
            raise web.HTTPForbidden from None
        except UnusableUpdateError as error:
            log.warning("update.unusable", channel=channel.name, reason=error.reason)
            return Received(())
        if received.ignored:
            log.info("update.ignored", channel=channel.name, reason=received.ignored)
        return received

    async def _noted(self, channel: str, refused: Sequence[Refused]) -> bool:
        """Whether it is written down that messages were *refused*; if not, the platform is to say it again."""
        try:
            if refused:
                await self._refused(channel, refused)
        except (*AWAY, *PASSING) as away:
            log.warning("refusal.unnoted", channel=channel, why=type(away).__name__)
            return False
        return True

    async def _take(self, updates: Sequence[Incoming], *, until: float) -> bool:
        """Whether all turns were committed (or need not be) by the loop's time *until*.

        Turns are tasks of their own: neither a sender that hangs up nor the end of our patience stops one.
        """
        if not updates:
            return True
        turns = [asyncio.create_task(self._turn(update)) for update in updates]
        for turn in turns:
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)
        patience_s = max(0.0, until - asyncio.get_running_loop().time())
        done, waiting = await asyncio.wait(turns, timeout=patience_s)
        return not waiting and all(turn.result() is not Taken.BUSY for turn in done)

    async def _turn(self, update: Incoming) -> Taken:
        try:
            return await self._taker.take(update)
        except Exception:
            log.exception("turn.lost", channel=update.channel, key=update.key)
            return Taken.BUSY

    async def _see_through(self, _: web.Application) -> None:
        if self._turns:
            await asyncio.wait(self._turns, timeout=LEAVE_S)


def web_runner(app: web.Application) -> web.AppRunner:
    """*app* behind limits on slow clients, with no access log: addresses of requests hold secrets."""
    return web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE_S,
        lingering_time=LINGER_S,
        shutdown_timeout=LEAVE_S,
    )


async def read_body(request: web.Request) -> bytes:
    """The whole body. Raises 413 beyond BODY_BYTES_MAX, 408 beyond BODY_S and 400 for a broken one."""
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, request.content_length or 0)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    raise web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
    return bytes(body)


def _response(body: bytes) -> web.Response:
    kind = "application/json" if body.startswith(b"{") else "text/plain"
    return web.Response(body=body, content_type=kind)


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def client_address(request: web.Request, *, trusted: Networks) -> str:
    """Who really sent *request*: see `address_behind`."""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
    return address_behind(request.remote or "", forwarded.split(","), trusted=trusted)


def address_behind(peer: str, forwarded: Iterable[str], *, trusted: Networks) -> str:
    """The address of the client behind our own proxies.

    Each proxy appends whom it heard from to *forwarded*, so we walk from the right for as long as the
    speaker is *trusted*; whatever stands further left a client may have written itself. An IPv4 address that
    came as an IPv6 one is given as what it is.
    """
    speaker = peer
    for claimed in reversed([part.strip() for part in forwarded]):
        if not _is_trusted(speaker, trusted) or _address(claimed) is None:
            break
        speaker = claimed
    address = _address(speaker)
    return speaker if address is None else str(address)


def _is_trusted(speaker: str, trusted: Networks) -> bool:
    address = _address(speaker)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
