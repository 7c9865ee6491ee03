"""The residents' side of all messengers as JSON, for the page, for scripts and for tests."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from bots.simulator.residents import (
    ChatLog,
    JsonObject,
    Picture,
    ResidentRefusedError,
    Residents,
    awaited,
)

PAGE: Final = Path(__file__).parent / "page"
SAMPLE_PHOTO: Final = PAGE / "meter.jpg"
WAIT_S_MAX: Final = 55.0
PICTURE_BYTES_MAX: Final = 10 * 1024 * 1024

# What a browser may show of a chat's files by itself; everything else is downloaded.
SHOWN_TYPES: Final = frozenset({"image/png", "image/jpeg", "application/pdf"})


class ResidentApi:
    """What residents do and see, under `/simulator/api/{channel}/{chat}/`.

    `POST start {"payload"?}`, `say {"text"}`, `press {"message", "button"}`, `block`, `unblock`,
    `contact {"phone"?}` (the resident's own without it), `send {"kind"}`, and `photo {"caption"?}` or a photo
    as the body; each answers `{"ok", "last"}`, the id after which the bot's reply is to be waited for.
    `GET messages?after=N&wait=S` tells what was said or edited after N, see `ChatLog`. A refusal is
    `{"error"}` with 400 or 404. *chat* is any word or number; a negative number is a group where the
    messenger has groups.
    """

    def __init__(self, channels: Sequence[Residents]) -> None:
        self._by_name = {channel.name: channel for channel in channels}
        self._polls: set[asyncio.Task[list[JsonObject]]] = set()
        self._closing = False

    def close(self) -> None:
        """End the long polls that still wait."""
        self._closing = True
        for poll in self._polls:
            poll.cancel()

    def _of(self, name: str) -> Residents:
        if name not in self._by_name:
            raise ResidentRefusedError(404, f"no channel is called {name!r}")
        return self._by_name[name]

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        chat = "/simulator/api/{channel}/{chat:-?[A-Za-z0-9_]{1,32}}"
        return [
            web.get("/simulator/api/channels", self._channels),
            web.get("/simulator/api/news", self._news),
            web.get(f"{chat}/messages", self._messages),
            web.get(f"{chat}/files/{{name}}", self._file),
            web.post(f"{chat}/{{action}}", self._act),
        ]

    async def _channels(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "name": channel.name,
                    "title": channel.title,
                    "commands": [
                        {"command": entry.command, "description": entry.description}
                        for entry in channel.commands()
                    ],
                }
                for channel in self._by_name.values()
            ],
        )

    async def _messages(self, request: web.Request) -> web.Response:
        log = self._of(request.match_info["channel"]).log(request.match_info["chat"])
        after = int(_number(request, "after"))
        return await self._answer(request, lambda: log.messages(after), [log])

    async def _news(self, request: web.Request) -> web.Response:
        """One long poll for all phones of a page: `chat=telegram:101:7` (the last id seen), as often as needed.

        A browser opens six connections to a place at most, so a poll for each phone would not do.
        """
        seen = [_seen(entry) for entry in request.query.getall("chat", [])]
        try:
            logs = [(self._of(channel).log(chat), channel, chat, after) for channel, chat, after in seen]
        except ResidentRefusedError:
            # The simulator was started anew since: the page must begin its chats again.
            return web.json_response({"error": "a chat is not known here"}, status=404)

        def news() -> list[JsonObject]:
            return [
                {
                    "channel": channel,
                    "chat": chat,
                    "last": log.last,
                    "messages": log.messages(after),
                    "notices": log.notices(after),
                }
                for log, channel, chat, after in logs
                if log.last > after
            ]

        return await self._answer(request, news, [log for log, *_ in logs])

    async def _answer(
        self,
        request: web.Request,
        look: Callable[[], list[JsonObject]],
        logs: Sequence[ChatLog],
    ) -> web.Response:
        """What *look* finds, after waiting for it as long as the request allows."""
        wait_s = min(_number(request, "wait"), WAIT_S_MAX)
        poll = asyncio.create_task(awaited(look, logs, wait_s))
        self._polls.add(poll)
        try:
            return web.json_response(await poll)
        except asyncio.CancelledError:
            if not self._closing:
                raise
            return web.json_response([])
        finally:
            poll.cancel()
            self._polls.discard(poll)

    async def _file(self, request: web.Request) -> web.Response:
        where = request.match_info
        picture = self._of(where["channel"]).file(where["chat"], where["name"])
        return web.Response(body=picture.content, content_type=picture.type, headers=_headers_of(picture))

    async def _act(self, request: web.Request) -> web.Response:
        channel = self._of(request.match_info["channel"])
        chat = request.match_info["chat"]
        picture = await _picture_of(request)
        body = {} if picture else await body_of(request)
        match request.match_info["action"]:
            case "start":
                channel.start(chat, text_of(body, "payload", ""))
            case "say":
                channel.say(chat, text_of(body, "text"))
            case "press":
                channel.press(chat, _whole(body, "message"), text_of(body, "button"))
            case "photo":
                caption = text_of(body, "caption", "")
                channel.photo(chat, picture or _sample_photo(), caption)
            case "contact":
                channel.contact(chat, text_of(body, "phone", ""))
            case "send":
                channel.send(chat, text_of(body, "kind"))
            case "block":
                channel.block(chat)
            case "unblock":
                channel.unblock(chat)
            case action:
                raise ResidentRefusedError(404, f"nothing is called {action!r} here")
        return web.json_response({"ok": True, "last": channel.log(chat).last})


async def body_of(request: web.Request) -> Mapping[str, object]:
    """The request's JSON object; an empty body is an empty object."""
    raw = await request.read()
    try:
        body = json.loads(raw or "{}")
    except ValueError as error:
        raise ResidentRefusedError(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise ResidentRefusedError(400, "the body is not a JSON object")
    return body


def text_of(body: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = body.get(key, default)
    if not isinstance(value, str):
        raise ResidentRefusedError(400, f"{key!r} must be a string")
    return value


def _whole(body: Mapping[str, object], key: str) -> int:
    value = body.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ResidentRefusedError(400, f"{key!r} must be a whole number")
    return value


def _number(request: web.Request, key: str) -> float:
    try:
        value = float(request.query.get(key, "0"))
    except ValueError as error:
        raise ResidentRefusedError(400, f"{key!r} must be a number") from error
    if not math.isfinite(value) or value < 0:
        raise ResidentRefusedError(400, f"{key!r} must be a number from 0")
    return value


def _seen(entry: str) -> tuple[str, str, int]:
    """Channel, chat and the last id seen from `telegram:101:7`."""
    match entry.split(":"):
        case [channel, chat, last] if last.isascii() and last.isdigit():
            return channel, chat, int(last)
        case _:
            raise ResidentRefusedError(400, f"{entry!r} is not like telegram:101:7")


async def _picture_of(request: web.Request) -> Picture | None:
    """The picture that the body is, where it is one."""
    if not request.content_type.startswith("image/"):
        return None
    content = await request.read()
    if len(content) > PICTURE_BYTES_MAX:
        raise ResidentRefusedError(400, "the picture is larger than 10 MB")
    return Picture("photo", request.content_type, content)


def _sample_photo() -> Picture:
    return Picture(SAMPLE_PHOTO.name, "image/jpeg", SAMPLE_PHOTO.read_bytes())


def _headers_of(picture: Picture) -> dict[str, str]:
    kind = "inline" if picture.type in SHOWN_TYPES else "attachment"
    headers = {
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(picture.name)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    # A browser's reader of PDF does not work in a sandbox; a picture needs nothing else.
    return headers if picture.type == "application/pdf" else headers | {"Content-Security-Policy": "sandbox"}
