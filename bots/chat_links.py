"""The page that opens a chat which only an application's own address opens (viber://).

Buttons of messengers take https alone, so the address that is told is this page's; its one button leads on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Final

from aiohttp import web

from bots.pages import HEADERS, PAGE, STYLE
from core.messages import text
from core.turns import Centre
from core.wording import LANGUAGES, Words

CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def chat_routes(links: Mapping[str, str], centre: Centre) -> list[web.RouteDef]:
    """The route of the page; *links*: the address of each channel's chat, with `{code}` in its place."""

    async def open_chat(request: web.Request) -> web.Response:
        link, code = links.get(request.match_info["channel"]), request.match_info["code"]
        if link is None or not CODE.fullmatch(code):
            raise web.HTTPNotFound
        return _page(centre, request.match_info["channel"], link.replace("{code}", code))

    return [web.get("/c/{channel}/{code}", open_chat)]


def _page(centre: Centre, channel: str, address: str) -> web.Response:
    words = Words.of(LANGUAGES[0], centre.zone)
    title = escape(words.plain(text("chat-page-title", channel=text("channel-name", channel=channel))))
    label = escape(words.plain(text("chat-page-button")))
    body = f'<h1>{title}</h1>\n<a class="button" rel="noreferrer" href="{escape(address)}">{label}</a>'
    page = PAGE.substitute(
        language=words.language,
        refresh="",
        title=title,
        style=STYLE,
        centre=escape(centre.name),
        body=body,
    )
    return web.Response(text=page, content_type="text/html", headers=HEADERS)
